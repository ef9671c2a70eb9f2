"""Bars decided on a second, every stock in the pool: the compiled engine beside a bare pass over the same columns.

And on 50 stocks, the same trades: compiled, our backtrader engine, and backtrader with its own PandasData feeds whose
strategy looks at every stock on every bar and decides nothing. Days are made as they are played, so memory is a day's.
"""

import argparse
import json
import resource
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from common.domain.calendar import to_date
from common.runtime.rules import load_rules
from common.strategies import RULES
from services.backtest_worker.account import DeskSettings
from services.backtest_worker.adapters.bt import run_backtrader
from services.backtest_worker.adapters.bt_feeds import ColumnFeed, columns_of
from services.backtest_worker.adapters.compiled import compile_rule, compile_wake
from services.backtest_worker.bars import Columns, DayBars, Facts, PoolRows, bar_at, labels_of
from services.backtest_worker.desk import Desk
from services.backtest_worker.hosted import Hosted
from services.backtest_worker.pool_scan import PoolScan
from services.backtest_worker.scanned import Scanned
from services.backtest_worker.woken import Woken

LABELS = labels_of(300)
RULE = "bottom_fractal"
BOUND_M = 40
BASE_STOCKS, BASE_DAYS = 50, 20
EXAMPLES, PLAIN_RULE, WOKEN_DAYS = Path(__file__).parents[1] / "docs" / "examples", "steady_rise", 20


