"""The one writer of history: rows are merged by their key, and several tables change together or not at all.

    with Writer(folder) as writer:
        writer.append_daily(daily)
        writer.append_minutes(5, bars)
        writer.append_table(schema.ST_FILE, spells)

Frames have the columns of `schema.py` (others are ignored), no empty cells, in any order. A row whose key is there
already replaces the old one. Leaving the block commits; an exception, a cut or a kill leaves the old state. A file is
rewritten at every append to it, so give many stocks at once: a year of daily rows takes a second, a month of minutes
a few.
"""

import shutil
from pathlib import Path
from types import TracebackType

import polars as pl

from common.domain.errors import HistoryError
from common.history import commit, schema
from common.history.store import (
    digest_of,
    key_of,
    put_manifest,
    read_manifest,
    read_table,
    sink,
    sorted_rows,
    table_names,
)


def append_daily(folder: Path, frame: pl.DataFrame) -> int:
    """Merge daily rows (columns of `schema.DAILY`) and commit; returns how many rows are new or different."""
    with Writer(folder) as writer:
        return writer.append_daily(frame)


def append_minutes(folder: Path, interval: int, frame: pl.DataFrame) -> int:
    """Merge bars of 1, 5 or 15 minutes (`schema.MINUTES`) and commit; returns how many rows are new or different."""
    with Writer(folder) as writer:
        return writer.append_minutes(interval, frame)


def append_table(folder: Path, name: str, frame: pl.DataFrame) -> int:
    """Merge rows of a single-file table (`schema.ST_FILE` ...) and commit; returns how many are new or different."""
    with Writer(folder) as writer:
        return writer.append_table(name, frame)


def replace_table(folder: Path, name: str, frame: pl.DataFrame) -> None:
    """Replace a table file by these rows and commit."""
    with Writer(folder) as writer:
        writer.replace_table(name, frame)


class Writer:
    """The writer of one folder; a context manager that commits what was written inside it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = commit.WriterLock(folder)
        self._files: dict[str, str] = {}
        """What counts now: name to content hash."""
        self._changed: list[str] = []
        """What lies ready under `.new/`."""
        self._removed: list[str] = []

    def __enter__(self) -> "Writer":
        """Become the writer; raises `HistoryError` when another one is at work."""
        self._lock.take_or_fail()
        try:
            commit.throw_away(self._folder)
            self._files = self._counted()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit, or throw away after an exception."""
        try:
            if kind is None and (self._changed or self._removed):
                self._commit()
            elif (self._folder / commit.READY).is_dir():
                shutil.rmtree(self._folder / commit.READY)
        finally:
            self._lock.release()

    def _counted(self) -> dict[str, str]:
        if (self._folder / schema.MANIFEST).is_file():
            return read_manifest(self._folder)
        left = table_names(self._folder)
        if left:
            raise HistoryError(f"{self._folder} holds {left[0]} but no manifest: remove what a cut import left there")
        return {}

    # ---------------------------------------------------------------- what is written

    def append_daily(self, frame: pl.DataFrame) -> int:
        """Merge daily rows; returns how many are new or different."""
        return self._append_parts(schema.DAILY_FOLDER, frame)

    def append_minutes(self, interval: int, frame: pl.DataFrame) -> int:
        """Merge bars of 1, 5 or 15 minutes; returns how many are new or different."""
        return self._append_parts(schema.minutes_folder(interval), frame)

    def append_table(self, name: str, frame: pl.DataFrame) -> int:
        """Merge rows of a single-file table; returns how many are new or different."""
        return self._merge(name, frame)

    def replace_table(self, name: str, frame: pl.DataFrame) -> None:
        """Let these rows be the table file: calendar.parquet, daily/2026.parquet ..."""
        made = sorted_rows(name, frame)
        if not self.has(name) or not self.read(name).equals(made):
            self._put(name, made.lazy())

    def remove_table(self, name: str) -> None:
        """Let a table file be gone."""
        if name in self._changed:
            self._changed.remove(name)
        if name in self._files and name not in self._removed:
            self._removed.append(name)

    def has(self, name: str) -> bool:
        """Tell whether a table file is there, as written so far."""
        return name in self._changed or (name in self._files and name not in self._removed)

    def read(self, name: str) -> pl.DataFrame:
        """Return a table file as written so far."""
        return read_table(self._base(name), name)

    def scan(self, name: str) -> pl.LazyFrame:
        """Open a table file as written so far, to read a part of it."""
        return pl.scan_parquet(self._base(name) / name)

    def names(self) -> list[str]:
        """Return the table files as written so far."""
        return sorted({*self._changed, *(name for name in self._files if name not in self._removed)})

    # ---------------------------------------------------------------- how

    def _base(self, name: str) -> Path:
        return self._folder / commit.READY if name in self._changed else self._folder

    def _append_parts(self, table: str, frame: pl.DataFrame) -> int:
        if "day" not in frame.columns:
            raise HistoryError(f"{table}: columns missing: day")
        days = frame["day"].unique().sort().to_list()
        if None in days:
            raise HistoryError(f"{table}: empty cells in day; unknown is 0 here, never empty")
        spans: dict[str, list[int]] = {}
        for day in days:
            spans.setdefault(schema.part_of(table, day), []).append(day)
        return sum(
            self._merge(name, frame.filter(pl.col("day").is_between(inside[0], inside[-1])))
            for name, inside in spans.items()
        )

    def _merge(self, name: str, frame: pl.DataFrame) -> int:
        """Merge rows into a table file; of a parted one only the days in question come into memory."""
        new, key = sorted_rows(name, frame), key_of(name)
        if not len(new):
            return 0
        if not self.has(name):
            self._put(name, new.lazy())
            return len(new)
        old = self._among(name, new)
        changed = len(new) - len(new.join(old, on=new.columns, how="semi"))
        if changed:
            merged = pl.concat([old.join(new, on=list(key), how="anti"), new]).sort(key)
            self._put(name, self._beside(name, merged))
        return changed

    def _among(self, name: str, new: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of a table file that lie among the days of new ones; all of a table without days in front."""
        if key_of(name)[0] != "day":
            return self.read(name)
        low, high = new["day"][0], new["day"][-1]
        found = pl.scan_parquet(self._base(name) / name).filter(pl.col("day").is_between(low, high)).collect()
        return found.select(new.columns)

    def _beside(self, name: str, merged: pl.DataFrame) -> pl.LazyFrame:
        """Put the days of a file before and after the merged ones around them."""
        if key_of(name)[0] != "day":
            return merged.lazy()
        old = pl.scan_parquet(self._base(name) / name).select(merged.columns)
        before, after = old.filter(pl.col("day") < merged["day"][0]), old.filter(pl.col("day") > merged["day"][-1])
        return pl.concat([before, merged.lazy(), after])

    def _put(self, name: str, rows: pl.LazyFrame) -> None:
        path = self._folder / commit.READY / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        sink(rows, part)
        part.replace(path)
        if name not in self._changed:
            self._changed.append(name)

    def _commit(self) -> None:
        ready = self._folder / commit.READY
        ready.mkdir(exist_ok=True)
        kept = {name: digest for name, digest in self._files.items() if name not in self._removed}
        fresh = {name: digest_of(ready / name) for name in self._changed}
        put_manifest(ready / schema.MANIFEST, kept | fresh)
        commit.commit(self._folder, self._changed, [name for name in self._removed if name not in fresh])
