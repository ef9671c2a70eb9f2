"""`data import|check`."""

from pathlib import Path

import click

from services.cli import faults, show
from services.cli.bilingual import Group, json_option, option
from services.cli.faults import BadInputError
from services.cli.session import Session, pass_session

data = Group("data", help_key="cmd.data")


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
        made = import_path(path, folder, mapping, told)
    if as_json:
        show.echo_json({"history": str(folder), "rows": made.rows, "changed": made.changed})
        return faults.OK
    for table, rows in made.rows.items():
        session.tell("data.imported", table=table, rows=rows, changed=made.changed[table])
    session.tell("data.done" if any(made.changed.values()) else "data.same", path=str(folder))
    return faults.OK
