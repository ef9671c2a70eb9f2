"""Orders of people: recorded with the feed, judged in their push, answered once the gateway has them."""

import pytest

from common.domain.ids import client_order_id
from common.domain.orders import Action, PriceKind
from common.domain.reasons import Reason
from common.domain.values import Pace, Phase, Side, TradingState
from common.messages.control import HandOrderPlaced, RecordHandOrder, StateRequest
from common.messages.market import HandOrder, InstrumentFlag
from common.messages.orders import CloseRequest, OpenRequest, OrderCancelled, OrderSubmitted, SubmitOrder
from common.messages.signals import SignalBatch, Verdict, Verdicts, VerdictsRequest, VerdictStatus
from services.risk_manager.hand import body_of
from tests.builders import Quote
from tests.unit.services.risk_manager.desk import (
    GATEWAY,
    MARKET,
    OPERATOR,
    SETTINGS,
    SIGNAL,
    A,
    B,
    C,
    D,
    Desk,
    E,
    F,
    two_sided,
)

NEXT = 20260106


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.open_day()
    made.tick("09:30")
    return made


def play(desk: Desk, *orders: HandOrder, time: str = "09:31") -> list[Verdict]:
    """Let orders enter with the next push and return the verdicts on them."""
    desk.tick(time, hand=orders)
    desk.signals()
    return [verdict for order in orders for verdict in desk.said if verdict.key == order.key]


def buy(shares: int = 100, price: int = 0, symbol: str = A, key: str = "h1", wide: bool = False) -> HandOrder:
    return HandOrder(key, Side.BUY, symbol, shares, price, wide)


def sell(shares: int = 0, price: int = 0, symbol: str = A, key: str = "h2", wide: bool = False) -> HandOrder:
    return HandOrder(key, Side.SELL, symbol, shares, price, wide)


def test_an_open_is_recorded_with_the_feed_waits_for_its_push_and_is_answered_when_journalled(desk: Desk) -> None:
    desk.send(OpenRequest("h1", A, 300), GATEWAY, token="one")
    asked = desk.asked[-1]
    assert (asked.peer, asked.message) == ("market_data", RecordHandOrder(body_of(OpenRequest("h1", A, 300))))
    desk.send(HandOrderPlaced("h1", desk.push + 1), MARKET)
    desk.send(OpenRequest("h1", A, 300), GATEWAY, token="two")
    assert desk.replies.keys().isdisjoint({"one", "two"})
    desk.mute = True
    (*_, verdict) = play(desk, buy(300)) or [None]
    assert verdict is None, "not said before the gateway has it"
    assert desk.replies.keys().isdisjoint({"one", "two"})
    desk.mute = False
    desk.answer(desk.asked[-1])
    answer = desk.replies["one"]
    assert isinstance(answer, Verdict)
    assert desk.replies["two"] == answer
    assert (answer.status, answer.shares, answer.price, answer.rule) == (VerdictStatus.APPROVED, 300, 10_200, "hand")
    assert (desk.last_order.key, desk.last_order.cause) == ("h1", Reason.HAND_OPEN)
    desk.send(OpenRequest("h1", A, 300), GATEWAY, token="three")
    assert desk.replies["three"] == answer


def test_no_session_no_order(desk: Desk) -> None:
    desk.send(OpenRequest("h1", A, 300), GATEWAY, token="one")
    desk.send(HandOrderPlaced("h1", 0), MARKET)
    answer = desk.replies["one"]
    assert isinstance(answer, Verdict)
    assert (answer.reason, answer.detail) == (Reason.PHASE_CLOSED, {"phase": int(Phase.CONTINUOUS)})
    assert desk.said == [answer]


def test_another_body_under_the_same_key_is_a_conflict(desk: Desk) -> None:
    desk.send(OpenRequest("h1", A, 300), GATEWAY, token="one")
    desk.send(CloseRequest("h1", A, 300), GATEWAY, token="two")
    answer = desk.replies["two"]
    assert isinstance(answer, Verdict)
    assert answer.reason is Reason.KEY_CONFLICT
    (verdict,) = play(desk, buy(300))
    assert verdict.status is VerdictStatus.APPROVED
    assert desk.replies["one"] == verdict


def test_after_a_restart_the_question_is_asked_again(desk: Desk) -> None:
    desk.send(OpenRequest("h1", A, 300), GATEWAY, token="lost")
    before = len(desk.asked)
    desk.restart()
    assert RecordHandOrder(buy(300)) in [request.message for request in desk.asked[before:]]
    desk.send(HandOrderPlaced("h1", desk.push + 1), MARKET)
    desk.restart()
    assert sum(isinstance(request.message, RecordHandOrder) for request in desk.asked) == 2
    desk.send(OpenRequest("h1", A, 300), GATEWAY, token="again")
    (verdict,) = play(desk, buy(300))
    assert desk.replies["again"] == verdict


