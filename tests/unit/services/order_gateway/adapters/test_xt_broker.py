"""The QMT adapter against every habit of clients that has been reported: what it says, and what it never says."""

import select
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from common.domain.calendar import NS, hms, ts_of
from common.domain.errors import UserError
from common.domain.reasons import Reason
from common.domain.values import Side
from services.order_gateway.adapters.xt import ANSWER_NS, BACKOFF_NS, QUERY_NS, XtBroker, XtSettings
from services.order_gateway.adapters.xt_numbers import QUEUE
from services.order_gateway.adapters.xt_session import CALL_NS, CONNECT_NS, LATE_NS, STOP_S
from services.order_gateway.calls import (
    Accepted,
    CancelRefused,
    CancelTaken,
    Connect,
    CounterDeal,
    CounterOrder,
    CounterPosition,
    CounterState,
    CounterStatus,
    LinkDown,
    LinkUp,
    MatchPush,
    Rejected,
    Unanswered,
)
from tests.fakes.xtquant.venue import Entry
from tests.xt_rig import DAY, NEEDS_WHEEL, A, Floor

pytestmark = NEEDS_WHEEL
Floors = Callable[..., Floor]
S = 1 / NS


def seen(reports: list[object], kind: type) -> list[object]:
    return [report for report in reports if isinstance(report, kind)]


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
    assert [each.remark for each in seen(reports, CounterOrder)] == [order.coid]  # type: ignore[attr-defined]
    floor.venue.trade(floor.venue.orders[0], 300)
    deals = seen(floor.see(), CounterDeal)
    assert deals == [CounterDeal("D1", "1001", order.coid, DAY, A, Side.BUY, 300, 9_990)]


def test_a_remark_that_is_cut_still_names_its_order(floor_of: Floors) -> None:
    floor = floor_of(remark=lambda remark: remark[:14], silent={"orderStockWithSeq"}).up()
    order = floor.submit()
    (shown,) = seen(floor.see(), CounterOrder)
    assert shown.remark == order.coid  # type: ignore[attr-defined]


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
    assert [each.status for each in seen(reports, CounterOrder)] == [CounterStatus.REJECTED]  # type: ignore[attr-defined]
    assert floor.lines("order refused by the counter")[0]["message"] == "非交易时间"


@pytest.mark.parametrize("with_error", [False, True])
@pytest.mark.parametrize("errors", ["before", "after"])
def test_minus_one_is_no_refusal(floor_of: Floors, with_error: bool, errors: str) -> None:
    floor = floor_of(junk="minus", minus_one_error=with_error, errors=errors).up()
    floor.venue.refuses = lambda req: "no"
    order = floor.submit()
    reports = floor.see()
    assert reports
    assert set(reports) == {Unanswered(order.coid, refused=True)}  # type: ignore[arg-type]  # structs hash


def test_an_error_that_comes_with_the_next_refusal_is_about_its_own_order(floor_of: Floors) -> None:
    floor = floor_of(junk="minus", minus_one_error=True, silent={"orderStockWithSeq"}).up()
    floor.venue.refuses = lambda req: "no"
    first = floor.submit("k1")
    assert floor.see() == []
    floor.venue.habits.silent, floor.venue.habits.minus_one_error = set(), False
    second = floor.submit("k2")
    assert {report.coid for report in floor.see()} == {first.coid, second.coid}  # type: ignore[union-attr]


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
    assert shown.remark == order.coid  # type: ignore[attr-defined]


# ---------------------------------------------------------------------- cancels


def test_a_cancel_that_was_taken_is_no_cancel(floor_of: Floors) -> None:
    floor = floor_of(cancels_pend=True).up()
    order = floor.submit()
    floor.see()
    floor.cancel(order, "1001")
    taken, pending = floor.see()
    assert taken == CancelTaken(order.coid)
    assert pending.status is CounterStatus.UNKNOWN  # type: ignore[union-attr]
    floor.venue.finish_cancels()
    (ended,) = floor.see()
    assert ended.status is CounterStatus.CANCELLED  # type: ignore[union-attr]


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
    again = [*floor.see(), *floor.wait(1.1)]
    assert seen(again, CounterDeal) == before
    assert {each.remark for each in seen(again, CounterOrder)} == {order.coid}  # type: ignore[attr-defined]


def test_orders_by_hand_and_of_other_accounts(floor: Floor) -> None:
    floor.submit()
    floor.see()
    entry = floor.venue.by_hand(A, Side.BUY, 500, 9.5, traded=100)
    reports = floor.see()
    assert {each.remark for each in seen(reports, CounterOrder)} == {""}  # type: ignore[attr-defined]
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


# ---------------------------------------------------------------------- queries


