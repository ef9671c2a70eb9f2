"""RuleHost: one rule over many stocks. It keeps what the rule must not know: pool, entered today, asked already. Pure.

The host is told of each step (`on_step`), of what the rule holds (`sync`), of verdicts and of days; it gives back the
decisions that may become signals. Everything it keeps of a stock is a set of named integers (`save`, `restore`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from common.domain.reasons import Reason
from common.domain.values import Day, Price, PushId, Symbol
from common.rules.corporate import rescale
from common.strategies.contract import (
    ENTER,
    EXIT,
    NONE,
    REDUCE,
    Check,
    Decision,
    Position,
    Rule,
    Step,
    decision_fault,
    wake_of,
)

RETRY_S = 60
"""A denied exit may be decided again after this many seconds; its cause stands at every step until then."""
_DECIDED = "decided_"
_INTEGER_MAX = 2**63 - 1


class ExRatio(NamedTuple):
    """What an ex-day does to prices of before: x reference / prev_close."""

    reference: Price
    prev_close: Price


class Saved(NamedTuple):
    """What the host keeps of one stock, as integers by name."""

    memory: dict[str, int]
    context: dict[str, int]
    """What the rule is given: the pool row's integers, of the day of entry for a held stock."""
    pool_context: dict[str, int]
    """Today's pool row; empty where the stock is not in it."""
    numbers: dict[str, int]


class Look(NamedTuple):
    """The last step of a stock: what the rule was given, what it said, what the host made of it."""

    memory: Any
    """Before the step."""
    context: Any
    step: Step
    position: Position
    said: Decision
    blocked: str
    """Why a decision was not passed on; empty = it was, or there was none."""
    remembered: bool
    """The step changed the rule's memory."""


@dataclass(slots=True)
class _Name:
    """What the host keeps of one stock."""

    memory: Any
    context: Any
    pool_context: Any = None
    pool_day: Day = 0
    entered_day: Day = 0
    attempt_day: Day = 0
    attempts: int = 0
    """Decisions of that day."""
    pending: bool = False
    """A decision waits for its verdict."""
    held: bool = False
    high: Price = 0
    exiting: bool = False
    """An EXIT stands: nothing more is decided until flat."""
    retry_s: int = 0
    """Second of the day before which no exit is decided again."""
    gap: PushId = 0
    """The last gap this stock has stepped over."""
    decided: set[int] = field(default_factory=set)
    """Reasons of reductions that stand or were done."""


