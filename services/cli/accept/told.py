"""How a recording is told: what is the same as we assume, what differs, how long an order took to be seen."""

from pathlib import Path
from typing import Any

import click

from services.cli import faults, show
from services.cli.accept.assumptions import Result, Seen, compare
from services.cli.accept.recordings import read_rows
from services.cli.accept.settle import Delays, delays
from services.cli.faults import BadInputError
from services.cli.render import heads
from services.cli.session import Session

TEXT_MAX = 90
"""Letters of what was seen on a line; the recording has it whole."""


def short(text: str) -> str:
    """Cut a text that is too long for a line."""
    return text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 1] + "…"


def tell(session: Session, results: list[Result], measured: Delays, *, all_of_them: bool = True) -> None:
    """Print what was seen of each assumption; those of which nothing was seen only where `all_of_them` are wanted."""
    rows = [
        (session.say(f"seen.{result.seen.value}"), session.say(f"assume.{result.name}"), short(result.what))
        for result in results
        if all_of_them or result.seen is not Seen.NOT_SEEN
    ]
    if rows:
        click.echo(show.table(heads(session.lang, "verdict", "assumed", "seen_there"), rows))
    session.tell("accept.counts", **{seen.value: sum(1 for row in results if row.seen is seen) for seen in Seen})
    if measured.settle_s:
        session.tell("accept.delays", **measured._asdict())
        session.tell("accept.settle", seconds=measured.settle_s)


def plain(results: list[Result], measured: Delays) -> dict[str, Any]:
    """Return the same as `--json` shows it."""
    return {
        "results": [result._asdict() for result in results],
        "delays_ms": measured._asdict(),
        "settle_s": measured.settle_s,
    }


def show_file(session: Session, path: Path, *, as_json: bool) -> int:
    """Hold a recording on disk against what is assumed now: assumptions change, recordings do not."""
    rows = read_rows(path)
    if not rows or rows[0].get("kind") != "begin":
        raise BadInputError("bad.recording", path=str(path))
    whole = rows[-1].get("kind") == "end"
    events = [row for row in rows if {"kind", "at_ns", "since_ms"} <= set(row)]
    results = compare(events)
    try:
        measured = delays(events)
    except (KeyError, TypeError, ValueError, AttributeError):  # somebody edited it, or it is of another program
        raise BadInputError("bad.recording", path=str(path)) from None
    if as_json:
        show.echo_json({"recording": str(path), "whole": whole, **plain(results, measured)})
    else:
        tell(session, results, measured)
        if not whole:
            session.warn("accept.cut", path=str(path))
    return faults.OK if all(result.seen is not Seen.DIFFERS for result in results) else faults.REFUSED
