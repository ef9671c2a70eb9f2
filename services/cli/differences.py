"""Two days side by side: what differs, and why, as far as the run left a trace of it. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from common.domain.ids import HAND
from common.domain.values import Day, PushId
from services.cli.day_books import KINDS, DayBooks, Line

LATE, GAP, QUEUE, REJECT, BY_HAND = "late", "gap", "queue", "reject", "hand"
STATE, POOL, CODE, SLICE = "state", "pool", "code", "slice"
EARLIER, FOLLOWS, UNEXPLAINED = "earlier", "follows", "unexplained"
CAUSES = (LATE, GAP, QUEUE, REJECT, BY_HAND, STATE, POOL, CODE, SLICE, EARLIER, FOLLOWS, UNEXPLAINED)
_LATE_REASONS = frozenset({"STALE", "DATA_GAP", "RISK_SILENT", "EXPIRED"})
_STATE_REASONS = frozenset({"STATE_HALTED", "STATE_REDUCING"})


class Circumstances(NamedTuple):
    """What is known of the run besides its books."""

    real_time: bool = False
    sliced_from_s: int = 0
    """The run began each day at this second of it; 0 = at its start."""
    changed_rules: frozenset[str] = frozenset()
    """Rules whose source is another one now than in the run."""


class Difference(NamedTuple):
    """One thing that is not the same on both sides."""

    kind: str
    key: str
    symbol: str
    rule: str
    push: PushId
    run: dict[str, Any] | None
    """What differs, as the run had it; None = it is not there."""
    pipeline: dict[str, Any] | None
    cause: str
    pushes: int = 0
    """How many pushes the run was late, where that is the cause."""
    follows: str = ""
    """Key of the difference that this one follows from."""


class Compared(NamedTuple):
    """A day of a run against the pipeline."""

    day: Day
    through: PushId
    counts: dict[str, tuple[int, int]]
    """How many there are of each kind: in the run, in the pipeline."""
    differences: list[Difference]
    times: dict[PushId, int]

    @property
    def equal(self) -> bool:
        """Tell whether both sides are the same."""
        return not self.differences


def compare(day: Day, through: PushId, run: DayBooks, pipeline: DayBooks, known: Circumstances) -> Compared:
    """Compare two days line by line; each difference gets its cause, those that follow from another name it."""
    keys = sorted(
        run.lines.keys() | pipeline.lines.keys(),
        key=lambda key: (_first_push(run.lines.get(key), pipeline.lines.get(key)), KINDS.index(key[0]), key[1]),
    )
    judge = _Judge(run, pipeline, known)
    for key in keys:
        ours, theirs = run.lines.get(key), pipeline.lines.get(key)
        if ours is None or theirs is None or ours.values != theirs.values:
            judge.take(ours, theirs)
    counts = {kind: (_count(run, kind), _count(pipeline, kind)) for kind in KINDS[:-1]}
    return Compared(day, through, counts, judge.found, run.times | pipeline.times)


def _first_push(*lines: Line | None) -> PushId:
    return min(line.push for line in lines if line is not None)


def _count(books: DayBooks, kind: str) -> int:
    return sum(1 for key in books.lines if key[0] == kind)


class _Judge:
    """Finds causes, in the order of time."""

    def __init__(self, run: DayBooks, pipeline: DayBooks, known: Circumstances) -> None:
        self.found: list[Difference] = []
        self._run, self._pipeline, self._known = run, pipeline, known
        self._carried = run.before != pipeline.before

    def take(self, ours: Line | None, theirs: Line | None) -> None:
        """Take a difference."""
        line = ours or theirs
        assert line is not None
        cause, pushes = self._cause(ours, theirs, line)
        follows = ""
        if not cause:
            first = self._earlier_difference(line)
            cause, follows = (FOLLOWS, first.key) if first is not None else (self._rest(), "")
        values = _differing(ours, theirs)
        self.found.append(
            Difference(
                line.kind, line.key, line.symbol, line.rule, _first_push(ours, theirs), values[0], values[1],
                cause, pushes, follows,
            )
        )  # fmt: skip

    def _cause(self, ours: Line | None, theirs: Line | None, line: Line) -> tuple[str, int]:
        """Return the cause of which there is a trace, "" where there is none."""
        traces = self._run.traces
        if line.kind == "signal" and line.rule in self._known.changed_rules:
            return CODE, 0
        if line.kind == "signal" and traces.pools.get(line.rule) != self._pipeline.traces.pools.get(line.rule):
            return POOL, 0
        if self._by_hand(ours, theirs, line):
            return BY_HAND, 0
        if ours is not None and ours.values.get("reason") in _STATE_REASONS:
            return STATE, 0
        if _rejected(ours) and not _rejected(theirs):
            return REJECT, 0
        if line.kind in ("fill", "order") and self._same_order(line):
            explained = any(each.key == _coid(line) and each.cause != QUEUE for each in self.found)
            return ("" if explained else QUEUE), 0
        late = self._late(ours, theirs)
        if late or (ours is not None and ours.values.get("reason") in _LATE_REASONS):
            return LATE, late
        if self._known.real_time and line.kind == "signal" and _in_gap(line, traces.gap, traces.gap_symbols):
            return GAP, 0
        return "", 0

    def _by_hand(self, ours: Line | None, theirs: Line | None, line: Line) -> bool:
        traces = self._run.traces
        only_in_run = theirs is None and ours is not None and ours.rule == HAND
        cancelled = _coid(line) in traces.hand_cancels
        ended = line.symbol in traces.hand_exits and line.kind != "signal"
        return only_in_run or cancelled or ended

    def _late(self, ours: Line | None, theirs: Line | None) -> int:
        """Return how many pushes later than its decision the run did something; 0 = not late."""
        if ours is None or not self._known.real_time:
            return 0
        if theirs is not None:
            return max(0, ours.push - theirs.push)
        decided = self._run.lines.get(("signal", ours.key))
        return max(0, ours.push - decided.push) if decided is not None else 0

    def _same_order(self, line: Line) -> bool:
        """Tell whether the order behind a fill went out at the same push, alike on both sides."""
        key = ("order", _coid(line))
        ours, theirs = self._run.lines.get(key), self._pipeline.lines.get(key)
        if ours is None or theirs is None:
            return False
        return all(ours.values.get(name) == theirs.values.get(name) for name in ("push", "side", "shares", "price"))

    def _earlier_difference(self, line: Line) -> Difference | None:
        """Return the first difference of the stock, else the first that moved cash or slots."""
        return next((each for each in self.found if each.symbol == line.symbol), self.found[0] if self.found else None)

    def _rest(self) -> str:
        if self._carried:
            return EARLIER
        if self._known.sliced_from_s:
            return SLICE
        return STATE if self._run.traces.state_why else UNEXPLAINED


def _coid(line: Line) -> str:
    return line.key.partition("-")[0] if line.kind == "fill" else line.key


def _rejected(line: Line | None) -> bool:
    return line is not None and line.kind == "order" and str(line.values.get("ended", "")).startswith("REJECTED")


def _in_gap(line: Line, gap: PushId, symbols: frozenset[str]) -> bool:
    return line.symbol in symbols or line.push <= gap


def _differing(ours: Line | None, theirs: Line | None) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    if ours is None or theirs is None:
        return (ours.values if ours is not None else None), (theirs.values if theirs is not None else None)
    names = [name for name in {**ours.values, **theirs.values} if ours.values.get(name) != theirs.values.get(name)]
    return _only(ours.values, names), _only(theirs.values, names)


def _only(values: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}
