"""What the source `xt` relies on in the real xtdata layer: each of these fails if the vendor changes it (notes §2.3, §2.4)."""

import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from common.history.sources.xt_reference import Stock, open_days, parse_st, st_at
from tests.fakes.xtquant.reference import Library, ms_of
from tests.fakes.xtquant.terminal import Terminal
from tests.unit.xtquant.small_market import BANK, PAYS, bar, capital, fill

JUNE_30 = ms_of("20240630")


@pytest.fixture
def held(xtdata: ModuleType, terminal: Terminal, tmp_path: Path) -> Library:
    """The small market, connected."""
    found = fill(terminal, tmp_path)
    xtdata.connect(port=58610)
    return found


@pytest.fixture
def abroad() -> Iterator[None]:
    """A process whose zone is UTC."""
    before = os.environ["TZ"]
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield
    os.environ["TZ"] = before
    time.tzset()


# ---------------------------------------------------------------------- downloads


def test_progress_is_told_and_the_ranges_come_back(xtdata: ModuleType, held: Library) -> None:
    told: list[dict[str, Any]] = []
    found = xtdata.download_history_data2([BANK, PAYS], "1d", "20251229", "20260109", told.append, False)
    assert [(each["finished"], each["total"], each["stockcode"]) for each in told] == [(1, 2, BANK), (2, 2, PAYS)]
    assert found[BANK] == {"start_time": datetime(2024, 1, 2), "end_time": datetime(2024, 1, 3)}


@pytest.mark.parametrize(("start", "asked", "sent"), [("", None, True), ("20260101", None, False), ("", False, False)])
def test_only_an_empty_start_is_incremental(
    xtdata: ModuleType, terminal: Terminal, held: Library, start: str, asked: bool | None, sent: bool
) -> None:
    xtdata.download_history_data2([BANK], "1d", start, "", None, asked)
    name, (*_, param) = terminal.calls[-1]
    assert (name, param) == ("supply_history_data2", {"incrementally": sent})


def failing(total: int, message: str, yes: bool) -> Callable[[Library, Any], bool]:
    def play(_held: Library, progress: Any) -> bool:
        progress({"finished": 0, "total": total, "stockcode": "", "message": message})
        return yes

    return play


def test_a_negative_total_is_an_exception_with_its_message(xtdata: ModuleType, held: Library) -> None:
    held.download_script = failing(-1, "no right", yes=False)
    with pytest.raises(Exception, match="no right"):
        xtdata.download_history_data2([BANK], "1d", "", "", None)


@pytest.mark.parametrize(("message", "yes"), [("", False), ("no right", True)])
def test_a_failure_without_a_text_or_after_a_yes_is_silent(
    xtdata: ModuleType, held: Library, message: str, yes: bool
) -> None:
    held.download_script = failing(-1, message, yes)
    told: list[object] = []
    assert xtdata.download_history_data2([BANK], "1d", "", "", told.append) == {}
    assert told == [], "and the callback is not told"


@pytest.mark.parametrize("yes", [True, False])
def test_a_broken_line_raises_after_a_no_and_is_silent_after_a_yes(
    xtdata: ModuleType, terminal: Terminal, held: Library, yes: bool
) -> None:
    def play(_held: Library, progress: Any) -> bool:
        progress({"finished": 1, "total": 2, "stockcode": BANK, "message": ""})
        terminal.drop()
        return yes

    held.download_script = play
    if yes:
        assert xtdata.download_history_data2([BANK, PAYS], "1d", "", "", None) == {}
    else:
        with pytest.raises(Exception, match="断开"):
            xtdata.download_history_data2([BANK, PAYS], "1d", "", "", None)


def test_an_exception_in_our_progress_ends_nothing(xtdata: ModuleType, held: Library) -> None:
    def fails(_data: object) -> None:
        raise ValueError("ours")

    xtdata.download_history_data2([BANK, PAYS], "1d", "", "", fails)
    assert set(held.here) == {(BANK, "1d"), (PAYS, "1d")}


