"""Which days a run plays: tapes somebody names, or the synthetic market, made once and kept."""

from pathlib import Path
from typing import NamedTuple

from common.history.tape import TapeReader, list_tapes
from services.cli.faults import BadInputError
from services.cli.session import Session
from services.cli.show import day_text

HISTORY_FOLDER = "history"
TAPES_FOLDER = "tapes"
HAND_SCRIPT = "hand_orders.json"


class Days(NamedTuple):
    """What a run plays."""

    tapes: list[Path]
    history: str
    """Folder of daily history, "" where there is none."""
    hand_script: str
    """Script of hand orders, "" where there is none."""
    source: str
    """For people."""


def choose_days(
    session: Session, path: str | None, history: str | None, market: dict[str, int], *, quiet: bool = False
) -> Days:
    """Return the tapes of `path`, else of PANKOU_DAYS, else of the synthetic market."""
    named = path or session.environ.get("PANKOU_DAYS", "")
    if named:
        if market:
            raise BadInputError("bad.market_with_days", names=", ".join(f"--{name}" for name in market))
        days = find_days(session, Path(named).expanduser().absolute(), quiet=quiet)
        return days if history is None else days._replace(history=str(folder_of(history)))
    if history is not None:
        raise BadInputError("bad.history_without_days")
    from services.cli.market import synthetic_days

    return synthetic_days(session, market, quiet=quiet)


def find_days(session: Session, path: Path, *, quiet: bool = False) -> Days:
    """Return the tapes of a file or folder, checked from end to end; raises `TapeError` when one cannot be played."""
    inner = path / TAPES_FOLDER
    tapes = list_tapes(inner if inner.is_dir() else path)
    days: dict[int, Path] = {}
    for tape in tapes:
        reader = TapeReader(tape)
        if not quiet:
            session.tell("run.checking", tape=tape.name)
        for _ in reader.pushes():
            pass  # reading to the end finds what is cut or out of order
        day = reader.header.day
        if day in days:
            raise BadInputError("bad.same_day", day=day_text(day), first=days[day].name, second=tape.name)
        days[day] = tape
    folder = path if path.is_dir() else path.parent
    return Days(
        [days[day] for day in sorted(days)],
        beside(folder, HISTORY_FOLDER, directory=True),
        beside(folder, HAND_SCRIPT, directory=False),
        f"{path} ({', '.join(day_text(day) for day in sorted(days))})",
    )


def folder_of(text: str) -> Path:
    """Return a folder that must exist."""
    path = Path(text).expanduser().absolute()
    if not path.is_dir():
        raise BadInputError("bad.no_folder", path=text)
    return path


def beside(folder: Path, name: str, directory: bool) -> str:
    """Return the path of something optional in a folder, "" where it is not there."""
    path = folder / name
    there = path.is_dir() if directory else path.is_file()
    return str(path) if there else ""
