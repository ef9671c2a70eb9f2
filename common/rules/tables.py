"""The dated rows of the rules as plain integers, so that kernels need no file. `ashare.toml` says the same in words.

(size: one place for every row; each table has its own few lines)
Days are yyyymmdd, `first` and `last` both included; rates are in 1e-7 for fees and in basis points for prices.
A test holds both against each other row by row.
"""

from enum import IntEnum
from typing import NamedTuple

from common.domain.values import Board, Phase

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


OLD_DELISTINGS = ("300090.SZ", "300156.SZ", "300216.SZ")
"""In a delisting period when ChiNext widened its limits on 2020-08-24: they stayed at 10 %."""


class RoundingRow(NamedTuple):
    """How the limit prices of a board are rounded to 0.01 yuan."""

    board: int
    inward: int
    """0: half up on both sides; 1: towards the reference price."""
    first: int
    last: int


ROUNDINGS = (
    RoundingRow(_MAIN, 0, 20100101, FOREVER),
    RoundingRow(_CHINEXT, 0, 20100101, FOREVER),
    RoundingRow(_STAR, 0, 20190722, FOREVER),
    RoundingRow(_BSE, 1, 20211115, 20260121),
    RoundingRow(_BSE, 1, 20260122, FOREVER),
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
    """Largest order in shares."""

    board: int
    shares: int
    """Of a limit order."""
    market: int
    """Of a market order."""
    first: int
    last: int


ORDER_CAPS = (
    CapRow(_MAIN, 1_000_000, 1_000_000, 20100101, FOREVER),
    CapRow(_CHINEXT, 1_000_000, 1_000_000, 20100101, 20200823),
    CapRow(_CHINEXT, 300_000, 150_000, 20200824, FOREVER),
    CapRow(_STAR, 100_000, 50_000, 20190722, FOREVER),
    CapRow(_BSE, 1_000_000, 1_000_000, 20211115, FOREVER),
)


class StCapRow(NamedTuple):
    """Most shares of one ST stock that one account may buy in one day."""

    board: int
    shares: int
    first: int
    last: int


ST_DAILY_CAPS = (
    StCapRow(_MAIN, 500_000, 20130101, FOREVER),
    StCapRow(_BSE, 200_000, 20260831, FOREVER),
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

STAMP, TRANSFER, HANDLING, REGULATORY = 1, 2, 3, 4
BUY_SIDE, SELL_SIDE, BOTH_SIDES = 1, 2, 3
OF_TURNOVER, OF_FACE_VALUE = 0, 1


class FeeRow(NamedTuple):
    """A fee that the state, the clearing house or the exchange takes."""

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
    FeeRow(HANDLING, _SSE, BOTH_SIDES, 1100, OF_TURNOVER, 0, 20100101, 20120531),
    FeeRow(HANDLING, _SZSE, BOTH_SIDES, 1475, OF_TURNOVER, 0, 20100101, 20120531),
    FeeRow(HANDLING, _SSE, BOTH_SIDES, 870, OF_TURNOVER, 0, 20120601, 20120831),
    FeeRow(HANDLING, _SZSE, BOTH_SIDES, 1125, OF_TURNOVER, 0, 20120601, 20120831),
    FeeRow(HANDLING, _SSE, BOTH_SIDES, 696, OF_TURNOVER, 0, 20120901, 20150731),
    FeeRow(HANDLING, _SZSE, BOTH_SIDES, 951, OF_TURNOVER, 0, 20120901, 20150731),
    FeeRow(HANDLING, _SSE, BOTH_SIDES, 487, OF_TURNOVER, 0, 20150801, 20230827),
    FeeRow(HANDLING, _SZSE, BOTH_SIDES, 487, OF_TURNOVER, 0, 20150801, 20230827),
    FeeRow(HANDLING, _SSE, BOTH_SIDES, 341, OF_TURNOVER, 0, 20230828, FOREVER),
    FeeRow(HANDLING, _SZSE, BOTH_SIDES, 341, OF_TURNOVER, 0, 20230828, FOREVER),
    FeeRow(HANDLING, _BSE_X, BOTH_SIDES, 5000, OF_TURNOVER, 0, 20211115, 20221130),
    FeeRow(HANDLING, _BSE_X, BOTH_SIDES, 2500, OF_TURNOVER, 0, 20221201, 20230827),
    FeeRow(HANDLING, _BSE_X, BOTH_SIDES, 1250, OF_TURNOVER, 0, 20230828, FOREVER),
    FeeRow(REGULATORY, _SSE, BOTH_SIDES, 400, OF_TURNOVER, 0, 20100101, 20111231),
    FeeRow(REGULATORY, _SZSE, BOTH_SIDES, 400, OF_TURNOVER, 0, 20100101, 20111231),
    FeeRow(REGULATORY, _SSE, BOTH_SIDES, 200, OF_TURNOVER, 0, 20120101, FOREVER),
    FeeRow(REGULATORY, _SZSE, BOTH_SIDES, 200, OF_TURNOVER, 0, 20120101, FOREVER),
    FeeRow(REGULATORY, _BSE_X, BOTH_SIDES, 200, OF_TURNOVER, 0, 20211115, FOREVER),
)
"""Handling and regulatory fees usually sit inside the commission that a broker quotes."""


class CommissionRow(NamedTuple):
    """What a broker may take at most, with the exchange's and the regulator's charges."""

    cap_e7: int
    first: int
    last: int


COMMISSION_CAPS = (CommissionRow(30_000, 20100101, FOREVER),)


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
    phase: int
    """A `Phase` of the domain."""
    accept: int
    """1: the exchange takes new orders."""
    cancel: int
    """1: an unfilled order may be cancelled."""
    first: int
    last: int


_OPENING, _WAITING = int(Phase.OPEN_AUCTION), int(Phase.PRE_CONTINUOUS)
_TRADING, _CLOSING = int(Phase.CONTINUOUS), int(Phase.CLOSE_AUCTION)


def _everywhere(start: int, end: int, phase: int, accept: int, cancel: int) -> tuple[SessionRow, ...]:
    return (
        SessionRow(_SSE, start, end, phase, accept, cancel, 20100101, FOREVER),
        SessionRow(_SZSE, start, end, phase, accept, cancel, 20100101, FOREVER),
        SessionRow(_BSE_X, start, end, phase, accept, cancel, 20211115, FOREVER),
    )


SESSIONS = (
    *_everywhere(33300, 33600, _OPENING, 1, 1),  # 09:15-09:20
    *_everywhere(33600, 33900, _OPENING, 1, 0),  # 09:20-09:25
    SessionRow(_SZSE, 33900, 34200, _WAITING, 1, 1, 20100101, FOREVER),  # 09:25-09:30: queued, not processed
    SessionRow(_SSE, 33900, 34200, _WAITING, 0, 0, 20100101, FOREVER),
    SessionRow(_BSE_X, 33900, 34200, _WAITING, 0, 0, 20211115, FOREVER),
    *_everywhere(34200, 41400, _TRADING, 1, 1),  # 09:30-11:30
    SessionRow(_SZSE, 46800, 53820, _TRADING, 1, 1, 20100101, FOREVER),  # 13:00-14:57
    SessionRow(_BSE_X, 46800, 53820, _TRADING, 1, 1, 20211115, FOREVER),
    SessionRow(_SSE, 46800, 54000, _TRADING, 1, 1, 20100101, 20180819),
    SessionRow(_SSE, 46800, 53820, _TRADING, 1, 1, 20180820, FOREVER),
    SessionRow(_SZSE, 53820, 54000, _CLOSING, 1, 0, 20100101, FOREVER),  # 14:57-15:00
    SessionRow(_BSE_X, 53820, 54000, _CLOSING, 1, 0, 20211115, FOREVER),
    SessionRow(_SSE, 53820, 54000, _CLOSING, 1, 0, 20180820, FOREVER),
)


class AfterHoursRow(NamedTuple):
    """Trading at the closing price after the close (盘后固定价格): when its orders are taken, and when they match."""

    board: int
    exchange: int
    morning: int
    """First second of the morning in which orders are taken; they are taken to 11:30, and from 13:00 to the end."""
    match: int
    end: int
    first: int
    last: int


AFTER_HOURS = (
    AfterHoursRow(_STAR, _SSE, 34200, 54300, 55800, 20190722, FOREVER),
    AfterHoursRow(_CHINEXT, _SZSE, 33300, 54300, 55800, 20200824, FOREVER),
    AfterHoursRow(_MAIN, _SSE, 34200, 54300, 55800, 20260706, FOREVER),
    AfterHoursRow(_MAIN, _SZSE, 33300, 54300, 55800, 20260706, FOREVER),
)


class SettlementRow(NamedTuple):
    """After how many sessions what was bought may be sold."""

    sessions: int
    first: int
    last: int


SETTLEMENTS = (SettlementRow(1, 20100101, FOREVER),)


class GuardRow(NamedTuple):
    """From which numbers on programme trading counts as high-frequency: one account, either number."""

    per_second: int
    """Orders and cancels in one second."""
    per_day: int
    """Orders and cancels in one day."""
    first: int
    last: int


HIGH_FREQUENCY = (GuardRow(300, 20_000, 20250707, FOREVER),)


class ReportRow(NamedTuple):
    """Days on which a programme trader, private persons too, must have reported before the first trade."""

    first: int
    last: int


PROGRAMME_REPORTS = (ReportRow(20241008, FOREVER),)


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
