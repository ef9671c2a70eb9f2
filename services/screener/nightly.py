"""The screener's core with the nightly cycle around it: keeps what was done, tells a failure once, gates pools. Pure.

The cycle's work is done by an adapter in a child process; what comes of it arrives as `StepDone`, `StepFailed`. While the
cycle runs, a session that it has not prepared gets a pool that is not ready and says why.
"""

from collections.abc import Sequence

import msgspec

from common.domain.values import Day
from common.messages.kept import KeptNightly
from common.messages.outputs import LOCAL, Effect, Log, Message, Origin, Output, Reply, Save
from common.messages.signals import Pool, PoolRequest
from services.screener.calls import DayScreened
from services.screener.core import ScreenerCore
from services.screener.schedule import Failed, Good, Step, refusal

KEY = "nightly"


class StartCycle(msgspec.Struct, frozen=True):
    """Begin the cycle from what was done so far. For the adapter."""

    kept: KeptNightly


class StepDone(msgspec.Struct, frozen=True):
    """A step was done for a session."""

    step: Step
    day: Day
    at_ns: int
    text: str
    """For people: rows, sessions."""
    note: str = ""
    """What is assumed, for the pools that follow."""


class StepFailed(msgspec.Struct, frozen=True):
    """A step could not be done; nothing of it counts."""

    step: Step
    day: Day
    at_ns: int
    text: str
    refused: bool


class CycleNext(msgspec.Struct, frozen=True):
    """What comes next, in words."""

    text: str


def good_of(kept: KeptNightly) -> Good:
    """Return what was done last."""
    return Good(kept.close_day, kept.open_day)


def failed_of(kept: KeptNightly) -> Failed | None:
    """Return the failure that is still open."""
    if not kept.failed_step:
        return None
    return Failed(Step(kept.failed_step), kept.failed_day, kept.failed_tries, kept.failed_at_ns, kept.refused)


def after(kept: KeptNightly, report: StepDone | StepFailed) -> KeptNightly:
    """Return the state of the cycle after a report."""
    replace = msgspec.structs.replace
    if isinstance(report, StepFailed):
        same = (kept.failed_step, kept.failed_day) == (report.step.value, report.day)
        return replace(
            kept, failed_step=report.step.value, failed_day=report.day, failed_at_ns=report.at_ns,
            failed_tries=kept.failed_tries + 1 if same else 1, failed_text=report.text, refused=report.refused,
        )  # fmt: skip
    clean = replace(kept, failed_step="", failed_day=0, failed_tries=0, failed_at_ns=0, failed_text="", refused=False)
    if report.step is Step.CLOSE:
        return replace(clean, close_day=max(report.day, kept.close_day), close_at_ns=report.at_ns)
    return replace(clean, open_day=max(report.day, kept.open_day), open_at_ns=report.at_ns, note=report.note)


class NightlyCore:
    """A `ScreenerCore`, and the cycle that feeds it."""

    def __init__(self, screener: ScreenerCore, rules: Sequence[str]) -> None:
        self._screener = screener
        self._rules = tuple(rules)
        """Rules whose pools are published before the open."""
        self._kept = KeptNightly()
        self._next = ""

    def restore(self, rows: Sequence[Message], kept: dict[str, Message]) -> None:
        """Take back the pools, and how far the cycle was."""
        found = kept.get(KEY)
        if isinstance(found, KeptNightly):
            self._kept = found
        self._screener.restore(rows, {key: record for key, record in kept.items() if key != KEY})

    def on_start(self, now_ns: int) -> Sequence[Output]:
        """Begin the cycle where it was."""
        return [*self._screener.on_start(now_ns), Effect(StartCycle(self._kept))]

    def on_message(self, message: Message, origin: Origin, now_ns: int) -> Sequence[Output]:
        """Answer a request, take what the adapter did."""
        if isinstance(message, StepDone):
            return self._on_done(message, now_ns)
        if isinstance(message, StepFailed):
            return self._on_failed(message)
        if isinstance(message, CycleNext):
            self._next = message.text
            return ()
        if isinstance(message, PoolRequest) and (why := self.refusal(message.day)):
            pool = Pool(message.rule, message.day, (), 0, note=why, ready=False)
            return () if origin.token is None else (Reply(origin.token, pool),)
        if isinstance(message, DayScreened) and message.pool.day == self._kept.open_day and self._kept.note:
            note = "; ".join(filter(None, (message.pool.note, self._kept.note)))
            message = msgspec.structs.replace(message, pool=msgspec.structs.replace(message.pool, note=note))
        return self._screener.on_message(message, origin, now_ns)

    def on_deadline(self, now_ns: int) -> Sequence[Output]:
        """Nothing is ever due here: the adapter has the clock."""
        return self._screener.on_deadline(now_ns)

    def next_deadline_ns(self) -> int | None:
        """Return the screener's deadline."""
        return self._screener.next_deadline_ns()

    def status(self) -> tuple[bool, str, dict[str, int], dict[str, str]]:
        """Tell how the service and its cycle are."""
        ready, state, numbers, words = self._screener.status()
        kept = self._kept
        numbers |= {"nightly_close": kept.close_day, "nightly_open": kept.open_day, "nightly_tries": kept.failed_tries}
        words |= {
            "nightly": f"closed up to {kept.close_day}, opened {kept.open_day}; next: {self._next or 'starting'}",
            "nightly_failed": f"{kept.failed_step} of {kept.failed_day}: {kept.failed_text}"
            if kept.failed_step
            else "",
            "nightly_assumes": kept.note,
        }
        return ready, state, numbers, words

    def refusal(self, day: Day) -> str:
        """Return why there is no pool for a session, "" when there is."""
        return refusal(day, good_of(self._kept), self._kept.failed_text)

    def _on_done(self, done: StepDone, now_ns: int) -> Sequence[Output]:
        self._kept = after(self._kept, done)
        outputs: list[Output] = [
            Save(KEY, self._kept),
            Log("info", "nightly step done", {"step": done.step.value, "day": done.day, "note": done.text}),
        ]
        if done.step is Step.OPEN:
            for rule in self._rules:
                outputs += self._screener.on_message(PoolRequest(rule, done.day, fresh=True), LOCAL, now_ns)
        return outputs

    def _on_failed(self, failed: StepFailed) -> Sequence[Output]:
        before, self._kept = self._kept, after(self._kept, failed)
        outputs: list[Output] = [Save(KEY, self._kept)]
        told = (before.failed_step, before.failed_day, before.failed_text)
        if told != (failed.step.value, failed.day, failed.text):
            # The same cause again and again is one line; status shows how often it was tried.
            facts: dict[str, object] = {"step": failed.step.value, "day": failed.day, "note": failed.text}
            outputs.append(Log("warning", "nightly step failed", facts))
        return outputs