@pytest.mark.parametrize("none_is_empty", [True, False])
@pytest.mark.parametrize("zero_rows", [True, False])
def test_an_empty_account_is_believed_when_its_money_is_shown(
    floor_of: Floors, none_is_empty: bool, zero_rows: bool
) -> None:
    floor = floor_of(none_is_empty=none_is_empty, zero_rows=zero_rows).up()
    assert floor.state() == CounterState(1, True, (), (), (), 100_000_000)


def test_the_counters_books(floor: Floor) -> None:
    order = floor.submit()
    floor.see()
    floor.venue.trade(floor.venue.orders[0], 300)
    floor.see()
    state = floor.state()
    assert state.complete
    assert [each.remark for each in state.orders] == [order.coid]
    assert [(deal.deal_id, deal.shares) for deal in state.deals] == [("D1", 300)]
    assert state.positions == (CounterPosition(A, 300, 300, 300 * 9_990),)
    assert state.cash == floor.venue.cash, "what the rest of the order holds is still ours"


@pytest.mark.parametrize(
    ("habits", "why"),
    [
        ({"no_asset": True}, "no money shown"),
        ({"empty_positions": True}, "shares are worth something, and no position is shown"),
        ({"none_lists": True}, "shares are worth something, and no position is shown"),
    ],
)
@pytest.mark.parametrize("none_is_empty", [True, False])
def test_an_answer_of_nothing_is_not_believed(
    floor: Floor, habits: dict[str, object], why: str, none_is_empty: bool
) -> None:
    floor.submit(price=10_000)
    floor.see()
    floor.venue.trade(floor.venue.orders[0], 300)
    floor.see()
    floor.venue.habits.none_is_empty = none_is_empty
    for name, value in habits.items():
        setattr(floor.venue.habits, name, value)
    assert floor.state() == CounterState(1, complete=False)
    assert floor.lines("answer not believed") == [{"why": why}]


def test_a_list_without_the_orders_that_are_known_is_not_believed(floor: Floor) -> None:
    floor.submit()
    floor.see()
    floor.venue.habits.none_lists = True
    assert floor.state().complete is False
    assert floor.lines("answer not believed") == [{"why": "orders are known, and none is shown"}]


@pytest.mark.parametrize("lost", ["queryStockOrdersWithSeq", "queryStockAssetWithSeq", "queryStockTradesWithSeq"])
def test_a_query_of_which_a_part_is_lost_ends_incomplete_and_holds_nobody_up(floor: Floor, lost: str) -> None:
    floor.venue.habits.silent = {lost}
    asked = floor.ask()
    assert floor.see() == []
    order = floor.submit()
    assert Accepted(order.coid, "1001") in floor.see(), "orders do not wait behind a query"
    assert floor.wait(QUERY_NS * S + 0.1) == [CounterState(asked, complete=False)]
    floor.venue.habits.silent = set()
    assert floor.state().complete


def test_what_stands_after_the_close_has_expired(floor: Floor) -> None:
    floor.submit()
    floor.see()
    floor.clock.at_ns = ts_of(DAY, hms("15:05"))
    (shown,) = floor.state().orders
    assert shown.status is CounterStatus.EXPIRED


# ---------------------------------------------------------------------- the link


def test_a_session_that_is_lost_is_followed_by_one_with_another_number(floor: Floor) -> None:
    order = floor.submit()
    floor.see()
    old = floor.broker.session
    floor.venue.drop()
    assert floor.see() == [LinkDown(1)]
    floor.broker.perform(Connect())
    assert floor.see() == [LinkUp(2)]
    assert len(set(floor.venue.sessions)) == len(floor.venue.sessions) == 2
    assert old is not floor.broker.session
    assert floor.broker.identity.of_number(DAY, "1001") == order.coid


def test_what_an_old_session_says_late_is_not_heard(floor: Floor) -> None:
    old = floor.broker.session
    assert old is not None
    listener = old.trader.callback
    floor.venue.drop()
    floor.see()
    floor.broker.perform(Connect())
    assert floor.see() == [LinkUp(2)]
    listener.on_disconnected()
    old.trader.callback.on_disconnected()
    assert floor.see() == []


def test_an_order_under_way_when_the_session_is_lost_is_unanswered(floor: Floor) -> None:
    floor.venue.habits.silent, floor.venue.habits.pushes = {"orderStockWithSeq"}, False
    order = floor.submit()
    floor.see()
    floor.venue.drop()
    assert floor.see() == [Unanswered(order.coid), LinkDown(1)]


@pytest.mark.parametrize(
    ("habits", "why"),
    [
        ({"connect_code": -1}, "connect -1"),
        ({"subscribe_code": -1}, "subscribe -1"),
        ({"account_status": 3}, "account status 3"),
    ],
)
def test_a_session_that_does_not_come_up(floor_of: Floors, habits: dict[str, object], why: str) -> None:
    floor = floor_of(**habits)
    floor.broker.perform(Connect())
    assert floor.see() == [LinkDown(1)]
    assert floor.lines("QMT session lost")[0]["why"] == why


