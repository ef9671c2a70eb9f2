"""supervisord, or the runner in its place, as an event listener hears it, and the kill of a process that holds a lock.

The event protocol: we say READY, supervisord sends one event on our standard input, we say RESULT; nothing else may go
to standard output. When supervisord dies our input ends, and so do we: its successor starts a watchdog of its own.
"""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from common.messages.outputs import Message
from common.runtime.lock import CopyLock
from common.runtime.pipes import ENDED, Pipe
from common.runtime.runner_control import ProcessRow, RunnerControl
from common.runtime.unix_supervisor import UnixSupervisor
from services.watchdog.calls import Killed, KillHung, ProcessChanged, ProcessState, ProcessTable, ReadTable

TIMEOUT_S = 1.0
"""supervisord answers at once or not at all; the loop must beat meanwhile."""
PREFIX = "PROCESS_STATE_"
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
"""On Windows any signal but the console's ends a process at once."""


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


ReadRows = Callable[[], list[ProcessRow] | None]


def table_reader(environ: Mapping[str, str], run_dir: Path) -> ReadRows:
    """Return how to ask whoever started us for the table of processes."""
    if environ.get("PANKOU_SUPERVISOR") == "runner":
        return RunnerControl(run_dir).table
    return UnixSupervisor(environ["PANKOU_SOCKET"], TIMEOUT_S).table


class Supervisord:
    """The adapter: events in, questions and kills out."""

    def __init__(
        self, read_table: ReadRows, run_dir: Path, ended: Callable[[], None], streams: tuple[int, int] = (0, 1)
    ) -> None:
        self._read_table = read_table
        self._locks = run_dir / "locks"
        self._parser = EventParser()
        self._ended = ended
        self._in, self._out = Pipe(streams[0]), streams[1]
        self._say(b"READY\n")

    def _say(self, raw: bytes) -> None:
        try:
            os.write(self._out, raw)
        except OSError:
            self._ended()

    def poll(self) -> Sequence[Message]:
        """Return the events that have come, each answered so that the next one is sent."""
        raw = self._in.read()
        if raw is None:
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
        rows = self._read_table()
        if rows is None:
            return []
        return [ProcessTable(tuple(ProcessState(row.name, row.statename, row.start) for row in rows))]

    def _kill(self, service: str) -> int:
        """Kill who holds the lock: that is who acts, also where a supervisord that died left it behind."""
        lock = CopyLock(self._locks / f"{service}.lock")
        if lock.take():
            lock.release()
            return 0
        try:
            pid = int(lock.holder())
            os.kill(pid, KILL)
        except (ValueError, OSError):
            return 0
        return pid
