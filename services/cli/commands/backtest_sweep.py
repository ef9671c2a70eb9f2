"""`backtest sweep`: the same backtest under many sets of parameters."""

import sys
from typing import Any

import click

from services.cli import show
from services.cli.bilingual import command, json_option, option
from services.cli.check import parse_day
from services.cli.faults import BadInputError
from services.cli.session import Session, pass_session

BY = (
    "sharpe", "total_return", "annual_return", "sortino", "calmar", "max_drawdown", "win_rate", "profit_loss_ratio",
    "mean_gain", "pnl",
)  # fmt: skip
"""As `common.backtests.sweeps.BY`, which takes a tenth of a second to import."""


@command("sweep", "cmd.backtest.sweep")
@click.argument("rule")
@option("--from", "first", metavar="DAY", required=True, help_key="opt.backtest_from")
@option("--to", "last", metavar="DAY", required=True, help_key="opt.backtest_to")
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
@option("--set", "sets", metavar="K=V", multiple=True, help_key="opt.set")
@option("--screen-set", "screen_sets", metavar="K=V", multiple=True, help_key="opt.screen_set")
@option("--verdict", type=click.Choice(["pessimistic", "expected", "optimistic"]), default=None, help_key="opt.verdict")
@option("--minutes", type=click.Choice(["1", "5"]), default=None, help_key="opt.bar_minutes")
@option("--cash", type=click.IntRange(1), default=None, help_key="opt.cash")
@option("--slots", type=click.IntRange(1, 100), default=None, help_key="opt.slots")
@option("--history", metavar="DIR", default=None, help_key="opt.backtest_history")
@option("--st-unknown", type=click.Choice(["deny", "allow"]), default=None, help_key="opt.st_unknown")
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
    from services.cli.backtest_run import Asked
    from services.cli.progress import progress, silent

    days = parse_day(first), parse_day(last)
    if days[0] > days[1]:
        raise BadInputError("bad.backwards", first=first, last=last)
    own = {name: given.pop(name) for name in sweep_run.Wanted._fields if name in given}
    asked = Asked(first=days[0], last=days[1], interval=int(minutes) if minutes else None, **given)
    wanted = sweep_run.Wanted(asked, split=parse_day(split) if split else 0, **own)
    play = sweep_run.prepare(session, wanted)
    with silent() if as_json else progress(session.say("sweep.running", rule=wanted.asked.rule)) as told:
        swept = play(told)
    if as_json:
        show.echo_json(sweep_run.json_of(swept))
        return
    click.echo(sweeps.sweep_text(session.lang, swept.sweep, top, sys.stdout.isatty()))
    session.tell("sweep.kept", folder=str(swept.folder))
