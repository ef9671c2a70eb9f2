"""What differs between a run and the pipeline, and the cause that is named for it."""

from collections.abc import Mapping

import pytest

from common.domain.orders import Action, PriceKind
from common.domain.reasons import Reason
from common.domain.values import Side, push_id
from common.messages.kept import CheckRecord
from common.messages.orders import (
    CancelSubmitted,
    DayClosed,
    DayResult,
    EventRow,
    IntentDenied,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderInDoubt,
    OrderRejected,
    OrderSubmitted,
    SubmitOrder,
)
from common.messages.signals import Condition, Pool, PoolRow, Signal, Verdict, VerdictStatus
from services.cli import day_books, differences
from services.cli.day_books import DayBooks, Traces
from services.cli.differences import Circumstances, Difference, compare

DAY, BEFORE = 20260106, 20260105
PUSH = push_id(DAY, 40)
THROUGH = push_id(DAY, 1000)
SYMBOL, OTHER = "600001.SH", "600002.SH"
COID = "260106ABCDEFGHJKMNPQ"
KEY = f"limit_up|{DAY}|{SYMBOL}|LIMIT_UP_TOUCH|0"


def signal(push: int = PUSH, symbol: str = SYMBOL, key: str = KEY) -> Signal:
    return Signal(
        key, "limit_up", symbol, push, push, Action.ENTER, 0, PriceKind.AT_UP_LIMIT, 53_790, Reason.LIMIT_UP_TOUCH, 1
    )


def verdict(push: int = PUSH, reason: Reason = Reason.NONE, **changes: object) -> Verdict:
    status = VerdictStatus.APPROVED if reason is Reason.NONE else VerdictStatus.DENIED
    fields: dict[str, object] = {
        "key": KEY, "status": status, "reason": reason, "coid": COID, "symbol": SYMBOL, "side": 1, "shares": 500,
        "price": 11_000, "push": push, "rule": "limit_up", "action": 1, "cause": Reason.LIMIT_UP_TOUCH,
    }  # fmt: skip
    return Verdict(**{**fields, **changes})  # type: ignore[arg-type]  # a builder forwards by name


def submitted(push: int = PUSH, rule: str = "limit_up", coid: str = COID, shares: int = 500) -> EventRow:
    order = SubmitOrder(coid, KEY, SYMBOL, Side.BUY, shares, 11_000, push, push, push, rule, Reason.LIMIT_UP_TOUCH)
    return EventRow(1, push, 1, OrderSubmitted(order, 0))


def filled(push: int = PUSH, shares: int = 500, number: int = 1) -> EventRow:
    deal = OrderFilled(
        COID, f"{COID}-{number}", SYMBOL, Side.BUY, shares, 11_000, 5_000, push, "limit_up", Reason.LIMIT_UP_TOUCH
    )
    return EventRow(2, push, 1, deal)


def closed(day: int, equity: int = 1_000) -> EventRow:
    return EventRow(9, push_id(day, 1000), 0, DayClosed(DayResult(day, equity, equity, 0, 0, 0)))


def books(
    rows: tuple[EventRow, ...] = (submitted(), filled()),
    verdicts: tuple[Verdict, ...] = (verdict(),),
    signals: tuple[Signal, ...] = (signal(),),
    traces: Traces | None = None,
    equity: int = 1_000,
    before: int = 1_000,
) -> DayBooks:
    journal = (closed(BEFORE, before), *rows, closed(DAY, equity))
    made = traces or day_books.traces_of(journal, verdicts, DAY)
    return day_books.day_books(journal, verdicts, signals, DAY, THROUGH, made)


def found(run: DayBooks, pipeline: DayBooks, **known: object) -> list[Difference]:
    return compare(DAY, THROUGH, run, pipeline, Circumstances(**known)).differences  # type: ignore[arg-type]  # by name


def causes(rows: list[Difference]) -> dict[str, str]:
    return {row.kind: row.cause for row in rows}


def test_equal_days_differ_in_nothing() -> None:
    compared = compare(DAY, THROUGH, books(), books(), Circumstances())
    assert compared.equal
    assert compared.counts == {"signal": (1, 1), "verdict": (1, 1), "order": (1, 1), "fill": (1, 1)}
    assert compared.times[PUSH] == PUSH


def test_other_days_and_later_pushes_are_left_out() -> None:
    late = push_id(DAY, 900)
    made = day_books.day_books((submitted(), filled(late)), (), (signal(),), DAY, late - 1, Traces())
    assert {kind for kind, _ in made.lines} == {"order", "signal"}
    assert made.lines["order", COID].values["filled"] == 0
    none = day_books.day_books((submitted(),), (verdict(),), (signal(),), BEFORE, push_id(BEFORE, 9), Traces())
    assert none.lines == {}


def test_late_data_is_told_by_how_many_pushes() -> None:
    run = books((submitted(PUSH + 3), filled(PUSH + 3)), (verdict(PUSH + 3),))
    rows = found(run, books(), real_time=True)
    assert {row.kind: (row.cause, row.pushes) for row in rows} == {
        "verdict": (differences.LATE, 3), "order": (differences.LATE, 3), "fill": (differences.LATE, 3),
    }  # fmt: skip
    assert rows[0].run == {"push": PUSH + 3}
    assert rows[0].pipeline == {"push": PUSH}


def test_a_decision_too_old_is_late_and_its_order_follows() -> None:
    run = books((), (verdict(reason=Reason.STALE),), equity=900)
    rows = found(run, books(), real_time=True)
    assert causes(rows) == {
        "verdict": differences.LATE, "order": differences.FOLLOWS, "fill": differences.FOLLOWS,
        "close": differences.FOLLOWS,
    }  # fmt: skip
    assert {row.follows for row in rows} == {"", KEY}
    assert rows[1].run is None


