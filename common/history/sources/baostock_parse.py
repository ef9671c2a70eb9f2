"""Baostock's answers as our rows. Pure; every cell comes as text.

Fields and their meaning follow the package's own source and demos (baostock 0.9.4) and its users' notes: prices in yuan,
volume in shares, amount in yuan, `turn` in per cent of the listed float, `tradestatus` 1 traded / 0 suspended, `isST`
1 / 0, `adjustflag` 3 = as traded. A suspended day repeats the last close and leaves volume and amount empty (or stale).
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from common.domain.calendar import hms
from common.domain.values import Day, Symbol
from common.history import schema
from common.history.schema import known_at_of
from common.history.sources import tables
from common.history.sources.cells import (
    COUNT_MAX,
    E6,
    BadCellError,
    Defect,
    Made,
    Parsed,
    Row,
    added_up,
    as_rows,
    cell,
    check_bar,
    day,
    day_or_zero,
    each,
    number,
    price,
    price_or_zero,
    scaled,
)
from common.rules.boards import is_code

DAILY_FIELDS = "date,code,open,high,low,close,preclose,volume,amount,adjustflag,turn,tradestatus,isST"
MINUTE_FIELDS = "date,time,code,open,high,low,close,volume,amount,adjustflag"
AS_TRADED = "3"
STOCK = "1"
"""Value of `type` of query_stock_basic: 1 stock, 2 index, 3 other, 4 convertible bond, 5 fund."""
Record = Sequence[object]


def code_of(symbol: Symbol) -> str:
    """Write 600000.SH as sh.600000."""
    digits, _, suffix = symbol.partition(".")
    return f"{suffix.lower()}.{digits}"


def symbol_of(text: str) -> Symbol:
    """Write sh.600000 as 600000.SH; "" for what is no A share (an index, a fund)."""
    market, dot, digits = text.partition(".")
    if not dot or market not in ("sh", "sz", "bj") or len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        raise BadCellError(Defect.BAD_SYMBOL, text[:40])
    symbol = f"{digits}.{market.upper()}"
    return symbol if is_code(symbol) else ""


def parse_bars(fields: Sequence[str], records: Sequence[Record], first: Day, last: Day, symbol: Symbol = "") -> Parsed:
    """Return daily bars of the days asked for, of one stock or of all."""

    def one(row: Row) -> Made | None:
        made = _bar(row)
        return None if made is None else _asked(made, first, last, symbol)

    return each(as_rows(fields, records), one, tables.BARS_KEY)


def _bar(row: Row) -> Made | None:
    symbol = symbol_of(cell(row, "code"))
    if not symbol:
        return None
    if cell(row, "adjustflag") != AS_TRADED:
        raise BadCellError(Defect.ADJUSTED, f"adjustflag {cell(row, 'adjustflag')}")
    suspended = not _flag(cell(row, "tradestatus"))
    st = cell(row, "isST")
    made: Made = {
        "day": day(cell(row, "date")),
        "symbol": symbol,
        "prev_close": price_or_zero(cell(row, "preclose")),
        "up_limit": tables.NOT_TOLD,
        "down_limit": tables.NOT_TOLD,
        "suspended": suspended,
        "st": int(_flag(st)) if st else tables.NOT_TOLD,
        "float_shares": 0,
        **_traded(row, suspended),
    }
    if not suspended and made["volume"]:
        made["float_shares"] = float_shares(int(made["volume"]), cell(row, "turn"))
    return made


def _traded(row: Row, suspended: bool) -> dict[str, int]:
    """Return the traded part of a bar; all 0 where nothing traded, whatever stale numbers stand in the cells."""
    volume = 0 if suspended else scaled(cell(row, "volume") or "0", 1)
    if volume == 0:
        return dict.fromkeys(("open", "high", "low", "close", "volume", "turnover"), 0)
    prices = [price(cell(row, name)) for name in ("open", "high", "low", "close")]
    check_bar(*prices)
    turnover = scaled(cell(row, "amount") or "0", 1000)
    return dict(zip(("open", "high", "low", "close", "volume", "turnover"), (*prices, volume, turnover), strict=True))


def float_shares(volume: int, turn: str) -> int:
    """Return the listed float shares behind a turnover rate in per cent: volume / (turn / 100), to a whole share."""
    rate = number(turn) if turn else Decimal(0)
    if rate <= 0:
        return 0
    shares = (Decimal(volume) * 100 / rate).to_integral_value(ROUND_HALF_UP)
    return int(shares) if shares <= COUNT_MAX else 0


def parse_minutes(fields: Sequence[str], records: Sequence[Record], first: Day, last: Day, symbol: Symbol) -> Parsed:
    """Return minute bars; `time` is the end of the bar, yyyymmddhhmmss and three digits more."""

    def one(row: Row) -> Made | None:
        found = symbol_of(cell(row, "code"))
        if not found:
            return None
        if cell(row, "adjustflag") != AS_TRADED:
            raise BadCellError(Defect.ADJUSTED, f"adjustflag {cell(row, 'adjustflag')}")
        volume = scaled(cell(row, "volume") or "0", 1)
        prices = [price(cell(row, name)) for name in ("open", "high", "low", "close")]
        check_bar(*prices)
        made: Made = {
            "day": day(cell(row, "date")),
            "symbol": found,
            "label_s": _second(cell(row, "time"), cell(row, "date")),
            "volume": volume,
            "turnover": scaled(cell(row, "amount") or "0", 1000),
        }
        made.update(zip(("open", "high", "low", "close"), prices, strict=True))
        return _asked(made, first, last, symbol)

    return each(as_rows(fields, records), one, schema.KEYS["minute5"])


def _second(time: str, date: str) -> int:
    if len(time) < 14 or not (time.isascii() and time.isdigit()) or time[:8] != date.replace("-", ""):
        raise BadCellError(Defect.BAD_DAY, f"time {time[:20]}")
    second = hms(f"{time[8:10]}:{time[10:12]}:{time[12:14]}")
    if second >= 86_400:
        raise BadCellError(Defect.OUT_OF_RANGE, f"time {time[:20]}")
    return second


def parse_calendar(fields: Sequence[str], records: Sequence[Record]) -> Parsed:
    """Return calendar days with whether they trade."""

    def one(row: Row) -> Made | None:
        return {"day": day(cell(row, "calendar_date")), "open": _flag(cell(row, "is_trading_day"))}

    return each(as_rows(fields, records), one, tables.OPEN_DAYS_KEY)


def parse_instruments(fields: Sequence[str], records: Sequence[Record]) -> Parsed:
    """Return the stocks with name, first day and, where they are gone, the day they left."""

    def one(row: Row) -> Made | None:
        symbol = symbol_of(cell(row, "code"))
        if not symbol or cell(row, "type") != STOCK:
            return None
        return {
            "symbol": symbol,
            "name": cell(row, "code_name"),
            "listed_day": day(cell(row, "ipoDate")),
            "delisted_day": day_or_zero(cell(row, "outDate")),
        }

    return each(as_rows(fields, records), one, schema.KEYS[schema.INSTRUMENTS_FILE])


def parse_dividends(fields: Sequence[str], records: Sequence[Record]) -> Parsed:
    """Return dividends and bonus shares by ex-day; those of one ex-day are added up. Rights issues are not in there.

    Known from the evening of the announcement that names the ex-day (`dividPlanDate`), else from before its open.
    """

    def one(row: Row) -> Made | None:
        symbol = symbol_of(cell(row, "code"))
        ex_day = day_or_zero(cell(row, "dividOperateDate"))
        if not symbol or not ex_day:
            return None
        told = day_or_zero(cell(row, "dividPlanDate"))
        bonus = sum(_sum_e6(cell(row, name)) for name in ("dividStocksPs", "dividReserveToStockPs"))
        return {
            "day": ex_day,
            "symbol": symbol,
            "cash_e6": _sum_e6(cell(row, "dividCashPsBeforeTax")),
            "bonus_e6": bonus,
            "known_at": known_at_of(told, 18, 0) if told else known_at_of(ex_day, 9, 0),
        }

    parsed = each(as_rows(fields, records), one, ("day", "symbol", "cash_e6", "bonus_e6", "known_at"))
    return parsed._replace(rows=added_up(parsed.rows))


def _sum_e6(text: str) -> int:
    """Return the sum of one or more amounts, written one behind the other with semicolons, x 1,000,000."""
    parts = [part.strip() for part in text.replace("；", ";").split(";")]
    return sum(scaled(part, E6, 10**12) for part in parts if part)


def _flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise BadCellError(Defect.BAD_WORD, text[:40])
    return text == "1"


def _asked(made: Made, first: Day, last: Day, symbol: Symbol) -> Made:
    if not first <= int(made["day"]) <= last:
        raise BadCellError(Defect.OTHER_DAY, str(made["day"]))
    if symbol and made["symbol"] != symbol:
        raise BadCellError(Defect.OTHER_CODE, str(made["symbol"]))
    return made
