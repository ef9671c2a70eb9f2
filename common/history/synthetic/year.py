"""A year of the synthetic market as history: daily rows and 5-minute bars, to try backtests on without any data.

Stocks are quiet most of the time; now and then one runs to its limit and is lively for some weeks. Nothing is worth
knowing about the day after: what a rule earns here is chance, costs and the shape of its exits. Prices in 0.001 yuan;
the same seed gives the same market everywhere.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from common.domain.errors import UserError
from common.domain.values import TICK, Board, Day, Symbol
from common.history import schema
from common.history.limits import rule_limits
from common.history.store import polars_schema, write_manifest, write_table
from common.history.synthetic.daily import SEALED_E6
from common.history.synthetic.draws import E6, I64, Draws
from common.history.synthetic.params import weekdays

FIRST: Day = 20241008
LAST: Day = 20260331
LONG_AGO: Day = 20100104
WARM_UP = 62
"""Sessions of daily rows before the first one with minutes: what the shipped screens look back on."""
STOCKS_MIN, STOCKS_MAX, SESSIONS_MIN, SESSIONS_MAX = 20, 2_000, 5, 244
LABELS = (*range(34_500, 41_401, 300), *range(47_100, 54_001, 300))
_STEPS = 5
"""Prices drawn inside a bar."""
_QUIET_E6, _LIVELY_E6 = 6_500, 24_000
"""Standard deviation of a day's return."""
_TOUCH_E6 = (5_000, 22_000)
"""Chance of a session that runs to a limit, of quiet and of lively stocks; one in four runs down."""
_LIVELY_SESSIONS = (15, 70)
_PAUSE_E6, _PAUSE_SESSIONS = 1_500, (2, 8)
_EX_E6 = 4_000
_U_SHAPE = (4, 3, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1) * 2 + (2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3) * 2
_KINDS = (
    ("600", ".SH", Board.MAIN, 8), ("000", ".SZ", Board.MAIN, 7), ("300", ".SZ", Board.CHINEXT, 4),
    ("688", ".SH", Board.STAR, 1),
)  # fmt: skip
Bools = NDArray[np.bool_]
Told = Callable[[str, int, int], None]


class YearParams(NamedTuple):
    """Size and seed."""

    stocks: int = 300
    sessions: int = SESSIONS_MAX
    seed: int = 7

    def check(self) -> None:
        """Raise UserError naming the number that is out of range."""
        bounds = {"stocks": (STOCKS_MIN, STOCKS_MAX), "sessions": (SESSIONS_MIN, SESSIONS_MAX), "seed": (0, 2**63 - 1)}
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise UserError(f"synthetic year: {name} = {value}; use a number from {low} to {high}")


class _Session(NamedTuple):
    """One session of every stock; arrays by stock, bars by stock and bar."""

    raw: I64
    reference: I64
    up: I64
    down: I64
    bars: dict[str, I64]
    there: Bools
    """Listed."""
    trades: Bools
    """Listed and not suspended."""
    factor: I64
    cash_e6: I64


def make_year(folder: Path, params: YearParams, told: Told = lambda *_: None) -> tuple[Day, Day]:
    """Write a history into an empty folder; returns its first and last day with minutes.

    Raises UserError for sizes out of range and for a folder that holds something.
    """
    params.check()
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    return _Year(folder, params).make(told)


