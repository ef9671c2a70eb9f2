"""`tape import`: Parquet market data into tapes, with what was made and what was left out."""

from pathlib import Path

import click

from common.history.importing import import_tapes as make_tapes
from services.cli.progress import progress
from services.cli.session import Session
from services.cli.show import day_text


def import_tapes(session: Session, path: Path, out: Path) -> None:
    """Make the tapes that a folder or file of market data allows."""
    out.mkdir(parents=True, exist_ok=True)
    with progress(session.say("tape.importing", path=str(path))) as told:
        made = make_tapes(path, out, told)
    for tape in made:
        session.tell(
            "tape.imported", path=str(tape.path), day=day_text(tape.day), pushes=tape.pushes, source=tape.source
        )
        for reason, count in tape.left_out.items():
            if count:
                click.echo("  " + session.say("tape.left_out", count=count, reason=reason))
    session.tell("tape.how_to_play", path=str(out))
