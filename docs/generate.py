"""Write the pages of docs/reference that the code itself can tell: python -m docs.generate [--check]."""

import sys
from pathlib import Path

from common.backtests.reference import metrics_page, result_page
from common.bus.endpoints import LINKS, SERVICES, STRIDE
from common.bus.reference import roles_page
from common.bus.roles import VERBS
from common.bus.sockets import BATCH_BYTES_MAX, ORDER_BYTES_MAX
from common.domain.orders import Action, OrderState, PriceKind
from common.domain.values import Board, Pace, Phase, Side, TradingState
from common.history.reference import history_page
from common.messages.backtests import JobState
from common.messages.header import Role
from common.messages.market import InstrumentFlag
from common.messages.reference import Wire, protocol_page, reasons_page
from common.messages.signals import VerdictStatus
from common.runtime.config import System
from common.screens.reference import screens_page
from services.cli.rulebook_page import rules_page

REFERENCE = Path(__file__).resolve().parent / "reference"
MESSAGES = Path(__file__).resolve().parent.parent / "common" / "messages"
ENUMS = (JobState, Side, Action, PriceKind, OrderState, VerdictStatus, Phase, TradingState, Board, Pace, Role)
RESULT = MESSAGES.parent / "backtests" / "result.py"
CLIENT = REFERENCE / "req_client.py"


def wire() -> Wire:
    """Gather what the protocol page tells."""
    modules = ("bounds", "header", "market", "signals", "orders", "control", "backtests", "kept")
    return Wire(
        services=SERVICES,
        links=LINKS,
        base_port=System().base_port,
        stride=STRIDE,
        verbs=VERBS,
        limits={"pub": BATCH_BYTES_MAX, "ask": ORDER_BYTES_MAX, "control": ORDER_BYTES_MAX},
        sources={name: (MESSAGES / f"{name}.py").read_text(encoding="utf-8") for name in modules},
        numbers={
            **{kind.__name__: {member.name: member.value for member in kind} for kind in ENUMS},
            "InstrumentFlag": {name: bit for name, bit in vars(InstrumentFlag).items() if name.isupper()},
        },
        client=CLIENT.read_text(encoding="utf-8"),
    )


def pages() -> dict[str, str]:
    """Return the text of every page by file name."""
    return {
        "protocol.md": protocol_page(wire()),
        "reasons.md": reasons_page(),
        "roles.md": roles_page(),
        "metrics.md": metrics_page(),
        "backtest-result.md": result_page(RESULT.read_text(encoding="utf-8")),
        "ashare-rules.md": rules_page(),
        "history.md": history_page(),
        "screens.md": screens_page(),
    }


def stale(folder: Path = REFERENCE) -> list[str]:
    """Return the pages that differ from what the code says."""
    found = {name: folder / name for name in pages()}
    return [
        name for name, text in pages().items() if not found[name].is_file() or found[name].read_text("utf-8") != text
    ]


def main(args: list[str]) -> int:
    """Write the pages, or only check them."""
    if args == ["--check"]:
        old = stale()
        for name in old:
            print(f"docs/reference/{name} is not what the code says; run: python -m docs.generate", file=sys.stderr)
        return 1 if old else 0
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
