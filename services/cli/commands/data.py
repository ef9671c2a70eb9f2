"""`data import|synthetic|check`, and the vendors of `data_sources.py`."""

from pathlib import Path

import click

from services.cli import faults, show
from services.cli.bilingual import Group, json_option, option
from services.cli.commands import data_sources
from services.cli.faults import BadInputError
from services.cli.session import Session, pass_session

data = Group("data", help_key="cmd.data")
for vendors in (data_sources.sources, data_sources.download, data_sources.probe):
    data.add_command(vendors)


@data.command_of("import", "cmd.data.import")
@click.argument("path", type=click.Path(path_type=Path))
@option("--into", metavar="FOLDER", type=click.Path(path_type=Path), help_key="opt.into")
@option("--map", "mapping", metavar="FILE", type=click.Path(path_type=Path), help_key="opt.map")
@json_option
@pass_session
def import_(session: Session, path: Path, into: Path | None, mapping: Path | None, as_json: bool) -> int:
    """Import market data into the history."""
    from common.history.importing_history import import_path
    from services.cli.progress import progress, silent

    for named in (path, mapping):
        if named is not None and not named.exists():
            raise BadInputError("bad.no_file", path=str(named))
    folder = into or session.home.history
    with silent() if as_json else progress(session.say("data.importing", path=str(path))) as told:
        made = import_path(path, folder, mapping, told, session.home.calendar)
    if as_json:
        show.echo_json({"history": str(folder), "rows": made.rows, "changed": made.changed})
        return faults.OK
    for table, rows in made.rows.items():
        session.tell("data.imported", table=table, rows=rows, changed=made.changed[table])
    session.tell("data.done" if any(made.changed.values()) else "data.same", path=str(folder))
    return faults.OK


@data.command_of("synthetic", "cmd.data.synthetic")
@click.argument("path", metavar="FOLDER", type=click.Path(path_type=Path, file_okay=False))
@option("--stocks", type=int, default=300, help_key="opt.year_stocks")
@option("--sessions", type=int, default=244, help_key="opt.year_sessions")
@option("--seed", type=int, default=7, help_key="opt.year_seed")
@json_option
@pass_session
def synthetic(session: Session, path: Path, stocks: int, sessions: int, seed: int, as_json: bool) -> int:
    """Make a year of the synthetic market as a history."""
    from common.history.synthetic.year import YearParams, make_year
    from services.cli.progress import progress, silent

    with silent() if as_json else progress(session.say("data.making_year", path=str(path))) as told:
        first, last = make_year(path, YearParams(stocks, sessions, seed), told)
    if as_json:
        show.echo_json({"history": str(path), "first": first, "last": last})
    else:
        session.tell("data.year_made", path=str(path), first=show.day_text(first), last=show.day_text(last))
    return faults.OK


@data.command_of("check", "cmd.data.check")
@option("--history", "folder", metavar="FOLDER", type=click.Path(path_type=Path), help_key="opt.data_folder")
@option("--all", "everything", is_flag=True, help_key="opt.all")
@option("--strict", is_flag=True, help_key="opt.strict")
@json_option
@pass_session
def check(session: Session, folder: Path | None, everything: bool, strict: bool, as_json: bool) -> int:
    """Check the history; with `strict` REFUSED when there are faults."""
    from common.domain.calendar import day_of
    from common.history.check import FAULT, check_history
    from common.runtime.clock import SystemClock
    from services.cli.data_report import counts, tell_findings
    from services.cli.progress import progress, silent

    place = folder or session.home.history
    with silent() if as_json else progress(session.say("data.checking", path=str(place))) as told:
        found = check_history(place, day_of(SystemClock().now_ns()), told)
    faults_found = [each for each in found if each.severity == FAULT]
    if as_json:
        show.echo_json({
            "history": str(place), "faults": len(faults_found), "warnings": len(found) - len(faults_found),
            "rows": counts(found), "findings": [each._asdict() for each in found],
        })  # fmt: skip
    else:
        tell_findings(session, str(place), found, everything)
    return faults.REFUSED if faults_found and strict else faults.OK
