"""The signal engine through its core: entries, pools, gaps, hand orders, acknowledgements."""

import pytest

from common.domain.calendar import hms, ts_of
from common.domain.orders import Action, PriceKind
from common.domain.reasons import Reason
from common.domain.values import Side, push_id
from common.messages.codec import encode_body
from common.messages.control import Fault
from common.messages.header import Trace
from common.messages.signals import Pool, PoolRequest, Signal, SignalBatch
from services.signal_engine.core import QUEUE_MAX
from services.signal_engine.evaluation import SIGNALS_MAX
from tests.builders import table
from tests.signal_rig import FeedTape, Rig, approve, deny, pool
from tests.unit.services.signal_engine.scenes import (
    CLOSES,
    DAY,
    NEXT,
    PREV,
    UP,
    A,
    B,
    C,
    batches,
    first_day,
    fractal_rig,
    hand,
    lift,
    limit_up_rig,
    next_day,
    touch,
)


@pytest.fixture
def tape() -> FeedTape:
    made = FeedTape()
    first_day(made)
    return made


# ------------------------------------------------------------------ entries


def test_a_touch_becomes_one_signal_with_everything_risk_needs(tape: FeedTape) -> None:
    touch(tape)
    tape.tick("10:00:06", {A: 10.9})
    tape.tick("10:00:09", {A: UP})
    rig = limit_up_rig(tape)
    rig.play()
    (signal,) = rig.signals
    assert signal == Signal(
        key=f"limit_up|{DAY}|{A}|LIMIT_UP_TOUCH|0", rule="limit_up", symbol=A, push=push_id(DAY, 3),
        ts_ns=ts_of(DAY, hms("10:00:03")), action=Action.ENTER, fraction_bp=0, price=PriceKind.AT_UP_LIMIT,
        cancel_at_s=hms("14:56:30"), reason=Reason.LIMIT_UP_TOUCH, float_value=10_000 * 500_000_000,
        time_ms=hms("10:00:03") * 1000,
    )  # fmt: skip
    assert [batch.key for batch in batches(rig)] == [f"signals|{push_id(DAY, 3)}"]
    sent = next(request for request in rig.asked if isinstance(request.message, SignalBatch))
    assert (sent.peer, sent.trace) == ("risk_manager", Trace(7, 8, rig.now_ns))
    assert signal in rig.published


def test_the_fractal_is_confirmed_by_a_closed_bar(tape: FeedTape) -> None:
    lift(tape)
    rig = fractal_rig(tape)
    rig.play()
    (signal,) = rig.signals
    assert (signal.reason, signal.price) == (Reason.BOTTOM_FRACTAL_CONFIRMED, PriceKind.MARKETABLE)
    assert (signal.push, signal.time_ms) == (push_id(DAY, 4), hms("10:05") * 1000)


def test_a_denied_entry_is_tried_again_at_the_next_touch(tape: FeedTape) -> None:
    touch(tape)
    tape.tick("10:00:06", {A: 10.9})
    tape.tick("10:00:09", {A: UP})
    rig = limit_up_rig(tape, verdict=deny(Reason.SLOTS_FULL))
    rig.play()
    assert [signal.key.rsplit("|", 1)[1] for signal in rig.signals] == ["0", "1"]
    assert rig.core.status()[2]["denied"] == 2


def test_what_a_person_holds_is_neither_entered_nor_left(tape: FeedTape) -> None:
    touch(tape)
    next_day(tape, CLOSES | {A: UP}, [("09:30:00", {A: 10.7}), ("09:30:03", {A: 9.95})])
    rig = limit_up_rig(tape)
    rig.pools["limit_up", NEXT] = pool("limit_up", NEXT, {A: {}})
    rig.play(2)
    rig.fill(push_id(DAY, 1), "hand", A, Side.BUY, 100, Reason.HAND_OPEN, "h1")
    rig.play()
    assert rig.ledger().positions[A].sessions_held == 1
    assert rig.signals == []


def test_several_touches_come_in_the_order_of_slots(tape: FeedTape) -> None:
    tape.tick("09:30:00", {A: 10.5, C: 10.5})
    tape.tick("10:00:03", {A: UP, C: UP})
    rig = limit_up_rig(tape)
    rig.play()
    assert [signal.symbol for signal in batches(rig)[0].signals] == [C, A]  # same time and value: by symbol


