"""Fake of xtquant's native quote module `datacenter` (notes §3.2): what xtdata, xtconn and xtdatacenter call.

Names that are not here raise AttributeError, as they should: nothing answers that was not thought about.
"""

from collections.abc import Callable
from typing import Any

from tests.fakes.xtquant.reference import CONTROLS as REFERENCE_CONTROLS
from tests.fakes.xtquant.reference import ReferenceCalls
from tests.fakes.xtquant.terminal import Connection, Terminal, encode

terminal = Terminal()
"""Scripted by the test; one per import of this module."""

CONTROLS: dict[str, Callable[[Terminal, dict[str, Any]], dict[str, Any]]] = {
    **REFERENCE_CONTROLS,
    "getcurrentsubinfo": lambda terminal, _asked: {
        "result": [
            {"code": code, "period": "tick", "seq": subscription.number}
            for connection in terminal.connections
            if connection.alive
            for subscription in connection.subscriptions.values()
            for code in subscription.codes
        ]
    },
}
"""Answers of `commonControl` by name; `reference.py` and tests add theirs."""


class IPythonApiClient(ReferenceCalls):
    """One connection to the client, as `xtdatacenter.RPCClient`."""

    def __init__(self) -> None:
        self.terminal = terminal
        self._connection: Connection | None = None
        self._address = ""
        self._on_control: dict[str, Callable[[bytes], None]] = {}

    def init(self) -> None:
        """Do nothing; the native one starts its threads here."""
        self.terminal.calls.append(("init", None))

    def load_config(self, file: str, section: str) -> int:
        """Read xtdata.ini: 0, or -1 for another section."""
        self.terminal.calls.append(("load_config", (file, section)))
        return 0 if section == "client_xtdata" else -1

    def set_config_addr(self, address: str) -> None:
        """Take the address to connect to."""
        self._address = address

    def registerCommonControlCallback(self, name: str, callback: Callable[[bytes], None]) -> None:
        """Keep a callback for pushes that are no quotes (watchxtquantstatus)."""
        self._on_control[name] = callback

    def connect(self) -> tuple[int, str]:
        """Return (0, "") or (-1, why)."""
        connection = Connection(self._address)
        connection.on_status = self._on_control.get("watchxtquantstatus")
        code = self.terminal.connect(connection)
        self._connection = connection if code == 0 else None
        return code, "" if code == 0 else f"cannot connect {self._address}"

    def is_connected(self) -> bool:
        """Tell whether the link stands; it says nothing about the feed (notes §2.1)."""
        return self._connection is not None and self._connection.alive

    def shutdown(self) -> None:
        """Close the link."""
        if self._connection is not None:
            self._connection.alive = False
            self._connection.subscriptions.clear()

    def get_data_dir(self) -> str:
        """Return the folder of the client's data."""
        return self.terminal.data_dir

    def get_app_dir(self) -> str:
        """Return the client's folder."""
        return ""

    def get_server_tag(self) -> bytes:
        """Return who answers."""
        return encode({"tag": "fake", "version": "1.0"})

    def get_peer_addr(self) -> str:
        """Return the address of the other side."""
        return self._address

    def commonControl(self, name: str, asked: bytes) -> bytes:
        """Answer a named question in BSON; unknown ones raise, as nobody thought about them."""
        from xtquant import xtbson

        question = xtbson.BSON.decode(asked)
        self.terminal.calls.append((name, question))
        return encode(CONTROLS[name](self.terminal, question))

    def subscribe_whole_quote(self, codes: list[str], asked: bytes, callback: Callable[[bytes], None]) -> int:
        """Subscribe codes or markets; > 0, or -1 without a link (notes §2.2)."""
        if self._connection is None or not self._connection.alive:
            return -1
        return self.terminal.subscribe(self._connection, codes, callback)

    def unsubscribe_quote(self, number: int) -> int:
        """End a subscription."""
        if self._connection is not None:
            self._connection.subscriptions.pop(number, None)
        return 0

    def get_full_tick(self, codes: list[str]) -> str:
        """Return the last quotes as JSON text."""
        return self.terminal.full_tick(codes)

    def get_instrument_detail(self, code: str) -> bytes:
        """Return one instrument as BSON; b'' for an unknown one."""
        self.terminal.calls.append(("get_instrument_detail", code))
        found = self.terminal.instruments.get(code)
        return encode(found) if found is not None else b""


# ---------------------------------------------------------------------- module functions (token mode, notes §2.5)


class _Local:
    """What the module functions keep: the terminal of the token mode lives in this process."""

    token = ""
    home = ""
    markets: list[str] = ["SH", "SZ", "BJ"]  # noqa: RUF012 - set by tests on the fresh module
    watched: list[str] = []  # noqa: RUF012 - set by the vendor layer
    started = False
    polls = 0
    """How often get_status says "not yet" (notes §2.5: init polls without a limit)."""
    port = 0


local = _Local()


def close_down() -> None:
    """Stop the dispatcher thread."""
    terminal.close()


def rpc_init(_folder: str) -> int:
    """Return 0 = ready."""
    return 0


def register_create_nparray(_function: Callable[..., Any]) -> None:
    """Take the layer's maker of arrays."""


def get_local_server_port() -> int:
    """Return the port of the token mode's own service, 0 = none."""
    return local.port


def log_init() -> None:
    """Open the log."""


def set_token(token: str) -> None:
    """Take the token."""
    local.token = token


def set_data_home_dir(folder: str) -> None:
    """Take the folder for data."""
    local.home = folder


def set_config_dir(_folder: str) -> None:
    """Take the folder of the packaged configuration."""


def set_watch_market_list(markets: list[str]) -> None:
    """Take the markets whose instruments are loaded (set_init_markets)."""
    local.watched = list(markets)


def set_wholequote_market_list(markets: list[str]) -> None:
    """Take the markets whose whole quotes are loaded at the start."""
    terminal.calls.append(("set_wholequote_market_list", list(markets)))


def start_init_quote() -> None:
    """Log in with the token."""
    local.started = True


def get_status() -> dict[str, bool]:
    """Tell whether the login is done."""
    local.polls -= 1
    return {"init_done": local.polls < 0}


def fetch_auth_markets() -> dict[str, Any]:
    """Return the markets of the token; a token without any has done = 0."""
    granted = local.markets if local.token else []
    return {"done": 1 if granted else 0, "markets": granted}


def fetch_server_list_status() -> bytes:
    """Return the state of every server."""
    server = {
        "loginparam": {"ip": "10.0.0.1", "port": 55300}, "errorcode": 0, "resultcode": 1, "resultdesc": "token",
        "reason": "no right",
    }  # fmt: skip
    return encode({"one": server})


def fetch_init_result(keys: list[str]) -> dict[str, bytes]:
    """Return how each market's login went."""
    return {key: encode({"done": 1, "errorcode": 0, "resultcode": 0}) for key in keys}


def listen(ip: str, low: int, high: int) -> tuple[str, int]:
    """Listen on the first free port; (ip, 0) when none is."""
    for port in range(low, high + 1):
        address = f"{ip}:{port}"
        if address not in terminal.addresses:
            terminal.addresses.add(address)
            local.port = port
            return ip, port
    return ip, 0


def shutdown() -> None:
    """Stop the token mode's services."""
    local.port = 0
