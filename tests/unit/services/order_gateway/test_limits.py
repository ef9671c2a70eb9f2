"""Every refusal of the last checks, with its numbers, and that nothing of it reaches the broker."""

import pytest
from msgspec.structs import replace

from common.domain.calendar import ts_of
from common.domain.reasons import Reason
from common.domain.values import Board, Pace, Side
from common.messages.market import InstrumentFlag
from common.messages.orders import CancelRequest, Denied, IntentDenied, Journalled, SubmitOrder
from common.rules.guards import RAISABLE, is_high_frequency
from services.order_gateway.calls import Submit
from services.order_gateway.limits import Denial, check_order
from services.order_gateway.settings import BUY_SHARE_BP, Settings
from tests.builders import DAY, PREV_DAY, Quote, table
from tests.gateway_rig import Rig, Tape

A, OTHER, HALTED = "600001.SH", "300003.SZ", "600009.SH"


def rig(at: str = "09:30:03", settings: Settings | None = None) -> Rig:
    """Return a gateway that holds 1,000 A bought yesterday and 200 bought today; 10.00 is the last price."""
    tape = Tape()
    closes = {A: 10.0, OTHER: 20.0, HALTED: 5.0}
    tape.open(table(closes, day=20260104, flags={HALTED: InstrumentFlag.SUSPENDED}), PREV_DAY)
    tape.push(1, "09:30:03", {A: Quote(10.0, bid=[(9.99, 500)], ask=[(10.0, 9_000)])})
    tape.push(2, "15:00:00", {A: Quote(10.0)})
    tape.open(table(closes, flags={HALTED: InstrumentFlag.SUSPENDED}), 20260104)
    tape.push(1, "09:30:03", {A: Quote(10.0, bid=[(9.99, 500)], ask=[(10.0, 200)])})
    tape.push(2, at, {A: Quote(10.0, bid=[(9.99, 500)], ask=[(10.01, 200)])})
    made = Rig(settings, tape)
    made.play(2)
    made.submit(made.order("old", A, 1_000, 10.0))
    made.play(3)
    made.submit(made.order("new", A, 200, 10.0))
    made.play()
    return made


CASES: list[tuple[str, dict[str, object], Reason, dict[str, int]]] = [
    ("no shares", {"shares": 0}, Reason.BAD_QUANTITY, {"shares": 0, "side": 1}),
    ("no side", {"side": 3}, Reason.BAD_QUANTITY, {"shares": 100, "side": 3}),
    ("unknown code", {"symbol": "600999.SH"}, Reason.UNKNOWN_SYMBOL, {}),
    ("suspended", {"symbol": HALTED, "price": 5_000}, Reason.SUSPENDED, {}),
    ("three decimals", {"price": 10_005}, Reason.OFF_TICK, {"price": 10_005, "tick": 10}),
    ("no price", {"price": 0}, Reason.OFF_TICK, {"price": 0}),
    ("above the band", {"price": 11_010}, Reason.OUTSIDE_BAND, {"up_limit": 11_000, "down_limit": 9_000}),
    ("below the band", {"price": 8_990}, Reason.OUTSIDE_BAND, {"price": 8_990}),
    ("150 shares", {"shares": 150}, Reason.ODD_LOT, {"shares": 150, "lot": 100, "lot_minimum": 100}),
    ("too large", {"shares": 1_000_100, "price": 10_000}, Reason.ORDER_TOO_LARGE, {"order_cap": 1_000_000}),
    ("outside the cage", {"price": 10_300}, Reason.OUTSIDE_CAGE, {"price": 10_300, "cage_high": 10_210}),
    ("cage binds wide prices too", {"price": 10_300, "wide_price": True}, Reason.OUTSIDE_CAGE, {}),
    ("far from last", {"price": 10_210}, Reason.FAR_FROM_LAST, {"price": 10_210, "last": 10_000, "reach_bp": 200}),
    ("no cash", {"shares": 100_000}, Reason.INSUFFICIENT_CASH, {}),
    (
        "bought today",
        {"side": Side.SELL, "shares": 1_100},
        Reason.T1_UNSELLABLE,
        {"sellable": 1_000, "bought_today": 200},
    ),
    ("more than held", {"side": Side.SELL, "shares": 1_300}, Reason.INSUFFICIENT_SHARES, {"sellable": 1_000}),
    (
        "nothing held",
        {"side": Side.SELL, "symbol": OTHER, "price": 20_000},
        Reason.INSUFFICIENT_SHARES,
        {"sellable": 0},
    ),
    ("odd sell", {"side": Side.SELL, "shares": 150}, Reason.ODD_LOT, {"shares": 150, "sellable": 1_000}),
    ("too late", {"valid_until_ns": 1}, Reason.EXPIRED, {"valid_until_ns": 1}),
]


