"""Daily history: boards, listings, ST spells, suspensions, ex-days and raw bars, drawn from the seed."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from common.domain.values import Board, Day
from common.history.schema import ST_STATE, known_at_of
from common.history.synthetic.actors import CAST, Actor
from common.history.synthetic.params import MarketParams
from common.rules.corporate import ex_right_reference
from common.rules.price_limits import price_band

E9 = 1_000_000_000
TICK = 10
CALM_SHARE = 0.06
"""Part of the market that is calm enough for the 15 % amplitude of the limit_up screen."""


@dataclass
class Stock:
    """One stock of the market and what it carries from day to day. Prices in 0.001 yuan."""

    symbol: str
    name: str
    board: Board
    listed_at: int
    """Index of its first session in the history; -1000 = long ago."""
    sigma: float
    """Daily volatility."""
    calm: bool
    close: int
    base: int
    float_shares: int
    liquidity: float
    """Chance to change in a push."""
    st_from: int = 10_000
    """Index of the first session under ST; 10,000 = never."""
    st_to: int = 10_000
    suspended: range = range(0)
    ex: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Session to (cash a share in 0.000001 yuan, new shares for one old share x 1,000,000)."""
    factor_e9: int = E9
    actor: Actor | None = None

    def st(self, at: int) -> bool:
        """Tell whether it is ST in a session."""
        return self.st_from <= at <= self.st_to


@dataclass
class DayFacts:
    """What is known of a stock before the open of a session."""

    raw_prev_close: int
    prev_close: int
    up: int
    down: int
    suspended: bool
    cash_e6: int
    bonus_e6: int


def make_stocks(params: MarketParams, rng: np.random.Generator) -> list[Stock]:
    """Draw the market; the cast comes first."""
    stocks = [_cast(actor) for actor in CAST]
    history = params.sessions
    taken = {stock.symbol for stock in stocks}
    numbers = {"600": 200, "000": 200, "300": 200, "688": 100}
    for count in range(params.stocks - len(stocks)):
        prefix = ("600", "000", "300")[count % 3] if count % 23 else "688"
        numbers[prefix] += 1
        symbol = f"{prefix}{numbers[prefix]:03d}.{'SH' if prefix in ('600', '688') else 'SZ'}"
        assert symbol not in taken
        board = {"300": Board.CHINEXT, "688": Board.STAR}.get(prefix, Board.MAIN)
        stocks.append(_drawn(symbol, board, count, history, rng))
    return stocks


def _cast(actor: Actor) -> Stock:
    close = round(actor.close * 1000)
    board = Board.CHINEXT if actor.symbol.startswith("300") else Board.MAIN
    stock = Stock(
        actor.symbol, f"合成{actor.symbol[3:6]}", board, -1000, 0.004, True, close, close, actor.float_shares, 1.0
    )
    stock.actor = actor
    return stock


