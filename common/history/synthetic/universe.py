"""The stocks of a market: boards, sizes, listings, ST spells, suspensions and ex-days, drawn from the seed."""

from dataclasses import dataclass, field
from typing import NamedTuple

from common.domain.values import TICK, Board, Day, Price, Shares, Symbol
from common.history.synthetic.actors import CAST, Actor
from common.history.synthetic.draws import E6, Draws
from common.history.synthetic.params import PLAYED_DAYS, MarketParams
from common.rules.corporate import ex_right_reference
from common.rules.price_limits import price_band

E9 = 1_000_000_000
LONG_AGO: Day = 20100104
NEVER = 10_000
CALM_PER_1000 = 25
"""Stocks within the 15 % amplitude of the limit_up screen. Markets differ: 10 in 1,000 in the spring of 2026, several
times that in quiet years; here enough for a pool."""

# Equally spaced quantiles of the market of July 2026 (Shanghai and Shenzhen), ends pulled in.
PRICES_FEN = (250, 659, 1_017, 1_398, 1_844, 2_437, 3_154, 4_083, 5_531, 8_826, 30_000)
FLOAT_MILLIONS = (500, 1_730, 2_450, 3_330, 4_490, 5_990, 8_480, 12_470, 21_810, 48_180, 200_000)
TURNOVER_E6 = (2_500, 7_200, 11_200, 15_200, 19_400, 23_900, 29_500, 37_500, 50_000, 72_000, 150_000)
SIGMA_E6 = (8_500, 12_500, 15_000, 17_000, 19_000, 21_000, 23_500, 26_500, 30_500, 36_000, 52_000)
"""Daily volatility; its quantiles were moved until amplitudes and returns came out like those of real stocks."""


class _Kind(NamedTuple):
    prefix: str
    suffix: str
    board: Board


_KINDS = (
    _Kind("600", "SH", Board.MAIN),
    _Kind("000", "SZ", Board.MAIN),
    _Kind("300", "SZ", Board.CHINEXT),
    _Kind("601", "SH", Board.MAIN),
    _Kind("002", "SZ", Board.MAIN),
    _Kind("301", "SZ", Board.CHINEXT),
)
_STAR = _Kind("688", "SH", Board.STAR)
_STAR_EVERY = 17
_OVERFLOW = {"600": "6032", "601": "6052", "000": "0012", "002": "0032", "300": "3022", "301": "3026"}
"""Where codes go on when a prefix is full: the first digits of the next ones."""
_FIRST_NUMBER = 200
_NUMBERS = 800
"""Codes of one prefix."""


