"""Keys of hand orders, on disk before the first send: `order retry` asks again under the same key."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

import msgspec

from common.messages.orders import CancelExitRequest, CancelRequest, CloseRequest, OpenRequest, ResolveRequest

Ask = OpenRequest | CloseRequest | CancelRequest | CancelExitRequest | ResolveRequest
KEPT_MAX = 200
"""Answered keys older than these are forgotten; the gateway keeps its own for ever."""
_KINDS: dict[str, type[Ask]] = {
    kind.__name__: kind for kind in (OpenRequest, CloseRequest, CancelRequest, CancelExitRequest, ResolveRequest)
}


def new_key() -> str:
    """Return a fresh key of a hand order."""
    return f"hand-{secrets.token_hex(8)}"


class Pending:
    """The file of hand orders that have no final answer yet (0600, replaced in one step)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _read(self) -> list[dict[str, Any]]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return []
        return found if isinstance(found, list) else []

    def _write(self, rows: list[dict[str, Any]]) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(rows, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)

    def put(self, ask: Ask, run: str) -> None:
        """Store an order before it is sent; `run` is the run it is meant for."""
        rows = [row for row in self._read() if row["ask"]["key"] != ask.key]
        rows.append({"kind": type(ask).__name__, "run": run, "ask": msgspec.to_builtins(ask), "answered": False})
        waiting = [row for row in rows if not row["answered"]]
        self._write(waiting if len(waiting) >= KEPT_MAX else rows[-KEPT_MAX:])

    def done(self, key: str) -> None:
        """Mark an order as answered."""
        rows = self._read()
        for row in rows:
            if row["ask"]["key"] == key:
                row["answered"] = True
        self._write(rows)

    def waiting(self, run: str) -> list[Ask]:
        """Return the orders of a run that have no answer, oldest first."""
        return [self._ask(row) for row in self._read() if row["run"] == run and not row["answered"]]

    def find(self, key: str, run: str) -> Ask | None:
        """Return the order stored under a key."""
        for row in self._read():
            if row["ask"]["key"] == key and row["run"] == run:
                return self._ask(row)
        return None

    def _ask(self, row: dict[str, Any]) -> Ask:
        return msgspec.convert(row["ask"], _KINDS[row["kind"]])
