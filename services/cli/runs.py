"""Which run a command is about."""

from pathlib import Path

from services.cli.faults import BadInputError
from services.cli.session import Session


def run_folder(session: Session, number: int | None) -> Path:
    """Return the folder of a run, the newest where no number is given."""
    home = session.home
    folder = home.last_run() if number is None else home.runs / str(number)
    if folder is None or not (folder / "config.toml").is_file():
        known = ", ".join(map(str, home.run_numbers())) or "-"
        raise BadInputError("bad.no_such_run", run=number or 1, home=str(home.root), known=known)
    return folder
