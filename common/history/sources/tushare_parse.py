"""Tushare's answers as our rows. Pure.

Columns and units follow the package's source and its documentation: prices in yuan, `vol` in lots of 100 shares, `amount`
in thousand yuan, `float_share` in ten thousand shares, days as yyyymmdd, `pre_close` the ex-right reference price,
`stk_limit` 99999 or nothing = no limit, `suspend_timing` empty = the whole day, `cash_div_tax` the dividend before tax.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from common.domain.values import Day, Symbol
from common.history import schema
from common.history.schema import known_at_of
from common.history.sources import tables
from common.history.sources.cells import (
    E6,
    BadCellError,
    Defect,
    Findings,
    Made,
    Parsed,
    Row,
    added_up,
    cell,
    check_bar,
    day,
    day_or_zero,
    each,
    price,
    price_or_zero,
    scaled,
)
from common.rules.boards import is_code

V = TypeVar("V")
NO_LIMIT_FROM = 99_000_000
"""A limit of 99,000 yuan or more is the vendor's way of saying that there is none."""
DONE = "实施"
LOT, THOUSAND_YUAN, TEN_THOUSAND = 100, 1_000_000, 10_000
Names = Mapping[Symbol, Sequence[tuple[Day, str]]]
"""Names of each stock by first day, ascending."""


def symbol_of(row: Row) -> Symbol:
    """Return the symbol of a row, "" for what is no A share."""
    text = cell(row, "ts_code")
    digits, dot, suffix = text.partition(".")
    if not dot or suffix not in ("SH", "SZ", "BJ") or not (digits.isascii() and digits.isdigit()):
        raise BadCellError(Defect.BAD_SYMBOL, text[:40])
    return text if is_code(text) else ""


def st_of_name(name: str) -> int:
    """Return the ST state that a name shows: 1 ST or *ST, 2 delisting period, 0 neither."""
    if "退" in name:
        return schema.DELISTING_STATE
    return schema.ST_STATE if "ST" in name.upper() else 0


def state_at(names: Names, symbol: Symbol, on: Day) -> int:
    """Return a stock's ST state on a day from its names; not told when it has none by then."""
    known = [name for first, name in names.get(symbol, ()) if first <= on]
    return st_of_name(known[-1]) if known else tables.NOT_TOLD


def parse_bars(
    daily: Sequence[Row],
    basics: Sequence[Row],
    limits: Sequence[Row],
    suspended: Sequence[Row],
    names: Names,
    on: Day,
) -> Parsed:
    """Return the bars of a session out of four answers; a stock suspended all day has a bar without trades."""
    found = Findings()
    shares = _by_symbol(basics, on, found, lambda row: scaled(cell(row, "float_share") or "0", TEN_THOUSAND))
    bands = _by_symbol(limits, on, found, _band)
    quiet = _whole_day(suspended, on, found)
    traded = _by_symbol(daily, on, found, _traded)
    if not traded:
        return found.parsed([])  # not published yet: suspensions alone are no session
    rows = [
        _bar(symbol, on, traded.get(symbol), shares.get(symbol, 0), bands.get(symbol), symbol in quiet, names)
        for symbol in sorted(traded.keys() | (quiet & bands.keys()))
    ]
    return found.parsed(rows)


def parse_pre_open(limits: Sequence[Row], suspended: Sequence[Row], names: Names, on: Day) -> Parsed:
    """Return what is known before the open of a day: limits and reference price, suspensions, ST."""
    found = Findings()
    bands = _by_symbol(limits, on, found, _band)
    quiet = _whole_day(suspended, on, found)
    rows = [_bar(symbol, on, None, 0, bands[symbol], symbol in quiet, names) for symbol in sorted(bands)]
    return found.parsed(rows)


def _bar(
    symbol: Symbol,
    on: Day,
    traded: dict[str, int] | None,
    shares: int,
    band: dict[str, int] | None,
    quiet: bool,
    names: Names,
) -> Made:
    told = band or {"prev_close": 0, "up_limit": tables.NOT_TOLD, "down_limit": tables.NOT_TOLD}
    made: Made = {
        "day": on,
        "symbol": symbol,
        "prev_close": told["prev_close"],
        "up_limit": told["up_limit"],
        "down_limit": told["down_limit"],
        "suspended": quiet and (traded is None or traded["volume"] == 0),
        "st": state_at(names, symbol, on),
        "float_shares": shares,
    }
    made.update(traded or dict.fromkeys(schema.TRADED_COLUMNS, 0))
    return made


