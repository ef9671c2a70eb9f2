"""Baostock (free, no account): daily bars of a day or a stock, ST a day, 5-minute bars, dividends. Asked through its package.

The package prints, swallows socket errors, reads a closed line for ever and takes a page that did not come for the end
(seen in its source, 0.9.4: `send_msg` goes round on empty reads, `connect` prints and goes on, `next` returns False). So its module `socketutil` gets sockets that time out and that raise
when the line is closed, and its `print` is silenced; what went wrong reaches us as the error code it then sets.
"""

import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

from common.domain.errors import SourceBusyError, SourceError
from common.domain.values import Day, Symbol
from common.history.sources import baostock_parse as parse
from common.history.sources.cells import Parsed, dashed
from common.history.sources.coverage import BAOSTOCK
from common.history.sources.source import Answer, Ask, Heard, Kind, Pacer, answer_of

TIMEOUT_S = 30.0
INSTALL = "pip install baostock, or in a checkout: .venv/bin/python -m pip install -e '.[baostock]'"
OK = "0"
PAGE = 2_000
NOT_LOGGED_IN = "10001001"
BUSY_CODES = frozenset(
    {
        NOT_LOGGED_IN,
        "10001005",  # logins of the account at their limit
        "10002001",
        "10002002",
        "10002003",
        "10002004",
        "10002005",
        "10002006",
        "10002007",
        "10002008",  # all of the network
        "10004001",
        "10004002",  # an answer that came damaged
        "10005001",  # a fault of the server
    }
)
"""Error codes after which the same read may succeed; every other one is told at once."""


class GuardedSocket(socket.socket):
    """A socket with a time limit that raises when the other side has hung up, instead of giving empty reads for ever."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.settimeout(TIMEOUT_S)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Read, or raise `ConnectionError` at the end of the line."""
        got = super().recv(size, flags)
        if not got:
            raise ConnectionError("the line was closed")
        return got


def _silent(*_args: object, **_kwargs: object) -> None:
    """Print nothing: standard output belongs to our own words and to --json."""


def load_package() -> Any:
    """Import baostock and guard its sockets; raises `SourceError` with the way to install it."""
    try:
        import baostock
        from baostock.util import socketutil
    except ImportError as error:
        raise SourceError(f"source baostock needs its package ({error}): {INSTALL}") from error
    socketutil.socket = SimpleNamespace(socket=GuardedSocket, AF_INET=socket.AF_INET, SOCK_STREAM=socket.SOCK_STREAM)
    for name, module in list(sys.modules.items()):
        if name == "baostock" or name.startswith("baostock."):
            vars(module)["print"] = _silent
    return baostock


