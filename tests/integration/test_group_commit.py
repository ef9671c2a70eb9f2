"""A shell on real sockets: messages that wait share a commit, nothing is said before it, effects keep their place."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from common.bus.curve import load_pair, load_public, make_missing_keys
from common.bus.endpoints import address
from common.bus.sockets import Curve, Socket, dealer
from common.domain.errors import DiskError
from common.messages.codec import decode, encode_body, encode_envelope
from common.messages.control import PushAck, Status
from common.messages.header import Envelope, Trace
from common.messages.orders import CancelRequest, Journalled
from common.messages.outputs import Append, Effect, Message, Origin, Output, Reply
from common.runtime import service
from common.runtime.config import Config, System
from common.runtime.service import GROUP_MAX, ServiceSpec, Shell
from common.runtime.store import read_rows
from tests.e2e.rig import free_base_port


class Keeper:
    """Writes down every cancel; with `effects` it hands each to the adapter as well, whose answer is a row of its own."""

    def __init__(self, effects: bool = False) -> None:
        self.effects = effects
        self.done: list[str] = []
        self.disk: list[bool] = []

    def restore(self, rows: Sequence[Message], kept: dict[str, Message]) -> None:
        self.rows = list(rows)

    def on_start(self, now_ns: int) -> Sequence[Output]:
        return []

    def on_message(self, message: Message, origin: Origin, now_ns: int) -> Sequence[Output]:
        if isinstance(message, PushAck):
            self.done.append(f"answer {message.consumer}")
            return [Append(message)]
        assert isinstance(message, CancelRequest)
        assert origin.token is not None
        self.done.append(f"decide {message.key}")
        told: list[Output] = [Append(message), Reply(origin.token, Journalled(message.key, message.coid))]
        return [*told, Effect(message)] if self.effects else told

    def on_disk(self, full: bool, now_ns: int) -> Sequence[Output]:
        self.disk.append(full)
        return []

    def on_deadline(self, now_ns: int) -> Sequence[Output]:
        return []

    def next_deadline_ns(self) -> int | None:
        return None

    def status(self) -> tuple[bool, str, dict[str, int], dict[str, str]]:
        return True, "ready", {}, {"why": "none"}


class Vendor:
    """Does it and answers at once, or later."""

    def __init__(self, core: Keeper, later: bool) -> None:
        self.core, self.answers_later = core, later
        self.waiting: list[Message] = []

    def perform(self, call: Message) -> Sequence[Message]:
        assert isinstance(call, CancelRequest)
        self.core.done.append(f"effect {call.key}")
        answer = PushAck(call.key, 1)
        if not self.answers_later:
            return [answer]
        self.waiting.append(answer)
        return []

    def poll(self) -> Sequence[Message]:
        found, self.waiting = self.waiting, []
        return found


class Door:
    """A shell of a gateway that is stepped by hand, and an operator's socket."""

    def __init__(self, folder: Path) -> None:
        keys = folder / "keys"
        make_missing_keys(keys)
        self.system = System(
            base_port=free_base_port(), run_dir=str(folder / "run"), keys_dir=str(keys), log_level="error"
        )
        self.core = Keeper()
        self.shell: Shell | None = None
        self.asking: Socket | None = None

    def open(self, effects: bool = False, later: bool = False) -> Shell:
        self.core = Keeper(effects)
        adapter = Vendor(self.core, later) if effects else None
        self.shell = Shell(self.core, ServiceSpec("order_gateway", full=True), Config(system=self.system), adapter, "r")
        self.shell.start()
        keys = Path(self.system.keys_dir)
        curve = Curve(load_pair(keys, "cli"), load_public(keys, "order_gateway"))
        self.asking = dealer(self.shell.links._context, address(self.system.base_port, "order_gateway", "ask"), curve)
        for _ in range(100):
            self.shell.step(20)
            if self.asking.poll(0, 2):
                break
        return self.shell

    def ask(self, count: int) -> None:
        """Send so many cancels and let them arrive."""
        assert self.asking is not None
        for number in range(count):
            body = CancelRequest(f"k{number}", "c")
            trace = Trace(decided_ns=7, approved_ns=9)
            envelope = Envelope(1, "CancelRequest", "cli", "r", number, 0, f"k{number}", "", trace)
            self.asking.send_multipart([encode_envelope(envelope), encode_body(body)])
        time.sleep(0.2)

    def answers(self) -> list[str]:
        assert self.asking is not None
        found = []
        while self.asking.poll(200):
            found.append(decode(*self.asking.recv_multipart())[0].correlation_id)
        return found


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    made = Door(tmp_path)
    yield made
    if made.shell is not None:
        made.shell.close()


