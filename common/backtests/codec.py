"""A result as JSON and as Parquet, and back: pure functions over bytes. What cannot be read raises `ResultError`."""

import hashlib
import io
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
import polars as pl

from common.backtests.result import (
    RESULT_VERSION,
    BacktestResult,
    Candle,
    EquityRow,
    EventKind,
    Fill,
    Outcome,
    Refused,
    Unfilled,
)
from common.backtests.trades import Trade, trades_of
from common.domain.calendar import clock, hms
from common.domain.errors import ResultError
from common.domain.reasons import Reason
from common.domain.values import Side

Row = TypeVar("Row", bound=msgspec.Struct)
_NO_DETAIL = "{}"
_ENUMS = {"side": Side, "reason": Reason, "cause": Reason, "outcome": Outcome, "kind": EventKind}
TABLES: dict[str, type[msgspec.Struct]] = {"fills": Fill, "equity": EquityRow, "unfilled": Unfilled}
"""Fields of a result that are kept as tables, each a file."""


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON beside the tables."""

    version: int
    tables: dict[str, str]
    """SHA-256 of each table's file, by name."""
    result: BacktestResult
    """Without its tables."""


class _Version(msgspec.Struct):
    version: int


def encode_json(result: BacktestResult) -> bytes:
    """Return the whole result as one JSON document; enums are numbers, which never change."""
    return msgspec.json.encode({"version": RESULT_VERSION, "tables": {}, "result": result})


def decode_json(data: bytes) -> BacktestResult:
    """Return the result of `encode_json`."""
    return decode_head(data).result


def decode_head(data: bytes) -> Head:
    """Return the head; an unknown version is told apart from a broken file."""
    try:
        version = msgspec.json.decode(data, type=_Version).version
        if version == RESULT_VERSION:
            return msgspec.json.decode(data, type=Head)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise ResultError("corrupt", str(error)) from error
    raise ResultError("version", f"version {version}; this program reads {RESULT_VERSION}")


def encode_files(result: BacktestResult, candles: Sequence[Candle] = ()) -> dict[str, bytes]:
    """Return the files of a result by name; `trades.parquet` is for people, nothing reads it back."""
    frames = {name: frame_of(getattr(result, name), kind) for name, kind in TABLES.items()}
    frames["unfilled"] = pl.concat([frames["unfilled"], _refused_frame(result.refused)])
    tables = {name: _bytes(frame) for name, frame in frames.items()}
    if candles:
        tables["candles"] = _parquet(candles, Candle)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in tables.items()}
    bare = msgspec.structs.replace(result, refused=(), **dict.fromkeys(TABLES, ()))
    head = msgspec.json.format(msgspec.json.encode(Head(RESULT_VERSION, digests, bare)), indent=1)
    files = {f"{name}.parquet": data for name, data in tables.items()}
    return {**files, "trades.parquet": _trades(result), "result.json": head + b"\n"}


def decode_files(files: dict[str, bytes]) -> tuple[BacktestResult, list[Candle]]:
    """Return the result and the candles of `encode_files`; every table must be what the head says."""
    head = decode_head(files["result.json"])
    rows: dict[str, tuple[Any, ...]] = {}
    for name, kind in {**TABLES, **_optional(head)}.items():
        data = files.get(f"{name}.parquet")
        if data is None:
            raise ResultError("corrupt", f"{name}.parquet is missing")
        if hashlib.sha256(data).hexdigest() != head.tables.get(name):
            raise ResultError("corrupt", f"{name}.parquet is not the file that was written with result.json")
        if name == "unfilled":
            rows[name], rows["refused"] = _unfilled(data)
        else:
            rows[name] = _rows(data, kind)
    candles = list(rows.pop("candles", ()))
    return msgspec.structs.replace(head.result, **rows), candles


def _optional(head: Head) -> dict[str, type[msgspec.Struct]]:
    return {"candles": Candle} if "candles" in head.tables else {}


def frame_of(rows: Sequence[msgspec.Struct], kind: type[msgspec.Struct]) -> pl.DataFrame:
    """Return rows as a table for people: enums by name, times as HH:MM:SS, numbers of a reason as JSON."""
    columns: dict[str, pl.Series] = {}
    for field in msgspec.structs.fields(kind):
        values = [getattr(row, field.name) for row in rows]
        if field.name in _ENUMS:
            columns[field.name] = pl.Series([value.name for value in values], dtype=pl.String)
        elif field.name == "second":
            columns["time"] = pl.Series([clock(value) for value in values], dtype=pl.String)
        elif field.name == "detail":
            texts = [msgspec.json.encode(value).decode() for value in values]
            columns["detail"] = pl.Series(texts, dtype=pl.String)
        else:
            columns[field.name] = pl.Series(values, dtype=pl.String if field.type is str else pl.Int64)
    return pl.DataFrame(columns)


