"""The shell that hosts a core: sockets, clock and disk in one loop of named steps.

A service's `__main__` makes its core and adapter and calls `host`. Each message goes to the core; what the core gives
back is committed first, in one transaction, and then carried out in order. Where a commit waits
for the disk, messages that are there already share one.
"""

import gc
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, TextIO

from common.bus.heartbeat import BEAT_NS, Liveness
from common.bus.links import Links
from common.bus.sockets import ORDER_BYTES_MAX
from common.messages.control import Beat, Status, StatusRequest
from common.messages.header import Role
from common.messages.outputs import (
    LOCAL,
    Adapter,
    Append,
    Core,
    Drop,
    Effect,
    Forget,
    Log,
    Message,
    Origin,
    Output,
    Publish,
    Reply,
    Request,
    Save,
    Tell,
)
from common.messages.topics import BEAT
from common.runtime.clock import SystemClock
from common.runtime.config import Config
from common.runtime.crash import EXIT_CRASHED, Moment, planned
from common.runtime.disk_watch import DiskWatch
from common.runtime.lock import CopyLock
from common.runtime.logs import make_logger
from common.runtime.reserve import JOURNAL_RESERVE_BYTES, OTHER_RESERVE_BYTES, Reserve
from common.runtime.rest import rest_due, rest_second
from common.runtime.run import EXIT_OK, StopFlag, new_run_id, rss_kib
from common.runtime.store import Call, Store
from common.runtime.version import code_version

POLL_MS_MAX = 200
GROUP_MAX = 64
"""Messages whose rows share one commit at most; nothing is waited for to make a group larger."""

HEAD_START_S = 0.000_05
"""Given to an answer, which a thread of the library sends once this one sleeps; real counters work elsewhere anyway."""


class ServiceSpec(NamedTuple):
    """What a service listens to and whom it asks."""

    name: str
    subscriptions: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    """Publisher to topics; its beats are heard as well."""
    peers: tuple[str, ...] = ()
    """Services it sends requests to."""
    full: bool = False
    """Wait for the disk at every commit: whoever knows what nobody else could tell it again (ADR 0025)."""
    bytes_max: int = ORDER_BYTES_MAX
    """Of a question's frame."""
    listen: str = ""
    """An address beside loopback at which it is asked and heard."""
    disk: str = ""
    """Folder of its store where that outlives the run; "" = the run's."""