def test_the_same_order_filled_otherwise_is_the_queue() -> None:
    rows = found(books((submitted(), filled(shares=300))), books())
    assert causes(rows) == {"order": differences.QUEUE, "fill": differences.QUEUE}
    assert (rows[0].run, rows[0].pipeline) == ({"filled": 300}, {"filled": 500})


def test_a_rejected_order_says_why() -> None:
    for event in (OrderRejected(COID, Reason.BROKER_REJECTED), IntentDenied("k", COID, Reason.OUTSIDE_CAGE)):
        sent = () if isinstance(event, IntentDenied) else (submitted(),)
        rows = found(books((*sent, EventRow(2, PUSH, 1, event))), books())
        assert causes(rows)["order"] == differences.REJECT
        assert causes(rows)["fill"] == differences.FOLLOWS
        assert rows[0].run is not None
        assert event.reason.name in rows[0].run["ended"]


def hand_cancel() -> tuple[EventRow, ...]:
    return (
        submitted(),
        EventRow(2, PUSH + 5, 1, CancelSubmitted("c", COID, Reason.HAND_CANCEL)),
        EventRow(3, PUSH + 5, 1, OrderCancelled(COID, 500, Reason.HAND_CANCEL)),
    )


def test_what_people_did_past_the_tape_is_theirs() -> None:
    assert causes(found(books(hand_cancel()), books())) == {"order": differences.BY_HAND, "fill": differences.BY_HAND}
    direct = books((submitted(), filled(), submitted(rule="hand", coid="260106HHHHHHHHHHHHHH")))
    assert causes(found(direct, books())) == {"order": differences.BY_HAND}
    ended = verdict(key="x", rule="limit_up", cause=Reason.HAND_CANCEL, action=0)
    assert causes(found(books(verdicts=(verdict(), ended)), books())) == {"verdict": differences.BY_HAND}


def test_a_halt_is_the_state_and_so_is_what_follows_nothing_else() -> None:
    run = books((), (verdict(reason=Reason.STATE_HALTED),))
    assert causes(found(run, books()))["verdict"] == differences.STATE
    quiet = books((), traces=Traces(state_why="lunch"))
    assert causes(found(quiet, books()))["order"] == differences.STATE


def test_a_gap_hides_an_edge() -> None:
    for traces in (Traces(gap=PUSH), Traces(gap_symbols=frozenset({SYMBOL}))):
        rows = found(books((), (), (), traces), books(traces=Traces()), real_time=True)
        assert causes(rows)["signal"] == differences.GAP
    assert causes(found(books((), (), (), Traces(gap=PUSH)), books()))["signal"] == differences.UNEXPLAINED


def test_another_pool_and_another_rule_are_named() -> None:
    pools = day_books.pools_of(
        [Pool("limit_up", DAY, (PoolRow(SYMBOL, "", {}, {}),), 9), Pool("x", BEFORE, (), 9)], DAY
    )
    assert pools == {"limit_up": frozenset({SYMBOL})}
    run = books((), (), (), Traces())
    pipeline = books(traces=Traces(pools=pools))
    assert causes(found(run, pipeline))["signal"] == differences.POOL
    assert causes(found(run, books(), changed_rules=frozenset({"limit_up"})))["signal"] == differences.CODE


def test_what_the_day_before_or_a_slice_left_is_said() -> None:
    rows = (submitted(shares=400), filled(shares=400))
    assert causes(found(books(rows, before=900), books()))["order"] == differences.EARLIER
    assert causes(found(books(rows), books(), sliced_from_s=35_000))["order"] == differences.SLICE


def test_without_a_trace_it_is_a_bug_of_ours() -> None:
    rows = found(books(signals=()), books())
    assert causes(rows) == {"signal": differences.UNEXPLAINED}


def test_an_order_whose_share_count_moved_follows_the_first_difference() -> None:
    other = signal(PUSH - 9, OTHER, "limit_up|other")
    rows = found(books((submitted(shares=400),)), books(signals=(signal(), other)))
    assert [(row.kind, row.cause) for row in rows] == [
        ("signal", differences.UNEXPLAINED), ("order", differences.FOLLOWS), ("fill", differences.FOLLOWS),
    ]  # fmt: skip
    assert {row.follows for row in rows} == {"", "limit_up|other", COID}


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (OrderCancelled(COID, 1, Reason.CANCEL_AT_TIME), "CANCELLED CANCEL_AT_TIME"),
        (OrderRejected(COID, Reason.BROKER_REJECTED), "REJECTED BROKER_REJECTED"),
        (OrderExpired(COID, 1), "EXPIRED"),
        (OrderInDoubt(COID), "IN_DOUBT"),
    ],
)
def test_ends_of_orders_in_words(event: object, text: str) -> None:
    made = books((submitted(), EventRow(3, PUSH + 1, 0, event)))  # type: ignore[arg-type]  # one of the events
    assert made.lines["order", COID].values["ended"] == text


def test_noted_gaps_are_found_in_checks() -> None:
    def record(symbol: str, passed: bool, day: int = DAY) -> CheckRecord:
        return CheckRecord("limit_up", symbol, day, 36_000, (Condition("no_gap", passed, {}),))

    rows = [record(SYMBOL, passed=False), record(OTHER, passed=True), record(OTHER, passed=False, day=BEFORE)]
    assert day_books.gap_symbols(rows, DAY) == frozenset({SYMBOL})


def test_every_cause_has_words() -> None:
    from services.cli.texts import TEXTS

    words: Mapping[str, object] = TEXTS
    assert all(f"diff_cause.{cause}" in words for cause in differences.CAUSES)
    assert all(f"diff_kind.{kind}" in words for kind in day_books.KINDS)
