"""Downloads into a history folder: completed rows, resume after a cut, nothing twice, one clear line on a refusal."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from common.domain.errors import SourceBusyError, SourceError
from common.history import schema
from common.history.check import check_history
from common.history.daily import History
from common.history.sources.baostock import Baostock
from common.history.sources.download import Download, Downloaded, Wanted
from common.history.store import daily_years, read_table
from tests.unit.history.sources.vendor import Vendor, Wall, market, pacer, quiet

FIRST, LAST = 20251229, 20260109


def run(folder: Path, vendor: Vendor, wanted: Wanted | None = None, wall: Wall | None = None) -> Downloaded:
    source = Baostock(pacer(folder, wall or Wall()), vendor)
    return Download(folder, source, quiet).run(wanted or Wanted(FIRST, LAST))


def daily(folder: Path) -> dict[tuple[int, str], dict[str, Any]]:
    rows = [row for year in daily_years(folder) for row in read_table(folder, f"daily/{year}.parquet").to_dicts()]
    return {(row["day"], row["symbol"]): row for row in rows}


def spells(folder: Path) -> dict[str, list[tuple[int, int, int]]]:
    found: dict[str, list[tuple[int, int, int]]] = {}
    for row in read_table(folder, schema.ST_FILE).to_dicts():
        found.setdefault(row["symbol"], []).append((row["first_day"], row["last_day"], row["state"]))
    return found


def test_a_market_becomes_history(tmp_path: Path) -> None:
    found = run(tmp_path, Vendor())
    assert len(found.days) == 8
    assert found.rows == 8 + 8 + 3
    assert found.defects == {}
    rows = daily(tmp_path)
    assert rows[20260105, "600000.SH"] == {
        "day": 20260105, "symbol": "600000.SH", "prev_close": 10_000, "up_limit": 11_000, "down_limit": 9_000,
        "suspended": False, "float_shares": 100_000_000, "factor_e9": 10**9, "open": 10_000, "high": 10_000,
        "low": 10_000, "close": 10_000, "volume": 100_000, "turnover": 1_000_000_000,
    }  # fmt: skip
    # The ex-day: 0.5 yuan of 10 yuan; the factor carries the ratio, the event says what was paid and since when.
    assert rows[20260106, "600000.SH"]["factor_e9"] == 1_052_631_579
    assert read_table(tmp_path, schema.EX_EVENTS_FILE).to_dicts() == [
        {"day": 20260106, "symbol": "600000.SH", "prev_close": 10_000, "reference": 9_500, "cash_e6": 500_000,
         "bonus_e6": 0, "known_at": 202512301800}
    ]  # fmt: skip
    # ST narrows the limits of the main board, the suspended day keeps the last close and shows no trade.
    assert rows[20251231, "000001.SZ"]["up_limit"] == 5_250
    assert rows[20260106, "000001.SZ"]["suspended"]
    assert rows[20260106, "000001.SZ"]["close"] == 0
    assert spells(tmp_path) == {
        "600000.SH": [(19991110, 20251228, 3)],  # nobody told of these days: unknown, which counts as ST
        "000001.SZ": [(19910403, 20251228, 3), (20251231, 20260107, 1)],
    }
    assert read_table(tmp_path, schema.ST_FILE).filter(pl.col("state") == 1).to_dicts() == [
        {"symbol": "000001.SZ", "first_day": 20251231, "last_day": 20260107, "state": 1, "known_at": 202512310800,
         "end_known_at": 202601071800}
    ]  # fmt: skip
    # A ChiNext listing has no limits on its first five sessions, and no row before.
    assert rows[20260107, "300999.SZ"]["up_limit"] == 0
    assert (20260106, "300999.SZ") not in rows
    assert not (tmp_path / schema.BREAKS_FILE).exists()


def test_what_was_downloaded_can_be_asked(tmp_path: Path) -> None:
    run(tmp_path, Vendor())
    history = History(tmp_path)
    assert history.calendar().last == 20260113
    assert history.session_before(20260112) == 20260109
    assert len(history.traded(20260112, FIRST).day) == 19


def test_a_second_run_asks_for_nothing_it_has(tmp_path: Path) -> None:
    run(tmp_path, Vendor())
    before = daily(tmp_path)
    vendor = Vendor()
    found = run(tmp_path, vendor)
    assert [call for call in vendor.calls if call.startswith("day")] == []
    assert (found.rows, found.already) == (0, 8)
    assert daily(tmp_path) == before


def test_fresh_asks_again_and_changes_nothing(tmp_path: Path) -> None:
    run(tmp_path, Vendor())
    before = daily(tmp_path)
    found = run(tmp_path, Vendor(), Wanted(FIRST, LAST, fresh=True))
    assert (found.rows, found.already) == (0, 0)
    assert daily(tmp_path) == before


@pytest.mark.parametrize("cut", range(2, 11))
def test_a_cut_anywhere_is_gone_on_with(tmp_path: Path, cut: int) -> None:
    whole = tmp_path / "whole"
    run(whole, Vendor())
    folder, vendor = tmp_path / "cut", Vendor()
    vendor.cut_after = cut
    with pytest.raises(KeyboardInterrupt):
        run(folder, vendor)
    asked = {call for call in vendor.calls if call.startswith("day")}
    again = Vendor()
    run(folder, again)
    assert daily(folder) == daily(whole)
    assert asked.isdisjoint(call for call in again.calls if call.startswith("day"))
    for name in (schema.ST_FILE, schema.EX_EVENTS_FILE, schema.CALENDAR_FILE, schema.INSTRUMENTS_FILE):
        assert read_table(folder, name).equals(read_table(whole, name))


def test_backwards_in_two_pieces_is_the_same_as_in_one(tmp_path: Path) -> None:
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    run(whole, Vendor())
    run(pieces, Vendor(), Wanted(20260106, LAST))
    run(pieces, Vendor(), Wanted(FIRST, 20260105))
    one, two = daily(whole), daily(pieces)
    # The factors of the second piece are anchored to the first; ratios between days are what counts.
    for key, row in one.items():
        changing = {"factor_e9": 0}
        if key == (20260106, "000001.SZ"):  # the later piece begins on its suspended day, which tells no float shares
            changing["float_shares"] = 0
        assert row | changing == two[key] | changing
    anchor = 20260109, "600000.SH"
    for day in (20251229, 20260105, 20260106):
        for price, other in ((one, two), (two, one)):
            assert price[day, "600000.SH"]["factor_e9"] * other[anchor]["factor_e9"] == pytest.approx(
                other[day, "600000.SH"]["factor_e9"] * price[anchor]["factor_e9"], rel=1e-8
            )
    for name in (schema.ST_FILE, schema.EX_EVENTS_FILE):
        assert read_table(pieces, name).equals(read_table(whole, name))


def test_a_hole_between_two_pieces_is_a_break_until_it_is_filled(tmp_path: Path) -> None:
    run(tmp_path, Vendor(), Wanted(FIRST, 20251230))
    run(tmp_path, Vendor(), Wanted(20260107, LAST))
    breaks = read_table(tmp_path, schema.BREAKS_FILE).to_dicts()
    assert breaks == [{"symbol": "000001.SZ", "day": 20260107}, {"symbol": "600000.SH", "day": 20260107}]
    assert (20251231, 20260106, 3) in spells(tmp_path)["600000.SH"]
    run(tmp_path, Vendor(), Wanted(20251231, 20260106))
    assert spells(tmp_path)["600000.SH"] == [(19991110, 20251228, 3)]
    assert spells(tmp_path)["000001.SZ"] == [(19910403, 20251228, 3), (20251231, 20260107, 1)]
    assert read_table(tmp_path, schema.BREAKS_FILE).is_empty()
    # 600000 has an ex-day inside the hole: what lies before it takes the anchor of what was there behind it.
    rows = daily(tmp_path)
    factors = [rows[day, "600000.SH"]["factor_e9"] for day in (20251229, 20251231, 20260105, 20260106, 20260107)]
    assert factors == [950_000_000, 950_000_000, 950_000_000, 10**9, 10**9]
    assert [row["day"] for row in read_table(tmp_path, schema.EX_EVENTS_FILE).to_dicts()] == [20260106]


def test_named_stocks_are_asked_by_the_stock(tmp_path: Path) -> None:
    vendor = Vendor()
    found = run(tmp_path, vendor, Wanted(FIRST, LAST, ("600000.SH",)))
    assert found.rows == 8
    assert [call for call in vendor.calls if call.startswith("stock")] == [
        "stock sh.600000 2025-12-29",
        "stock sh.600000 2026-01-01",
    ]
    assert {symbol for _, symbol in daily(tmp_path)} == {"600000.SH"}


def test_a_session_that_a_stock_lacks_so_far_is_no_suspension(tmp_path: Path) -> None:
    early = Vendor([row for row in market() if row[0] < "2026-01-09"])
    assert run(tmp_path, early, Wanted(FIRST, LAST, ("600000.SH",))).rows == 7
    assert (20260109, "600000.SH") not in daily(tmp_path)
    assert run(tmp_path, Vendor(), Wanted(FIRST, LAST, ("600000.SH",))).rows == 1


def test_minutes_of_named_stocks(tmp_path: Path) -> None:
    found = run(tmp_path, Vendor(), Wanted(20260105, 20260109, ("600000.SH",), minutes=5))
    assert found.minute_rows == 2
    rows = read_table(tmp_path, "minute5/2026-01.parquet").to_dicts()
    assert rows[0] == {
        "day": 20260105, "symbol": "600000.SH", "label_s": 9 * 3600 + 35 * 60, "open": 10_000, "high": 10_100,
        "low": 9_900, "close": 10_000, "volume": 1_200, "turnover": 12_000_000,
    }  # fmt: skip


def test_a_day_that_is_not_published_yet_is_told_and_not_noted(tmp_path: Path) -> None:
    late = Vendor([row for row in Vendor().rows if row[0] < "2026-01-09"])
    with pytest.raises(SourceError, match="no bars of 20260109"):
        run(tmp_path, late)
    assert len(daily(tmp_path)) == 16  # what came before it is in the history
    vendor = Vendor()
    found = run(tmp_path, vendor)
    assert [call for call in vendor.calls if call.startswith("day")] == ["day 2026-01-09"]
    assert len(daily(tmp_path)) == 19
    assert found.already == 7


def test_a_busy_vendor_is_asked_again_after_a_wait(tmp_path: Path) -> None:
    vendor, wall = Vendor(), Wall()
    vendor.fail = [None, None, ("10002007", "网络接收错误。"), ("10002007", "网络接收错误。")]
    found = run(tmp_path, vendor, wall=wall)
    assert found.repeated == 2
    assert {2, 4} <= {round(seconds) for seconds in wall.slept}
    assert vendor.logins == 3  # a broken line is not used again
    assert len(daily(tmp_path)) == 19


def test_a_vendor_that_stays_busy_is_given_up_with_everything_kept(tmp_path: Path) -> None:
    vendor = Vendor()
    vendor.fail = [None] * 4 + [("10002007", "网络接收错误。")] * 5
    with pytest.raises(SourceBusyError, match="asked 5 times"):
        run(tmp_path, vendor)
    again = Vendor()
    run(tmp_path, again)
    assert "day 2025-12-29" not in again.calls
    assert len(daily(tmp_path)) == 19


def test_a_refusal_is_told_at_once(tmp_path: Path) -> None:
    vendor, wall = Vendor(), Wall()
    vendor.fail = [None, None, ("10001011", "黑名单用户")]
    with pytest.raises(SourceError, match="黑名单用户"):
        run(tmp_path, vendor, wall=wall)
    assert vendor.calls[-1] == "day 2025-12-29"
    assert all(seconds <= 1 for seconds in wall.slept)


def test_a_torn_line_of_the_journal_is_a_read_to_do_again(tmp_path: Path) -> None:
    vendor = Vendor()
    vendor.cut_after = 4
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, vendor)
    notes = tmp_path / ".download" / "baostock" / "journal.jsonl"
    notes.write_bytes(notes.read_bytes()[:-9])
    again = Vendor()
    run(tmp_path, again)
    assert "day 2025-12-30" in again.calls
    assert "day 2025-12-29" not in again.calls
    assert len(daily(tmp_path)) == 19


def test_a_day_with_few_trades_is_told(tmp_path: Path) -> None:
    rows = [row for row in Vendor().rows if not (row[0] == "2026-01-08" and row[1] != "sh.600000")]
    assert run(tmp_path, Vendor(rows)).thin[20260108] == "1 stocks traded, 3 the session before"


def test_a_vendor_that_changed_its_units_is_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    rows = market()
    for row in rows:
        if row[11] == "1":
            row[7], row[8] = "1000", row[8]  # volume in lots, turnover still in yuan
    with pytest.raises(SourceError, match="looks like lots of 100 shares"):
        run(tmp_path, Vendor(rows))
    assert daily_years(tmp_path) == []


def test_prices_beyond_the_limits_are_told_and_kept(tmp_path: Path) -> None:
    rows = market()
    for row in rows:
        if row[0] == "2025-12-30" and row[1] == "sh.600000":
            row[3] = "11.5000"
    found = run(tmp_path, Vendor(rows))
    assert found.left_out["prices beyond the day's limits (kept)"] == 1
    assert daily(tmp_path)[20251230, "600000.SH"]["high"] == 11_500


def test_the_whole_history_passes_the_check(tmp_path: Path) -> None:
    run(tmp_path, Vendor())
    faults = [found for found in check_history(tmp_path, 20260109, quiet) if found.severity == "fault"]
    assert [(fault.kind, fault.symbol) for fault in faults if fault.kind != "flat_padded"] == []