class RuleHost:
    """Runs one rule; prices and money in 0.001 yuan."""

    def __init__(self, rule: Rule, params: Any) -> None:
        self.rule = rule
        self.params = params
        self._wake = wake_of(rule)
        self.day: Day = 0
        self.gap: PushId = 0
        """The push before which steps of today were lost; 0 = none."""
        self.last: dict[Symbol, Look] = {}
        """The last step of each stock, since the start of the process or of the day."""
        self.version = 0
        """Rises whenever other stocks are to be watched."""
        self.locked = False
        """The rule failed: it may leave what it holds, and enters nothing more."""
        self._names: dict[Symbol, _Name] = {}
        self._changed: set[Symbol] = set()

    # ------------------------------------------------------------------ questions

    def watched(self) -> list[Symbol]:
        """Return the stocks whose steps matter today: the pool, what the rule holds, what waits for a verdict."""
        return [s for s, name in self._names.items() if name.held or name.pending or self._pooled(name)]

    def pooled(self) -> list[Symbol]:
        """Return today's pool."""
        return [symbol for symbol, name in self._names.items() if self._pooled(name)]

    def held(self) -> list[Symbol]:
        """Return what the rule holds."""
        return [symbol for symbol, name in self._names.items() if name.held]

    def knows(self, symbol: Symbol) -> bool:
        """Tell whether steps of a stock mean anything to the rule."""
        name = self._names.get(symbol)
        return name is not None and (name.held or name.pending or self._pooled(name))

    def high_since_entry(self, symbol: Symbol) -> Price:
        """Return the highest price since the entry fill; 0 = nothing held or seen."""
        name = self._names.get(symbol)
        return name.high if name is not None else 0

    def attempt(self, symbol: Symbol) -> int:
        """Return the number of the last decision on a stock: how many came before it that day."""
        return self._names[symbol].attempts - 1

    def explain(self, symbol: Symbol) -> tuple[Check, ...]:
        """Return what the rule looked at in the last step of a stock; empty where there was none."""
        look = self.last.get(symbol)
        if look is None:
            return ()
        try:
            return self.rule.explain(self.params, look.memory, look.context, look.step, look.position)
        except Exception as error:  # somebody's own code, for people to read: nothing of trading hangs on it
            return (Check(f"explain failed: {type(error).__name__}", False, {}),)

    def _pooled(self, name: _Name) -> bool:
        return name.pool_day == self.day > 0

    # ------------------------------------------------------------------ steps

    def on_step(self, symbol: Symbol, step: Step, position: Position, *, taken: bool = False) -> Decision | None:
        """Take one step of a stock; returns the decision that is to become a signal, None for none.

        Whatever the rule raises comes out of here, and so does a ValueError about nonsense it returned; the rule's
        memory and its decisions are then what they were before the step.
        `position` is what the rule holds (its `high_since_entry` is filled in here); `taken` tells that somebody else
        holds the stock.
        """
        name = self._names.get(symbol)
        if name is None:
            return None
        if name.held:
            if position.shares <= 0:
                self._flatten(symbol, name)
            elif step.high > name.high:
                name.high = step.high
                self._changed.add(symbol)
        if name.gap != self.gap:
            name.gap = self.gap
            step = step._replace(after_gap=step.after_gap or self.gap > 0)
            self._changed.add(symbol)
        position = position._replace(high_since_entry=name.high)
        if self._wake is not None and not self._wake(self.params, name.context, step, position):
            return None
        before = name.memory
        memory, said = self.rule.decide(self.params, before, name.context, step, position)
        if said.action != NONE and (fault := decision_fault(said)):
            raise ValueError(fault)
        remembered = memory != before
        if remembered:
            _check_memory(memory)
            self._changed.add(symbol)
        name.memory = memory
        blocked = self._blocks(name, said, step, position, taken) if said.action != NONE else ""
        self.last[symbol] = Look(before, name.context, step, position, said, blocked, remembered)
        if said.action == NONE or blocked:
            return None
        if name.attempt_day != self.day:
            name.attempt_day, name.attempts = self.day, 0
        name.attempts += 1
        name.pending = True
        self._changed.add(symbol)
        return said

    def _blocks(self, name: _Name, said: Decision, step: Step, position: Position, taken: bool) -> str:
        """Return why a decision is not passed on; empty = it is."""
        if name.pending:
            return "verdict_pending"
        if said.action == ENTER:
            return self._blocks_entry(name, position, taken)
        if position.shares <= 0:
            return "not_held"
        if name.exiting:
            return "exit_stands"
        if said.action == REDUCE and said.reason in name.decided:
            return "decided_before"
        return "denied_just_now" if step.second_of_day < name.retry_s else ""

    def _blocks_entry(self, name: _Name, position: Position, taken: bool) -> str:
        if position.shares > 0 or name.held or taken:
            return "held"
        if not self._pooled(name):
            return "not_in_pool"
        if self.locked:
            return "rule_failed"
        return "entered_today" if name.entered_day == self.day else ""

    def on_gap(self, push: PushId) -> None:
        """Note that steps before this push are lost: the next step of each stock comes after a gap."""
        self.gap = push

    # ------------------------------------------------------------------ what becomes of decisions

    def on_verdict(self, symbol: Symbol, day: Day, action: int, reason: int, second: int, *, accepted: bool) -> None:
        """Take the verdict on a decision made on `day` at `second` of it.

        A denied entry does not use up the stock's chance of the day, an accepted one does. An accepted exit stands with
        risk and is never asked again; a denied one may be decided again a minute later.
        """
        name = self._names.get(symbol)
        if name is None:
            return
        name.pending = False
        self._changed.add(symbol)
        if action == ENTER:
            if accepted:
                name.entered_day = day
        elif not accepted:
            name.retry_s = second + RETRY_S if day == self.day else 0
        elif action == EXIT:
            name.exiting = name.held
        else:
            name.decided.add(reason)

    def sync(self, held: Iterable[Symbol]) -> None:
        """Compare with what the rule holds: bought since the last time, or flat now.

        Steps after this call count for the high since entry of what was bought.
        """
        holding = set(held)
        for symbol in sorted(holding):
            name = self._names.get(symbol)
            if name is None:
                # Held without anything kept of it: its exits need no pool row, its high counts from now.
                name = self._names[symbol] = _Name(self.rule.INITIAL_MEMORY, self._context({}))
                self.version += 1
            if not name.held:
                name.held, name.high, name.exiting, name.retry_s = True, 0, False, 0
                name.decided.clear()
                self._changed.add(symbol)
        for symbol, name in self._names.items():
            if name.held and symbol not in holding:
                self._flatten(symbol, name)

    def _flatten(self, symbol: Symbol, name: _Name) -> None:
        name.held, name.high, name.exiting, name.retry_s = False, 0, False, 0
        name.decided.clear()
        if self._pooled(name):
            name.context = name.pool_context
        self._changed.add(symbol)

    # ------------------------------------------------------------------ days

    def start_day(
        self, day: Day, pool: Mapping[Symbol, Mapping[str, int]], ex_ratios: Mapping[Symbol, ExRatio]
    ) -> list[Symbol]:
        """Begin a day with its pool rows (prices as of the session before); returns the stocks that are forgotten.

        Where a stock goes ex, the prices in its context and its high since entry are brought to today.
        """
        self.day, self.gap, self.last = day, 0, {}
        forgotten = [s for s, n in self._names.items() if s not in pool and not (n.held or n.pending)]
        for symbol in forgotten:
            del self._names[symbol]
            self._changed.discard(symbol)
        for symbol, name in self._names.items():
            ratio = ex_ratios.get(symbol)
            if name.held and ratio is not None:
                name.high = rescale(name.high, ratio.reference, ratio.prev_close)
                name.context = self._rescaled(name.context, ratio)
            name.retry_s, name.gap, name.pool_context = 0, 0, None
            self._changed.add(symbol)
        for symbol, row in pool.items():
            context = self._context(row)
            if symbol in ex_ratios:
                context = self._rescaled(context, ex_ratios[symbol])
            name = self._names.setdefault(symbol, _Name(self.rule.INITIAL_MEMORY, context))
            name.pool_day, name.pool_context = day, context
            if not name.held:
                name.context = context
            self._changed.add(symbol)
        self.version += 1
        return forgotten

    def _context(self, row: Mapping[str, int]) -> Any:
        return self.rule.Context(**{field_: row.get(field_, 0) for field_ in self.rule.Context._fields})

    def _rescaled(self, context: Any, ratio: ExRatio) -> Any:
        prices = {
            field_: rescale(getattr(context, field_), ratio.reference, ratio.prev_close)
            for field_ in self.rule.CONTEXT_PRICES
        }
        return context._replace(**prices)

    # ------------------------------------------------------------------ disk

    def take_changed(self) -> list[Symbol]:
        """Return the stocks of which something changed since the last call."""
        changed = sorted(self._changed)
        self._changed.clear()
        return changed

    def save(self, symbol: Symbol) -> Saved:
        """Return what is kept of a stock."""
        name = self._names[symbol]
        pool_context = name.pool_context._asdict() if name.pool_context is not None else {}
        numbers = {
            "pool_day": name.pool_day, "entered_day": name.entered_day, "attempt_day": name.attempt_day,
            "attempts": name.attempts, "pending": int(name.pending), "held": int(name.held), "high": name.high,
            "exiting": int(name.exiting), "retry_s": name.retry_s, "gap": name.gap,
        }  # fmt: skip
        numbers.update({f"{_DECIDED}{reason}": 1 for reason in sorted(name.decided)})
        return Saved(_integers(name.memory), _integers(name.context), pool_context, numbers)

    def restore(self, symbol: Symbol, saved: Saved) -> None:
        """Take back what was kept of a stock; a field that was not kept yet has its first value."""
        first = self.rule.INITIAL_MEMORY._asdict()
        memory = {key: type(value)(saved.memory.get(key, value)) for key, value in first.items()}
        pool_context = self._context(saved.pool_context) if saved.pool_context else None
        numbers = saved.numbers
        self._names[symbol] = _Name(
            memory=self.rule.Memory(**memory),
            context=self._context(saved.context),
            pool_context=pool_context,
            pool_day=numbers.get("pool_day", 0),
            entered_day=numbers.get("entered_day", 0),
            attempt_day=numbers.get("attempt_day", 0),
            attempts=numbers.get("attempts", 0),
            pending=bool(numbers.get("pending", 0)),
            held=bool(numbers.get("held", 0)),
            high=numbers.get("high", 0),
            exiting=bool(numbers.get("exiting", 0)),
            retry_s=numbers.get("retry_s", 0),
            gap=numbers.get("gap", 0),
            decided={int(key.removeprefix(_DECIDED)) for key in numbers if key.startswith(_DECIDED)},
        )
        self.version += 1

    def restore_day(self, day: Day, gap: PushId) -> None:
        """Take back which day the host is in."""
        self.day, self.gap = day, gap


def check_name(decision: Decision) -> str:
    """Return the name of the check behind a decision, as it stands in keys."""
    return Reason(decision.reason).name


def _check_memory(memory: Any) -> None:
    """Raise ValueError where a memory could not be kept: a restart has to bring it back as it was."""
    for key, value in memory._asdict().items():
        if not isinstance(value, int) or not -_INTEGER_MAX - 1 <= value <= _INTEGER_MAX:
            raise ValueError(f"returned a memory with {key} = {value!r}, which is no whole number of 64 bits")


def _integers(values: Any) -> dict[str, int]:
    return {key: int(value) for key, value in values._asdict().items()}
