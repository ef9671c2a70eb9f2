"""Minute bars as memory-mapped columns, made from the Parquet files and made anew when these change.

    minutes = MinuteColumns(folder, 5)
    for part in minutes.between(symbols, first_day, last_day):
        kernel(part.columns["high"], part.columns["low"], part.start, part.stop)   # views: nothing is copied

A month is a folder of raw little-endian files, one a field, in order of symbol, day and label, so that what an engine
reads of a stock lies together. Prices and labels are int32; volume and turnover are int32 where a whole month fits,
else int64: the file's suffix says which. For engines that play these days; who asks on a day uses `History`.
"""

import json
import mmap
import os
import shutil
from collections.abc import Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from common.domain.errors import HistoryError
from common.domain.values import Day, Symbol
from common.history import schema
from common.history.store import check_manifest, read_manifest

CACHE = "columns"
VERSION = 1
FIELDS = ("label_s", "open", "high", "low", "close", "volume", "turnover")
TYPES: dict[str, np.dtype[Any]] = {"i4": np.dtype("<i4"), "i8": np.dtype("<i8")}
INT32_MAX = 2**31 - 1
NEAR_BYTES = 4 << 10
"""Pieces that lie closer than this are asked for as one."""


class Part(NamedTuple):
    """Bars of some stocks within a month. Bars of stock-day n: every column's [start[n]:stop[n]]."""

    columns: dict[str, NDArray[Any]]
    """Each field over the whole month, mapped; see `FIELDS`."""
    symbol: NDArray[np.int64]
    """Place of each stock-day's symbol in what was asked for."""
    day: NDArray[np.int32]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]

    def bars(self, at: int) -> dict[str, NDArray[Any]]:
        """Return the columns of one stock-day, as views."""
        piece = slice(int(self.start[at]), int(self.stop[at]))
        return {name: column[piece] for name, column in self.columns.items()}


class MinuteColumns:
    """The minute bars of one interval. Opening a month for the first time, or after it changed, makes its columns."""

    def __init__(self, folder: Path, interval: int) -> None:
        check_manifest(folder)
        self._folder = folder
        self._table = schema.minutes_folder(interval)
        names = [name for name in read_manifest(folder) if name.startswith(f"{self._table}/")]
        self._digests = {name: digest for name, digest in read_manifest(folder).items() if name in names}
        self._open: dict[str, _Month] = {}

    def between(self, symbols: Sequence[Symbol], first: Day, last: Day, read_ahead: bool = True) -> list[Part]:
        """Return where the bars of `symbols` from `first` to `last` lie, oldest month first.

        Args:
            symbols: any order; those without bars are simply not there.
            first: first day.
            last: last day, included.
            read_ahead: tell the system what will be read, so that a cold disk is read in big pieces.
        """
        low, high = schema.part_of(self._table, first), schema.part_of(self._table, last)
        wanted = {symbol: at for at, symbol in enumerate(symbols)}
        parts = []
        for name in sorted(self._digests):
            if low <= name <= high:
                part = self._month(name).part(wanted, first, last, read_ahead)
                if len(part.start):
                    parts.append(part)
        return parts

    def prepare(self) -> int:
        """Make the columns of every month now and return how many there are."""
        return len([self._month(name) for name in self._digests])

    def _month(self, name: str) -> "_Month":
        if name not in self._open:
            self._open[name] = _Month(made_columns(self._folder, name, self._digests[name]))
        return self._open[name]


