"""`positions`, `account`, `fills`: what the gateway's books hold."""

import click

from common.domain.calendar import ts_of
from common.messages.orders import Account, AccountRequest, Positions, PositionsRequest
from services.cli import show
from services.cli.bilingual import command, json_option, option
from services.cli.books import GATEWAY, Since, fills_of
from services.cli.check import parse_day, parse_since
from services.cli.faults import BadInputError
from services.cli.render import account_lines, fills_table, positions_table
from services.cli.session import Session, pass_session


@command("positions", "cmd.positions")
@json_option
@pass_session
def positions(session: Session, as_json: bool) -> None:
    """Show every position with its sellable shares."""
    rows = session.ask(GATEWAY, PositionsRequest(), Positions).rows
    if as_json:
        show.echo_json(rows)
    else:
        click.echo(positions_table(session.lang, rows))


@command("account", "cmd.account")
@json_option
@pass_session
def account(session: Session, as_json: bool) -> None:
    """Show cash, equity, fees and the profit and loss of each day."""
    found = session.ask(GATEWAY, AccountRequest(), Account)
    if as_json:
        show.echo_json(found)
    else:
        click.echo("\n".join(account_lines(session.lang, found)))


@command("fills", "cmd.fills")
@option("--date", "day", metavar="DATE", help_key="opt.fills_date")
@option("--since", metavar="TIME|ROW", help_key="opt.fills_since")
@json_option
@pass_session
def fills(session: Session, day: str | None, since: str | None, as_json: bool) -> None:
    """Show the deals, oldest first."""
    wanted = 0 if day is None else parse_day(day)
    rows = fills_of(session, wanted, Since() if since is None else _since(session, since, wanted))
    if as_json:
        show.echo_json(rows)
    else:
        click.echo(fills_table(session.lang, rows))


def _since(session: Session, text: str, day: int) -> Since:
    """Return from where on; a bare time is of the day asked for, else of the day the books are at."""
    seq, named, second = parse_since(text)
    if (seq or named) and day:
        raise BadInputError("bad.since_and_date")
    if seq:
        return Since(seq)
    named = named or day or session.ask(GATEWAY, AccountRequest(), Account).day
    return Since(ts_ns=ts_of(named, second)) if named else Since()
