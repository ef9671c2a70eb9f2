"""Single questions to the rulebook: what a person typed, looked at and handed to the pure functions."""

import re
from decimal import Decimal
from typing import NamedTuple

from common.domain.errors import BadSymbolError
from common.domain.values import MILLI, Board, Cash, Day, Price, Shares, Side, Symbol
from common.rules.boards import board_of, exchange_of, out_of_scope, stage_of
from common.rules.cage import Cage, cage_base, cage_bounds
from common.rules.fees import commission_cap_e7, exchange_charges, order_fees
from common.rules.price_limits import NO_BAND, Band, ListingPhase, is_free_day, limit_bp, price_band
from common.rules.tables import CAGES, TABLES_BEGIN, Exchange
from services.cli.check import parse_day, parse_price, parse_symbol
from services.cli.faults import BadInputError
from services.cli.show import day_text

PHASES = {
    "normal": ListingPhase.NORMAL,
    "ipo": ListingPhase.NORMAL,
    "ipo_band": ListingPhase.NORMAL,
    "s_share": ListingPhase.S_SHARE,
    "delisting": ListingPhase.DELISTING,
    "delisting_first_day": ListingPhase.DELISTING_FIRST_DAY,
    "delisting_old": ListingPhase.DELISTING_OLD,
    "delisting_first_day_old": ListingPhase.DELISTING_OLD,
    "relisting_first_day": ListingPhase.RELISTING_FIRST_DAY,
}
"""Stages of a listing as they are typed; ipo and ipo_band are the listing day unless --listing-day says more."""
_FIRST_DAYS = frozenset({"ipo", "ipo_band"})
_OUT = {"an index": "bad.is_index", "a B share": "bad.is_b_share", "a fund or bond": "bad.is_fund_or_bond"}
SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_STAND_IN: Price = 10 * MILLI
"""A price to find out with whether a day has a limit at all, where none was given."""
_SESSIONS_MAX = 100_000
_RATE = re.compile(r"0?\.\d{1,20}|0")
_E7 = 10_000_000


class Asked(NamedTuple):
    """A stock and a day that the tables know."""

    symbol: Symbol
    exchange: Exchange
    board: Board
    day: Day


class Charged(NamedTuple):
    """What an order costs, by kind, in 0.001 yuan."""

    turnover: Cash
    commission: Cash
    stamp_duty: Cash
    transfer: Cash
    handling: Cash
    regulatory: Cash
    total: Cash


def ask(code: str, date: str) -> Asked:
    """Return the stock and the day asked for; refuses what the tables do not know."""
    what = out_of_scope(code.strip().upper())
    if what in _OUT:
        raise BadInputError(_OUT[what], text=code)
    symbol, day = parse_symbol(code), parse_day(date)
    if day < TABLES_BEGIN:
        raise BadInputError("bad.before_tables", day=day_text(day), first=day_text(TABLES_BEGIN))
    try:
        board = board_of(symbol, day)
    except BadSymbolError:
        raise BadInputError("bad.code_on_day", symbol=symbol, day=day_text(day)) from None
    return Asked(symbol, exchange_of(symbol), board, day)


def parse_session(text: str) -> int:
    """Return the number of a session since listing: 1 is the listing day."""
    clean = text.strip()
    if not clean.isascii() or not clean.isdigit() or not 0 < int(clean) <= _SESSIONS_MAX:
        raise BadInputError("bad.listing_day", text=text)
    return int(clean)


def parse_rate(text: str, day: Day) -> int:
    """Return a commission rate in 1e-7, not above what is allowed."""
    clean = text.strip()
    if _RATE.fullmatch(clean) is None:
        raise BadInputError("bad.rate", text=text)
    rate = Decimal(clean) * _E7
    if rate != int(rate) or rate > commission_cap_e7(day):
        raise BadInputError("bad.rate", text=text)
    return int(rate)


def parse_amount(text: str) -> Cash:
    """Return an amount of yuan that may be zero."""
    return 0 if text.strip() in {"0", "0.0", "0.00"} else parse_price(text)


def band_of(
    asked: Asked, prev_close: str | None, st: bool, phase: str, session: str | None, listed: str | None
) -> Band:
    """Return the limits of the day; both 0 where the day has none. Refuses what no row says."""
    if phase not in PHASES:
        raise BadInputError("bad.phase", text=phase, known=", ".join(PHASES))
    stage = int(stage_of(asked.symbol, PHASES[phase]))
    number = parse_session(session) if session is not None else int(phase in _FIRST_DAYS)
    listed_day = parse_day(listed) if listed is not None else 0
    if listed_day > asked.day:
        raise BadInputError("bad.listed_later", listed=day_text(listed_day), day=day_text(asked.day))
    price = parse_price(prev_close) if prev_close is not None else 0
    board = int(asked.board)
    if is_free_day(board, asked.day, stage, number, listed_day):
        return NO_BAND
    width_of = int(ListingPhase.DELISTING) if stage == ListingPhase.DELISTING_FIRST_DAY else stage
    if limit_bp(board, asked.day, st, width_of) == 0:
        raise BadInputError("bad.no_width", symbol=asked.symbol, phase=phase, day=day_text(asked.day))
    band = price_band(board, asked.day, price or _STAND_IN, st, stage, number, listed_day, int(asked.exchange))
    if price == 0 and band != NO_BAND:
        raise BadInputError("bad.need_prev_close", symbol=asked.symbol, day=day_text(asked.day))
    return band


def cage_of(
    asked: Asked, side: Side, bid: Price, ask_: Price, last: Price, prev_close: Price
) -> tuple[Price, Cage, str]:
    """Return the price a cage is built on, the cage, and what happens outside it ("" where there is none)."""
    board = int(asked.board)
    row = next((row for row in CAGES if row.board == board and row.first <= asked.day <= row.last), None)
    base = cage_base(int(side), bid, ask_, last, prev_close)
    if row is None:
        return base, Cage(0, 0), ""
    if base <= 0:
        raise BadInputError("bad.need_a_price")
    bounds = cage_bounds(board, asked.day, int(side), bid, ask_, last, prev_close)
    return base, bounds, "held" if row.held else "reject"


def fees_of(asked: Asked, side: Side, shares: Shares, price: Price, rate_e7: int, least: Cash, net: bool) -> Charged:
    """Return what an order of that many shares costs; charges come on top of a net commission, else they are inside."""
    turnover = shares * price
    exchange = int(asked.exchange)
    fees = order_fees(int(side), asked.day, exchange, turnover, rate_e7, least, shares)
    charges = exchange_charges(int(side), asked.day, exchange, turnover)
    extra = charges.handling + charges.regulatory if net else 0
    total = fees.commission + fees.stamp + fees.transfer + extra
    return Charged(turnover, fees.commission, fees.stamp, fees.transfer, charges.handling, charges.regulatory, total)