def test_auction_quotes_are_no_steps_and_the_open_counts_as_the_step_before(tape: FeedTape) -> None:
    tape.tick("09:20:00", {A: UP, C: UP})
    tape.tick("09:25:00", {A: 10.8, C: UP})
    tape.tick("09:30:00", {A: UP})  # opened at 11.00 as the builder keeps the first price: sealed from the start
    rig = limit_up_rig(tape)
    rig.play()
    assert rig.signals == []
    assert rig.core.status()[2]["watched_limit_up"] == 2


def test_of_too_many_touches_in_one_push_the_last_in_order_wait_for_the_next() -> None:
    tape, names = FeedTape(), [f"{600_000 + number}.SH" for number in range(SIGNALS_MAX + 5)]
    tape.open(table(dict.fromkeys(names, 10.0)), PREV)
    tape.tick("09:30:00", dict.fromkeys(names, 10.5))
    tape.tick("10:00:00", dict.fromkeys(names, UP))
    tape.tick("10:00:03", dict.fromkeys(names, 10.5))
    tape.tick("10:00:06", dict.fromkeys(names, UP))
    rig = Rig(tape, {("limit_up", DAY): pool("limit_up", DAY, {name: {} for name in names})}, rules=("limit_up",))
    rig.play()
    assert [[signal.symbol for signal in sent.signals] for sent in batches(rig)] == [names[:-5], names[-5:]]
    assert {signal.key.rsplit("|", 1)[1] for signal in batches(rig)[1].signals} == {"1"}
    assert len(encode_body(batches(rig)[0])) < 64 * 1024
    assert rig.core.status()[2]["given_up"] == 5


# ------------------------------------------------------------------ pools


def test_the_day_opens_when_every_pool_is_there(tape: FeedTape) -> None:
    touch(tape)
    rig = limit_up_rig(tape)
    rig.screener_up = False
    rig.play(3)
    assert rig.acks == []
    assert rig.core.status()[1] == "opening"
    rig.screener_up = True
    rig.answer_again()
    rig.play()
    assert rig.acks == [push_id(DAY, number) for number in (0, 1, 2, 3)]
    assert len(rig.signals) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Pool("limit_up", DAY, (), 0, note="no bars of 20251231", ready=False),
        Fault(Reason.NOT_READY, "no bars of 20251231"),
    ],
    ids=["not ready", "refused"],
)
def test_a_pool_that_is_not_ready_lets_nothing_be_opened_and_says_so(tape: FeedTape, answer: Pool | Fault) -> None:
    touch(tape)
    rig = limit_up_rig(tape)
    rig.pools["limit_up", DAY] = answer
    rig.play()
    assert rig.signals == []
    assert rig.acks[-1] == push_id(DAY, 3)
    assert "not ready, no entries" in rig.core.status()[3]["pool_limit_up"]
    assert "no bars of 20251231" in rig.core.status()[3]["pool_limit_up"]
    assert rig.logged


def test_an_injected_pool_replaces_the_screen() -> None:
    tape = FeedTape()
    first_day(tape, pool_injected={"limit_up": [A], "bottom_fractal": []})
    rig = Rig(tape, {})
    rig.play()
    wanted = [request.message for request in rig.asked if isinstance(request.message, PoolRequest)]
    assert wanted == [PoolRequest("limit_up", DAY, (A,))]
    assert rig.core.status()[3]["pool_bottom_fractal"] == f"{DAY}: 0"


# ------------------------------------------------------------------ gaps, hand orders, answers


@pytest.mark.parametrize("gap", [False, True])
def test_an_edge_inside_a_gap_is_missed_not_chased(tape: FeedTape, gap: bool) -> None:
    tape.tick("09:30:00", {A: 10.5, C: 10.5})
    tape.tick("10:00:00", {C: 10.6}, gap=gap)
    tape.tick("10:00:03", {A: UP, C: UP})  # A was not in the push after the gap: its step before is lost as well
    tape.tick("10:00:06", {A: 10.9})
    tape.tick("10:00:09", {A: UP})
    rig = limit_up_rig(tape)
    rig.play()
    entered = [(signal.symbol, signal.push) for signal in rig.signals]
    assert (C, push_id(DAY, 3)) in entered
    assert (A, push_id(DAY, 5 if gap else 3)) in entered
    assert len(entered) == 2


def test_a_gap_before_continuous_trading_loses_no_edge(tape: FeedTape) -> None:
    tape.tick("09:25:00", {A: 10.5}, gap=True)
    tape.tick("09:30:00", {A: UP})
    rig = limit_up_rig(tape)
    rig.play()
    assert [signal.push for signal in rig.signals] == [push_id(DAY, 2)]


