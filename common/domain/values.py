"""Scalar types of the domain. Money and prices are integers in 0.001 yuan, quantities are shares."""

from enum import IntEnum
from typing import TypeAlias

Price: TypeAlias = int
"""A price in 0.001 yuan."""
Cash: TypeAlias = int
"""An amount of money in 0.001 yuan."""
Shares: TypeAlias = int
"""A number of shares (never lots)."""
Day: TypeAlias = int
"""A trading day as the number yyyymmdd, e.g. 20260105."""
PushId: TypeAlias = int
"""A push of the feed: day * 100_000 + number of the push in the day; number 0 opens the day."""
Symbol: TypeAlias = str
"""A stock as six digits, a dot and the exchange: 600519.SH, 000001.SZ, 920002.BJ."""

MILLI = 1000
"""Units of 0.001 yuan in one yuan."""
TICK = 10
"""The price tick of every A share (0.01 yuan) in 0.001 yuan."""
PUSHES_PER_DAY_MAX = 100_000


class Board(IntEnum):
    """The board a stock is listed on."""

    MAIN = 1
    CHINEXT = 2
    STAR = 3
    BSE = 4


class Side(IntEnum):
    """The side of an order."""

    BUY = 1
    SELL = 2


class Phase(IntEnum):
    """The phase of the trading day a push belongs to."""

    PRE_OPEN = 0
    """Before 09:15: the push that opens the day (settlement, ex-days, the pool)."""
    OPEN_AUCTION = 1
    """09:15-09:25; prices are virtual until the match at 09:25."""
    PRE_CONTINUOUS = 2
    """09:25-09:30."""
    CONTINUOUS = 3
    """09:30-11:30 and 13:00-14:57."""
    LUNCH = 4
    CLOSE_AUCTION = 5
    """14:57-15:00."""
    CLOSED = 6
    """15:00 and after: the last push of the day."""


class TradingState(IntEnum):
    """What the risk manager lets through."""

    HALTED = 0
    """Cancels only."""
    REDUCING = 1
    """No opening orders; exits and cancels work."""
    ACTIVE = 2


class Pace(IntEnum):
    """How a tape is played."""

    REAL_TIME = 0
    """At speed x real time, waiting for nobody."""
    LOCKSTEP = 1
    """Flat out, each push only after every consumer has acknowledged the one before."""


def push_id(day: Day, number: int) -> PushId:
    """Return the id of push `number` of `day`."""
    return day * PUSHES_PER_DAY_MAX + number


def day_of_push(push: PushId) -> Day:
    """Return the trading day a push belongs to."""
    return push // PUSHES_PER_DAY_MAX


def push_number(push: PushId) -> int:
    """Return the number of a push within its day (0 opens the day)."""
    return push % PUSHES_PER_DAY_MAX


def format_price(price: Price) -> str:
    """Write a price or an amount in yuan with two decimals, three where the third is not zero."""
    sign = "-" if price < 0 else ""
    yuan, milli = divmod(abs(price), MILLI)
    text = f"{sign}{yuan}.{milli:03d}"
    return text[:-1] if text.endswith("0") else text
