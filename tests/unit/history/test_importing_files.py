"""Anybody's CSV and Parquet become history as their column map says; what the map does not state is refused."""

import inspect
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from common.domain.calendar import exchange_days
from common.domain.errors import HistoryError
from common.history import schema
from common.history.daily import History
from common.history.importing_files import Mapped, parse_symbol
from common.history.importing_history import import_path
from common.history.importing_map import UNITS, read_mapping
from common.history.store import read_manifest, read_table

DAYS = [day for day in exchange_days() if 20260105 <= day <= 20260113]
A, B = "000001.SZ", "600519.SH"
MAP = """
table = "daily"
[columns]
day = "trade_date"
symbol = "ts_code"
open = "open"
high = "high"
low = "low"
close = "close"
prev_close = "pre_close"
volume = "vol"
turnover = "amount"
[units]
price = "yuan"
volume = "lots"
turnover = "thousand_yuan"
"""
HEAD = "trade_date,ts_code,open,high,low,close,pre_close,vol,amount\n"
CSV = HEAD + "".join(f"{day},{code},10.5,10.6,10.4,10.55,10.5,1234,1301.87\n" for day in DAYS for code in (A, B))


def untold(_what: str, _done: int, _of: int) -> None:
    """Tell nobody."""


def put(
    tmp_path: Path, text: str, mapping: str = MAP, name: str = "bars.csv", encoding: str = "utf-8"
) -> tuple[Path, Path]:
    file, toml = tmp_path / name, tmp_path / "map.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding=encoding)
    toml.write_text(mapping, encoding="utf-8")
    return file, toml


def imported(tmp_path: Path, text: str, mapping: str = MAP, **more: Any) -> pl.DataFrame:
    file, toml = put(tmp_path, text, mapping, **more)
    import_path(file, tmp_path / "history", toml, untold)
    return read_table(tmp_path / "history", "daily/2026.parquet")


def test_units_become_ours(tmp_path: Path) -> None:
    row = imported(tmp_path, CSV).row(0, named=True)
    assert (row["day"], row["symbol"], row["open"], row["close"], row["prev_close"]) == (
        DAYS[0],
        A,
        10_500,
        10_550,
        10_500,
    )
    assert (row["volume"], row["turnover"]) == (123_400, 1_301_870_000)
    assert (row["up_limit"], row["down_limit"]) == (11_550, 9_450), "by the rulebook"
    folder = tmp_path / "history"
    assert read_table(folder, schema.INSTRUMENTS_FILE)["name"].to_list() == [A, B]
    assert set(read_table(folder, schema.ST_FILE)["state"]) == {schema.UNKNOWN_STATE}, "nobody said"
    assert read_table(folder, schema.CALENDAR_FILE)["day"].to_list() == exchange_days()


