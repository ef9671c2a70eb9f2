"""`backtest run`: what was asked, checked and turned into a job; the result kept under $PANKOU_HOME/backtests."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from common.backtests.result import VERDICTS, BacktestResult, Candle, Inputs, Verdict
from common.backtests.store import write_result
from common.domain.errors import ConfigError, HistoryError
from common.domain.values import MILLI, Day
from common.history.schema import INTERVALS, minutes_folder
from common.history.tape import TapeReader
from common.runtime.config import Config, rule_params, rule_screen, rules_of
from common.runtime.rules import rule_source_hash
from common.runtime.screens import load_screens
from common.strategies.contract import Rule
from services.backtest_worker.account import DeskSettings
from services.backtest_worker.job import GRAINS, Job, Told, candles_of, days_of, rulebook_hash, run_job, tapes_hash
from services.cli.days import Days, choose_days
from services.cli.direct import open_direct
from services.cli.faults import BadInputError
from services.cli.session import Session
from services.cli.settings import merged_config
from services.cli.show import day_text

FOLDER = "backtests"
PIPELINE = "pipeline"


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
    alone: bool = False


class Ran(NamedTuple):
    """What came of it."""

    result: BacktestResult
    others: list[BacktestResult]
    folder: Path


def make_job(session: Session, asked: Asked) -> Job:
    """Check what was asked; every fault is one clear line."""
    direct = open_direct(session, asked.history, None)
    config, rule = _config(session, asked)
    screens = load_screens(config)
    if asked.rule not in screens:
        raise ConfigError(f'the rule {asked.rule} has no screen: name one with [rules.{asked.rule}] screen = "..."')
    account = config.account
    settings = DeskSettings(
        cash=(asked.cash or account.cash) * MILLI, positions_max=account.positions_max,
        slot_bp=account.slot_bp, commission_e7=config.fees.commission_e7, commission_min=config.fees.commission_min,
    )  # fmt: skip
    interval = asked.interval or _interval(direct.folder, rule.STEP)
    return Job(
        rule, rule_params(config, asked.rule), screens[asked.rule], direct.folder, asked.first, asked.last, asked.engine, interval,
        settings, _verdicts(asked, config), session.home.root / "cache",
    )  # fmt: skip


def prepare(session: Session, asked: Asked, days: str | None, *, quiet: bool) -> Callable[[Told], Ran]:
    """Check everything that was asked for and return what runs it; `days` are tapes, of the pipeline engine only."""
    if asked.engine == PIPELINE:
        if asked.interval is not None:
            raise BadInputError("bad.minutes_of_bars")
        return partial(run_tapes, session, asked, choose_tapes(session, asked, days, quiet=quiet))
    if days is not None:
        raise BadInputError("bad.days_of_pipeline")
    return partial(run, session, make_job(session, asked))


def choose_tapes(session: Session, asked: Asked, days: str | None, *, quiet: bool) -> Days:
    """Return the tapes from `first` to `last`; `days` as for `pankou run`."""
    chosen = choose_days(session, days, asked.history, {}, quiet=quiet)
    tapes = [tape for tape in chosen.tapes if asked.first <= TapeReader(tape).header.day <= asked.last]
    if not tapes:
        known = ", ".join(day_text(TapeReader(tape).header.day) for tape in chosen.tapes)
        raise BadInputError("bad.no_tapes", first=day_text(asked.first), last=day_text(asked.last), known=known)
    return chosen._replace(tapes=tapes)


def run_tapes(session: Session, asked: Asked, chosen: Days, told: Told) -> Ran:
    """Run a rule through the live cores over tapes, and keep the result."""
    # All the services, which no other engine needs: a sixth of a second of every other command.
    from services.backtest_worker.adapters.pipeline import run_pipeline
    from services.backtest_worker.journal import result_of

    config, rule = _config(session, asked)
    tapes = chosen.tapes
    results = []
    verdicts = _verdicts(asked, config)
    for number, verdict in enumerate(verdicts, 1):
        gateway = replace(config.gateway, fill_verdict=verdict)
        slots = config.account.positions_max
        account = replace(config.account, rule_slots={asked.rule: slots}, cash=asked.cash or config.account.cash)
        one = replace(config, gateway=gateway, account=account, feed=replace(config.feed, hand_script=""))
        made = run_pipeline(tapes, Path(chosen.history) if chosen.history else None, one)
        told(verdict, number, len(verdicts))
        inputs = Inputs(
            asked.rule, {k: int(v) for k, v in rule_params(config, asked.rule)._asdict().items()},
            {"positions_max": slots, "slot_bp": account.slot_bp, "commission_e7": config.fees.commission_e7,
             "commission_min": config.fees.commission_min, "participation_bp": gateway.participation_bp,
             "cancel_share_bp": gateway.cancel_share_bp},
            made.days[0], made.days[-1], "pipeline", verdict, account.cash * MILLI, chosen.source, tapes_hash(tapes),
            rule_source_hash(rule), rulebook_hash(),
        )  # fmt: skip
        results.append(result_of(made, inputs, config.fees.commission_e7, config.fees.commission_min))
    return _keep(session, results)


def _verdicts(asked: Asked, config: Config) -> tuple[Verdict, ...]:
    """Return the verdict of the main result, then the others unless it is run alone."""
    first = asked.verdict or config.gateway.fill_verdict
    return (*[v for v in VERDICTS if v == first], *[v for v in VERDICTS if v != first and not asked.alone])


def _config(session: Session, asked: Asked) -> tuple[Config, Rule]:
    added: dict[str, Any] = {}
    if asked.sets:
        added["rules"] = {asked.rule: _pairs(asked.sets)}
    if asked.slots:
        added["account"] = {"positions_max": asked.slots, "rule_slots": {asked.rule: asked.slots}}
    config = merged_config(session.home, "sim", added)
    rules = rules_of(config)
    if asked.rule not in rules:
        raise BadInputError("bad.rule", text=asked.rule, known=", ".join(rules))
    screen = _pairs(asked.screen_sets) | ({"st_unknown": asked.st_unknown} if asked.st_unknown else {})
    if screen:
        added["screens"] = {rule_screen(config, asked.rule): screen}
        config = merged_config(session.home, "sim", added)
    return config, rules[asked.rule]


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
    days = days_of(job)
    results = run_job(job, told, days)
    return _keep(session, results, candles_of(days.history, results[0]))


def _keep(session: Session, results: Sequence[BacktestResult], candles: Sequence[Candle] = ()) -> Ran:
    result, *others = results
    root = session.home.root / FOLDER
    root.mkdir(parents=True, exist_ok=True)
    number = max((int(path.name) for path in root.iterdir() if path.name.isdigit()), default=0) + 1
    write_result(root / str(number), result, others, candles)
    return Ran(result, others, root / str(number))
