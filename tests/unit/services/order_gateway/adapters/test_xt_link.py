"""The QMT adapter and its sessions: which answers are believed, and what a link that fails costs."""

import select
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from common.domain.calendar import NS, hms, ts_of
from common.domain.errors import UserError
from common.domain.values import Side
from services.order_gateway.adapters.xt import BACKOFF_NS, QUERY_NS, XtBroker, XtSettings
from services.order_gateway.adapters.xt_numbers import QUEUE
from services.order_gateway.adapters.xt_session import CALL_NS, CONNECT_NS, STOP_S
from services.order_gateway.calls import (
    Accepted,
    Connect,
    CounterPosition,
    CounterState,
    CounterStatus,
    LinkDown,
    LinkUp,
    MatchPush,
    Unanswered,
)
from tests.xt_rig import DAY, NEEDS_WHEEL, A, Floor

pytestmark = NEEDS_WHEEL
Floors = Callable[..., Floor]
S = 1 / NS


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


QUERIES = {f"queryStock{part}WithSeq" for part in ("Asset", "Orders", "Trades", "Positions")}


def test_a_link_that_is_dead_without_a_word_is_given_up_and_tried_ever_more_rarely(floor: Floor) -> None:
    floor.venue.habits.silent = set(QUERIES)
    asked = floor.ask()
    assert floor.see() == []
    assert floor.wait(QUERY_NS * S + 0.1) == [CounterState(asked, complete=False), LinkDown(1)]
    floor.broker.perform(Connect())
    assert LinkUp(2) in [*floor.wait(1.1), *floor.see()]
    asked = floor.ask()
    floor.see()
    floor.wait(QUERY_NS * S + 0.1)
    floor.broker.perform(Connect())
    assert [*floor.wait(1.1), *floor.see()] == [], "connecting alone is no success"
    floor.venue.habits.silent = set()
    assert LinkUp(3) in [*floor.wait(1.0), *floor.see()]
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
    assert floor.state().complete
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
    assert floor.state().complete
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
    state.m_nStatus = 5  # type: ignore[attr-defined]  # a class made on the spot
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
    assert floor.state().complete
    floor.venue.drop()
    assert floor.see() == [LinkDown(1)]
    floor.broker.perform(Connect())
    assert LinkUp(2) in floor.see()
    assert STOP_S <= 5


def test_what_is_pushed_while_a_session_ends_raises_nothing_in_the_vendors_thread(floor: Floor) -> None:
    session = floor.broker.session
    assert session is not None
    session.end().join(10)
    session.trader.async_client.fire("StockOrder", object())
    session.trader.async_client.fire("QueryStockAsset", 1, None)
    assert floor.broker.counts["late"] == 0


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
