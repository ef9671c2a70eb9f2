"""Standing exits: from the decision to the target, over reprices, days, ex-days, halts and replacements."""

import pytest

from common.domain.orders import Action
from common.domain.reasons import Reason
from common.domain.values import Side, TradingState
from common.messages.control import StateRequest
from common.messages.header import Role
from common.messages.kept import StandingExit
from common.messages.market import HandOrder
from common.messages.orders import CancelExitRequest, OrderInDoubt, OrderRejected
from common.messages.signals import Verdict, VerdictStatus
from services.risk_manager.exits import order_key_of
from tests.builders import Quote
from tests.unit.services.risk_manager.desk import OPERATOR, A, B, Desk, two_sided

NEXT = 20260106
THIRD = 20260107


@pytest.fixture
def desk() -> Desk:
    """A position of 1000 shares bought the day before, at the first push of today."""
    made = Desk()
    made.open_day()
    made.tick("09:30")
    made.hold(A, 1000, 10_000)
    made.open_day(NEXT)
    made.tick("09:30")
    return made


def standing(desk: Desk) -> StandingExit | None:
    record = desk.disk.load()[1].get(f"exit/{A}")
    assert record is None or isinstance(record, StandingExit)
    return record


def at(desk: Desk, time: str, price: float) -> None:
    desk.tick(time, {A: two_sided(price)})


def test_an_exit_stands_and_sells_all_marketably(desk: Desk) -> None:
    verdict = desk.leave(A)
    order = desk.last_order
    assert verdict.status is VerdictStatus.STANDING
    assert (verdict.coid, verdict.shares, verdict.detail["target"]) == (order.coid, 1000, 0)
    assert (order.key, order.side, order.shares, order.price) == (verdict.key, Side.SELL, 1000, 9_800)
    desk.fill(order)
    desk.tick("09:30:03")
    assert standing(desk) is None
    assert desk.disk.kept.keys() == {"state", f"verdict/{verdict.key}"}


def test_there_is_nothing_to_leave_without_a_position(desk: Desk) -> None:
    verdict = desk.leave(B)
    assert (verdict.status, verdict.reason) == (VerdictStatus.DENIED, Reason.NO_POSITION)


def test_a_second_exit_of_the_stock_is_told_that_one_stands(desk: Desk) -> None:
    desk.leave(A)
    desk.tick("09:30:03")
    verdict = desk.leave(A, attempt=2)
    assert (verdict.reason, verdict.detail["target"]) == (Reason.EXIT_STANDING, 0)
    assert len(desk.submitted) == 1


def test_it_is_repriced_after_its_time_when_the_price_moved_and_the_cancel_is_confirmed(desk: Desk) -> None:
    key = desk.leave(A).key
    first = desk.last_order
    desk.fill(first, 300)
    at(desk, "09:30:03", 9.5)
    assert not desk.cancels, "three seconds are too early"
    at(desk, "09:30:06", 9.5)
    (cancel,) = desk.cancels
    assert (cancel.coid, cancel.reason) == (first.coid, Reason.REPRICE)
    at(desk, "09:30:09", 9.4)
    assert len(desk.submitted) == 1, "the cancel is not confirmed"
    desk.cancelled(cancel, 700)
    at(desk, "09:30:12", 9.3)
    second = desk.last_order
    assert (second.key, second.shares, second.price) == (order_key_of(key, 1), 700, 9_120)
    at(desk, "09:30:15", 9.2)
    assert len(desk.cancels) == 1
    at(desk, "09:30:18", 9.2)
    assert desk.cancels[-1].coid == second.coid
    desk.fill(second, 700)
    at(desk, "09:30:21", 9.2)
    assert standing(desk) is None, "what fills before the cancel is done too"


def test_an_unchanged_price_is_left_resting(desk: Desk) -> None:
    desk.leave(A)
    for time in ("09:30:09", "09:31", "11:00", "14:00"):
        desk.tick(time)
    assert (len(desk.submitted), desk.cancels) == (1, [])


def test_locked_at_the_down_limit_it_rests_there_and_goes_on_the_next_morning(desk: Desk) -> None:
    locked = {A: Quote(9.0, ask=[(9.0, 900_000)])}
    desk.tick("09:31", locked)
    desk.leave(A)
    order = desk.last_order
    assert order.price == 9_000
    desk.tick("10:00", locked)
    desk.tick("14:57:00", locked)
    assert desk.cancels == []
    desk.expire(order, 1000)
    desk.tick("15:00", locked)
    desk.open_day(THIRD)
    desk.tick("09:25:03", {A: two_sided(8.5)})
    desk.tick("09:30:00", {B: two_sided(20.0)})
    assert len(desk.submitted) == 1, "what the auction showed is virtual"
    at(desk, "09:30:03", 8.5)
    assert (desk.last_order.key, desk.last_order.price) == (f"{order.key}|r1", 9_000)
    assert desk.last_order.coid != order.coid