@dataclass
class Stock:
    """One stock and what it carries from day to day. Prices in 0.001 yuan, rates in millionths, sessions by index."""

    symbol: Symbol
    name: str
    board: Board
    close: Price
    float_shares: Shares
    sigma_e6: int
    """Daily volatility."""
    turnover_e6: int
    """Part of the float shares traded in a usual session."""
    activity_e6: int
    """Chance to change in a push of 3 seconds."""
    calm: bool = False
    base: Price = 0
    """What a calm stock is pulled back to."""
    away_e6: int = 0
    """How far a calm stock is from it."""
    drift_e6: int = 0
    listed_at: int = -1
    """First session; -1 = long before the history."""
    delisted_at: int = NEVER
    """First session without it."""
    st_from: int = NEVER
    st_to: int = NEVER
    suspended: range = range(0)
    ex: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Session to (cash a share in 0.000001 yuan, new shares for one old share x 1,000,000)."""
    factor_e9: int = E9
    actor: Actor | None = None

    def listed(self, at: int) -> bool:
        """Tell whether it is listed in a session."""
        return self.listed_at <= at < self.delisted_at

    def st(self, at: int) -> bool:
        """Tell whether it is ST in a session."""
        return self.st_from <= at <= self.st_to

    def name_at(self, at: int) -> str:
        """Return its name in a session."""
        return f"*ST{self.name}" if self.st(at) else self.name


@dataclass
class DayFacts:
    """What is known of a stock before the open of a session."""

    raw_prev_close: Price
    prev_close: Price
    up: Price
    down: Price
    suspended: bool
    cash_e6: int
    bonus_e6: int
    float_shares: Shares
    factor_e9: int


def make_stocks(params: MarketParams, draws: Draws) -> list[Stock]:
    """Draw the market around the cast; in order of symbols."""
    stocks = [_cast(actor, params.sessions) for actor in CAST]
    numbers = dict.fromkeys((kind.prefix for kind in (*_KINDS, _STAR)), 0)
    for count in range(params.stocks - len(stocks)):
        kind = _STAR if count % _STAR_EVERY == _STAR_EVERY - 1 else _KINDS[count % len(_KINDS)]
        numbers[kind.prefix] += 1
        stock = _drawn(_symbol(kind, numbers[kind.prefix]), kind.board, draws)
        _events(stock, count, params.sessions, draws)
        stocks.append(stock)
    return sorted(stocks, key=lambda stock: stock.symbol)


def _symbol(kind: _Kind, number: int) -> Symbol:
    """Return the code of the `number`th stock of a kind, from 1."""
    if number < _NUMBERS or kind.prefix not in _OVERFLOW:
        return f"{kind.prefix}{_FIRST_NUMBER + number:03d}.{kind.suffix}"
    return f"{int(_OVERFLOW[kind.prefix]) * 100 + number - _NUMBERS:06d}.{kind.suffix}"


def _cast(actor: Actor, sessions: int) -> Stock:
    close = round(actor.close * 1000)
    board = Board.CHINEXT if actor.symbol.startswith("30") else Board.MAIN
    stock = Stock(
        actor.symbol, f"合成{actor.symbol[:6]}", board, close, actor.float_shares, 4_000, 20_000, 850_000, True, close
    )
    stock.actor = actor
    stock.ex = {sessions + day: event for day, event in actor.ex.items()}
    return stock


def _drawn(symbol: Symbol, board: Board, draws: Draws) -> Stock:
    close = draws.quantile(PRICES_FEN) * TICK
    calm = draws.happens(CALM_PER_1000 * 1000)
    value = draws.quantile(FLOAT_MILLIONS) if not calm else draws.whole(2_700, 12_000)
    shares = value * E6 * 1000 // close // 100 * 100
    sigma, turnover = draws.quantile(SIGMA_E6), draws.quantile(TURNOVER_E6)
    return Stock(
        symbol, f"合成{symbol[:6]}", board, close, shares, 5_000 if calm else sigma, turnover // (2 if calm else 1),
        450_000 + draws.whole(0, 400_000), calm, close,
    )  # fmt: skip


def _events(stock: Stock, count: int, sessions: int, draws: Draws) -> None:
    """Give every so-manieth stock its events, so that even a small market has each of them."""
    played = len(PLAYED_DAYS)
    if count % 19 == 7:
        stock.st_from = draws.whole(0, sessions // 2)
        stock.st_to = stock.st_from + draws.whole(20, sessions)
    if count % 29 == 11:
        start = draws.whole(10, sessions - 12)
        stock.suspended = range(start, start + draws.whole(2, 10))
    if count % 9 == 4:
        stock.ex[draws.whole(5, sessions)] = (draws.whole(2, 60) * 10_000, 0)
    if count % 31 == 13:
        stock.ex[draws.whole(5, sessions)] = (100_000, draws.whole(2, 11) * 100_000)
    if count % 37 == 29:
        stock.delisted_at = draws.whole(sessions // 2, sessions)
    if count % 41 == 17:
        stock.listed_at = draws.whole(5, sessions - 10)
    if 20 <= count < 20 + played:
        stock.ex[sessions + count - 20] = (draws.whole(5, 40) * 10_000, 0)
    if count == 33:
        stock.listed_at, stock.calm = sessions + 1, False
    if count == 36:
        stock.suspended = range(sessions - 3, sessions + 2)
    if stock.listed_at >= 0:
        # A new listing is neither ST nor suspended nor delisted within the history.
        stock.st_from, stock.st_to, stock.suspended, stock.delisted_at = NEVER, NEVER, range(0), NEVER


def facts_of(stock: Stock, at: int, day: Day, listed_day: Day) -> DayFacts:
    """Return what is known before the open of session `at`, and roll shares and factor where the stock goes ex."""
    raw = stock.close
    suspended = at in stock.suspended
    cash, bonus = (0, 0) if suspended else stock.ex.get(at, (0, 0))
    reference = ex_right_reference(raw, cash, bonus) if cash or bonus else raw
    if reference <= 0 or reference == raw:
        reference, cash, bonus = raw, 0, 0
    if reference != raw:
        stock.factor_e9 = stock.factor_e9 * raw // reference
        stock.float_shares += stock.float_shares * bonus // E6
        stock.base = stock.base * reference // raw // TICK * TICK
    session = at - stock.listed_at + 1 if stock.listed_at >= 0 else 0
    band = price_band(stock.board, day, reference, stock.st(at), 0, session, listed_day)
    return DayFacts(raw, reference, band.up, band.down, suspended, cash, bonus, stock.float_shares, stock.factor_e9)
