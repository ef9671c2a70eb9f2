"""The dated rows of the rules as plain integers, so that kernels need no file. `ashare.toml` says the same in words.

Days are yyyymmdd, `first` and `last` both included; rates are in 1e-7 for fees and in basis points for prices.
A test holds both against each other row by row.
"""

from enum import IntEnum
from typing import NamedTuple

from common.domain.values import Board

FOREVER = 99991231
TABLES_BEGIN = 20100101
"""No row is older: a day before it is refused, never guessed."""
SOURCES_END = 20260928
"""The youngest source; rows in force then stay in force."""

_MAIN, _CHINEXT, _STAR, _BSE = int(Board.MAIN), int(Board.CHINEXT), int(Board.STAR), int(Board.BSE)


class Exchange(IntEnum):
    """The exchange a stock trades on."""

    SSE = 1
    SZSE = 2
    BSE = 3


class ListingPhase(IntEnum):
    """What stage of its listing a stock is in, as far as price limits depend on it."""

    NORMAL = 0
    """Also the first sessions of a listing: these are told by the number of the session."""
    S_SHARE = 1
    """Share reform never done."""
    DELISTING = 2
    DELISTING_FIRST_DAY = 3
    """First day of the delisting period (rules of 2021 and later)."""
    DELISTING_OLD = 4
    """Delisting period that began under the rules before 2020-08-24 or 2021: 30 sessions, all of them limited."""
    RELISTING_FIRST_DAY = 5


_NORMAL, _S, _DELISTING = int(ListingPhase.NORMAL), int(ListingPhase.S_SHARE), int(ListingPhase.DELISTING)
_OLD = int(ListingPhase.DELISTING_OLD)
_SSE, _SZSE, _BSE_X = int(Exchange.SSE), int(Exchange.SZSE), int(Exchange.BSE)
NON_ST, ST, ANY = 0, 1, 2


class LimitRow(NamedTuple):
    """Width of the price band of a board."""

    board: int
    phase: int
    st: int
    """0 only non-ST, 1 only ST, 2 both."""
    bp: int
    first: int
    last: int


PRICE_LIMITS = (
    LimitRow(_MAIN, _NORMAL, NON_ST, 1000, 20100101, FOREVER),
    LimitRow(_MAIN, _NORMAL, ST, 500, 20100101, 20260705),
    LimitRow(_MAIN, _NORMAL, ST, 1000, 20260706, FOREVER),
    LimitRow(_MAIN, _S, ANY, 500, 20100101, FOREVER),
    LimitRow(_MAIN, _DELISTING, ANY, 1000, 20130101, FOREVER),
    LimitRow(_MAIN, _OLD, ANY, 1000, 20130101, FOREVER),
    LimitRow(_CHINEXT, _NORMAL, ANY, 1000, 20100101, 20200823),
    LimitRow(_CHINEXT, _NORMAL, ANY, 2000, 20200824, FOREVER),
    LimitRow(_CHINEXT, _DELISTING, ANY, 1000, 20130101, 20200823),
    LimitRow(_CHINEXT, _DELISTING, ANY, 2000, 20200824, FOREVER),
    LimitRow(_CHINEXT, _OLD, ANY, 1000, 20130101, FOREVER),
    LimitRow(_STAR, _NORMAL, ANY, 2000, 20190722, FOREVER),
    LimitRow(_STAR, _DELISTING, ANY, 2000, 20190722, FOREVER),
    LimitRow(_BSE, _NORMAL, ANY, 3000, 20211115, FOREVER),
    LimitRow(_BSE, _DELISTING, ANY, 3000, 20211115, FOREVER),
)


class FreeRow(NamedTuple):
    """First sessions of a listing without a price limit, by the day of LISTING."""

    board: int
    sessions: int
    first: int
    last: int


FREE_SESSIONS = (
    FreeRow(_STAR, 5, 20190722, FOREVER),
    FreeRow(_CHINEXT, 5, 20200824, FOREVER),
    FreeRow(_MAIN, 5, 20230410, FOREVER),
    FreeRow(_BSE, 1, 20211115, FOREVER),
    FreeRow(_MAIN, 1, 20100101, 20131212),
    FreeRow(_CHINEXT, 1, 20100101, 20131212),
)

DELISTING_FREE_FIRST = 20210101
"""From here on the first day of a delisting period has no limit."""


class IssueBandRow(NamedTuple):
    """Band of the listing day around the issue price (approval system)."""

    board: int
    exchange: int
    """0 = both."""
    up_bp: int
    """Highest price of the day in basis points of the issue price; 0 = none."""
    down_bp: int
    first: int
    last: int


