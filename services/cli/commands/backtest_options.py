"""What every command that makes backtests is asked: the rule and its days, then its settings."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from services.cli.bilingual import option
from services.cli.check import parse_day
from services.cli.faults import BadInputError

if TYPE_CHECKING:
    from services.cli.backtest_run import Asked

F = TypeVar("F", bound=Callable[..., Any])
VERDICTS = ("pessimistic", "expected", "optimistic")
_SPAN = (
    click.argument("rule"),
    option("--from", "first", metavar="DAY", required=True, help_key="opt.backtest_from"),
    option("--to", "last", metavar="DAY", required=True, help_key="opt.backtest_to"),
)
_SETTINGS = (
    option("--set", "sets", metavar="K=V", multiple=True, help_key="opt.set"),
    option("--screen-set", "screen_sets", metavar="K=V", multiple=True, help_key="opt.screen_set"),
    option("--verdict", type=click.Choice(VERDICTS), default=None, help_key="opt.verdict"),
    option("--minutes", type=click.Choice(["1", "5"]), default=None, help_key="opt.bar_minutes"),
    option("--cash", type=click.IntRange(1), default=None, help_key="opt.cash"),
    option("--slots", type=click.IntRange(1, 100), default=None, help_key="opt.slots"),
    option("--history", metavar="DIR", default=None, help_key="opt.backtest_history"),
    option("--st-unknown", type=click.Choice(["deny", "allow"]), default=None, help_key="opt.st_unknown"),
)

alone = option("--alone", is_flag=True, help_key="opt.alone")


def span(function: F) -> F:
    """Take a rule and its days."""
    return _given(function, _SPAN)


def settings(function: F) -> F:
    """Take parameters, the screen's, the account's, and where the history is."""
    return _given(function, _SETTINGS)


def _given(function: F, options: tuple[Callable[[F], F], ...]) -> F:
    for each in reversed(options):
        function = each(function)
    return function


def asked_of(first: str, last: str, minutes: str | None, **given: Any) -> "Asked":
    """Return what was asked, its days checked."""
    from services.cli.backtest_run import Asked

    days = parse_day(first), parse_day(last)
    if days[0] > days[1]:
        raise BadInputError("bad.backwards", first=first, last=last)
    return Asked(first=days[0], last=days[1], interval=int(minutes) if minutes else None, **given)
