"""Making a market: history as Parquet, three tapes, the script of hand orders; once, then kept."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from common.domain.calendar import hms, ts_of
from common.domain.values import Day, Pace, Phase, push_id
from common.history.schema import CALENDAR_FILE
from common.history.store import write_manifest, write_table
from common.history.synthetic.actors import CAST, HAND_ORDERS
from common.history.synthetic.daily import FRACTAL_TAIL, DayFacts, Stock, draw_bar, facts_of, frames, make_stocks
from common.history.synthetic.intraday import Session, make_session, pushes_of, seconds_of
from common.history.synthetic.params import CALENDAR_LAST, PLAYED_DAYS, MarketParams, weekdays
from common.history.tape import SUFFIX, VERSION, TapeWriter
from common.messages.columns import I4, I8, U1, U2
from common.messages.market import DayOpened, InstrumentFlag, InstrumentTable, PushEnd, TapeHeader

Progress = Callable[[str, int, int], None]
"""Called with what is being made, how much is done and how much there is."""
FIRST_DAY: Day = 20250102


class MarketPaths(NamedTuple):
    """Where a market is."""

    folder: Path
    history: Path
    tapes: tuple[Path, ...]
    hand_script: Path


def paths_of(folder: Path) -> MarketPaths:
    """Return the paths inside a market's folder."""
    tapes = tuple(folder / "tapes" / f"{day}{SUFFIX}" for day in PLAYED_DAYS)
    return MarketPaths(folder, folder / "history", tapes, folder / "hand_orders.json")


def make_market(markets: Path, params: MarketParams, progress: Progress | None = None) -> MarketPaths:
    """Return the market of these parameters, making it where it is not kept yet (then it appears whole or not at all)."""
    folder = markets / params.key()
    if (folder / "market.json").is_file():
        return paths_of(folder)
    part = markets / f".{params.key()}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    _Maker(params, paths_of(part), progress or _untold).make()
    try:
        part.rename(folder)
    except OSError:
        if not (folder / "market.json").is_file():
            raise
        shutil.rmtree(part)  # somebody else made the same one meanwhile
    return paths_of(folder)


def _untold(_what: str, _done: int, _of: int) -> None:
    """Tell nobody."""


