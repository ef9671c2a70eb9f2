"""What QMT shows becomes what the gateway's core reads: units, codes, days and statuses are settled here. Pure.

A row is the copy of one native object, field by field; nothing of it is trusted. What cannot be read becomes a `Defect`
with its reason, never an exception and never a guess. The price type and the price that come back belong to the broker
(a limit order may return as another type), so nothing is ever recognised by them.
"""

import math
import re
from typing import NamedTuple

from common.domain.calendar import NS, day_of, second_of_day, to_date
from common.domain.errors import BadSymbolError
from common.domain.values import MILLI, Cash, Day, Side, Symbol
from common.rules.boards import exchange_of, out_of_scope
from services.order_gateway.calls import CounterDeal, CounterOrder, CounterPosition, CounterStatus

BUY, SELL = 23, 24
"""The vendor's order types of shares; margin trading and the rest have others."""
FIX_PRICE = 11
"""The only price type that is ever sent."""
STATUS_OK = 0
"""Of an account: logged in and in order."""
STATUSES = {
    48: CounterStatus.UNKNOWN,  # not reported yet
    49: CounterStatus.UNKNOWN,  # about to be
    50: CounterStatus.WORKING,
    51: CounterStatus.UNKNOWN,  # reported, its cancel pending
    52: CounterStatus.UNKNOWN,  # filled in part, its cancel pending
    53: CounterStatus.CANCELLED,  # the rest of a partly filled order
    54: CounterStatus.CANCELLED,
    55: CounterStatus.WORKING,
    56: CounterStatus.FILLED,
    57: CounterStatus.REJECTED,
}
"""Any other word is unknown: nothing follows from it."""
REMARK = re.compile(r"\d{6}[0-9A-Z]{14}\Z")
"""Our own id: its day and 14 characters."""
_SECONDS_MIN, _SECONDS_MAX = 1_000_000_000, 10_000_000_000
COUNT_MAX = 2**31 - 1
"""Shares of one row and a price in 0.001 yuan: what the journal can hold."""
REMARK_MAX, DEAL_ID_MAX = 64, 256
_MOST = 10**14
"""Beyond this nothing is a number of shares, an order's number, a time, or an amount in yuan."""


class OrderRow(NamedTuple):
    """An order as it was copied, fields by the vendor's names."""

    order_id: object = None
    stock_code: object = None
    order_type: object = None
    order_volume: object = None
    price: object = None
    traded_volume: object = None
    order_status: object = None
    order_remark: object = None
    order_time: object = None
    account_id: object = None


class TradeRow(NamedTuple):
    """A deal as it was copied."""

    traded_id: object = None
    order_id: object = None
    stock_code: object = None
    order_type: object = None
    traded_volume: object = None
    traded_price: object = None
    order_remark: object = None
    traded_time: object = None
    account_id: object = None


class PositionRow(NamedTuple):
    """A position as it was copied."""

    stock_code: object = None
    volume: object = None
    can_use_volume: object = None
    frozen_volume: object = None
    avg_price: object = None
    account_id: object = None


class AssetRow(NamedTuple):
    """The account's money as it was copied, yuan."""

    cash: object = None
    frozen_cash: object = None
    market_value: object = None
    account_id: object = None


class Defect(NamedTuple):
    """Why a row was passed over."""

    what: str
    strange: bool = True
    """False: in order, but no A share, or no plain buy or sell: never ours."""


def whole(value: object) -> int | None:
    """Return a whole number that may come as a float; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not (math.isfinite(value) and value.is_integer()):
        return None
    return int(value) if abs(value) <= _MOST else None


def milli(value: object) -> int | None:
    """Return yuan as the nearest 0.001 yuan (floats come with noise, 11.370000000000001); None for no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not -_MOST <= value <= _MOST:  # false for NaN too
        return None
    return round(value * MILLI)


def text(value: object) -> str:
    """Return what can be printed of a text, which is what the journal and the log can hold; anything else is none."""
    return "".join(each for each in value if each.isprintable()).strip() if isinstance(value, str) else ""


def number_of(value: object) -> str:
    """Return an order's number at the client as text; empty where there is none (0, -1, not a number)."""
    found = whole(value)
    return str(found) if found is not None and found > 0 else ""


