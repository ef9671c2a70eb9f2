"""The column map of an import: whose columns are ours, in which units. A unit that is not stated is refused.

table = "daily"                 # daily, minute1, minute5, minute15
encoding = "utf8"               # utf8 or gbk, CSV only

[columns]                       # ours = theirs
day = "trade_date"
symbol = "ts_code"              # or "@file": the name of the file
open = "open"
high = "high"
low = "low"
close = "close"
prev_close = "pre_close"
volume = "vol"
turnover = "amount"

[units]
price = "yuan"                  # yuan, milli_yuan
volume = "lots"                 # shares, lots
turnover = "thousand_yuan"      # yuan, thousand_yuan, ten_thousand_yuan
shares = "shares"               # shares, ten_thousand_shares: float_shares and total_shares
turnover_rate = "percent"       # percent, fraction
label = "end"                   # end, begin: which end of a minute bar its time names

[rows]
missing = "suspended"           # suspended, hole: what a session without a row means (default hole)
unknown_codes = "leave_out"     # leave_out, refuse (default refuse)
"""

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from common.domain.errors import HistoryError
from common.history.schema import DAILY_FOLDER, INTERVALS

FROM_FILE = "@file"
TABLES = {DAILY_FOLDER: 0, **{f"minute{interval}": interval for interval in INTERVALS}}
NEEDED = ("symbol", "open", "high", "low", "close", "volume", "turnover")
DAILY_ONLY = (
    "prev_close", "factor", "up_limit", "down_limit", "suspended", "st", "float_shares", "total_shares",
    "turnover_rate", "name", "listed_day",
)  # fmt: skip
MINUTES_ONLY = ("time",)
UNITS: dict[str, dict[str, float]] = {
    "price": {"yuan": 1000, "milli_yuan": 1},
    "volume": {"shares": 1, "lots": 100},
    "turnover": {"yuan": 1000, "thousand_yuan": 1_000_000, "ten_thousand_yuan": 10_000_000},
    "shares": {"shares": 1, "ten_thousand_shares": 10_000},
    "turnover_rate": {"percent": 0.01, "fraction": 1},
    "label": {"end": 0, "begin": 1},
}
"""What each stated unit is multiplied by to become ours."""
ROWS = {"missing": ("hole", "suspended"), "unknown_codes": ("refuse", "leave_out")}
ENCODINGS = ("utf8", "gbk")


class Mapping(NamedTuple):
    """A column map that can be used."""

    path: Path
    interval: int
    """0 = daily bars."""
    encoding: str
    columns: dict[str, str]
    """Ours to theirs."""
    factors: dict[str, float]
    """Multiplier by kind of unit."""
    missing: str
    unknown_codes: str


def read_mapping(path: Path) -> Mapping:
    """Read a column map; raises `HistoryError` that names the first thing wrong and what is allowed."""
    try:
        with path.open("rb") as file:
            told: dict[str, Any] = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise HistoryError(f"{path} cannot be read as a column map ({error})") from error
    _only(path, "", told, ("table", "encoding", "columns", "units", "rows"))
    table = _choice(path, "table", told.get("table"), tuple(TABLES))
    interval = TABLES[table]
    columns = _texts(path, "columns", told.get("columns", {}))
    moment = ("day",) if interval == 0 else ("day", *MINUTES_ONLY)
    _only(path, "columns.", columns, (*NEEDED, *moment, *(DAILY_ONLY if interval == 0 else ())))
    for name in (*NEEDED, moment[-1]):
        if name not in columns:
            raise HistoryError(f'{path}: [columns] lacks {name}; write {name} = "their column"')
    if interval == 0 and not {"prev_close", "factor"} & set(columns):
        raise HistoryError(
            f"{path}: [columns] has neither prev_close (the reference price after ex-rights) nor factor; "
            "without one of them ex-days cannot be told from falls"
        )
    rows = _texts(path, "rows", told.get("rows", {}))
    _only(path, "rows.", rows, tuple(ROWS))
    chosen = {key: _choice(path, f"rows.{key}", rows.get(key, allowed[0]), allowed) for key, allowed in ROWS.items()}
    encoding = _choice(path, "encoding", told.get("encoding", ENCODINGS[0]), ENCODINGS)
    return Mapping(path, interval, encoding, columns, _units(path, told, columns, interval), **chosen)


def _units(path: Path, told: dict[str, Any], columns: dict[str, str], interval: int) -> dict[str, float]:
    units = _texts(path, "units", told.get("units", {}))
    _only(path, "units.", units, tuple(UNITS))
    needed = ["price", "volume", "turnover"]
    if {"float_shares", "total_shares"} & set(columns):
        needed.append("shares")
    if "turnover_rate" in columns:
        needed.append("turnover_rate")
    if interval:
        needed.append("label")
    for name in needed:
        if name not in units:
            allowed = " or ".join(f'"{unit}"' for unit in UNITS[name])
            raise HistoryError(f"{path}: [units] does not state {name}; write {name} = {allowed}")
    return {name: UNITS[name][_choice(path, f"units.{name}", unit, tuple(UNITS[name]))] for name, unit in units.items()}


def _texts(path: Path, section: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise HistoryError(f'{path}: [{section}] holds texts only, like open = "open"')
    return value


def _only(path: Path, section: str, told: dict[str, Any], allowed: tuple[str, ...]) -> None:
    unknown = [key for key in told if key not in allowed]
    if unknown:
        raise HistoryError(f"{path}: unknown key {section}{unknown[0]}; there are {', '.join(allowed)}")


def _choice(path: Path, key: str, value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        said = "is missing" if value is None else f"is {value!r}"
        raise HistoryError(f"{path}: {key} {said}; write one of {', '.join(allowed)}")
    return str(value)
