"""Entries of rules: sized, priced, put in slot order, refused with their numbers."""

import pytest

from common.domain.calendar import hms
from common.domain.orders import Action, PriceKind
from common.domain.reasons import Reason
from common.domain.values import Board, Pace, Side, TradingState
from common.messages.control import StateRequest
from common.messages.market import InstrumentFlag
from common.messages.orders import OrderCancelled
from common.messages.signals import VerdictStatus
from common.rules.boards import board_mask
from common.rules.sizing import buy_need
from tests.builders import Quote
from tests.unit.services.risk_manager.desk import (
    CASH,
    DEAR,
    OPERATOR,
    SETTINGS,
    A,
    B,
    C,
    D,
    Desk,
    E,
    F,
    G,
    two_sided,
)


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.open_day()
    made.tick("09:30")
    return made


def test_an_entry_gets_a_fifth_of_the_equity_in_whole_lots(desk: Desk) -> None:
    verdict = desk.enter(A, cancel_at_s=hms("14:56:30"))
    order = desk.last_order
    assert verdict.status is VerdictStatus.APPROVED
    assert (order.side, order.price, order.push) == (Side.BUY, 10_200, desk.push)
    need = buy_need(order.shares, order.price, desk.day, 1, 1500, 5000)
    assert need <= CASH // 5 < need + 100 * order.price + 100_000
    assert verdict.detail["slot_cash"] == CASH // 5
    assert (verdict.coid, verdict.shares) == (order.coid, order.shares)
    assert desk.said == [verdict]


def test_a_touch_is_bought_at_the_up_limit(desk: Desk) -> None:
    desk.tick("09:31", {A: Quote(11.0, bid=[(11.0, 400_000)])})
    (verdict,) = desk.signals(desk.signal(A))
    assert (verdict.status, desk.last_order.price) == (VerdictStatus.APPROVED, 11_000)


def test_slots_go_by_exchange_time_then_float_value_then_symbol(desk: Desk) -> None:
    market = PriceKind.MARKETABLE
    verdicts = desk.signals(
        desk.signal(A, time_ms=34_203_000, price=market),
        desk.signal(D, time_ms=34_202_000, float_value=9, price=market),
        desk.signal(C, time_ms=34_202_000, float_value=8, price=market),
        desk.signal(B, time_ms=34_202_000, float_value=9, price=market),
    )
    assert [order.symbol for order in desk.submitted.values()] == [C, B, D]
    assert [verdict.status for verdict in verdicts] == [VerdictStatus.DENIED] + [VerdictStatus.APPROVED] * 3
    assert verdicts[0].reason is Reason.RULE_SLOTS_FULL
    assert (verdicts[0].detail["rule_slots_used"], verdicts[0].detail["rule_slots_max"]) == (3, 3)


def test_the_account_has_five_slots_whoever_takes_them(desk: Desk) -> None:
    desk.hold(A, 100, 10_000, "hand")
    desk.hold(B, 100, 10_000, "EXTERNAL")
    desk.tick("09:31")
    for symbol in (C, D):
        assert desk.enter(symbol).status is VerdictStatus.APPROVED
        desk.tick("09:32")
    assert desk.enter(E, rule="bottom_fractal").status is VerdictStatus.APPROVED
    desk.tick("09:33")
    verdict = desk.enter(F, rule="bottom_fractal")
    assert (verdict.reason, verdict.detail["slots_used"]) == (Reason.SLOTS_FULL, 5)


def test_a_slot_is_held_until_flat_and_then_free(desk: Desk) -> None:
    desk.settings = SETTINGS._replace(positions_max=1)
    desk.restart()
    desk.hold(A, 100, 10_000)
    desk.tick("09:31")
    assert desk.enter(B).reason is Reason.SLOTS_FULL
    desk.open_day(20260106)
    desk.tick("09:30")
    desk.leave(A)
    desk.fill(desk.last_order)
    assert desk.enter(B, attempt=2).reason is Reason.SLOTS_FULL, "the fill belongs to the next push"
    desk.tick("09:31")
    assert desk.enter(B, attempt=3).status is VerdictStatus.APPROVED


def test_cash_held_by_working_buys_is_not_spent_twice(desk: Desk) -> None:
    desk.settings = SETTINGS._replace(slot_bp=6000, rule_slots=())
    desk.restart()
    first, second, third = desk.signals(*(desk.signal(symbol, price=PriceKind.MARKETABLE) for symbol in (A, B, C)))
    spent = sum(desk.kept(v.coid).need for v in (first, second))
    assert CASH - 3 * 3_000_000 < spent <= CASH
    assert second.shares * second.price < first.shares * first.price
    assert third.reason is Reason.BELOW_ONE_LOT
    assert third.detail["free_cash"] == CASH - spent
    desk.tick("09:31")
    assert desk.enter(C, attempt=2).reason is Reason.BELOW_ONE_LOT
    assert desk.core.status()[2]["free_cash"] == CASH - spent


