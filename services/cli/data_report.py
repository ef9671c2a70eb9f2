"""What `data check` prints: faults by kind, each with its stock, days and numbers."""

from collections.abc import Sequence
from itertools import groupby

import click

from common.history.check import FAULT, Finding
from services.cli.session import Session
from services.cli.show import day_text

SHOWN = 20
"""Findings of a kind that are listed unless all are asked for."""


def counts(found: Sequence[Finding]) -> dict[str, int]:
    """Return the number of rows by kind."""
    rows: dict[str, int] = {}
    for each in found:
        rows[each.kind] = rows.get(each.kind, 0) + each.rows
    return rows


def tell_findings(session: Session, path: str, found: Sequence[Finding], everything: bool) -> None:
    """Print the findings; they come in order of their kinds."""
    if not found:
        session.tell("data.good", path=path)
        return
    for kind, group in groupby(found, key=lambda each: each.kind):
        same = list(group)
        rows = sum(each.rows for each in same)
        session.tell("data.kind", what=session.say(f"check.{kind}"), kind=kind, count=len(same), rows=rows)
        for each in same if everything else same[:SHOWN]:
            click.echo("  " + line(each))
        if not everything and len(same) > SHOWN:
            session.tell("data.more", count=len(same) - SHOWN)
    faults = sum(1 for each in found if each.severity == FAULT)
    session.tell("data.found", path=path, faults=faults, warnings=len(found) - faults)


def line(each: Finding) -> str:
    """Return one finding in a line."""
    days = [day_text(day) for day in dict.fromkeys((each.day, each.last_day)) if day]
    parts = [each.symbol, "..".join(days), each.table, each.detail, f"x{each.rows}" if each.rows > 1 else ""]
    return "  ".join(part for part in parts if part)
