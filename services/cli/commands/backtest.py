"""`backtest run` and `backtest report`: run a rule over history, and show what a backtest left behind."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from services.cli import show
from services.cli.bilingual import Group, json_option, option
from services.cli.commands.backtest_jobs import cancel, list_jobs, show_job, submit
from services.cli.commands.backtest_options import alone, asked_of, settings, span
from services.cli.commands.backtest_sweep import sweep
from services.cli.faults import BadInputError
from services.cli.session import Session, pass_session

backtest = Group("backtest", help_key="cmd.backtest")
for added in (sweep, submit, list_jobs, show_job, cancel):
    backtest.add_command(added)
KEY_LETTERS, KEY_LETTERS_MAX = 6, 32
"""Of the key of a job: fewer are rather the name of a folder."""
FAULTS = {"missing": "bad.no_result", "corrupt": "bad.result_corrupt", "version": "bad.result_version"}


@backtest.command_of("run", "cmd.backtest.run")
@span
@option(
    "--engine", type=click.Choice(["compiled", "backtrader", "pipeline"]), default="compiled", help_key="opt.engine"
)
@settings
@alone
@option("--days", "tapes", metavar="PATH", default=None, help_key="opt.backtest_days")
@json_option
@pass_session
def run(
    session: Session, /, as_json: bool, minutes: str | None, first: str, last: str, tapes: str | None, **asked: Any
) -> None:
    """Run a rule over a range of days and keep the result."""
    from common.backtests.statistics import statistics_of
    from services.cli import backtest_run, backtests
    from services.cli.progress import progress, silent

    wanted = asked_of(first, last, minutes, **asked)
    # What is checked and chosen here may show a progress bar of its own: it comes before ours.
    play = backtest_run.prepare(session, wanted, tapes, quiet=as_json)
    with silent() if as_json else progress(session.say("backtest.running", rule=wanted.rule)) as told:
        ran = play(told)
    statistics = statistics_of(ran.result)
    if as_json:
        show.echo_json({**backtests.as_json(ran.result, statistics), "folder": str(ran.folder)})
        return
    click.echo(backtests.statistics_text(session.lang, ran.result, statistics, sys.stdout.isatty()))
    for other in ran.others:
        session.tell("backtest.verdict", verdict=other.inputs.verdict, **_brief(other))
    session.tell("backtest.kept", folder=str(ran.folder))


def _brief(result: Any) -> dict[str, str]:
    from common.backtests.text import yuan

    closes = result.equity[-1].equity if result.equity else result.inputs.start_cash
    return {"fills": str(len(result.fills)), "equity": yuan(closes)}


@backtest.command_of("report", "cmd.backtest.report")
@click.argument("result_folder", type=click.Path(path_type=Path))
@option("--out", metavar="FILE", type=click.Path(path_type=Path), help_key="opt.report_out")
@json_option
@pass_session
def report(session: Session, result_folder: Path, out: Path | None, as_json: bool) -> None:
    """Write the report of a stored result and print its statistics."""
    from common.backtests.report import report_html
    from common.backtests.statistics import statistics_of
    from common.backtests.store import read_result
    from common.domain.errors import ResultError
    from services.cli import backtests

    result_folder = addressed(session, result_folder)
    try:
        stored = read_result(result_folder)
        page = report_html(stored.result, stored.others, stored.candles)
    except ResultError as error:
        raise BadInputError(FAULTS[error.fault], path=str(result_folder), why=error.detail) from None
    path = out or result_folder / "report.html"
    _write(path, page)
    statistics = statistics_of(stored.result)
    if as_json:
        show.echo_json({**backtests.as_json(stored.result, statistics), "report": str(path)})
    else:
        click.echo(backtests.statistics_text(session.lang, stored.result, statistics, sys.stdout.isatty()))
        session.tell("stats.report", path=str(path))


def addressed(session: Session, given: Path) -> Path:
    """Return a result folder; the key of a job, or the beginning of one, stands for the folder of its result."""
    text = str(given).lower()
    if given.exists() or not KEY_LETTERS <= len(text) <= KEY_LETTERS_MAX or not set(text) <= set("0123456789abcdef"):
        return given
    found = sorted((session.home.backtests / "results" / text[:2]).glob(f"{text}*/"))
    whole = [folder for folder in found if "." not in folder.name]
    if len(whole) > 1:
        raise BadInputError("bad.job_twice", key=text, one=whole[0].name, other=whole[1].name)
    return whole[0] if whole else given


def _write(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BadInputError("bad.cannot_write", path=str(path), why=error.strerror or str(error)) from None