def test_shares_bought_today_are_sold_tomorrow(desk: Desk) -> None:
    desk.hold(A, 500, 10_000, coid="TODAY")
    desk.tick("09:31")
    assert desk.leave(A).shares == 1000
    desk.fill(desk.last_order)
    desk.tick("09:32")
    desk.tick("10:00")
    assert len(desk.submitted) == 1
    assert standing(desk) is not None
    desk.open_day(THIRD)
    desk.tick("09:30")
    assert desk.last_order.shares == 500
    assert desk.last_order.key.endswith("|r1")


def test_half_is_fixed_when_decided_and_rescaled_on_ex_days(desk: Desk) -> None:
    verdict = desk.leave(A, Action.REDUCE, fraction_bp=5_000)
    order = desk.last_order
    assert (verdict.shares, verdict.detail["target"]) == (500, 500)
    desk.fill(order, 200)
    desk.tick("10:00")
    desk.expire(order, 300)
    desk.tick("15:00")
    desk.open_day(THIRD)
    desk.corporate(A, 800, 1600)
    desk.tick("09:30", {A: two_sided(5.0)})
    stands = standing(desk)
    assert stands is not None
    assert stands.target == 1000
    assert desk.last_order.shares == 600
    desk.restart()
    assert standing(desk) == stands, "the row of the ex-day is met again and must not count twice"
    desk.fill(desk.last_order)
    desk.tick("09:30:03", {A: two_sided(5.0)})
    assert standing(desk) is None


@pytest.mark.parametrize(("shares", "fraction", "sold"), [(100, 5000, 100), (300, 5000, 100), (500, 5000, 200)])
def test_half_is_rounded_down_to_lots_and_at_least_one(shares: int, fraction: int, sold: int) -> None:
    desk = Desk()
    desk.open_day()
    desk.tick("09:30")
    desk.hold(A, shares, 10_000)
    desk.open_day(NEXT)
    desk.tick("09:30")
    assert desk.leave(A, Action.REDUCE, fraction_bp=fraction).shares == sold


def test_a_full_exit_replaces_a_reduction(desk: Desk) -> None:
    desk.leave(A, Action.REDUCE, fraction_bp=5_000)
    half = desk.last_order
    desk.tick("09:30:03")
    verdict = desk.leave(A)
    assert (verdict.status, verdict.coid, verdict.detail["target"]) == (VerdictStatus.STANDING, "", 0)
    (cancel,) = desk.cancels
    assert (cancel.coid, cancel.reason) == (half.coid, Reason.REPLACED_BY_EXIT)
    desk.tick("09:30:06")
    assert len(desk.submitted) == 1
    desk.fill(half, 100)
    desk.cancelled(cancel, 400)
    desk.tick("09:30:09")
    assert (desk.last_order.key, desk.last_order.shares) == (verdict.key, 900)
    desk.tick("09:30:12")
    assert desk.leave(A, Action.REDUCE, attempt=2).reason is Reason.EXIT_STANDING


def test_an_exit_decided_with_the_reduction_waits_for_its_cancel(desk: Desk) -> None:
    half, full = desk.signals(desk.signal(A, Action.REDUCE, fraction_bp=5_000), desk.signal(A, Action.EXIT))
    assert (half.status, full.status) == (VerdictStatus.STANDING, VerdictStatus.STANDING)
    assert not desk.cancels, "the gateway's events do not have the order yet"
    desk.tick("09:30:03")
    assert [cancel.reason for cancel in desk.cancels] == [Reason.REPLACED_BY_EXIT]
    desk.cancelled(desk.cancels[0], 500)
    desk.tick("09:30:06")
    assert desk.last_order.shares == 1000


def test_a_halt_suspends_it_and_resuming_goes_on(desk: Desk) -> None:
    desk.send(StateRequest(TradingState.HALTED, "look"), OPERATOR, token="s")
    assert desk.leave(A).status is VerdictStatus.STANDING
    desk.tick("09:30:03")
    assert not desk.submitted
    desk.send(StateRequest(TradingState.REDUCING, "out"), OPERATOR, token="s")
    desk.tick("09:30:06")
    assert desk.last_order.shares == 1000
    desk.send(StateRequest(TradingState.HALTED, "look"), OPERATOR, token="s")
    at(desk, "09:31", 9.5)
    assert not desk.cancels