class _Maker:
    def __init__(self, params: MarketParams, paths: MarketPaths, progress: Progress) -> None:
        self.params, self.paths, self.progress = params, paths, progress
        self.rng = np.random.Generator(np.random.PCG64(params.seed))
        self.stocks = make_stocks(params, self.rng)
        played = len(PLAYED_DAYS)
        self.days = weekdays(FIRST_DAY, PLAYED_DAYS[-1])[-(params.sessions + played) :]
        self.rows: list[dict[str, object]] = []
        for actor, stock in zip(CAST, self.stocks, strict=False):
            for day, bonus in actor.bonus.items():
                stock.ex[params.sessions + day] = (0, bonus)

    def make(self) -> None:
        """Make everything, history first."""
        self.paths.history.mkdir()
        sessions = self.params.sessions
        for at in range(sessions):
            self._history_day(at)
            if at % 10 == 0:
                self.progress("history", at, sessions)
        touches = [self._played_day(number) for number in range(len(PLAYED_DAYS))]
        self._write_history()
        self._write_script()
        about = {"params": self.params._asdict(), "touches_a_day_per_1000": touches, "days": PLAYED_DAYS}
        (self.paths.folder / "market.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")

    # ------------------------------------------------------------------ days

    def _history_day(self, at: int) -> None:
        market = float(self.rng.standard_normal()) * 0.008
        tail = at - (self.params.sessions - len(FRACTAL_TAIL))
        for stock in self.stocks:
            if at < stock.listed_at:
                continue
            facts = facts_of(stock, at, self.days[at])
            if facts.suspended:
                bar = None
            elif tail >= 0 and stock.actor is not None and stock.actor.fractal:
                bar = FRACTAL_TAIL[tail]
            else:
                bar = draw_bar(stock, facts, market, self.rng)
                if tail == len(FRACTAL_TAIL) - 1 and stock.actor is not None:
                    bar = (*bar[:3], stock.base)
                    bar = (bar[0], max(bar), min(bar), stock.base)
            volume = int(self.rng.integers(20, 400)) * stock.float_shares // 10_000 // 100 * 100
            self._row(at, stock, facts, (*bar, volume, volume * bar[3]) if bar else None)

    def _row(self, at: int, stock: Stock, facts: DayFacts, bar: tuple[int, ...] | None) -> None:
        names = ("open", "high", "low", "close", "volume", "turnover")
        self.rows.append({
            "day": self.days[at], "symbol": stock.symbol, "prev_close": facts.prev_close, "up_limit": facts.up,
            "down_limit": facts.down, "suspended": facts.suspended, "float_shares": stock.float_shares,
            "factor_e9": stock.factor_e9, **dict(zip(names, bar or (0,) * 6, strict=True)),
            "raw_prev_close": facts.raw_prev_close, "reference_moved": facts.raw_prev_close != facts.prev_close,
        })  # fmt: skip
        if bar is not None:
            stock.close = bar[3]

    def _played_day(self, number: int) -> float:
        """Make a played session, its tape and its daily rows; returns touches of the up limit per 1,000 stocks."""
        at = self.params.sessions + number
        day = self.days[at]
        facts = [facts_of(stock, at, day) for stock in self.stocks]
        session = make_session(self.stocks, facts, number, self.params.interval_s, self.rng)
        self._write_tape(number, day, facts, session)
        touched = 0
        for row, (stock, fact) in enumerate(zip(self.stocks, facts, strict=True)):
            bar = session.bar(row)
            touched += bool(fact.up and not fact.suspended and bar[1] >= fact.up)
            self._row(at, stock, fact, None if fact.suspended else bar)
        return round(1000 * touched / len(self.stocks), 1)

    # ------------------------------------------------------------------ writing

    def _write_tape(self, number: int, day: Day, facts: list[DayFacts], session: Session) -> None:
        path, count = self.paths.tapes[number], len(session.seconds)
        interval_ms = self.params.interval_s * 1000
        source = f"synthetic market, seed {self.params.seed}"
        prev_day = self.days[self.params.sessions + number - 1]
        writer = TapeWriter(path, TapeHeader(VERSION, day, prev_day, interval_ms, source, count))
        opening = ts_of(day, hms("09:00"))
        table = instrument_table(day, self.stocks, facts, self.params.sessions + number)
        opened = DayOpened(
            f"{source}:{day}", day, prev_day, push_id(day, 0), opening, Pace.LOCKSTEP, 0, interval_ms, source, table
        )
        writer.write(opened)
        writer.write(PushEnd(opened.feed_epoch, day, push_id(day, 0), opening, Phase.PRE_OPEN, 0, 0))
        for pushed, (second, batches) in enumerate(pushes_of(session, self.stocks, facts, day, self.rng), 1):
            for batch in batches:
                writer.write(batch)
            writer.write(
                PushEnd(
                    opened.feed_epoch, day, push_id(day, pushed), ts_of(day, second), batches[0].phase if batches else Phase.CLOSED,
                    len(batches), 0, last_of_day=pushed == count,
                )
            )  # fmt: skip
            if pushed % 200 == 0:
                self.progress(str(day), pushed, count)
        writer.close()

    def _write_history(self) -> None:
        folder = self.paths.history
        calendar = weekdays(FIRST_DAY, CALENDAR_LAST)
        write_table(folder, CALENDAR_FILE, pl.DataFrame({"day": calendar}))
        for name, frame in frames(self.stocks, self.days, self.rows, self.params.sessions).items():
            write_table(folder, name, frame)
        daily = pl.DataFrame(self.rows)
        for year in sorted({day // 10_000 for day in self.days}):
            one = daily.filter(pl.col("day") // 10_000 == year).drop("raw_prev_close", "reference_moved")
            write_table(folder, f"daily/{year}.parquet", one)
        write_manifest(folder)

    def _write_script(self) -> None:
        symbols = {actor.role: actor.symbol for actor in CAST}
        seconds = seconds_of(self.params.interval_s)
        script = [
            {
                "push": push_id(PLAYED_DAYS[order.day], int(np.searchsorted(seconds, hms(order.at))) + 1),
                "key": order.key, "side": order.side, "symbol": symbols[order.role], "shares": order.shares,
                "price": 0, "wide_price": False,
            }
            for order in HAND_ORDERS
        ]  # fmt: skip
        self.paths.hand_script.write_text(json.dumps(script, indent=1) + "\n", "utf-8")


def instrument_table(day: Day, stocks: list[Stock], facts: list[DayFacts], at: int) -> InstrumentTable:
    """Return the instrument table of a session."""
    flags = [
        (InstrumentFlag.ST if stock.st(at) else 0)
        | (InstrumentFlag.SUSPENDED if fact.suspended else 0)
        | (InstrumentFlag.EX_DAY if fact.raw_prev_close != fact.prev_close else 0)
        for stock, fact in zip(stocks, facts, strict=True)
    ]

    def column(values: list[int], dtype: np.dtype[np.int32] | np.dtype[np.int64]) -> bytes:
        return np.array(values, dtype).tobytes()

    return InstrumentTable(
        day,
        [stock.symbol for stock in stocks],
        [stock.name for stock in stocks],
        np.array([int(stock.board) for stock in stocks], U1).tobytes(),
        column([fact.prev_close for fact in facts], I4),
        column([fact.raw_prev_close for fact in facts], I4),
        column([fact.up for fact in facts], I4),
        column([fact.down for fact in facts], I4),
        column([stock.float_shares for stock in stocks], I8),
        np.array(flags, U2).tobytes(),
        column([fact.cash_e6 for fact in facts], I8),
        column([fact.bonus_e6 for fact in facts], I8),
    )
