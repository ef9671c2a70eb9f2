"""The link to the QMT client: connecting, subscribing, asking, all on threads of its own that nobody waits for.

A vendor call may block for 150 s or for ever (notes §2.1), and its callbacks come on native threads. So a link is a
thread that can be given up: what a given-up one still says is not heard. The feed's loop never calls the vendor.
"""

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from common.domain.errors import UserError
from common.runtime.vendor import load_vendor
from services.market_data.adapters.xt_columns import Push
from services.market_data.adapters.xt_day import stocks_of

MARKETS = ["SH", "SZ", "BJ"]
SECTORS = ("沪深A股", "京市A股")
LOOK_S = 1.0
TOKEN_PORTS = (58620, 58650)
LOOPBACK = "127.0.0.1"
NOTHING: Push = MappingProxyType({})
HANG_UP, DETAILS = "hang up", "details"
_login = threading.Lock()
"""Held while the vendor's token login runs: it polls without a limit, and two at once are nobody's idea."""


class LinkSettings(NamedTuple):
    """Where the client is."""

    host: str = LOOPBACK
    port: int = 58610
    token_file: str = ""
    """With a token no client is needed: the vendor's datacenter runs in this process (notes §2.5)."""
    data_home: str = ""


class Details(NamedTuple):
    """Instrument details of every A share, and the quotes there were."""

    instruments: dict[str, dict[str, Any]]
    closes: dict[str, float]
    """`lastClose` of the quotes."""
    times_ms: dict[str, float]


class Heard(NamedTuple):
    """What came since the last look."""

    quotes: Push
    """Newest quote of every code that came."""
    pushes: int


class Handover:
    """From the vendor's threads to the loop: the newest quote of a code wins, so it can never hold more than a market."""

    def __init__(self, now_ns: Callable[[], int], wake: Callable[[], None] = lambda: None) -> None:
        self._now_ns, self._wake = now_ns, wake
        self._lock = threading.Lock()
        self._quotes: dict[str, Any] = {}
        self._pushes = 0
        self.heard_ns = 0
        """When the last push came, 0 = none yet."""
        self.pushes = 0
        self.overwritten = 0
        """Quotes that a newer one of the same code replaced before the loop took them."""
        self.bad = 0
        """Pushes that are no dict of quotes."""

    def put(self, push: object) -> None:
        """Take a push; on a thread of the vendor's."""
        if not isinstance(push, dict):
            self.bad += 1
            return
        with self._lock:
            before = len(self._quotes)
            self._quotes.update(push)
            self.overwritten += before + len(push) - len(self._quotes)
            self._pushes += 1
            self.pushes += 1
            self.heard_ns = self._now_ns()
        self._wake()

    def take(self) -> Heard | None:
        """Return what came since the last time, None = no push at all."""
        with self._lock:
            if not self._pushes:
                return None
            heard = Heard(self._quotes, self._pushes)
            self._quotes, self._pushes = {}, 0
        return heard

    def look(self) -> Push:
        """Return a copy of what waits, and leave it there."""
        with self._lock:
            return dict(self._quotes)


