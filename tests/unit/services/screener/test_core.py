"""The screener's core: one screen a day and rule, kept; what history cannot serve is said, not raised."""

from collections.abc import Sequence

import pytest

from common.domain.reasons import Reason
from common.messages.codec import decode_body, encode_body
from common.messages.control import Fault
from common.messages.outputs import Drop, Effect, Message, Origin, Output, Publish, Reply, Save, Token
from common.messages.signals import ExplainRequest, Explanation, Pool, PoolRequest, PoolRow
from common.messages.topics import POOL
from services.screener.calls import DayScreened, ExplainStock, ScreenDay, ScreenFailed, StockExplained
from services.screener.core import ScreenerCore, pool_key

DAY = 20260105
CALL = ScreenDay("limit_up", DAY, ())
RULES = ("limit_up", "bottom_fractal")


def asker(name: str) -> Origin:
    return Origin(name, token=Token("ask", b"", name))


def pool(day: int = DAY, rule: str = "limit_up", rows: int = 1) -> Pool:
    return Pool(rule, day, tuple(PoolRow(f"60000{at}.SH", "n", {"float_value": 1}, {}) for at in range(rows)), 10)


def replies(outputs: Sequence[Output]) -> dict[str, Message]:
    return {output.token.correlation_id: output.message for output in outputs if isinstance(output, Reply)}


def kept(outputs: Sequence[Output]) -> dict[str, Message]:
    """What is on disk afterwards, through the codec."""
    return {output.key: decode_body(encode_body(output.record)) for output in outputs if isinstance(output, Save)}


def test_a_pool_is_screened_once_published_kept_and_answered() -> None:
    core = ScreenerCore(RULES)
    assert core.on_message(PoolRequest("limit_up", DAY), asker("one"), 0) == (Effect(CALL),)
    assert core.on_message(PoolRequest("limit_up", DAY), asker("two"), 0) == ()
    outputs = core.on_message(DayScreened(CALL, pool()), Origin("local"), 0)
    assert replies(outputs) == {"one": pool(), "two": pool()}
    assert [output for output in outputs if isinstance(output, Publish)] == [Publish(POOL, pool())]
    assert list(kept(outputs)) == [pool_key(CALL)]
    assert replies(core.on_message(PoolRequest("limit_up", DAY), asker("three"), 0)) == {"three": pool()}


def test_a_restart_keeps_the_pools() -> None:
    core = ScreenerCore(RULES)
    core.on_message(PoolRequest("limit_up", DAY), asker("one"), 0)
    saved = kept(core.on_message(DayScreened(CALL, pool()), Origin("local"), 0))
    again = ScreenerCore(RULES)
    again.restore((), saved)
    assert again.on_start(0) == ()
    assert replies(again.on_message(PoolRequest("limit_up", DAY), asker("two"), 0)) == {"two": pool()}
    assert again.status()[2]["pools"] == 1


def test_fresh_screens_again_and_injected_symbols_are_another_pool() -> None:
    core = ScreenerCore(RULES)
    core.on_message(PoolRequest("limit_up", DAY), asker("one"), 0)
    core.on_message(DayScreened(CALL, pool()), Origin("local"), 0)
    assert core.on_message(PoolRequest("limit_up", DAY, fresh=True), asker("two"), 0) == (Effect(CALL),)
    injected = ScreenDay("limit_up", DAY, ("000001.SZ", "600000.SH"))
    request = PoolRequest("limit_up", DAY, symbols=("600000.SH", "000001.SZ", "600000.SH"))
    assert core.on_message(request, asker("three"), 0) == (Effect(injected),)
    saved = kept(core.on_message(DayScreened(injected, pool(rows=2)), Origin("local"), 0))
    again = ScreenerCore(RULES)
    again.restore((), saved)
    assert replies(again.on_message(request, asker("four"), 0)) == {"four": pool(rows=2)}
    assert again.on_message(PoolRequest("limit_up", DAY), asker("five"), 0) == (Effect(CALL),)


def test_what_history_cannot_serve_is_not_ready_not_kept_and_asked_again() -> None:
    core = ScreenerCore(RULES)
    core.on_message(PoolRequest("limit_up", DAY), asker("one"), 0)
    outputs = core.on_message(ScreenFailed(CALL, "daily bars are missing"), Origin("local"), 0)
    assert replies(outputs) == {"one": Pool("limit_up", DAY, (), 0, note="daily bars are missing", ready=False)}
    assert not kept(outputs)
    assert not any(isinstance(output, Publish) for output in outputs)
    assert core.on_message(PoolRequest("limit_up", DAY), asker("two"), 0) == (Effect(CALL),)
    assert core.status()[2]["failed"] == 1


def test_a_pool_that_is_not_ready_is_answered_but_not_published() -> None:
    core = ScreenerCore(RULES)
    core.on_message(PoolRequest("limit_up", DAY), asker("one"), 0)
    poor = Pool("limit_up", DAY, (), 0, note="incomplete", ready=False)
    outputs = core.on_message(DayScreened(CALL, poor), Origin("local"), 0)
    assert replies(outputs) == {"one": poor}
    assert not any(isinstance(output, Publish | Save) for output in outputs)


def test_an_unknown_rule_is_a_fault_that_names_the_rules() -> None:
    answer = replies(ScreenerCore(RULES).on_message(PoolRequest("nothing", DAY), asker("one"), 0))["one"]
    assert isinstance(answer, Fault)
    assert "limit_up, bottom_fractal" in answer.text


def test_explain() -> None:
    core = ScreenerCore(RULES)
    call = ExplainStock("600000.SH", DAY)
    explanation = Explanation("600000.SH", DAY, {"limit_up": ()})
    assert core.on_message(ExplainRequest("600000.SH", DAY), asker("one"), 0) == (Effect(call),)
    assert replies(core.on_message(StockExplained(call, explanation), Origin("local"), 0)) == {"one": explanation}


@pytest.mark.parametrize(
    ("unknown", "answer"),
    [
        (True, Fault(Reason.UNKNOWN_SYMBOL, "why")),
        (False, Explanation("600000.SH", DAY, {}, "why")),
    ],
)
def test_explain_that_cannot_be_served(unknown: bool, answer: Message) -> None:
    core = ScreenerCore(RULES)
    call = ExplainStock("600000.SH", DAY)
    core.on_message(ExplainRequest("600000.SH", DAY), asker("one"), 0)
    outputs = core.on_message(ScreenFailed(call, "why", unknown_symbol=unknown), Origin("local"), 0)
    assert replies(outputs) == {"one": answer}


def test_old_pools_make_room() -> None:
    core = ScreenerCore(RULES, pools_max=2)
    dropped = []
    for day in (20260107, 20260105, 20260106):
        call = ScreenDay("limit_up", day, ())
        core.on_message(PoolRequest("limit_up", day), asker("one"), 0)
        outputs = core.on_message(DayScreened(call, pool(day)), Origin("local"), 0)
        dropped += [output.key for output in outputs if isinstance(output, Drop)]
    assert dropped == [pool_key(ScreenDay("limit_up", 20260105, ()))]


def test_other_messages_and_deadlines_do_nothing() -> None:
    core = ScreenerCore(RULES)
    assert core.on_message(Fault(Reason.NONE, ""), asker("one"), 0) == ()
    assert core.on_deadline(0) == ()
    assert core.next_deadline_ns() is None
    assert core.status() == (
        True, "ready", {"pools": 0, "screened": 0, "failed": 0, "last_day": 0}, {"rules": "limit_up, bottom_fractal"},
    )  # fmt: skip
