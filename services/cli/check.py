"""What is looked at before anything is sent: one clear message names the thing and the fix."""

import re
from datetime import date

from common.domain.ids import COID_LENGTH
from common.domain.values import MILLI, TICK, Board, Day, Price, Shares, Symbol
from services.cli.faults import BadInputError

SHARES_MAX = 100_000_000
"""More than any order can be; typing errors stop here, the dated limits of the boards are risk's."""
PRICE_MAX = 100_000 * MILLI

_EXCHANGES = {
    "SH": (("60", Board.MAIN), ("688", Board.STAR), ("689", Board.STAR)),
    "SZ": (("00", Board.MAIN), ("30", Board.CHINEXT)),
    "BJ": (("920", Board.BSE), ("43", Board.BSE), ("83", Board.BSE), ("87", Board.BSE)),
}
"""First digits of the A shares of an exchange."""
_SYMBOL = re.compile(r"(?:(SH|SZ|BJ)\.?)?(\d{6})(?:\.(SH|SZ|BJ))?\Z", re.IGNORECASE)
_PRICE = re.compile(r"(\d{1,9})(?:\.(\d+))?\Z")


def _board(exchange: str, digits: str) -> Board | None:
    for head, board in _EXCHANGES[exchange]:
        if digits.startswith(head):
            return board
    return None


def parse_symbol(text: str) -> Symbol:
    """Return 600519.SH from 600519, 600519.sh or sh600519; anything that is no A share is refused."""
    found = _SYMBOL.match(text.strip())
    if found is None:
        raise BadInputError("bad.symbol", text=text)
    before, digits, after = found.groups()
    named = (before or after or "").upper()
    if before and after and before.upper() != after.upper():
        raise BadInputError("bad.symbol", text=text)
    for exchange in (named,) if named else tuple(_EXCHANGES):
        if _board(exchange, digits) is not None:
            return f"{digits}.{exchange}"
    raise BadInputError("bad.symbol", text=text)


def board_of(symbol: Symbol) -> Board:
    """Return the board of a symbol that `parse_symbol` returned."""
    digits, _, exchange = symbol.partition(".")
    board = _board(exchange, digits)
    if board is None:
        raise BadInputError("bad.symbol", text=symbol)
    return board


def parse_shares(text: str) -> Shares:
    """Return a positive whole number of shares."""
    clean = text.strip().replace(",", "").replace("_", "")
    if not clean.isascii() or not clean.isdigit() or not 0 < int(clean) <= SHARES_MAX:
        raise BadInputError("bad.shares", text=text)
    return int(clean)


def check_buy_lot(symbol: Symbol, shares: Shares) -> None:
    """Refuse a buy that is no whole lot: hundreds on main and ChiNext; STAR 200 and more, Beijing 100 and more."""
    board = board_of(symbol)
    if board in (Board.MAIN, Board.CHINEXT):
        if shares % 100:
            lower = shares // 100 * 100
            raise BadInputError("bad.lot", shares=shares, symbol=symbol, lower=lower or 100, upper=(lower or 100) + 100)
    elif shares < (least := 200 if board is Board.STAR else 100):
        raise BadInputError("bad.lot_least", shares=shares, symbol=symbol, least=least)


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
