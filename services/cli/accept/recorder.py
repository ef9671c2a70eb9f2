"""The recording: every event of an acceptance run as one line of JSON, on disk before the next step, secrets taken out."""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from services.cli.accept.mask import Mask
from services.cli.accept.port import Fields, Heard

SCHEMA = 1


class Recorder:
    """Writes and keeps the rows; the file is only its owner's."""

    def __init__(self, path: Path, mask: Mask, start_ns: int) -> None:
        self.path, self.mask = path, mask
        self.rows: list[Fields] = []
        self._start_ns = start_ns
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(handle, "w", encoding="utf-8")

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, kind: str, at_ns: int, **facts: Any) -> Fields:
        """Write a row and return it as it was, secrets included."""
        row = {"kind": kind, "at_ns": at_ns, "since_ms": (at_ns - self._start_ns) // 1_000_000, **facts}
        self.rows.append(row)
        self._file.write(json.dumps(self.mask.clean(row), ensure_ascii=False, default=str) + "\n")
        self._file.flush()
        return row

    def hear(self, heard: list[Heard]) -> None:
        """Write what the client said by itself."""
        for one in heard:
            self.write("heard", one.at_ns, name=one.name, thread=one.thread, fields=one.fields)

    def heard(self, name: str) -> list[Fields]:
        """Return the rows of one callback so far."""
        return [row for row in self.rows if row["kind"] == "heard" and row["name"] == name]

    def answers(self, call: str) -> list[Fields]:
        """Return the answers to one call so far."""
        return [row for row in self.rows if row["kind"] == "call" and row["name"] == call]