class _Month:
    """The mapped columns of a month."""

    def __init__(self, place: Path) -> None:
        self._symbols: list[Symbol] = json.loads((place / "symbols.json").read_text("utf-8"))
        self._day = np.fromfile(place / "block_day.i4", TYPES["i4"])
        self._start = np.fromfile(place / "block_start.i8", TYPES["i8"])
        self._begin = np.fromfile(place / "symbol_begin.i8", TYPES["i8"])
        self._maps: dict[str, mmap.mmap] = {}
        self.columns: dict[str, NDArray[Any]] = {}
        for name in FIELDS:
            path = next(path for path in place.iterdir() if path.stem == name)
            with path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            if hasattr(mapped, "madvise"):
                mapped.madvise(mmap.MADV_RANDOM)
            self._maps[name] = mapped
            self.columns[name] = np.frombuffer(mapped, TYPES[path.suffix[1:]])

    def part(self, wanted: dict[Symbol, int], first: Day, last: Day, read_ahead: bool) -> Part:
        """Return where the stock-days of some symbols lie."""
        places = np.fromiter(map(wanted.get, self._symbols, repeat(-1)), np.int64, len(self._symbols))
        own = np.flatnonzero(places >= 0)
        places = places[own]
        begin, end = self._begin[own], self._begin[own + 1]
        blocks = _ranges(begin, end)
        symbol = np.repeat(places, end - begin)
        day = self._day[blocks]
        inside = (day >= first) & (day <= last)
        blocks, symbol, day = blocks[inside], symbol[inside], day[inside]
        part = Part(self.columns, symbol, day, self._start[blocks], self._start[blocks + 1])
        if read_ahead and len(blocks):
            self._hint(part.start, part.stop)
        return part

    def _hint(self, start: NDArray[np.int64], stop: NDArray[np.int64]) -> None:
        for name, mapped in self._maps.items():
            if not hasattr(mapped, "madvise"):
                return  # Windows reads ahead as it likes
            size = self.columns[name].itemsize
            for low, high in _joined(start * size, stop * size):
                page = low - low % mmap.PAGESIZE
                mapped.madvise(mmap.MADV_WILLNEED, page, high - page)


def _ranges(begin: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return begin[0], begin[0]+1 ... end[0]-1, begin[1] ... as one array."""
    length = end - begin
    shift = np.repeat(begin - np.concatenate([[0], np.cumsum(length)[:-1]]), length) if len(length) else length
    return shift + np.arange(int(length.sum()))


def _joined(low: NDArray[np.int64], high: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Join pieces that lie near one another; they come in order."""
    cut = np.flatnonzero(low[1:] - high[:-1] > NEAR_BYTES)
    yield from zip(
        low[np.concatenate([[0], cut + 1])].tolist(), high[np.concatenate([cut, [-1]])].tolist(), strict=True
    )


def made_columns(folder: Path, name: str, digest: str) -> Path:
    """Return the folder of a month's columns, made when it is missing or belongs to other content."""
    home = folder / CACHE / name.removesuffix(".parquet")
    place = home / f"{digest[:16]}-{VERSION}"
    if (place / "symbols.json").is_file():
        return place
    try:
        home.mkdir(parents=True, exist_ok=True)
        making = home / f".{os.getpid()}.making"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        _make(folder / name, making)
        try:
            making.replace(place)
        except OSError:  # another process was faster
            shutil.rmtree(making, ignore_errors=True)
        for old in home.iterdir():
            if old != place and not old.name.startswith("."):
                shutil.rmtree(old, ignore_errors=True)  # a reader that still maps it keeps what it has
    except OSError as error:
        raise HistoryError(
            f"{home}: the columns of {name} cannot be made ({error}); they need space beside it"
        ) from error
    return place


def _make(path: Path, place: Path) -> None:
    """Write the columns of one Parquet file, one field in memory at a time."""
    keys = pl.read_parquet(path, columns=["day", "symbol"], memory_map=False)
    day = keys["day"].to_numpy()
    names = keys["symbol"].unique().sort()
    symbol = keys["symbol"].cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64)
    rows = len(keys)
    del keys
    edge = np.flatnonzero((np.diff(day, prepend=-1) != 0) | (np.diff(symbol, prepend=-1) != 0))
    length = np.diff(np.append(edge, rows))
    order = np.lexsort((day[edge], symbol[edge]))
    take = _ranges(edge[order], edge[order] + length[order])
    blocks = symbol[edge][order]
    day[edge][order].astype("<i4").tofile(place / "block_day.i4")
    np.append(0, np.cumsum(length[order])).astype("<i8").tofile(place / "block_start.i8")
    np.searchsorted(blocks, np.arange(len(names) + 1)).astype("<i8").tofile(place / "symbol_begin.i8")
    del day, symbol
    for name in FIELDS:
        column = pl.read_parquet(path, columns=[name], memory_map=False).to_series().to_numpy()
        fits = rows == 0 or (int(column.max()) <= INT32_MAX and int(column.min()) >= -INT32_MAX)
        kind = "i4" if fits else "i8"
        column.astype(TYPES[kind])[take].tofile(place / f"{name}.{kind}")
    (place / "symbols.json").write_text(json.dumps(names.to_list()), "utf-8")
