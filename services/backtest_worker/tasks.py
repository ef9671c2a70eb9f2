"""Tasks made of jobs, and run: by a worker of the queue, by a pool of this machine, by a Dask cluster, all the same way.

A process that runs many keeps the days of the last ones: tasks that differ in parameters only are one pass over the
data, its pools and its facts.
"""

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from common.backtests.result import Verdict
from common.backtests.statistics import statistics_of
from common.backtests.store import files_of
from common.backtests.summary import SUMMARY, encode_summary
from common.backtests.tasks import ScreenCheck, Task, TaskScreen, group_of, key_of
from common.domain.errors import ConfigError, HistoryError
from common.runtime.rules import rule_of_source, rule_source_hash, source_of
from common.screens.conditions import CONDITIONS
from common.screens.screen import Check, Screen
from common.strategies import RULES
from common.strategies.contract import Rule
from services.backtest_worker.account import DeskSettings
from services.backtest_worker.bars import DayBars
from services.backtest_worker.fills import FillSettings
from services.backtest_worker.job import Job, SomeDays, Told, candles_of, data_hash, days_of, rulebook_hash, run_job

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("common/domain", "common/history", "common/screens", "common/backtests", "services/backtest_worker")
"""Whose code a result depends on, beside the rulebook and the rule."""
KEPT_BYTES_MAX = 600 << 20
"""Days of more than this are not kept: they are read again for every task."""


def quiet(_text: str, _done: int, _total: int) -> None:
    """Tell nobody."""


# ------------------------------------------------------------------ a job as a task, and back


def task_of(job: Job, *, candles: bool = False) -> Task:
    """Return a job as a task."""
    return Task(
        rule=job.rule.NAME,
        source="" if RULES.get(job.rule.NAME) is job.rule else source_of(job.rule),  # type: ignore[arg-type]  # a rule is a module
        code_hash=rule_source_hash(job.rule),
        params={name: int(value) for name, value in job.params._asdict().items()},
        screen=TaskScreen(
            job.screen.name,
            tuple(ScreenCheck(check.label, check.condition.name, dict(check.values)) for check in job.screen.checks),
            job.screen.context,
        ),
        data_hash=data_hash(job.history),
        rulebook_hash=rulebook_hash(),
        engine_hash=engine_hash(),
        first=job.first,
        last=job.last,
        engine=job.engine,
        interval=job.interval,
        settings=_settings(job.settings),
        verdicts=job.verdicts,
        candles=candles,
        history=str(job.history),
    )


def job_of(task: Task, cache: Path, history: Path | None = None) -> Job:
    """Return a task as a job; refuses one of other data, rules or code than there are here."""
    folder = history or Path(task.history)
    rule = _rule(task.rule, task.source)
    _same("rule", task.rule, task.code_hash, rule_source_hash(rule))
    _same("rulebook", "common/rules", task.rulebook_hash, rulebook_hash())
    _same("program", "its engines", task.engine_hash, engine_hash())
    _same("history", str(folder), task.data_hash, _data_hash(folder))
    params = params_of(rule, task.params)
    checks = tuple(Check(check.label, CONDITIONS[check.condition], check.values) for check in task.screen.checks)
    screen = Screen(task.screen.name, checks, task.screen.context)
    own = {name: value for name, value in task.settings.items() if name in DeskSettings._fields}
    fill = FillSettings(**{name: value for name, value in task.settings.items() if name not in own})
    settings = DeskSettings(**{**own, "fill": fill})  # type: ignore[arg-type]  # the only field that is no number
    verdicts: tuple[Verdict, ...] = task.verdicts
    return Job(
        rule,
        params,
        screen,
        folder,
        task.first,
        task.last,
        task.engine,
        task.interval,
        settings,
        verdicts,
        cache,
        False,
    )


