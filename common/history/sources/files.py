"""A folder of files as a source: somebody's own daily bars, dropped there day by day, for the nightly cycle too.

The folder holds `calendar.csv` (date, is_open), `instruments.csv` (code, name, list_date, delist_date) and any number of
further files with bars; each may be CSV or Parquet. Columns of bars: date, code, open, high, low, close, pre_close,
volume (shares), amount (yuan), and where they are known is_st, suspended, up_limit, down_limit (yuan, 0 = no limit),
float_shares, turnover_rate (per cent of the float). For other columns or units a `columns.toml` says which are which: the
column map of `pankou data import`. Without a calendar the built-in one stands.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path

import polars as pl

from common.domain.calendar import exchange_days
from common.domain.errors import SourceError
from common.domain.values import Day, Symbol
from common.history import schema
from common.history.importing_files import parse_symbol
from common.history.importing_map import FROM_FILE, read_mapping
from common.history.sources import tables
from common.history.sources.baostock_parse import float_shares
from common.history.sources.cells import (
    BadCellError,
    Defect,
    Made,
    Parsed,
    Row,
    cell,
    check_bar,
    dashed,
    day,
    day_or_zero,
    each,
    number,
    price,
    price_or_zero,
    scaled,
)
from common.history.sources.coverage import FILES
from common.history.sources.source import Answer, Ask, Heard, Kind, Pacer, answer_of
from common.rules.boards import is_code

CALENDAR, INSTRUMENTS = "calendar", "instruments"
MAP = "columns.toml"
OURS = {"day": "date", "symbol": "code", "prev_close": "pre_close", "turnover": "amount", "st": "is_st"}
"""Names of the column map to the names here, where they differ."""
KIND_OF = {
    **dict.fromkeys(("open", "high", "low", "close", "pre_close", "up_limit", "down_limit"), "price"),
    "volume": "volume", "amount": "turnover", "float_shares": "shares", "turnover_rate": "turnover_rate",
}  # fmt: skip
UNIT_HERE = {
    "price": Decimal(1000), "volume": Decimal(1), "turnover": Decimal(1000), "shares": Decimal(1),
    "turnover_rate": Decimal("0.01"),
}  # fmt: skip
"""Multiplier of our unit here, by kind; a map's multiplier over it is what its cells are multiplied by."""
NEEDED = ("date", "code", "open", "high", "low", "close", "pre_close", "volume", "amount")
YES, NO = frozenset({"1", "true", "yes"}), frozenset({"0", "false", "no", ""})