ISSUE_BANDS = (
    IssueBandRow(_MAIN, _SSE, 14400, 6400, 20131213, 20140612),
    IssueBandRow(_MAIN, _SZSE, 0, 0, 20131213, 20140612),
    IssueBandRow(_CHINEXT, _SZSE, 0, 0, 20131213, 20140612),
    IssueBandRow(_MAIN, 0, 14400, 6400, 20140613, 20230409),
    IssueBandRow(_CHINEXT, 0, 14400, 6400, 20140613, 20200823),
)


class LotRow(NamedTuple):
    """Whole quantities of a board. A remainder below `minimum` is sold in one order."""

    board: int
    minimum: int
    step: int
    """Of buys; sells on boards with step 1 too."""
    first: int
    last: int


LOTS = (
    LotRow(_MAIN, 100, 100, 20100101, FOREVER),
    LotRow(_CHINEXT, 100, 100, 20100101, FOREVER),
    LotRow(_STAR, 200, 1, 20190722, FOREVER),
    LotRow(_BSE, 100, 1, 20211115, FOREVER),
)


class CapRow(NamedTuple):
    """Largest limit order in shares."""

    board: int
    shares: int
    first: int
    last: int


ORDER_CAPS = (
    CapRow(_MAIN, 1_000_000, 20100101, FOREVER),
    CapRow(_CHINEXT, 1_000_000, 20100101, 20200823),
    CapRow(_CHINEXT, 300_000, 20200824, FOREVER),
    CapRow(_STAR, 100_000, 20190722, FOREVER),
    CapRow(_BSE, 1_000_000, 20211115, FOREVER),
)


class CageRow(NamedTuple):
    """Price cage of limit orders in continuous trading."""

    board: int
    bp: int
    ticks: int
    """At least so many ticks of room; 0 = the rate alone."""
    held: int
    """1: an order outside is kept aside by the exchange; 0: it is rejected."""
    first: int
    last: int


CAGES = (
    CageRow(_STAR, 200, 0, 0, 20190722, FOREVER),
    CageRow(_CHINEXT, 200, 0, 1, 20200824, 20230409),
    CageRow(_CHINEXT, 200, 10, 0, 20230410, FOREVER),
    CageRow(_MAIN, 200, 10, 0, 20230410, FOREVER),
    CageRow(_BSE, 500, 10, 0, 20211115, FOREVER),
)

STAMP, TRANSFER = 1, 2
BUY_SIDE, SELL_SIDE, BOTH_SIDES = 1, 2, 3
OF_TURNOVER, OF_FACE_VALUE = 0, 1


class FeeRow(NamedTuple):
    """A fee that the state or the clearing house takes."""

    kind: int
    exchange: int
    side: int
    """1 buy, 2 sell, 3 both."""
    rate_e7: int
    base: int
    """0: of turnover; 1: of the shares' face value of 1.00 yuan."""
    minimum: int
    """Of one order, 0.001 yuan."""
    first: int
    last: int


FEES = (
    FeeRow(STAMP, _SSE, SELL_SIDE, 10000, OF_TURNOVER, 0, 20100101, 20230827),
    FeeRow(STAMP, _SZSE, SELL_SIDE, 10000, OF_TURNOVER, 0, 20100101, 20230827),
    FeeRow(STAMP, _BSE_X, SELL_SIDE, 10000, OF_TURNOVER, 0, 20211115, 20230827),
    FeeRow(STAMP, _SSE, SELL_SIDE, 5000, OF_TURNOVER, 0, 20230828, FOREVER),
    FeeRow(STAMP, _SZSE, SELL_SIDE, 5000, OF_TURNOVER, 0, 20230828, FOREVER),
    FeeRow(STAMP, _BSE_X, SELL_SIDE, 5000, OF_TURNOVER, 0, 20230828, FOREVER),
    FeeRow(TRANSFER, _SSE, BOTH_SIDES, 10000, OF_FACE_VALUE, 1000, 20100101, 20120531),
    FeeRow(TRANSFER, _SSE, BOTH_SIDES, 7500, OF_FACE_VALUE, 1000, 20120601, 20120831),
    FeeRow(TRANSFER, _SSE, BOTH_SIDES, 6000, OF_FACE_VALUE, 1000, 20120901, 20150731),
    FeeRow(TRANSFER, _SSE, BOTH_SIDES, 200, OF_TURNOVER, 0, 20150801, 20220428),
    FeeRow(TRANSFER, _SZSE, BOTH_SIDES, 200, OF_TURNOVER, 0, 20150801, 20220428),
    FeeRow(TRANSFER, _BSE_X, BOTH_SIDES, 250, OF_TURNOVER, 0, 20211115, 20220428),
    FeeRow(TRANSFER, _SSE, BOTH_SIDES, 100, OF_TURNOVER, 0, 20220429, FOREVER),
    FeeRow(TRANSFER, _SZSE, BOTH_SIDES, 100, OF_TURNOVER, 0, 20220429, FOREVER),
    FeeRow(TRANSFER, _BSE_X, BOTH_SIDES, 100, OF_TURNOVER, 0, 20220429, FOREVER),
)


