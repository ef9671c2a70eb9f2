"""Which board and exchange a code belongs to on a day. What is out of scope is refused with its reason, never guessed."""

from collections.abc import Iterable

from common.domain.errors import BadSymbolError, PastCalendarError
from common.domain.values import Board, Day, Symbol
from common.rules.tables import (
    CODES,
    OLD_DELISTINGS,
    OUT_OF_SCOPE,
    TABLES_BEGIN,
    CodeRow,
    Exchange,
    ListingPhase,
)

SUFFIXES = {"SH": Exchange.SSE, "SZ": Exchange.SZSE, "BJ": Exchange.BSE}
BOARD_NAMES = {Board.MAIN: "main", Board.CHINEXT: "chinext", Board.STAR: "star", Board.BSE: "bse"}
BOARDS_BY_NAME = {name: board for board, name in BOARD_NAMES.items()}


def exchange_of(symbol: Symbol) -> Exchange:
    """Return the exchange that a symbol's suffix names; raises `BadSymbolError`."""
    digits, dot, suffix = symbol.partition(".")
    if not dot or suffix not in SUFFIXES or len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        raise BadSymbolError(f"{symbol!r} is no stock code; write six digits and the exchange, like 600519.SH")
    return SUFFIXES[suffix]


def out_of_scope(symbol: Symbol) -> str:
    """Return what a code is that is no A share in scope, like "an index"; "" for all others."""
    digits, _, suffix = symbol.partition(".")
    exchange = SUFFIXES.get(suffix)
    return next((out.what for out in OUT_OF_SCOPE if out.exchange == exchange and digits.startswith(out.prefix)), "")


def _row_of(symbol: Symbol, exchange: Exchange) -> CodeRow | None:
    return next((row for row in CODES if row.exchange == exchange and symbol.startswith(row.prefix)), None)


def board_of(symbol: Symbol, day: Day) -> Board:
    """Return the board of a symbol on a day; raises `BadSymbolError` that says why a code is out of scope."""
    if day < TABLES_BEGIN:
        raise PastCalendarError(f"the rule tables begin on {TABLES_BEGIN}; nothing is known about {day}")
    exchange = exchange_of(symbol)
    if what := out_of_scope(symbol):
        raise BadSymbolError(f"{symbol} is {what}, not an A share; only A shares are traded here")
    row = _row_of(symbol, exchange)
    if row is None:
        raise BadSymbolError(f"{symbol} is no known A-share code of {exchange.name}; check the digits and the suffix")
    if day > row.last:
        raise BadSymbolError(f"{symbol} is an old BSE code, not used after {row.last}; use its new 920 code")
    if day < row.first:
        raise BadSymbolError(
            f"{symbol}: codes that begin with {row.prefix} trade since {row.first} only, asked for {day}"
        )
    return row.board


def stage_of(symbol: Symbol, phase: ListingPhase) -> ListingPhase:
    """Return the stage whose limits hold for a stock that is said to be in `phase`: a few by name keep the older rules."""
    leaving = phase in (ListingPhase.DELISTING, ListingPhase.DELISTING_FIRST_DAY)
    return ListingPhase.DELISTING_OLD if leaving and symbol in OLD_DELISTINGS else phase


def board_mask(boards: Iterable[int]) -> int:
    """Return the set of boards as bits, bit n for board n: the form that kernels take."""
    mask = 0
    for board in boards:
        mask |= 1 << int(board)
    return mask


def is_code(symbol: Symbol) -> bool:
    """Tell whether a symbol is an A-share code of any day."""
    digits, dot, suffix = symbol.partition(".")
    if not dot or suffix not in SUFFIXES or len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        return False
    return not out_of_scope(symbol) and _row_of(symbol, SUFFIXES[suffix]) is not None
