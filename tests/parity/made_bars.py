"""Seeded markets of bars that meet what engines can disagree about: locked limits, gaps, suspensions, ex-days, odd lots.

Prices walk in whole ticks; every bar lies inside the day's limits. Nothing here looks like a real market: events are
many times more frequent, so that a few hundred small markets meet each of them often.
"""

import random
from collections.abc import Iterator

import numpy as np

from common.domain.values import Board
from common.rules.corporate import ex_right_reference
from common.rules.price_limits import price_band
from common.rules.tables import Exchange
from services.backtest_worker.bars import NOT_THERE, Columns, DayBars, Facts, PoolRows, labels_of

FIRST_DAY = 20240102
TICK = 10
PREFIXES = (
    ("600", ".SH", Board.MAIN, Exchange.SSE),
    ("000", ".SZ", Board.MAIN, Exchange.SZSE),
    ("300", ".SZ", Board.CHINEXT, Exchange.SZSE),
    ("688", ".SH", Board.STAR, Exchange.SSE),
)


class MadeBars:
    """One market: `symbols`, and `days(fields)` for a rule's context."""

    def __init__(self, seed: int, stocks: int = 24, days: int = 16, period_s: int = 300) -> None:
        self._random = random.Random(seed)
        self._count, self._days, self._labels = stocks, days, labels_of(period_s)
        kinds = [PREFIXES[self._random.randrange(len(PREFIXES))] for _ in range(stocks)]
        rows = sorted((f"{kind[0]}{100 + at:03d}{kind[1]}", kind) for at, kind in enumerate(kinds))
        self.symbols = [symbol for symbol, _ in rows]
        self._board = [int(kind[2]) for _, kind in rows]
        self._exchange = [int(kind[3]) for _, kind in rows]

    def days(self, fields: tuple[str, ...]) -> Iterator[DayBars]:
        """Yield the sessions, oldest first."""
        draw = self._random
        close = [draw.randrange(2_000, 60_000, TICK) for _ in range(self._count)]
        listed = [0 if draw.random() < 0.85 else draw.randrange(2, 8) for _ in range(self._count)]
        gone = [self._days + 1 if draw.random() < 0.95 else draw.randrange(6, 14) for _ in range(self._count)]
        float_shares = [draw.randrange(1, 40) * 10_000_000 for _ in range(self._count)]
        day, prev_day = FIRST_DAY, FIRST_DAY - 1
        for number in range(self._days):
            facts = self._facts(number, day, close, listed, gone, float_shares)
            columns: list[tuple[int, ...]] = []
            first_row: list[int] = []
            for stock in range(self._count):
                there = listed[stock] <= number < gone[stock] and draw.random() > 0.04
                first_row.append(len(columns) if there else NOT_THERE)
                if there:
                    columns += self._session(facts, stock)
                    close[stock] = columns[-1][3]
                elif facts.ex_day[stock]:
                    close[stock] = int(facts.prev_close[stock])
            table = np.array(columns, np.int64).reshape(-1, 6)
            prices = [np.ascontiguousarray(table[:, at], np.int32) for at in range(4)]
            pool = self._pool(facts, first_row, fields)
            yield DayBars(
                day, prev_day, self._labels, np.array(first_row, np.int64),
                Columns(*prices, np.ascontiguousarray(table[:, 4]), np.ascontiguousarray(table[:, 5])), facts, pool,
            )  # fmt: skip
            day, prev_day = _next(day), day

    def _facts(
        self, number: int, day: int, close: list[int], listed: list[int], gone: list[int], float_shares: list[int]
    ) -> Facts:
        draw = self._random
        table = np.zeros((11, self._count), np.int64)
        for stock in range(self._count):
            cash_e6 = bonus_e6 = 0
            # A dividend never eats a price up: nobody trades at nothing.
            goes_ex = draw.random() < 0.05 and close[stock] >= 2_000
            if goes_ex:
                cash_e6 = draw.choice((0, 50_000, 123_400, 400_000))
                bonus_e6 = draw.choice((0, 0, 100_000, 300_000, 1_000_000))
            reference = ex_right_reference(close[stock], cash_e6, bonus_e6) if goes_ex else close[stock]
            free = 0 < listed[stock] == number
            band = price_band(self._board[stock], day, reference, False, 0, 1 if free else 0, day)
            table[:, stock] = (
                self._board[stock], self._exchange[stock], reference, close[stock], band.up, band.down,
                float_shares[stock], cash_e6, bonus_e6, int(goes_ex), int(number >= gone[stock]),
            )  # fmt: skip
        auction = np.array([self._auction(price) for price in table[2]], np.int64)
        return Facts(*table[:9], table[9].astype(bool), table[10].astype(bool), auction, auction * 0)

    def _auction(self, reference: int) -> int:
        """Return the price of an opening auction that has a bar of its own, 0 for none."""
        return int(reference) + self._random.randrange(-3, 4) * TICK if self._random.random() < 0.2 else 0

    def _session(self, facts: Facts, stock: int) -> list[tuple[int, ...]]:
        draw = self._random
        last, up, down = (int(column[stock]) for column in (facts.prev_close, facts.up_limit, facts.down_limit))
        high_end, low_end = up or last * 3, max(down, TICK)
        drift, swing = draw.choice((-3, -1, 0, 0, 1, 3)), draw.choice((1, 2, 4, 9))
        unit = max(TICK, last // 400 // TICK * TICK)
        rows = []
        last = min(max(last + draw.randrange(-6, 7) * unit, low_end), high_end)
        locked = 0
        for at in range(len(self._labels)):
            if draw.random() < 0.02:
                locked = draw.choice((-1, 1)) * draw.randrange(1, 12)
            opened = last
            if locked:
                last = high_end if locked > 0 else low_end
                opened = last if draw.random() < 0.8 else opened
                locked -= 1 if locked > 0 else -1
            else:
                last = min(
                    max(last + (drift + draw.randrange(-swing, swing + 1)) * unit // 2 // TICK * TICK, low_end),
                    high_end,
                )
            high = min(max(opened, last) + draw.randrange(0, 2) * unit, high_end)
            low = max(min(opened, last) - draw.randrange(0, 2) * unit, low_end)
            volume = draw.choice((0, 300, 5_000, 90_000, 800_000, 800_000)) if at else draw.choice((0, 40_000, 900_000))
            if volume == 0:
                opened = high = low = last = rows[-1][3] if rows else int(facts.prev_close[stock])
            rows.append((opened, high, low, last, volume, volume * (high + low) // 2))
        return rows

    def _pool(self, facts: Facts, first_row: list[int], fields: tuple[str, ...]) -> PoolRows:
        draw = self._random
        there = [at for at in range(self._count) if first_row[at] >= 0 or draw.random() < 0.1]
        stocks = [at for at in there if (draw.random() < 0.7 and self._board[at] != Board.STAR) or draw.random() < 0.3]
        rows = []
        for stock in stocks:
            close = int(facts.raw_prev_close[stock])
            near = close // 100
            named = {
                "float_value": close * int(facts.float_shares[stock]), "k1_high": close + 2 * near, "k1_low": close - near,
                "k2_high": close + draw.randrange(-1, 3) * near, "k2_low": close - draw.randrange(1, 6) * near,
            }  # fmt: skip
            rows.append([named.get(name, 0) for name in fields])
        return PoolRows(np.array(stocks, np.int64), np.array(rows, np.int64).reshape(-1, len(fields)))


def _next(day: int) -> int:
    """Return a later day number; the calendar does not matter to an engine."""
    return day + 1 if day % 100 < 28 else (day // 100 + (89 if day // 100 % 100 == 12 else 1)) * 100 + 1
