"""The gateway push by push: rows, matches, acknowledgements, day ends and ex-days."""

import pytest

from common.domain.orders import OrderState
from common.domain.reasons import Reason
from common.domain.values import Side
from common.messages.header import Role
from common.messages.market import InstrumentTable
from common.messages.orders import (
    Account,
    AccountRequest,
    CancelOrder,
    CorporateAction,
    DayClosed,
    DayRolled,
    Events,
    EventsRequest,
    FillsRequest,
    Journalled,
    MatchedThrough,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    Orders,
    OrdersRequest,
    Positions,
    PositionsRequest,
)
from common.messages.topics import EVENT, MATCHED
from services.order_gateway.calls import MatchPush, Restore
from services.order_gateway.settings import Settings
from tests.builders import DAY, PREV_DAY, Quote, table
from tests.gateway_rig import Rig, Tape

A, B = "600001.SH", "300003.SZ"
NEXT = 20260106


def instruments(day: int = DAY, close: float = 10.0, **changes: object) -> InstrumentTable:
    return table({A: close, B: 20.0}, day=day, **changes)  # type: ignore[arg-type]  # forwarded by name


def quote(last: float, ask: int = 300, bid: int = 500, volume: int = 1000, **changes: object) -> Quote:
    return Quote(last, bid=[(last - 0.01, bid)], ask=[(last, ask)], volume=volume, **changes)  # type: ignore[arg-type]


def rig_with(*pushes: tuple[str, dict[str, Quote]], settings: Settings | None = None) -> Rig:
    """Return a gateway and a day of pushes; nothing is played yet."""
    tape = Tape()
    tape.open(instruments(), PREV_DAY)
    for number, (at, quotes) in enumerate(pushes, 1):
        tape.push(number, at, quotes)
    return Rig(settings, tape)


def test_the_account_opens_once_and_the_day_rolls_with_push_zero() -> None:
    rig = rig_with()
    assert [type(row.event).__name__ for row in rig.rows] == ["AccountOpened"]
    rig.play()
    assert [(row.seq, row.push, row.stage) for row in rig.rows] == [(1, 0, 0), (2, DAY * 100_000, 0)]
    assert rig.events(DayRolled) == [DayRolled(DAY, PREV_DAY)]
    assert rig.acks == [DAY * 100_000]
    rig.boot()
    assert len(rig.rows) == 2


def test_a_push_without_events_writes_nothing_and_still_says_matched() -> None:
    rig = rig_with(("09:30:03", {A: quote(10.0)}), ("09:30:06", {A: quote(10.0)}))
    rig.play(2)
    commits = rig.disk.commits
    rig.play()
    assert rig.disk.commits == commits
    assert rig.matched == MatchedThrough(DAY * 100_000 + 2, 2)
    assert rig.acks[-1] == DAY * 100_000 + 2
    assert not any(isinstance(call, MatchPush) for call in rig.calls)


def test_an_order_meets_the_book_of_its_push_then_rests_and_fills_at_its_limit() -> None:
    rig = rig_with(
        ("09:30:03", {A: quote(10.0)}),
        ("09:30:06", {A: quote(10.0, ask=200, volume=1_300)}),
        ("09:30:09", {B: quote(20.0)}),
    )
    rig.play(2)
    order = rig.order("k", A, 1_000, 10.01)
    assert rig.submit(order) == Journalled("k", order.coid)
    record = rig.ledger.order(order.coid)
    assert (record.state, record.filled) == (OrderState.PARTIAL, 300)
    assert rig.matched.seq == 2, "fills of orders sent in a push belong to the next one"
    rig.play()
    first, second = rig.events(OrderFilled)
    assert (first.shares, first.price, first.deal_id) == (300, 10_000, f"{order.coid}-1")
    assert (second.shares, second.price, second.deal_id) == (200, 10_010, f"{order.coid}-2")
    rig.play()
    assert record.left == 500, "no new snapshot of the stock came with the push"
    stages = [(row.push % 100, row.stage) for row in rig.rows if isinstance(row.event, OrderFilled)]
    assert stages == [(1, 1), (2, 0)]


def test_the_first_deal_bears_the_minimum_commission_and_deals_add_up() -> None:
    rig = rig_with(("09:30:03", {A: quote(10.0)}), ("09:30:06", {A: quote(10.0, ask=9_000, volume=1_300)}))
    rig.play(2)
    rig.submit(rig.order("k", A, 9_300, 10.0))
    rig.play()
    first, second = rig.events(OrderFilled)
    # 300 x 10.00: commission 0.45 -> the minimum 5.00, transfer 0.03. Together 93,000.00: 13.95 + 0.93.
    assert first.fees == 5_000 + 30
    assert first.fees + second.fees == 13_950 + 930
    assert rig.ledger.fees_day == 14_880
    assert rig.ledger.cash == rig.settings.cash - 93_000_000 - 14_880