def test_an_order_whose_push_was_lost_is_refused(desk: Desk) -> None:
    desk.send(OpenRequest("h1", A, 300), GATEWAY, token="one")
    desk.send(HandOrderPlaced("h1", desk.push + 1), MARKET)
    desk.tick("09:31")
    desk.tick("09:32")
    answer = desk.replies["one"]
    assert isinstance(answer, Verdict)
    assert answer.reason is Reason.DATA_GAP


@pytest.mark.parametrize(
    ("order", "reason", "numbers"),
    [
        (buy(150), Reason.ODD_LOT, {"shares": 150, "lot": 100, "lot_minimum": 100}),
        (buy(0), Reason.BAD_QUANTITY, {"shares": 0}),
        (buy(1_000_100), Reason.ORDER_TOO_LARGE, {"order_cap": 1_000_000}),
        (buy(100, 10_001), Reason.OFF_TICK, {"price": 10_001}),
        (buy(100, 11_010), Reason.OUTSIDE_BAND, {"up_limit": 11_000}),
        (buy(100, 10_400), Reason.OUTSIDE_CAGE, {"cage_high": 10_210}),
        (buy(100, 10_210), Reason.FAR_FROM_LAST, {"last": 10_000, "reach_bp": 200}),
        (buy(100_000, 0), Reason.INSUFFICIENT_CASH, {"free_cash": 1_000_000_000}),
        (buy(100, symbol="600999.SH"), Reason.UNKNOWN_SYMBOL, {"day": 20260105}),
        (sell(), Reason.NO_POSITION, {"held": 0}),
    ],
)
def test_refusals_name_their_numbers(desk: Desk, order: HandOrder, reason: Reason, numbers: dict[str, int]) -> None:
    (verdict,) = play(desk, order)
    assert (verdict.status, verdict.reason) == (VerdictStatus.DENIED, reason)
    assert verdict.detail.items() >= numbers.items()
    assert not desk.submitted


def test_wide_prices_are_let_through_when_meant(desk: Desk) -> None:
    (verdict,) = play(desk, buy(100, 10_210, wide=True))
    assert (verdict.status, desk.last_order.price, desk.last_order.wide_price) == (VerdictStatus.APPROVED, 10_210, True)


def test_slots_count_for_people_too_but_adding_needs_none() -> None:
    desk = Desk(SETTINGS._replace(positions_max=1))
    desk.open_day()
    desk.tick("09:30")
    desk.hold(A, 100, 10_000, "limit_up")
    full, more = play(desk, buy(symbol=B), buy(symbol=A, key="h3"))
    assert (full.reason, full.detail["slots_used"]) == (Reason.SLOTS_FULL, 1)
    assert more.status is VerdictStatus.APPROVED


def test_what_was_bought_today_may_not_be_sold_today(desk: Desk) -> None:
    desk.hold(A, 300, 10_000)
    (verdict,) = play(desk, sell())
    assert (verdict.status, verdict.reason) == (VerdictStatus.DENIED, Reason.T1_UNSELLABLE)
    assert verdict.detail == {"shares": 0, "held": 300, "bought_today": 300, "frozen": 0, "sellable": 0}
    desk.open_day(NEXT)
    desk.tick("09:30")
    desk.hold(A, 200, 10_000, coid="TODAY")
    too_much, part = play(desk, sell(500, key="h9"), sell(key="h3"))
    assert (too_much.reason, too_much.detail["sellable"]) == (Reason.T1_UNSELLABLE, 300)
    assert (part.status, part.shares) == (VerdictStatus.APPROVED, 300)
    assert play(desk, sell(600, key="h4"), time="09:32")[0].reason is Reason.INSUFFICIENT_SHARES
    assert play(desk, sell(100, key="h5"), time="09:33")[0].reason is Reason.ALREADY_WORKING


def test_a_close_is_a_whole_quantity_and_one_order_long(desk: Desk) -> None:
    desk.hold(A, 2_000_000, 400)
    desk.open_day(NEXT)
    desk.tick("09:30")
    odd, large, last = play(desk, sell(150), sell(1_000_100, key="h3"), sell(1_000, key="h4"))
    assert (odd.reason, odd.detail["sellable"]) == (Reason.ODD_LOT, 2_000_000)
    assert (large.reason, large.detail["order_cap"]) == (Reason.ORDER_TOO_LARGE, 1_000_000)
    assert last.status is VerdictStatus.APPROVED
    assert play(desk, buy(key="h5"), time="09:32")[0].reason is Reason.ALREADY_WORKING, "we do not trade with ourselves"


