"""What a QMT client knows of stocks beside their bars, as ours: listings, ST, share capital, ex-days, calendar. Pure."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from common.domain.calendar import from_date, to_date, weekdays
from common.domain.errors import SourceError
from common.domain.values import Day, Symbol
from common.history import schema
from common.history.schema import known_at_of
from common.history.sources.cells import (
    COUNT_MAX,
    E6,
    BadCellError,
    Defect,
    Findings,
    Made,
    Parsed,
    Row,
    as_rows,
    cell,
    day,
    scaled,
)
from common.history.sources.complete import Listing
from common.history.sources.tushare_parse import st_of_name
from common.rules.boards import is_code
from common.rules.corporate import ex_right_reference

PLACEHOLDERS = range(19700101, 19700107)
"""Days of listing that mean "new, not listed yet" (seen by users)."""
NEVER = frozenset({"", "0", "99999999"})
"""Last days that mean "none"."""
FLAGS = {"1": schema.ST_STATE, "2": schema.ST_STATE, "3": schema.ST_STATE}
"""Flags of the ST file: 1 ST, 2 *ST, 3 PT; every other one is none of them."""
CAPITAL_UNIT_PERCENT = 5
EXCHANGE_TIME = timedelta(hours=8)
DAYS_BACK_MAX = 4_102_444_800_000
"""2100-01-01 in milliseconds."""


class Stock(NamedTuple):
    """One A share as the client knows it."""

    name: str
    listing: Listing
    days_suspended: int
    """Days it has been suspended for now; 0 = trades."""
    float_shares: int
    """Of today; 0 = not told."""


class Stocks(NamedTuple):
    """All stocks, and what was left out."""

    by_symbol: dict[Symbol, Stock]
    found: Findings


def day_of_ms(at: float) -> Day:
    """Return the day in Shanghai of milliseconds since 1970, whatever the zone of this process is."""
    if not 0 <= at < DAYS_BACK_MAX:
        raise BadCellError(Defect.OUT_OF_RANGE, f"time {at}")
    return from_date((datetime.fromtimestamp(at / 1000, UTC) + EXCHANGE_TIME).date())


def parse_details(fields: Sequence[str], records: Sequence[Sequence[object]]) -> Stocks:
    """Return the stocks with name and first and last day; those that are not listed yet are skipped."""
    stocks: dict[Symbol, Stock] = {}
    found = Findings()
    for row in as_rows(fields, records):
        try:
            stock = _stock(row)
        except BadCellError as error:
            found.add(error, row)
            continue
        if stock is None:
            found.skipped += 1
        else:
            stocks[str(row["code"])] = stock
    return Stocks(stocks, found)


def _stock(row: Row) -> Stock | None:
    code, opened = cell(row, "code"), cell(row, "OpenDate")
    if not is_code(code):
        return None
    name = cell(row, "InstrumentName")
    if not name:
        raise BadCellError(Defect.NO_DETAIL, code)
    if opened.isdigit() and int(opened) in PLACEHOLDERS:
        return None
    gone = cell(row, "ExpireDate")
    status, floating = row.get("InstrumentStatus"), row.get("FloatVolume")
    return Stock(
        name,
        Listing(day(opened), 0 if gone in NEVER else day(gone)),
        max(0, status) if isinstance(status, int) else 0,
        _count(floating),
    )


def _count(value: object) -> int:
    """Return a number of shares; 0 for what is none."""
    return round(value) if isinstance(value, int | float) and 0 < value <= COUNT_MAX else 0


def instruments_of(stocks: Stocks) -> Parsed:
    """Return the list of stocks."""
    rows: list[Made] = [
        {"symbol": symbol, "name": one.name, "listed_day": one.listing.listed, "delisted_day": one.listing.delisted}
        for symbol, one in sorted(stocks.by_symbol.items())
    ]
    return stocks.found.parsed(rows)


# ---------------------------------------------------------------------- ST

Changes = Mapping[Symbol, tuple[list[Day], list[int]]]
"""Days on which the ST state of a stock changes, and the state from then on."""


class StKnown(NamedTuple):
    """What the ST file says."""

    changes: Changes | None
    """None = no usable file: the state of every stock is unknown, which counts as ST."""
    unknown: frozenset[Symbol]
    """Stocks whose name says ST, or leaving, today and that the file does not have as ST today."""
    why: str = ""


def parse_st(lines: Sequence[Sequence[str]] | None, stocks: Mapping[Symbol, Stock]) -> StKnown:
    """Return the ST states by stock; without a file, or with one that knows no ST stock of today, nothing is known."""
    if lines is None:
        return StKnown(None, frozenset(), "no ST file")
    told: dict[Symbol, dict[Day, int]] = {}
    for row in lines:
        try:
            since, state = day(row[1]), FLAGS.get(row[2], 0)
        except (BadCellError, IndexError):
            continue  # a head line, or a line cut in half
        told.setdefault(row[0], {})[since] = state
    changes = {symbol: (sorted(days), [days[at] for at in sorted(days)]) for symbol, days in told.items()}
    now = frozenset(symbol for symbol, one in stocks.items() if not one.listing.delisted and st_of_name(one.name))
    strange = frozenset(symbol for symbol in now if not (changes.get(symbol, ([], [0]))[1] or [0])[-1])
    if not changes or (now and strange == now):
        return StKnown(None, frozenset(), "the ST file knows none of the stocks that are ST today")
    return StKnown(changes, strange)


def st_at(known: StKnown, symbol: Symbol, on: Day) -> int:
    """Return the state of a stock on a day; unknown counts as ST wherever it is asked."""
    if known.changes is None or symbol in known.unknown:
        return schema.UNKNOWN_STATE
    days, states = known.changes.get(symbol, ((), ()))
    at = bisect_right(days, on)
    return states[at - 1] if at else 0


# ---------------------------------------------------------------------- share capital

Capital = Mapping[Symbol, tuple[list[Day], list[int]]]
"""Days from which a number of listed float shares is known and valid, and the number."""


def parse_capital(
    fields: Sequence[str], records: Sequence[Sequence[object]], stocks: Mapping[Symbol, Stock]
) -> tuple[Capital, Findings]:
    """Return the float shares point in time: a row counts from the later of its change day and its announcement.

    Without an announcement the change day stands, which may be known too early; that is counted as a risk of looking
    ahead. A row without any day is left out.
    """
    rows: dict[Symbol, list[tuple[Day, Day, int]]] = {}
    found = Findings()
    for row in as_rows(fields, records):
        try:
            changed, told = row.get("m_timetag"), row.get("m_anntime")
            days = [day_of_ms(at) for at in (changed, told) if isinstance(at, int | float)]
            if not days:
                raise BadCellError(Defect.BAD_DAY, f"share capital of {row.get('code')} without a day")
            shares = _count(row.get("circulating_capital"))
            if not shares:
                raise BadCellError(Defect.BAD_NUMBER, f"circulating_capital {row.get('circulating_capital')}")
            if not isinstance(told, int | float):
                found.add(BadCellError(Defect.LOOK_AHEAD, str(row["code"])), row)
            rows.setdefault(str(row["code"]), []).append((max(days), days[0], shares))
        except BadCellError as error:
            found.add(error, row)
    capital: dict[Symbol, tuple[list[Day], list[int]]] = {}
    for symbol, told_rows in rows.items():
        capital[symbol] = _steps(told_rows)
    _check_capital_unit(capital, stocks)
    return capital, found


def _steps(rows: Sequence[tuple[Day, Day, int]]) -> tuple[list[Day], list[int]]:
    """Return since when which number is the newest known one: an old change that is announced late changes nothing."""
    days: list[Day] = []
    shares: list[int] = []
    newest = 0
    for known, changed, count in sorted(rows):
        if changed >= newest:
            newest = changed
            days.append(known)
            shares.append(count)
    return days, shares


def _check_capital_unit(capital: Capital, stocks: Mapping[Symbol, Stock]) -> None:
    """Refuse share capital that is not in shares, by today's float shares of the same stocks."""
    pairs = [
        (shares[-1], stocks[symbol].float_shares)
        for symbol, (_, shares) in capital.items()
        if symbol in stocks and stocks[symbol].float_shares
    ]
    odd = [pair for pair in pairs if not pair[0] < 10 * pair[1] < 100 * pair[0]]
    if len(odd) * 100 > len(pairs) * CAPITAL_UNIT_PERCENT:
        raise SourceError(
            f"xt：{len(pairs)} 只股票中有 {len(odd)} 只的股本表与今日流通股不合（例如 {odd[0][0]} 对 {odd[0][1]}），"
            f"单位可能变了，一行也没有保存 / xt: the share capital of {len(odd)} of {len(pairs)} stocks does not fit "
            f"today's float shares (e.g. {odd[0][0]} against {odd[0][1]}): another unit? Nothing is kept"
        )


