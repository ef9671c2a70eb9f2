"""The watchdog: silence to a kill, crash loops and FATAL to a cause for the trading state. Pure.

It keeps nothing on disk: after a start it asks supervisord for everything and gives everybody time to be heard.
"""

from collections import deque
from collections.abc import Mapping, Sequence

from common.messages.control import ServiceTrouble
from common.messages.outputs import Effect, Forget, Log, Message, Origin, Output, Request
from services.watchdog.calls import Killed, KillHung, ProcessChanged, ProcessState, ProcessTable, ReadTable

RISK = "risk_manager"
SECOND_NS = 1_000_000_000
KILL_AFTER_DOWN_NS = 5 * SECOND_NS
"""The shell calls a peer down after 3 s of silence: 8 s in all."""
START_NS = 10 * SECOND_NS
"""Time to the first beat of a process."""
POLL_NS = 5 * SECOND_NS
WINDOW_NS = 60 * SECOND_NS
RESTARTS_MAX = 5
"""Restarts within a minute that are still no crash loop."""
LATE_NS = 2 * SECOND_NS
"""Our own deadline missed by this much: it was we who stood still, so nobody is judged by that time."""
FATAL = frozenset({"FATAL", "UNKNOWN"})
STARTING, STOPPED = "STARTING", "STOPPED"


