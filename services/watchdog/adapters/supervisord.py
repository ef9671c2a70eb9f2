"""supervisord as an event listener hears it and as its XML-RPC answers, and the kill of a process that holds a lock.

The event protocol: we say READY, supervisord sends one event on our standard input, we say RESULT; nothing else may go
to standard output. When supervisord dies our input ends, and so do we: its successor starts a watchdog of its own.
"""

import http.client
import os
import signal
import socket
import xmlrpc.client
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from common.messages.outputs import Message
from common.runtime.lock import CopyLock
from services.watchdog.calls import Killed, KillHung, ProcessChanged, ProcessState, ProcessTable, ReadTable

TIMEOUT_S = 1.0
"""supervisord answers at once or not at all; the loop must beat meanwhile."""
READ_BYTES = 65_536
PREFIX = "PROCESS_STATE_"
ENDED = b""


def fields(text: str) -> dict[str, str]:
    """Read `name:value` pairs."""
    return dict(pair.split(":", 1) for pair in text.split() if ":" in pair)


class EventParser:
    """Cuts what supervisord sends into events."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, raw: bytes) -> list[ProcessChanged | None]:
        """Return the whole events so far; None stands for one that is of no interest and has to be answered too."""
        self._rest += raw
        events: list[ProcessChanged | None] = []
        while b"\n" in self._rest:
            head, _, rest = self._rest.partition(b"\n")
            header = fields(head.decode(errors="replace"))
            size = int(header.get("len", "0"))
            if len(rest) < size:
                break
            self._rest = rest[size:]
            events.append(_event(header.get("eventname", ""), fields(rest[:size].decode(errors="replace"))))
        return events


def _event(name: str, body: dict[str, str]) -> ProcessChanged | None:
    if not name.startswith(PREFIX) or "processname" not in body:
        return None
    return ProcessChanged(body["processname"], name[len(PREFIX) :], body.get("from_state", ""))


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_S)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.close()
            raise


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _Connection(self._path)


class Supervisord:
    """The adapter: events in, questions and kills out."""

    def __init__(
        self, socket_path: str, run_dir: Path, ended: Callable[[], None], streams: tuple[int, int] = (0, 1)
    ) -> None:
        self._rpc = xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(socket_path))
        self._locks = run_dir / "locks"
        self._parser = EventParser()
        self._ended = ended
        self._in, self._out = streams
        os.set_blocking(self._in, False)
        self._say(b"READY\n")

    def _say(self, raw: bytes) -> None:
        try:
            os.write(self._out, raw)
        except OSError:
            self._ended()

    def poll(self) -> Sequence[Message]:
        """Return the events that have come, each answered so that the next one is sent."""
        try:
            raw = os.read(self._in, READ_BYTES)
        except BlockingIOError:
            return []
        if raw == ENDED:
            self._ended()
            return []
        events = self._parser.feed(raw)
        for _ in events:
            self._say(b"RESULT 2\nOKREADY\n")
        return [event for event in events if event is not None]

    def perform(self, call: Message) -> Sequence[Message]:
        """Do what the core asks."""
        if isinstance(call, ReadTable):
            return self._table()
        if isinstance(call, KillHung):
            return [Killed(call.service, self._kill(call.service))]
        raise TypeError(f"no such call: {type(call).__name__}")

    def _table(self) -> list[Message]:
        try:
            found: Any = self._rpc.supervisor.getAllProcessInfo()
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return []
        return [ProcessTable(tuple(ProcessState(row["name"], row["statename"], row["start"]) for row in found))]

    def _kill(self, service: str) -> int:
        """Kill who holds the lock: that is who acts, also where a supervisord that died left it behind."""
        lock = CopyLock(self._locks / f"{service}.lock")
        if lock.take():
            lock.release()
            return 0
        try:
            pid = int(lock.holder())
            os.kill(pid, signal.SIGKILL)
        except (ValueError, OSError):
            return 0
        return pid