@pytest.mark.parametrize(
    ("changes", "reason", "numbers"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_refused(changes: dict[str, object], reason: Reason, numbers: dict[str, int]) -> None:
    gateway = rig("09:30:06")
    sent = len([call for call in gateway.calls if isinstance(call, Submit)])
    order = replace(gateway.order("k", A, 100, 10.0), **changes)
    answer = gateway.submit(order)
    assert isinstance(answer, Denied)
    assert (answer.reason, answer.coid) == (reason, order.coid)
    assert numbers.items() <= answer.detail.items()
    assert gateway.events(IntentDenied) == [IntentDenied("k", order.coid, reason, answer.detail)]
    assert order.coid not in gateway.ledger.orders
    assert len([call for call in gateway.calls if isinstance(call, Submit)]) == sent
    assert gateway.submit(order) == answer, "the same order gets the same refusal for ever"
    assert len(gateway.events(IntentDenied)) == 1


@pytest.mark.parametrize("at", ["11:30:00", "14:57:00", "15:00:00"])
def test_closed_phases_are_refused(at: str) -> None:
    gateway = rig(at)
    answer = gateway.submit(gateway.order("k", A, 100, 10.0))
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.PHASE_CLOSED


def test_orders_before_the_opening_are_refused() -> None:
    tape = Tape()
    tape.open(table({A: 10.0}), PREV_DAY)
    tape.push(1, "09:26:00", {A: Quote(10.0)})
    gateway = Rig(tape=tape)
    gateway.play(2)
    answer = gateway.submit(gateway.order("k", A, 100, 10.0))
    assert isinstance(answer, Denied)
    assert (answer.reason, answer.detail) == (Reason.PHASE_CLOSED, {"phase": 2})


def test_wide_prices_pass_when_the_cage_lets_them() -> None:
    gateway = rig("09:30:06")
    answer = gateway.submit(gateway.order("k", A, 100, 10.21, wide_price=True))
    assert isinstance(answer, Journalled)


def test_an_odd_remainder_may_be_sold_in_one_order() -> None:
    gateway = rig("09:30:06")
    holding = gateway.ledger.positions[A]
    holding.shares += 30
    assert isinstance(gateway.submit(gateway.order("k", A, 1_030, 9.99, Side.SELL)), Journalled)


def test_an_order_priced_on_an_older_push_is_not_refused_for_a_tick() -> None:
    gateway = rig("09:30:06")
    older = gateway.order("k", A, 100, 10.21)
    older = gateway.order("k", A, 100, 10.21, push=older.push - 1)
    assert isinstance(gateway.submit(older), Journalled)
    far = gateway.order("k2", A, 100, 10.31, push=older.push)
    answer = gateway.submit(far)
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.FAR_FROM_LAST


def test_buys_stop_at_the_rate_and_exits_still_get_through() -> None:
    gateway = rig("09:30:06", Settings(orders_per_s=3))
    for number in range(3):
        assert isinstance(gateway.submit(gateway.order(f"b{number}", OTHER, 100 + 100 * number, 19.8)), Journalled)
    answer = gateway.submit(gateway.order("b3", OTHER, 400, 19.8))
    assert isinstance(answer, Denied)
    assert (answer.reason, answer.detail["in_second"]) == (Reason.TOO_MANY_ORDERS, 3)
    assert isinstance(gateway.submit(gateway.order("s", A, 100, 9.99, Side.SELL)), Journalled)


def test_the_daily_number_keeps_a_quarter_for_exits_and_survives_a_restart() -> None:
    gateway = rig("09:30:06", Settings(orders_per_day=4))
    for number in range(2):
        assert isinstance(gateway.submit(gateway.order(f"b{number}", OTHER, 100 + 100 * number, 19.8)), Journalled)
    gateway.boot()
    answer = gateway.submit(gateway.order("b2", OTHER, 300, 19.8))
    assert isinstance(answer, Denied)
    assert (answer.reason, answer.detail["in_day"], answer.detail["in_day_max"]) == (Reason.TOO_MANY_ORDERS, 3, 3)
    assert isinstance(gateway.submit(gateway.order("s", A, 100, 9.99, Side.SELL)), Journalled)
    last = gateway.submit(gateway.order("s2", A, 200, 9.99, Side.SELL))
    assert isinstance(last, Denied)
    assert last.reason is Reason.TOO_MANY_ORDERS


def test_check_order_passes_a_good_order() -> None:
    gateway = rig("09:30:06")
    market = gateway.core._market
    order: SubmitOrder = gateway.order("k", A, 100, 10.0)
    assert check_order(order, market, gateway.core.books, gateway.settings) is None
    late = check_order(gateway.order("k", A, 100, 10.0, valid_until_ns=0), market, gateway.core.books, gateway.settings)
    assert late == Denial(Reason.EXPIRED, {"valid_until_ns": 0, "ts_ns": ts_of(DAY, 9 * 3600 + 1806)})
    facts = market.facts(A)
    assert facts is not None
    assert (facts.board, facts.up_limit) == (Board.MAIN, 11_000)


# ---------------------------------------------------------------------- values, repeats, both sides at once


def test_the_value_of_one_buy_and_of_a_day_of_buys_is_bounded_and_survives_a_restart() -> None:
    gateway = rig("09:30:06", Settings(order_value_max=5_000, day_value_max=8_000))  # 200 A = 2,000 yuan bought already
    one = gateway.submit(gateway.order("one", OTHER, 300, 19.8))
    assert isinstance(one, Denied)
    assert (one.reason, one.detail) == (Reason.ORDER_VALUE, {"value": 5_940_000, "value_max": 5_000_000})
    assert isinstance(gateway.submit(gateway.order("two", OTHER, 200, 19.8)), Journalled)
    gateway.boot()
    day = gateway.submit(gateway.order("three", OTHER, 200, 19.9))
    assert isinstance(day, Denied)
    assert day.reason is Reason.DAY_VALUE
    assert day.detail == {"value": 3_980_000, "day_value": 5_960_000, "day_value_max": 8_000_000}


def test_a_sell_is_held_by_the_ceiling_only() -> None:
    gateway = rig("09:30:06", Settings(order_value_max=10_000))
    assert isinstance(gateway.submit(gateway.order("s", A, 1_000, 10.05, Side.SELL)), Journalled)
    tight = rig("09:30:06", Settings(order_value_max=10_000, ceilings=RAISABLE | {"order_value_max": 10_020}))
    answer = tight.submit(tight.order("s", A, 1_000, 10.05, Side.SELL))
    assert isinstance(answer, Denied)
    assert (answer.reason, answer.detail) == (Reason.ORDER_VALUE, {"value": 10_050_000, "value_max": 10_020_000})


@pytest.mark.parametrize(
    ("changes", "passes"),
    [({}, False), ({"shares": 300}, True), ({"price": 19_810}, True), ({"symbol": A, "price": 10_000}, True)],
)
def test_the_same_order_under_another_key_within_a_second_is_held(changes: dict[str, object], passes: bool) -> None:
    gateway = rig("09:30:06")
    assert isinstance(gateway.submit(gateway.order("one", OTHER, 200, 19.8)), Journalled)
    gateway.boot()
    answer = gateway.submit(replace(gateway.order("two", OTHER, 200, 19.8), **changes))
    if passes:
        assert isinstance(answer, Journalled)
        return
    assert isinstance(answer, Denied)
    assert (answer.reason, answer.detail) == (Reason.DUPLICATE_ORDER, {"shares": 200, "price": 19_800, "side": 1})


def test_the_same_order_a_second_later_is_another_one() -> None:
    gateway = rig("09:30:06")
    first = gateway.order("one", OTHER, 200, 19.8)
    assert isinstance(gateway.submit(replace(first, ts_ns=first.ts_ns - 1_000_000_000)), Journalled)
    assert isinstance(gateway.submit(gateway.order("two", OTHER, 200, 19.8)), Journalled)


def test_never_more_is_sent_under_a_key_than_was_ordered() -> None:
    gateway = rig("09:30:06")
    assert isinstance(gateway.submit(gateway.order("one", OTHER, 200, 19.8)), Journalled)
    gateway.boot()
    answer = gateway.submit(gateway.order("one", OTHER, 200, 19.8, coid="260106AAAAAAAAAAAAAA"))
    assert isinstance(answer, Denied)
    assert (answer.reason, answer.detail) == (Reason.OVER_ORDERED, {"sent": 200, "shares": 200})


def test_nobody_of_ours_buys_and_sells_a_stock_at_once() -> None:
    gateway = rig("09:30:06")
    assert isinstance(gateway.submit(gateway.order("s", A, 100, 10.05, Side.SELL)), Journalled)
    bought = gateway.submit(gateway.order("b", A, 100, 9.9))
    assert isinstance(bought, Denied)
    assert (bought.reason, bought.detail) == (Reason.SELF_TRADE, {"orders": 1})
    other = rig("09:30:06")
    assert isinstance(other.submit(other.order("b", A, 100, 9.9)), Journalled)
    sold = other.submit(other.order("s", A, 100, 10.05, Side.SELL))
    assert isinstance(sold, Denied)
    assert sold.reason is Reason.SELF_TRADE


def test_a_stock_with_an_order_in_doubt_is_not_bought_and_its_exits_are_not_locked_in() -> None:
    gateway = rig("09:30:06")
    buy = gateway.order("b", A, 100, 9.9)
    assert isinstance(gateway.submit(buy), Journalled)
    gateway.ledger.in_doubt(buy.coid)
    more = gateway.submit(gateway.order("b2", A, 200, 9.9))
    assert isinstance(more, Denied)
    assert (more.reason, more.detail) == (Reason.IN_DOUBT, {"orders": 1})
    assert isinstance(gateway.submit(gateway.order("b3", OTHER, 200, 19.8)), Journalled), "other stocks go on"
    assert isinstance(gateway.submit(gateway.order("s", A, 100, 10.05, Side.SELL)), Journalled)


# ---------------------------------------------------------------------- what others find out


@pytest.mark.parametrize("reason", [Reason.NOT_RECONCILED, Reason.MIXED_VERSIONS])
def test_a_fact_somebody_found_stops_buys_until_it_is_gone(reason: Reason) -> None:
    gateway = rig("09:30:06")
    gateway.core.guard.forbid_buys(reason, rows=3)
    answer = gateway.submit(gateway.order("b", OTHER, 100, 19.8))
    assert isinstance(answer, Denied)
    assert (answer.reason, answer.detail) == (reason, {"rows": 3})
    assert gateway.core.status()[3]["no_buys"] == reason.name
    assert isinstance(gateway.submit(gateway.order("s", A, 100, 10.05, Side.SELL)), Journalled)
    gateway.core.guard.allow_buys(reason)
    assert isinstance(gateway.submit(gateway.order("b2", OTHER, 100, 19.8)), Journalled)


@pytest.mark.parametrize(
    ("pace", "silent_s", "dead"),
    [(Pace.REAL_TIME, 5, False), (Pace.REAL_TIME, 7, True), (Pace.LOCKSTEP, 700, False)],
)
def test_nothing_is_bought_on_a_dead_feed(pace: Pace, silent_s: int, dead: bool) -> None:
    tape = Tape()
    tape.open(table({A: 10.0}), PREV_DAY, pace=pace, speed_milli=1_000)
    tape.push(1, "09:30:03", {A: Quote(10.0, ask=[(10.0, 900)])})
    tape.push(2, "09:30:06", {A: Quote(10.0, ask=[(10.0, 900)])})
    gateway = Rig(tape=tape)
    gateway.play(2)
    gateway.now_ns += silent_s * 1_000_000_000
    answer = gateway.submit(gateway.order("b", A, 100, 10.0))
    if not dead:
        assert isinstance(answer, Journalled)
        return
    assert isinstance(answer, Denied)
    assert (answer.reason, answer.detail) == (Reason.FEED_DEAD, {"silent_ms": 7_000})
    gateway.play()
    assert isinstance(gateway.submit(gateway.order("b2", A, 100, 10.0)), Journalled)


def test_nothing_is_bought_on_an_exchange_that_fell_silent() -> None:
    tape = Tape()
    tape.open(table({A: 10.0, OTHER: 20.0}), PREV_DAY, pace=Pace.REAL_TIME, speed_milli=1_000)
    tape.push(1, "09:30:03", {A: Quote(10.0, ask=[(10.0, 900)]), OTHER: Quote(20.0, ask=[(20.0, 900)])})
    tape.push(2, "09:30:06", {A: Quote(10.0, ask=[(10.0, 900)])}, silent=("SZ",))
    gateway = Rig(tape=tape)
    gateway.play(3)
    answer = gateway.submit(gateway.order("b", OTHER, 100, 20.0))
    assert isinstance(answer, Denied)
    assert (answer.reason, answer.detail) == (Reason.FEED_DEAD, {"exchange": 2})
    assert isinstance(gateway.submit(gateway.order("b2", A, 100, 10.0)), Journalled)


# ---------------------------------------------------------------------- cancels


def test_cancels_count_and_pass_the_numbers_up_to_the_ceiling() -> None:
    gateway = rig("09:30:06", Settings(orders_per_s=2, ceilings=RAISABLE | {"orders_per_s": 4}))
    orders = [gateway.order(f"b{number}", OTHER, 100 + 100 * number, 19.8) for number in range(2)]
    assert [type(gateway.submit(order)) for order in orders] == [Journalled, Journalled]
    assert isinstance(gateway.ask(CancelRequest("c0", orders[0].coid)), Journalled)
    refused = gateway.submit(gateway.order("b2", OTHER, 300, 19.8))
    assert isinstance(refused, Denied)
    assert (refused.reason, refused.detail["in_second"]) == (Reason.TOO_MANY_ORDERS, 3)
    gateway.boot()
    assert isinstance(gateway.submit(gateway.order("s", A, 100, 10.05, Side.SELL)), Journalled)
    last = gateway.ask(CancelRequest("c1", orders[1].coid))
    assert isinstance(last, Denied)
    assert last.reason is Reason.TOO_MANY_ORDERS
    assert last.detail == {"in_second": 4, "in_second_max": 4, "in_day": 5, "in_day_max": 15_000}


def test_quick_cancels_are_counted_and_a_high_ratio_is_told_once() -> None:
    gateway = rig("09:30:06", Settings(orders_per_s=100, cancel_ratio_bp=500))
    orders = [gateway.order(f"b{number}", OTHER, 100 + 100 * number, 19.8) for number in range(20)]
    assert all(isinstance(gateway.submit(order), Journalled) for order in orders)
    for number in range(3):
        assert isinstance(gateway.ask(CancelRequest(f"c{number}", orders[number].coid)), Journalled)
    assert gateway.logged.count("cancel ratio of the day is high") == 1
    gateway.boot()
    _, _, numbers, words = gateway.core.status()
    assert (numbers["cancels_day"], numbers["quick_cancels_day"], numbers["orders_day"]) == (3, 3, 21)
    assert words["cancel_ratio"] == "1428 bp of the day's orders"
    assert gateway.core.books.counters.cancel_ratio_bp == 3 * 10_000 // 21


def test_no_ceiling_reaches_the_line_of_high_frequency_trading() -> None:
    assert not is_high_frequency(RAISABLE["orders_per_s"], RAISABLE["orders_per_day"], DAY)
    assert Settings().orders_per_day * BUY_SHARE_BP // 10_000 < Settings().orders_per_day


def test_a_peer_that_runs_other_code_stops_buys() -> None:
    gateway = rig("09:30:06")
    assert gateway.core.on_version("risk_manager", False, 0) == []
    answer = gateway.submit(gateway.order("b", OTHER, 100, 19.8))
    assert isinstance(answer, Denied)
    assert (answer.reason, answer.detail) == (Reason.MIXED_VERSIONS, {"peers": 1})
    gateway.core.on_version("risk_manager", True, 0)
    assert isinstance(gateway.submit(gateway.order("b2", OTHER, 100, 19.8)), Journalled)