class DividendTaxRow(NamedTuple):
    """Tax on dividends of individuals, in basis points of the gross amount, by the ex-day."""

    to_month_bp: int
    """Held up to one month."""
    to_year_bp: int
    """Held longer, up to one year."""
    over_year_bp: int
    first: int
    last: int


DIVIDEND_TAXES = (
    DividendTaxRow(1000, 1000, 1000, 20100101, 20121231),
    DividendTaxRow(2000, 1000, 500, 20130101, 20150907),
    DividendTaxRow(2000, 1000, 0, 20150908, FOREVER),
)


class SessionRow(NamedTuple):
    """A stretch of the day: start included, end excluded, seconds of the day."""

    exchange: int
    start: int
    end: int
    accept: int
    """1: the exchange takes new orders."""
    cancel: int
    """1: an unfilled order may be cancelled."""
    first: int
    last: int


def _everywhere(start: int, end: int, accept: int, cancel: int) -> tuple[SessionRow, ...]:
    return (
        SessionRow(_SSE, start, end, accept, cancel, 20100101, FOREVER),
        SessionRow(_SZSE, start, end, accept, cancel, 20100101, FOREVER),
        SessionRow(_BSE_X, start, end, accept, cancel, 20211115, FOREVER),
    )


SESSIONS = (
    *_everywhere(33300, 33600, 1, 1),  # 09:15-09:20
    *_everywhere(33600, 33900, 1, 0),  # 09:20-09:25
    SessionRow(_SZSE, 33900, 34200, 1, 1, 20100101, FOREVER),  # 09:25-09:30: queued, not processed
    SessionRow(_SSE, 33900, 34200, 0, 0, 20100101, FOREVER),
    SessionRow(_BSE_X, 33900, 34200, 0, 0, 20211115, FOREVER),
    *_everywhere(34200, 41400, 1, 1),  # 09:30-11:30
    SessionRow(_SZSE, 46800, 53820, 1, 1, 20100101, FOREVER),  # 13:00-14:57
    SessionRow(_BSE_X, 46800, 53820, 1, 1, 20211115, FOREVER),
    SessionRow(_SSE, 46800, 54000, 1, 1, 20100101, 20180819),
    SessionRow(_SSE, 46800, 53820, 1, 1, 20180820, FOREVER),
    SessionRow(_SZSE, 53820, 54000, 1, 0, 20100101, FOREVER),  # 14:57-15:00
    SessionRow(_BSE_X, 53820, 54000, 1, 0, 20211115, FOREVER),
    SessionRow(_SSE, 53820, 54000, 1, 0, 20180820, FOREVER),
)


class CodeRow(NamedTuple):
    """Which codes belong to a board (not read by kernels: text)."""

    exchange: Exchange
    prefix: str
    board: Board
    first: int
    last: int


CODES = (
    *(CodeRow(Exchange.SSE, prefix, Board.MAIN, 20100101, FOREVER) for prefix in ("600", "601", "603", "605")),
    *(CodeRow(Exchange.SSE, prefix, Board.STAR, 20190722, FOREVER) for prefix in ("688", "689")),
    *(CodeRow(Exchange.SZSE, prefix, Board.MAIN, 20100101, FOREVER) for prefix in ("000", "001", "002", "003")),
    *(CodeRow(Exchange.SZSE, prefix, Board.CHINEXT, 20100101, FOREVER) for prefix in ("300", "301", "302")),
    CodeRow(Exchange.BSE, "920", Board.BSE, 20240422, FOREVER),
    *(CodeRow(Exchange.BSE, prefix, Board.BSE, 20211115, 20251008) for prefix in ("43", "83", "87", "88")),
)


class OutRow(NamedTuple):
    """Codes that are no A shares in scope, and what they are."""

    exchange: Exchange
    prefix: str
    what: str


OUT_OF_SCOPE = (
    OutRow(Exchange.SSE, "000", "an index"),
    OutRow(Exchange.SZSE, "399", "an index"),
    OutRow(Exchange.BSE, "899", "an index"),
    OutRow(Exchange.SSE, "900", "a B share"),
    OutRow(Exchange.SZSE, "200", "a B share"),
    *(OutRow(Exchange.SSE, prefix, "a fund or bond") for prefix in ("5", "110", "111", "113", "118", "132")),
    *(OutRow(Exchange.SZSE, prefix, "a fund or bond") for prefix in ("15", "16", "18", "120", "123", "127", "128")),
)
