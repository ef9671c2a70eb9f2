"""The QMT adapter against every habit of clients that has been reported: what it says, and what it never says."""

import threading
from collections.abc import Callable

import pytest

from common.domain.calendar import NS
from common.domain.reasons import Reason
from common.domain.values import Side
from services.order_gateway.adapters.xt import ANSWER_NS
from services.order_gateway.adapters.xt_session import LATE_NS
from services.order_gateway.calls import (
    Accepted,
    CancelRefused,
    CancelTaken,
    Connect,
    CounterDeal,
    CounterOrder,
    CounterStatus,
    LinkUp,
    Rejected,
    Unanswered,
)
from tests.fakes.xtquant.habits import Entry
from tests.xt_rig import DAY, NEEDS_WHEEL, A, Floor, seen

pytestmark = NEEDS_WHEEL
Floors = Callable[..., Floor]
S = 1 / NS


# ---------------------------------------------------------------------- orders


def test_an_order_goes_out_with_our_id_a_fixed_price_and_whole_shares(floor: Floor) -> None:
    order = floor.submit(price=9_990, side=Side.BUY)
    reports = floor.see()
    (req,) = floor.venue.requests("orderStockWithSeq")
    assert (req.m_strStockCode, req.m_nOrderType, req.m_nOrderVolume, req.m_dPrice) == (A, 23, 1_000, 9.99)
    assert (req.m_nPriceType, req.m_strOrderRemark) == (11, order.coid)
    assert len(req.m_strOrderRemark) == 20
    assert reports[0] == Accepted(order.coid, "1001")
    assert isinstance(reports[1], CounterOrder)
    assert reports[1].status is CounterStatus.WORKING


@pytest.mark.parametrize(("price", "shares"), [(0, 1_000), (-10, 1_000), (9_990, 0)])
def test_a_price_of_nothing_never_leaves_the_house(floor: Floor, price: int, shares: int) -> None:
    order = floor.submit(price=price, shares=shares, side=Side.SELL)
    assert floor.see() == [Rejected(order.coid, Reason.BAD_QUANTITY, {"price": price, "shares": shares})]
    assert floor.venue.requests("orderStockWithSeq") == []


def test_an_answer_before_the_number_of_its_request(floor_of: Floors) -> None:
    floor = floor_of(answer_first=True).up()
    order = floor.submit()
    assert Accepted(order.coid, "1001") in floor.see()


@pytest.mark.parametrize("remark", ["", "rewritten", "260105"])
@pytest.mark.parametrize("first", [False, True])
def test_an_answer_whose_remark_is_lost_is_known_by_its_request(floor_of: Floors, remark: str, first: bool) -> None:
    floor = floor_of(answer_first=first, remark=lambda _: remark).up()
    order = floor.submit()
    reports = floor.see()
    assert Accepted(order.coid, "1001") in reports
    assert [each.remark for each in seen(reports, CounterOrder)] == [order.coid]
    floor.venue.trade(floor.venue.orders[0], 300)
    deals = seen(floor.see(), CounterDeal)
    assert deals == [CounterDeal("D1", "1001", order.coid, DAY, A, Side.BUY, 300, 9_990)]


def test_a_remark_that_is_cut_still_names_its_order(floor_of: Floors) -> None:
    floor = floor_of(remark=lambda remark: remark[:14], silent={"orderStockWithSeq"}).up()
    order = floor.submit()
    (shown,) = seen(floor.see(), CounterOrder)
    assert shown.remark == order.coid


def test_silence_is_unanswered_once_and_a_query_finds_the_order(floor_of: Floors) -> None:
    floor = floor_of(silent={"orderStockWithSeq"}, pushes=False).up()
    order = floor.submit()
    assert floor.see() == []
    assert floor.wait(ANSWER_NS * S + 0.1) == [Unanswered(order.coid)]
    assert floor.wait(ANSWER_NS * S) == []
    assert [each.remark for each in floor.state().orders] == [order.coid]