class Shell:
    """One service: call `step` in a loop."""

    def __init__(
        self,
        core: Core,
        spec: ServiceSpec,
        config: Config,
        adapter: Adapter | None,
        run_id: str,
        log_to: TextIO | None = None,
    ) -> None:
        self.core, self.spec, self.config, self.adapter = core, spec, config, adapter
        self.run_id = run_id
        self.version = code_version()
        self._versions: dict[str, str] = {}
        """Of those whose beats are heard."""
        self._full: set[str] = set()
        """Those whose disk is full, by their own word."""
        self.log = make_logger(spec.name, config.system.log_level, log_to)
        self.clock = SystemClock()
        self.started_ns = self.clock.now_ns()
        folder = Path(spec.disk or config.system.run_dir)
        reserve = Reserve(folder / f"{spec.name}.reserve", JOURNAL_RESERVE_BYTES if spec.full else OTHER_RESERVE_BYTES)
        self.store = Store(folder / f"{spec.name}.db", full=spec.full, reserve=reserve)
        self.disk = DiskWatch(self.store)
        keys = Path(config.system.keys_dir)
        self.links = Links(
            spec.name, config.system.base_port, keys, run_id, self.clock.now_ns,
            bytes_max=spec.bytes_max, listen=spec.listen,
        )  # fmt: skip
        try:
            self.links.bind()
            self.links.check_doors()
            for publisher, topics in spec.subscriptions.items():
                self.links.subscribe(publisher, (*topics, BEAT))
            for peer in spec.peers:
                self.links.connect(peer)
            # An adapter that hears things on threads of its own wakes the loop through this.
            fileno: Callable[[], int] | None = getattr(adapter, "fileno", None)
            if fileno is not None:
                self.links.watch(fileno())
        except BaseException:
            self.close()
            raise
        self.liveness = Liveness(spec.subscriptions, self.started_ns)
        self._beat_ns = 0
        self._group: list[Call] = []
        """What is decided and not yet on disk; never left over when the loop sleeps."""
        self._crash = planned()
        self._later: bool = getattr(adapter, "answers_later", False)

    def start(self) -> None:
        """Recover from disk and begin: the same path after a clean end and after a crash."""
        # What is read here stays for ever: a collector that walks through it while it grows takes most of a start.
        gc.disable()
        try:
            rows, kept = self.store.load()
            self.core.restore(rows, kept)
        finally:
            gc.freeze()
            gc.enable()
        self.log.info("service started", run_id=self.run_id, rows=len(rows), kept=len(kept))
        self._carry_out(self.core.on_start(self.clock.now_ns()))

    def step(self, wait_ms: int = POLL_MS_MAX) -> None:
        """Go round once: door, questions, answers, facts, vendor, deadlines, disk, beat."""
        self.links.poll(min(wait_ms, self._idle_ms()))
        self.links.doorkeeper.step()
        self._questions()
        self._answers()
        self._facts()
        self._vendor()
        self._deadlines()
        self._disk()
        self._beat()

    # ------------------------------------------------------------------ the steps

    def _questions(self) -> None:
        for responder in (self.links.control, self.links.ask):
            for message, origin in responder.read():
                if isinstance(message, StatusRequest) and origin.token is not None:
                    responder.answer(origin.token, self.status())
                else:
                    self._handle(message, origin)
        self._flush()

    def _answers(self) -> None:
        for requester in self.links.requesters.values():
            for envelope, message in requester.read():
                origin = Origin(
                    requester.peer, Role.STRANGER, None, "", envelope.seq, envelope.correlation_id, envelope.cause_id,
                    envelope.trace,
                )  # fmt: skip
                self._handle(message, origin)
            self._flush()
            requester.resend()

    def _facts(self) -> None:
        now_ns = self.clock.now_ns()
        for subscriber in self.links.subscribers.values():
            for topic, envelope, message in subscriber.read():
                if self.liveness.heard(subscriber.publisher, now_ns):
                    self._peer(subscriber.publisher, up=True)
                if isinstance(message, Beat):
                    self._hear_beat(subscriber.publisher, message)
                    continue
                sent = envelope.trace
                trace = sent if sent.published_ns else sent._replace(published_ns=envelope.sent_ns)
                origin = Origin(
                    subscriber.publisher, Role.STRANGER, None, topic, envelope.seq, "", envelope.cause_id, trace
                )
                self._handle(message, origin)
        self._flush()
        for peer in self.liveness.gone(now_ns):
            self._peer(peer, up=False)
        for peer in self.liveness.long_silent(now_ns):
            self.links.reconnect(peer)

    def _vendor(self) -> None:
        poll: Callable[[], Sequence[Message]] | None = getattr(self.adapter, "poll", None)
        if poll is not None:
            for message in poll():
                self._handle(message, LOCAL)
            self._flush()

    def _deadlines(self) -> None:
        due_ns = self.core.next_deadline_ns()
        now_ns = self.clock.now_ns()
        if due_ns is not None and due_ns <= now_ns:
            self._carry_out(self.core.on_deadline(now_ns))

    def _disk(self) -> None:
        for line in self.disk.look(self.clock.now_ns()):
            self._one(line)
        self._tell_disk()

    def _tell_disk(self) -> None:
        """Let the core know that the disk is full, or has room again, before it decides anything more."""
        full = self.disk.news()
        if full is not None:
            self._tell_core("on_disk", full)

    def _beat(self) -> None:
        now_ns = self.clock.now_ns()
        if now_ns - self._beat_ns >= BEAT_NS:
            self._beat_ns = now_ns
            seqs, full = dict(self.links.publisher.seqs), self.disk.state == "full"
            self.links.publisher.send(BEAT, Beat(self.spec.name, seqs, self.version, full))
            if odd := self.links.complaints():
                self.log.warning("messages refused", **odd)

    def _peer(self, peer: str, *, up: bool) -> None:
        self.log.info("peer up" if up else "peer silent", peer=peer)
        self._tell_core("on_peer", peer, up)

    def _hear_beat(self, peer: str, beat: Beat) -> None:
        """Let the core know when a peer begins to run the same code as we do, or other code, and of its full disk."""
        if self._versions.get(peer) != beat.version:
            self._versions[peer] = beat.version
            self._tell_core("on_version", peer, beat.version == self.version)
        if beat.disk_full != (peer in self._full):
            (self._full.add if beat.disk_full else self._full.discard)(peer)
            self._tell_core("on_peer_disk", peer, beat.disk_full)

    def _tell_core(self, hook: str, *facts: object) -> None:
        """Tell a core that wants to know: one that has the method."""
        told: Callable[..., Sequence[Output]] | None = getattr(self.core, hook, None)
        if told is not None:
            self._carry_out(told(*facts, self.clock.now_ns()))

    def _idle_ms(self) -> int:
        """Return how long the loop may sleep before something is due."""
        now_ns = self.clock.now_ns()
        due = [self._beat_ns + BEAT_NS]
        deadline = self.core.next_deadline_ns()
        due += [deadline] if deadline is not None else []
        due += [at for requester in self.links.requesters.values() if (at := requester.due_ns()) is not None]
        return max(0, min(POLL_MS_MAX, (min(due) - now_ns + 999_999) // 1_000_000))

    # ------------------------------------------------------------------ carrying out

    def _handle(self, message: Message, origin: Origin) -> None:
        self._tell_disk()
        self._pass(Moment.READ, message)
        outputs = self.core.on_message(message, origin, self.clock.now_ns())
        if not outputs:
            return
        self._group.append(Call(outputs, origin.trace, message))
        if not self._may_wait(outputs):
            self._flush()

    def _may_wait(self, outputs: Sequence[Output]) -> bool:
        """Tell whether this may share a commit with what waits behind it: where commits cost, and nothing hangs on it.

        A broker within this process answers at once, and the next message must find its answer in the books.
        """
        if not self.spec.full or len(self._group) >= GROUP_MAX:
            return False
        if not any(isinstance(output, Append | Save | Drop) for output in outputs):
            return False
        return self._later or not any(isinstance(output, Effect) for output in outputs)

    def _carry_out(self, outputs: Sequence[Output]) -> None:
        if outputs:
            self._group.append(Call(outputs))
        while self._group:  # what an effect brings may be waiting after the first time
            self._flush()

    def _flush(self) -> None:
        """Commit what the messages that were waiting brought, all as one, then carry it out in the order it came."""
        if not self._group:
            return
        group, self._group = self._group, []
        for call in group:
            self._pass(Moment.DECIDED, call.message, call.outputs)
        if self.store.commit_all(group, self.clock.now_ns()):
            for call in group:
                self._pass(Moment.COMMITTED, call.message, call.outputs)
        # Whoever waits hears first. What others hear goes by other sockets, to which no order was ever promised.
        self._send_out(group, replies=True)
        if not self._later and {Reply, Effect} <= {type(output) for call in group for output in call.outputs}:
            time.sleep(HEAD_START_S)
        self._send_out(group, replies=False)
        for call in group:
            self._pass(Moment.SENT, call.message, call.outputs)

    def _send_out(self, group: Sequence[Call], *, replies: bool) -> None:
        for call in group:
            for output in call.outputs:
                if isinstance(output, Reply) is replies:
                    self._pass(Moment.CARRYING, call.message, (output,))
                    self._one(output)

    def _one(self, output: Output) -> None:
        match output:
            case Append() | Save() | Drop():
                pass  # committed already
            case Publish(topic, message, cause_id, trace):
                self.links.publisher.send(topic, message, cause_id, trace)
            case Request(peer, key, message, cause_id, trace):
                self.links.requesters[peer].ask(key, message, cause_id, trace)
            case Tell(peer, message):
                self.links.requesters[peer].tell(message)
            case Forget(key):
                for requester in self.links.requesters.values():
                    requester.forget(key)
            case Reply(token, message, trace):
                responder = self.links.control if token.link == "control" else self.links.ask
                responder.answer(token, message, trace)
            case Effect(call):
                if self.adapter is None:
                    raise TypeError(f"{self.spec.name} has no adapter for {type(call).__name__}")
                results = self.adapter.perform(call)
                self._pass(Moment.PERFORMED, None, (output,))
                for result in results:
                    self._handle(result, LOCAL)
            case Log(level, event, facts):
                getattr(self.log, level)(event, **facts)

    def _pass(self, moment: Moment, message: Message | None = None, outputs: Sequence[Output] = ()) -> None:
        if self._crash is not None and self._crash.dies(self.spec.name, moment, message, outputs):
            os._exit(EXIT_CRASHED)

    # ------------------------------------------------------------------ telling

    def status(self) -> Status:
        """Return how this service is: what its core says and what its sockets counted."""
        ready, state, numbers, words = self.core.status()  # type: ignore[attr-defined]  # every core here has it
        counted = {**self.links.counts(), "commits": self.store.commits, "disk_free_mib": self.disk.free_mib}
        counted |= {"pid": os.getpid(), "rss_kib": rss_kib()}
        words = {**words, **({"disk": self.disk.state} if self.disk.state != "ok" else {})}
        return Status(
            self.spec.name, ready, state, self.version, self.run_id, self.started_ns, {**numbers, **counted}, words
        )

    def close(self) -> None:
        """Let go of sockets, disk and what the adapter holds."""
        close: Callable[[], None] | None = getattr(self.adapter, "close", None)
        if close is not None:
            close()
        self.links.close()
        self.store.close()


def host(
    core: Core,
    spec: ServiceSpec,
    config: Config,
    adapter: Adapter | None = None,
    *,
    log_to: TextIO | None = None,
    stop: StopFlag | None = None,
) -> int:
    """Run a service until it is told to stop; returns the exit code."""
    stop = (stop or StopFlag()).install()
    lock = CopyLock(Path(config.system.run_dir) / "locks" / f"{spec.name}.lock")

    def waiting(holder: str) -> None:
        print(
            f"pankou: {spec.name} runs already (process {holder}); waiting for it to end", file=sys.stderr, flush=True
        )

    if not lock.wait(waiting, stop.is_set):
        return EXIT_OK
    shell = Shell(core, spec, config, adapter, new_run_id(), log_to)
    rest_s = rest_second(config.system.restart_at)
    try:
        shell.start()
        while not stop.is_set():
            shell.step()
            if rest_due(shell.started_ns, shell.clock.now_ns(), rest_s):
                shell.log.info("resting: ends here to be started again")
                stop.now()
    finally:
        shell.close()
        lock.release()
    return EXIT_OK
