"""`backtest report`: what a backtest left behind."""

import os
import sys
from pathlib import Path

import click

from services.cli import show
from services.cli.bilingual import Group, json_option, option
from services.cli.faults import BadInputError
from services.cli.session import Session, pass_session

backtest = Group("backtest", help_key="cmd.backtest")
FAULTS = {"missing": "bad.no_result", "corrupt": "bad.result_corrupt", "version": "bad.result_version"}


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


def _write(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BadInputError("bad.cannot_write", path=str(path), why=error.strerror or str(error)) from None
