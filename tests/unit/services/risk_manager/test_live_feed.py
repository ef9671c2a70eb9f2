"""What a live feed tells besides quotes: limits that differ from the rulebook, exchanges that fell silent."""

import pytest

from common.domain.orders import Action
from common.domain.reasons import Reason
from common.domain.values import Pace, Side
from common.messages.market import HandOrder
from common.messages.signals import VerdictStatus
from tests.builders import Quote
from tests.unit.services.risk_manager.desk import A, B, Desk

DIFFERENT = {A: (9.5, 10.5)}


def at_work(**columns: object) -> Desk:
    desk = Desk()
    desk.open_day(**columns)  # type: ignore[arg-type]  # forwarded by name
    desk.tick("09:30")
    return desk


def test_a_stock_whose_limits_differ_is_not_bought_and_the_numbers_say_why() -> None:
    desk = at_work(feed_limits=DIFFERENT)
    verdict = desk.enter(A)
    assert (verdict.status, verdict.reason) == (VerdictStatus.DENIED, Reason.LIMITS_DIFFER)
    numbers = {"up_limit": 11_000, "down_limit": 9_000, "feed_up_limit": 10_500, "feed_down_limit": 9_500}
    assert verdict.detail == numbers
    assert desk.enter(B).status is VerdictStatus.APPROVED


def test_neither_is_it_bought_by_hand_nor_where_the_feed_tells_no_limits() -> None:
    desk = at_work(feed_limits={A: (0.0, 0.0)})
    desk.tick("09:31", hand=[HandOrder("h", Side.BUY, A, 100, 0)])
    desk.signals()
    assert [verdict.reason for verdict in desk.said] == [Reason.LIMITS_DIFFER]
    assert desk.said[0].detail["feed_up_limit"] == 0


def test_without_a_live_feed_nobody_compares() -> None:
    assert at_work().enter(A).status is VerdictStatus.APPROVED


def test_it_can_be_sold_at_a_price_that_both_let_through() -> None:
    desk = Desk()
    desk.open_day()
    desk.tick("09:30")
    desk.hold(A, 1_000, 10_000)
    desk.tick("15:00:00")
    desk.open_day(20260106, feed_limits=DIFFERENT)
    desk.tick("09:30", {A: Quote(9.5, bid=[(9.5, 1_000)])})
    assert desk.leave(A, Action.EXIT).status is VerdictStatus.STANDING
    assert desk.last_order.price == 9_500


@pytest.mark.parametrize("pace", [Pace.REAL_TIME, Pace.LOCKSTEP])
def test_an_exchange_that_fell_silent_is_a_cause_until_it_is_heard(pace: Pace) -> None:
    desk = Desk(pace=pace, speed_milli=1_000 if pace is Pace.REAL_TIME else 0)
    desk.open_day()
    desk.tick("09:30")
    desk.tick("09:30:09", silent=("SZ",))
    assert desk.enter(A).reason is Reason.STATE_REDUCING, "in lockstep too: the tape of a live day decides the same"
    assert desk.core.status()[1] == "reducing"
    assert desk.core.status()[3]["causes"] == "no quote of SZ in continuous trading"
    desk.tick("09:30:12")
    assert desk.core.status()[1] == "active"