def test_silence_and_a_rewritten_remark_leave_the_looks_of_the_only_order_there_is(floor_of: Floors) -> None:
    floor = floor_of(silent={"orderStockWithSeq"}, remark=lambda _: "rewritten").up()
    order = floor.submit()
    assert seen(floor.see(), CounterOrder) == [], "it may be ours, and the answer may still come"
    assert floor.state().complete is False
    reports = floor.wait(ANSWER_NS * S + 0.1)
    assert reports == [Unanswered(order.coid)]
    state = floor.state()
    assert (state.complete, [each.remark for each in state.orders]) == (True, [order.coid])


def test_two_that_look_alike_stay_unknown(floor_of: Floors) -> None:
    floor = floor_of(silent={"orderStockWithSeq"}, remark=lambda _: "").up()
    floor.submit()
    floor.see()
    floor.venue.by_hand(A, Side.BUY, 1_000, 9.99)
    floor.wait(ANSWER_NS * S + 0.1)
    assert [each.remark for each in floor.state().orders] == ["", ""]


@pytest.mark.parametrize("errors", ["before", "after"])
def test_a_refusal_by_the_counter_whatever_comes_first(floor_of: Floors, errors: str) -> None:
    floor = floor_of(errors=errors).up()
    floor.venue.refuses = lambda req: "非交易时间"
    order = floor.submit()
    reports = floor.see()
    assert reports[:2] == [Accepted(order.coid, "1001"), Rejected(order.coid, Reason.BROKER_REJECTED, {"error": -59})]
    assert [each.status for each in seen(reports, CounterOrder)] == [CounterStatus.REJECTED]
    assert floor.lines("order refused by the counter")[0]["message"] == "非交易时间"


@pytest.mark.parametrize("with_error", [False, True])
@pytest.mark.parametrize("errors", ["before", "after"])
def test_minus_one_is_no_refusal(floor_of: Floors, with_error: bool, errors: str) -> None:
    floor = floor_of(junk="minus", minus_one_error=with_error, errors=errors).up()
    for remarks_seen in (False, True):
        floor.venue.refuses = lambda req: "no"
        order = floor.submit(f"no {remarks_seen}")
        reports = floor.see()
        assert reports
        # Its absence will prove it only where remarks are known to come back.
        assert set(reports) == {Unanswered(order.coid, refused=remarks_seen)}  # type: ignore[arg-type]  # structs hash
        floor.venue.refuses = lambda req: ""
        floor.submit("good")
        floor.see()


def test_an_error_that_comes_with_the_next_refusal_is_about_its_own_order(floor_of: Floors) -> None:
    floor = floor_of(junk="minus", minus_one_error=True, silent={"orderStockWithSeq"}).up()
    floor.venue.refuses = lambda req: "no"
    first = floor.submit("k1")
    assert floor.see() == []
    floor.venue.habits.silent, floor.venue.habits.minus_one_error = set(), False
    second = floor.submit("k2")
    assert {report.coid for report in floor.see()} == {first.coid, second.coid}  # type: ignore[union-attr]  # both are answers to orders


def test_an_order_that_waited_too_long_for_its_turn_is_not_sent(floor: Floor) -> None:
    gate = threading.Event()
    session = floor.broker.session
    assert session is not None
    session.do("hold", lambda: gate.wait(10) and None)
    order = floor.submit()
    floor.clock.at_ns += LATE_NS + 1
    gate.set()
    assert floor.see() == [Unanswered(order.coid, refused=True)]
    assert floor.venue.requests("orderStockWithSeq") == []


def test_without_a_session_nothing_is_sent_and_nothing_is_refused(floor_of: Floors) -> None:
    floor = floor_of()
    order = floor.submit()
    assert floor.see() == [Unanswered(order.coid)]


def test_price_and_price_type_that_come_back_decide_nothing(floor_of: Floors) -> None:
    floor = floor_of(price_type_back=88, price_back=11.0).up()
    order = floor.submit()
    (shown,) = seen(floor.see(), CounterOrder)
    assert shown.remark == order.coid


# ---------------------------------------------------------------------- cancels


def test_a_cancel_that_was_taken_is_no_cancel(floor_of: Floors) -> None:
    floor = floor_of(cancels_pend=True).up()
    order = floor.submit()
    floor.see()
    floor.cancel(order, "1001")
    taken, pending = floor.see()
    assert taken == CancelTaken(order.coid)
    assert pending.status is CounterStatus.UNKNOWN  # type: ignore[union-attr]  # a CounterOrder
    floor.venue.finish_cancels()
    (ended,) = floor.see()
    assert ended.status is CounterStatus.CANCELLED  # type: ignore[union-attr]  # a CounterOrder