def make_days(stocks: int, days: int, seed: int = 1) -> Iterator[DayBars]:
    """Yield a market of random walks inside its limits, with ex-days; one day in memory at a time."""
    draw = np.random.default_rng(seed)
    close = draw.integers(300, 6_000, stocks) * 10
    shares = draw.integers(1, 40, stocks) * 10_000_000
    zero = np.zeros(stocks, np.int64)
    day = 20240102
    for _ in range(days):
        ex = draw.random(stocks) < 0.005
        cash = np.where(ex, close // 100 * 1_000, 0)
        reference = (close - cash // 1_000) // 10 * 10
        up, down = (reference * 11_000 + 50_000) // 100_000 * 10, (reference * 9_000 + 50_000) // 100_000 * 10
        walk = reference[:, None] + np.cumsum(draw.integers(-4, 5, (stocks, len(LABELS)), np.int32), axis=1) * 10
        closes = np.clip(walk, down[:, None], up[:, None])
        opens = np.concatenate([reference[:, None], closes[:, :-1]], axis=1)
        highs = np.minimum(np.maximum(opens, closes) + 10, up[:, None])
        lows = np.maximum(np.minimum(opens, closes) - 10, down[:, None])
        volume = draw.integers(0, 900_000, (stocks, len(LABELS)), np.int32)
        prices = (part.astype(np.int32).ravel() for part in (opens, highs, lows, closes))
        columns = Columns(*prices, volume.ravel(), (volume.astype(np.int64) * closes).ravel())
        facts = Facts(zero + 1, zero + 1, reference, close, up, down, shares, cash, zero, ex, zero > 0, zero, zero)
        rows = [close * shares, close * 102 // 100, close * 98 // 100, close * 101 // 100, close * 97 // 100]
        pool = PoolRows(np.arange(stocks), np.stack(rows, axis=1))
        following = day + 1 if day % 100 < 28 else day - 27 + (100 if day // 100 % 100 < 12 else 8_900)
        yield DayBars(day, day - 1, LABELS, np.arange(stocks) * len(LABELS), columns, facts, pool)
        close, day = closes[:, -1].astype(np.int64), following


@numba.njit(nogil=True)
def bare_pass(high: Any, low: Any, close: Any, bars: int, k2_high: Any, k2_low: Any) -> int:
    """Look for the entry alone: no memory, no position, no limits, no books."""
    found = 0
    for stock in range(len(k2_high)):
        top, bottom = 0, 1 << 30
        for bar in range(stock * bars, (stock + 1) * bars):
            top, bottom = max(top, high[bar]), min(bottom, low[bar])
            if bottom > k2_low[stock] and top > k2_high[stock] and close[bar] > 0:
                found += 1
    return found


def symbols_of(count: int) -> list[str]:
    return [f"{600_000 + at}.SH" for at in range(count)]


def play_compiled(stocks: int, days: int, cache: Path) -> tuple[float, float, int]:
    """Return the seconds of the engine and of the bare pass, and the deals made."""
    scans = compile_rule(RULES[RULE], cache)
    desk = Desk(RULE, symbols_of(stocks), DeskSettings())
    engine = Scanned(RULES[RULE], RULES[RULE].Params(), scans, desk, symbols_of(stocks))
    pool = PoolScan(RULES[RULE], RULES[RULE].Params(), scans, stocks)
    seconds = bare = 0.0
    for day in make_days(stocks, days):
        start = time.perf_counter()
        engine.run_day(day, pool.scan(day))
        middle = time.perf_counter()
        context: NDArray[np.int64] = day.pool.context
        columns = day.columns
        bare_pass(columns.high, columns.low, columns.close, len(LABELS), context[:, 3], context[:, 4])
        seconds, bare = seconds + middle - start, bare + time.perf_counter() - middle
    return seconds, bare, len(desk.fills)


def play_backtrader(stocks: int, days: int) -> tuple[float, int]:
    made = list(make_days(stocks, days))
    start = time.process_time()
    desk, _ = run_backtrader(RULES[RULE], RULES[RULE].Params(), symbols_of(stocks), made, DeskSettings())
    return time.process_time() - start, len(desk.fills)


def _float_value_only(days: Iterable[DayBars]) -> Iterator[DayBars]:
    return (day._replace(pool=PoolRows(day.pool.stocks, day.pool.context[:, :1].copy())) for day in days)


def play_woken(stocks: int, days: int, cache: Path) -> tuple[float, float, int]:
    """Return bars looked at a CPU second of a plain Python rule behind its wake-up, and of stepping it on every bar.

    Both through the same desk and host; the second on few stocks, since it calls Python for every bar.
    """
    rule = load_rules(EXAMPLES).known[PLAIN_RULE]
    wakes = compile_wake(rule, cache)
    desk = Desk(rule.NAME, symbols_of(stocks), DeskSettings())
    woken = Woken(rule, rule.Params(), wakes, desk, symbols_of(stocks))
    seconds = 0.0
    for number, day in enumerate(_float_value_only(make_days(stocks, days + 1))):
        start = time.process_time()
        woken.run_day(day)
        seconds += (time.process_time() - start) * (number > 0)  # the first day compiles
    few = Desk(rule.NAME, symbols_of(BASE_STOCKS), DeskSettings())
    hosted = Hosted(rule, rule.Params(), few, symbols_of(BASE_STOCKS))
    made = list(_float_value_only(make_days(BASE_STOCKS, BASE_DAYS)))
    start = time.process_time()
    for day in made:
        hosted.open_day(day)
        for at in range(len(day.labels)):
            hosted.trade(at)
            bars = ((stock, bar_at(day, stock, at)) for stock in range(BASE_STOCKS))
            hosted.decide(at, [(stock, bar) for stock, bar in bars if bar is not None])
        hosted.close_day()
    stepped = time.process_time() - start
    return stocks * days * len(LABELS) / seconds, BASE_STOCKS * BASE_DAYS * len(LABELS) / stepped, len(desk.fills)


def play_plain_backtrader(stocks: int, days: int, ours: bool) -> float:
    """Return the CPU seconds of backtrader over the same bars, with our feeds or with its own PandasData.

    The same strategy both times: it looks at every stock on every bar and decides nothing.
    """
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import backtrader as bt

    class Looks(bt.Strategy):  # type: ignore[misc]  # backtrader ships no types
        def next(self) -> None:
            for data in self.datas:
                if data.high[0] > data.high[-1] and data.low[0] > data.low[-1] and data.close[0] < 0:
                    self.buy(data)

    made = list(make_days(stocks, days))
    times = [pd.Timestamp(to_date(day.day)) + pd.Timedelta(seconds=label) for day in made for label in LABELS]
    start = time.process_time()
    cerebro = bt.Cerebro()
    for stock in range(stocks):
        if ours:
            cerebro.adddata(ColumnFeed(columns=columns_of(made, stock)))
            continue
        piece = slice(stock * len(LABELS), (stock + 1) * len(LABELS))
        columns = {
            name: np.concatenate([getattr(day.columns, name)[piece] for day in made])
            for name in ("open", "high", "low", "close", "volume")
        }
        cerebro.adddata(bt.feeds.PandasData(dataname=pd.DataFrame(columns, index=times)))
    cerebro.addstrategy(Looks)
    cerebro.addanalyzer(bt.analyzers.TradeAnalyzer)
    cerebro.run()
    return time.process_time() - start


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--stocks", type=int, default=5_400)
    options.add_argument("--days", type=int, default=244)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        cache = Path(scratch)
        start = time.perf_counter()
        play_compiled(200, 2, cache)
        compile_s = time.perf_counter() - start
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seconds, bare, fills = play_compiled(chosen.stocks, chosen.days, cache)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        small, _, _ = play_compiled(BASE_STOCKS, BASE_DAYS, cache)
        woken, stepped, woken_fills = play_woken(chosen.stocks, min(chosen.days, WOKEN_DAYS), cache)
    bars, base_bars = chosen.stocks * chosen.days * len(LABELS), BASE_STOCKS * BASE_DAYS * len(LABELS)
    assert woken_fills >= 20, "a rule that never trades measures nothing"
    ours, _ = play_backtrader(BASE_STOCKS, BASE_DAYS)
    shipped = play_plain_backtrader(BASE_STOCKS, BASE_DAYS, ours=False)
    bulk = play_plain_backtrader(BASE_STOCKS, BASE_DAYS, ours=True)
    figures = {
        "bars_m": round(bars / 1e6, 1), "m_bars_s": round(bars / seconds / 1e6, 1), "bound": BOUND_M,
        "bare_m_bars_s": round(bars / bare / 1e6, 1), "ratio_to_bare": round(seconds / bare, 2), "fills": fills,
        "seconds": round(seconds, 2), "compile_s": round(compile_s, 1), "grown_mb": round(grown),
        "us_a_bar_our_engine": round(1e6 * ours / base_bars, 1), "us_a_bar_pandas": round(1e6 * shipped / base_bars, 1),
        "us_a_bar_our_feed": round(1e6 * bulk / base_bars, 1), "our_feed_faster": round(shipped / bulk, 2),
        "plain_rule_k_bars_s": round(woken / 1e3), "plain_rule_bound_k": 300, "plain_rule_every_bar_k": round(stepped / 1e3),
        "compiled_faster_whole_market": round(shipped / base_bars / (seconds / bars)),
        "compiled_faster_same_50": round(shipped / small),
    }  # fmt: skip
    if chosen.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:32} {value}")


if __name__ == "__main__":
    main()
