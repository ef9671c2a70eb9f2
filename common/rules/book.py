"""One stock's five-level snapshot as matching sees it, and what can be wrong with it. Pure integers."""

from enum import IntEnum
from typing import NamedTuple

from common.domain.values import Price, Shares, Side
from common.rules.kernel import kernel

LEVELS = 5
_BUY = int(Side.BUY)
_TICK = 10
Five = tuple[int, int, int, int, int]
NO_LEVELS: Five = (0, 0, 0, 0, 0)


class Book(NamedTuple):
    """A snapshot, 0.001 yuan and shares; price 0 = empty level, no limit. Its levels count from the best one."""

    last: Price
    up_limit: Price
    down_limit: Price
    traded: Shares
    """Since the snapshot before this one; below 0 = the running total of the day shrank."""
    bid_price: Five = NO_LEVELS
    bid_volume: Five = NO_LEVELS
    ask_price: Five = NO_LEVELS
    ask_volume: Five = NO_LEVELS
    turnover: int = 0
    """Shares x price of what was traded since the snapshot before, 0.001 yuan; 0 = not known."""
    suspended: bool = False
    day_volume: Shares = 0
    """Running total of the day; what we took from the shown volume is gone until as much has been traded after it."""


EMPTY = Book(0, 0, 0, 0)


class Defect(IntEnum):
    """What is wrong with a snapshot. Anything above NO_LEVELS and it is passed over as a whole."""

    NONE = 0
    NO_LEVELS = 1
    """No price on either side: nothing is shown, but last price and volume may be used."""
    CROSSED = 2
    """Best bid at or above best ask: no book of continuous trading."""
    OFF_TICK = 3
    """A price that is no multiple of 0.01 yuan."""
    OUTSIDE_BAND = 4
    """A price beyond the day's limits."""
    NEGATIVE = 5
    """A price or volume below 0."""
    DISORDERED = 6
    """A level better than the one before it."""
    VOLUME_FELL = 7
    """The day's running volume or turnover shrank."""
    TURNOVER = 8
    """What was traded cost on average more or less than the day's limits allow."""


_NONE, _NO_LEVELS, _CROSSED = int(Defect.NONE), int(Defect.NO_LEVELS), int(Defect.CROSSED)
_OFF_TICK, _OUTSIDE, _NEGATIVE = int(Defect.OFF_TICK), int(Defect.OUTSIDE_BAND), int(Defect.NEGATIVE)
_DISORDERED, _FELL, _TURNOVER = int(Defect.DISORDERED), int(Defect.VOLUME_FELL), int(Defect.TURNOVER)


@kernel
def usable(defect: int) -> bool:
    """Tell whether a snapshot with this defect may move anything."""
    return defect <= _NO_LEVELS


@kernel
def crossed(book: Book) -> bool:
    """Tell whether best bid is at or above best ask."""
    return 0 < book.ask_price[0] <= book.bid_price[0]


@kernel
def sealed_up(book: Book) -> bool:
    """Tell whether the board is sealed at its up limit: nobody sells, and the last price is the limit."""
    return (
        book.up_limit > 0
        and book.ask_price[0] == 0
        and book.bid_price[0] == book.up_limit
        and book.last == book.up_limit
    )


@kernel
def sealed_down(book: Book) -> bool:
    """Tell whether the board is sealed at its down limit: nobody buys, and the last price is the limit."""
    return (
        book.down_limit > 0
        and book.bid_price[0] == 0
        and book.ask_price[0] == book.down_limit
        and book.last == book.down_limit
    )


@kernel
def price_defect(price: Price, up_limit: Price, down_limit: Price) -> int:
    """Return what is wrong with a price; 0 = there is none, which is well."""
    if price == 0:
        return _NONE
    if price < 0:
        return _NEGATIVE
    if price % _TICK != 0:
        return _OFF_TICK
    if price < down_limit or (up_limit > 0 and price > up_limit):
        return _OUTSIDE
    return _NONE


@kernel
def _side_defect(prices: Five, volumes: Five, toward: int, up_limit: Price, down_limit: Price) -> int:
    """Return what is wrong with one side; `toward` is 1 where the prices of further levels rise (asks), else -1."""
    before = 0
    for level in range(LEVELS):
        price = prices[level]
        if price == 0:
            if volumes[level] < 0:
                return _NEGATIVE
            continue
        if price < 0 or volumes[level] < 0:
            return _NEGATIVE
        if price % _TICK != 0:
            return _OFF_TICK
        if price < down_limit or (up_limit > 0 and price > up_limit):
            return _OUTSIDE
        if before != 0 and (price - before) * toward <= 0:
            return _DISORDERED
        before = price
    return _NONE


@kernel
def _flow_defect(book: Book) -> int:
    """Return what is wrong with what was traded."""
    if book.traded < 0 or book.turnover < 0:
        return _FELL
    if book.turnover > 0:
        # Vendors round the day's turnover; a tick a share is more than that ever moves it.
        if book.turnover < (book.down_limit - _TICK) * book.traded:
            return _TURNOVER
        if book.up_limit > 0 and book.turnover > (book.up_limit + _TICK) * book.traded:
            return _TURNOVER
    return _NONE


@kernel
def check_book(book: Book) -> int:
    """Return the first defect of a snapshot of continuous trading, as a number of `Defect`."""
    defect = price_defect(book.last, book.up_limit, book.down_limit)
    if defect == _NONE:
        defect = _side_defect(book.bid_price, book.bid_volume, -1, book.up_limit, book.down_limit)
    if defect == _NONE:
        defect = _side_defect(book.ask_price, book.ask_volume, 1, book.up_limit, book.down_limit)
    if defect == _NONE and 0 < book.ask_price[0] <= book.bid_price[0]:
        defect = _CROSSED
    if defect == _NONE:
        defect = _flow_defect(book)
    if defect == _NONE and book.ask_price[0] == 0 and book.bid_price[0] == 0:
        defect = _NO_LEVELS
    return defect
