"""`data sources|download|probe`: vendors of history."""

from pathlib import Path

import click

from services.cli import faults, show
from services.cli.bilingual import command, json_option, option
from services.cli.check import parse_day, parse_symbol
from services.cli.faults import BadInputError
from services.cli.session import Session, pass_session

into_option = option("--into", metavar="FOLDER", type=click.Path(path_type=Path), help_key="opt.into")


@command("sources", "cmd.data.sources")
@json_option
@pass_session
def sources(session: Session, as_json: bool) -> int:
    """Show what each source covers."""
    from services.cli.sources import coverage_lines, coverage_rows

    if as_json:
        show.echo_json(coverage_rows())
    else:
        click.echo("\n".join(coverage_lines(session)))
    return faults.OK


@command("download", "cmd.data.download")
@option("--source", metavar="NAME", default="baostock", show_default=True, help_key="opt.source")
@option("--folder", metavar="FOLDER", type=click.Path(path_type=Path), help_key="opt.files_folder")
@option("--from", "first", metavar="DATE", required=True, help_key="opt.download_from")
@option("--to", "last", metavar="DATE", required=True, help_key="opt.download_to")
@option("--codes", metavar="A,B", default="", help_key="opt.codes")
@option("--minutes", type=click.Choice(["1", "5", "15"]), help_key="opt.minutes")
@option("--no-dividends", is_flag=True, help_key="opt.no_dividends")
@option("--fresh", is_flag=True, help_key="opt.fresh")
@into_option
@json_option
@pass_session
def download(  # noqa: PLR0913 - one parameter an option
    session: Session,
    source: str,
    folder: Path | None,
    first: str,
    last: str,
    codes: str,
    minutes: str | None,
    no_dividends: bool,
    fresh: bool,
    into: Path | None,
    as_json: bool,
) -> int:
    """Download a range into the history."""
    from services.cli import sources as fetching

    begin, end = parse_day(first), parse_day(last)
    if begin > end:
        raise BadInputError("bad.range", first=show.day_text(begin), last=show.day_text(end))
    symbols = tuple(dict.fromkeys(parse_symbol(code) for code in codes.split(",") if code.strip()))
    wanted = fetching.wanted(begin, end, symbols, int(minutes or 0), dividends=not no_dividends, fresh=fresh)
    return fetching.download(session, source, wanted, into or session.home.history, as_json, folder)


@command("probe", "cmd.data.probe")
@click.argument("source")
@option("--out", metavar="FILE", type=click.Path(path_type=Path), help_key="opt.probe_out")
@json_option
@pass_session
def probe(session: Session, source: str, out: Path | None, as_json: bool) -> int:
    """Record a vendor's real answers to a few questions and say what differs from what is assumed."""
    from services.cli import sources as fetching

    return fetching.probe(session, source, out, as_json)