def test_below_one_lot(desk: Desk) -> None:
    verdict = desk.enter(DEAR)
    assert (verdict.status, verdict.reason) == (VerdictStatus.DENIED, Reason.BELOW_ONE_LOT)
    assert verdict.detail["lot_minimum"] == 100
    assert verdict.detail["need"] > verdict.detail["slot_cash"]
    assert not desk.submitted


def test_held_and_working_stocks_are_not_entered_again(desk: Desk) -> None:
    desk.hold(A, 100, 10_000)
    desk.tick("09:31")
    denied, bought, again = desk.signals(
        desk.signal(A, price=PriceKind.MARKETABLE),
        desk.signal(B, price=PriceKind.MARKETABLE),
        desk.signal(B, price=PriceKind.MARKETABLE, attempt=2),
    )
    assert (denied.reason, denied.detail) == (Reason.ALREADY_HELD, {"held": 100})
    assert bought.status is VerdictStatus.APPROVED
    assert (again.reason, again.detail) == (Reason.ALREADY_WORKING, {"orders": 1})


def test_boards_suspension_unknown_stocks_and_missing_quotes() -> None:
    desk = Desk(SETTINGS._replace(boards_mask=board_mask([Board.MAIN])))
    desk.open_day(flags={B: InstrumentFlag.SUSPENDED})
    desk.tick("09:25:03", {C: two_sided(30.0)})
    desk.tick("09:30", {A: two_sided(10.0)})
    market = PriceKind.MARKETABLE
    verdicts = desk.signals(*(desk.signal(symbol, price=market) for symbol in (B, C, D, G, "600999.SH")))
    reasons = [Reason.SUSPENDED, Reason.NO_QUOTE, Reason.NO_QUOTE, Reason.BOARD_NOT_ALLOWED, Reason.UNKNOWN_SYMBOL]
    assert [verdict.reason for verdict in verdicts] == reasons


@pytest.mark.parametrize("time", ["09:20", "11:30", "14:57", "15:00"])
def test_nothing_is_opened_outside_continuous_trading(desk: Desk, time: str) -> None:
    if time == "09:20":
        desk.open_day(20260106)
    desk.tick(time)
    assert desk.enter(A).reason is Reason.PHASE_CLOSED


def test_a_price_outside_the_cage_is_refused_here(desk: Desk) -> None:
    desk.tick("09:31", {A: Quote(11.0, bid=[(10.2, 100)], ask=[(10.3, 100)])})
    (verdict,) = desk.signals(desk.signal(A))
    assert (verdict.reason, verdict.detail["cage_high"]) == (Reason.OUTSIDE_CAGE, 10_510)


@pytest.mark.parametrize(("state", "reason"), [(0, Reason.STATE_HALTED), (1, Reason.STATE_REDUCING)])
def test_nothing_is_opened_when_a_person_said_so(desk: Desk, state: int, reason: Reason) -> None:
    desk.send(StateRequest(TradingState(state), "lunch"), OPERATOR, token="s")
    assert desk.enter(A).reason is reason
    assert desk.core.status()[2][f"denied_{reason.name.lower()}"] == 1


def test_in_real_time_a_late_decision_is_stale_and_an_exit_never_is() -> None:
    desk = Desk(pace=Pace.REAL_TIME, speed_milli=1000)
    desk.open_day()
    desk.tick("09:30")
    desk.hold(A, 100, 10_000)
    desk.tick("10:00:00")
    late, leave = desk.signal(B, price=PriceKind.MARKETABLE), desk.signal(A, Action.EXIT)
    old = desk.push
    desk.tick("10:00:06")
    assert desk.signals(desk.signal(C, price=PriceKind.MARKETABLE, push=old, ts_ns=late.ts_ns))[0].reason is Reason.NONE
    desk.tick("10:00:09")
    verdict = desk.signals(late, leave, push=old - 1)
    assert (verdict[0].reason, verdict[0].detail) == (Reason.STALE, {"age_ms": 9000, "age_max_ms": 6000})
    assert verdict[1].status is VerdictStatus.STANDING


def test_lunch_makes_no_decision_stale() -> None:
    desk = Desk(pace=Pace.REAL_TIME, speed_milli=1000)
    desk.open_day()
    desk.tick("11:29:58")
    late = desk.signal(B, price=PriceKind.MARKETABLE)
    desk.tick("13:00:01")
    assert desk.signals(late, push=late.push)[0].status is VerdictStatus.APPROVED


def test_a_queueing_buy_is_cancelled_at_its_time(desk: Desk) -> None:
    desk.enter(A, cancel_at_s=hms("14:56:30"))
    order = desk.last_order
    desk.tick("14:56:27")
    assert not desk.cancels
    desk.tick("14:56:30")
    (cancel,) = desk.cancels
    assert (cancel.coid, cancel.reason) == (order.coid, Reason.CANCEL_AT_TIME)
    desk.tick("14:56:33")
    assert len(desk.cancels) == 1
    desk.cancelled(cancel, order.shares)
    desk.tick("14:56:36")
    assert desk.core.status()[2]["slots_used"] == 0
    assert not [key for key in desk.disk.kept if key.startswith("order/")]


