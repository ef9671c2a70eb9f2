"""The reference page of roles, made from the tables that are checked."""

from collections.abc import Iterable

from common.bus.endpoints import SERVICES
from common.bus.links import PLAIN_PUBLISHERS
from common.bus.roles import HEARERS, NARROWER, STATUS, VERBS, may_say
from common.messages.header import Role
from common.messages.reference import NOTICE

WIDEST = {"StateRequest": "StateRequest:HALTED", "KillRequest": "KillRequest:ON"}
"""Kinds of message whose verbs differ in who may, to the verb that all may who may send the kind at all."""
ROLES = tuple(role for role in Role if role is not Role.STRANGER)
TEXT = """\
逐条消息按密钥的角色检查，不是只在连接时检查；表里没有的谁也不能发。
每个 CURVE 插座有自己的 ZAP 域；没有密钥、密钥不在名单里、看门人不在：一律进不去。
`listen` 是订阅该服务的发布；行情（market_data）不加密，谁都能听。
`StateRequest:ACTIVE` 是恢复交易，`StateRequest:REDUCING` 是只减仓：看板（web）只能停止交易；`KillRequest:OFF` 是关掉总开关。

Every message is checked by the role of its key, not only the connection; what is not in the table nobody may send.
Each CURVE socket has a ZAP domain of its own; without a key, with an unknown key, or while the doorkeeper is dead nobody gets in.
`listen` is subscribing to what the service publishes; quotes (market_data) are plain, and anybody may listen.
`StateRequest:ACTIVE` resumes trading, `StateRequest:REDUCING` lets exits through only: the board (web) may only halt; `KillRequest:OFF` lets orders through again.
"""


def rows() -> Iterable[tuple[str, str, frozenset[Role]]]:
    """Yield (socket, verb, roles that may) in the order of the page."""
    for service in SERVICES:
        yield f"{service}/pub", "listen", HEARERS[service]
        for link in ("ask", "control"):
            for kind in (STATUS, *VERBS.get((service, link), {})):
                for verb in [name for name in NARROWER if name.startswith(f"{kind}:")] + [kind]:
                    shown = WIDEST.get(verb, verb)
                    yield (
                        f"{service}/{link}",
                        shown,
                        frozenset(role for role in Role if may_say(service, link, verb, role)),
                    )


def roles_page() -> str:
    """Return docs/reference/roles.md."""
    heads = ["插座 / socket", "动词 / verb", *(role.name.lower() for role in ROLES), "stranger"]
    lines = [NOTICE, "# 角色 / Roles", "", TEXT, f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for place, verb, allowed in rows():
        public = verb == "listen" and place.split("/")[0] in PLAIN_PUBLISHERS
        cells = ["✓" if role in allowed else "" for role in ROLES] + ["✓" if public else ""]
        lines.append(f"| `{place}` | `{verb}` | {' | '.join(cells)} |")
    return "\n".join(lines).rstrip() + "\n"
