"""A push of the vendor, {code: quote dict}, as columns: units, rounding and time zone are settled here and nowhere else.

No object of ours a quote: C code walks the dicts. Decimals go through a MessagePack encoder, which writes each in nine
bytes, so that numpy reads the lot as one table; whole numbers go through struct. A push with a number of the other kind
takes the numbers one by one; a dict of another shape sends the push down a slow path that looks at every quote alone, so
a damaged one costs the others nothing.
"""

import struct
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, compress, repeat
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
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
_WHOLE = ("time", "volume", "openInt", "pvolume")
"""Scalars that the vendor gives as whole numbers; the others are decimals."""
_DECIMAL_AT = [at for at, name in enumerate(_SCALARS) if name not in _WHOLE]
_WHOLE_AT = [_SCALARS.index(name) for name in _WHOLE]
_decimals = itemgetter(*[_SCALARS[at] for at in _DECIMAL_AT], "bidPrice", "askPrice")
_whole = itemgetter(*_WHOLE)
_book_volumes = itemgetter("bidVol", "askVol")
_scalars = itemgetter(*_SCALARS)
_books = itemgetter(*_BOOKS)
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
    """`_SCALARS` x quotes."""
    books: F8
    """`_BOOKS` x five levels x quotes."""


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
    values: Collection[Any] = push.values()
    if not known.all():
        defects["junk"] += int(len(at) - np.count_nonzero(known))
        values = list(compress(values, known.tolist()))
        at = at[known]
    try:
        return _as_tables(at, values)
    except (*_UNREADABLE, struct.error):
        pass
    try:
        return _one_by_one(at, values)
    except _UNREADABLE:
        return _slowly(at, values, defects)


_encoder = msgspec.msgpack.Encoder()
_DOUBLE, _FIVE = 0xCB, 0x90 + LEVELS
"""MessagePack: a float of eight bytes, an array of five."""
_DOUBLES = np.dtype([("tag", "u1"), ("value", ">f8")])
_ROW = np.dtype([
    ("head", "u1"), ("scalars", _DOUBLES, len(_DECIMAL_AT)), ("sides", [("head", "u1"), ("levels", _DOUBLES, LEVELS)], 2)
])  # fmt: skip


def _as_tables(at: NDArray[np.int32], values: Collection[Any]) -> Raw:
    """Read a push in which every number is of the kind the vendor gives it; raises where one is not."""
    count = len(at)
    encoded = _encoder.encode(list(map(_decimals, values)))
    start = len(encoded) - count * _ROW.itemsize
    if start not in _ARRAY_HEADS:
        raise ValueError("a price that is no decimal")
    rows = np.frombuffer(encoded, _ROW, count, start)
    sides = rows["sides"]
    tags = (rows["scalars"]["tag"] == _DOUBLE).all() and (sides["levels"]["tag"] == _DOUBLE).all()
    if not (tags and (sides["head"] == _FIVE).all()):
        raise ValueError("a book without five slots, or a price that is no decimal")
    scalars = np.empty((len(_SCALARS), count))
    scalars[_DECIMAL_AT] = rows["scalars"]["value"].T
    whole = _whole_numbers(chain.from_iterable(map(_whole, values)), count * len(_WHOLE))
    scalars[_WHOLE_AT] = whole.reshape(count, len(_WHOLE)).T
    books = np.empty((2, 2, LEVELS, count))
    books[:, 0] = sides["levels"]["value"].transpose(1, 2, 0)
    volumes = _whole_numbers(chain.from_iterable(_five_each(map(_book_volumes, values))), count * 2 * LEVELS)
    books[:, 1] = volumes.reshape(count, 2, LEVELS).transpose(1, 2, 0)
    return Raw(at, scalars, books.reshape(len(_BOOKS), LEVELS, count))


_ARRAY_HEADS = (1, 3, 5)
"""Bytes before the rows: MessagePack writes the length of an array in so many."""


def _whole_numbers(numbers: Iterable[int], count: int) -> NDArray[np.int64]:
    return np.frombuffer(struct.pack(f"={count}q", *numbers), "=i8")


def _five_each(books: Iterable[Iterable[Sequence[Any]]]) -> list[Sequence[Any]]:
    """Return the sides one after the other. One too long and another too short would shift all stocks between them."""
    sides = list(chain.from_iterable(books))
    if set(map(len, sides)) - {LEVELS}:
        raise ValueError("a book without five slots")
    return sides


def _one_by_one(at: NDArray[np.int32], values: Collection[Any]) -> Raw:
    """Read a push of whole dicts, whatever kinds of numbers are in them."""
    count = len(at)
    scalars = np.fromiter(chain.from_iterable(map(_scalars, values)), np.float64, count * len(_SCALARS))
    sides = _five_each(map(_books, values))
    books = np.fromiter(chain.from_iterable(sides), np.float64, count * len(_BOOKS) * LEVELS)
    return _raw(at, scalars, books)


def _raw(at: NDArray[np.int32], scalars: F8, books: F8) -> Raw:
    """Turn rows of quotes into columns."""
    by_quote = books.reshape(len(at), len(_BOOKS), LEVELS)
    return Raw(
        at,
        np.ascontiguousarray(scalars.reshape(len(at), len(_SCALARS)).T),
        np.ascontiguousarray(by_quote.transpose(1, 2, 0)),
    )


def _slowly(at: NDArray[np.int32], values: Collection[Any], defects: Counter[str]) -> Raw:
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
    return _raw(np.array(kept, np.int32), np.array(scalars, np.float64), np.array(books, np.float64))


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
    scalars = raw.scalars
    stamp, volume, amount, state, exact_volume = scalars[0], *scalars[6:]
    groups = group_of[raw.at]
    lots = np.array([unit.lots for unit in units], np.int64)[groups]
    exact = np.array([unit.exact for unit in units], np.bool_)[groups]
    time_ms = stamp - day_ms
    prices = np.rint(scalars[1:6] * 1000)
    books = np.rint(raw.books * _BOOK_SCALE)
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
        too_large |= (books[::2] > _PRICE_MAX * 1000).any(axis=(0, 1))
        refuse("too large", too_large | ((books[1::2] * lots) > _BOOK_VOLUME_MAX).any(axis=(0, 1)))
        refuse("between ticks", _off_tick(prices).any(axis=0) | _off_tick(books[::2]).any(axis=(0, 1)))
        # A stock that has not traded may be shown at 0: a rule would take that for a loss of everything.
        refuse("no price", (prices[0] <= 0) | (prices[1] <= 0))
        refuse("units", lots == 0)
    return ok, refused