class WatchdogCore:
    """Watches services by their beats and by what supervisord says."""

    def __init__(self, services: Sequence[str], apart: Sequence[str] = ()) -> None:
        """`apart`: services that are watched and killed like the others, and without which trading goes on."""
        self._services = tuple(services)
        self._apart = frozenset(apart)
        self._kill_at_ns: dict[str, int] = {}
        """Services that are silent, or have not been heard since their start, and when they are killed."""
        self._up: set[str] = set()
        """Services whose beats are heard: a start of theirs is no silence, and who falls silent is told anew."""
        self._starts: dict[str, deque[int]] = {name: deque() for name in services}
        """Wall times in ns of our clock at which a restart was seen, of the last minute."""
        self._started_s: dict[str, int] = {}
        self._states: dict[str, str] = {}
        self._told: dict[str, str] | None = None
        """Causes as risk was told them last; None: it has to be told anew."""
        self._asks = 0
        self._poll_at_ns = 0
        self.kills = 0

    # ------------------------------------------------------------------ life

    def restore(self, rows: Sequence[Message], kept: Mapping[str, Message]) -> None:
        """Take nothing back."""

    def on_start(self, now_ns: int) -> Sequence[Output]:
        """Ask how everybody is."""
        self._kill_at_ns = dict.fromkeys(self._services, now_ns + START_NS)
        self._poll_at_ns = now_ns + POLL_NS
        return [Effect(ReadTable())]

    def on_message(self, message: Message, origin: Origin, now_ns: int) -> Sequence[Output]:
        """Take what supervisord, the machine or the risk manager says."""
        match message:
            case ProcessChanged():
                return self._on_changed(message, now_ns)
            case ProcessTable():
                return self._on_table(message, now_ns)
            case Killed():
                return self._on_killed(message)
            case _:
                return []

    def on_peer(self, peer: str, up: bool, now_ns: int) -> Sequence[Output]:
        """Note a beat after silence, or the beginning of silence."""
        if up:
            self._up.add(peer)
            self._kill_at_ns.pop(peer, None)
            if peer != RISK:
                return []
            self._told = None  # it may be a new one, which knows nothing
            return self._tell(now_ns)
        self._up.discard(peer)
        starts = self._starts.get(peer)
        started_ns = starts[-1] + START_NS if starts else 0
        self._kill_at_ns[peer] = max(now_ns + KILL_AFTER_DOWN_NS, started_ns)
        return []

    # ------------------------------------------------------------------ time

    def next_deadline_ns(self) -> int | None:
        """Return when somebody is to be killed, supervisord is to be asked, or a restart is a minute old."""
        old = [starts[0] + WINDOW_NS for starts in self._starts.values() if len(starts) > RESTARTS_MAX]
        return min([self._poll_at_ns, *self._kill_at_ns.values(), *old])

    def on_deadline(self, now_ns: int) -> Sequence[Output]:
        """Do what is due."""
        if now_ns - (self.next_deadline_ns() or now_ns) >= LATE_NS:
            again = now_ns + KILL_AFTER_DOWN_NS
            self._kill_at_ns = {name: max(at, again) for name, at in self._kill_at_ns.items()}
        outputs: list[Output] = []
        for name in [name for name, at in self._kill_at_ns.items() if at <= now_ns]:
            self._kill_at_ns[name] = now_ns + START_NS
            outputs.append(Effect(KillHung(name)))
        if self._poll_at_ns <= now_ns:
            self._poll_at_ns = now_ns + POLL_NS
            outputs.append(Effect(ReadTable()))
        return [*outputs, *self._tell(now_ns)]

    # ------------------------------------------------------------------ supervisord

    def _on_changed(self, change: ProcessChanged, now_ns: int) -> list[Output]:
        if change.name not in self._starts:
            return []
        self._states[change.name] = change.state
        if change.state == STARTING:
            if change.before == STOPPED:  # the first start, or a person's; told late, when it may be heard already
                self._expect(change.name, now_ns)
            else:
                self._restarted(change.name, now_ns)
        return self._tell(now_ns)

    def _on_table(self, table: ProcessTable, now_ns: int) -> list[Output]:
        for process in table.processes:
            if process.name in self._starts:
                self._take(process, now_ns)
        return self._tell(now_ns)

    def _take(self, process: ProcessState, now_ns: int) -> None:
        self._states[process.name] = process.state
        before = self._started_s.get(process.name)
        self._started_s[process.name] = process.started_s
        heard_of = bool(self._starts[process.name]) and now_ns - self._starts[process.name][-1] < 2 * POLL_NS
        if before is not None and process.started_s > before and not heard_of:
            self._restarted(process.name, now_ns)  # its event was dropped

    def _restarted(self, name: str, now_ns: int) -> None:
        self._starts[name].append(now_ns)
        self._expect(name, now_ns)

    def _expect(self, name: str, now_ns: int) -> None:
        """Wait for the first beat of a service that starts, unless its beats are heard already."""
        if name not in self._up:
            self._kill_at_ns[name] = now_ns + START_NS

    def _on_killed(self, killed: Killed) -> list[Output]:
        if not killed.pid:
            return []
        self.kills += 1
        return [Log("error", "silent process killed", {"service": killed.service, "pid": killed.pid})]

    # ------------------------------------------------------------------ telling

    def causes(self, now_ns: int) -> dict[str, str]:
        """Return what is wrong with whom."""
        found = {}
        for name, starts in self._starts.items():
            while starts and now_ns - starts[0] >= WINDOW_NS:
                starts.popleft()
            if name in self._apart:
                continue
            if self._states.get(name) in FATAL:
                found[name] = f"{name} is {self._states[name]}: supervisord has given it up"
            elif len(starts) > RESTARTS_MAX:
                found[name] = f"{name} was restarted more than {RESTARTS_MAX} times within a minute"
        return found

    def _tell(self, now_ns: int) -> list[Output]:
        causes = self.causes(now_ns)
        if causes == self._told:
            return []
        forget: list[Output] = [Forget(self._key())] if self._asks else []
        self._asks += 1
        self._told = causes
        level = "warning" if causes else "info"
        told = Log(level, "service trouble told", {"causes": "; ".join(causes.values()) or "none"})
        return [*forget, Request(RISK, self._key(), ServiceTrouble(causes)), told]

    def _key(self) -> str:
        return f"trouble|{self._asks}"

    def status(self) -> tuple[bool, str, dict[str, int], dict[str, str]]:
        """Report who is silent, who was killed, what risk was told."""
        numbers = {"watched": len(self._services), "kills": self.kills}
        numbers.update({f"restarts_{name}": len(starts) for name, starts in self._starts.items() if starts})
        words = {"causes": "; ".join((self._told or {}).values()), "silent": ",".join(sorted(self._kill_at_ns))}
        return True, "watching", numbers, words