def test_what_must_die_by_1457_is_cancelled_while_the_exchange_still_lets_us(desk: Desk) -> None:
    desk.enter(A, rule="bottom_fractal", cancel_at_s=hms("14:57"))
    desk.tick("14:56:51")
    assert not desk.cancels
    desk.tick("14:56:54")
    assert [cancel.reason for cancel in desk.cancels] == [Reason.CANCEL_AT_TIME]


def test_a_cancel_the_broker_refuses_is_sent_again(desk: Desk) -> None:
    desk.enter(A, cancel_at_s=hms("14:56:30"))
    desk.refuse = lambda message: Reason.CANCEL_REFUSED_BY_PHASE if message.key.endswith("|c1") else Reason.NONE
    desk.tick("14:56:30")
    assert not desk.cancels
    desk.tick("14:56:33")
    assert [cancel.key[-3:] for cancel in desk.cancels] == ["|c2"]


def test_a_refusal_of_the_gateway_becomes_the_verdict_and_frees_the_slot(desk: Desk) -> None:
    desk.refuse = lambda message: Reason.TOO_MANY_ORDERS
    verdict = desk.enter(A)
    assert (verdict.status, verdict.reason, verdict.detail) == (
        VerdictStatus.DENIED,
        Reason.TOO_MANY_ORDERS,
        {"limit": 1},
    )
    numbers = desk.core.status()[2]
    assert (numbers["slots_used"], numbers["free_cash"], numbers["denied"]) == (0, CASH, 1)
    assert desk.said == [verdict]


def test_the_answer_waits_for_the_gateway_and_so_does_the_acknowledgement(desk: Desk) -> None:
    desk.mute = True
    push = desk.push
    assert (
        desk.signals(desk.signal(A, price=PriceKind.MARKETABLE), desk.signal(B, push=push, price=PriceKind.MARKETABLE))
        == []
    )
    assert desk.said == []
    acked = list(desk.acks)
    desk.tick("09:31")
    assert desk.acks == acked
    desk.mute = False
    for request in [each for each in desk.asked if each.peer == "order_gateway" and each.cause_id]:
        desk.answer(request)
    assert len(desk.said) == 2
    assert f"signals|{push}" in desk.replies
    assert desk.acks == [*acked, desk.push]


def test_what_a_crash_kept_from_being_said_is_said_after_the_restart(desk: Desk) -> None:
    desk.mute = True
    desk.signals(desk.signal(A, price=PriceKind.MARKETABLE))
    desk.mute = False
    desk.restart()
    assert [verdict.symbol for verdict in desk.said] == [A]


def test_an_entry_that_is_in_the_books_is_approved_as_it_is(desk: Desk) -> None:
    signal = desk.signal(A, price=PriceKind.MARKETABLE)
    (first,) = desk.signals(signal)
    desk.tick("09:31")
    desk.disk.kept = {key: raw for key, raw in desk.disk.kept.items() if key == "state"}  # our disk is older
    desk.restart()
    (second,) = desk.signals(signal, push=desk.push)
    assert (second.status, second.shares, second.coid) == (VerdictStatus.APPROVED, first.shares, first.coid)
    assert len(desk.submitted) == 1


def test_the_same_key_has_the_same_verdict_and_another_body_is_a_conflict(desk: Desk) -> None:
    signal = desk.signal(A, price=PriceKind.MARKETABLE)
    (first,) = desk.signals(signal)
    desk.tick("09:31")
    (second,) = desk.signals(signal)
    assert second == first
    assert len(desk.submitted) == 1
    desk.tick("09:32")
    (conflict,) = desk.signals(desk.signal(B, key=signal.key))
    assert (conflict.status, conflict.reason) == (VerdictStatus.DENIED, Reason.KEY_CONFLICT)
    assert desk.signals(desk.signal(A, key=signal.key), push=desk.push)[0] == first
    assert len(desk.submitted) == 1


def test_reservations_survive_partial_fills_late_fills_and_restarts(desk: Desk) -> None:
    """The cash that a new order may use is the same before and after a restart, whatever became of the one before."""

    def free() -> int:
        before = desk.core._outbox.portfolio.free_cash
        desk.restart()
        assert desk.core._outbox.portfolio.free_cash == before
        return before

    start = free()
    verdict = desk.enter(A)
    order, need = desk.last_order, verdict.detail["need"]
    assert free() == start - need, "sent, not in the books yet"
    desk.fill(order, 100)
    desk.tick("09:31")
    paid = 100 * order.price + 5_000
    assert free() == start - paid - (order.shares - 100) * order.price - (need - order.shares * order.price - 5_000)
    desk.write(OrderCancelled(order.coid, order.shares - 100, Reason.HAND_CANCEL))
    desk.tick("09:32")
    assert free() == start - paid
    desk.fill(order, 200)
    desk.tick("09:33")
    assert free() == start - paid - 200 * order.price - 5_000, "a late fill is booked although the order had ended"
    assert A in desk.core._outbox.portfolio.slots()
