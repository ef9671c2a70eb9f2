"""Tushare through its client of the test: pages, errors that mean wait and errors that mean stop, damaged answers."""

import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from common.domain.errors import SourceBusyError, SourceError
from common.history import schema
from common.history.daily import History
from common.history.sources import tables, tushare_parse
from common.history.sources.cells import Defect, as_rows
from common.history.sources.download import Download, Downloaded, Wanted
from common.history.sources.source import Ask, Kind
from common.history.sources.tushare import Tushare, load_client
from common.history.store import read_table
from tests.unit.history.sources.test_baostock_parse import damaged
from tests.unit.history.sources.tushare_vendor import COLUMNS, Client
from tests.unit.history.sources.vendor import Wall, pacer, quiet

DAY = 20260109
TOKEN = "0123456789abcdef"


def source(tmp_path: Path, client: Client, wall: Wall | None = None) -> Tushare:
    return Tushare(pacer(tmp_path, wall or Wall()), TOKEN, client)


def bars(tmp_path: Path, client: Client, day: int = DAY) -> dict[str, dict[str, Any]]:
    answer = source(tmp_path, client).fetch(Ask(Kind.BARS, day, day))
    assert answer.defects == {}
    return {row["symbol"]: row for row in answer.frame.to_dicts()}


def test_units(tmp_path: Path) -> None:
    found = bars(tmp_path, Client())["000001.SZ"]
    assert found == {
        "day": DAY, "symbol": "000001.SZ", "prev_close": 11_300, "up_limit": 12_430, "down_limit": 10_170,
        "suspended": False, "st": 0, "float_shares": 19_405_591_800, "open": 11_250, "high": 11_350, "low": 11_200,
        "close": 11_300, "volume": 88_321_055, "turnover": 1_000_000_123_000,
    }  # fmt: skip


def test_st_is_in_the_name_of_the_day(tmp_path: Path) -> None:
    assert bars(tmp_path, Client(), 20260107)["600001.SH"]["st"] == 0
    assert bars(tmp_path, Client(), 20260108)["600001.SH"]["st"] == 1
    assert tushare_parse.st_of_name("*ST海航") == 1
    assert tushare_parse.st_of_name("退市大控") == 2
    assert tushare_parse.st_of_name("平安银行") == 0


def test_no_limit_is_zero(tmp_path: Path) -> None:
    client = Client()
    for row in client.tables["stk_limit"]:
        if row[0] == "920002.BJ":
            row[3:] = [99999.0, 0.01]
    found = bars(tmp_path, client)["920002.BJ"]
    assert (found["up_limit"], found["down_limit"]) == (0, 0)


def test_a_stock_suspended_all_day_has_a_row_and_one_for_an_hour_is_not_suspended(tmp_path: Path) -> None:
    client = Client()
    client.tables["suspend_d"] += [["000001.SZ", str(DAY), None, "S"], ["600000.SH", str(DAY), "09:30-10:30", "S"]]
    client.tables["daily"] = [row for row in client.tables["daily"] if row[0] != "000001.SZ"]
    found = bars(tmp_path, client)
    assert (found["000001.SZ"]["suspended"], found["000001.SZ"]["close"]) == (True, 0)
    assert not found["600000.SH"]["suspended"]


def test_a_day_of_which_only_suspensions_are_known_has_no_bars(tmp_path: Path) -> None:
    client = Client()
    client.hide = "daily"
    client.tables["suspend_d"].append(["000001.SZ", str(DAY), None, "S"])
    assert bars(tmp_path, client) == {}


def test_pages_are_put_together(tmp_path: Path) -> None:
    client = Client()
    client.page_most = 1_000
    client.tables["stock_basic"] = [
        [f"{(600000 if at < 1500 else 601500) + at}.SH", "n", "20200101", None] for at in range(2_500)
    ]
    answer = source(tmp_path, client).fetch(Ask(Kind.INSTRUMENTS))
    assert answer.frame.height == 2_500
    assert client.calls.count("stock_basic") == 3 + 2


def test_an_empty_frame_without_columns_is_busy_not_empty(tmp_path: Path) -> None:
    client, wall = Client(), Wall()
    client.broken = "daily"
    with pytest.raises(SourceBusyError, match="without an answer"):
        source(tmp_path, client, wall).fetch(Ask(Kind.BARS, DAY, DAY))
    assert client.calls == ["daily"] * 5