@pytest.mark.parametrize(("version", "call"), [(None, "supply_history_data"), (1, "supply_history_data2")])
def test_a_server_with_a_download_version_takes_the_plural_download(
    xtdata: ModuleType, terminal: Terminal, held: Library, version: int | None, call: str
) -> None:
    held.download_version = version
    xtdata.reconnect(port=58610)
    xtdata.download_history_data(BANK, "1d", "20260101", "")
    assert terminal.calls[-1][0] == call


def test_lists_of_stocks_are_a_download_of_their_own(xtdata: ModuleType, terminal: Terminal, held: Library) -> None:
    xtdata.download_sector_data()
    name, (codes, period, *_, param) = terminal.calls[-1]
    assert (name, codes, period) == ("supply_history_data2", (), "")  # the pair of numbers travels in the parameter
    assert (param["metaid"], param["period"]) == (2009, 86_400_000)


def test_share_capital_is_a_download_of_its_table(xtdata: ModuleType, terminal: Terminal, held: Library) -> None:
    xtdata.download_financial_data([BANK], ["Capital"])
    name, (codes, period, *_) = terminal.calls[-1]
    assert (name, codes, period) == ("supply_history_data2", (BANK,), "Capital")


# ---------------------------------------------------------------------- bars


def test_bars_come_as_frames_labelled_with_text(xtdata: ModuleType, terminal: Terminal, held: Library) -> None:
    held.bring(BANK, "1d", "", "")
    found = xtdata.get_market_data_ex([], [BANK, PAYS], "1d", "20260105", "20260106", -1, "none", False)
    frame = found[BANK]
    assert list(frame.index) == ["20260105", "20260106"]
    assert {"time", "open", "high", "low", "close", "volume", "amount", "preClose", "suspendFlag"} <= set(frame.columns)
    assert frame["time"].tolist() == [ms_of("20260105"), ms_of("20260106")]
    assert len(found[PAYS]) == 0, "what is not on the disk is an empty frame, no error"
    assert terminal.calls[-1][1][4:] == ("none", False, "v4")


def test_minutes_are_labelled_to_the_second(xtdata: ModuleType, held: Library) -> None:
    held.put(BANK, "5m", {"20260105093500": bar(10.0, 10.0), "20260105094000": bar(10.0, 10.0)})
    held.bring(BANK, "5m", "", "")
    frame = xtdata.get_market_data_ex([], [BANK], "5m", "20260105", "20260105", fill_data=False)[BANK]
    assert list(frame.index) == ["20260105093500", "20260105094000"]


def test_ex_days_are_a_frame_by_their_key(xtdata: ModuleType, held: Library) -> None:
    frame = xtdata.get_divid_factors(BANK)
    assert list(frame.index) == ["20260106"]
    assert frame.loc["20260106"]["interest"] == 0.5
    assert len(xtdata.get_divid_factors(PAYS)) == 0


# ---------------------------------------------------------------------- calendar


def test_trading_days_are_milliseconds(xtdata: ModuleType, held: Library) -> None:
    assert xtdata.get_trading_dates("SH", "20260105", "20260106") == [ms_of("20260105"), ms_of("20260106")]


def test_the_calendar_is_of_two_exchanges_and_ends_with_the_holidays(
    xtdata: ModuleType, terminal: Terminal, held: Library
) -> None:
    with pytest.raises(Exception, match="SH,SZ"):
        xtdata.get_trading_calendar("BJ")
    with pytest.raises(Exception, match="20261231"):
        xtdata.get_trading_calendar("SH", "20260105", "20270101")
    days = xtdata.get_trading_calendar("SH", "20260108", "20261009")
    assert days[:4] == ["20260108", "20260109", "20260112", "20260113"]
    assert "20261001" not in days
    assert [name for name, _ in terminal.calls if name == "downloadholidaydata"] == ["downloadholidaydata"] * 2


def test_our_calendar_is_the_packages(xtdata: ModuleType, held: Library) -> None:
    theirs = xtdata.get_trading_calendar("SH", "20251229", "20261231")
    ours = open_days(held.trading_ms, held.holidays, 20251229, 20261231).rows
    assert [str(row["day"]) for row in ours if row["open"]] == theirs