def parse_day(value: object, remark: str, today: Day) -> Day:
    """Return the day a time of the vendor's belongs to.

    Seconds or milliseconds since 1970 and yyyymmddHHMMSS carry it; a time without a day (HHMMSS has been seen) is dated by
    our remark, which begins with its day, else by the clock.
    """
    found = whole(value)
    if found is not None and found > 0:
        if _SECONDS_MIN <= found < _SECONDS_MAX:
            return day_of(found * NS)
        if _SECONDS_MIN * 1000 <= found < _SECONDS_MAX * 1000:
            return day_of(found * NS // 1000)
        for digits in (1, 1_000_000):
            if _is_day(found // digits):
                return found // digits
    if REMARK.match(remark):
        day = today // 1_000_000 * 1_000_000 + int(remark[:6])
        return day if _is_day(day) else today
    return today


def _is_day(number: int) -> bool:
    if not 20_000_101 <= number <= 21_001_231:
        return False
    try:
        to_date(number)
    except ValueError:
        return False
    return True


def parse_second(value: object) -> int | None:
    """Return the second of the day of a time of the vendor's; None where it says none that can be."""
    found = whole(value)
    if found is None or found <= 0:
        return None
    if _SECONDS_MIN <= found < _SECONDS_MAX:
        return second_of_day(found * NS)
    if _SECONDS_MIN * 1000 <= found < _SECONDS_MAX * 1000:
        return second_of_day(found * NS // 1000)
    clock = found % 1_000_000
    hour, minute, second = clock // 10_000, clock // 100 % 100, clock % 100
    return hour * 3600 + minute * 60 + second if hour < 24 and minute < 60 and second < 60 else None


def _stock(code: object) -> Symbol | Defect:
    symbol = text(code)
    try:
        exchange_of(symbol)
    except BadSymbolError:
        return Defect(f"no stock code: {code!r:.40}")
    what = out_of_scope(symbol)
    return Defect(f"{symbol} is {what}", strange=False) if what else symbol


def _side(order_type: object) -> Side | None:
    return {BUY: Side.BUY, SELL: Side.SELL}.get(whole(order_type) or 0)


def parse_order(row: OrderRow, today: Day) -> CounterOrder | Defect:
    """Return an order; its price, which is only told of orders that are not ours, may be 0."""
    symbol, side = _stock(row.stock_code), _side(row.order_type)
    if isinstance(symbol, Defect):
        return symbol
    number, shares = number_of(row.order_id), whole(row.order_volume)
    traded = whole(row.traded_volume if row.traded_volume is not None else 0)
    if side is None:
        return Defect(f"order type {row.order_type!r:.40}", strange=False)
    if not number or shares is None or not 0 < shares <= COUNT_MAX or traded is None or not 0 <= traded <= shares:
        return Defect(f"order {row.order_id!r:.40}: {row.order_volume!r:.40} shares, {row.traded_volume!r:.40} traded")
    remark, status = (
        text(row.order_remark)[:REMARK_MAX],
        STATUSES.get(whole(row.order_status) or 0, CounterStatus.UNKNOWN),
    )
    day = parse_day(row.order_time, remark, today)
    price = milli(row.price) or 0
    price = price if 0 < price <= COUNT_MAX else 0
    return CounterOrder(number, remark, day, symbol, side, shares, price, status, traded)


def parse_trade(row: TradeRow, today: Day) -> CounterDeal | Defect:
    """Return a deal; one without an id of its own could not be told from its own repetition and is none."""
    symbol, side = _stock(row.stock_code), _side(row.order_type)
    if isinstance(symbol, Defect):
        return symbol
    deal, number = text(row.traded_id), number_of(row.order_id)
    shares, price = whole(row.traded_volume), milli(row.traded_price)
    if side is None:
        return Defect(f"deal of order type {row.order_type!r:.40}", strange=False)
    readable = deal == row.traded_id and 0 < len(deal) <= DEAL_ID_MAX
    if not readable or not number or not 0 < (shares or 0) <= COUNT_MAX or not 0 < (price or 0) <= COUNT_MAX:
        return Defect(f"deal {row.traded_id!r:.40}: {row.traded_volume!r:.40} at {row.traded_price!r:.40}")
    remark = text(row.order_remark)[:REMARK_MAX]
    day = parse_day(row.traded_time, remark, today)
    return CounterDeal(deal, number, remark, day, symbol, side, shares or 0, price or 0)


def parse_position(row: PositionRow) -> CounterPosition | Defect:
    """Return a position; bought today is what can neither be sold nor is held by open sells."""
    symbol = _stock(row.stock_code)
    if isinstance(symbol, Defect):
        return symbol
    shares, usable = whole(row.volume), whole(row.can_use_volume)
    frozen, average = whole(row.frozen_volume or 0), row.avg_price
    if shares is None or not 0 <= shares <= COUNT_MAX or usable is None or frozen is None:
        return Defect(f"position {symbol}: {row.volume!r:.40} shares, {row.can_use_volume!r:.40} usable")
    today = min(shares, max(0, shares - max(0, usable) - max(0, frozen)))
    cost = milli(average * shares) if isinstance(average, int | float) else None
    return CounterPosition(symbol, shares, today, max(0, cost or 0))


def parse_cash(row: AssetRow) -> Cash | None:
    """Return all cash, what open buys hold included; None where it cannot be read."""
    free, frozen = milli(row.cash), milli(row.frozen_cash if row.frozen_cash is not None else 0)
    return None if free is None or frozen is None else free + frozen
