"""The runner itself: one loop over what ended, what was said, what is due, and the files it is told by."""

import contextlib
import os
import queue
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from common.runtime.lock import CopyLock
from common.runtime.runner_control import ProcessRow, RunnerControl
from deploy.windows.runner.child import Child, Ended, Inbox, Said, kill_pid
from deploy.windows.runner.conf import Conf
from deploy.windows.runner.listener import Listener, ProtocolError
from deploy.windows.runner.logs import RotatingLog
from deploy.windows.runner.program import Do, State, Supervised

NS = 1_000_000_000
LOOK_S = 0.2
"""How often the folder is looked into for `stop`."""
WRITE_S = 1.0
ORPHAN_WAIT_S = 2.0
"""Time for what another runner left behind to end by itself: its standard input is closed."""
EXIT_OK, EXIT_GAVE_UP, EXIT_INPUT, EXIT_HELD = 0, 1, 2, 4


class Machine(NamedTuple):
    """What the loop needs of the machine; tests give their own."""

    now_ns: Callable[[], int]
    sleep: Callable[[float], None]
    signalled: Callable[[], bool] = lambda: False


class Runner:
    """Keeps the programs of one run up; `run` returns the exit code."""

    def __init__(self, conf: Conf, run: Path, environ: Mapping[str, str], machine: Machine) -> None:
        self._run_folder, self._environ, self._machine = run, environ, machine
        self.control = RunnerControl(run)
        self.log = RotatingLog(conf.log)
        self.supervised = {program.name: Supervised(program) for program in conf.programs}
        self._children: dict[str, Child] = {}
        self._logs = {
            program.name: (RotatingLog(program.stdout), RotatingLog(program.stderr)) for program in conf.programs
        }
        self._listeners = {
            program.name: Listener(program.name, program.events, program.buffer_size)
            for program in conf.programs
            if program.events
        }
        self._inbox: Inbox = queue.SimpleQueue()
        self._stopping = False
        self._code = EXIT_OK
        self._written_at = 0.0

    def run(self) -> int:
        """Start everything and keep it up until told to stop, or until nothing can be kept up."""
        self.say(f"runner started, process {os.getpid()}")
        try:
            self._end_orphans()
            while not self.step():
                pass
            self.say(f"runner ends with exit code {self._code}")
        except BaseException as error:
            self.say(f"runner fails: {error!r}")
            raise
        finally:
            for log in (*(log for pair in self._logs.values() for log in pair), self.log):
                log.close()
        return self._code

    def step(self) -> bool:
        """Go round once; True when all is over."""
        now = self._now()
        for each in self.supervised.values():
            self._do(each, each.tick(now))
        if not self._stopping:
            self._look()
        self._tell()
        if self._stopping and not any(each.pid for each in self.supervised.values()):
            self._write(now)
            return True
        self._hear(now)
        return False

    def say(self, text: str) -> None:
        """Write a line to the runner's own log."""
        at = datetime.fromtimestamp(self._machine.now_ns() / NS, UTC) + timedelta(hours=8)
        self.log.write(f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03d} {text}\n".encode())

    # ------------------------------------------------------------------ the steps

    def _look(self) -> None:
        if self.control.stop_asked() or self._machine.signalled():
            self.say("told to stop")
            self._stop(EXIT_OK)
        elif all(each.done for name, each in self.supervised.items() if name not in self._listeners):
            lost = [name for name, each in self.supervised.items() if each.state is State.FATAL]
            self.say(f"nothing is left to keep up; given up: {', '.join(lost) or 'none'}")
            self._stop(EXIT_GAVE_UP if lost else EXIT_OK)

    def _stop(self, code: int) -> None:
        self._stopping, self._code = True, code
        now = self._now()
        for each in self.supervised.values():
            self._do(each, each.stop(now))

    def _do(self, each: Supervised, what: Do | None) -> None:
        name = each.program.name
        if what is Do.START:
            self._start(each)
        elif what is Do.ASK:
            self._children[name].ask_to_end()
        elif what is Do.KILL:
            self.say(f"{name}: does not end, killed")
            self._children[name].kill()

    def _start(self, each: Supervised) -> None:
        name, program = each.program.name, each.program
        now = self._now()
        each.starting(now, int(self._machine.now_ns() // NS))
        if name in self._listeners:
            self._listeners[name].reset()
        out, err = self._logs[name]
        try:
            child = Child(program, self._environ, self._inbox, out.write, err.write)
        except (OSError, ValueError) as error:
            each.not_started(f"cannot be started: {error}", now)
            return
        self._children[name] = child
        each.started(child.pid, now)

    def _tell(self) -> None:
        """Log what changed, tell the listeners, write the table."""
        now = self._now()
        changes = [change for each in self.supervised.values() for change in each.changes()]
        for change in changes:
            note = self.supervised[change.name].note
            self.say(f"{change.name}: {change.before} -> {change.state} {change.facts}{note and f' ({note})'}")
            for listener in self._listeners.values():
                listener.put(change)
        for name, listener in self._listeners.items():
            if name in self._children and (event := listener.take()) is not None:
                self._children[name].send(event)
        if changes or now - self._written_at >= WRITE_S:
            self._write(now)

    def _hear(self, now: float) -> None:
        """Wait for what the threads bring, until something is due."""
        due = [at for each in self.supervised.values() if (at := each.due()) is not None]
        wait_s = max(0.0, min([LOOK_S, *(at - now for at in due)]))
        with contextlib.suppress(queue.Empty):
            message = self._inbox.get(timeout=wait_s) if wait_s else self._inbox.get_nowait()
            self._take(message)
            while True:
                self._take(self._inbox.get_nowait())

    def _take(self, message: Said | Ended) -> None:
        name = message.child.program.name
        if self._children.get(name) is not message.child:
            return
        if isinstance(message, Ended):
            del self._children[name]
            self.supervised[name].exited(message.code, self._now())
            return
        try:
            self._listeners[name].said(message.raw)
        except ProtocolError as error:
            self.say(f"{name}: breaks the event protocol, killed: {error}")
            message.child.kill()

    def _write(self, now: float) -> None:
        wall = int(self._machine.now_ns() // NS)
        rows = [
            ProcessRow(name, str(each.state), each.pid, each.started_s, wall, each.note, each.restarts)
            for name, each in self.supervised.items()
        ]
        if self.control.write(rows):
            self._written_at = now

    def _now(self) -> float:
        return self._machine.now_ns() / NS

    # ------------------------------------------------------------------ what a runner before us left

    def _end_orphans(self) -> None:
        """Wait for services of this run that are still up, then kill them: they hold the locks ours need."""
        end = self._now() + ORPHAN_WAIT_S
        left = self._holders()
        while left and self._now() < end:
            self._machine.sleep(0.05)
            # Who was there at every look: somebody who only asks holds a lock for a moment.
            left = dict(left.items() & self._holders().items())
        for name, pid in left.items():
            self.say(f"{name}: process {pid} of another runner, killed")
            with contextlib.suppress(OSError):
                kill_pid(pid)

    def _holders(self) -> dict[str, int]:
        found = {}
        for name in self.supervised:
            path = self._run_folder / "locks" / f"{name}.lock"
            if not path.exists():
                continue
            lock = CopyLock(path)
            if lock.take():
                lock.release()
            elif lock.holder().isdigit():
                found[name] = int(lock.holder())
        return found
