"""Recordings of `pankou accept live`: those of this home folder, and those the project ships.

Until the project ships one of a real client, everything that comes near a broker says: never run against a broker.
"""

import json
from pathlib import Path
from typing import Any

from services.cli.home import CHECKOUT

FOLDER = "accept"
"""In $PANKOU_HOME."""
SHIPPED = CHECKOUT / "deploy" / "recordings"
"""Recordings people sent in: what the fakes were corrected from."""


def own_recording(home: Path) -> str:
    """Return the name of this home's newest whole recording of a real client, "" = none."""
    return newest(home / FOLDER)


def measured_settle(home: Path) -> int | None:
    """Return the seconds that the newest whole recording asks for `gateway.settle_s`; None = nothing was measured."""
    name = own_recording(home)
    told = read_rows(home / FOLDER / name)[-1].get("settle_s") if name else None
    return told if isinstance(told, int) and told > 0 else None


def never_run() -> bool:
    """Tell whether the project has no recording of a real client: nothing here was ever compared with one."""
    return not newest(SHIPPED)


def newest(folder: Path) -> str:
    """Return the name of the newest whole recording of a real client in a folder, "" = none."""
    found = [path.name for path in folder.glob("*.jsonl") if is_whole(path)] if folder.is_dir() else []
    return max(found, default="")


def is_whole(path: Path) -> bool:
    """Tell whether a recording is of a real client and went through to the end, order and cancel included."""
    rows = list(read_rows(path))
    if len(rows) < 2:
        return False
    head, tail = rows[0], rows[-1]
    return (
        head.get("kind") == "begin"
        and tail.get("kind") == "end"
        and all(tail.get(name) is True for name in ("real", "whole"))
    )


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a recording as far as they can be read."""
    rows = []
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                if isinstance(row, dict):
                    rows.append(row)
    except (OSError, ValueError):
        return []
    return rows
