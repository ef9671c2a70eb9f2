"""A played session of the whole market: prices, what changed in each push, volumes and five-level books."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.domain.calendar import S0930, S1300, S1457, S1500, phase_at, ts_of
from common.domain.values import TICK, Day, PushId, push_id
from common.history.synthetic.daily import Bar, short_shadow_floor
from common.history.synthetic.draws import E6, I64, Draws
from common.history.synthetic.paths import Grid, drawn, written
from common.history.synthetic.universe import DayFacts, Stock
from common.messages.columns import batch_of, quotes_from
from common.messages.market import LEVELS, QUOTES_PER_BATCH_MAX, QuoteBatch

Bools = NDArray[np.bool_]
LEVEL_YUAN = 110_000
"""Usual value of a level of the book."""
SEAL_TIMES = 40
"""How much larger the queue at a limit is than a usual level."""
SEAL_E3 = (14, 42, 74, 113, 160, 222, 298, 449, 656, 1_394, 9_999)
"""Queue at the up limit to the day's turnover at the seal, x 1,000, in equal steps of probability: 894 real boards of
June and July 2026, the queue being that of their close (bench/fills.py)."""
SEALED_TRADES = 20
"""How much smaller trades are while a board is sealed."""
AUCTION_PERCENT, CLOSE_PERCENT = 4, 2
"""Of the day's volume, in the opening and in the closing auction."""
WIDE_PRICE = 50_000
"""Above it, levels lie further apart than one tick."""
_INT32 = np.iinfo(np.int32).max


class Session(NamedTuple):
    """Prices and volumes of a session. Shape (pushes, stocks); 0.001 yuan and shares, running totals of the day."""

    grid: Grid
    last: I64
    shown: I64
    """The virtual price in the rows of the auctions, else the last price."""
    high: I64
    low: I64
    volume: I64
    turnover: I64
    changed: Bools
    offered: I64
    """Shares for sale at the up limit while the last price is there; 0 = sealed."""

    def bar(self, stock: int) -> Bar:
        """Return a stock's day."""
        return Bar(
            int(self.last[self.grid.opened, stock]), int(self.high[-1, stock]), int(self.low[-1, stock]),
            int(self.last[-1, stock]), int(self.volume[-1, stock]), int(self.turnover[-1, stock]),
        )  # fmt: skip


def make_session(
    stocks: Sequence[Stock], facts: Sequence[DayFacts], lively: Sequence[bool], number: int, grid: Grid, draws: Draws
) -> Session:
    """Draw played session `number`; the cast follows its script."""
    shape = (len(grid.seconds), len(stocks))
    last, offered = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    shown = np.zeros(shape, np.int64)
    changed = np.zeros(shape, np.bool_)
    for at, (stock, fact) in enumerate(zip(stocks, facts, strict=True)):
        if fact.suspended:
            continue
        active = (draws.wholes(0, E6, shape[0]) < _chance_e6(stock, grid)) | grid.seen
        if stock.actor is not None:
            path = written(stock.actor.paths.get(number, [("09:30", fact.prev_close / 1000)]), fact, grid, draws)
        else:
            path = drawn(stock, fact, lively[at], grid, draws)
        shown[:, at] = _held(path, active)
        last[:, at] = _traded(shown[:, at], grid)
        if stock.actor is None or number not in stock.actor.shadows:
            _shorten_shadow(last[:, at], shown[:, at], fact, grid)
        changed[:, at] = active
        offered[:, at] = _offers(stock, fact, number, last[:, at], active & ~grid.virtual, draws)
        if stock.actor is not None and stock.actor.dry:
            changed[:, at] &= ~_still(last[:, at], offered[:, at], fact) | grid.seen
    volume, turnover = _volumes(stocks, facts, grid, last, changed, draws)
    high, low = _extremes(last, changed & ~grid.virtual[:, None])
    return Session(grid, last, shown, high, low, volume, turnover, changed, offered)


