"""`backtest sweep`: the same backtest under many sets of parameters."""

import sys
from typing import Any

import click

from services.cli import show
from services.cli.bilingual import command, json_option, option
from services.cli.check import parse_day
from services.cli.commands.backtest_options import asked_of, settings, span
from services.cli.session import Session, pass_session

BY = (
    "sharpe", "total_return", "annual_return", "sortino", "calmar", "max_drawdown", "win_rate", "profit_loss_ratio",
    "mean_gain", "pnl",
)  # fmt: skip
"""As `common.backtests.sweeps.BY`, which takes a tenth of a second to import."""


@command("sweep", "cmd.backtest.sweep")
@span
@option("--grid", "grids", metavar="K=V,V|A:B:STEP", multiple=True, help_key="opt.grid")
@option("--search", type=click.Choice(["grid", "optuna"]), default="grid", help_key="opt.search")
@option("--trials", type=click.IntRange(1, 10_000), default=100, help_key="opt.trials")
@option("--seed", type=click.IntRange(0), default=0, help_key="opt.search_seed")
@option("--split", metavar="DAY", default=None, help_key="opt.split")
@option("--by", type=click.Choice(BY), default="sharpe", help_key="opt.by")
@option("--top", type=click.IntRange(1, 1000), default=20, help_key="opt.top")
@option("--executor", type=click.Choice(["local", "dask", "queue"]), default="local", help_key="opt.executor")
@option("--workers", type=click.IntRange(1, 256), default=None, help_key="opt.workers")
@option("--scheduler", metavar="ADDRESS", default="", help_key="opt.scheduler")
@option("--engine", type=click.Choice(["compiled", "backtrader"]), default="compiled", help_key="opt.sweep_engine")
@settings
@json_option
@pass_session
def sweep(
    session: Session,
    /,
    as_json: bool,
    first: str,
    last: str,
    split: str | None,
    top: int,
    minutes: str | None,
    **given: Any,
) -> None:
    """Run a rule under every set of a grid, rank the sets, and say how much of the best is luck."""
    from services.cli import sweep_run, sweeps
    from services.cli.progress import progress, silent

    own = {name: given.pop(name) for name in sweep_run.Wanted._fields if name in given}
    asked = asked_of(first, last, minutes, **given)
    wanted = sweep_run.Wanted(asked, split=parse_day(split) if split else 0, **own)
    play = sweep_run.prepare(session, wanted)
    with silent() if as_json else progress(session.say("sweep.running", rule=wanted.asked.rule)) as told:
        swept = play(told)
    if as_json:
        show.echo_json(sweep_run.json_of(swept))
        return
    click.echo(sweeps.sweep_text(session.lang, swept.sweep, top, sys.stdout.isatty()))
    session.tell("sweep.kept", folder=str(swept.folder))
