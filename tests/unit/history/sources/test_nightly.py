"""The cycle's work on a folder: closes append and check, opens append what is known before, each says what it lacks."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from common.domain.errors import SourceBusyError, SourceError
from common.history import schema
from common.history.daily import History
from common.history.sources import nightly
from common.history.sources.baostock import Baostock
from common.history.sources.complete import Before, Dividend
from common.history.sources.tables import BARS
from common.history.sources.tushare import Tushare
from common.history.store import polars_schema, read_table
from tests.unit.history.sources.tushare_vendor import Client
from tests.unit.history.sources.vendor import Vendor, Wall, market, pacer, quiet

EVE, DAY = 20260109, 20260112


def close(folder: Path, vendor: Vendor, until: int, today: int = 0) -> nightly.Done:
    return nightly.close(folder, Baostock(pacer(folder, Wall()), vendor), until, today or until, 70, quiet)


def rows(folder: Path, day: int) -> dict[str, dict[str, Any]]:
    table = read_table(folder, f"daily/{day // 10_000}.parquet").filter(pl.col("day") == day)
    return {row["symbol"]: row for row in table.to_dicts()}


def test_a_first_close_fills_an_empty_history(tmp_path: Path) -> None:
    done = close(tmp_path, Vendor(), EVE)
    assert done.day == EVE
    assert History(tmp_path).first_day() == 20251229


def test_closes_go_on_day_by_day_and_after_a_pause(tmp_path: Path) -> None:
    close(tmp_path, Vendor(), 20260105)
    vendor = Vendor()
    assert close(tmp_path, vendor, 20260107).day == 20260107
    assert [call for call in vendor.calls if call.startswith("day")] == ["day 2026-01-06", "day 2026-01-07"]
    vendor = Vendor()
    assert close(tmp_path, vendor, EVE).day == EVE
    assert [call for call in vendor.calls if call.startswith("day")] == [f"day 2026-01-0{d}" for d in (8, 9)]
    whole = tmp_path / "whole"
    close(whole, Vendor(), EVE)
    assert read_table(tmp_path, "daily/2026.parquet").equals(read_table(whole, "daily/2026.parquet"))


def test_a_weekend_closes_the_friday_before(tmp_path: Path) -> None:
    assert close(tmp_path, Vendor(), 20260111).day == EVE


def test_a_thin_session_is_not_done_and_asked_again(tmp_path: Path) -> None:
    close(tmp_path, Vendor(), 20260108)
    thin = Vendor([row for row in market() if row[0] != "2026-01-09" or row[1] == "sh.600000"])
    with pytest.raises(SourceBusyError, match="20260109 is not complete: 1 stocks traded, 3 the session before"):
        close(tmp_path, thin, EVE)
    again = Vendor()
    assert close(tmp_path, again, EVE).day == EVE
    assert "day 2026-01-09" in again.calls
    assert rows(tmp_path, EVE)["000001.SZ"]["volume"] == 100_000


def test_a_calendar_that_ends_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="calendar of baostock ends on 20260113"):
        close(tmp_path, Vendor(), EVE, today=20260114)


def test_facts_carried_over_are_said_to_be(tmp_path: Path) -> None:
    close(tmp_path, Vendor(), EVE)
    done = nightly.open_(tmp_path, None, DAY)
    assert "carried over from 20260109" in done.note
    found = rows(tmp_path, DAY)
    assert (found["600000.SH"]["prev_close"], found["600000.SH"]["up_limit"]) == (9_500, 10_450)
    assert (found["600000.SH"]["volume"], found["600000.SH"]["close"]) == (0, 0)
    assert found["600000.SH"]["float_shares"] == 100_000_000
    facts = History(tmp_path).pre_open(DAY)
    assert len(facts.day) == 3
    # The listing of 2026-01-07 is in its fourth session: still no limit.
    assert found["300999.SZ"]["up_limit"] == 0


def test_an_open_without_the_close_before_it_is_refused(tmp_path: Path) -> None:
    close(tmp_path, Vendor(), 20260108)
    with pytest.raises(SourceError, match="no trades of 20260109"):
        nightly.open_(tmp_path, None, DAY)


def test_a_source_that_tells_nothing_before_the_open_says_so(tmp_path: Path) -> None:
    close(tmp_path, Vendor(), EVE)
    with pytest.raises(SourceError, match='pre_open = "carried"'):
        nightly.open_(tmp_path, Baostock(pacer(tmp_path, Wall()), Vendor()), DAY)


def test_an_opened_session_is_closed_like_any_other(tmp_path: Path) -> None:
    close(tmp_path, Vendor(), 20260108)
    nightly.open_(tmp_path, None, EVE)
    assert rows(tmp_path, EVE)["600000.SH"]["close"] == 0
    close(tmp_path, Vendor(), EVE)
    whole = tmp_path / "whole"
    close(whole, Vendor(), EVE)
    for name in ("daily/2026.parquet", schema.ST_FILE, schema.EX_EVENTS_FILE):
        assert read_table(tmp_path, name).equals(read_table(whole, name))


def test_facts_from_a_source_that_tells_them(tmp_path: Path) -> None:
    client = Client()
    source = Tushare(pacer(tmp_path, Wall()), client=client)
    nightly.close(tmp_path, source, EVE, EVE, 70, quiet)
    done = nightly.open_(tmp_path, source, DAY)
    assert done.note == ""
    found = rows(tmp_path, DAY)
    # An ex-day known before the open: 0.5 yuan of 10; the factor and the event are there in time.
    assert (found["600000.SH"]["prev_close"], found["600000.SH"]["up_limit"]) == (9_500, 10_450)
    assert found["600000.SH"]["factor_e9"] == 1_052_631_579
    assert found["000001.SZ"]["suspended"]
    events = History(tmp_path).ex_events(DAY).to_dicts()
    assert [(event["day"], event["cash_e6"], event["known_at"]) for event in events] == [(DAY, 500_000, 202601061800)]
    assert History(tmp_path).st_intervals(DAY).filter(pl.col("state") == 1)["symbol"].to_list() == ["600001.SH"]


def test_limits_that_are_not_there_yet_are_asked_for_again(tmp_path: Path) -> None:
    client = Client()
    source = Tushare(pacer(tmp_path, Wall()), client=client)
    nightly.close(tmp_path, source, EVE, EVE, 70, quiet)
    client.hide = "stk_limit"
    with pytest.raises(SourceBusyError, match="no limits of 20260112 yet"):
        nightly.open_(tmp_path, source, DAY)


@pytest.mark.parametrize(
    ("told", "up", "down", "wanted"),
    [(10_000, 10_450, 8_550, 9_500), (9_500, 10_450, 8_550, 9_500), (10_000, 11_000, 9_000, 10_000), (0, 0, 0, 9_500)],
)  # fmt: skip
def test_the_limits_tell_which_price_is_the_reference(told: int, up: int, down: int, wanted: int) -> None:
    row: dict[str, Any] = dict.fromkeys(BARS, 0) | {
        "day": DAY, "symbol": "600000.SH", "prev_close": told, "up_limit": up, "down_limit": down, "suspended": False,
    }  # fmt: skip
    bars = pl.DataFrame([row], schema=polars_schema(BARS))
    before = {"600000.SH": Before(EVE, 10_000, 10**9, 1)}
    dividends = {(DAY, "600000.SH"): Dividend(500_000, 0, 202601061800)}
    assert nightly.referenced(bars, before, dividends)["prev_close"].to_list() == [wanted]
