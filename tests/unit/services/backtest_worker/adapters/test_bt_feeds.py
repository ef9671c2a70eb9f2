"""Feeds filled in bulk show what backtrader's own show; days come at 15:00; the broker keeps to the market's rules."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from common.domain.calendar import S1500, to_date
from common.domain.errors import UserError
from common.domain.reasons import Reason
from common.domain.values import Side
from common.history.daily import History
from services.backtest_worker.account import DeskSettings
from services.backtest_worker.adapters.bt_feeds import ColumnFeed, columns_of, daily_columns_of
from services.backtest_worker.adapters.bt_plain import cerebro_of
from services.backtest_worker.desk import Desk
from services.backtest_worker.free_orders import send_free
from tests.parity.made_bars import MadeBars
from tests.unit.history.folder import daily_row, write_folder
from tests.unit.services.backtest_worker.minutes import DAYS, FIRST, LABELS, LAST, PARTIAL, QUIET, TOUCHED, UP, make

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import backtrader as bt


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("history"))


# ------------------------------------------------------------------ the same as backtrader's own feed


class Trader(bt.Strategy):  # type: ignore[misc]  # backtrader ships no types
    """Buys and sells with backtrader's own broker, and notes all it sees."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.mean = bt.indicators.SMA(self.datas[0].close, period=5)

    def prenext(self) -> None:
        self.next()

    def next(self) -> None:
        for data in self.datas:
            if len(data):
                prices = [data.open[0], data.high[0], data.low[0], data.close[0], data.volume[0]]
                self.seen.append((len(data), data.datetime.datetime(0), *prices, data.lines.close[0]))
        self.seen.append(self.mean[0] if len(self.datas[0]) >= 5 else None)
        held = self.getposition(self.datas[0]).size
        if len(self) % 7 == 0 and not held:
            self.buy(self.datas[0], size=100)
        elif len(self) % 11 == 0 and held:
            self.sell(self.datas[0], size=100, exectype=bt.Order.Stop, price=self.datas[0].close[0])

    def notify_order(self, order: Any) -> None:
        self.seen.append((order.status, order.executed.size, order.executed.price))


def ran(feeds: list[Any]) -> tuple[list[Any], float]:
    cerebro = bt.Cerebro()
    for feed in feeds:
        cerebro.adddata(feed)
    cerebro.addstrategy(Trader)
    (strategy,) = cerebro.run()
    return strategy.seen, cerebro.broker.getvalue()


def test_a_strategy_sees_and_trades_the_same_with_backtraders_own_feed() -> None:
    made = MadeBars(5, stocks=4, days=4)
    days = list(made.days(("float_value",)))
    ours = [columns_of(days, stock) for stock in range(4)]
    whole = [columns for columns in ours if len(columns["datetime"])]
    theirs = []
    for columns in whole:
        index = pd.DatetimeIndex([bt.num2date(number) for number in columns["datetime"]]).round("s")
        theirs.append(
            bt.feeds.PandasData(
                dataname=pd.DataFrame(
                    {name: columns[name] for name in ("open", "high", "low", "close", "volume")}, index=index
                )
            )
        )
    mine = ran([ColumnFeed(columns=columns) for columns in whole])
    plain = ran(theirs)
    rounded = [
        [
            tuple(each.replace(microsecond=0) if hasattr(each, "microsecond") else each for each in row)
            if isinstance(row, tuple)
            else row
            for row in seen
        ]
        for seen, _ in (mine, plain)
    ]
    assert len({len(columns["datetime"]) for columns in whole}) > 1, "a stock starts late or pauses"
    assert rounded[0] == rounded[1]
    assert mine[1] == plain[1]
    assert any(isinstance(row, tuple) and len(row) == 3 and row[0] == bt.Order.Completed for row in mine[0])


# ------------------------------------------------------------------ days