def float_shares_at(capital: Capital, symbol: Symbol, on: Day) -> int:
    """Return the listed float shares known on a day; 0 = unknown."""
    days, shares = capital.get(symbol, ((), ()))
    at = bisect_right(days, on)
    return shares[at - 1] if at else 0


# ---------------------------------------------------------------------- ex-days


class ExDay(NamedTuple):
    """What was given on an ex-day, a share."""

    cash_e6: int
    bonus_e6: int
    rights_e6: int
    rights_price: int
    reform: bool
    """A share reform (股改), whose reference price follows no formula of ours."""


ExDays = Mapping[Symbol, Mapping[Day, ExDay]]


def parse_ex_days(fields: Sequence[str], records: Sequence[Sequence[object]]) -> tuple[ExDays, Findings]:
    """Return the ex-days by stock; the index of the vendor's table may be days or milliseconds."""
    found = Findings()
    days: dict[Symbol, dict[Day, ExDay]] = {}
    for row in as_rows(fields, records):
        try:
            given = [_e6(row, name) for name in ("interest", "stockBonus", "stockGift", "allotNum", "allotPrice")]
            cash, bonus, gift, rights, price = given
            event = ExDay(cash, bonus + gift, rights, price // 1000, _e6(row, "gugai") > 0)
            days.setdefault(cell(row, "code"), {})[_label(cell(row, "at"))] = event
        except BadCellError as error:
            found.add(error, row)
    return days, found


def _e6(row: Row, name: str) -> int:
    return scaled(cell(row, name) or "0", E6, 10**12)


def _label(text: str) -> Day:
    digits = text.removesuffix(".0")
    if digits.isdigit() and len(digits) > 8:
        return day_of_ms(int(digits))
    return day(digits)


def dividends_of(days: ExDays, symbol: Symbol, first: Day, last: Day, found: Findings) -> Parsed:
    """Return dividends and bonus shares; when they were announced is not told, so they are known before the open."""
    rows: list[Made] = [
        {
            "day": on, "symbol": symbol, "cash_e6": one.cash_e6, "bonus_e6": one.bonus_e6,
            "known_at": known_at_of(on, 9, 0),
        }
        for on, one in sorted(days.get(symbol, {}).items())
        if first <= on <= last and (one.cash_e6 or one.bonus_e6)
    ]  # fmt: skip
    return found.parsed(rows)


def reference_of(close: int, event: ExDay) -> int:
    """Return the ex-right reference price of a close, 0.001 yuan; 0 where no formula gives it."""
    if event.reform:
        return 0
    return ex_right_reference(close, event.cash_e6, event.bonus_e6, event.rights_e6, event.rights_price)


# ---------------------------------------------------------------------- calendar


def open_days(past_ms: Sequence[int], holidays: Sequence[Day], first: Day, last: Day) -> Parsed:
    """Return every calendar day of a range with whether it trades.

    Behind the last day that the client knows to have traded, weekdays trade that are no holidays: what the package's own
    calendar does, which makes days with the zone of its process and fails where the client cannot refresh its holidays.
    """
    known = {day_of_ms(at) for at in past_ms}
    newest = max(known)
    trading = known | {on for on in weekdays(newest, last) if on > newest} - set(holidays)
    begin, end = to_date(first).toordinal(), to_date(last).toordinal()
    days = [from_date(date.fromordinal(at)) for at in range(begin, end + 1)]
    return Parsed([{"day": on, "open": on in trading} for on in days])
