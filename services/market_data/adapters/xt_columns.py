"""A push of the vendor, {code: quote dict}, as columns: units, rounding and time zone are settled here and nowhere else.

One pass in C over all dicts (itemgetter, chain, fromiter): no object of ours a quote. A dict of another shape sends the
whole push down a slow path that looks at every quote alone, so a damaged one costs the others nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, compress, repeat
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.domain.calendar import S0930, S1130, S1300, S1457
from common.domain.values import TICK
from common.messages.columns import Quotes, quotes_from
from common.messages.market import LEVELS

Push = Mapping[str, Any]
F8 = NDArray[np.float64]

_SCALARS = ("time", "lastPrice", "lastClose", "open", "high", "low", "volume", "amount", "openInt", "pvolume")
_BOOKS = ("bidPrice", "bidVol", "askPrice", "askVol")
_scalars = itemgetter(*_SCALARS)
_books = itemgetter(*_BOOKS)
_WIDTH = len(_SCALARS)
_DEPTH = len(_BOOKS) * LEVELS
_DAY_MS = 86_400_000
_PRICE_MAX = 2e6
"""Yuan: what int32 holds in 0.001 yuan, rounded down."""
_AMOUNT_MAX = 9e12
_BOOK_VOLUME_MAX = 2**31 - 1
NO_BOOK = [0.0] * LEVELS
_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, OverflowError)

AUCTION_STATES = (12, 18, 19)
"""Call auction, closing auction, intraday auction: level 1 shows a virtual match. [U] for stocks it stands in openInt."""


class Raw(NamedTuple):
    """Quotes of one push as the vendor's numbers, one row a quote."""

    at: NDArray[np.int32]
    """Row of the day's instrument table."""
    scalars: F8
    """`_SCALARS`, one column each."""
    books: F8
    """`_BOOKS`, five levels each."""


class Units(NamedTuple):
    """What the volumes of a group of stocks count (`xt_units.py`); 0 = not settled yet."""

    lots: int
    """Shares in one unit of `volume` and of the book's volumes."""
    exact: bool
    """`pvolume` counts shares and may be used."""


class Settled(NamedTuple):
    """Quotes in our units, and what was refused."""

    quotes: Quotes
    groups: NDArray[np.uint8]
    """Group of units of each quote."""
    time_ms_max: int
    refused: dict[str, int]


def read_push(push: Push, rows: Mapping[str, int], defects: Counter[str]) -> Raw:
    """Take the quotes of our stocks out of a push; codes that the table does not have are junk and counted."""
    at = np.fromiter(map(rows.get, push, repeat(-1)), np.int32, len(push))
    known = at >= 0
    values: Iterable[Any] = push.values()
    if not known.all():
        defects["junk"] += int(len(at) - np.count_nonzero(known))
        values = list(compress(values, known.tolist()))
        at = at[known]
    try:
        return Raw(at, _scalar_rows(values, len(at)), _book_rows(values, len(at)))
    except _UNREADABLE:
        return _slowly(at, values, defects)


def _scalar_rows(values: Iterable[Any], count: int) -> F8:
    found = np.fromiter(chain.from_iterable(map(_scalars, values)), np.float64, count * _WIDTH)
    return found.reshape(count, _WIDTH)


def _book_rows(values: Iterable[Any], count: int) -> F8:
    sides = list(chain.from_iterable(map(_books, values)))
    # One list too long and another too short would shift the books of all stocks between them.
    if set(map(len, sides)) - {LEVELS}:
        raise ValueError("a book without five slots")
    return np.fromiter(chain.from_iterable(sides), np.float64, count * _DEPTH).reshape(count, _DEPTH)


def _slowly(at: NDArray[np.int32], values: Iterable[Any], defects: Counter[str]) -> Raw:
    """Read quote by quote what did not go as a whole; a quote that cannot be read is left out and counted."""
    kept: list[int] = []
    scalars: list[list[float]] = []
    books: list[list[float]] = []
    for row, quote in zip(at.tolist(), values, strict=True):
        try:
            scalar = [float(quote.get(name) or 0) if name in _MAY_LACK else float(quote[name]) for name in _SCALARS]
            book = [float(level) for name in _BOOKS for level in _five(quote.get(name))]
        except _UNREADABLE:
            defects["unreadable"] += 1
            continue
        kept.append(row)
        scalars.append(scalar)
        books.append(book)
    return Raw(
        np.array(kept, np.int32),
        np.array(scalars, np.float64).reshape(len(kept), _WIDTH),
        np.array(books, np.float64).reshape(len(kept), _DEPTH),
    )


_MAY_LACK = frozenset({"pvolume", "openInt"})


def _five(levels: Sequence[float] | None) -> Sequence[float]:
    """Return five levels; rights to fewer leave slots at 0, and some feeds may leave them out."""
    if levels is None:
        return NO_BOOK
    return [*levels[:LEVELS], *NO_BOOK[len(levels) :]]