def test_two_orders_of_one_push_share_what_is_shown() -> None:
    rig = rig_with(("09:30:03", {A: quote(10.0)}), ("09:30:06", {A: quote(10.0, ask=500, volume=1_300)}))
    rig.play(2)
    rig.submit(rig.order("k1", A, 200, 10.0))
    rig.submit(rig.order("k2", A, 400, 10.0))
    assert [fill.shares for fill in rig.events(OrderFilled)] == [200, 100]
    rig.submit(rig.order("k3", A, 600, 10.0))
    rig.play()
    assert [fill.shares for fill in rig.events(OrderFilled)] == [200, 100, 300, 200]


def test_a_cancel_is_journalled_answered_and_confirmed() -> None:
    rig = rig_with(("09:30:03", {A: quote(10.0)}))
    rig.play(2)
    order = rig.order("k", A, 1_000, 9.9)
    rig.submit(order)
    cancel = CancelOrder("c", order.coid, order.push, Reason.CANCEL_AT_TIME)
    assert rig.ask(cancel, Role.RISK) == Journalled("c", order.coid)
    assert rig.events(OrderCancelled) == [OrderCancelled(order.coid, 1_000, Reason.CANCEL_AT_TIME)]
    assert rig.ledger.free_cash == rig.settings.cash


def test_the_close_expires_what_is_left_and_keeps_the_result_of_the_day() -> None:
    rig = rig_with(("09:30:03", {A: quote(10.0)}), ("15:00:00", {A: quote(10.5)}))
    rig.play(2)
    order = rig.order("k", A, 1_000, 10.0)
    rig.submit(order)
    rig.play()
    assert rig.events(OrderExpired) == [OrderExpired(order.coid, 700)]
    (closed,) = rig.events(DayClosed)
    assert closed.result.market_value == 300 * 10_500
    assert closed.result.equity == closed.result.cash + 300 * 10_500
    assert closed.result.pnl == 300 * 500 - closed.result.fees
    assert rig.matched.seq == rig.rows[-1].seq
    answer = rig.ask(AccountRequest())
    assert isinstance(answer, Account)
    assert answer.days == (closed.result,)
    assert (answer.cash, answer.frozen, answer.equity) == (rig.ledger.cash, 0, closed.result.equity)


def two_days(**changes: object) -> Rig:
    """Return a gateway that bought 300 A on the first day, and a second day about to begin."""
    rig = rig_with(("09:30:03", {A: quote(10.0)}), ("15:00:00", {A: quote(10.4)}))
    rig.play(2)
    rig.submit(rig.order("k", A, 300, 10.0))
    rig.play()
    rig.tape.open(instruments(NEXT, 10.4, **changes), DAY)
    rig.tape.push(1, "09:30:03", {A: quote(10.4, bid=700)})
    return rig


def test_the_next_day_makes_shares_sellable() -> None:
    rig = two_days()
    assert rig.ledger.positions[A].sellable == 0
    rig.play()
    assert rig.ledger.positions[A].sellable == 300
    answer = rig.ask(PositionsRequest())
    assert isinstance(answer, Positions)
    (row,) = answer.rows
    assert (row.symbol, row.shares, row.sellable, row.cost, row.rule) == (A, 300, 300, 3_000_000, "limit_up")
    assert row.last == 10_400, "the reference stands in before the first quote"


def test_an_ex_day_changes_shares_cash_and_cost_and_is_neither_loss_nor_gain() -> None:
    # 0.40 yuan and 3 new shares for 10: (10.40 - 0.40) / 1.3 = 7.69
    rig = two_days(references={A: 7.69}, bonus_e6={A: 300_000}, cash_e6={A: 400_000})
    before = rig.ledger.cash
    rig.play()
    (event,) = rig.events(CorporateAction)
    assert (event.shares_before, event.shares_after, event.cash, event.reference) == (300, 390, 120_000, 7_690)
    assert event.prev_close_raw == 10_400
    # cost 3,000,000 x 7.69 / 10.40 x 390 / 300 = 2,883,750
    assert event.cost_after == 2_883_750
    holding = rig.ledger.positions[A]
    assert (holding.shares, holding.sellable, holding.cost) == (390, 390, 2_883_750)
    assert rig.ledger.cash == before + 120_000
    equity = rig.ledger.equity(lambda _: 7_690)
    assert abs(equity - before - 300 * 10_400) <= 390 * 5, "the reference is rounded to the tick, no more"


def test_a_day_whose_end_was_lost_is_closed_at_the_closes_the_next_day_names() -> None:
    rig = rig_with(("09:30:03", {A: quote(10.0)}))
    rig.play(2)
    order = rig.order("k", A, 1_000, 10.0)
    rig.submit(order)
    rig.tape.open(instruments(NEXT), DAY)
    rig.play()
    assert rig.events(OrderExpired) == [OrderExpired(order.coid, 700)]
    (closed,) = rig.events(DayClosed)
    assert (closed.result.day, closed.result.market_value) == (DAY, 300 * 10_000)
    assert rig.ledger.day == NEXT


