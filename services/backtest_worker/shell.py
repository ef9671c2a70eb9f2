"""The shell of a worker: a client of the queue and of nobody else, so that it runs wherever the queue can be reached.

It binds nothing, keeps nothing on disk, and its loop only talks: what takes time is done in a process of its own.
"""

import gc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import zmq

from common.bus import sockets
from common.bus.curve import load_pair, load_public
from common.bus.endpoints import QUEUE, address
from common.bus.heartbeat import DOWN_NS
from common.bus.requester import Requester
from common.bus.sockets import Curve, dealer
from common.bus.subscriber import Subscriber
from common.domain.errors import UserError
from common.messages.header import Role
from common.messages.outputs import LOCAL, Effect, Forget, Log, Message, Origin, Output, Request
from common.messages.topics import BEAT, WORK
from common.runtime.clock import SystemClock
from common.runtime.logs import make_logger
from services.backtest_worker.adapters.process import Process
from services.backtest_worker.core import WorkerCore

IDENTITY = "backtest_worker"
POLL_MS_MAX = 200


class Place(NamedTuple):
    """Where the queue is."""

    ask: str
    pub: str


def local_place(base_port: int) -> Place:
    """Return the queue of a run on this machine."""
    return Place(address(base_port, QUEUE, "ask"), address(base_port, QUEUE, "pub"))


def far_place(endpoint: str) -> Place:
    """Return the queue at tcp://HOST:PORT, the port of its `ask` socket; it speaks on the one below."""
    head, colon, number = endpoint.rpartition(":")
    if not endpoint.startswith("tcp://") or not colon or not number.isdigit() or not 1 < int(number) < 65_536:
        raise UserError(f"--endpoint {endpoint}: write it as tcp://HOST:PORT, the port of the queue's ask socket")
    return Place(endpoint, f"{head}:{int(number) - 1}")


class WorkerShell:
    """One worker: call `step` in a loop."""

    def __init__(self, core: WorkerCore, process: Process, place: Place, keys: Path, log_level: str = "info") -> None:
        self.core, self.process, self._place = core, process, place
        self.clock = SystemClock()
        self.log = make_logger(core.worker, log_level, None)
        self._context: zmq.Context[Any] = zmq.Context()
        curve = Curve(load_pair(keys, IDENTITY), load_public(keys, QUEUE))
        self._asked = dealer(self._context, place.ask, curve)
        self._heard = sockets.subscriber(self._context, place.pub, (WORK, BEAT), curve)
        self.requester = Requester(self._asked, QUEUE, IDENTITY, core.session, self.clock.now_ns, place.ask)
        self.subscriber = Subscriber(self._heard, QUEUE, plain=False)
        self._poller = zmq.Poller()
        self._poller.register(self._asked, zmq.POLLIN)
        self._poller.register(self._heard, zmq.POLLIN)
        self._watched: int | None = None
        self._heard_ns = self.clock.now_ns()
        gc.freeze()

    def start(self) -> None:
        """Say that we are there."""
        self.log.info("worker started", session=self.core.session, queue=self._place.ask)
        self._carry_out(self.core.on_start(self.clock.now_ns()))

    def step(self, wait_ms: int = POLL_MS_MAX) -> None:
        """Go round once: answers, words of the queue, the process, deadlines."""
        self._watch()
        self._poller.poll(min(wait_ms, self._idle_ms()))
        for envelope, message in self.requester.read():
            self._heard_ns = self.clock.now_ns()
            self._take(message, Origin(QUEUE, Role.STRANGER, correlation_id=envelope.correlation_id))
        for _, _, message in self.subscriber.read():
            self._heard_ns = self.clock.now_ns()
            self._take(message, LOCAL)
        for message in self.process.poll():
            self._take(message, LOCAL)
        now_ns = self.clock.now_ns()
        due_ns = self.core.next_deadline_ns()
        if due_ns is not None and due_ns <= now_ns:
            self._carry_out(self.core.on_deadline(now_ns))
        if now_ns - self._heard_ns > DOWN_NS:
            self._heard_ns = now_ns
            sockets.reconnect(self._heard, self._place.pub)
        self.requester.resend()

    def run(self, stopped: Callable[[], bool]) -> None:
        """Work until told to stop."""
        self.start()
        while not stopped():
            self.step()

    def _watch(self) -> None:
        """Wake up when the process says something; its pipe is another one after each of its deaths."""
        number = self.process.fileno()
        if number != self._watched:
            if self._watched is not None:
                self._poller.unregister(self._watched)
            if number is not None:
                self._poller.register(number, zmq.POLLIN)
            self._watched = number

    def _idle_ms(self) -> int:
        due = [at for at in (self.core.next_deadline_ns(), self.requester.due_ns()) if at is not None]
        return max(0, (min(due, default=0) - self.clock.now_ns() + 999_999) // 1_000_000)

    def _take(self, message: Message, origin: Origin) -> None:
        self._carry_out(self.core.on_message(message, origin, self.clock.now_ns()))

    def _carry_out(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            match output:
                case Request(_, key, message, cause_id, trace):
                    self.requester.ask(key, message, cause_id, trace)
                case Forget(key):
                    self.requester.forget(key)
                case Effect(call):
                    for result in self.process.perform(call):
                        self._take(result, LOCAL)
                case Log(level, event, facts):
                    getattr(self.log, level)(event, **facts)

    def close(self) -> None:
        """Let go of the process and the sockets."""
        self.process.close()
        self._context.destroy(linger=0)
