"""The QMT client that the fake native quote module talks to: what a test scripts. Names of fields are the vendor's."""

import json
import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

Tick = dict[str, Any]
Push = Callable[[bytes], None]
WAIT_S = 5.0


class Switches:
    """What nobody could tell without a real client; adapters must be right both ways ([U] and [?] in the notes)."""

    def __init__(self) -> None:
        self.snapshot_pushes = 1
        """Pushes that the first snapshot of a subscription comes in; 0 = none comes. notes §2.2 [?]."""
        self.levels = 5
        """Levels of the book that the account's rights fill: 1, 3 or 5; the slots stay five. notes §2.2 [U]."""
        self.pvolume = True
        """Volume in shares beside the one in lots; False: 0 in every quote. notes §2.2 [U]."""
        self.lots_of: dict[str, int] = {"SH": 100, "SZ": 100, "BJ": 100, "STAR": 100}
        """Shares in one unit of `volume`, by exchange and for STAR. notes §2.2 [?]."""
        self.noise = True
        """Prices carry what binary floats make of them: 11.370000000000001. notes §2.2 [U]."""
        self.silent_snapshot = False
        """The subscription is accepted and nothing ever comes. notes §2.1, advice: age of the last push."""


class Subscription(NamedTuple):
    """A whole-market subscription of one connection."""

    number: int
    codes: tuple[str, ...]
    push: Push

    def takes(self, code: str) -> bool:
        """Tell whether a code is meant: by itself or by its market."""
        return code in self.codes or code.rpartition(".")[2] in self.codes


class Connection:
    """One native connection: its life and its subscriptions."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.alive = True
        self.subscriptions: dict[int, Subscription] = {}
        self.on_status: Callable[[bytes], None] | None = None


class Terminal:
    """The scriptable client. One dispatcher thread pushes, as the native one does (notes §2.2)."""

    def __init__(self) -> None:
        self.switches = Switches()
        self.addresses = {"127.0.0.1:58610"}
        """Where it listens; empty = not started, or not logged in."""
        self.data_dir = ""
        self.ticks: dict[str, Tick] = {}
        """Last quote of every code."""
        self.instruments: dict[str, dict[str, Any]] = {}
        """Instrument details by code."""
        self.sectors: dict[str, list[str]] = {}
        self.connections: list[Connection] = []
        self.calls: list[tuple[str, Any]] = []
        """Every call of the native module, for tests that ask what was asked."""
        self.mute = False
        """Pushes go nowhere although the link stands: a feed can die while `is_connected` is true. notes §2.1."""
        self._numbers = 0
        self._jobs: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._dispatch, name="fake xtquant dispatcher", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------------ what a test does

    def push(self, ticks: Mapping[str, Tick]) -> None:
        """Send changed quotes to whoever subscribed, from the dispatcher thread; returns when they were delivered."""
        self.ticks.update(ticks)
        if not self.mute:
            for connection in self.connections:
                for subscription in list(connection.subscriptions.values()):
                    chosen = {code: tick for code, tick in ticks.items() if subscription.takes(code)}
                    if chosen and connection.alive:
                        self._send(subscription.push, chosen)
        self.settle()

    def push_raw(self, payload: bytes) -> None:
        """Send bytes as they are."""
        for connection in self.connections:
            for subscription in list(connection.subscriptions.values()):
                self._jobs.put(lambda push=subscription.push: push(payload))  # type: ignore[misc]  # bound now
        self.settle()

    def drop(self) -> None:
        """Cut every connection; subscriptions go with them (notes §0.7 [P])."""
        for connection in self.connections:
            if connection.alive:
                connection.alive = False
                connection.subscriptions.clear()
                self._status(connection, "disconnected")
        self.settle()

    def settle(self) -> None:
        """Wait until the dispatcher has delivered everything."""
        done = threading.Event()
        self._jobs.put(done.set)
        if threading.current_thread() is not self._thread and not done.wait(WAIT_S):
            raise TimeoutError("a callback of the test holds the dispatcher thread")

    def close(self) -> None:
        """Stop the dispatcher thread."""
        self._jobs.put(None)
        self._thread.join(WAIT_S)

    # ------------------------------------------------------------------ what the native module does

    def connect(self, connection: Connection) -> int:
        """Return 0 and hold the connection, or -1."""
        self.calls.append(("connect", connection.address))
        if connection.address not in self.addresses:
            return -1
        self.connections.append(connection)
        self._status(connection, "connected")
        return 0

    def subscribe(self, connection: Connection, codes: Iterable[str], push: Push) -> int:
        """Take a whole-market subscription and send the snapshot of what it names (notes §2.2 [D])."""
        self._numbers += 1
        subscription = Subscription(self._numbers, tuple(codes), push)
        self.calls.append(("subscribe_whole_quote", subscription.codes))
        connection.subscriptions[subscription.number] = subscription
        parts = self.switches.snapshot_pushes
        chosen = [code for code in self.ticks if subscription.takes(code)]
        if chosen and parts and not self.switches.silent_snapshot and not self.mute:
            size = -(-len(chosen) // parts)
            for start in range(0, len(chosen), size):
                self._send(push, {code: self.ticks[code] for code in chosen[start : start + size]})
        return subscription.number

    def full_tick(self, codes: Iterable[str]) -> str:
        """Answer get_full_tick: JSON, not BSON, with `timetag` besides (notes §2.2 [U])."""
        wanted = Subscription(0, tuple(codes), lambda _payload: None)
        return json.dumps({code: tick | {"timetag": ""} for code, tick in self.ticks.items() if wanted.takes(code)})

    def _send(self, push: Push, ticks: Mapping[str, Tick]) -> None:
        payload = encode(dict(ticks))
        self._jobs.put(lambda: push(payload))

    def _status(self, connection: Connection, status: str) -> None:
        if connection.on_status is not None:
            told = connection.on_status
            payload = encode({"address": connection.address, "status": status})
            self._jobs.put(lambda: told(payload))

    def _dispatch(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def encode(value: Mapping[str, Any]) -> bytes:
    """Encode as the native module does: plain bytes, since the layer tests `type(x) == bytes` (notes §3.2, trap)."""
    from xtquant import xtbson

    return bytes(xtbson.BSON.encode(value))
