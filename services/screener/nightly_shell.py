"""The nightly cycle's clock and hands: a scheduler thread looks at the schedule, a child process does a step.

apscheduler calls `Cycle.look` every half minute, never twice at a time; what is due comes from the pure `schedule`, so a
clock that jumps, a machine that slept or a process that was away change nothing. Reports wait in a queue for the loop.
"""

import json
import logging
import os
import queue
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from common.domain.calendar import NS, SHANGHAI, Calendar, hms
from common.domain.errors import UserError
from common.history.schema import CALENDAR_FILE
from common.history.store import read_table
from common.messages.kept import KeptNightly
from common.messages.outputs import Message
from common.runtime.config import Nightly
from services.screener.nightly import CycleNext, StartCycle, StepDone, StepFailed, after, failed_of, good_of
from services.screener.schedule import Due, Times, due, next_words

LOOK_S = 30
STEP_MAX_S = 4 * 3600
"""A step that takes longer hangs; a first download of 150 sessions takes minutes."""
Result = dict[str, Any]


class Worker(Protocol):
    """Does a step and returns its result as `nightly_job` prints it."""

    def do(self, step: Due) -> Result:
        """Do it; raises nothing."""

    def stop(self) -> None:
        """End what is being done."""


class Child:
    """Does steps in child processes, one at a time."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def do(self, step: Due) -> Result:
        """Run a step to its end."""
        command = [sys.executable, "-m", "services.screener.nightly_job", "--config", str(self._config)]
        command += ["--step", step.step.value, "--day", str(step.day)]
        # The child ends when this pipe is closed, which the system does for us however we end.
        reading, writing = os.pipe()
        try:
            self._process = subprocess.Popen(command, stdin=reading, stdout=subprocess.PIPE)
            if self._stopped:  # told to stop between the look and the start
                self._kill()
        except OSError as error:
            os.close(writing)
            return {"ok": False, "text": f"cannot start a process: {error}", "refused": False}
        finally:
            os.close(reading)
        try:
            out, _ = self._process.communicate(timeout=STEP_MAX_S)
        except subprocess.TimeoutExpired:
            self._kill()
            return {"ok": False, "text": f"took longer than {STEP_MAX_S} s and was ended", "refused": False}
        finally:
            os.close(writing)
        return result_of(out, self._process.returncode)

    def stop(self) -> None:
        """End the child that is running, and let no other one live."""
        self._stopped = True
        self._kill()

    def _kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def result_of(out: bytes, code: int) -> Result:
    """Return the result in the last line of a child's output; a child that died is a failure like any other."""
    lines = out.decode("utf-8", "replace").strip().splitlines()
    try:
        found = json.loads(lines[-1])
        return {"ok": bool(found["ok"]), "refused": bool(found.get("refused")), **found, "text": str(found["text"])}
    except (IndexError, ValueError, KeyError, TypeError):
        return {"ok": False, "text": f"the process ended with code {code} and no result; see the log", "refused": False}


class Cycle:
    """Looks at the schedule again and again, and does what is due."""

    def __init__(self, settings: Nightly, history: Path, worker: Worker, now_ns: Callable[[], int]) -> None:
        self._times = Times(hms(settings.close_at), hms(settings.open_at))
        self._history, self._worker, self._now_ns = history, worker, now_ns
        self._kept = KeptNightly()
        self._reports: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._next = ""
        self._scheduler: Any = None

    def perform(self, call: Message) -> Sequence[Message]:
        """Begin."""
        if isinstance(call, StartCycle):
            self._kept = call.kept
            self._schedule()
        return []

    def poll(self) -> Sequence[Message]:
        """Hand over what was done since the last time."""
        found: list[Message] = []
        while not self._reports.empty():
            found.append(self._reports.get())
        return found

    def look(self) -> None:
        """Do the step that is due, if there is one. Runs in the scheduler's thread, one at a time."""
        calendar = self._calendar()
        wanted = due(calendar, self._now_ns(), good_of(self._kept), failed_of(self._kept), self._times)
        if wanted is not None:
            self._say(f"{wanted.step.value} of {wanted.day} running")
            self._report(wanted, self._worker.do(wanted))
            calendar = self._calendar()
        self._say(next_words(calendar, self._now_ns(), good_of(self._kept), failed_of(self._kept), self._times))

    def close(self) -> None:
        """End the scheduler and what it is doing."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
        self._worker.stop()

    def _report(self, step: Due, result: Result) -> None:
        now_ns = self._now_ns()
        report: StepDone | StepFailed
        if result["ok"]:
            # A close step may find that the newest session is an earlier day than the one it was asked for.
            day = int(result.get("day", step.day))
            report = StepDone(step.step, day, now_ns, result["text"], str(result.get("note", "")))
        else:
            report = StepFailed(step.step, step.day, now_ns, result["text"], result["refused"])
        self._kept = after(self._kept, report)
        self._reports.put(report)

    def _say(self, text: str) -> None:
        if text != self._next:
            self._next = text
            self._reports.put(CycleNext(text))

    def _calendar(self) -> Calendar | None:
        try:
            return Calendar(read_table(self._history, CALENDAR_FILE)["day"].to_list())
        except UserError:
            return None  # none yet, or one that cannot be read: the download says what is wrong with it

    def _schedule(self) -> None:
        from apscheduler.executors.pool import ThreadPoolExecutor
        from apscheduler.schedulers.background import BackgroundScheduler

        # A step that takes longer than half a minute is no reason for a line every half minute.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(1)}, timezone=SHANGHAI, daemon=True
        )
        self._scheduler.add_job(
            self.look, "interval", seconds=LOOK_S, max_instances=1, coalesce=True, misfire_grace_time=None,
            next_run_time=datetime.fromtimestamp(self._now_ns() // NS, SHANGHAI),
        )  # fmt: skip
        self._scheduler.start()
