"""What a download has fetched so far: a line a finished read, its rows in a file of their own, so that a cut costs nothing.

An answer is written to a part file, renamed, then noted. A line without its file, or a line cut in half, is a read to do
again; a file without its line is overwritten by it. Once rows are in the history their files go and the lines say so.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from common.domain.errors import HistoryError
from common.history.sources.source import KEY_OF, TABLE_OF, Answer, Ask, Kind
from common.history.store import polars_schema

NOTES = "journal.jsonl"
CALLS = "calls.json"


class Journal:
    """The finished reads of one source into one history folder."""

    def __init__(self, folder: Path, source: str) -> None:
        self.folder = folder / ".download" / source
        self.folder.mkdir(parents=True, exist_ok=True)
        self._notes = self._read()

    @property
    def calls_file(self) -> Path:
        """Where the calls of the day are counted."""
        return self.folder / CALLS

    def _read(self) -> dict[str, dict[str, object]]:
        path = self.folder / NOTES
        notes: dict[str, dict[str, object]] = {}
        for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
            try:
                note = json.loads(line)
                notes[str(note["key"])] = note
            except (ValueError, KeyError, TypeError):
                continue  # cut in half when the power went: that read is done again
        return notes

    def _file(self, ask: Ask) -> Path:
        return self.folder / f"{ask.key}.parquet"

    def has(self, ask: Ask) -> bool:
        """Tell whether a read is finished."""
        return ask.key in self._notes and self._file(ask).is_file()

    def keep(self, ask: Ask, answer: Answer) -> None:
        """Keep an answer."""
        part = self._file(ask).with_suffix(".part")
        answer.frame.write_parquet(part, compression="zstd")
        part.replace(self._file(ask))
        note = {
            "key": ask.key,
            "rows": answer.frame.height,
            "skipped": answer.skipped,
            "defects": {defect.name: count for defect, count in answer.defects.items()},
        }
        torn = self._torn()
        with (self.folder / NOTES).open("a", encoding="utf-8") as file:
            file.write(("\n" if torn else "") + json.dumps(note, ensure_ascii=False) + "\n")
        self._notes[ask.key] = note

    def _torn(self) -> bool:
        """Tell whether the last line lacks its end."""
        path = self.folder / NOTES
        if not path.is_file() or path.stat().st_size == 0:
            return False
        with path.open("rb") as file:
            file.seek(-1, 2)
            return file.read(1) != b"\n"

    def defects(self, asks: Iterable[Ask]) -> dict[str, int]:
        """Return the defects of finished reads, counted."""
        total: dict[str, int] = {}
        for ask in asks:
            found = self._notes.get(ask.key, {}).get("defects", {})
            for name, count in found.items() if isinstance(found, dict) else ():
                total[str(name)] = total.get(str(name), 0) + int(count)
        return total

    def rows(self, kind: Kind, asks: Sequence[Ask]) -> pl.DataFrame:
        """Return the rows of finished reads of one kind, without what stands in two of them."""
        schema = polars_schema(TABLE_OF[kind])
        frames = [pl.DataFrame(schema=schema)]
        for ask in asks:
            try:
                frames.append(pl.read_parquet(self._file(ask), memory_map=False).select(list(schema)))
            except (pl.exceptions.PolarsError, OSError) as error:
                raise HistoryError(f"{self._file(ask)} cannot be read ({error}); delete it and run again") from error
        return pl.concat(frames).unique(KEY_OF[kind], keep="last", maintain_order=True)

    def appended(self, ask: Ask) -> bool:
        """Tell whether the rows of a read are in the history."""
        return bool(self._notes.get(ask.key, {}).get("appended"))

    def mark_appended(self, asks: Iterable[Ask]) -> None:
        """Note that the rows of finished reads are in the history, and drop their files."""
        done = list(asks)
        self._notes.update({ask.key: {"key": ask.key, "appended": True} for ask in done})
        self._rewrite(done)

    def forget(self, asks: Iterable[Ask]) -> None:
        """Drop finished reads as if they had not been made."""
        done = list(asks)
        for ask in done:
            self._notes.pop(ask.key, None)
        self._rewrite(done)

    def _rewrite(self, done: Sequence[Ask]) -> None:
        part = self.folder / f"{NOTES}.part"
        lines = (json.dumps(note, ensure_ascii=False) + "\n" for note in self._notes.values())
        part.write_text("".join(lines), "utf-8")
        part.replace(self.folder / NOTES)
        for ask in done:
            self._file(ask).unlink(missing_ok=True)
