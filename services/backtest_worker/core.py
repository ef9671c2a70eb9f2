"""A worker: asks for leases, runs them one after the other, tells what came of each until the queue has it. Pure.

It holds more than it runs only where jobs are short, so that none waits for an answer of the queue; whoever has long
ones leaves the rest to others.
"""

from collections.abc import Mapping, Sequence

from common.messages.backtests import RESULT_BYTES_MAX, JobDone, JobStored, JobsWaiting, Work, WorkRequest
from common.messages.outputs import Effect, Forget, Log, Message, Origin, Output, Request
from services.backtest_worker.calls import RunTask, StopTask, TaskMoved, TaskRan

QUEUE = "backtest_queue"
BEAT_NS = 500_000_000
IDLE_NS = 1_000_000_000
AHEAD_S = 0.25
"""Work to hold in advance, in seconds of it."""
AHEAD_MAX = 48
LONG_NS = 1_000_000_000
"""A job that runs for longer keeps nobody waiting behind it: what is held besides goes back."""
UNHEARD_BYTES_MAX = 24 << 20
"""Of results that the queue has not yet: beyond it no further job is begun."""
STALL_NS = 900_000_000_000
"""A job that plays no session for so long hangs; the first one compiles its rule."""
SLOWER = 0.2
"""Weight of the newest job in the mean of seconds."""
FAULT_MAX = 4_000


class WorkerCore:
    """One worker."""

    def __init__(self, worker: str, session: str) -> None:
        self.worker, self.session = worker, session
        self._turn = 0
        self._asking = ""
        """Key of the question that has no answer yet."""
        self._ask_at_ns = 0
        self._waiting: dict[str, bytes] = {}
        """Leases not begun, in their order."""
        self.running = ""
        self._moved = TaskMoved("", 0, 0)
        self._moved_ns = 0
        self._unheard: dict[str, int] = {}
        """Results that have no answer, and their sizes."""
        self._mean_s = 1.0
        self._begun_ns = 0
        self.ran = 0

    # ------------------------------------------------------------------ life

    def restore(self, rows: Sequence[Message], kept: Mapping[str, Message]) -> None:
        """Take nothing back: what was held is the queue's to give again."""

    def on_start(self, now_ns: int) -> Sequence[Output]:
        """Say that we are there."""
        return self._ask(now_ns)

    def next_deadline_ns(self) -> int | None:
        """Return when the queue is to hear of us again."""
        return self._ask_at_ns

    def on_deadline(self, now_ns: int) -> Sequence[Output]:
        """Let the queue know how far we are; end what hangs."""
        if self._asking:  # the requester repeats it
            self._ask_at_ns = now_ns + BEAT_NS
            return []
        if self.running and now_ns - self._moved_ns > STALL_NS:
            self._moved_ns = now_ns
            return [
                Log("error", "job hangs", {"key": self.running}),
                Effect(StopTask(self.running)),
                *self._ask(now_ns),
            ]
        return self._ask(now_ns)

    def on_message(self, message: Message, origin: Origin, now_ns: int) -> Sequence[Output]:
        """Handle what the queue or the process says."""
        match message:
            case Work():
                return self._on_work(message, now_ns)
            case JobStored():
                self._unheard.pop(message.key, None)
                return self._go_on(now_ns)
            case TaskRan():
                return self._on_ran(message, now_ns)
            case TaskMoved() if message.key == self.running:
                self._moved, self._moved_ns = message, now_ns
                return []
            case JobsWaiting() if message.waiting and self._room(now_ns) and not self._asking:
                return self._ask(now_ns)
            case _:
                return []

    # ------------------------------------------------------------------ leases

    def _room(self, now_ns: int) -> int:
        if self._is_long(now_ns) or sum(self._unheard.values()) > UNHEARD_BYTES_MAX:
            return 0
        ahead = min(AHEAD_MAX, int(AHEAD_S / max(self._mean_s, 1e-6)))
        return max(0, 1 + ahead - len(self._waiting) - bool(self.running))

    def _is_long(self, now_ns: int) -> bool:
        return bool(self.running) and now_ns - self._begun_ns > LONG_NS

    def _ask(self, now_ns: int) -> list[Output]:
        """Ask for work with everything that we hold; that is our beat too. What we do not name is the queue's again."""
        self._turn += 1
        if self._is_long(now_ns):
            self._waiting.clear()
        held = (*self._unheard, *([self.running] if self.running else []), *self._waiting)
        self._asking = f"work|{self.session}|{self._turn}"
        self._ask_at_ns = now_ns + (BEAT_NS if held else IDLE_NS)
        told = WorkRequest(
            self.worker, self.session, self._turn, held, self._room(now_ns), self.running, self._moved.done,
            self._moved.total, self._moved.bars,
        )  # fmt: skip
        return [Request(QUEUE, self._asking, told)]

    def _on_work(self, work: Work, now_ns: int) -> Sequence[Output]:
        self._asking = ""
        out: list[Output] = []
        for key in work.gone:
            self._waiting.pop(key, None)
            if key in self._unheard:
                del self._unheard[key]
                out.append(Forget(_done_key(self.session, key)))
            if key == self.running:
                out.append(Effect(StopTask(key)))
        mine = {*self._unheard, self.running}
        self._waiting.update((lease.key, lease.task) for lease in work.leases if lease.key not in mine)
        return [*out, *self._go_on(now_ns)]

    def _go_on(self, now_ns: int) -> list[Output]:
        """Begin the next lease, and ask for more when half of what may be held is gone."""
        out: list[Output] = []
        if not self.running and self._waiting and sum(self._unheard.values()) <= UNHEARD_BYTES_MAX:
            self.running = next(iter(self._waiting))
            self._moved, self._moved_ns = TaskMoved(self.running, 0, 0), now_ns
            self._begun_ns = now_ns
            out.append(Effect(RunTask(self.running, self._waiting.pop(self.running))))
        return out

    # ------------------------------------------------------------------ results

    def _on_ran(self, ran: TaskRan, now_ns: int) -> Sequence[Output]:
        if ran.key != self.running:
            return []
        self.running = ""
        self.ran += 1
        files, fault = ran.files, ran.fault[:FAULT_MAX]
        size = sum(len(data) for data in files.values())
        if size > RESULT_BYTES_MAX:
            files, fault = {}, f"its result has {size >> 20} MiB, more than {RESULT_BYTES_MAX >> 20}: shorten the days"
        if not ran.died:
            self._mean_s += SLOWER * (ran.seconds - self._mean_s)
        self._unheard[ran.key] = size
        told = JobDone(self.worker, self.session, ran.key, files if not fault else {}, fault, ran.died, ran.bars)
        out: list[Output] = [*self._go_on(now_ns), Request(QUEUE, _done_key(self.session, ran.key), told)]
        if not self._asking and self._room(now_ns) > len(self._waiting):
            out += self._ask(now_ns)
        return out

    def status(self) -> tuple[bool, str, dict[str, int], dict[str, str]]:
        """Report what is run."""
        numbers = {"ran": self.ran, "held": len(self._waiting), "unheard": len(self._unheard)}
        return True, "working" if self.running else "idle", numbers, {"running": self.running}


def _done_key(session: str, key: str) -> str:
    return f"done|{session}|{key}"
