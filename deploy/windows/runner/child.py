"""A real process: started in a group of its own, read, asked to end, killed with all it started."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import IO, Any, NamedTuple

from deploy.windows.runner.conf import Program

READ_BYTES = 65_536
STOP_WORD = b"stop\n"
"""As common/runtime/run.py hears it."""
STOP_BY = "PANKOU_STOP_BY"
SHANGHAI_ON_WINDOWS = "CST-8"
"""The C library of Windows knows no names such as Asia/Shanghai: it takes `Asi` for a zone of offset 0, which is eight
hours off. In its own spelling the sign says what to add to local time to come to UTC."""
TASKKILL_WAIT_S = 10
LAST_WORDS_S = 1.0
"""Somebody it started may hold its output open for ever."""


class Said(NamedTuple):
    """An event listener wrote something."""

    child: "Child"
    raw: bytes


class Ended(NamedTuple):
    """A process is gone."""

    child: "Child"
    code: int


Inbox = queue.SimpleQueue[Said | Ended]


def kill_command(pid: int) -> list[str]:
    """Return what ends a process of Windows with all it started."""
    return ["taskkill", "/F", "/T", "/PID", str(pid)]


def environment_of(program: Program, environ: Mapping[str, str], system: str = os.name) -> dict[str, str]:
    """Return what a program is started with."""
    names = {**environ, **program.environment}
    if system == "nt":
        names["PYTHONIOENCODING"] = "utf-8"  # logs are UTF-8, whatever the code page of the machine
        if names.get("TZ") == "Asia/Shanghai":
            names["TZ"] = SHANGHAI_ON_WINDOWS
    # The standard input of an event listener is the event protocol: it ends when that is closed.
    names.pop(STOP_BY, None)
    return names if program.events else {**names, STOP_BY: "stdin"}


class Child:
    """Started at once; raises OSError where it cannot be."""

    def __init__(
        self,
        program: Program,
        environ: Mapping[str, str],
        inbox: Inbox,
        out: Callable[[bytes], None],
        err: Callable[[bytes], None],
    ) -> None:
        self.program = program
        self._inbox = inbox
        self._gone = threading.Lock()
        self._reaped = False
        self._process = subprocess.Popen(
            program.command,
            env=environment_of(program, environ),
            cwd=program.directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if program.redirect_stderr else subprocess.PIPE,
            bufsize=0,
            **_own_group(),
        )
        self.pid = self._process.pid
        self._readers: list[threading.Thread] = []
        self._read(self._process.stdout, self._said if program.events else out)
        self._read(self._process.stderr, err)
        threading.Thread(target=self._wait, name=f"wait {program.name}", daemon=True).start()

    def send(self, raw: bytes) -> None:
        """Write to its standard input; what is too late is lost, its end is told anyway."""
        with contextlib.suppress(OSError, ValueError):
            if self._process.stdin is not None:
                self._process.stdin.write(raw)

    def ask_to_end(self) -> None:
        """Say the word, and close its standard input, which says the same."""
        if not self.program.events:
            self.send(STOP_WORD)
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def kill(self) -> None:
        """Kill it, and what it started."""
        with self._gone:
            if not self._reaped:
                _kill_tree(self.pid)

    # ------------------------------------------------------------------ threads

    def _said(self, raw: bytes) -> None:
        self._inbox.put(Said(self, raw))

    def _read(self, stream: IO[bytes] | None, take: Callable[[bytes], None]) -> None:
        if stream is None:
            return
        name = f"read {self.program.name}"
        self._readers.append(threading.Thread(target=_pump, args=(stream, take), name=name, daemon=True))
        self._readers[-1].start()

    def _wait(self) -> None:
        _await_end(self._process)
        with self._gone:
            _sweep(self.pid)
            code = self._process.wait()
            self._reaped = True
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        for reader in self._readers:  # its last words are in the log before its end is told
            reader.join(LAST_WORDS_S)
        self._inbox.put(Ended(self, code))


def _pump(stream: IO[bytes], take: Callable[[bytes], None]) -> None:
    with stream:
        while raw := os.read(stream.fileno(), READ_BYTES):
            take(raw)


if sys.platform == "win32":

    def _own_group() -> dict[str, Any]:
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}

    def _kill_tree(pid: int) -> None:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(kill_command(pid), check=False, capture_output=True, timeout=TASKKILL_WAIT_S)

    def _await_end(process: "subprocess.Popen[bytes]") -> None:
        process.wait()

    def _sweep(pid: int) -> None:
        """What a dead process left behind cannot be found by its number here."""

    def kill_pid(pid: int) -> None:
        """Kill one process."""
        os.kill(pid, signal.SIGTERM)  # there, any signal but the console's ends a process at once
else:

    def _own_group() -> dict[str, Any]:
        return {"process_group": 0}

    def _kill_tree(pid: int) -> None:
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)

    def _await_end(process: "subprocess.Popen[bytes]") -> None:
        # Not reaped yet, its number is still its own: what it left in its group is killed by that.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    _sweep = _kill_tree

    def kill_pid(pid: int) -> None:
        """Kill one process."""
        os.kill(pid, signal.SIGKILL)