class _Year:
    def __init__(self, folder: Path, params: YearParams) -> None:
        self._folder, self._params = folder, params
        draws = self._draws = Draws(params.seed)
        count = params.stocks
        days = weekdays(FIRST, LAST)
        # One day more than is played, as every history has.
        self._days = days[-(WARM_UP + params.sessions + 1) :]
        self._symbols, self._board = _symbols(count)
        self._close = draws.wholes(400, 4_000, count) * TICK
        self._shares = draws.wholes(8, 90, count) * 25_000_000
        self._listed = np.where(draws.wholes(0, E6, count) < 30_000, draws.wholes(5, len(self._days), count), 0)
        self._st_from = np.where(draws.wholes(0, E6, count) < 40_000, draws.wholes(0, len(self._days), count), 1 << 30)
        self._lively = np.zeros(count, np.int64)
        self._paused = np.zeros(count, np.int64)
        self._factor = np.full(count, 10**9, np.int64)
        self._events: list[pl.DataFrame] = []

    def make(self, told: Told) -> tuple[Day, Day]:
        """Draw session after session and write them; a month of minutes is in memory at once."""
        daily: list[pl.DataFrame] = []
        month: list[pl.DataFrame] = []
        for at, day in enumerate(self._days):
            session = self._session(at, day)
            daily.append(self._daily(day, session))
            if WARM_UP <= at < len(self._days) - 1:
                month.append(self._minutes(day, session))
                name = schema.part_of("minute5", day)
                if at == len(self._days) - 2 or schema.part_of("minute5", self._days[at + 1]) != name:
                    write_table(self._folder, name, pl.concat(month))
                    month.clear()
            told("history", at + 1, len(self._days))
        self._tables(pl.concat(daily))
        return self._days[WARM_UP], self._days[-2]

    # ------------------------------------------------------------------ one session

    def _session(self, at: int, day: Day) -> _Session:
        draws, count = self._draws, self._params.stocks
        there = self._listed <= at
        raw, cash_e6 = self._close.copy(), np.zeros(count, np.int64)
        goes_ex = there & (self._listed < at) & (draws.wholes(0, E6, count) < _EX_E6) & (raw > 3_000)
        cash_e6[goes_ex] = (raw[goes_ex] // 50 // TICK * TICK) * 1_000
        reference = raw - cash_e6 // 1_000
        self._factor = np.where(goes_ex, self._factor * raw // reference, self._factor)
        self._tell_ex(day, goes_ex, raw, reference, cash_e6)
        up, down = self._limits(at, day, reference)
        self._paused = np.where(self._paused > 0, self._paused - 1, 0)
        begins = (self._paused == 0) & (draws.wholes(0, E6, count) < _PAUSE_E6)
        self._paused = np.where(begins, draws.wholes(*_PAUSE_SESSIONS, count), self._paused)
        trades = there & (self._paused == 0)
        bars = self._bars(reference, up, down)
        self._close = np.where(trades, bars["close"][:, -1], np.where(goes_ex, reference, self._close))
        return _Session(raw, reference, up, down, bars, there, trades, self._factor.copy(), cash_e6)

    def _limits(self, at: int, day: Day, reference: I64) -> tuple[I64, I64]:
        rows = pl.DataFrame({
            "symbol": self._symbols, "board": self._board.astype(np.int8), "day": np.full(len(reference), day, np.int32),
            "prev_close": reference, "st": self._st_from <= at, "session": np.where(self._listed > 0, at - self._listed + 1, 999),
            "listed_day": [self._listed_day(stock) for stock in range(len(reference))],
        })  # fmt: skip
        found = rule_limits(rows)
        return found["up_limit"].to_numpy().astype(np.int64), found["down_limit"].to_numpy().astype(np.int64)

    def _listed_day(self, stock: int) -> Day:
        return self._days[int(self._listed[stock])] if self._listed[stock] else LONG_AGO

    def _bars(self, reference: I64, up: I64, down: I64) -> dict[str, I64]:
        """Draw the prices of a session and cut them into bars."""
        draws, count, steps = self._draws, len(reference), len(LABELS) * _STEPS
        lively = self._lively > 0
        sigma = np.where(lively, _LIVELY_E6, _QUIET_E6)
        noise = draws.bells((3, count))
        opened = reference + reference * (sigma * noise[0] // E6) // E6 // 3
        target = opened + reference * (sigma * noise[1] // E6) // E6
        walk = np.cumsum(draws.bells((count, steps)), axis=1)
        places = np.arange(1, steps + 1, dtype=np.int64)
        bridge = walk - walk[:, -1:] * places // steps
        strayed = bridge // 34_641 * (reference * sigma // E6)[:, None] // 1_000  # 34,641: 1,000 x sqrt(4 x 300)
        path = opened[:, None] + (target - opened)[:, None] * places // steps + strayed
        has_limit = up > 0
        kept = np.where(has_limit, 2 * TICK, 0)[:, None]
        path = np.where(
            has_limit[:, None],
            np.clip(path, down[:, None] + kept, np.maximum(up[:, None] - kept, down[:, None] + kept)),
            path,
        )
        chance = draws.wholes(0, E6, count)
        runs = has_limit & (chance < np.where(lively, _TOUCH_E6[1], _TOUCH_E6[0]))
        for stock in np.flatnonzero(runs).tolist():
            rises = bool(chance[stock] % 4)
            limit = int(up[stock] if rises else down[stock])
            path[stock] = self._run(path[stock], limit, int(opened[stock]), 1 if rises else -1)
        fresh = draws.wholes(*_LIVELY_SESSIONS, count)
        self._lively = np.where(runs, fresh, np.maximum(self._lively - 1, 0))
        return self._cut(np.maximum(path // TICK, 1) * TICK, opened, up, down)

    def _run(self, path: I64, limit: int, opened: int, toward: int) -> I64:
        """Return a path that reaches its limit, and stays, opens and comes back, or falls away from it."""
        draws, steps = self._draws, len(path)
        places = np.arange(steps, dtype=np.int64)
        touch = steps * draws.whole(30, 850) // 1_000
        moved = opened + (limit - opened) * np.minimum(places, touch) // max(touch, 1)
        wobble = (path - path[0]) // 4
        shy = limit - toward * TICK
        before = np.minimum(moved + wobble, shy) if toward > 0 else np.maximum(moved + wobble, shy)
        made = np.where(places < touch, before, limit)
        depth = limit * draws.whole(3, 25) // 1_000
        if draws.happens(SEALED_E6):
            if draws.happens(400_000):
                begin = touch + max(1, (steps - touch) * draws.whole(50, 600) // 1_000)
                width = max(2, steps * draws.whole(5, 40) // 1_000)
                made[begin : begin + width] = limit - toward * depth
            return made
        begin = min(touch + max(1, steps * draws.whole(1, 80) // 1_000), steps - 1)
        fall = depth * (places - begin) // max(steps - begin, 1) + TICK
        return np.where(places < begin, made, limit - toward * fall)

    def _cut(self, path: I64, opened: I64, up: I64, down: I64) -> dict[str, I64]:
        count = len(path)
        ceiling = np.where(up > 0, up, np.iinfo(np.int32).max)[:, None]
        path = np.clip(path, np.maximum(down, TICK)[:, None], ceiling)
        inside = path.reshape(count, len(LABELS), _STEPS)
        close = inside[:, :, -1]
        first = np.clip(np.maximum(opened // TICK, 1) * TICK, np.maximum(down, TICK), ceiling[:, 0])
        open_ = np.concatenate([first[:, None], close[:, :-1]], axis=1)
        high, low = np.maximum(inside.max(axis=2), open_), np.minimum(inside.min(axis=2), open_)
        day_lots = self._shares // 100 * np.where(self._lively > 0, 40, 10) // 1_000
        shape = np.array(_U_SHAPE, np.int64)
        lots = day_lots[:, None] * shape // int(shape.sum()) * self._draws.sizes((count, len(LABELS))) // 1_000
        volume = np.maximum(lots, 1) * 100
        return {
            "open": open_,
            "high": high,
            "low": low,
            "close": close.copy(),
            "volume": volume,
            "turnover": volume * ((high + low) // 2),
        }

    # ------------------------------------------------------------------ writing

    def _tell_ex(self, day: Day, goes_ex: Bools, raw: I64, reference: I64, cash_e6: I64) -> None:
        at = np.flatnonzero(goes_ex)
        rows = {
            "day": [day] * len(at), "symbol": [self._symbols[each] for each in at.tolist()], "prev_close": raw[at], "reference": reference[at],
            "cash_e6": cash_e6[at], "bonus_e6": [0] * len(at), "known_at": [schema.known_at_of(day, 8, 0)] * len(at),
        }  # fmt: skip
        self._events.append(pl.DataFrame(rows, schema=polars_schema(schema.EX_EVENTS)))

    def _daily(self, day: Day, session: _Session) -> pl.DataFrame:
        bars, trades = session.bars, session.trades
        traded = {
            "open": bars["open"][:, 0], "high": bars["high"].max(axis=1), "low": bars["low"].min(axis=1), "close": bars["close"][:, -1],
            "volume": bars["volume"].sum(axis=1), "turnover": bars["turnover"].sum(axis=1),
        }  # fmt: skip
        rows = {
            "day": np.full(len(trades), day, np.int32), "symbol": self._symbols, "prev_close": session.reference, "up_limit": session.up,
            "down_limit": session.down, "suspended": ~trades, "float_shares": self._shares, "factor_e9": session.factor,
            **{name: np.where(trades, values, 0) for name, values in traded.items()},
        }  # fmt: skip
        return pl.DataFrame(rows, schema=polars_schema(schema.DAILY)).filter(pl.Series(session.there))

    def _minutes(self, day: Day, session: _Session) -> pl.DataFrame:
        at = np.flatnonzero(session.trades)
        names = pl.Series(self._symbols).gather(at.repeat(len(LABELS)))
        rows = {
            "day": np.full(len(at) * len(LABELS), day, np.int32), "symbol": names, "label_s": np.tile(np.array(LABELS, np.int32), len(at)),
            **{name: values[at].ravel() for name, values in session.bars.items()},
        }  # fmt: skip
        return pl.DataFrame(rows, schema=polars_schema(schema.MINUTES))

    def _tables(self, daily: pl.DataFrame) -> None:
        days, symbols = self._days, self._symbols
        listed = [self._listed_day(stock) for stock in range(len(symbols))]
        instruments = {"symbol": symbols, "name": symbols, "listed_day": listed, "delisted_day": [0] * len(symbols)}
        st = [(symbols[at], int(self._st_from[at])) for at in np.flatnonzero(self._st_from < len(days)).tolist()]
        spells = {
            "symbol": [symbol for symbol, _ in st], "first_day": [days[at] for _, at in st], "last_day": [0] * len(st),
            "state": [schema.ST_STATE] * len(st), "known_at": [schema.known_at_of(days[at], 8, 0) for _, at in st], "end_known_at": [0] * len(st),
        }  # fmt: skip
        for name, rows in (
            (schema.CALENDAR_FILE, {"day": days}), (schema.INSTRUMENTS_FILE, instruments), (schema.ST_FILE, spells),
        ):  # fmt: skip
            write_table(self._folder, name, pl.DataFrame(rows, schema=polars_schema(schema.TABLES[name])))
        write_table(self._folder, schema.EX_EVENTS_FILE, pl.concat(self._events))
        for year in sorted({day // 10_000 for day in days}):
            inside = daily.filter(pl.col("day") // 10_000 == year)
            write_table(self._folder, f"{schema.DAILY_FOLDER}/{year}.parquet", inside)
        write_manifest(self._folder)


def _symbols(count: int) -> tuple[list[Symbol], I64]:
    """Return so many codes in their order, and their boards; most are of the main board."""
    parts = sum(share for *_, share in _KINDS)
    found = []
    for prefix, suffix, board, share in _KINDS:
        found += [(f"{prefix}{at + 1:03d}{suffix}", int(board)) for at in range(count * share // parts + 1)]
    found = sorted(sorted(found, key=lambda each: each[0][3:6])[:count])
    return [symbol for symbol, _ in found], np.array([board for _, board in found], np.int64)