def test_an_account_that_is_not_listed_is_judged_by_its_money(floor_of: Floors) -> None:
    floor = floor_of(lists_accounts=False).up()
    assert floor.state().complete


def test_an_account_that_falls_out_takes_the_session_with_it(floor: Floor) -> None:
    state = type("State", (), {"m_strAccountID": "8888", "m_nAccountType": 2, "m_nStatus": 0})
    floor.venue.push("UpdateAccountStatus", state)
    assert floor.see() == []
    state.m_nStatus = 5  # type: ignore[attr-defined]
    floor.venue.push("UpdateAccountStatus", state)
    assert floor.see() == [LinkDown(1)]


def test_attempts_come_ever_more_rarely_and_numbers_in_turn(floor_of: Floors) -> None:
    floor = floor_of(connect_code=-1)
    for tried, wait_ns in enumerate(BACKOFF_NS):
        floor.broker.perform(Connect())
        if wait_ns:
            assert floor.wait(wait_ns * S - 0.1) == []
            assert len(floor.venue.sessions) == tried
        assert [*floor.wait(0.2), *floor.see()] == [LinkDown(tried + 1)]
    assert len(set(floor.venue.sessions)) == len(floor.venue.sessions)
    floor.venue.habits.connect_code = 0
    floor.broker.perform(Connect())
    assert LinkUp(len(BACKOFF_NS) + 1) in [*floor.wait(30.1), *floor.see()]


def test_own_files_left_over_are_deleted_after_three_refusals(floor_of: Floors) -> None:
    floor = floor_of(connect_code=-1)
    folder = Path(floor.venue.path)
    folder.mkdir()
    for number in (7_101, 7_108, 9_999):
        (folder / QUEUE.format(number)).write_bytes(b"x")
    for _ in range(3):
        floor.broker.perform(Connect())
        floor.wait(10)
        floor.see()
    assert [path.name for path in folder.iterdir()] == [QUEUE.format(9_999)]


@pytest.mark.parametrize(
    ("habits", "limit_ns"),
    [({"connect_hangs": True}, CONNECT_NS), ({"silent": {"subscribeWithSeq"}}, CONNECT_NS)],
)
def test_a_call_that_never_comes_back_costs_one_session_and_no_more(
    floor_of: Floors, habits: dict[str, object], limit_ns: int
) -> None:
    floor = floor_of(**habits)
    floor.broker.perform(Connect())
    session = floor.broker.session
    assert session is not None
    floor.until(lambda: bool(session._busy[0]))
    floor.clock.at_ns += limit_ns + 1
    assert LinkDown(1) in [report for message in floor.broker.poll() for report in message.reports]
    floor.venue.habits.connect_hangs, floor.venue.habits.silent = False, set()
    floor.broker.perform(Connect())
    assert LinkUp(2) in [*floor.wait(1.1), *floor.see()]


def test_a_send_that_hangs_is_given_up_and_what_waited_behind_it_is_never_sent(floor: Floor) -> None:
    gate, session = threading.Event(), floor.broker.session
    assert session is not None
    session.do("order", lambda: gate.wait(10) and None)
    floor.until(lambda: session._busy[0] == "order")
    order = floor.submit()
    floor.clock.at_ns += CALL_NS + 1
    reports = [report for message in floor.broker.poll() for report in message.reports]
    assert reports == [Unanswered(order.coid), LinkDown(1)]
    gate.set()
    session.jobs.join()
    assert floor.venue.requests("orderStockWithSeq") == []


def test_a_client_that_does_not_stop_does_not_hold_us(floor_of: Floors) -> None:
    floor = floor_of(stop_hangs=True).up()
    floor.venue.drop()
    assert floor.see() == [LinkDown(1)]
    floor.broker.perform(Connect())
    assert LinkUp(2) in floor.see()
    assert STOP_S <= 5


def test_the_loop_is_woken(floor: Floor) -> None:
    assert select.select([floor.broker.fileno()], [], [], 0)[0] == []
    floor.venue.by_hand(A, Side.BUY, 500, 9.5)
    assert select.select([floor.broker.fileno()], [], [], 10)[0]
    floor.see()
    assert select.select([floor.broker.fileno()], [], [], 0)[0] == []


def test_a_call_of_another_kind_is_a_programming_error(floor: Floor) -> None:
    with pytest.raises(TypeError, match="MatchPush"):
        floor.broker.perform(MatchPush(1, 1, (), last_of_day=False))


def test_without_the_vendors_package_the_gateway_says_so() -> None:
    with pytest.raises(UserError, match="xtquant"):
        XtBroker(XtSettings("x", "8888"), lambda: 0, lambda *line: None)