def test_a_push_with_hand_orders_is_told_to_risk_even_without_a_decision(tape: FeedTape) -> None:
    tape.tick("09:30:00", {A: 10.5}, hand=[hand("h1")])
    rig = limit_up_rig(tape)
    rig.play()
    assert batches(rig) == [SignalBatch(f"signals|{push_id(DAY, 1)}", push_id(DAY, 1), ())]
    assert rig.acks[-1] == push_id(DAY, 1)
    assert rig.kept("outbox") == {}


def test_a_push_is_acknowledged_only_when_risk_has_answered(tape: FeedTape) -> None:
    touch(tape)
    rig = limit_up_rig(tape, verdict=lambda signal: None)
    rig.play()
    assert rig.acks[-1] == push_id(DAY, 2)
    assert rig.core.status()[3]["waiting_for"] == "risk_manager"
    assert list(rig.kept("outbox")) == [f"outbox|{push_id(DAY, 3)}"]
    rig.send(tape.pushes[-1][-1])  # said again by the player
    assert rig.acks[-1] == push_id(DAY, 2)
    rig.verdict = approve
    rig.answer_again()
    assert rig.acks[-1] == push_id(DAY, 3)
    assert rig.kept("outbox") == {}
    rig.send(tape.pushes[-1][-1])
    assert rig.acks[-2:] == [push_id(DAY, 3)] * 2
    assert len(rig.signals) == 1


def test_a_batch_that_risk_could_not_take_is_sent_again(tape: FeedTape) -> None:
    touch(tape)
    rig = limit_up_rig(tape, verdict=lambda signal: None)
    rig.play()
    rig.answer(f"signals|{push_id(DAY, 3)}", Fault(Reason.NOT_READY, "starting"))
    rig.pump()
    rig.verdict = approve
    rig.wait(0.4)
    assert len(batches(rig)) == 1
    rig.wait(0.2)
    assert len(batches(rig)) == 2
    assert rig.acks[-1] == push_id(DAY, 3)
    assert rig.core.next_deadline_ns() is None


def test_a_push_waits_for_its_match(tape: FeedTape) -> None:
    touch(tape)
    rig = limit_up_rig(tape)
    rig.play(3)
    rig.play(1, match=False)
    assert rig.signals == []
    assert rig.core.status()[3]["waiting_for"] == "order_gateway"
    rig.match()
    assert len(rig.signals) == 1


def test_nothing_changed_nothing_written(tape: FeedTape) -> None:
    tape.tick("09:30:00", {A: 10.5, B: 20.0})
    for second in range(3, 60, 3):
        tape.tick(f"09:30:{second:02d}", {A: 10.5 + second / 1000, B: 20.0})
    rig = limit_up_rig(tape)
    rig.play(2)
    commits = rig.disk.commits
    rig.play()
    assert rig.disk.commits == commits
    assert rig.acks[-1] == push_id(DAY, 20)


def test_the_bar_that_ends_with_the_morning_is_decided_when_trading_goes_on(tape: FeedTape) -> None:
    tape.tick("09:30:00", {B: 20.0})
    tape.tick("11:29:57", {B: 20.4})
    tape.tick("11:30:03", {})
    rig = fractal_rig(tape)
    rig.play()
    assert rig.signals == []
    assert list(rig.kept("bars")) == ["bars|0"]
    tape.tick("13:00:00", {B: 20.4})
    rig.boot()
    rig.play()
    (signal,) = rig.signals
    assert (signal.push, signal.time_ms) == (push_id(DAY, 4), hms("11:30") * 1000)
    assert rig.kept("bars") == {}


def test_bars_that_end_after_14_55_are_not_decided(tape: FeedTape) -> None:
    tape.tick("09:30:00", {B: 20.0})
    tape.tick("13:00:00", {B: 20.0})
    tape.tick("14:55:03", {B: 20.4})
    tape.tick("14:56:00", {B: 20.4})
    tape.tick("15:00:03", {B: 20.4})
    rig = fractal_rig(tape)
    rig.play()
    assert rig.signals == []


def test_too_many_waiting_pushes_become_a_gap(tape: FeedTape) -> None:
    tape.tick("09:30:00", {A: 10.5})
    for second in range(QUEUE_MAX + 20):
        tape.tick(f"10:{second // 60:02d}:{second % 60:02d}", {A: 10.5} if second < QUEUE_MAX else {A: 10.6})
    tape.tick("10:10:00", {A: UP})
    rig = limit_up_rig(tape)
    rig.play(2)
    rig.play(match=False)
    assert rig.core.status()[2]["dropped"] == 21
    rig.match()
    assert rig.acks[-1] == push_id(DAY, QUEUE_MAX + 22)
    assert rig.core.status()[2]["queue"] == 0