def _traded(row: Row) -> dict[str, int]:
    volume = scaled(cell(row, "vol") or "0", LOT)
    reference = price_or_zero(cell(row, "pre_close"))
    if volume == 0:
        return {"prev_close": reference, **dict.fromkeys(schema.TRADED_COLUMNS, 0)}
    prices = [price(cell(row, name)) for name in ("open", "high", "low", "close")]
    check_bar(*prices)
    turnover = scaled(cell(row, "amount") or "0", THOUSAND_YUAN)
    return {"prev_close": reference, **dict(zip(schema.TRADED_COLUMNS, (*prices, volume, turnover), strict=True))}


def _band(row: Row) -> dict[str, int]:
    up, down = (price_or_zero(cell(row, name)) for name in ("up_limit", "down_limit"))
    free = up == 0 or up >= NO_LIMIT_FROM
    reference = price_or_zero(cell(row, "pre_close")) if "pre_close" in row else 0
    return {"prev_close": reference, "up_limit": 0 if free else up, "down_limit": 0 if free else down}


def _whole_day(rows: Sequence[Row], on: Day, found: Findings) -> set[Symbol]:
    told = _by_symbol(rows, on, found, lambda row: cell(row, "suspend_type") == "S" and not cell(row, "suspend_timing"))
    return {symbol for symbol, whole in told.items() if whole}


def _by_symbol(rows: Sequence[Row], on: Day, found: Findings, value: Callable[[Row], V]) -> dict[Symbol, V]:
    made: dict[Symbol, V] = {}
    for row in rows:
        try:
            symbol = symbol_of(row)
            if not symbol:
                found.skipped += 1
                continue
            if day(cell(row, "trade_date")) != on:
                raise BadCellError(Defect.OTHER_DAY, cell(row, "trade_date"))
            made[symbol] = value(row)
        except BadCellError as error:
            found.add(error, row)
    return made


def parse_calendar(rows: Sequence[Row]) -> Parsed:
    """Return calendar days with whether they trade."""
    return each(
        rows,
        lambda row: {"day": day(cell(row, "cal_date")), "open": scaled(cell(row, "is_open"), 1, 1) == 1},
        tables.OPEN_DAYS_KEY,
    )


def parse_instruments(rows: Sequence[Row]) -> Parsed:
    """Return the stocks with name, first day and the day they left."""

    def one(row: Row) -> Made | None:
        symbol = symbol_of(row)
        if not symbol:
            return None
        return {
            "symbol": symbol,
            "name": cell(row, "name"),
            "listed_day": day(cell(row, "list_date")),
            "delisted_day": day_or_zero(cell(row, "delist_date")),
        }

    return each(rows, one, schema.KEYS[schema.INSTRUMENTS_FILE])


def parse_names(rows: Sequence[Row]) -> Parsed:
    """Return names, each from its first day; known from the evening of its announcement, else from that morning."""

    def one(row: Row) -> Made | None:
        symbol = symbol_of(row)
        if not symbol:
            return None
        first, told = day(cell(row, "start_date")), day_or_zero(cell(row, "ann_date"))
        known = known_at_of(told, 18, 0) if told and told < first else known_at_of(first, 8, 0)
        return {"symbol": symbol, "first_day": first, "name": cell(row, "name"), "known_at": known}

    return each(rows, one, schema.KEYS[schema.NAMES_FILE])


def parse_dividends(rows: Sequence[Row], on: Day) -> Parsed:
    """Return the dividends carried out on an ex-day; those of one stock are added up."""

    def one(row: Row) -> Made | None:
        symbol = symbol_of(row)
        if not symbol or cell(row, "div_proc") != DONE:
            return None
        ex_day = day(cell(row, "ex_date"))
        if ex_day != on:
            raise BadCellError(Defect.OTHER_DAY, str(ex_day))
        told = day_or_zero(cell(row, "imp_ann_date")) or day_or_zero(cell(row, "ann_date"))
        return {
            "day": ex_day,
            "symbol": symbol,
            "cash_e6": scaled(cell(row, "cash_div_tax") or "0", E6, 10**12),
            "bonus_e6": scaled(cell(row, "stk_div") or "0", E6, 10**12),
            "known_at": known_at_of(told, 18, 0) if told and told < ex_day else known_at_of(ex_day, 9, 0),
        }

    parsed = each(rows, one, ("day", "symbol", "cash_e6", "bonus_e6", "known_at"))
    return parsed._replace(rows=added_up(parsed.rows))
