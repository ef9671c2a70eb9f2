"""What holds for every price, quantity and date."""

from hypothesis import given
from hypothesis import strategies as st

from common.domain.reasons import Reason
from common.domain.values import Board
from common.rules import checks
from common.rules.corporate import ex_right_reference, rescale_cost, shares_after
from common.rules.fees import deal_fees, fees, order_fees
from common.rules.lots import check_buy_lots, check_sell_lots, round_buy, round_sell
from common.rules.price_limits import limit_bp, price_band
from common.rules.pricing import marketable_buy_price, marketable_sell_price, reach_high, reach_low
from common.rules.settlement import sellable
from common.rules.sizing import buy_need, reduce_shares, size_buy

boards = st.sampled_from([int(board) for board in Board])
days = st.sampled_from([20100104, 20150105, 20200821, 20200824, 20220105, 20230410, 20250105, 20260703, 20260706])
ticks = st.integers(1, 300_000).map(lambda n: n * 10)
shares = st.integers(0, 2_000_000)


@given(boards, days, ticks, st.booleans())
def test_limits_lie_around_the_reference_within_their_rate(board: int, day: int, reference: int, is_st: bool) -> None:
    up, down = price_band(board, day, reference, is_st)
    bp = limit_bp(board, day, is_st)
    if bp == 0:
        assert (up, down) == (0, 0)
        return
    assert (up % 10, down % 10) == (0, 0)
    assert down <= reference < up
    assert down < reference or reference == 10
    for limit in (up, down):
        room = abs(limit - reference) * 10_000
        assert room <= max(bp * reference + 5 * 10_000, 10 * 10_000)
    # the limits are mirror images to within a tick: half up moves both ties the same way
    assert abs((up - reference) - (reference - down)) <= 10
    if board == Board.BSE and up - reference > 10:
        assert (up - reference) * 10_000 <= bp * reference


@given(boards, days, ticks, ticks)
def test_a_higher_reference_never_has_lower_limits(board: int, day: int, one: int, other: int) -> None:
    low, high = sorted((one, other))
    below, above = price_band(board, day, low, False), price_band(board, day, high, False)
    assert below.up <= above.up
    assert below.down <= above.down


@given(
    st.sampled_from([1, 2]),
    days,
    st.sampled_from([1, 2, 3]),
    st.lists(st.tuples(st.integers(1, 100_000), ticks), min_size=1, max_size=8),
    st.integers(0, 30_000),
    st.integers(0, 10_000),
)
def test_deals_bear_exactly_the_fees_of_their_order(
    side: int, day: int, exchange: int, deals: list[tuple[int, int]], rate_e7: int, minimum: int
) -> None:
    turnover = count = total = 0
    for quantity, price in deals:
        added = deal_fees(side, day, exchange, quantity * price, turnover, rate_e7, minimum, quantity, count)
        assert min(added) >= 0
        assert sum(added) == fees(side, day, exchange, quantity * price, turnover, rate_e7, minimum, quantity, count)
        turnover, count, total = turnover + quantity * price, count + quantity, total + sum(added)
    assert total == sum(order_fees(side, day, exchange, turnover, rate_e7, minimum, count))


@given(boards, shares, shares)
def test_rounded_quantities_pass_their_checks(board: int, wanted: int, free: int) -> None:
    bought = round_buy(board, wanted)
    assert bought <= wanted
    assert bought == 0 or check_buy_lots(board, bought) is Reason.NONE
    sold = round_sell(board, wanted, free)
    assert sold <= min(wanted, free)
    assert sold == 0 or check_sell_lots(board, sold, free) is Reason.NONE


@given(shares, shares, shares)
def test_t_plus_one_never_oversells(held: int, bought: int, frozen: int) -> None:
    bought = min(held, bought)
    free = sellable(held, bought, frozen)
    assert 0 <= free <= held - bought
    assert checks.check_sellable(free + 1, free, bought) is not Reason.NONE


@given(
    boards, days, ticks, st.integers(0, 400_000_000), st.integers(-1000, 400_000_000), st.sampled_from((1, 2)),
    st.sampled_from((0, 1500, 30_000)),
)  # fmt: skip
def test_a_sized_buy_is_paid_for_and_one_lot_more_is_not(
    board: int, day: int, price: int, slot: int, free: int, exchange: int, commission: int
) -> None:
    sized, reason = size_buy(slot, free, price, board, day, exchange, commission, 5000)
    if reason is not Reason.NONE:
        assert sized == 0
        return
    step = 100 if board <= Board.CHINEXT else 1
    assert check_buy_lots(board, sized) is Reason.NONE
    fees = exchange, commission, 5000
    assert buy_need(sized, price, day, *fees) <= min(slot, free)
    assert checks.check_size_cap(board, day, sized + step) is Reason.ORDER_TOO_LARGE or buy_need(
        sized + step, price, day, *fees
    ) > min(slot, free)


@given(boards, st.integers(1, 1_000_000), st.integers(1, 10_000))
def test_a_reduce_sells_something_and_never_too_much(board: int, held: int, fraction_bp: int) -> None:
    sold = reduce_shares(held, fraction_bp, board)
    assert 0 < sold <= held
    assert check_sell_lots(board, sold, held) is Reason.NONE


@given(boards, days, ticks, ticks, st.integers(-12, 12), st.integers(1, 10))
def test_marketable_prices_pass_every_price_check(
    board: int, day: int, prev_close: int, last: int, shift: int, spread: int
) -> None:
    up, down = price_band(board, day, prev_close, False)
    if up:
        last = min(max(last, down), up)
    bid = max(last + shift * 10, 10)
    ask = bid + spread * 10
    bid, ask = (min(max(bid, down), up), min(max(ask, down), up)) if up else (bid, ask)
    buy = marketable_buy_price(board, day, last, bid, ask, prev_close, up, down)
    sell = marketable_sell_price(board, day, last, bid, ask, prev_close, up, down)
    for price in (buy, sell):
        assert checks.check_tick(price) is Reason.NONE
        assert checks.check_band(price, up, down) is Reason.NONE
    # the band goes before the others: only a price at a limit may lie outside cage or reach
    if buy != down:
        assert checks.check_cage(board, day, 1, buy, bid, ask, last, prev_close) is Reason.NONE
        assert buy <= reach_high(last)
    if sell != up:
        assert checks.check_cage(board, day, 2, sell, bid, ask, last, prev_close) is Reason.NONE
        assert sell >= reach_low(last)


@given(ticks, st.integers(0, 2_000_000), st.integers(0, 2_000_000), st.integers(1, 1000).map(lambda n: n * 100))
def test_an_ex_day_keeps_the_ratio_of_value_to_cost(prev_close: int, cash_e6: int, bonus_e6: int, held: int) -> None:
    reference = ex_right_reference(prev_close, cash_e6, bonus_e6)
    if reference < 100:
        return
    after = shares_after(held, bonus_e6)
    cost = prev_close * held
    rescaled = rescale_cost(cost, reference, prev_close, held, after)
    assert abs(rescaled - reference * after) <= 1
