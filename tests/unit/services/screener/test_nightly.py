"""The cycle around the screener's core: kept over restarts, failures told once, no pool before its time."""

from collections.abc import Sequence

from common.messages.codec import decode_body, encode_body
from common.messages.kept import KeptNightly
from common.messages.outputs import LOCAL, Effect, Log, Message, Origin, Output, Publish, Reply, Save, Token
from common.messages.signals import Pool, PoolRequest, PoolRow
from services.screener.calls import DayScreened, ScreenDay
from services.screener.core import ScreenerCore
from services.screener.nightly import KEY, CycleNext, NightlyCore, StartCycle, StepDone, StepFailed
from services.screener.schedule import Step

RULES = ("limit_up", "bottom_fractal")
FRIDAY, MONDAY = 20260109, 20260112
ASKER = Origin("signal_engine", token=Token("ask", b"", "one"))


def core(kept: dict[str, Message] | None = None) -> NightlyCore:
    made = NightlyCore(ScreenerCore(RULES), ["limit_up"])
    made.restore((), kept or {})
    return made


def kept(outputs: Sequence[Output]) -> dict[str, Message]:
    """What is on disk afterwards, through the codec."""
    return {output.key: decode_body(encode_body(output.record)) for output in outputs if isinstance(output, Save)}


def logs(outputs: Sequence[Output]) -> list[str]:
    return [output.event for output in outputs if isinstance(output, Log)]


def answer(outputs: Sequence[Output]) -> Pool:
    (found,) = [output.message for output in outputs if isinstance(output, Reply)]
    assert isinstance(found, Pool)
    return found


def prepared(note: str = "") -> NightlyCore:
    made = core()
    made.on_message(StepDone(Step.CLOSE, FRIDAY, 1, "rows"), LOCAL, 1)
    made.on_message(StepDone(Step.OPEN, MONDAY, 2, "rows", note), LOCAL, 2)
    return made


def test_a_start_hands_the_cycle_what_was_done() -> None:
    state = KeptNightly(close_day=FRIDAY, open_day=FRIDAY)
    assert core({KEY: state}).on_start(5) == [Effect(StartCycle(state))]


def test_a_done_step_is_kept_and_shown() -> None:
    made = core()
    outputs = made.on_message(StepDone(Step.CLOSE, FRIDAY, 7, "5 sessions"), LOCAL, 7)
    assert kept(outputs) == {KEY: KeptNightly(close_day=FRIDAY, close_at_ns=7)}
    assert logs(outputs) == ["nightly step done"]
    made.on_message(CycleNext("open of 20260112 at 08:50:00"), LOCAL, 8)
    _, _, numbers, words = made.status()
    assert numbers["nightly_close"] == FRIDAY
    assert words["nightly"] == "closed up to 20260109, opened 0; next: open of 20260112 at 08:50:00"


def test_an_opened_session_is_screened_and_published() -> None:
    made = core()
    made.on_message(StepDone(Step.CLOSE, FRIDAY, 1, ""), LOCAL, 1)
    outputs = made.on_message(StepDone(Step.OPEN, MONDAY, 2, ""), LOCAL, 2)
    call = ScreenDay("limit_up", MONDAY, ())
    assert [output for output in outputs if isinstance(output, Effect)] == [Effect(call)]
    pool = Pool("limit_up", MONDAY, (PoolRow("600000.SH", "n", {"float_value": 1}, {}),), 10)
    published = made.on_message(DayScreened(call, pool), LOCAL, 3)
    assert [output.message for output in published if isinstance(output, Publish)] == [pool]
    assert answer(made.on_message(PoolRequest("limit_up", MONDAY), ASKER, 4)) == pool


def test_what_is_assumed_is_written_on_the_pool() -> None:
    made = prepared(note="ST carried over")
    call = ScreenDay("limit_up", MONDAY, ())
    pool = Pool("limit_up", MONDAY, (), 10, note="unknown ST state allowed")
    published = made.on_message(DayScreened(call, pool), LOCAL, 3)
    notes = [
        output.message.note for output in published if isinstance(output, Publish) and isinstance(output.message, Pool)
    ]
    assert notes == ["unknown ST state allowed; ST carried over"]
    assert made.status()[3]["nightly_assumes"] == "ST carried over"


def test_a_session_that_is_not_prepared_has_no_pool_and_says_why() -> None:
    made = core()
    made.on_message(StepDone(Step.CLOSE, FRIDAY, 1, ""), LOCAL, 1)
    pool = answer(made.on_message(PoolRequest("limit_up", MONDAY), ASKER, 2))
    assert not pool.ready
    assert "20260112" in pool.note
    made.on_message(StepFailed(Step.OPEN, MONDAY, 3, "tushare has no limits of 20260112 yet", refused=False), LOCAL, 3)
    pool = answer(made.on_message(PoolRequest("limit_up", MONDAY), ASKER, 4))
    assert "no limits" in pool.note
    # Also when somebody asks for it anew, and when the history would give one.
    assert not answer(made.on_message(PoolRequest("limit_up", MONDAY, fresh=True), ASKER, 5)).ready


def test_earlier_sessions_are_screened_as_ever() -> None:
    outputs = prepared().on_message(PoolRequest("limit_up", 20260105), ASKER, 4)
    assert list(outputs) == [Effect(ScreenDay("limit_up", 20260105, ()))]


def test_a_failure_is_told_once_and_shown_for_as_long_as_it_lasts() -> None:
    made = core()
    failed = StepFailed(Step.CLOSE, FRIDAY, 7, "baostock: no answer", refused=False)
    first = made.on_message(failed, LOCAL, 7)
    assert logs(first) == ["nightly step failed"]
    second = made.on_message(StepFailed(Step.CLOSE, FRIDAY, 9, "baostock: no answer", refused=False), LOCAL, 9)
    assert logs(second) == []
    assert made.status()[2]["nightly_tries"] == 2
    assert made.status()[3]["nightly_failed"] == "close of 20260109: baostock: no answer"
    # A restart does not tell it again, another cause does.
    again = core(kept(second))
    assert logs(again.on_message(failed, LOCAL, 11)) == []
    assert logs(again.on_message(StepFailed(Step.CLOSE, FRIDAY, 12, "no room", refused=True), LOCAL, 12)) == [
        "nightly step failed"
    ]
    done = again.on_message(StepDone(Step.CLOSE, FRIDAY, 13, ""), LOCAL, 13)
    assert kept(done)[KEY] == KeptNightly(close_day=FRIDAY, close_at_ns=13)
    assert again.status()[3]["nightly_failed"] == ""
    assert logs(again.on_message(StepFailed(Step.CLOSE, MONDAY, 14, "no room", refused=True), LOCAL, 14)) == [
        "nightly step failed"
    ]
