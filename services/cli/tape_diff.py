"""`tape diff`: a recorded day of a run played again through the pipeline engine, and both days compared."""

import json
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from common.domain.values import Day
from common.history.tape import SUFFIX
from common.runtime.config import Config, load_config, rules_of
from common.runtime.rules import rule_source_hash
from services.backtest_worker.adapters.pipeline import PipelineResult, run_pipeline
from services.cli.day_books import DayBooks, Traces, day_books, pools_of, read_run
from services.cli.days import TAPES_FOLDER
from services.cli.differences import Circumstances, Compared, compare
from services.cli.faults import BadInputError
from services.cli.runs import run_folder
from services.cli.session import Session
from services.cli.settings import HASHES
from services.cli.show import day_text


class DayDiff(NamedTuple):
    """What `tape diff` found."""

    run: str
    compared: Compared
    finished: bool
    """The day was played to its end in the run."""
    run_books: DayBooks
    pipeline_books: DayBooks
    warnings: tuple[str, ...]
    """What the pipeline's services would have logged as a warning: a pool that could not be made, say."""


def compare_day(session: Session, day: Day, number: int | None, *, quiet: bool = False) -> DayDiff:
    """Play the recording of a run up to a day through the pipeline and compare the day."""
    folder = run_folder(session, number)
    config = load_config(folder / "config.toml")
    tapes = recorded(folder, day)
    if not quiet:
        session.tell("diff.playing", days=len(tapes), day=day_text(day))
    made = run_pipeline(tapes, None, as_recorded(config))
    run = read_run(folder, day, made.last_push)
    pipeline = pipeline_books(made, day)
    known = Circumstances(
        real_time=config.feed.pace == "real_time",
        sliced_from_s=config.feed.start_second,
        changed_rules=changed_rules(folder, config),
    )
    compared = compare(day, made.last_push, run, pipeline, known)
    return DayDiff(folder.name, compared, pipeline.close is not None, run, pipeline, made.warnings)


def recorded(folder: Path, day: Day) -> list[Path]:
    """Return what a run recorded from its first day to `day`: positions and cash come from the days before."""
    found = {int(path.stem): path for path in (folder / TAPES_FOLDER).glob(f"*{SUFFIX}") if path.stem.isdigit()}
    if day not in found:
        known = ", ".join(day_text(each) for each in sorted(found)) or "-"
        raise BadInputError("bad.no_recording", run=folder.name, day=day_text(day), known=known)
    return [found[each] for each in sorted(found) if each <= day]


def changed_rules(folder: Path, config: Config) -> frozenset[str]:
    """Return the rules whose source is another one now than when the run began."""
    try:
        then = json.loads((folder / HASHES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return frozenset()  # the run is older than this file
    now = {name: rule_source_hash(rule) for name, rule in rules_of(config).items()}
    return frozenset(name for name, digest in now.items() if then.get(name, digest) != digest)


def as_recorded(config: Config) -> Config:
    """Return the configuration for a recording: the script's hand orders and the part of the day are on it already."""
    return replace(config, feed=replace(config.feed, hand_script="", start_second=0, end_second=86_400))


def pipeline_books(made: PipelineResult, day: Day) -> DayBooks:
    """Return the day as the pipeline made it."""
    traces = Traces(pools=pools_of(made.pools, day))
    return day_books(made.rows, made.verdicts, made.signals, day, made.last_push, traces)
