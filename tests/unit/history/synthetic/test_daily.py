"""Daily bars: inside their limits, and without a long lower shadow where the pool belongs to the cast."""

from hypothesis import given
from hypothesis import strategies as st

from common.domain.values import TICK, Board
from common.history.synthetic.daily import NOISES, draw_bar, short_shadow_floor
from common.history.synthetic.draws import Draws
from common.history.synthetic.universe import LONG_AGO, Stock, facts_of


def long_shadow(opened: int, high: int, low: int, close: int) -> bool:
    """The screen's condition, in its own words."""
    shadow = min(opened, close) - low
    return 2 * abs(close - opened) <= shadow and 2 * shadow >= high - low > 0


@given(st.integers(100, 9_000), st.integers(100, 9_000), st.integers(0, 900), st.integers(0, 900))
def test_the_floor_leaves_no_long_shadow(opened: int, close: int, above: int, below: int) -> None:
    opened, close = opened * TICK, close * TICK
    high, low = max(opened, close) + above * TICK, max(min(opened, close) - below * TICK, TICK)
    lifted = max(low, short_shadow_floor(opened, high, close))
    assert lifted <= min(opened, close)
    assert lifted % TICK == 0
    assert not long_shadow(opened, high, lifted, close)


def test_bars_stay_inside_and_touch_now_and_then() -> None:
    draws = Draws(4)
    stock = Stock("600001.SH", "n", Board.MAIN, 12_000, 100_000_000, 25_000, 20_000, 500_000)
    touched = sealed = floored = 0
    for _ in range(3000):
        facts = facts_of(stock, 4, 20251201, LONG_AGO)
        bar = draw_bar(stock, facts, 0, draws.bells(NOISES).tolist(), draws, left=50)
        assert facts.down <= bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high <= facts.up
        assert bar.low * bar.volume <= bar.turnover <= bar.high * bar.volume
        assert all(price % TICK == 0 for price in bar[:4])
        touched += bar.high == facts.up
        sealed += bar.close == facts.up
        floored += bar.low == facts.down
    assert 60 < touched < 120
    assert 0.6 < sealed / touched < 0.85
    assert 10 < floored < 60


def test_a_calm_stock_stays_near_its_base() -> None:
    draws = Draws(5)
    stock = Stock("600001.SH", "n", Board.MAIN, 12_000, 100_000_000, 5_000, 20_000, 500_000, calm=True, base=12_000)
    highs, lows = [], []
    for _ in range(300):
        bar = draw_bar(stock, facts_of(stock, 4, 20251201, LONG_AGO), 0, draws.bells(NOISES).tolist(), draws, left=50)
        stock.close = bar.close
        highs.append(bar.high)
        lows.append(bar.low)
    assert (max(highs) - min(lows)) * 10_000 < 900 * min(lows)
    assert len(set(lows)) > 20
