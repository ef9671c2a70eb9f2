"""The folder of history: manifest, tables read and written whole. One writer; a file is replaced atomically."""

import hashlib
import json
from pathlib import Path

import polars as pl

from common.domain.errors import HistoryError
from common.history.schema import (
    DAILY_FOLDER,
    KEYS,
    MANIFEST,
    SCHEMA_VERSION,
    TABLES,
    Kind,
    Table,
    daily_file,
)

_POLARS: dict[Kind, pl.DataType] = {
    "day": pl.Int32(),
    "text": pl.String(),
    "i1": pl.Int8(),
    "i4": pl.Int32(),
    "i8": pl.Int64(),
    "bool": pl.Boolean(),
}
_IMPORT = "import it: pankou data import FOLDER, or make the synthetic market: pankou run"


def polars_schema(table: Table) -> dict[str, pl.DataType]:
    """Return a table's columns as polars types."""
    return {name: _POLARS[kind] for name, kind in table.items()}


def _table_of(name: str) -> tuple[Table, tuple[str, ...]]:
    key = DAILY_FOLDER if name.startswith(f"{DAILY_FOLDER}/") else name
    return TABLES[key], KEYS[key]


def read_table(folder: Path, name: str) -> pl.DataFrame:
    """Read one table file; raises `HistoryError` when it is missing, cut or not of this schema."""
    path = folder / name
    table, _ = _table_of(name)
    if not path.is_file():
        raise HistoryError(f"history has no {name} in {folder}; {_IMPORT}")
    try:
        frame = pl.read_parquet(path, memory_map=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise HistoryError(f"{path} cannot be read ({error}); import it again") from error
    wanted = polars_schema(table)
    wrong = [column for column, kind in wanted.items() if frame.schema.get(column) != kind]
    if wrong:
        raise HistoryError(f"{path} has other columns than this program ({', '.join(wrong)}); import it again")
    return frame.select(list(wanted))


def write_table(folder: Path, name: str, frame: pl.DataFrame) -> None:
    """Write one table file, sorted by its key, replacing what was there at once or not at all."""
    table, key = _table_of(name)
    wanted = polars_schema(table)
    missing = [column for column in wanted if column not in frame.columns]
    if missing:
        raise HistoryError(f"{name}: columns missing: {', '.join(missing)}")
    nulls = [column for column in wanted if frame[column].null_count()]
    if nulls:
        raise HistoryError(f"{name}: empty cells in {', '.join(nulls)}; unknown is 0 here, never empty")
    made = frame.select(pl.col(column).cast(kind) for column, kind in wanted.items()).sort(key)
    doubled = made.select(key).is_duplicated()
    if doubled.any():
        raise HistoryError(f"{name}: {made.filter(doubled).select(key).row(0)} stands twice")
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    made.write_parquet(part, compression="zstd")
    part.replace(path)


def table_names(folder: Path) -> list[str]:
    """Return the table files that a folder holds."""
    singles = [name for name in TABLES if name != DAILY_FOLDER and (folder / name).is_file()]
    years = sorted(path.name for path in (folder / DAILY_FOLDER).glob("*.parquet"))
    return [*singles, *(f"{DAILY_FOLDER}/{name}" for name in years)]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path) -> None:
    """Write the manifest over all tables: the last step of every import."""
    files = {name: _digest(folder / name) for name in table_names(folder)}
    part = folder / f"{MANIFEST}.part"
    part.write_text(json.dumps({"schema": SCHEMA_VERSION, "files": files}, indent=1) + "\n", "utf-8")
    part.replace(folder / MANIFEST)


def check_manifest(folder: Path, content: bool = False) -> None:
    """Raise `HistoryError` unless the folder holds a finished import of this schema; `content` compares hashes too."""
    path = folder / MANIFEST
    if not path.is_file():
        raise HistoryError(f"no history in {folder} ({MANIFEST} is missing); {_IMPORT}")
    try:
        manifest = json.loads(path.read_text("utf-8"))
        version, files = int(manifest["schema"]), dict(manifest["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise HistoryError(f"{path} cannot be read ({error}); import again") from error
    if version != SCHEMA_VERSION:
        raise HistoryError(f"{folder} has schema {version}, this program reads {SCHEMA_VERSION}; import again")
    lost = [name for name in files if not (folder / name).is_file()]
    if lost:
        raise HistoryError(f"{folder}: {', '.join(lost)} missing; import again")
    changed = [name for name, digest in files.items() if content and _digest(folder / name) != digest]
    if changed:
        raise HistoryError(f"{folder}: {', '.join(changed)} changed since the import; import again")


def daily_years(folder: Path) -> list[int]:
    """Return the years that have daily bars, ascending."""
    stems = [path.stem for path in (folder / DAILY_FOLDER).glob("*.parquet")]
    return sorted(int(stem) for stem in stems if stem.isdigit() and daily_file(folder, int(stem)).is_file())
