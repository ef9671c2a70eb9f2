"""A sweep: the same backtest under many sets of parameters, what each made, and how much of the best is luck.

Nothing here runs a backtest: an `Executor` does, and any of them makes the same rows.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import e
from statistics import NormalDist, mean, median, stdev
from typing import NamedTuple, Protocol

import msgspec
from msgspec.structs import replace

from common.backtests.metrics import Value
from common.backtests.summary import Summary
from common.backtests.tasks import Done, Task, key_of
from common.domain.values import Day

Axes = Mapping[str, Sequence[int]]
BY = (
    "sharpe", "total_return", "annual_return", "sortino", "calmar", "max_drawdown", "win_rate", "profit_loss_ratio",
    "mean_gain", "pnl",
)  # fmt: skip
"""Metrics that sets can be ranked by: of each, more is better (a drawdown is negative)."""
EULER = 0.5772156649015329


class Executor(Protocol):
    """Whoever runs tasks: a pool of this machine, a Dask cluster, the queue and its workers."""

    def run(self, tasks: Sequence[Task]) -> Iterator[Done]:
        """Yield what came of each task, in any order, each key once."""

    def close(self) -> None:
        """Let go of whatever runs them."""


class Kept(Protocol):
    """Where results are kept by key."""

    def summary(self, key: str) -> Summary | None:
        """Return the summary of a result, None where there is none."""

    def put(self, key: str, files: Mapping[str, bytes]) -> Summary:
        """Keep a result."""


class Found(NamedTuple):
    """What is known of a task in the end."""

    metrics: Mapping[str, Value]
    """Empty where there is no result."""
    fault: str = ""


class SetRow(msgspec.Struct, frozen=True):
    """One set of parameters."""

    params: dict[str, int]
    """Those that vary."""
    key: str
    """Of its result; "" where the rule refuses the set."""
    metrics: dict[str, int | float | None]
    fault: str = ""
    key_after: str = ""
    """Of its result over the days after the split."""
    after: dict[str, int | float | None] = {}
    fault_after: str = ""


class Sweep(msgspec.Struct, frozen=True):
    """Everything a sweep leaves behind."""

    rule: str
    first: Day
    last: Day
    split: Day
    """Last day of what the sets are ranked by; 0 = there is no split."""
    by: str
    verdict: str
    search: str
    """How sets were chosen: "grid" = all of them."""
    axes: dict[str, list[int]]
    data_hash: str
    code_hash: str
    rulebook_hash: str
    rows: list[SetRow]
    """By `by`, the best first; those without it last."""


def run_all(
    tasks: Sequence[Task], kept: Kept, executor: Callable[[], Executor], told: Callable[[str, int, int], None]
) -> dict[str, Found]:
    """Return what came of tasks, by key; only those without a kept result are run, and `executor` is asked for."""
    wanted = {key_of(task): task for task in tasks}
    found: dict[str, Found] = {}
    for key in wanted:
        summary = kept.summary(key)
        if summary is not None:
            found[key] = Found(summary.metrics)
    missing = [task for key, task in wanted.items() if key not in found]
    told("", len(found), len(wanted))
    if not missing:
        return found
    for done in executor().run(missing):
        found[done.key] = Found({}, done.fault) if done.fault else Found(kept.put(done.key, done.files).metrics)
        told("", len(found), len(wanted))
    return found


def split_tasks(task: Task, split: Day, after: Day) -> tuple[Task, Task]:
    """Return a task up to the split and the one from the session after it."""
    return replace(task, last=split), replace(task, first=after)


def ranked(rows: Sequence[SetRow], by: str) -> list[SetRow]:
    """Return rows the best first; ties by parameters, so that the order is always the same."""

    def place(row: SetRow) -> tuple[bool, float, list[int]]:
        value = row.metrics.get(by)
        return value is None, 0.0 if value is None else -float(value), list(row.params.values())

    return sorted(rows, key=place)


def luck_of(values: Sequence[float]) -> float | None:
    """Return the best value that as many sets without any merit would show, by their spread; None for fewer than 2.

    The expected maximum of N independent normal draws around zero, after Bailey and Lopez de Prado, "The Deflated
    Sharpe Ratio" (2014), equation 1. Sets that resemble each other are fewer draws than N, so this is an upper bound.
    """
    count = len(values)
    if count < 2:
        return None
    normal = NormalDist()
    far = (1 - EULER) * normal.inv_cdf(1 - 1 / count) + EULER * normal.inv_cdf(1 - 1 / (count * e))
    return stdev(values) * far


def agreement_of(rows: Sequence[SetRow], by: str) -> float | None:
    """Return Spearman's rank correlation of a metric before and after the split; None for fewer than 3 sets."""
    pairs = [(row.metrics.get(by), row.after.get(by)) for row in rows]
    both = [(float(one), float(two)) for one, two in pairs if one is not None and two is not None]
    if len(both) < 3:
        return None
    one, two = (_ranks(column) for column in zip(*both, strict=True))
    middle = mean(one)
    spread = sum((rank - middle) ** 2 for rank in one) * sum((rank - middle) ** 2 for rank in two)
    if not spread:
        return None
    return float(sum((a - middle) * (b - middle) for a, b in zip(one, two, strict=True)) / spread**0.5)


def _ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value; equal ones share the mean of theirs."""
    rank: dict[float, float] = {}
    before = 0
    for value, count in sorted(Counter(values).items()):
        rank[value] = before + (count - 1) / 2
        before += count
    return [rank[value] for value in values]


class Heat(NamedTuple):
    """A metric over two parameters."""

    across: str
    down: str
    cells: list[list[float | None]]
    """By value of `down`, then of `across`: the median over all other parameters; None where there is no value."""


def heat_of(rows: Sequence[SetRow], axes: Axes, by: str, across: str, down: str) -> Heat:
    """Return the heat map of two parameters; the median, because the best of a cell flatters it."""
    groups: dict[tuple[int, int], list[float]] = {}
    for row in rows:
        value = row.metrics.get(by)
        if value is not None:
            groups.setdefault((row.params[down], row.params[across]), []).append(float(value))
    cells = [[median(groups[y, x]) if (y, x) in groups else None for x in axes[across]] for y in axes[down]]
    return Heat(across, down, cells)
