"""Tushare Pro (an account with points): daily bars, published limits, suspensions, names, float shares, dividends.

Asked through its package, whose line is plain HTTP (seen in its source, 1.4.29: the token travels readable), and whose
client answers a failed request with an empty frame without columns; that is told as busy, never as "no data".
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from common.domain.errors import SourceBusyError, SourceError
from common.domain.values import Day, Symbol
from common.history.sources import tushare_parse as parse
from common.history.sources.cells import Parsed, Row, as_rows
from common.history.sources.coverage import TUSHARE
from common.history.sources.source import Answer, Ask, Heard, Kind, Pacer, answer_of

INSTALL = "pip install tushare, or in a checkout: .venv/bin/python -m pip install -e '.[tushare]'"
TOKEN_HELP = "get one at tushare.pro; set TUSHARE_TOKEN, or write it to $PANKOU_HOME/tushare.token (chmod 600)"
TIMEOUT_S = 30
PAGE = 5_000
LAST_PAGE_BELOW = 1_000
"""A page of fewer rows is the last one; a fuller one may have been cut by the server, whatever was asked for."""
PAGES_MAX = 40
RATE_WORDS = ("每分钟", "过于频繁", "稍晚", "稍后")
DAY_WORDS = ("每天", "每小时")
FIELDS = {
    "trade_cal": "cal_date,is_open",
    "stock_basic": "ts_code,name,list_date,delist_date",
    "namechange": "ts_code,name,start_date,ann_date",
    "daily": "ts_code,trade_date,open,high,low,close,pre_close,vol,amount",
    "daily_basic": "ts_code,trade_date,float_share",
    "stk_limit": "ts_code,trade_date,pre_close,up_limit,down_limit",
    "suspend_d": "ts_code,trade_date,suspend_timing,suspend_type",
    "dividend": "ts_code,div_proc,stk_div,cash_div_tax,ex_date,ann_date,imp_ann_date",
}


def load_client(token: str) -> Any:
    """Import tushare and return its client; raises `SourceError` with the way to install it or to get a token."""
    if not token:
        raise SourceError(f"source tushare needs a token: {TOKEN_HELP}")
    try:
        import tushare
    except ImportError as error:
        raise SourceError(f"source tushare needs its package ({error}): {INSTALL}") from error
    return tushare.pro_api(token, timeout=TIMEOUT_S)


class Tushare:
    """One account at Tushare Pro."""

    coverage = TUSHARE

    def __init__(self, pacer: Pacer, token: str = "", client: Any = None) -> None:
        self.pacer = pacer
        self.heard: Heard | None = None
        self._token = token
        self._client = client if client is not None else load_client(token)
        self._names: dict[Symbol, list[tuple[Day, str]]] | None = None

    def asks(self, kind: Kind, first: Day, last: Day, symbols: tuple[Symbol, ...], minutes: int = 0) -> list[Ask]:
        """Return the reads: everything is asked by the day for all stocks, which costs least."""
        if kind is Kind.MINUTES:
            raise SourceError("source tushare sells minutes apart; use --source baostock for 5-minute bars")
        if kind not in self.coverage.kinds:
            raise SourceError(f"source tushare has no {kind.value}")
        return [Ask(kind, first, last)]

    def prepare(self, asks: Sequence[Ask], told: Callable[[str, int, int], None]) -> None:
        """Nothing: every read is answered by itself."""

    def fetch(self, ask: Ask) -> Answer:
        """Do one read, of as many calls as it takes."""
        return answer_of(ask.kind, self._parsed(ask))

    def _parsed(self, ask: Ask) -> Parsed:
        on = {"trade_date": str(ask.first)}
        match ask.kind:
            case Kind.CALENDAR:
                return parse.parse_calendar(
                    self._rows("trade_cal", exchange="SSE", start_date=str(ask.first), end_date=str(ask.last))
                )
            case Kind.INSTRUMENTS:
                return self._instruments()
            case Kind.NAMES:
                return parse.parse_names(self._rows("namechange"))
            case Kind.BARS:
                daily = self._rows("daily", **on)
                if not daily:
                    return Parsed([])
                return parse.parse_bars(
                    daily,
                    self._rows("daily_basic", **on),
                    self._rows("stk_limit", **on),
                    self._rows("suspend_d", suspend_type="S", **on),
                    self._known_names(),
                    ask.first,
                )
            case Kind.PRE_OPEN:
                limits = self._rows("stk_limit", **on)
                suspended = self._rows("suspend_d", suspend_type="S", **on)
                return parse.parse_pre_open(limits, suspended, self._known_names(), ask.first)
            case Kind.DIVIDENDS:
                return parse.parse_dividends(self._rows("dividend", ex_date=str(ask.first)), ask.first)
        raise SourceError(f"source tushare has no {ask.kind.value}")

    def _instruments(self) -> Parsed:
        rows = [row for status in ("L", "D", "P") for row in self._rows("stock_basic", list_status=status)]
        return parse.parse_instruments(rows)

    def _known_names(self) -> Mapping[Symbol, list[tuple[Day, str]]]:
        """Return the names of all stocks, asked once a session: the ST state of a day is in the name of that day."""
        if self._names is None:
            names: dict[Symbol, list[tuple[Day, str]]] = {}
            for row in parse.parse_names(self._rows("namechange")).rows:
                names.setdefault(str(row["symbol"]), []).append((int(row["first_day"]), str(row["name"])))
            self._names = {symbol: sorted(found) for symbol, found in names.items()}
        return self._names

    def _rows(self, api: str, **params: str) -> list[Row]:
        rows: list[Row] = []
        for _ in range(PAGES_MAX):
            page = self.pacer.call(self._page(api, {**params, "limit": PAGE, "offset": len(rows)}))
            rows += page
            if len(page) < LAST_PAGE_BELOW:
                return rows
        raise SourceError(f"tushare, {api}: more than {len(rows)} rows; that is no answer to what was asked")

    def _page(self, api: str, params: Mapping[str, object]) -> Callable[[], list[Row]]:
        def read() -> list[Row]:
            try:
                frame = self._client.query(api, fields=FIELDS[api], **params)
            except Exception as error:  # the package raises bare exceptions, and those of its transport
                raise self._told(api, error) from None  # its traceback may hold the request, with the token in it
            columns = [str(name) for name in frame.columns]
            if not columns:
                raise SourceBusyError(f"tushare, {api}: the request failed without an answer")
            rows = list(frame.itertuples(index=False, name=None))
            if self.heard is not None:
                self.heard(api, columns, rows)
            return as_rows(columns, rows)

        return read

    def _told(self, api: str, error: Exception) -> SourceError:
        """Return what a fault means: over the rate and the network may be tried again, all else is told at once."""
        text = str(error).replace(self._token, "***") if self._token else str(error)
        said = f"tushare, {api}: {text[:300]}"
        if any(word in text for word in RATE_WORDS):
            return SourceBusyError(said, wait_s=61)
        if any(word in text for word in DAY_WORDS):
            return SourceError(f"{said} - what is downloaded is kept, go on later with the same command")
        if isinstance(error, OSError | ValueError):  # requests' faults are OSErrors; a page of HTML is no JSON
            return SourceBusyError(said)
        return SourceError(said)

    def close(self) -> None:
        """Nothing is held open."""
