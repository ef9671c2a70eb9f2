"""Other people's engines on the same bars: python -m bench.peers [--python PATH] [--stocks 50] [--days 20] [--json].

Every engine looks at every stock on every bar (is this bar's high above the last one's, and its low?) and decides
nothing, so that what is measured is the engine: its clock, its data, its account. Bars a CPU second of the whole run
(loading the bars included, imports and compiling left out by a first small run).

`--python` names the interpreter of an environment of their own, made by hand, since none of them is a part of this
project:  python -m venv peers && peers/bin/pip install vectorbt nautilus_trader akquant backtrader
An engine that is not installed there is said to be absent. rqalpha is left out: it reads bars from a bundle in its own
format or through a module written for it, so "the same bars" would measure that module; and its licence keeps
commercial use for its makers' consent.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

PEERS = {"backtrader": "backtrader", "vectorbt": "vectorbt", "nautilus_trader": "nautilus_trader", "akquant": "akquant"}
FIELDS = ("open", "high", "low", "close", "volume")
START = np.datetime64("2024-01-02T09:30")


# ---------------------------------------------------------------------- our side


def make_bars(path: Path, stocks: int, days: int) -> None:
    """Write the bars of `bench.backtest`, in yuan: one array a field, stocks x bars, and the times of the bars."""
    from bench.backtest import make_days
    from services.backtest_worker.bars import labels_of

    labels = labels_of(300)
    made = list(make_days(stocks, days))
    columns = {}
    for field in FIELDS:
        parts = [getattr(day.columns, field).reshape(stocks, len(labels)) for day in made]
        table = np.concatenate(parts, axis=1).astype(np.float64)
        columns[field] = table if field == "volume" else table / 1_000
    at = np.array([np.datetime64("2024-01-02") + number for number in range(days)])
    times = (at[:, None] + np.array(labels, "timedelta64[s]")).ravel().astype("datetime64[s]")
    np.savez(path, times=times.astype(np.int64), **columns)


def ours(stocks: int, days: int) -> dict[str, float]:
    """Return the bars a CPU second of the compiled engine, on many stocks, and of our backtrader engine."""
    from bench.backtest import LABELS, play_backtrader, play_compiled, play_woken

    with tempfile.TemporaryDirectory() as scratch:
        play_compiled(200, 2, Path(scratch))
        seconds, _, _ = play_compiled(5_400, 20, Path(scratch))
        woken, _, _ = play_woken(5_400, 5, Path(scratch))
    cpu, _ = play_backtrader(stocks, days)
    return {
        "pankou compiled": 5_400 * 20 * len(LABELS) / seconds, "pankou, plain Python rule": woken,
        "pankou backtrader": stocks * days * len(LABELS) / cpu,
    }  # fmt: skip


# ---------------------------------------------------------------------- their side, in their own interpreter


def frames(bars: dict[str, Any]) -> list[Any]:
    """Return a frame of each stock."""
    import pandas as pd

    index = pd.to_datetime(bars["times"], unit="s")
    return [
        pd.DataFrame({field: bars[field][stock] for field in FIELDS}, index=index)
        for stock in range(len(bars["close"]))
    ]


def run_backtrader(bars: dict[str, Any]) -> None:
    import backtrader as bt

    class Looks(bt.Strategy):
        def next(self) -> None:
            for data in self.datas:
                if data.high[0] > data.high[-1] and data.low[0] > data.low[-1] and data.close[0] < 0:
                    self.buy(data)

    cerebro = bt.Cerebro()
    for frame in frames(bars):
        cerebro.adddata(bt.feeds.PandasData(dataname=frame))
    cerebro.addstrategy(Looks)
    cerebro.addanalyzer(bt.analyzers.TradeAnalyzer)
    cerebro.run()


def run_vectorbt(bars: dict[str, Any]) -> None:
    import pandas as pd
    import vectorbt as vbt

    index = pd.to_datetime(bars["times"], unit="s")
    close, high, low = (pd.DataFrame(bars[field].T, index=index) for field in ("close", "high", "low"))
    entries = (high > high.shift()) & (low > low.shift()) & (close < 0)
    made = vbt.Portfolio.from_signals(
        close, entries, entries, init_cash=1_000_000, cash_sharing=True, group_by=True, freq="5min"
    )
    made.total_return()


def run_nautilus_trader(bars: dict[str, Any]) -> None:
    from decimal import Decimal

    from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
    from nautilus_trader.config import LoggingConfig
    from nautilus_trader.model.currencies import USD
    from nautilus_trader.model.data import BarType
    from nautilus_trader.model.enums import AccountType, OmsType
    from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
    from nautilus_trader.model.instruments import Equity
    from nautilus_trader.model.objects import Money, Price, Quantity
    from nautilus_trader.persistence.wranglers import BarDataWrangler
    from nautilus_trader.trading.strategy import Strategy

    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    venue = Venue("SIM")
    engine.add_venue(venue, OmsType.NETTING, AccountType.CASH, [Money(1_000_000, USD)], base_currency=USD)
    kinds = []
    for number, frame in enumerate(frames(bars)):
        name = f"S{number}"
        equity = Equity(
            InstrumentId(Symbol(name), venue), Symbol(name), USD, 2, Price.from_str("0.01"), Quantity.from_int(100), 0, 0,
            maker_fee=Decimal(0), taker_fee=Decimal(0),
        )  # fmt: skip
        engine.add_instrument(equity)
        kind = BarType.from_str(f"{name}.SIM-5-MINUTE-LAST-EXTERNAL")
        kinds.append(kind)
        frame.index = frame.index.tz_localize("UTC")
        engine.add_data(BarDataWrangler(kind, equity).process(frame))

    class Looks(Strategy):
        def on_start(self) -> None:
            self.last: dict[Any, tuple[float, float]] = {}
            for kind in kinds:
                self.subscribe_bars(kind)

        def on_bar(self, bar: Any) -> None:
            high, low = float(bar.high), float(bar.low)
            before = self.last.get(bar.bar_type)
            if before is not None and high > before[0] and low > before[1] and float(bar.close) < 0:
                self.log.info("buy")
            self.last[bar.bar_type] = (high, low)

    engine.add_strategy(Looks())
    engine.run()
    engine.dispose()


def run_akquant(bars: dict[str, Any]) -> None:
    import akquant

    data = {f"{600_000 + number}": frame for number, frame in enumerate(frames(bars))}

    class Looks(akquant.Strategy):
        def on_start(self) -> None:
            self.before: dict[str, tuple[float, float]] = {}

        def on_bar(self, bar: Any) -> None:
            before = self.before.get(bar.symbol)
            if before is not None and bar.high > before[0] and bar.low > before[1] and bar.close < 0:
                self.buy(bar.symbol, 100)
            self.before[bar.symbol] = (bar.high, bar.low)

    akquant.run_backtest(
        data=data, strategy=Looks, symbols=list(data), initial_cash=1_000_000.0, t_plus_one=True, show_progress=False
    )


def run_peer(name: str, path: Path) -> None:
    """Run one of them on a part of the bars, then on all, and print bars a CPU second."""
    run = globals()[f"run_{name}"]
    with np.load(path) as file:
        bars = {key: file[key] for key in file.files}
    run({key: value[:96] if key == "times" else value[:2, :96] for key, value in bars.items()})
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        run(bars)
        best = min(best, time.process_time() - start)
    print(json.dumps({"bars_s": bars["close"].size / best, "version": version(PEERS[name])}))


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--python", default=sys.executable, help="interpreter that has the peers installed")
    options.add_argument("--stocks", type=int, default=50)
    options.add_argument("--days", type=int, default=20)
    options.add_argument("--json", action="store_true")
    options.add_argument("--peer", default="", help=argparse.SUPPRESS)
    options.add_argument("--bars", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.peer:
        try:
            run_peer(chosen.peer, chosen.bars)
        except (ImportError, PackageNotFoundError) as error:
            print(json.dumps({"absent": str(error)}))
        return
    told: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "bars.npz"
        make_bars(path, chosen.stocks, chosen.days)
        for name in PEERS:
            command = [chosen.python, __file__, "--peer", name, "--bars", str(path)]
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=scratch)
            lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
            told[name] = json.loads(lines[-1]) if lines else {"failed": done.stderr.strip().splitlines()[-1:]}
    told |= {name: {"bars_s": figure} for name, figure in ours(chosen.stocks, chosen.days).items()}
    if chosen.json:
        print(json.dumps(told))
        return
    for name, row in told.items():
        print(
            f"{name:28} {row.get('version', ''):12} {row.get('bars_s', 0):>14,.0f}  {row.get('absent', row.get('failed', ''))}"
        )


if __name__ == "__main__":
    main()