def _parquet(rows: Sequence[msgspec.Struct], kind: type[msgspec.Struct]) -> bytes:
    return _bytes(frame_of(rows, kind))


def _bytes(frame: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.write_parquet(out, compression="zstd")
    return out.getvalue()


def _rows(data: bytes, kind: type[Row]) -> tuple[Row, ...]:
    try:
        return _converted(pl.read_parquet(io.BytesIO(data)), kind)
    except (pl.exceptions.PolarsError, msgspec.ValidationError, ValueError, KeyError) as error:
        raise ResultError("corrupt", str(error)) from error


def _refused_frame(refused: Sequence[Refused]) -> pl.DataFrame:
    """Return refusals as rows of the table of `Unfilled`, without making them one by one."""
    clocks = {second: clock(second) for second in {second for row in refused for second in row.seconds}}
    data = {
        "day": [row.day for row in refused],
        "reason": [row.reason.name for row in refused],
        "rule": [row.rule for row in refused],
        "symbol": [list(row.symbols) for row in refused],
        "time": [[clocks[second] for second in row.seconds] for row in refused],
    }
    schema = frame_of((), Unfilled).schema
    nested = {name: pl.List(schema[name]) if name in {"symbol", "time"} else schema[name] for name in data}
    same = {
        "side": Side.BUY.name, "outcome": Outcome.REFUSED.name, "cause": Reason.NONE.name, "detail": _NO_DETAIL,
        "shares": 0, "filled": 0, "price": 0,
    }  # fmt: skip
    frame = pl.DataFrame(data, schema=nested).explode("symbol", "time")
    return frame.with_columns(pl.lit(value, schema[name]).alias(name) for name, value in same.items()).select(
        schema.names()
    )


def _unfilled(data: bytes) -> tuple[tuple[Unfilled, ...], tuple[Refused, ...]]:
    """Return the rows of the table of `Unfilled` that have numbers of their own, and the others by day and reason."""
    try:
        frame = pl.read_parquet(io.BytesIO(data))
        numbers = ("shares", "filled", "price")
        bare = pl.all_horizontal(
            *(pl.col(name) == 0 for name in numbers), pl.col("side") == Side.BUY.name, pl.col("cause") == Reason.NONE.name,
            pl.col("outcome") == Outcome.REFUSED.name, pl.col("detail") == _NO_DETAIL,
        )  # fmt: skip
        grouped = frame.filter(bare).group_by("day", "reason", "rule", maintain_order=True)
        refused = (
            Refused(
                day, Reason[reason], rule, tuple(rows["symbol"].to_list()), tuple(hms(time) for time in rows["time"])
            )
            for (day, reason, rule), rows in grouped
        )  # fmt: skip
        found = sorted(refused, key=lambda row: (row.day, row.reason, row.rule))
        return _converted(frame.filter(~bare), Unfilled), tuple(found)
    except (pl.exceptions.PolarsError, msgspec.ValidationError, ValueError, KeyError) as error:
        raise ResultError("corrupt", str(error)) from error


def _converted(frame: pl.DataFrame, kind: type[Row]) -> tuple[Row, ...]:
    raw = [_raw(row) for row in frame.iter_rows(named=True)]
    return msgspec.convert(raw, type=tuple[kind, ...])  # type: ignore[valid-type]  # the class is known when it runs


def _raw(row: dict[str, Any]) -> dict[str, Any]:
    for name in _ENUMS.keys() & row.keys():
        row[name] = _ENUMS[name][row[name]]
    if "time" in row:
        row["second"] = hms(row.pop("time"))
    if "detail" in row:
        row["detail"] = msgspec.json.decode(row["detail"])
    return row


_COMPUTED = ("fees", "pnl", "gain")
_TEXTS = ("symbol", "rule", "entry", "exit")


def _trades(result: BacktestResult) -> bytes:
    """Return the trades as a table: the fields of `Trade` and what is computed from them."""
    trades = trades_of(result)
    columns: dict[str, list[Any]] = {name: list(map(attrgetter(name), trades)) for name in (*Trade._fields, *_COMPUTED)}
    for name in ("entry", "exit"):
        columns[name] = [reason.name for reason in columns[name]]
    kinds: dict[str, Any] = dict.fromkeys(columns, pl.Int64) | dict.fromkeys(_TEXTS, pl.String) | {"gain": pl.Float64}
    return _bytes(pl.DataFrame(columns, schema=kinds))
