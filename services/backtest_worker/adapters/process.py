"""The process that runs jobs, as the worker's loop sees it: started when there is something to run, killed, read."""

import os
import subprocess
from collections.abc import Sequence
from typing import IO

from common.messages.outputs import Message
from services.backtest_worker.calls import Frames, RunTask, StopTask, TaskRan, frame_of, told_of

READ_BYTES = 1 << 20
END_WAIT_S = 1.0


class Process:
    """One process at a time; a new one where the last one died."""

    def __init__(self, command: Sequence[str], environ: dict[str, str] | None = None) -> None:
        self._command, self._environ = list(command), environ
        self._process: subprocess.Popen[bytes] | None = None
        self._frames = Frames()
        self._key = ""
        self._stopped = ""
        self._over = False
        """It closed its output."""
        self.starts = 0

    def perform(self, call: Message) -> Sequence[Message]:
        """Run a task, or end it."""
        if isinstance(call, RunTask):
            return self._run(call)
        if isinstance(call, StopTask) and call.key == self._key:
            self._stopped = "it was ended: cancelled, or no session was played for too long"
            return self._ended()
        return []

    def _run(self, call: RunTask) -> Sequence[Message]:
        self._key, self._stopped = call.key, ""
        try:
            _write(self._pipe(), frame_of(call))
        except OSError:  # it died while it had nothing to do
            self._kill()
            try:
                _write(self._pipe(), frame_of(call))
            except OSError as error:
                return [TaskRan(call.key, {}, f"no process can be started for it: {error}", died=True)]
        return []

    def _pipe(self) -> IO[bytes]:
        if self._process is None:
            self._frames = Frames()
            self.starts += 1
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=self._environ
            )
            assert self._process.stdout is not None
            os.set_blocking(self._process.stdout.fileno(), False)
        assert self._process.stdin is not None
        return self._process.stdin

    def fileno(self) -> int | None:
        """Return what becomes readable when the process has something to say; None while there is none."""
        process = self._process
        return process.stdout.fileno() if process is not None and process.stdout is not None else None

    def poll(self) -> Sequence[Message]:
        """Return what it said; its death while it ran a task is the end of that task."""
        process = self._process
        if process is None or process.stdout is None:
            return []
        found: list[Message] = []
        while (raw := _read(process.stdout.fileno())) is not None:
            if not raw:
                self._over = True
                return [*found, *self._ended()]
            for body in self._frames.feed(raw):
                told = told_of(body)
                if isinstance(told, TaskRan):
                    self._key = ""
                found.append(told)
        return found

    def _ended(self) -> Sequence[Message]:
        key, self._key = self._key, ""
        code = self._kill()
        why = self._stopped or f"its process ended with code {code}" + (" (out of memory?)" if code == -9 else "")
        return [TaskRan(key, {}, why, died=True)] if key else []

    def _kill(self) -> int:
        """End the process, if there is one; its last words stay unread. Returns its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        try:
            # One that closed its output is about to end; of what, only its own code says.
            code = process.wait(0 if not self._over else END_WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        self._over = False
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        return code

    def close(self) -> None:
        """End it."""
        self._kill()


def _write(pipe: IO[bytes], raw: bytes) -> None:
    view = memoryview(raw)
    while view:
        view = view[pipe.write(view) or 0 :]


def _read(number: int) -> bytes | None:
    """Return what is there, b"" at the end, None where nothing is there now."""
    try:
        return os.read(number, READ_BYTES)
    except BlockingIOError:
        return None