@pytest.mark.usefixtures("abroad")
def test_in_another_zone_days_are_off_by_one(xtdata: ModuleType, held: Library) -> None:
    assert xtdata.get_trading_calendar("SH", "20260104", "20260106")[0] == "20260104"  # a Sunday
    assert xtdata.timetag_to_datetime(JUNE_30, "%Y%m%d") == "20240629"
    held.capital = {BANK: [capital(20240630, 20240630, 1.0)]}
    frame = xtdata.get_financial_data([BANK], ["Capital"])[BANK]["Capital"]
    assert frame["m_timetag"].tolist() == ["20240629"]


def test_members_at_a_day_depend_on_the_zone_and_at_milliseconds_do_not(
    xtdata: ModuleType, terminal: Terminal, held: Library, abroad: None
) -> None:
    xtdata.get_stock_list_in_sector("沪深A股", "20240630")
    xtdata.get_stock_list_in_sector("沪深A股", JUNE_30)
    asked = [at for name, at in terminal.calls if name == "get_stock_list_in_sector"]
    assert asked == [("沪深A股", JUNE_30 + 8 * 3_600_000), ("沪深A股", JUNE_30)]


# ---------------------------------------------------------------------- ST


ST_LINES = f"{PAYS},1,20200102,1,0\n{PAYS},1,20210301,2,0\n{PAYS},1,20220505,0,0\n{BANK},1,20230101,1,0\nshort,1\n"


def test_the_st_file_is_read_as_we_read_it(xtdata: ModuleType, held: Library, terminal: Terminal) -> None:
    held.st_csv = ST_LINES
    xtdata.download_his_st_data()
    theirs = xtdata.get_his_st_data(PAYS)
    assert theirs == {"ST": [["20200102", "20210301"]], "*ST": [["20210301", "20220505"]]}
    assert xtdata.get_his_st_data(BANK) == {"ST": [["20230101", "20380119"]]}
    lines = [[row[0], row[2], row[3]] for line in ST_LINES.splitlines() if len(row := line.split(",")) >= 4]
    known = parse_st(lines, dict[str, Stock]())
    for on, state in [(20200101, 0), (20200102, 1), (20210228, 1), (20210301, 1), (20220504, 1), (20220505, 0)]:
        assert st_at(known, PAYS, on) == state


def test_a_missing_st_file_looks_like_never_st(xtdata: ModuleType, held: Library) -> None:
    assert xtdata.get_his_st_data(PAYS) == {}


# ---------------------------------------------------------------------- share capital


def test_share_capital_is_asked_in_twenties_and_the_raw_reader_gives_milliseconds(
    xtdata: ModuleType, terminal: Terminal, held: Library
) -> None:
    codes = [f"60{at:04d}.SH" for at in range(41)]
    xtdata.get_financial_data_ori(codes, ["Capital"], report_type="announce_time")
    asked = [asked for name, asked in terminal.calls if name == "get_financial_data"]
    assert [len(each[0]) for each in asked] == [20, 20, 1]
    assert asked[0][1:] == (("CAPITALSTRUCTURE",), "announce_time")
    raw = xtdata.get_financial_data_ori([BANK], ["Capital"])[BANK]["CAPITALSTRUCTURE"]
    assert (raw[0]["m_timetag"], raw[0]["m_anntime"]) == (ms_of("20200101"), ms_of("20200102"))


def test_the_other_reader_hides_a_missing_announcement_and_fails_without_any_day(
    xtdata: ModuleType, held: Library
) -> None:
    held.capital = {BANK: [capital(20240630, None, 1.0)]}
    frame = xtdata.get_financial_data([BANK], ["Capital"])[BANK]["Capital"]
    assert frame["m_anntime"].tolist() == ["20240630"]
    held.capital = {BANK: [capital(None, None, 1.0)]}
    with pytest.raises(ValueError, match="NaN"):
        xtdata.get_financial_data([BANK], ["Capital"])
