"""The folder of history: manifest, tables read and written whole. One writer; a file is replaced atomically."""

import hashlib
import json
from pathlib import Path

import polars as pl

from common.domain.errors import HistoryError
from common.history.commit import finish
from common.history.schema import (
    DAILY_FOLDER,
    KEYS,
    MANIFEST,
    PARTED,
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
ROW_GROUP = 256 * 1024
"""Rows of a Parquet row group: a reader of a few days skips the others."""
_IMPORT = "import it: pankou data import FOLDER, or make the synthetic market: pankou run"


def polars_schema(table: Table) -> dict[str, pl.DataType]:
    """Return a table's columns as polars types."""
    return {name: _POLARS[kind] for name, kind in table.items()}


def _table_of(name: str) -> tuple[Table, tuple[str, ...]]:
    key = name.partition("/")[0]
    if key not in TABLES:
        raise HistoryError(f"history has no table {name}; there are {', '.join(TABLES)}")
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


def sorted_rows(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows as a table holds them; raises `HistoryError` at missing columns, empty cells and doubled keys."""
    table, key = _table_of(name)
    wanted = polars_schema(table)
    missing = [column for column in wanted if column not in frame.columns]
    if missing:
        raise HistoryError(f"{name}: columns missing: {', '.join(missing)}")
    nulls = [column for column in wanted if frame[column].null_count()]
    if nulls:
        raise HistoryError(f"{name}: empty cells in {', '.join(nulls)}; unknown is 0 here, never empty")
    try:
        made = frame.select(pl.col(column).cast(kind) for column, kind in wanted.items()).sort(key)
    except pl.exceptions.PolarsError as error:
        raise HistoryError(f"{name}: a value does not fit its column ({str(error).splitlines()[0]})") from error
    doubled = made.filter(pl.struct(key) == pl.struct(key).shift())
    if len(doubled):
        raise HistoryError(f"{name}: {doubled.select(key).row(0)} stands twice")
    return made


def write_table(folder: Path, name: str, frame: pl.DataFrame) -> None:
    """Write one table file, sorted by its key, replacing what was there at once or not at all."""
    made = sorted_rows(name, frame)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    sink(made.lazy(), part)
    part.replace(path)


def sink(rows: pl.LazyFrame, path: Path) -> None:
    """Write rows to a file as all tables are written, piece by piece."""
    rows.sink_parquet(path, compression="zstd", row_group_size=ROW_GROUP)


def key_of(name: str) -> tuple[str, ...]:
    """Return the unique key of a table file."""
    return _table_of(name)[1]


def table_names(folder: Path) -> list[str]:
    """Return the table files that a folder holds."""
    singles = [name for name in TABLES if name not in PARTED and (folder / name).is_file()]
    parts = [f"{table}/{path.name}" for table in PARTED for path in sorted((folder / table).glob("*.parquet"))]
    return [*singles, *parts]


def digest_of(path: Path) -> str:
    """Return the content hash of a file as the manifest holds it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path) -> None:
    """Write the manifest over all tables: the last step of a history that is written whole."""
    put_manifest(folder / MANIFEST, {name: digest_of(folder / name) for name in table_names(folder)})


def put_manifest(path: Path, files: dict[str, str]) -> None:
    """Write a manifest at once or not at all."""
    part = path.with_suffix(".part")
    part.write_text(
        json.dumps({"schema": SCHEMA_VERSION, "files": dict(sorted(files.items()))}, indent=1) + "\n", "utf-8"
    )
    part.replace(path)


def read_manifest(folder: Path) -> dict[str, str]:
    """Return the files of a finished history with their content hashes; raises `HistoryError` when it has none."""
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
    return files


def check_manifest(folder: Path, content: bool = False) -> None:
    """Raise `HistoryError` unless the folder holds a finished import of this schema; `content` compares hashes too."""
    finish(folder)
    files = read_manifest(folder)
    lost = [name for name in files if not (folder / name).is_file()]
    if lost:
        raise HistoryError(f"{folder}: {', '.join(lost)} missing; import again")
    changed = [name for name, digest in files.items() if content and digest_of(folder / name) != digest]
    if changed:
        raise HistoryError(f"{folder}: {', '.join(changed)} changed since the import; import again")


def daily_years(folder: Path) -> list[int]:
    """Return the years that have daily bars, ascending."""
    stems = [path.stem for path in (folder / DAILY_FOLDER).glob("*.parquet")]
    return sorted(int(stem) for stem in stems if stem.isdigit() and daily_file(folder, int(stem)).is_file())