class Files:
    """Files of a folder."""

    coverage = FILES

    def __init__(self, pacer: Pacer, folder: Path) -> None:
        if not folder.is_dir():
            raise SourceError(f"source files: no folder {folder}; name the folder that holds your files")
        self.pacer = pacer
        self.heard: Heard | None = None
        self._folder = folder
        self._map = read_mapping(folder / MAP) if (folder / MAP).is_file() else None
        if self._map is not None and self._map.interval:
            raise SourceError(f"{folder / MAP}: maps minute bars; the source files reads daily ones")

    def asks(self, kind: Kind, first: Day, last: Day, symbols: tuple[Symbol, ...], minutes: int = 0) -> list[Ask]:
        """Return the reads: the market by the day."""
        if kind not in self.coverage.kinds:
            raise SourceError(f"source files has no {kind.value}; import them: pankou data import PATH")
        return [Ask(kind, first, last)]

    def prepare(self, asks: Sequence[Ask], told: Callable[[str, int, int], None]) -> None:
        """Nothing: the files are here."""

    def fetch(self, ask: Ask) -> Answer:
        """Read what the files hold now."""
        return answer_of(ask.kind, self._parsed(ask))

    def _parsed(self, ask: Ask) -> Parsed:
        if ask.kind is Kind.CALENDAR:
            path = self._named(CALENDAR)
            if path is None:
                days = exchange_days()
                return Parsed([{"day": one, "open": True} for one in days if ask.first <= one <= ask.last])
            return each(self._rows(path, ("date", "is_open")), _open_day, tables.OPEN_DAYS_KEY)
        if ask.kind is Kind.INSTRUMENTS:
            path = self._named(INSTRUMENTS)
            if path is None:
                raise SourceError(f"source files: no {INSTRUMENTS}.csv or {INSTRUMENTS}.parquet in {self._folder}")
            rows = self._rows(path, ("code", "name", "list_date"))
            return each(rows, _instrument, schema.KEYS[schema.INSTRUMENTS_FILE])
        wanted = (dashed(ask.first), str(ask.first))
        columns = self._map.columns if self._map else {}
        needed = tuple(name for name in columns.values() if name != FROM_FILE) if columns else NEEDED
        date = columns.get("day", "date")
        rows = [
            {**row, FROM_FILE: path.stem} for path in self._bars() for row in self._rows(path, needed, date, wanted)
        ]
        return each(rows, lambda row: _bar(self._renamed(row)), tables.BARS_KEY)

    def _renamed(self, row: Row) -> Row:
        """Return a row under our names in our units, as the column map says."""
        if self._map is None:
            return row
        made: dict[str, object] = {}
        for ours, theirs in self._map.columns.items():
            name, text = OURS.get(ours, ours), cell(row, theirs)
            kind = KIND_OF.get(name, "")
            if kind and text:
                times = Decimal(str(self._map.factors[kind])) / UNIT_HERE[kind]
                text = format(number(text) * times, "f")
            made[name] = parse_symbol(text) if name == "code" else text
        return made

    def _named(self, name: str) -> Path | None:
        paths = (self._folder / f"{name}{suffix}" for suffix in (".csv", ".parquet"))
        return next((path for path in paths if path.is_file()), None)

    def _bars(self) -> list[Path]:
        found = [path for suffix in ("*.csv", "*.parquet") for path in self._folder.glob(suffix)]
        return sorted(path for path in found if path.stem not in (CALENDAR, INSTRUMENTS))

    def _rows(
        self, path: Path, needed: Iterable[str], date: str = "date", days: tuple[str, ...] = ()
    ) -> list[dict[str, object]]:
        try:
            # Text stays text: a price goes to its integer through no float.
            csv = path.suffix == ".csv"
            frame = pl.scan_csv(path, infer_schema=False) if csv else pl.scan_parquet(path)
            missing = [name for name in needed if name not in frame.collect_schema()]
            if missing:
                raise SourceError(f"{path}: columns missing: {', '.join(missing)}; say which are which in {MAP}")
            if days:
                frame = frame.filter(pl.col(date).cast(pl.String).is_in(days))
            return list(frame.collect().iter_rows(named=True))
        except (pl.exceptions.PolarsError, OSError) as error:
            raise SourceError(f"{path}: not readable ({str(error).splitlines()[0]})") from error

    def close(self) -> None:
        """Nothing is held open."""


def _open_day(row: Row) -> Made:
    return {"day": day(cell(row, "date")), "open": flag(cell(row, "is_open"))}


def _instrument(row: Row) -> Made | None:
    symbol = cell(row, "code")
    if not is_code(symbol):
        return None
    gone = day_or_zero(cell(row, "delist_date")) if "delist_date" in row else 0
    return {
        "symbol": symbol,
        "name": cell(row, "name"),
        "listed_day": day(cell(row, "list_date")),
        "delisted_day": gone,
    }


def _bar(row: Row) -> Made | None:
    symbol = cell(row, "code")
    if not is_code(symbol):
        return None
    volume = scaled(cell(row, "volume") or "0", 1)
    told = {name: cell(row, name) if name in row else "" for name in ("is_st", "suspended", "up_limit", "down_limit")}
    made: Made = {
        "day": day(cell(row, "date")),
        "symbol": symbol,
        "prev_close": price_or_zero(cell(row, "pre_close")),
        "up_limit": price(told["up_limit"]) if told["up_limit"] else tables.NOT_TOLD,
        "down_limit": price(told["down_limit"]) if told["down_limit"] else tables.NOT_TOLD,
        "suspended": flag(told["suspended"]),
        "st": _state(told["is_st"]),
        "float_shares": _shares(row, volume),
        **dict.fromkeys(schema.TRADED_COLUMNS, 0),
    }
    if volume and not made["suspended"]:
        prices = [price(cell(row, name)) for name in ("open", "high", "low", "close")]
        check_bar(*prices)
        turnover = scaled(cell(row, "amount") or "0", 1000)
        made.update(zip(schema.TRADED_COLUMNS, (*prices, volume, turnover), strict=True))
    return made


def _state(text: str) -> int:
    """Return the ST state; a file that does not tell it leaves it unknown, which counts as ST."""
    return int(flag(text)) if text else schema.UNKNOWN_STATE


def _shares(row: Row, volume: int) -> int:
    if "float_shares" in row and cell(row, "float_shares"):
        return scaled(cell(row, "float_shares"), 1)
    return float_shares(volume, cell(row, "turnover_rate")) if volume and "turnover_rate" in row else 0


def flag(text: str) -> bool:
    """Return a yes or no."""
    word = text.lower()
    if word not in YES | NO:
        raise BadCellError(Defect.BAD_WORD, text[:40])
    return word in YES
