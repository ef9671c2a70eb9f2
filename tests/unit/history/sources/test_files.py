"""A folder of somebody's own files: CSV and Parquet give the same history; what is wrong with them is said by name."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from common.domain.errors import HistoryError, SourceError
from common.history import schema
from common.history.sources.download import Download, Downloaded, Wanted
from common.history.sources.files import Files
from common.history.sources.source import Ask, Kind
from common.history.store import read_table
from tests.unit.history.sources.vendor import Wall, pacer, quiet

DAYS = ["2026-01-05", "2026-01-06", "2026-01-07"]
HEAD = "date,code,open,high,low,close,pre_close,volume,amount,is_st,suspended,turnover_rate"


def write(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "calendar.csv").write_text("date,is_open\n" + "".join(f"{day},1\n" for day in DAYS), "utf-8")
    (folder / "instruments.csv").write_text(
        "code,name,list_date,delist_date\n600000.SH,浦发银行,1999-11-10,\n000001.SZ,平安银行,19910403,\n", "utf-8"
    )
    for day in DAYS:
        rows = [f"{day},600000.SH,10.01,10.20,9.99,10.10,10.10,100000,1010000.00,0,0,0.1"]
        rows += [f"{day},000001.SZ,5,5,5,5,5,0,0,True,True,", f"{day},510050.SH,3,3,3,3,3,1,3,0,0,"]
        (folder / f"{day}.csv").write_text("\n".join([HEAD, *rows]) + "\n", "utf-8")
    return folder


def download(tmp_path: Path, folder: Path, into: str) -> Downloaded:
    return Download(tmp_path / into, Files(pacer(tmp_path, Wall()), folder), quiet).run(Wanted(20260105, 20260107))


def test_csv_and_parquet_give_the_same_history(tmp_path: Path) -> None:
    text = write(tmp_path / "csv")
    found = download(tmp_path, text, "one")
    assert (found.rows, found.defects) == (6, {})
    typed = tmp_path / "parquet"
    typed.mkdir()
    frame = pl.concat(
        pl.read_csv(text / f"{day}.csv", schema_overrides={"is_st": pl.String, "suspended": pl.String}) for day in DAYS
    )
    frame.with_columns(date=pl.col("date").str.to_date()).write_parquet(typed / "bars.parquet")
    assert frame["date"][0] == str(date(2026, 1, 5))
    for name in ("calendar", "instruments"):
        (typed / f"{name}.csv").write_bytes((text / f"{name}.csv").read_bytes())
    download(tmp_path, typed, "two")
    for name in ("daily/2026.parquet", schema.ST_FILE, schema.INSTRUMENTS_FILE):
        assert read_table(tmp_path / "one", name).equals(read_table(tmp_path / "two", name))
    row = read_table(tmp_path / "one", "daily/2026.parquet").row(1, named=True)
    assert (row["symbol"], row["close"], row["float_shares"], row["up_limit"]) == ("600000.SH", 10_100, 10**8, 11_110)
    st = read_table(tmp_path / "one", schema.ST_FILE).filter(pl.col("state") == schema.ST_STATE)
    assert st.select("symbol", "first_day", "last_day").rows() == [("000001.SZ", 20260105, 0)]


def test_without_a_column_of_st_the_state_is_unknown(tmp_path: Path) -> None:
    folder = write(tmp_path / "csv")
    for day in DAYS:
        pl.read_csv(folder / f"{day}.csv", infer_schema=False).drop("is_st").write_csv(folder / f"{day}.csv")
    download(tmp_path, folder, "one")
    states = read_table(tmp_path / "one", schema.ST_FILE)
    assert set(states["state"]) == {schema.UNKNOWN_STATE}
    assert states.filter(pl.col("last_day") == 0).height == 2


def test_faults_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no folder"):
        Files(pacer(tmp_path, Wall()), tmp_path / "none")
    folder = write(tmp_path / "csv")
    (folder / "odd.csv").write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(SourceError, match=r"odd\.csv: columns missing: date, code"):
        download(tmp_path, folder, "one")
    (folder / "odd.csv").write_bytes(b"\x00\xff")
    with pytest.raises(SourceError, match=r"odd\.csv"):
        download(tmp_path, folder, "one")
    (folder / "odd.csv").unlink()
    bad = (folder / f"{DAYS[0]}.csv").read_text("utf-8").replace("10.20", "x")
    (folder / f"{DAYS[0]}.csv").write_text(bad, "utf-8")
    answer = Files(pacer(tmp_path, Wall()), folder).fetch(Ask(Kind.BARS, 20260105, 20260105))
    assert {defect.name: count for defect, count in answer.defects.items()} == {"BAD_NUMBER": 1}
    (folder / "instruments.csv").unlink()
    with pytest.raises(SourceError, match=r"no instruments.csv or instruments.parquet"):
        download(tmp_path, folder, "one")
    with pytest.raises(SourceError, match="has no minutes"):
        Files(pacer(tmp_path, Wall()), folder).asks(Kind.MINUTES, 20260105, 20260105, (), 5)


MAP = """
table = "daily"
[columns]
day = "日期"
symbol = "@file"
open = "开"
high = "高"
low = "低"
close = "收"
prev_close = "前收"
volume = "手"
turnover = "千元"
[units]
price = "yuan"
volume = "lots"
turnover = "thousand_yuan"
"""


def test_a_column_map_and_the_built_in_calendar(tmp_path: Path) -> None:
    folder = write(tmp_path / "csv")
    (folder / "calendar.csv").unlink()
    for day in DAYS:
        (folder / f"{day}.csv").unlink()
    rows = "".join(f"{day},10.01,10.20,9.99,10.10,10.10,1000,1010.0\n" for day in DAYS)
    (folder / "sh600000.csv").write_text("日期,开,高,低,收,前收,手,千元\n" + rows, "utf-8")
    (folder / "columns.toml").write_text(MAP, "utf-8")
    assert download(tmp_path, folder, "one").rows == 3
    row = read_table(tmp_path / "one", "daily/2026.parquet").row(0, named=True)
    assert (row["symbol"], row["close"], row["volume"], row["turnover"]) == (
        "600000.SH",
        10_100,
        100_000,
        1_010_000_000,
    )
    (folder / "columns.toml").write_text(MAP.replace('"lots"', '"hands"'), "utf-8")
    with pytest.raises(HistoryError, match=r"units\.volume is 'hands'"):
        Files(pacer(tmp_path, Wall()), folder)
