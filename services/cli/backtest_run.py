"""`backtest run`: what was asked, checked and turned into a job; the result kept under $PANKOU_HOME/backtests."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from common.backtests.result import VERDICTS, BacktestResult, Verdict
from common.backtests.store import write_result
from common.domain.errors import ConfigError, HistoryError
from common.domain.values import MILLI, Day
from common.history.schema import INTERVALS, minutes_folder
from common.runtime.config import rule_params, rules_of
from common.runtime.screens import load_screens
from services.backtest_worker.account import DeskSettings
from services.backtest_worker.job import GRAINS, Job, Told, run_job
from services.cli.direct import ST_CHOICES, open_direct
from services.cli.faults import BadInputError
from services.cli.session import Session
from services.cli.settings import merged_config

FOLDER = "backtests"


class Asked(NamedTuple):
    """Options of `backtest run`."""

    rule: str
    first: Day
    last: Day
    sets: tuple[str, ...] = ()
    screen_sets: tuple[str, ...] = ()
    interval: int | None = None
    history: str | None = None
    st_unknown: str | None = None
    engine: str = "compiled"
    verdict: str | None = None
    cash: int | None = None
    slots: int | None = None


class Ran(NamedTuple):
    """What came of it."""

    result: BacktestResult
    others: list[BacktestResult]
    folder: Path


def make_job(session: Session, asked: Asked) -> Job:
    """Check what was asked; every fault is one clear line."""
    direct = open_direct(session, asked.history, None)
    added: dict[str, Any] = {}
    if asked.sets:
        added["rules"] = {asked.rule: _pairs(asked.sets)}
    if asked.screen_sets:
        added["screens"] = {asked.rule: _pairs(asked.screen_sets)}
    config = merged_config(session.home, "sim", added)
    rules = rules_of(config)
    if asked.rule not in rules:
        raise BadInputError("bad.rule", text=asked.rule, known=", ".join(rules))
    rule = rules[asked.rule]
    screens = load_screens(config)
    if asked.rule not in screens:
        raise ConfigError(f'the rule {asked.rule} has no screen: name one with [rules.{asked.rule}] screen = "..."')
    screen = screens[asked.rule]
    if asked.st_unknown is not None:
        screen = screen.asking(ST_CHOICES[asked.st_unknown])
    account, gateway = config.account, config.gateway
    settings = DeskSettings(
        cash=(asked.cash or account.cash) * MILLI, positions_max=asked.slots or account.positions_max,
        slot_bp=account.slot_bp, commission_e7=config.fees.commission_e7, commission_min=config.fees.commission_min,
    )  # fmt: skip
    first = (asked.verdict or gateway.fill_verdict,)
    verdicts: tuple[Verdict, ...] = (*[v for v in VERDICTS if v in first], *[v for v in VERDICTS if v not in first])
    interval = asked.interval or _interval(direct.folder, rule.STEP)
    return Job(
        rule, rule_params(config, asked.rule), screen, direct.folder, asked.first, asked.last, asked.engine, interval,
        settings, verdicts, session.home.root / "cache",
    )  # fmt: skip


def _pairs(texts: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise BadInputError("bad.set", text=text)
        found[name.strip()] = _scalar(value.strip())
    return found


def _scalar(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    try:
        return int(text)
    except ValueError:
        return text


def _interval(folder: Path, step: str) -> int:
    """Return the minutes of the bars to use: the finest there are for a rule of snapshots, 5 for one of 5-minute bars."""
    there = [minutes for minutes in INTERVALS if minutes in GRAINS and (folder / minutes_folder(minutes)).is_dir()]
    wanted = [5] if step == "bar5" else there
    found = [minutes for minutes in wanted if minutes in there]
    if not found:
        need = "5" if step == "bar5" else "1 or 5"
        raise HistoryError(f"{folder} has no minute bars of {need} minutes, which this rule needs: pankou data import")
    return found[0]


def run(session: Session, job: Job, told: Told) -> Ran:
    """Run a job and keep its result."""
    result, *others = run_job(job, told)
    root = session.home.root / FOLDER
    root.mkdir(parents=True, exist_ok=True)
    number = max((int(path.name) for path in root.iterdir() if path.name.isdigit()), default=0) + 1
    write_result(root / str(number), result, others)
    return Ran(result, others, root / str(number))