class Watches(bt.Strategy):  # type: ignore[misc]  # as above
    """Notes at every bar of the clock which day each feed of days shows."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, int, str, int]] = []

    def prenext(self) -> None:
        self.next()

    def next(self) -> None:
        if not len(self.data):
            return  # a day of the warm-up: the clock stands before its first bar
        now = self.data.datetime.datetime(0)
        second = now.hour * 3600 + now.minute * 60 + round(now.second / 60) * 60
        for data in self.datas:
            if data._name.endswith("/day") and len(data):
                day = data.datetime.date(0)
                self.shown.append((int(f"{now:%Y%m%d}"), second, data._name, int(f"{day:%Y%m%d}")))


def test_a_day_is_shown_at_its_end_and_not_before(folder: Path) -> None:
    cerebro = cerebro_of(folder, [QUIET, TOUCHED], FIRST, LAST, warm_up=3)
    cerebro.addstrategy(Watches)
    (strategy,) = cerebro.run()
    assert len(strategy.shown) == 4 * len(LABELS) * 2
    before = {day: DAYS[DAYS.index(day) - 1] for day in DAYS[80:84]}
    for now, second, _, shown in strategy.shown:
        assert shown == (now if second == S1500 else before[now]), (now, second)


def test_daily_lines_are_raw_and_adjusted(folder: Path) -> None:
    cerebro = cerebro_of(folder, [QUIET], FIRST, LAST)
    by_name = cerebro.datasbyname
    columns = by_name[f"{QUIET}/day"].p.columns
    assert columns["datetime"].tolist() == [to_date(day).toordinal() + S1500 / 86_400 for day in DAYS[80:84]]
    assert columns["close"].tolist() == [10.0] * 4
    assert columns["adj_close"].tolist() == [10.0] * 4
    assert columns["up_limit"].tolist() == [11.0] * 4
    assert np.all(columns["float_cap"] > 0)


def test_an_ex_day_halves_the_raw_close_and_not_the_adjusted_one_and_a_suspended_day_has_no_bar(tmp_path: Path) -> None:
    split, away = DAYS[81], DAYS[82]
    rows = [
        daily_row(
            day, QUIET, 10_000 if day < split else 5_000, factor_e9=10**9 if day < split else 2 * 10**9,
            suspended=day == away,
        )
        for day in DAYS
    ]  # fmt: skip
    history = History(write_folder(tmp_path, DAYS, rows))
    (columns,) = daily_columns_of(history, [history.index[QUIET]], FIRST, LAST).values()
    assert [int(number) for number in columns["datetime"]] == [to_date(d).toordinal() for d in (FIRST, split, LAST)]
    assert columns["close"].tolist() == [10.0, 5.0, 5.0]
    assert columns["adj_close"].tolist() == [10.0, 10.0, 10.0]


# ------------------------------------------------------------------ the broker


class Script(bt.Strategy):  # type: ignore[misc]  # as above
    """Does what a table says at bars of the clock, and notes what became of it."""

    params = (("todo", {}),)

    def __init__(self) -> None:
        self.told: list[tuple[int, str, str, int]] = []
        self.made: dict[int, Any] = {}

    def prenext(self) -> None:
        self.next()

    def next(self) -> None:
        do = self.p.todo.get(len(self.data))
        if do is not None:
            self.made[len(self.data)] = do(self)

    def notify_order(self, order: Any) -> None:
        self.told.append(
            (len(self.data), order.getstatusname(), order.info.get("reason", ""), int(order.executed.size))
        )


def told(folder: Path, todo: dict[int, Any], **settings: Any) -> Any:
    cerebro = cerebro_of(folder, [QUIET, TOUCHED], FIRST, LAST, settings=DeskSettings(**settings))
    cerebro.addstrategy(Script, todo=todo)
    (strategy,) = cerebro.run()
    return strategy


def named(name: str) -> Any:
    return lambda strategy: strategy.getdatabyname(name)


def test_a_market_order_trades_at_the_next_open_and_t_plus_1_holds(folder: Path) -> None:
    day = len(LABELS)
    strategy = told(
        folder,
        {
            1: lambda s: s.buy(s.getdatabyname(QUIET), size=1_000),
            5: lambda s: s.sell(s.getdatabyname(QUIET), size=1_000),
            day + 1: lambda s: s.sell(s.getdatabyname(QUIET), size=1_000),
        },
    )
    assert [(at, status, reason) for at, status, reason, _ in strategy.told if status != "Submitted"] == [
        (2, "Accepted", ""), (2, "Completed", ""), (6, "Rejected", Reason.T1_UNSELLABLE.name),
        (day + 2, "Accepted", ""), (day + 2, "Completed", ""),
    ]  # fmt: skip
    desk = strategy.broker.desk
    assert [(fill.day, fill.second, fill.price) for fill in desk.fills] == [
        (FIRST, LABELS[1], 10_000),
        (DAYS[81], LABELS[1], 10_000),
    ]
    assert desk.ledger.cash == 1_000_000_000 - sum(fill.fees for fill in desk.fills)
    assert len(desk.equity_rows) == 4


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (lambda s: s.buy(s.getdatabyname(QUIET), size=150), Reason.ODD_LOT),
        (lambda s: s.buy(s.getdatabyname(QUIET), size=100.5), Reason.BAD_QUANTITY),
        (lambda s: s.buy(s.getdatabyname(QUIET), size=100, exectype=bt.Order.Limit, price=11.5), Reason.OUTSIDE_BAND),
        (lambda s: s.buy(s.getdatabyname(QUIET), size=100, exectype=bt.Order.Limit, price=9.995), Reason.OFF_TICK),
        (lambda s: s.buy(s.getdatabyname(QUIET), size=100, exectype=bt.Order.Limit, price=9.9955), Reason.OFF_TICK),
        (lambda s: s.buy(s.getdatabyname(QUIET), size=200_000), Reason.INSUFFICIENT_CASH),
        (lambda s: s.sell(s.getdatabyname(QUIET), size=100), Reason.INSUFFICIENT_SHARES),
        (lambda s: s.buy(s.getdatabyname(QUIET), size=100, exectype=bt.Order.Stop, price=10.0), Reason.NOT_ALLOWED),
        (
            lambda s: s.buy_bracket(data=s.getdatabyname(QUIET), size=100, limitprice=10.9, stopprice=9.1),
            Reason.NOT_ALLOWED,
        ),
        (lambda s: s.buy(s.getdatabyname(f"{QUIET}/day"), size=100), Reason.UNKNOWN_SYMBOL),
    ],
)
def test_an_order_the_market_would_refuse_is_refused_with_its_reason(folder: Path, order: Any, reason: Reason) -> None:
    strategy = told(folder, {60: order})
    assert strategy.told[-1][1:3] == ("Rejected", reason.name)
    assert strategy.broker.desk.fills == []


def test_a_limit_order_waits_for_its_price_can_be_cancelled_and_dies_with_its_day(folder: Path) -> None:
    def place(strategy: Any) -> Any:
        return strategy.buy(strategy.getdatabyname(QUIET), size=100, exectype=bt.Order.Limit, price=9.9)

    strategy = told(folder, {3: place, 6: lambda s: s.cancel(s.made[3]), 9: place, 50: lambda s: s.cancel(s.made[9])})
    statuses = [(at, status) for at, status, _, _ in strategy.told if status not in ("Submitted", "Accepted")]
    assert statuses == [(7, "Canceled"), (len(LABELS) + 1, "Expired")]
    assert strategy.broker.desk.ledger.frozen_cash == 0


def test_an_order_made_at_the_close_enters_the_next_day_and_may_be_taken_back(folder: Path) -> None:
    last = len(LABELS)
    strategy = told(folder, {last: lambda s: s.buy(s.getdatabyname(QUIET), size=300)})
    (fill,) = strategy.broker.desk.fills
    assert (fill.day, fill.second, fill.price) == (DAYS[81], LABELS[0], 10_000)
    taken_back = told(
        folder,
        {last: lambda s: s.cancel(s.buy(s.getdatabyname(QUIET), size=300))},
    )
    assert taken_back.broker.desk.fills == []
    assert taken_back.told[-1][1] == "Canceled"
    too_much = told(folder, {last: lambda s: s.buy(s.getdatabyname(QUIET), size=900_000)})
    assert too_much.told[-1][1:3] == ("Rejected", Reason.INSUFFICIENT_CASH.name)


class Peeks(bt.Strategy):  # type: ignore[misc]  # as above
    """Looks where nobody may."""

    def __init__(self) -> None:
        self.before: list[float] = []
        self.ahead = 0

    def prenext(self) -> None:
        self.next()

    def next(self) -> None:
        bars = self.getdatabyname(PARTIAL)
        if not len(bars):
            self.before += [bars.close[0], bars.close[-1]]
            return
        try:
            bars.close[1]
        except IndexError:
            self.ahead += 1


def test_bars_of_the_future_cannot_be_read(folder: Path) -> None:
    cerebro = cerebro_of(folder, [QUIET, PARTIAL], FIRST, LAST)  # PARTIAL has minutes from the second day on
    cerebro.addstrategy(Peeks)
    (strategy,) = cerebro.run()
    assert len(strategy.before) == 2 * (len(LABELS) - 0)
    assert all(np.isnan(strategy.before))
    assert strategy.ahead == 3 * len(LABELS)


@pytest.mark.parametrize("how", [{"preload": False}, {"exactbars": 1}])
def test_a_run_that_would_play_nothing_says_so(folder: Path, how: dict[str, Any]) -> None:
    cerebro = cerebro_of(folder, [QUIET], FIRST, LAST)
    cerebro.addstrategy(Watches)
    with pytest.raises(UserError, match="filled whole"):
        cerebro.run(**how)


def test_a_buy_at_the_limit_queues(folder: Path) -> None:
    strategy = told(
        folder,
        {10: lambda s: s.buy(s.getdatabyname(TOUCHED), size=500, exectype=bt.Order.Limit, price=UP / 1000)},
    )
    (fill,) = strategy.broker.desk.fills
    assert (fill.second, fill.price, fill.shares) == (LABELS[10], UP, 500), "the bar after opened the board"


def test_what_history_lacks_is_said(folder: Path) -> None:
    with pytest.raises(UserError, match=r"history knows no 601234\.SH"):
        cerebro_of(folder, ["601234.SH"], FIRST, LAST)
    with pytest.raises(UserError, match=r"no whole days of 5-minute bars of 600002\.SH"):
        cerebro_of(folder, [PARTIAL], FIRST, FIRST)


def test_a_stock_without_bars_takes_no_order() -> None:
    made = MadeBars(7, stocks=8, days=6)
    settings = DeskSettings()
    desk = Desk("own", made.symbols, settings)
    refused = 0
    for day in made.days(("float_value",)):
        desk.open_day(day)
        for stock in np.flatnonzero(day.first_row < 0).tolist():
            assert send_free(desk, settings, stock, Side.BUY, 1_000, 0, 3) is Reason.SUSPENDED
            refused += 1
        desk.close_day()
    assert refused > 0