def params_of(rule: Rule, values: dict[str, int]) -> Any:
    """Return the parameters of a rule; raises `ConfigError` where one is unknown, missing or not allowed."""
    known = set(rule.Params._fields)
    if wrong := sorted(set(values) ^ known):
        raise ConfigError(f"{rule.NAME} has no such set of parameters: {', '.join(wrong)}; known: {', '.join(known)}")
    switches = {name for name, value in rule.Params()._asdict().items() if isinstance(value, bool)}
    if wrong := sorted(name for name in switches if values[name] not in (0, 1)):
        raise ConfigError(f"{rule.NAME}: {', '.join(wrong)}: must be 0 or 1")
    params = rule.Params(**{name: bool(value) if name in switches else value for name, value in values.items()})
    if problems := rule.check_params(params):
        raise ConfigError(f"{rule.NAME}: {'; '.join(problems)}")
    return params


def _rule(name: str, source: str) -> Rule:
    if source:
        return rule_of_source(name, source)
    if name not in RULES:
        raise ConfigError(f"there is no rule {name} in this program; known: {', '.join(RULES)}")
    return RULES[name]


def _settings(settings: DeskSettings) -> dict[str, int]:
    fill = settings.fill._replace(verdict=FillSettings().verdict)  # each verdict is run on its own
    return {**{k: int(v) for k, v in settings._asdict().items() if k != "fill"}, **fill._asdict()}


def _same(what: str, name: str, asked: str, here: str) -> None:
    if asked != here:
        raise HistoryError(
            f"the {what} of the task ({name}) is {asked}, here it is {here}: bring both machines to the same {what}"
        )


@lru_cache(maxsize=1)
def engine_hash() -> str:
    """Return the hash of the code that makes a result out of data and decisions."""
    digest = hashlib.sha256()
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
            digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:20]


def _data_hash(folder: Path) -> str:
    try:
        return data_hash(folder)
    except OSError as error:
        raise HistoryError(f"{folder} is no folder of history on this machine: {error.strerror}") from error


# ------------------------------------------------------------------ running


class KeptDays:
    """Days that were read once and are played many times; nobody writes to them."""

    def __init__(self, days: SomeDays, read: list[DayBars]) -> None:
        self.history, self.symbols, self.sessions, self.had = days.history, days.symbols, days.sessions, days.had
        self._read = read

    def __iter__(self) -> Iterator[DayBars]:
        """Yield the sessions."""
        return iter(self._read)


def keep(days: SomeDays) -> KeptDays | None:
    """Read days to play them many times; None where they are too large to keep."""
    read: list[DayBars] = []
    size = 0
    for day in days:
        read.append(day)
        size += sum(column.nbytes for column in day.facts) + day.pool.context.nbytes + day.first_row.nbytes
        if size > KEPT_BYTES_MAX:
            return None
    return KeptDays(days, read)


class Warm:
    """A process that runs tasks one after the other; it keeps the days of the last group of them."""

    def __init__(self, cache: Path, history: Path | None = None) -> None:
        self._cache, self._history = cache, history
        self._group = ""
        self._days: KeptDays | None = None

    def run(self, task: Task, told: Told = quiet) -> dict[str, bytes]:
        """Run a task; returns the files of its result, the same bytes wherever it runs."""
        job = job_of(task, self._cache, self._history)
        days = self._days_of(task, job)
        results = run_job(job, told, days)
        candles = candles_of(days.history, results[0]) if task.candles else ()
        files = files_of(results[0], results[1:], candles)
        return {**files, SUMMARY: encode_summary(key_of(task), task, statistics_of(results[0]).metrics, files)}

    def _days_of(self, task: Task, job: Job) -> SomeDays:
        group = group_of(task)
        if group != self._group:
            self._group, self._days = "", None  # those of before are let go first
            self._days = keep(days_of(job))
            self._group = group
        return self._days or days_of(job)


def run_task(task: Task, cache: Path, history: Path | None = None, told: Told = quiet) -> dict[str, bytes]:
    """Run one task; `Warm` is for many."""
    return Warm(cache, history).run(task, told)