def _drawn(symbol: str, board: Board, count: int, history: int, rng: np.random.Generator) -> Stock:
    close = int(rng.integers(300, 6_000)) * TICK
    calm = bool(rng.random() < CALM_SHARE)
    value = float(rng.random())
    # Calm names are of a size that the screens take; most others are smaller or larger.
    billions = (
        2.6 + 12 * value
        if calm or rng.random() < 0.1
        else (0.6 + 1.8 * value if rng.random() < 0.5 else 16 + 80 * value)
    )
    stock = Stock(
        symbol, f"合成{symbol[:6]}", board, -1000, 0.005 if calm else 0.017 + 0.018 * float(rng.random()), calm, close, close,
        int(billions * 1e9 / (close / 1000)) // 100 * 100, 0.45 + 0.4 * float(rng.random()),
    )  # fmt: skip
    if count % 19 == 7 and not calm:
        stock.st_from = int(rng.integers(0, history // 2))
        stock.st_to = stock.st_from + int(rng.integers(20, history))
        stock.name = f"ST{stock.name}" if stock.st(history) else stock.name
    if count % 29 == 11:
        start = int(rng.integers(10, history - 12))
        stock.suspended = range(start, start + int(rng.integers(2, 10)))
    if count % 9 == 4:
        cash = int(rng.integers(2, 60)) * 10_000
        stock.ex[int(rng.integers(5, history + 3))] = (cash, 0)
    elif count % 31 == 13:
        stock.ex[int(rng.integers(5, history + 3))] = (100_000, int(rng.integers(2, 11)) * 100_000)
    if count % 41 == 17:
        stock.listed_at = int(rng.integers(5, history - 10))
    return stock


def facts_of(stock: Stock, at: int, day: Day) -> DayFacts:
    """Return what is known before the open of session `at`, and roll shares and factor where the stock goes ex."""
    raw = stock.close
    cash, bonus = stock.ex.get(at, (0, 0))
    suspended = at in stock.suspended
    if suspended and (cash or bonus):
        stock.ex[at + len(stock.suspended)] = stock.ex.pop(at)  # nobody goes ex while suspended
        cash = bonus = 0
    reference = ex_right_reference(raw, cash, bonus) if cash or bonus else raw
    if reference <= 0 or reference == raw:
        reference, cash, bonus = raw, 0, 0
    if reference != raw:
        stock.factor_e9 = stock.factor_e9 * raw // reference
        stock.float_shares += stock.float_shares * bonus // 1_000_000
        stock.base = stock.base * reference // raw // TICK * TICK
    session = at - stock.listed_at + 1 if stock.listed_at > -1000 else 0
    band = price_band(stock.board, day, reference, stock.st(at), 0, session, day)
    return DayFacts(raw, reference, band.up, band.down, suspended, cash, bonus)


def clip(price: float, facts: DayFacts) -> int:
    """Return a price on the tick inside the day's limits."""
    ticks = max(1, round(price / TICK)) * TICK
    if facts.up:
        ticks = min(max(ticks, facts.down), facts.up)
    return ticks


def draw_bar(stock: Stock, facts: DayFacts, market: float, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Draw open, high, low and close of a session of history."""
    noise = rng.standard_normal(4)
    prev = facts.prev_close
    if stock.calm:
        # Pulled back to its base, so that sixty sessions stay within the screen's amplitude.
        close = stock.base + (prev - stock.base) * 0.6 + prev * 0.006 * noise[0]
        close = min(max(close, stock.base * 0.98), stock.base * 1.02)
        width = 0.003
    else:
        move = market + stock.sigma * noise[0]
        if facts.up and rng.random() < 0.012:
            move = 1.0  # closes at its limit
        close = prev * (1 + move)
        width = stock.sigma * 0.45
    last = clip(close, facts)
    first = clip(prev + (last - prev) * 0.3 + prev * width * noise[1], facts)
    high = clip(max(first, last) + abs(prev * width * noise[2]), facts)
    low = clip(min(first, last) - abs(prev * width * noise[3]), facts)
    return first, max(high, first, last), min(low, first, last), last


FRACTAL_TAIL: tuple[tuple[int, int, int, int], ...] = (
    (10_200, 10_300, 10_100, 10_150),
    (10_150, 10_200, 10_000, 10_050),
    (9_950, 10_000, 9_800, 9_960),
)
"""Open, high, low, close of the last three sessions before the played ones: K1, and K2 with its long lower shadow."""


def frames(
    stocks: list[Stock], days: list[Day], rows: list[dict[str, object]], history: int
) -> dict[str, pl.DataFrame]:
    """Return the history tables as frames; `days` are the sessions, the first `history` of them before the played ones."""
    first = days[0]
    instruments = [
        {
            "symbol": s.symbol,
            "name": s.name,
            "listed_day": days[s.listed_at] if s.listed_at >= 0 else 20100104,
            "delisted_day": 0,
        }
        for s in stocks
    ]
    st, ex = [], []
    for stock in stocks:
        if stock.st_from < len(days):
            begin, over = days[stock.st_from], stock.st_to < len(days) - 1
            end = days[stock.st_to] if over else 0
            st.append({
                "symbol": stock.symbol, "first_day": begin, "last_day": end, "state": ST_STATE,
                "known_at": known_at_of(begin, 8, 0), "end_known_at": known_at_of(end, 18, 0) if over else 0,
            })  # fmt: skip
    by_key = {(row["day"], row["symbol"]): row for row in rows}
    for stock in stocks:
        for at, (cash, bonus) in stock.ex.items():
            row = by_key.get((days[at], stock.symbol)) if at < len(days) else None
            if row is not None and row["reference_moved"]:
                ex.append({
                    "day": days[at], "symbol": stock.symbol, "prev_close": row["raw_prev_close"], "reference": row["prev_close"],
                    "cash_e6": cash, "bonus_e6": bonus, "known_at": known_at_of(days[max(0, at - 3)], 18, 0),
                })  # fmt: skip
    ex_schema = {
        "day": pl.Int64,
        "symbol": pl.String,
        "prev_close": pl.Int64,
        "reference": pl.Int64,
        "cash_e6": pl.Int64,
        "bonus_e6": pl.Int64,
        "known_at": pl.Int64,
    }
    st_schema = {
        "symbol": pl.String,
        "first_day": pl.Int64,
        "last_day": pl.Int64,
        "state": pl.Int64,
        "known_at": pl.Int64,
        "end_known_at": pl.Int64,
    }
    assert first == days[0]
    assert history <= len(days)
    return {
        "instruments.parquet": pl.DataFrame(instruments),
        "st.parquet": pl.DataFrame(st, schema=st_schema),
        "ex_events.parquet": pl.DataFrame(ex, schema=ex_schema),
    }