def test_a_push_said_again_is_acknowledged_again() -> None:
    rig = rig_with(("09:30:03", {A: quote(10.0)}))
    rig.play(2)
    said = [topic for topic, _ in rig.published].count(MATCHED)
    rig.send(rig.tape.pushes[1][-1])
    assert rig.acks[-2:] == [DAY * 100_000 + 1] * 2
    assert [topic for topic, _ in rig.published].count(MATCHED) == said + 1


def test_questions_are_answered_before_the_market_is_there_and_orders_wait() -> None:
    rig = rig_with(("09:30:03", {A: quote(10.0)}))
    ready, state, numbers, words = rig.core.status()
    assert (ready, state, numbers["rows"], words["account"]) == (False, "waiting", 1, "paper")
    assert isinstance(rig.ask(AccountRequest()), Account)
    order = rig.order("k", A, 100, 10.0)
    assert rig.submit(order) is None
    rig.play(2)
    assert rig.core.status()[:2] == (True, "ready")
    ahead = rig.order("k2", A, 100, 10.0, push=order.push + 10)
    assert rig.submit(ahead) is None, "risk is ahead of us: an answer now would be final"
    assert rig.ledger.orders == {}


def test_events_orders_and_fills_are_paged_and_filtered() -> None:
    rig = rig_with(("09:30:03", {A: quote(10.0)}))
    rig.play(2)
    rig.submit(rig.order("k1", A, 300, 10.0))
    rig.submit(rig.order("k2", A, 300, 9.9))
    page = rig.ask(EventsRequest(3, 2))
    assert isinstance(page, Events)
    assert [row.seq for row in page.rows] == [3, 4]
    assert (page.last_seq, page.matched) == (rig.rows[-1].seq, rig.matched)
    everything = rig.ask(EventsRequest(0))
    assert isinstance(everything, Events)
    assert list(everything.rows) == rig.rows
    found = rig.ask(OrdersRequest(DAY, OrderState.FILLED))
    assert isinstance(found, Orders)
    assert [row.key for row in found.rows] == ["k1"]
    none = rig.ask(OrdersRequest(NEXT))
    assert none == Orders(())
    deals = rig.ask(FillsRequest(DAY))
    assert isinstance(deals, Events)
    assert [type(row.event) for row in deals.rows] == [OrderFilled]
    assert rig.ask(FillsRequest(NEXT)) == Events((), rig.rows[-1].seq, rig.matched)


def test_what_is_said_is_what_is_on_disk_and_keys_are_unique_there() -> None:
    rig = rig_with(("09:30:03", {A: quote(10.0)}))
    rig.play(2)
    rig.submit(rig.order("k", A, 300, 10.0))
    assert [message for topic, message in rig.published if topic == EVENT] == rig.rows
    coid = next(iter(rig.ledger.orders))
    assert {f"order:{coid}", f"deal:{coid}-1", f"day:{DAY}"} <= rig.disk.unique


def test_a_restart_rebuilds_the_broker_from_open_orders() -> None:
    rig = rig_with(("09:30:03", {A: quote(10.0)}), ("09:30:06", {A: quote(10.0, ask=200, volume=1_300)}))
    rig.play(2)
    order = rig.order("k", A, 1_000, 10.0)
    rig.submit(order)
    rig.calls.clear()
    rig.boot()
    (restore,) = [call for call in rig.calls if isinstance(call, Restore)]
    assert [(o.coid, o.left, o.deals) for o in restore.orders] == [(order.coid, 700, 1)]
    rig.play()
    assert [fill.deal_id for fill in rig.events(OrderFilled)] == [f"{order.coid}-1", f"{order.coid}-2"]


@pytest.mark.parametrize("at", ["09:20:00", "09:27:00", "12:00:00", "14:58:00"])
def test_resting_orders_are_not_matched_outside_continuous_trading(at: str) -> None:
    rig = rig_with(("09:30:03", {A: quote(10.0)}))
    rig.play(2)
    order = rig.order("k", A, 1_000, 10.0)
    rig.submit(order)
    rig.tape.push(2, at, {A: quote(9.9, ask=5_000, volume=90_000)})
    rig.play()
    assert rig.ledger.order(order.coid).filled == 300


def test_a_sell_takes_the_bids_and_pays_stamp_duty() -> None:
    rig = two_days()
    rig.play(2)
    cash = rig.ledger.cash
    rig.submit(rig.order("s", A, 300, 10.30, Side.SELL, cause=Reason.STOP_LOSS))
    fill = rig.events(OrderFilled)[-1]
    assert isinstance(fill, OrderFilled)
    assert (fill.shares, fill.price, fill.cause) == (300, 10_390, Reason.STOP_LOSS)
    # 3,117.00: commission 5.00, stamp duty 0.05 % = 1.56, transfer 0.03
    assert fill.fees == 5_000 + 1_560 + 30
    assert rig.ledger.cash == cash + 300 * 10_390 - fill.fees
    assert rig.ledger.positions == {}