def test_a_close_counts_against_a_standing_reduction(desk: Desk) -> None:
    desk.hold(A, 1000, 10_000)
    desk.open_day(NEXT)
    desk.tick("09:30")
    desk.signals(desk.signal(A, Action.REDUCE, fraction_bp=4_000))
    half = desk.last_order
    assert half.shares == 400
    desk.tick("09:30:03")
    (verdict,) = play(desk, sell(300), time="09:30:06")
    assert verdict.status is VerdictStatus.APPROVED
    desk.tick("09:30:09")
    (cancel,) = desk.cancels
    assert (cancel.coid, cancel.reason) == (half.coid, Reason.REPRICE), "it would sell 300 shares too many"
    desk.cancelled(cancel, 400)
    desk.tick("09:30:12")
    assert (desk.last_order.shares, desk.last_order.key[-3:]) == (100, "|r1")


def test_shares_that_an_exit_is_selling_are_not_sold_twice(desk: Desk) -> None:
    desk.hold(A, 1000, 10_000)
    desk.open_day(NEXT)
    desk.tick("09:30")
    desk.leave(A)
    (verdict,) = play(desk, sell(200))
    assert (verdict.reason, verdict.detail["frozen"]) == (Reason.EXIT_STANDING, 1000)
    assert play(desk, buy(100, key="h3"), time="09:32")[0].reason is Reason.EXIT_STANDING


def test_closes_and_exits_come_before_opens_and_those_before_entries() -> None:
    desk = Desk(SETTINGS._replace(positions_max=3))
    desk.open_day()
    desk.tick("09:30")
    for symbol in (A, B):
        desk.hold(symbol, 1000, 5_000)
    desk.open_day(NEXT)
    desk.tick("09:30")
    desk.tick("09:31", hand=[buy(symbol=C), sell(symbol=A)])
    entry, leave = desk.signals(desk.signal(D, price=PriceKind.MARKETABLE), desk.signal(B, Action.EXIT))
    assert [order.symbol for order in desk.submitted.values()] == [A, B, C]
    assert (entry.reason, leave.status) == (Reason.SLOTS_FULL, VerdictStatus.STANDING)


def test_in_lockstep_they_wait_for_the_rules_however_long(desk: Desk) -> None:
    desk.tick("09:31", hand=[buy()])
    assert desk.core.next_deadline_ns() is None
    desk.wait(60)
    assert not desk.submitted
    assert desk.push not in desk.acks
    desk.send(SignalBatch(f"signals|{desk.push}", desk.push, ()), SIGNAL)
    assert desk.last_order.key == "h1"
    assert desk.acks[-1] == desk.push


def test_in_real_time_they_wait_half_a_second() -> None:
    desk = Desk(pace=Pace.REAL_TIME, speed_milli=1000)
    desk.open_day()
    desk.tick("09:30")
    desk.tick("09:30:03", hand=[buy()])
    desk.wait(0.4)
    assert not desk.submitted
    desk.wait(0.2)
    assert desk.last_order.key == "h1"
    entry = desk.signals(desk.signal(B, price=PriceKind.MARKETABLE))
    assert entry[0].status is VerdictStatus.APPROVED, "the decisions of that push come late and are taken"


@pytest.mark.parametrize(("state", "buys", "sells"), [
    (TradingState.HALTED, Reason.STATE_HALTED, Reason.STATE_HALTED),
    (TradingState.REDUCING, Reason.STATE_REDUCING, Reason.NONE),
])  # fmt: skip
def test_the_state_holds_for_people_too(desk: Desk, state: TradingState, buys: Reason, sells: Reason) -> None:
    desk.hold(A, 1000, 10_000)
    desk.open_day(NEXT)
    desk.tick("09:30")
    desk.send(StateRequest(state, "look"), OPERATOR, token="s")
    verdicts = play(desk, buy(symbol=B), sell())
    assert [verdict.reason for verdict in verdicts] == [buys, sells]


def test_suspended_and_auction() -> None:
    desk = Desk()
    desk.open_day(flags={A: InstrumentFlag.SUSPENDED})
    desk.tick("09:20")
    assert play(desk, buy(symbol=B), time="09:26")[0].reason is Reason.PHASE_CLOSED
    assert play(desk, buy(key="h3"), time="09:30")[0].reason is Reason.SUSPENDED
    desk.tick("09:31", {E: Quote(5.0, second=34_260)})
    assert play(desk, buy(symbol=F, key="h4"), time="09:32")[0].status is VerdictStatus.APPROVED