class Baostock:
    """One session at Baostock."""

    coverage = BAOSTOCK

    def __init__(self, pacer: Pacer, package: Any = None, api_key: str = "") -> None:
        self._package = package if package is not None else load_package()
        self.pacer = pacer
        self.heard: Heard | None = None
        self._api_key = api_key
        self._in = False

    def asks(self, kind: Kind, first: Day, last: Day, symbols: tuple[Symbol, ...], minutes: int = 0) -> list[Ask]:
        """Return the reads: bars by the day for the whole market, by the stock for named ones."""
        if kind is Kind.MINUTES and minutes != 5:
            raise SourceError(f"source baostock has 5-minute bars, not {minutes}-minute ones; use --minutes 5")
        if kind in (Kind.CALENDAR, Kind.INSTRUMENTS):
            return [Ask(kind, first, last)]
        if kind is Kind.BARS and not symbols:
            return [Ask(kind, first, last)]  # the caller cuts it into trading days
        if kind in (Kind.BARS, Kind.MINUTES):
            if not symbols:
                raise SourceError("source baostock serves minutes by the stock; name some with --codes")
            return [
                Ask(kind, begin, end, symbol, minutes) for symbol in symbols for begin, end in years_of(first, last)
            ]
        if kind is Kind.DIVIDENDS and symbols:
            return [Ask(kind, begin, end, symbol) for symbol in symbols for begin, end in years_of(first, last)]
        raise SourceError(f"source baostock has no {kind.value}")

    def prepare(self, asks: Sequence[Ask], told: Callable[[str, int, int], None]) -> None:
        """Nothing: every read is answered by itself."""

    def fetch(self, ask: Ask) -> Answer:
        """Do one read."""
        return answer_of(ask.kind, self.pacer.call(partial(self._parsed, ask)))

    def _parsed(self, ask: Ask) -> Parsed:
        self._enter()
        ours, first, last = self._package, dashed(ask.first), dashed(ask.last)
        code = parse.code_of(ask.symbol) if ask.symbol else ""
        match ask.kind:
            case Kind.CALENDAR:
                return parse.parse_calendar(
                    *self._read("query_trade_dates", ours.query_trade_dates(start_date=first, end_date=last))
                )
            case Kind.INSTRUMENTS:
                return parse.parse_instruments(*self._read("query_stock_basic", ours.query_stock_basic()))
            case Kind.BARS if not code:
                if ask.first != ask.last:
                    raise SourceError(f"source baostock serves the whole market by the day, not {first}..{last}")
                found = ours.query_daily_history_k_AStock(date=first)
                return parse.parse_bars(
                    *self._read("query_daily_history_k_AStock", found, paged=False), ask.first, ask.last
                )
            case Kind.BARS:
                found = ours.query_history_k_data_plus(
                    code, parse.DAILY_FIELDS, start_date=first, end_date=last, frequency="d", adjustflag="3"
                )
                return parse.parse_bars(
                    *self._read("query_history_k_data_plus d", found), ask.first, ask.last, ask.symbol
                )
            case Kind.MINUTES:
                found = ours.query_history_k_data_plus(
                    code, parse.MINUTE_FIELDS, start_date=first, end_date=last, frequency="5", adjustflag="3"
                )
                return parse.parse_minutes(
                    *self._read("query_history_k_data_plus 5", found), ask.first, ask.last, ask.symbol
                )
            case Kind.DIVIDENDS:
                found = ours.query_dividend_data(code=code, year=str(ask.first // 10_000), yearType="operate")
                return parse.parse_dividends(*self._read("query_dividend_data", found))
        raise SourceError(f"source baostock has no {ask.kind.value}")

    def _enter(self) -> None:
        if self._in:
            return
        if self._api_key:
            self._package.set_API_key(self._api_key)
        self._check(self._package.login(), "login")
        self._in = True

    def _read(self, call: str, found: Any, paged: bool = True) -> tuple[Sequence[str], list[Sequence[object]]]:
        """Return columns and rows of a result, page by page; `get_data()` of the package fails on pandas 2."""
        self._check(found, call)
        rows = list(self._rows(found)) if paged else list(found.data)
        self._check(found, call)
        if self.heard is not None:
            self.heard(call, list(found.fields), rows)
        return list(found.fields), rows

    def _rows(self, found: Any) -> Iterator[Sequence[object]]:
        if len(found.data) != PAGE:  # shorter or longer than a page: there is no second one
            yield from found.data
            return
        while found.error_code == OK and found.next():
            yield found.get_row_data()
        if len(found.data) == PAGE:
            # The package ends quietly when a page does not come; after the true end it holds a shorter one.
            self._hang_up()
            raise SourceBusyError("baostock: the line broke between two pages")

    def _check(self, found: Any, what: str) -> None:
        if found is None:
            raise SourceError(f"baostock refused the {what} without an answer; the dates or the code are not valid")
        if found.error_code == OK:
            return
        text = f"baostock, {what}: {found.error_msg} ({found.error_code})"
        if found.error_code in BUSY_CODES:
            self._hang_up()
            raise SourceBusyError(text)
        raise SourceError(text)

    def _hang_up(self) -> None:
        """Close the line: an answer may be half read, so the next try begins with a session of its own."""
        self._in = False
        common = getattr(self._package, "common", None)
        line = getattr(getattr(common, "context", None), "default_socket", None)
        if line is not None:
            line.close()

    def close(self) -> None:
        """Log out and hang up."""
        if self._in:
            self._package.logout()
        self._hang_up()


def years_of(first: Day, last: Day) -> list[tuple[Day, Day]]:
    """Return a range of days cut at the turn of the years."""
    years = range(first // 10_000, last // 10_000 + 1)
    return [(max(first, year * 10_000 + 101), min(last, year * 10_000 + 1231)) for year in years]