def test_parquet_with_every_column_and_again(tmp_path: Path) -> None:
    count = len(DAYS)
    table = pl.DataFrame({
        "d": [datetime(day // 10_000, day // 100 % 100, day % 100) for day in DAYS], "c": ["sh600519"] * count,
        "o": [10.0] * count, "h": [10.2] * count, "l": [9.8] * count, "p": [10.0] * count, "v": [1_000_000] * 2 + [0] + [1_000_000] * (count - 3),
        "a": [1e7] * 2 + [0.0] + [1e7] * (count - 3), "f": [0.5] * 3 + [1.0] * (count - 3), "st": [0, 1, 1] + [0] * (count - 3),
        "fl": [125_000.5] * count, "tot": [200_000.0] * count, "up": [11.0] * (count - 1) + [None], "down": [9.0] * (count - 1) + [None],
        "n": ["某某股份"] * count, "ipo": [date(2001, 8, 27)] * count,
    })  # fmt: skip
    table.write_parquet(tmp_path / "bars.parquet")
    mapping = """table = "daily"
[columns]
day = "d"\nsymbol = "c"\nopen = "o"\nhigh = "h"\nlow = "l"\nclose = "p"\nvolume = "v"\nturnover = "a"\nfactor = "f"\nst = "st"
float_shares = "fl"\ntotal_shares = "tot"\nup_limit = "up"\ndown_limit = "down"\nname = "n"\nlisted_day = "ipo"
[units]
price = "yuan"\nvolume = "shares"\nturnover = "yuan"\nshares = "ten_thousand_shares"
"""
    (tmp_path / "map.toml").write_text(mapping, encoding="utf-8")
    folder = tmp_path / "history"
    import_path(tmp_path / "bars.parquet", folder, tmp_path / "map.toml", untold)
    rows = read_table(folder, "daily/2026.parquet")
    assert rows["factor_e9"].to_list() == [10**9] * 3 + [2 * 10**9] * (count - 3)
    assert rows["prev_close"].to_list()[:4] == [0, 10_000, 10_000, 5_000], "worked out of the factor"
    assert rows["suspended"].to_list() == [False, False, True] + [False] * (count - 3)
    assert rows["float_shares"].to_list()[0] == 1_250_005_000
    assert rows["up_limit"].to_list() == [11_000] * (count - 1) + [0]
    spells = read_table(folder, schema.ST_FILE).select("first_day", "last_day", "state").rows()
    assert (DAYS[1], DAYS[2], schema.ST_STATE) in spells
    assert read_table(folder, schema.INSTRUMENTS_FILE).row(0) == (B, "某某股份", 20010827, 0)
    before = read_manifest(folder)
    again = import_path(tmp_path / "bars.parquet", folder, tmp_path / "map.toml", untold)
    assert not any(again.changed.values())
    assert read_manifest(folder) == before


def test_a_file_a_stock_in_gbk_and_suspended_days_left_out(tmp_path: Path) -> None:
    mapping = MAP.replace('"ts_code"', '"@file"').replace('"trade_date"', '"日期"') + '[rows]\nmissing = "suspended"\n'
    mapping = mapping.replace('table = "daily"', 'table = "daily"\nencoding = "gbk"')
    head = "日期,open,high,low,close,pre_close,vol,amount\n"
    line = "{day},10,10.1,9.9,10,10,100,100\n"
    days = [f"{day // 10_000}-{day // 100 % 100:02d}-{day % 100:02d}" for day in DAYS]
    put(tmp_path, head + "".join(line.format(day=day) for day in days), mapping, "csv/sz000002.csv", "gbk")
    put(
        tmp_path,
        head + "".join(line.format(day=day) for day in (days[0], days[3], days[-1])),
        mapping,
        "csv/sz000001.csv",
        "gbk",
    )
    import_path(tmp_path / "csv", tmp_path / "history", tmp_path / "map.toml", untold)
    rows = read_table(tmp_path / "history", "daily/2026.parquet").filter(pl.col("symbol") == A)
    assert rows["day"].to_list() == DAYS
    assert rows["suspended"].to_list() == [day not in (DAYS[0], DAYS[3], DAYS[-1]) for day in DAYS]


MINUTES = """table = "minute5"
[columns]
time = "time"\nsymbol = "code"\nopen = "open"\nhigh = "high"\nlow = "low"\nclose = "close"\nvolume = "volume"\nturnover = "money"
[units]
price = "yuan"\nvolume = "shares"\nturnover = "yuan"\nlabel = "LABEL"
"""


@pytest.mark.parametrize(
    ("label", "times"),
    [
        ("end", ["2026-01-05 09:35:00", "2026-01-05 13:05:00"]),
        ("begin", ["2026-01-05 09:30:00", "2026-01-05 13:00:00"]),
        ("end", ["20260105093500000", "20260105130500000"]),
        ("end", ["2026-01-05 09:35", "2026-01-05 13:05"]),
    ],
)
def test_minute_bars_are_labelled_by_their_end(tmp_path: Path, label: str, times: list[str]) -> None:
    text = "time,code,open,high,low,close,volume,money\n" + "".join(f"{t},600519,10,10,10,10,100,1000\n" for t in times)
    file, toml = put(tmp_path, text, MINUTES.replace("LABEL", label))
    import_path(file, tmp_path / "history", toml, untold)
    bars = read_table(tmp_path / "history", "minute5/2026-01.parquet")
    assert bars.select("day", "symbol", "label_s", "turnover").rows() == [
        (20260105, B, 34_500, 1_000_000), (20260105, B, 47_100, 1_000_000),
    ]  # fmt: skip
    assert History(tmp_path / "history").instruments(20260105)["symbol"].to_list() == [B], "it can be opened"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('volume = "lots"', ""), r'\[units\] does not state volume; write volume = "shares" or "lots"'),
        (('turnover = "thousand_yuan"', ""), "does not state turnover"),
        (('price = "yuan"', ""), "does not state price"),
        (('"thousand_yuan"', '"dollars"'), "units.turnover is 'dollars'"),
        (('prev_close = "pre_close"', ""), "neither prev_close"),
        (('prev_close = "pre_close"', 'prev_close = "pre_close"\nfloat_shares = "amount"'), "does not state shares"),
        (
            ('prev_close = "pre_close"', 'prev_close = "pre_close"\nturnover_rate = "amount"'),
            "does not state turnover_rate",
        ),
        (('close = "close"\n', ""), r"\[columns\] lacks close"),
        (('table = "daily"', 'table = "weekly"'), "table is 'weekly'"),
        (('table = "daily"', ""), "table is missing"),
        (('low = "low"', "low = 3"), "holds texts only"),
        (("[units]", "[unit]"), "unknown key unit"),
        (('open = "open"', 'opening = "open"'), "unknown key columns.opening"),
        (("[units]", "[units"), "cannot be read as a column map"),
    ],
)
def test_a_map_that_leaves_something_open_is_refused(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    file, toml = put(
        tmp_path,
        CSV,
        MAP.replace(*change, 1) if change[0] != 'close = "close"\n' else MAP.replace('\nclose = "close"', ""),
    )
    with pytest.raises(HistoryError, match=words) as refused:
        import_path(file, tmp_path / "history", toml, untold)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "history").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CSV.replace("10.55", "abc", 1), "row 1: close is 'abc'"),
        (CSV.replace(f"{DAYS[1]},{A}", f"20260230,{A}"), "is no day"),
        (CSV.replace(f"{DAYS[1]},{A}", f"20260110,{A}"), "20260110 .000001.SZ. is no trading day"),
        (CSV.replace(f"{DAYS[1]},{A}", f"20270104,{A}"), "20270104 .* calendar.toml"),
        (CSV.replace(B, "399300.SZ"), "399300.SZ is no A share"),
        (CSV + CSV.splitlines()[1] + "\n", "stands twice"),
        (CSV.replace("amount", "money"), "has no column amount; it has trade_date"),
        (CSV.replace("1234", "1e300", 1), "row 1: volume is '1e300'"),
        (HEAD, "hold no row"),
        ("", "cannot be read"),
    ],
)
def test_a_bad_file_is_named_and_nothing_is_imported(tmp_path: Path, text: str, words: str) -> None:
    file, toml = put(tmp_path, text)
    with pytest.raises(HistoryError, match=words) as refused:
        import_path(file, tmp_path / "history", toml, untold)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "history").exists()


