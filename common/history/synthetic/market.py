"""Making a market: history as Parquet, three tapes, the script of hand orders; once, then kept."""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common.domain.calendar import hms, phase_at, ts_of
from common.domain.values import Day, Pace, Phase, push_id
from common.history.synthetic.actors import CAST, HAND_ORDERS
from common.history.synthetic.calibration import ABOUT_FILE, Meter, statistics
from common.history.synthetic.daily import MARKET_SIGMA_E6, NOISES, draw_bar
from common.history.synthetic.draws import E6, Draws
from common.history.synthetic.params import CALENDAR_FIRST, PLAYED_DAYS, MarketParams, weekdays
from common.history.synthetic.paths import LIVELY_E6, grid_of
from common.history.synthetic.session import Books, Session, make_session
from common.history.synthetic.tables import DailyRows, instrument_table, listed_day, write_history
from common.history.synthetic.universe import DayFacts, Stock, facts_of, make_stocks
from common.history.tape import SUFFIX, VERSION, TapeWriter
from common.messages.market import DayOpened, PushEnd, TapeHeader

Progress = Callable[[str, int, int], None]
"""Called with what is being made, how much is done and how much there is."""
AMPLITUDE_SESSIONS = 60
TOLD_EVERY = 200


class MarketPaths(NamedTuple):
    """Where a market is."""

    folder: Path
    history: Path
    tapes: tuple[Path, ...]
    hand_script: Path


def paths_of(folder: Path) -> MarketPaths:
    """Return the paths inside a market's folder; the folder itself can be played (PANKOU_DAYS)."""
    tapes = tuple(folder / f"{day}{SUFFIX}" for day in PLAYED_DAYS)
    return MarketPaths(folder, folder / "history", tapes, folder / "hand_orders.json")


def make_market(markets: Path, params: MarketParams, progress: Progress | None = None) -> MarketPaths:
    """Return the market of these parameters, making it where it is not kept yet (then it appears whole or not at all)."""
    params.check()
    folder = markets / params.key()
    if (folder / ABOUT_FILE).is_file():
        return paths_of(folder)
    part = markets / f".{params.key()}.{os.getpid()}.part"  # two processes may be making the same one
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        _Maker(params, paths_of(part), progress or _untold).make()
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    try:
        part.rename(folder)
    except OSError:
        if not (folder / ABOUT_FILE).is_file():
            raise
        shutil.rmtree(part)  # somebody else made the same one meanwhile
    return paths_of(folder)


def _untold(_what: str, _done: int, _of: int) -> None:
    """Tell nobody."""


