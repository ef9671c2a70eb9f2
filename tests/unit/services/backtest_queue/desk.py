"""The queue's core without sockets and disk: what it would commit is kept, so that a restart reads it back."""

from common.messages.backtests import (
    JobDone,
    JobList,
    JobRow,
    JobsRequest,
    JobsTaken,
    JobState,
    Lease,
    SubmitJobs,
    Work,
    WorkRequest,
)
from common.messages.header import Role
from common.messages.outputs import LOCAL, Drop, Effect, Message, Origin, Output, Reply, Save, Token
from services.backtest_queue.calls import FilesRead, LookedUp, LookUp, ReadFiles, ResultStored, StoreResult
from services.backtest_queue.core import QueueCore
from tests.farm.toy import encoded, files_of_toy, toy

SECOND = 1_000_000_000
LEASE_NS = 10 * SECOND
TOKEN = Token("ask", b"\x00route", "q")


class Desk:
    """One queue, its disk, its folder of results, and the time."""

    def __init__(self, waiting_max: int = 1_000) -> None:
        self.waiting_max = waiting_max
        self.kept: dict[str, Message] = {}
        self.results: dict[str, dict[str, bytes]] = {}
        self.damaged: set[str] = set()
        self.no_room = False
        self.now_ns = SECOND
        self.said: list[Output] = []
        self.core = QueueCore(waiting_max, LEASE_NS)
        self.do(self.core.on_start(self.now_ns))

    def restart(self) -> None:
        """Die and come back with what is on disk."""
        self.core = QueueCore(self.waiting_max, LEASE_NS)
        self.core.restore([], dict(sorted(self.kept.items())))
        self.do(self.core.on_start(self.now_ns))

    def do(self, outputs: object) -> list[Message]:
        """Commit and carry out; returns the answers."""
        answers: list[Message] = []
        todo = list(outputs)  # type: ignore[call-overload]  # a sequence of outputs
        for output in todo:
            if isinstance(output, Save):
                self.kept[output.key] = output.record
            elif isinstance(output, Drop):
                self.kept.pop(output.key, None)
        self.said += todo
        for output in todo:
            if isinstance(output, Reply):
                answers.append(output.message)
            elif isinstance(output, Effect):
                answers += self.do(self.core.on_message(self._perform(output.call), LOCAL, self.now_ns))
        return answers

    def _perform(self, call: Message) -> Message:
        match call:
            case LookUp(question, keys):
                bad = tuple(key for key in keys if key in self.damaged)
                for key in bad:
                    self.results.pop(key, None)
                return LookedUp(question, tuple(key for key in keys if key in self.results), bad)
            case StoreResult(key, files):
                if self.no_room:
                    return ResultStored(key, "no space left", full=True)
                self.results[key] = dict(files)
                return ResultStored(key)
            case ReadFiles(key, token):
                found = self.results.get(key)
                return FilesRead(key, token, found or {}, "" if found else "there is none")
        raise TypeError(call)

    def ask(self, message: Message, role: Role = Role.OPERATOR) -> Message:
        """Ask and return the answer."""
        answers = self.do(self.core.on_message(message, Origin("who", role, TOKEN), self.now_ns))
        assert len(answers) == 1, answers
        return answers[0]

    def submit(self, *numbers: int, priority: int = 0, batch: str = "", **made: int) -> list[str]:
        tasks = tuple(encoded(toy(number, **made)) for number in numbers)
        taken = self.ask(SubmitJobs(tasks, priority, batch))
        assert isinstance(taken, JobsTaken), taken
        return list(taken.keys)

    def work(self, worker: "Hand", room: int = 1, running: str = "", done: int = 0) -> list[Lease]:
        """Let a worker ask; returns what it gets."""
        worker.turn += 1
        return self.again(worker, room, running, done)

    def again(self, worker: "Hand", room: int = 1, running: str = "", done: int = 0) -> list[Lease]:
        """Let it ask the same once more."""
        asked = WorkRequest(worker.name, worker.session, worker.turn, tuple(worker.held), room, running, done, 4, 0)
        answer = self.ask(asked)
        assert isinstance(answer, Work), answer
        worker.gone = list(answer.gone)
        return list(answer.leases)

    def done(self, worker: "Hand", key: str, fault: str = "", died: bool = False) -> Message:
        """Let a worker tell of a job."""
        number = self.row(key).params["number"]
        files = {} if fault else files_of_toy(toy(number))
        return self.ask(JobDone(worker.name, worker.session, key, files, fault, died, 48))

    def row(self, key: str) -> JobRow:
        answer = self.ask(JobsRequest(key=key))
        assert isinstance(answer, JobList)
        (row,) = answer.rows
        return row

    def state(self, key: str) -> JobState:
        return JobState(self.row(key).state)

    def wait(self, seconds: float) -> None:
        """Let time pass, and what is due happen."""
        self.now_ns += round(seconds * SECOND)
        due_ns = self.core.next_deadline_ns()
        if due_ns is not None and due_ns <= self.now_ns:
            self.do(self.core.on_deadline(self.now_ns))


class Hand:
    """A worker as the queue knows it."""

    def __init__(self, name: str, session: str = "s1") -> None:
        self.name, self.session = name, session
        self.turn = 0
        self.held: list[str] = []
        self.gone: list[str] = []