def test_a_close_the_gateway_served_itself_is_approved_as_it_is(desk: Desk) -> None:
    desk.hold(A, 1000, 10_000)
    desk.open_day(NEXT)
    desk.tick("09:30")
    coid = client_order_id(NEXT, "h2")
    served = SubmitOrder(coid, "h2", A, Side.SELL, 400, 9_800, desk.push, 0, 0, "hand", Reason.HAND_CLOSE)
    desk.write(OrderSubmitted(served, 0))
    (verdict,) = play(desk, sell(400))
    assert (verdict.status, verdict.shares, verdict.coid) == (VerdictStatus.APPROVED, 400, coid)
    assert not desk.submitted


def test_verdicts_are_listed_in_the_order_given_also_after_a_restart(desk: Desk) -> None:
    play(desk, sell(key="z"), sell(key="a"), sell(key="m"))
    desk.open_day(NEXT)
    desk.tick("09:30")
    play(desk, sell(key="b"))
    desk.restart()
    desk.send(VerdictsRequest(), OPERATOR, token="all")
    desk.send(VerdictsRequest(NEXT), OPERATOR, token="day")
    rows, day = desk.replies["all"], desk.replies["day"]
    assert isinstance(rows, Verdicts)
    assert isinstance(day, Verdicts)
    assert [verdict.key for verdict in rows.rows] == ["z", "a", "m", "b"]
    assert [verdict.key for verdict in day.rows] == ["b"]


def test_verdicts_of_long_ago_are_forgotten(desk: Desk) -> None:
    play(desk, sell(key="old"))
    for day in range(20260106, 20260127):
        desk.open_day(day)
        desk.tick("09:30", {A: two_sided(10.0)})
    assert not [key for key in desk.disk.kept if key.endswith("/old")]


# ---------------------------------------------------------------------- both sides, one stock's share


def test_one_stock_s_share_of_equity_counts_what_is_held_and_what_works() -> None:
    desk = Desk(SETTINGS._replace(name_share_bp=3_000))
    desk.open_day()
    desk.tick("09:30")
    desk.hold(A, 10_000, 10_000)
    more, over = play(desk, buy(10_000, 9_900), buy(10_300, 9_900, key="h3"))
    assert more.status is VerdictStatus.APPROVED
    assert (over.status, over.reason) == (VerdictStatus.DENIED, Reason.NAME_SHARE)
    # 100,000 held, 99,000 working, 101,970 asked for; 30 % of 1,000,000 less the fee of the fill.
    assert over.detail == {"value": 300_970_000, "value_max": 299_998_500}


def test_a_slot_is_never_above_one_stock_s_share() -> None:
    desk = Desk(SETTINGS._replace(name_share_bp=100))
    desk.open_day()
    desk.tick("09:30")
    fits, over = play(desk, buy(19_900, 10_000), buy(10_100, 20_000, key="h3", symbol=B))
    assert fits.status is VerdictStatus.APPROVED, "slot_bp is 20 %"
    assert over.reason is Reason.NAME_SHARE


def test_a_person_does_not_sell_what_a_buy_of_ours_is_working_in(desk: Desk) -> None:
    desk.hold(A, 500, 10_000)
    desk.open_day(20260106)
    desk.tick("09:30")
    (bought,) = play(desk, buy(100, 9_900))
    assert bought.status is VerdictStatus.APPROVED
    (sold,) = play(desk, sell(100, key="h9"))
    assert (sold.status, sold.reason, sold.detail) == (VerdictStatus.DENIED, Reason.SELF_TRADE, {"orders": 1})
    desk.write(OrderCancelled(bought.coid, 100, Reason.HAND_CANCEL))
    (again,) = play(desk, sell(100, key="h10"))
    assert again.status is VerdictStatus.APPROVED


def test_nothing_is_bought_of_a_stock_that_was_not_quoted_since_a_gap(desk: Desk) -> None:
    desk.tick("09:40", {B: two_sided(20.0)}, [buy(100), buy(100, key="h3", symbol=B)], gap=True)
    desk.signals()
    first, second = (next(v for v in desk.said if v.key == key) for key in ("h1", "h3"))
    assert (first.reason, first.detail) == (Reason.QUOTE_BEFORE_GAP, {"gap_ms": 34_200_000})
    assert second.status is VerdictStatus.APPROVED
    desk.restart()
    desk.tick("09:40:03", {B: two_sided(20.0)})
    assert desk.enter(A).reason is Reason.QUOTE_BEFORE_GAP
    desk.tick("09:40:06", {A: two_sided(10.0)})
    assert desk.enter(A, attempt=2).status is VerdictStatus.APPROVED