@pytest.mark.parametrize(
    "error",
    [
        Exception("抱歉，您每分钟最多访问该接口200次，权限的具体详情访问：https://tushare.pro/document/1?doc_id=108。"),
        Exception("请求过于频繁，请稍后再试"),
        ConnectionError("Read timed out."),
        ValueError("Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_busy_answers_are_repeated(tmp_path: Path, error: Exception) -> None:
    client, wall = Client(), Wall()
    client.fail = [error]
    found = source(tmp_path, client, wall)
    assert found.fetch(Ask(Kind.CALENDAR, 20260101, 20260131)).frame.height == 6
    assert found.pacer.repeated == 1
    assert max(wall.slept) >= (61 if "频" in str(error) or "每分钟" in str(error) else 2)


@pytest.mark.parametrize(
    "text",
    [
        "您的token不对，请确认。",
        "抱歉，您没有接口访问权限，权限的具体详情访问：https://tushare.pro/document/1?doc_id=108。",
        "抱歉，您每天最多访问该接口100次，权限的具体详情访问：https://tushare.pro/document/1?doc_id=108。",
        "请指定正确的接口名",
    ],
)
def test_refusals_are_told_at_once_without_the_token(tmp_path: Path, text: str) -> None:
    client = Client()
    client.fail = [Exception(f"{text} {TOKEN}")]
    with pytest.raises(SourceError) as caught:
        source(tmp_path, client).fetch(Ask(Kind.BARS, DAY, DAY))
    assert not isinstance(caught.value, SourceBusyError)
    assert text.rstrip("。") in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None
    assert len(client.calls) == 1


def test_without_a_token_or_a_package_one_line_says_what_to_do() -> None:
    with pytest.raises(SourceError, match="TUSHARE_TOKEN"):
        load_client("")


def test_minutes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="--source baostock"):
        source(tmp_path, Client()).asks(Kind.MINUTES, DAY, DAY, (), 5)


def download(tmp_path: Path, client: Client, symbols: tuple[str, ...] = ()) -> Downloaded:
    return Download(tmp_path, source(tmp_path, client), quiet).run(Wanted(20260107, DAY, symbols))


def test_a_market_becomes_history_with_published_limits_and_names(tmp_path: Path) -> None:
    found = download(tmp_path, Client())
    assert (found.rows, found.left_out, found.defects) == (12, {}, {})
    history = History(tmp_path)
    assert history.names(DAY)[history.index["600001.SH"]] == "ST邯钢"
    assert history.names(20260107)[history.index["600001.SH"]] == "邯郸钢铁"
    spells = read_table(tmp_path, schema.ST_FILE).filter(pl.col("state") == 1)
    assert spells.select("symbol", "first_day", "last_day").rows() == [("600001.SH", 20260108, 0)]


def test_named_stocks_of_a_source_that_is_asked_by_the_day(tmp_path: Path) -> None:
    assert download(tmp_path, Client(), ("600000.SH",)).rows == 3
    # The rest of these days is not in the history: they are asked again when it is wanted.
    client = Client()
    assert download(tmp_path, client).rows == 9
    assert client.calls.count("daily") == 3
    again = Client()
    assert download(tmp_path, again).rows == 0
    assert again.calls.count("daily") == 0


@pytest.mark.parametrize("seed", range(40))
def test_damaged_answers_are_defects_never_a_crash(seed: int) -> None:
    chance = random.Random(seed)
    made = Client().tables
    defects = 0
    for _ in range(10):
        rows = {
            api: as_rows(COLUMNS[api], damaged([[*map(str, row)] for row in made[api][:6]], chance)) for api in COLUMNS
        }
        bars = tushare_parse.parse_bars(
            rows["daily"], rows["daily_basic"], rows["stk_limit"], rows["suspend_d"], {}, DAY
        )
        assert tables.framed(bars.rows, tables.BARS).height == len(bars.rows) <= len(rows["daily"])
        found = (
            bars,
            tushare_parse.parse_pre_open(rows["stk_limit"], rows["suspend_d"], {}, 20260112),
            tushare_parse.parse_calendar(rows["trade_cal"]),
            tushare_parse.parse_instruments(rows["stock_basic"]),
            tushare_parse.parse_names(rows["namechange"]),
            tushare_parse.parse_dividends(rows["dividend"], 20260112),
        )
        defects += sum(sum(parsed.defects.values()) for parsed in found)
    assert defects > 0, "ten rounds of damage leave something that is refused"


def test_rows_of_another_day_are_defects() -> None:
    rows = as_rows(COLUMNS["daily"], Client().tables["daily"])
    parsed = tushare_parse.parse_bars(rows, [], [], [], {}, DAY)
    assert parsed.defects == {Defect.OTHER_DAY: 8}