def test_a_cancel_that_is_refused(floor: Floor) -> None:
    order = floor.submit()
    floor.see()
    floor.venue.trade(floor.venue.orders[0], 1_000)
    floor.see()
    floor.cancel(order, "1001")
    assert floor.see() == [CancelTaken(order.coid), CancelRefused("c", order.coid, Reason.BROKER_REJECTED)]


@pytest.mark.parametrize(
    "habits", [{"cancel_result": -1}, {"silent": {"cancelOrderStockWithSeq"}, "cancels_pend": True}]
)
def test_a_cancel_that_failed_or_was_not_answered_is_left_to_the_core(
    floor_of: Floors, habits: dict[str, object]
) -> None:
    floor = floor_of(**habits).up()
    order = floor.submit()
    floor.see()
    floor.cancel(order, "1001")
    assert seen(floor.see(), CancelRefused) == seen(floor.see(), CancelTaken) == []


@pytest.mark.parametrize("number", ["", "x", "-1", "0"])
def test_a_cancel_of_what_has_no_number(floor: Floor, number: str) -> None:
    order = floor.submit()
    floor.see()
    floor.cancel(order, number)
    assert floor.see() == [CancelRefused("c", order.coid, Reason.ORDER_ENDED)]


# ---------------------------------------------------------------------- pushes


def test_doubled_pushes_are_handed_on_and_keep_their_ids(floor_of: Floors) -> None:
    floor = floor_of(twice=True).up()
    floor.submit()
    floor.see()
    floor.venue.trade(floor.venue.orders[0], 300)
    deals = seen(floor.see(), CounterDeal)
    assert len(deals) == 2
    assert deals[0] == deals[1]


@pytest.mark.parametrize("form", ["seconds", "ms", "datetime", "hhmmss", "none"])
def test_fills_of_days_ago_are_dropped_in_every_form_of_time(floor_of: Floors, form: str) -> None:
    floor = floor_of(replays="old", time_form=form)
    floor.broker.perform(Connect())
    assert floor.see() == [LinkUp(1)]
    assert floor.broker.counts["replayed"] == 24


def test_a_replayed_day_is_told_again_and_nothing_is_new(floor: Floor) -> None:
    order = floor.submit()
    floor.see()
    floor.venue.trade(floor.venue.orders[0], 300)
    before = seen(floor.see(), CounterDeal)
    floor.venue.habits.replays = "day"
    floor.venue.drop()
    floor.see()
    floor.broker.perform(Connect())
    again = [*floor.see(), *floor.wait(1.1), *floor.see()]
    assert seen(again, CounterDeal) == before
    assert {each.remark for each in seen(again, CounterOrder)} == {order.coid}


def test_orders_by_hand_and_of_other_accounts(floor: Floor) -> None:
    floor.submit()
    floor.see()
    entry = floor.venue.by_hand(A, Side.BUY, 500, 9.5, traded=100)
    reports = floor.see()
    assert {each.remark for each in seen(reports, CounterOrder)} == {""}
    assert len(seen(reports, CounterDeal)) == 1
    other = floor.venue.xt_order(entry)
    other.account_id = "9999"
    floor.venue.push("StockOrder", other)
    assert floor.see() == []
    assert floor.broker.counts["other_accounts"] == 1


def test_rows_that_cannot_be_read_are_counted_and_the_next_one_is_read(floor: Floor) -> None:
    entry = Entry(5, "", "", A, Side.BUY, 100, 9.9, floor.clock.now_ns())
    bad, bond = floor.venue.xt_order(entry), floor.venue.xt_order(entry)
    bad.order_volume, bond.stock_code = None, "000300.SH"
    del bad.price
    for row in (bad, bond):
        floor.venue.push("StockOrder", row)
    floor.venue.show(entry)
    assert len(floor.see()) == 1
    assert (floor.broker.counts["defects"], floor.broker.counts["out_of_scope"]) == (1, 1)