def test_codes_that_are_no_shares_can_be_left_out(tmp_path: Path) -> None:
    rows = imported(tmp_path, CSV.replace(B, "399300.SZ"), MAP + '[rows]\nunknown_codes = "leave_out"\n')
    assert set(rows["symbol"]) == {A}


def test_a_calendar_file_lets_later_days_in(tmp_path: Path) -> None:
    file, toml = put(tmp_path, HEAD + f"20270104,{A},10,10,10,10,10,1,1\n")
    calendar = tmp_path / "calendar.toml"
    calendar.write_text("until = 2027-01-31\nclosed = [2027-01-01]", encoding="utf-8")
    import_path(file, tmp_path / "history", toml, untold, calendar)
    assert read_table(tmp_path / "history", "daily/2027.parquet")["day"].to_list() == [20270104]
    assert read_table(tmp_path / "history", schema.CALENDAR_FILE)["day"].to_list()[-1] == 20270129


@pytest.mark.parametrize(
    "text", ["600519.SH", "sh600519", "SH.600519", "600519", "600519.XSHG", "600519.ss", "600519sh"]
)
def test_codes_in_many_ways(text: str) -> None:
    assert parse_symbol(text) == B


@pytest.mark.parametrize("text", ["", "1", "399300.SZ", "600519.SZ", "abc", "900901.SH"])
def test_codes_that_are_none(text: str) -> None:
    assert parse_symbol(text) == ""


def test_the_map_in_the_manual_can_be_used(tmp_path: Path) -> None:
    import common.history.importing_map as described

    text = inspect.cleandoc(described.__doc__ or "").partition("\n\n")[2]
    (tmp_path / "map.toml").write_text(text, encoding="utf-8")
    mapping = read_mapping(tmp_path / "map.toml")
    assert (mapping.interval, mapping.missing, mapping.unknown_codes) == (0, "suspended", "leave_out")
    assert mapping.factors["turnover"] == UNITS["turnover"]["thousand_yuan"]


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(MAP, encoding="utf-8")
    (tmp_path / "none").mkdir()
    with pytest.raises(HistoryError, match=r"no \.csv or \.parquet file"):
        Mapped(tmp_path / "none", read_mapping(tmp_path / "map.toml"), exchange_days(), untold)
