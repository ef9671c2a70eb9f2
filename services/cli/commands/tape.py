"""`tape list|import|replay|verify|diff`."""

from pathlib import Path

import click

from services.cli import faults, show
from services.cli.bilingual import Group, json_option, option
from services.cli.check import parse_day
from services.cli.commands.run import run
from services.cli.faults import BadInputError
from services.cli.render import heads
from services.cli.session import Session, pass_session

tape = Group("tape", help_key="cmd.tape")


@tape.command_of("list", "cmd.tape.list")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@json_option
@pass_session
def list_(session: Session, path: Path | None, as_json: bool) -> int:
    """List tapes: those of a folder, else all of $PANKOU_HOME."""
    from common.domain.errors import TapeError
    from common.history.tape import TapeReader, list_tapes

    home = session.home
    places = (
        [path]
        if path is not None
        else [home.tapes, *sorted(home.markets.glob("*")), *sorted(home.runs.glob("*/tapes"))]
    )
    found = []
    for place in places:
        try:
            found += [(file, TapeReader(file).header) for file in list_tapes(place)]
        except TapeError:
            if path is not None:
                raise
    rows = [(file, header.day, header.interval_ms, header.pushes, header.source) for file, header in found]
    if as_json:
        keys = ("path", "day", "interval_ms", "pushes", "source")
        show.echo_json([dict(zip(keys, (str(row[0]), *row[1:]), strict=True)) for row in rows])
    elif not rows:
        session.tell("none.tapes")
    else:
        cells = [(show.day_text(r[1]), f"{r[2] / 1000:g}s", r[3] if r[3] >= 0 else "?", r[4], r[0]) for r in rows]
        click.echo(show.table(heads(session.lang, "day", "interval", "pushes", "source", "file"), cells, (1, 2)))
    return faults.OK


@tape.command_of("verify", "cmd.tape.verify")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@json_option
@pass_session
def verify(session: Session, paths: tuple[Path, ...], as_json: bool) -> int:
    """Check tapes, or every tape of a folder."""
    from common.history.tape import list_tapes
    from common.history.tape_check import verify as check

    summaries = [check(file) for path in paths for file in list_tapes(path)]
    if as_json:
        show.echo_json([{**summary._asdict(), "path": str(summary.path)} for summary in summaries])
    for summary in summaries if not as_json else ():
        session.tell(
            "tape.good" if not summary.problem_count else "tape.bad",
            path=str(summary.path),
            day=show.day_text(summary.day),
            stocks=summary.stocks,
            pushes=summary.pushes,
            quotes=summary.quotes,
            count=summary.problem_count,
        )
        for problem in summary.problems:
            click.echo(f"  {problem}")
    return faults.REFUSED if any(summary.problem_count for summary in summaries) else faults.OK


@tape.command_of("replay", "cmd.tape.replay")
@click.argument("path")
@option("--no-follow", is_flag=True, help_key="opt.no_follow")
@click.pass_context
def replay(ctx: click.Context, path: str, no_follow: bool) -> int:
    """Play tapes: `run --days PATH`."""
    asked = dict.fromkeys((param.name for param in run.params if param.name), None)
    asked.update(days=path, resume=False, profile="sim", no_follow=no_follow)
    code = ctx.invoke(run, **asked)
    return code if isinstance(code, int) else faults.OK


@tape.command_of("import", "cmd.tape.import")
@click.argument("path", type=click.Path(path_type=Path))
@option("--out", type=click.Path(path_type=Path), help_key="opt.out")
@pass_session
def import_(session: Session, path: Path, out: Path | None) -> None:
    """Make tapes from Parquet market data."""
    if not path.exists():
        raise BadInputError("bad.no_file", path=str(path))
    from services.cli.importing import import_tapes

    import_tapes(session, path, out or session.home.tapes)


@tape.command_of("diff", "cmd.tape.diff")
@click.argument("day")
@option("--run", "number", type=click.IntRange(1), help_key="opt.run")
@json_option
@pass_session
def diff(session: Session, day: str, number: int | None, as_json: bool) -> int:
    """Lay a day of a run beside what the pipeline makes of the tape recorded in it."""
    from services.cli.diff_text import as_json as data_of
    from services.cli.diff_text import diff_text
    from services.cli.tape_diff import compare_day

    found = compare_day(session, parse_day(day), number, quiet=as_json)
    if as_json:
        show.echo_json(data_of(found))
    else:
        click.echo(diff_text(session.lang, found))
    return faults.OK if found.compared.equal else faults.REFUSED