class Link:
    """One try at the client, from connecting until it is lost or given up."""

    def __init__(self, settings: LinkSettings, handover: Handover) -> None:
        self.state = "connecting"
        """connecting, up or down."""
        self.why = ""
        self.fault: UserError | None = None
        """What no further try can mend: the package is missing."""
        self.details: Details | None = None
        self.progress = (0, 0)
        self._settings, self._handover = settings, handover
        self._given_up = threading.Event()
        self._jobs: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="xt quotes", daemon=True)
        self._thread.start()

    def ask_details(self) -> None:
        """Have the details of all stocks read anew; `details` holds them when they are there."""
        self.details = None
        self._jobs.put(DETAILS)

    def give_up(self) -> None:
        """Hear nothing of this link any more; its thread ends when the vendor lets it."""
        self._given_up.set()

    def hang_up(self) -> None:
        """Give up, and close the connection: only while no other link is made, the vendor's layer knows one only."""
        self._jobs.put(HANG_UP)
        self.give_up()

    def _run(self) -> None:
        try:
            self._serve()
        except UserError as error:
            self.fault = error
            self._lose(str(error))
        except Exception as error:  # the vendor raises bare Exception: the link is lost, the loop is not
            self._lose(f"{type(error).__name__}: {error}")

    def _lose(self, why: str) -> None:
        if not self._given_up.is_set():
            self.why = why
            self.state = "down"

    def _serve(self) -> None:
        (xtdata,) = load_vendor("xtdata")
        xtdata.enable_hello = False
        host, port = self._settings.host, self._settings.port
        if self._settings.token_file:
            host, port = token_service(self._settings)
        xtdata.reconnect(host, port)  # connect() would hand out the old link, whose feed may be dead
        if self._given_up.is_set():
            return
        if xtdata.subscribe_whole_quote(list(MARKETS), self._on_push) <= 0:
            self._lose("the client refused the subscription")
            return
        # A link that drops before this is replaced by the vendor without a word, and the subscription stands on the new one.
        client = xtdata.get_client()
        self.state = "up"
        while not self._given_up.is_set() or not self._jobs.empty():
            try:
                job = self._jobs.get(timeout=LOOK_S)
            except queue.Empty:
                job = ""
            if not client.is_connected() and not self._given_up.is_set():
                self._lose("the client closed the connection")
                return
            if job == DETAILS:
                self.details = self._read_details(xtdata)
            elif job == HANG_UP:
                xtdata.disconnect()

    def _on_push(self, push: object) -> None:
        if not self._given_up.is_set():
            self._handover.put(push)

    def _read_details(self, xtdata: Any) -> Details:
        """Ask for every stock; one question each, there is no other way (notes §2.4 [C])."""
        ticks = xtdata.get_full_tick(list(MARKETS)) or {}
        codes = set(ticks)
        for sector in SECTORS:
            codes.update(xtdata.get_stock_list_in_sector(sector) or ())
        symbols = stocks_of(codes)
        found: dict[str, dict[str, Any]] = {}
        for done, symbol in enumerate(symbols, start=1):
            if self._given_up.is_set():
                break
            detail = xtdata.get_instrument_detail(symbol)
            if detail:
                found[symbol] = detail
            self.progress = (done, len(symbols))
        quoted = {symbol: ticks[symbol] for symbol in found if symbol in ticks}
        return Details(
            found,
            {symbol: tick.get("lastClose", 0) for symbol, tick in quoted.items()},
            {symbol: tick.get("time", 0) for symbol, tick in quoted.items()},
        )


def token_service(settings: LinkSettings) -> tuple[str, int]:
    """Start the vendor's own quote service in this process, once, on loopback only; returns its address."""
    if not _login.acquire(blocking=False):
        raise RuntimeError("the token login that was begun before is still running")
    try:
        return _log_in(settings)
    finally:
        _login.release()


def _log_in(settings: LinkSettings) -> tuple[str, int]:
    (center,) = load_vendor("xtdatacenter")
    running = center.get_local_server_port()
    if running:
        return LOOPBACK, int(running)
    center.set_token(read_token(Path(settings.token_file).expanduser()))
    if settings.data_home:
        center.set_data_home_dir(settings.data_home)
    center.set_init_markets(list(MARKETS))
    center.init(False)  # its own default would listen as well, on a port that is not asked for
    address, port = center.listen(LOOPBACK, TOKEN_PORTS)
    return address, int(port)


def read_token(path: Path) -> str:
    """Read the token; raises UserError where the file is missing, empty, or open to others."""
    try:
        text = path.read_text(encoding="utf-8").strip()
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: 读不到行情 token / the quote token cannot be read ({error})") from error
    if not text:
        raise UserError(f"{path}: 行情 token 是空的 / the quote token is empty")
    if mode & 0o077 and not _is_windows():
        raise UserError(f"{path}: 其他用户可读，请运行 chmod 600 / others can read it; run chmod 600 {path}")
    return text


def _is_windows() -> bool:
    import sys

    return sys.platform == "win32"