def _chance_e6(stock: Stock, grid: Grid) -> int:
    """Return the chance that a stock changes in one push of this length; it is given for three seconds."""
    if grid.interval_s < 3:
        return stock.activity_e6 * grid.interval_s // 3
    still = E6
    for _ in range(grid.interval_s // 3):
        still = still * (E6 - stock.activity_e6) // E6
    return E6 - still


def _held(prices: I64, active: Bools) -> I64:
    """Hold the price between changes; the first row counts as one."""
    index = np.where(active, np.arange(len(prices)), 0)
    return prices[np.maximum.accumulate(index)]


def _traded(shown: I64, grid: Grid) -> I64:
    """Return last prices: in the closing auction the price before it stands until 15:00."""
    last = shown.copy()
    closing = grid.virtual & (grid.seconds > S1457)
    if closing.any():
        last[closing] = shown[np.flatnonzero(closing)[0] - 1]
    return last


def _shorten_shadow(last: I64, shown: I64, facts: DayFacts, grid: Grid) -> None:
    """Lift the lowest prices of a day that would end with a long lower shadow: that pool belongs to the cast."""
    traded = last[grid.opened :]
    floor = short_shadow_floor(int(traded[0]), int(traded.max()), int(traded[-1]))
    if facts.down and int(traded.min()) <= facts.down:
        return  # it trades at its down limit, and its close is no higher than a touch away
    np.maximum(traded, floor, out=traded)
    np.maximum(shown[grid.opened :], floor, out=shown[grid.opened :])


def _offers(stock: Stock, facts: DayFacts, number: int, last: I64, active: Bools, draws: Draws) -> I64:
    """Return what is for sale at the up limit in each row: the script's offers, or the first pushes of a touch."""
    offered = np.zeros(len(last), np.int64)
    rows = np.flatnonzero(active)
    if not facts.up or not len(rows):
        return offered
    at_limit = last[rows] >= facts.up
    arrivals = np.flatnonzero(at_limit & ~np.concatenate(([False], at_limit[:-1])))
    for arrival in arrivals.tolist():
        if stock.actor is None:
            shares, pushes = draws.whole(50, 900) * 100, draws.whole(1, 4)
        else:
            offer = stock.actor.offers.get(number)
            if offer is None:
                continue
            shares, pushes = offer.shares, offer.pushes
        offered[rows[arrival : arrival + pushes]] = shares
    offered[last < facts.up] = 0
    return offered


def _still(last: I64, offered: I64, facts: DayFacts) -> Bools:
    """Tell the rows in which a board is sealed as it was in the row before."""
    sealed = (facts.up > 0) & (last >= facts.up) & (offered == 0)
    still: Bools = sealed & np.concatenate(([False], sealed[:-1]))
    return still


def _volumes(
    stocks: Sequence[Stock], facts: Sequence[DayFacts], grid: Grid, last: I64, changed: Bools, draws: Draws
) -> tuple[I64, I64]:
    """Return running volume and turnover: much at both ends of the day, little while a board is sealed."""
    count = len(stocks)
    spread = 600_000 + draws.wholes(0, E6, count)
    shares = np.array([stock.float_shares for stock in stocks], np.int64)
    day = shares * (np.array([stock.turnover_e6 for stock in stocks], np.int64) * spread // E6) // E6
    weight = _weights(grid)
    chance = np.array([_chance_e6(stock, grid) for stock in stocks], np.int64)
    usual = day * 94 // 100 * E6 // np.maximum(int(weight.sum()) * chance, 1)
    sizes = usual[None, :] * weight[:, None] * draws.sizes(last.shape) // 1000
    up = np.array([fact.up for fact in facts], np.int64)
    down = np.array([fact.down for fact in facts], np.int64)
    locked = ((up > 0) & (last >= up)) | ((down > 0) & (last <= down))
    sizes = np.where(locked, sizes // SEALED_TRADES, sizes)
    sizes[grid.opened] = day * AUCTION_PERCENT // 100
    sizes[-1] = day * CLOSE_PERCENT // 100
    sizes = np.maximum(sizes // 100, 1) * 100
    dry = np.array([stock.actor is not None and stock.actor.dry for stock in stocks])
    sizes *= changed & ~grid.virtual[:, None] & ~(locked & dry)
    return np.cumsum(sizes, axis=0), np.cumsum(sizes * last, axis=0)


def _weights(grid: Grid) -> I64:
    """Return how lively the rows are: 400 at the open, 100 through the day, 160 before the close."""
    begun = grid.seconds - S0930
    weight = 100 + np.clip(300 - 300 * begun // 1800, 0, 300) + 60 * (grid.seconds >= S1457 - 900)
    return np.where(grid.virtual, 0, weight)


def _extremes(last: I64, traded: Bools) -> tuple[I64, I64]:
    """Return day high and day low after each push; 0 before the first trade."""
    far = np.iinfo(np.int64).max
    high = np.maximum.accumulate(np.where(traded, last, 0), axis=0)
    low = np.minimum.accumulate(np.where(traded, last, far), axis=0)
    return high, np.where(low == far, 0, low)


class Books:
    """Makes the quotes of each push."""

    def __init__(self, stocks: Sequence[Stock], facts: Sequence[DayFacts], day: Day, grid: Grid, draws: Draws) -> None:
        self.day = day
        self._draws = draws
        self._up = np.array([fact.up for fact in facts], np.int64)
        self._down = np.array([fact.down for fact in facts], np.int64)
        self._prev_close = np.array([fact.prev_close for fact in facts], np.int64)
        self._depth = np.array([stock.actor.depth if stock.actor else 0 for stock in stocks], np.int64)
        self._seal = np.array([stock.actor.seal if stock.actor else 0 for stock in stocks], np.int64)
        # Each stock is stamped at its own moment of the interval, as exchanges do; the cast at its end.
        own = draws.wholes(0, min(grid.interval_s, 3) * 1000, len(stocks))
        self._early_ms = np.where(self._depth > 0, 0, own)
        # A stream of its own, so that what else is drawn stays as it was.
        boards = Draws(day)
        self._seal_e3 = np.array([boards.quantile(SEAL_E3) for _ in stocks], np.int64)
        self._levels = np.arange(LEVELS, dtype=np.int64)[:, None]

    def pushes(self, session: Session) -> Iterator[tuple[int, list[QuoteBatch]]]:
        """Give the pushes of a session: second of the day and its batches."""
        grid = session.grid
        first = session.last[grid.opened]
        edges = (S0930, S1300, int(grid.seconds[grid.opened]), S1500)
        for row, second in enumerate(grid.seconds.tolist()):
            at = np.flatnonzero(session.changed[row])
            opened = row >= grid.opened
            make = self._auction if grid.virtual[row] else self._book
            bid, bid_volume, ask, ask_volume = make(
                at, session.shown[row, at], session.offered[row, at], session.turnover[row, at]
            )
            early = self._early_ms[at] * (second not in edges)
            columns = (
                at, second * 1000 - early, session.last[row, at], self._prev_close[at],
                first[at] * opened, session.high[row, at], session.low[row, at], session.volume[row, at],
                session.turnover[row, at], bid, bid_volume, ask, ask_volume,
            )  # fmt: skip
            yield second, self._batches(push_id(self.day, row + 1), second, columns)

    def _batches(self, push: PushId, second: int, columns: tuple[NDArray[np.int64], ...]) -> list[QuoteBatch]:
        quotes, ts_ns, phase = quotes_from(columns), ts_of(self.day, second), phase_at(second)
        starts = range(0, len(quotes.index), QUOTES_PER_BATCH_MAX)
        return [
            batch_of(push, part, ts_ns, phase, quotes.cut(start, start + QUOTES_PER_BATCH_MAX))
            for part, start in enumerate(starts)
        ]

    def _level_volumes(self, at: I64, price: I64) -> I64:
        drawn = LEVEL_YUAN * self._draws.sizes((2 * LEVELS, len(at))) // price // 100 * 100 + 100
        return np.where(self._depth[at] > 0, self._depth[at], drawn)

    def _auction(self, at: I64, price: I64, _offered: I64, _turnover: I64) -> tuple[I64, I64, I64, I64]:
        """Return what an auction shows: the virtual price and what would be matched, on both sides."""
        both, volume = np.zeros((LEVELS, len(at)), np.int64), np.zeros((LEVELS, len(at)), np.int64)
        both[0], volume[0] = price, self._level_volumes(at, price)[0] * 5
        return both, volume, both, volume

    def _book(self, at: I64, last: I64, offered: I64, turnover: I64) -> tuple[I64, I64, I64, I64]:
        """Return five levels around the last price, which is the best bid or the best ask; nothing beyond the limits."""
        up, down = self._up[at], self._down[at]
        volumes = np.minimum(self._level_volumes(at, last), _INT32 // SEAL_TIMES)
        gap = np.maximum(last // WIDE_PRICE, 1) * TICK
        bought = self._draws.wholes(0, 2, len(at)).astype(np.bool_)
        at_up, at_down = (up > 0) & (last >= up), (down > 0) & (last <= down)
        sealed, floored = at_up & (offered == 0), at_down
        best_bid = np.where(sealed, last, np.where((bought & ~floored) | at_up, last - gap, last))
        best_ask = np.where(floored | at_up, last, best_bid + gap)
        bid, ask = best_bid - self._levels * gap, best_ask + self._levels * gap
        bid = np.where((bid >= np.maximum(down, TICK)) & ~floored, bid, 0)
        ask = np.where(((up == 0) | (ask <= up)) & ~sealed, ask, 0)
        bid_volume, ask_volume = volumes[:LEVELS] * (bid > 0), volumes[LEVELS:] * (ask > 0)
        queue = np.maximum(bid_volume[0] * SEAL_TIMES, turnover // last * self._seal_e3[at] // 100_000 * 100)
        queue = np.where(self._depth[at] > 0, bid_volume[0] * SEAL_TIMES, np.minimum(queue, _INT32))
        queue = np.where(self._seal[at] > 0, self._seal[at], queue)
        bid_volume[0, sealed] = queue[sealed]
        ask_volume[0, floored] *= SEAL_TIMES
        offers = offered > 0
        ask_volume[0, offers] = offered[offers]
        return bid, bid_volume, ask, ask_volume