def settle(raw: Raw, group_of: NDArray[np.uint8], units: Sequence[Units], day_ms: int, latest_ms: int) -> Settled:
    """Turn the vendor's numbers into ours: prices and money in 0.001 yuan, volumes in shares, time of the day in ms.

    Args:
        raw: from `read_push`.
        group_of: group of units of every row of the instrument table.
        units: what each group's volumes count.
        day_ms: Unix time of the day's midnight in Shanghai, ms.
        latest_ms: latest Unix time a quote may carry, ms.
    """
    scalars = np.ascontiguousarray(raw.scalars.T)
    stamp, volume, amount, state, exact_volume = scalars[0], *scalars[6:]
    groups = group_of[raw.at]
    lots = np.array([unit.lots for unit in units], np.int64)[groups]
    exact = np.array([unit.exact for unit in units], np.bool_)[groups]
    time_ms = stamp - day_ms
    prices = np.rint(scalars[1:6] * 1000)
    books = np.rint(raw.books.reshape(-1, 4, LEVELS).transpose(1, 2, 0) * _BOOK_SCALE)
    ok, refused = _sound(scalars, prices, books, time_ms, lots, latest_ms - day_ms)
    auction = ok & np.isin(state, AUCTION_STATES)
    if auction.any():
        # A stock in an auction of its own while others trade on (a halt that ends with one): its prices are virtual.
        auction &= _is_continuous(time_ms)
        if auction.any():
            refused["auction"] = int(np.count_nonzero(auction))
            ok &= ~auction
    shares = np.where(exact & (exact_volume > 0), exact_volume, volume * lots)
    volumes = books[1::2] * lots
    whole = [raw.at, time_ms, *prices, shares, np.rint(amount * 1000), books[0], volumes[0], books[2], volumes[1]]
    if not ok.all():
        whole = [column[..., ok] for column in whole]
        groups = groups[ok]
    quotes = quotes_from([column.astype(dtype) for column, dtype in zip(whole, _DTYPES, strict=True)])
    return Settled(quotes, groups, int(quotes.time_ms.max(initial=0)), refused)


_BOOK_SCALE = np.array([1000.0, 1.0, 1000.0, 1.0]).reshape(4, 1, 1)
_I4, _I8 = np.dtype("<i4"), np.dtype("<i8")
_DTYPES = (np.dtype("<u2"), *[_I4] * 6, _I8, _I8, *[_I4] * 4)


def _is_continuous(time_ms: F8) -> NDArray[np.bool_]:
    second = time_ms / 1000
    found: NDArray[np.bool_] = ((second >= S0930) & (second < S1130)) | ((second >= S1300) & (second < S1457))
    return found


def _off_tick(milli: F8) -> NDArray[np.bool_]:
    # Whole numbers below 2**52: their tenth is whole to the last bit or not at all, and rint is faster than a remainder.
    tenth = milli / TICK
    found: NDArray[np.bool_] = np.rint(tenth) != tenth
    return found


def _sound(
    scalars: F8, prices: F8, books: F8, time_ms: F8, lots: NDArray[np.int64], latest_ms: int
) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Tell which quotes can be used, and count the others by what is wrong with them first."""
    refused: dict[str, int] = {}
    ok = np.ones(len(time_ms), np.bool_)

    def refuse(why: str, bad: Any) -> None:
        nonlocal ok
        if bad.any():
            count = int(np.count_nonzero(ok & bad))
            if count:
                refused[why] = count
            ok = ok & ~bad

    # One sum tells about everything: whatever is not finite makes it so. Only then is it worth to look which.
    if not np.isfinite(scalars.sum() + books.sum()):
        refuse("not finite", ~(np.isfinite(scalars).all(axis=0) & np.isfinite(books).all(axis=(0, 1))))
    with np.errstate(invalid="ignore"):
        refuse("other day", (time_ms <= 0) | (time_ms >= _DAY_MS))
        refuse("from the future", time_ms > latest_ms)
        if scalars.min(initial=0) < 0 or books.min(initial=0) < 0:
            refuse("negative", (scalars < 0).any(axis=0) | (books < 0).any(axis=(0, 1)))
        too_large = (scalars[7] > _AMOUNT_MAX) | (prices > _PRICE_MAX * 1000).any(axis=0)
        refuse("too large", too_large | ((books[1::2] * lots) > _BOOK_VOLUME_MAX).any(axis=(0, 1)))
        refuse("between ticks", _off_tick(prices).any(axis=0) | _off_tick(books[::2]).any(axis=(0, 1)))
        # A stock that has not traded may be shown at 0: a rule would take that for a loss of everything.
        refuse("no price", (prices[0] <= 0) | (prices[1] <= 0))
        refuse("units", lots == 0)
    return ok, refused
