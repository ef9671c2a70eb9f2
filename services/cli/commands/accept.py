"""`accept live`: the first day with a real client. Looks, then, asked for once more, one order and its cancel."""

from pathlib import Path

import click

from services.cli.bilingual import Group, json_option, option
from services.cli.check import parse_symbol
from services.cli.session import Session, pass_session

accept = Group("accept", help_key="cmd.accept")


@accept.command_of("live", "cmd.accept.live")
@option("--client", metavar="DIR", default="", help_key="opt.accept_client")
@option("--account", metavar="NAME", default="", help_key="opt.accept_account")
@option("--symbol", metavar="CODE", default="601398.SH", show_default=True, help_key="opt.accept_symbol")
@option("--seconds", type=click.IntRange(5, 600), default=60, show_default=True, help_key="opt.accept_seconds")
@option("--order", is_flag=True, help_key="opt.accept_order")
@option("--any-time", is_flag=True, help_key="opt.accept_any_time")
@option("--out", type=click.Path(path_type=Path, dir_okay=False), help_key="opt.accept_out")
@json_option
@pass_session
def live(
    session: Session,
    client: str,
    account: str,
    symbol: str,
    seconds: int,
    order: bool,
    any_time: bool,
    out: Path | None,
    as_json: bool,
) -> int:
    """Look at a real client, write everything down, tell what differs from what we believe."""
    from services.cli.accept.desk import Asked, Desk

    asked = Asked(client, account, parse_symbol(symbol), seconds, order, any_time, out, as_json)
    return Desk(session, asked).run()


@accept.command_of("show", "cmd.accept.show")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@pass_session
def show_recording(session: Session, file: Path, as_json: bool) -> int:
    """Hold a recording against what we assume, without a client; exit code 1 when something differs."""
    from services.cli.accept.told import show_file

    return show_file(session, file, as_json=as_json)
