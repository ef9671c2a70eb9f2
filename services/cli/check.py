"""What is looked at before anything is sent: one clear message names the thing and the fix."""

import re
from datetime import date

from common.domain.calendar import S1500
from common.domain.ids import COID_LENGTH
from common.domain.reasons import Reason
from common.domain.values import MILLI, TICK, Board, Day, Price, Shares, Symbol
from common.rules.boards import SUFFIXES, exchange_of, is_code
from common.rules.lots import check_buy_lots
from common.rules.tables import CODES
from services.cli.faults import BadInputError

SHARES_MAX = 100_000_000
"""More than any order can be; typing errors stop here, the dated limits of the boards are risk's."""
PRICE_MAX = 100_000 * MILLI

_SYMBOL = re.compile(r"(?:(SH|SZ|BJ)\.?)?(\d{6})(?:\.(SH|SZ|BJ))?\Z", re.IGNORECASE)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\Z")
_PRICE = re.compile(r"(\d{1,9})(?:\.(\d+))?\Z")


def parse_symbol(text: str) -> Symbol:
    """Return 600519.SH from 600519, 600519.sh or sh600519; anything that is no A share is refused."""
    found = _SYMBOL.match(text.strip())
    if found is None:
        raise BadInputError("bad.symbol", text=text)
    before, digits, after = found.groups()
    if before and after and before.upper() != after.upper():
        raise BadInputError("bad.symbol", text=text)
    named = (before or after or "").upper()
    for exchange in (named,) if named else tuple(SUFFIXES):
        if is_code(f"{digits}.{exchange}"):
            return f"{digits}.{exchange}"
    raise BadInputError("bad.symbol", text=text)


def board_of(symbol: Symbol) -> Board:
    """Return the board of a symbol that `parse_symbol` returned."""
    exchange = exchange_of(symbol)
    for row in CODES:
        if row.exchange == exchange and symbol.startswith(row.prefix):
            return row.board
    raise BadInputError("bad.symbol", text=symbol)


def parse_shares(text: str) -> Shares:
    """Return a positive whole number of shares."""
    clean = text.strip().replace(",", "").replace("_", "")
    if not clean.isascii() or not clean.isdigit() or not 0 < int(clean) <= SHARES_MAX:
        raise BadInputError("bad.shares", text=text)
    return int(clean)


def parse_until(text: str) -> int:
    """Return the second of the day of a time HH:MM up to 15:00."""
    found = _CLOCK.match(text.strip())
    second = int(found.group(1)) * 3600 + int(found.group(2)) * 60 if found is not None else 0
    if not 0 < second <= S1500:
        raise BadInputError("bad.until", text=text)
    return second


def check_buy_lot(symbol: Symbol, shares: Shares) -> None:
    """Refuse a buy that is no whole lot: hundreds on main and ChiNext; STAR 200 and more, Beijing 100 and more."""
    board = board_of(symbol)
    if check_buy_lots(board, shares) is Reason.NONE:
        return
    if board in (Board.MAIN, Board.CHINEXT):
        lower = shares // 100 * 100 or 100
        raise BadInputError("bad.lot", shares=shares, symbol=symbol, lower=lower, upper=lower + 100)
    raise BadInputError("bad.lot_least", shares=shares, symbol=symbol, least=200 if board is Board.STAR else 100)


def parse_price(text: str) -> Price:
    """Return a price in 0.001 yuan from a text in yuan with at most two decimals."""
    found = _PRICE.match(text.strip())
    if found is None:
        raise BadInputError("bad.price", text=text)
    yuan, decimals = found.group(1), (found.group(2) or "").rstrip("0")
    if len(decimals) > 2:
        lower = int(yuan) * MILLI + int(decimals[:2]) * TICK
        raise BadInputError("bad.tick", text=text, lower=_yuan(lower), upper=_yuan(lower + TICK))
    price = int(yuan) * MILLI + int((decimals + "000")[:3])
    if not 0 < price <= PRICE_MAX:
        raise BadInputError("bad.price", text=text)
    return price


def _yuan(price: Price) -> str:
    return f"{price // MILLI}.{price % MILLI // TICK:02d}"


def parse_day(text: str) -> Day:
    """Return yyyymmdd from 2026-01-05 or 20260105; a day that does not exist is refused."""
    digits = text.strip().replace("-", "").replace("/", "")
    try:
        if not (digits.isascii() and digits.isdigit() and len(digits) == 8):
            raise ValueError
        day = int(digits)
        date(day // 10_000, day // 100 % 100, day % 100)
    except ValueError:
        raise BadInputError("bad.day", text=text) from None
    return day


def parse_coid(text: str) -> str:
    """Return a client order id: 20 digits and capital letters, as `pankou order list` shows it."""
    clean = text.strip().upper()
    if len(clean) != COID_LENGTH or not clean.isascii() or not clean.isalnum():
        raise BadInputError("bad.coid", text=text)
    return clean


def parse_deal(text: str) -> tuple[str, Shares, Price]:
    """Return number, shares and price of a deal as the broker's statement has it: NUMBER:SHARES@PRICE."""
    found = re.match(r"([!-~]{1,40}):(\d{1,9})@(\d{1,6}(?:\.\d{1,3})?)\Z", text.strip())
    if found is None or int(found[2]) == 0:
        raise BadInputError("bad.deal", text=text)
    yuan, _, thousandths = found[3].partition(".")
    price = int(yuan) * MILLI + int(thousandths.ljust(3, "0"))
    if price == 0:
        raise BadInputError("bad.deal", text=text)
    return found[1], int(found[2]), price


def parse_time(text: str) -> int:
    """Return the second of the day of 09:30 or 09:30:00."""
    found = re.match(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?\Z", text.strip())
    if found is None:
        raise BadInputError("bad.time", text=text)
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def parse_since(text: str) -> tuple[int, Day, int]:
    """Return (row, 0, 0) of a row number, else (0, day, second) of a time; day 0 = none was written."""
    clean = " ".join(text.replace("T", " ").split())
    if clean.isascii() and clean.isdigit() and len(clean) < 8:
        return max(1, int(clean)), 0, 0
    day, _, time = clean.partition(" ")
    try:
        if ":" in day:
            return 0, 0, parse_time(clean)
        return 0, parse_day(day), parse_time(time) if time else 0
    except BadInputError:
        raise BadInputError("bad.since", text=text) from None