class _Maker:
    def __init__(self, params: MarketParams, paths: MarketPaths, progress: Progress) -> None:
        self.params, self.paths, self.progress = params, paths, progress
        self.draws = Draws(params.seed)
        self.stocks = make_stocks(params, self.draws)
        self.days = weekdays(CALENDAR_FIRST, PLAYED_DAYS[-1])[-(params.sessions + len(PLAYED_DAYS)) :]
        self.rows = DailyRows()
        self.meter = Meter()
        self.ranges: dict[str, list[tuple[float, float]]] = {stock.symbol: [] for stock in self.stocks}
        """High and low of each session, adjusted, for the amplitude."""

    def make(self) -> None:
        """Make everything, history first."""
        self.paths.history.mkdir()
        sessions = self.params.sessions
        for at in range(sessions):
            self._history_session(at)
            if at % 10 == 9:
                self.progress("history", at + 1, sessions)
        touched = [self._played_session(number) for number in range(len(PLAYED_DAYS))]
        write_history(self.paths.history, self.days, self.stocks, self.rows)
        self._write_script()
        about = {
            "params": self.params._asdict(), "days": PLAYED_DAYS, "touched_up_limit": touched,
            "statistics": statistics(self.paths.history, self.meter),
        }  # fmt: skip
        (self.paths.folder / ABOUT_FILE).write_text(json.dumps(about, indent=1) + "\n", "utf-8")

    # ------------------------------------------------------------------ sessions

    def _facts(self, stock: Stock, at: int) -> DayFacts:
        return facts_of(stock, at, self.days[at], listed_day(stock, self.days))

    def _history_session(self, at: int) -> None:
        market = self.draws.bell() * MARKET_SIGMA_E6 // E6
        noises = self.draws.bells((len(self.stocks), NOISES)).tolist()
        left = self.params.sessions - 1 - at
        for stock, noise in zip(self.stocks, noises, strict=True):
            if not stock.listed(at):
                continue
            facts = self._facts(stock, at)
            tail = len(stock.actor.tail) if stock.actor is not None else 0
            bar = None if facts.suspended else draw_bar(stock, facts, market, noise, self.draws, left, tail)
            self.rows.add(self.days, at, stock, facts, bar)
            if bar is not None:
                stock.close = bar.close
                self._remember(stock, bar.high, bar.low)

    def _remember(self, stock: Stock, high: int, low: int) -> None:
        factor = stock.factor_e9
        self.ranges[stock.symbol].append((high * factor, low * factor))

    def _lively(self, stock: Stock) -> bool:
        """Tell whether a stock is too wide for the pool of limit_up in every played session."""
        recent = self.ranges[stock.symbol][-(AMPLITUDE_SESSIONS - len(PLAYED_DAYS)) :]
        if stock.calm or not recent:
            return False
        high, low = max(high for high, _ in recent), min(low for _, low in recent)
        return (high - low) * E6 > LIVELY_E6 * low

    def _played_session(self, number: int) -> int:
        """Make a played session, its tape and its daily rows; returns how many stocks touched their up limit."""
        at = self.params.sessions + number
        day = self.days[at]
        stocks = [stock for stock in self.stocks if stock.listed(at)]
        facts = [self._facts(stock, at) for stock in stocks]
        lively = [self._lively(stock) for stock in stocks]
        session = make_session(stocks, facts, lively, number, grid_of(self.params.interval_s), self.draws)
        self._write_tape(at, day, stocks, facts, session)
        touched = 0
        for row, (stock, fact) in enumerate(zip(stocks, facts, strict=True)):
            bar = None if fact.suspended else session.bar(row)
            self.rows.add(self.days, at, stock, fact, bar)
            if bar is not None:
                touched += 0 < fact.up <= bar.high
                stock.close = bar.close
                self._remember(stock, bar.high, bar.low)
        return touched

    # ------------------------------------------------------------------ writing

    def _write_tape(
        self, at: int, day: Day, stocks: Sequence[Stock], facts: Sequence[DayFacts], session: Session
    ) -> None:
        count, prev_day = len(session.grid.seconds), self.days[at - 1]
        source, interval_ms = f"synthetic market, seed {self.params.seed}", self.params.interval_s * 1000
        epoch, opening = f"{source}:{day}", ts_of(day, hms("09:00"))
        path = self.paths.folder / f"{day}{SUFFIX}"
        writer = TapeWriter(path, TapeHeader(VERSION, day, prev_day, interval_ms, source, count))
        gone = tuple(stock.symbol for stock in self.stocks if stock.delisted_at <= at)
        table = instrument_table(day, at, stocks, facts, gone)
        opened = DayOpened(epoch, day, prev_day, push_id(day, 0), opening, Pace.LOCKSTEP, 0, interval_ms, source, table)
        try:
            writer.write(opened)
            writer.write(PushEnd(epoch, day, push_id(day, 0), opening, Phase.PRE_OPEN, 0, 0))
            self._write_pushes(writer, opened, session, Books(stocks, facts, day, session.grid, self.draws))
        except BaseException:
            writer.discard()
            raise
        writer.close()

    def _write_pushes(self, writer: TapeWriter, opened: DayOpened, session: Session, books: Books) -> None:
        epoch, day, count = opened.feed_epoch, opened.day, len(session.grid.seconds)
        self.meter.open_day(opened.instruments)
        for number, (second, batches) in enumerate(books.pushes(session), 1):
            for batch in batches:
                writer.write(batch)
            push, phase = push_id(day, number), phase_at(second)
            self.meter.push(second, phase, batches)
            writer.write(
                PushEnd(epoch, day, push, ts_of(day, second), phase, len(batches), 0, last_of_day=number == count)
            )
            if number % TOLD_EVERY == 0:
                self.progress(str(day), number, count)
        self.meter.close_day()
        self.progress(str(day), count, count)

    def _write_script(self) -> None:
        symbols = {actor.role: actor.symbol for actor in CAST}
        seconds = grid_of(self.params.interval_s).seconds
        script = [
            {
                "push": push_id(PLAYED_DAYS[order.day], int(np.searchsorted(seconds, hms(order.at))) + 1),
                "key": order.key, "side": order.side, "symbol": symbols[order.role], "shares": order.shares,
                "price": 0, "wide_price": False,
            }
            for order in HAND_ORDERS
        ]  # fmt: skip
        self.paths.hand_script.write_text(json.dumps(script, indent=1) + "\n", "utf-8")