def test_what_waits_is_written_as_one_and_answered_in_order(door: Door) -> None:
    shell = door.open()
    door.ask(GROUP_MAX + 10)
    before = shell.store.commits
    for _ in range(3):
        shell.step(0)
    assert shell.store.commits - before <= 3
    assert door.answers() == [f"k{number}" for number in range(GROUP_MAX + 10)]
    rows = read_rows(shell.store.path).rows
    assert [row.record.key for row in rows] == [f"k{number}" for number in range(GROUP_MAX + 10)]  # type: ignore[union-attr]  # cancels
    assert {(row.trace.decided_ns, row.trace.approved_ns) for row in rows} == {(7, 9)}
    assert all(row.at_ns > 0 for row in rows)


def test_a_broker_that_answers_at_once_is_waited_for(door: Door) -> None:
    shell = door.open(effects=True)
    door.ask(3)
    before = shell.store.commits
    for _ in range(3):
        shell.step(0)
    assert door.core.done == [f"{what} k{n}" for n in range(3) for what in ("decide", "effect", "answer")]
    assert shell.store.commits - before <= 4, "an answer shares the commit of the next order"
    assert len(read_rows(shell.store.path).rows) == 6


def test_a_broker_that_answers_later_gets_what_waited_as_one(door: Door) -> None:
    shell = door.open(effects=True, later=True)
    door.ask(5)
    before = shell.store.commits
    for _ in range(4):
        shell.step(0)
    assert door.core.done == [f"{what} k{n}" for what in ("decide", "effect", "answer") for n in range(5)]
    assert shell.store.commits - before <= 4


@pytest.mark.parametrize(("later", "slept"), [(False, 3), (True, 0)])
def test_answers_get_a_head_start_on_a_broker_that_works_in_this_process(
    door: Door, monkeypatch: pytest.MonkeyPatch, later: bool, slept: int
) -> None:
    shell = door.open(effects=True, later=later)
    door.ask(3)
    monkeypatch.setattr(service, "time", SimpleNamespace(sleep=lambda s: door.core.done.append(f"sleep {s:g}")))
    for _ in range(3):
        shell.step(0)
    starts = [at for at, what in enumerate(door.core.done) if what == f"sleep {service.HEAD_START_S:g}"]
    assert len(starts) == slept
    assert all(door.core.done[at + 1].startswith("effect") for at in starts)


def test_nothing_is_said_of_a_commit_that_failed(door: Door) -> None:
    shell = door.open()
    door.ask(5)
    shell.store._db.execute("PRAGMA query_only=1")
    with pytest.raises(DiskError, match="attempt to write a readonly database"):
        shell._questions()
    assert door.answers() == []
    assert read_rows(shell.store.path).rows == []


def test_the_core_hears_of_a_full_disk_before_the_next_message(door: Door) -> None:
    shell = door.open()
    assert door.core.disk == []
    shell.store.disk_full = True
    door.ask(1)
    status = shell.status()
    assert isinstance(status, Status)
    assert status.words == {"why": "none", "disk": "full"}
    shell._questions()
    assert door.core.disk == [True]
    assert door.answers() == ["k0"]
    for _ in range(2):
        shell.disk._next_ns = 0
        shell.step(0)
    assert door.core.disk == [True, False], "there is room: the reserve is taken again"
    assert "disk" not in shell.status().words