def test_a_person_ends_it(desk: Desk) -> None:
    desk.leave(A)
    order = desk.last_order
    desk.tick("09:30:03")
    request = CancelExitRequest("no-exit", A)
    desk.send(request, OPERATOR, token="x")
    answer = desk.replies["x"]
    assert isinstance(answer, Verdict)
    assert (answer.status, answer.cause, answer.symbol) == (VerdictStatus.APPROVED, Reason.HAND_CANCEL, A)
    assert [(cancel.coid, cancel.reason) for cancel in desk.cancels] == [(order.coid, Reason.HAND_CANCEL)]
    desk.cancelled(desk.cancels[0], 1000)
    desk.tick("09:40")
    assert len(desk.submitted) == 1
    desk.send(request, OPERATOR, token="y")
    assert desk.replies["y"] == answer
    desk.send(CancelExitRequest("again", A), OPERATOR, token="z")
    again = desk.replies["z"]
    assert isinstance(again, Verdict)
    assert again.reason is Reason.NO_SUCH_ORDER


def test_only_people_end_an_exit(desk: Desk) -> None:
    desk.leave(A)
    desk.send(CancelExitRequest("no-exit", A), OPERATOR._replace(role=Role.SIGNAL), token="x")
    assert "x" not in desk.replies
    assert standing(desk) is not None


def test_what_the_gateway_or_the_broker_refuses_is_tried_again_later(desk: Desk) -> None:
    desk.refuse = lambda message: Reason.TOO_MANY_ORDERS
    verdict = desk.leave(A)
    assert verdict.status is VerdictStatus.STANDING
    desk.refuse = lambda message: Reason.NONE
    desk.tick("09:30:03")
    assert not desk.submitted
    desk.tick("09:30:06")
    order = desk.last_order
    assert order.key == f"{verdict.key}|r1"
    desk.write(OrderRejected(order.coid, Reason.BROKER_REJECTED))
    desk.tick("09:30:09")
    assert len(desk.submitted) == 1
    desk.tick("09:30:12")
    assert desk.last_order.key == f"{verdict.key}|r2"


def test_it_never_goes_stale_and_is_valid_to_the_close(desk: Desk) -> None:
    desk.leave(A)
    assert desk.last_order.valid_until_ns - desk.last_order.ts_ns == 5.5 * 3600 * 10**9


def test_an_odd_rest_that_no_order_can_sell_ends_the_reduction(desk: Desk) -> None:
    desk.leave(A, Action.REDUCE, fraction_bp=5_000)
    order = desk.last_order
    desk.fill(order, 500)
    desk.hold(A, 250, 10_000, coid="ODD")
    desk.open_day(THIRD)
    desk.tick("09:30")  # 750 held, target 500: 200 go, 50 are no order
    assert desk.last_order.shares == 200
    desk.fill(desk.last_order)
    desk.tick("09:30:09")
    desk.tick("09:30:12")
    assert standing(desk) is None


def test_an_exit_first_has_the_buys_of_its_stock_cancelled(desk: Desk) -> None:
    desk.tick("09:30:03", hand=[HandOrder("h1", Side.BUY, A, 500, 9_900)])
    desk.signals()
    bought = desk.last_order
    desk.tick("09:30:06")
    verdict = desk.leave(A)
    assert (verdict.status, verdict.coid) == (VerdictStatus.STANDING, "")
    assert (desk.cancels[-1].coid, desk.cancels[-1].reason) == (bought.coid, Reason.REPLACED_BY_EXIT)
    desk.tick("09:30:09")
    desk.restart()
    assert desk.last_order == bought, "never a buy and a sell of ours at once"
    desk.cancelled(desk.cancels[-1], 500)
    desk.tick("09:30:12")
    assert (desk.last_order.side, desk.last_order.shares) == (Side.SELL, 1_000)
    assert len(desk.cancels) == 1


def test_an_exit_does_not_wait_for_a_buy_in_doubt(desk: Desk) -> None:
    desk.tick("09:30:03", hand=[HandOrder("h1", Side.BUY, A, 500, 9_900)])
    desk.signals()
    desk.write(OrderInDoubt(desk.last_order.coid))
    desk.tick("09:30:06")
    desk.leave(A)
    assert (desk.last_order.side, desk.last_order.shares) == (Side.SELL, 1_000)


def test_a_late_fill_after_the_cancel_makes_the_next_order_smaller(desk: Desk) -> None:
    desk.leave(A)
    first = desk.last_order
    at(desk, "09:30:06", 9.9)
    desk.cancelled(desk.cancels[-1], 1_000)
    desk.fill(first, 400)
    desk.restart()
    at(desk, "09:30:12", 9.9)
    assert (desk.last_order.shares, desk.last_order.key[-2:]) == (600, "r1")
    desk.fill(desk.last_order, 200)
    desk.restart()
    at(desk, "09:30:15", 9.9)
    assert len(desk.submitted) == 2, "what is left of r1 goes on working"
