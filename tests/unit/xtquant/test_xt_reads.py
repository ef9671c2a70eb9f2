"""Reads of the source `xt` over the real xtquant layer: minutes, calendar, refusals, the probe."""

from pathlib import Path
from types import ModuleType

import pytest

from common.domain.errors import SourceError
from common.history.sources.download import Wanted
from common.history.sources.probe import ask_all
from common.history.sources.source import Ask, Kind
from common.history.sources.xt_calls import Calls, Fault
from common.history.store import read_table
from tests.fakes.xtquant.reference import Library, ms_of
from tests.fakes.xtquant.terminal import Terminal
from tests.unit.history.sources.vendor import quiet
from tests.unit.xtquant.small_market import (
    BANK,
    DAYS,
    FIRST,
    LAST,
    bar,
    fill,
    run,
    source,
)

# ---------------------------------------------------------------------- minutes


def minutes(held: Library, code: str, day: str, length: int, auction: bool = False) -> dict[str, dict[str, float]]:
    """Give the server the minute bars of a day: two lots a bar, and the rest of the day in the first one."""
    seconds = [second for second in range(34_200, 54_001, 60 * length) if 34_200 < second <= 41_400 or second > 46_800]
    seconds = [34_200, *seconds] if auction else seconds
    whole = held.bars[code, "1d"][day]
    made = {}
    for second in seconds:
        part = {**whole, "volume": whole["volume"] / 500, "amount": whole["amount"] / 500}
        made[f"{day}{second // 3600:02d}{second // 60 % 60:02d}00"] = part
    rest = 500 - len(seconds)
    first = made[min(made)]
    first["volume"] += rest * whole["volume"] / 500
    first["amount"] += rest * whole["amount"] / 500
    held.put(code, f"{length}m", made)
    return made


def test_minutes_of_a_stock(xtdata: ModuleType, terminal: Terminal, tmp_path: Path) -> None:
    held = fill(terminal, tmp_path)
    for day in DAYS[3:]:
        minutes(held, BANK, day, 5)
    found = run(xtdata, tmp_path, Wanted(20260105, LAST, (BANK,), minutes=5))
    assert found.minute_rows == 5 * 48
    rows = read_table(tmp_path / "history", "minute5/2026-01.parquet").to_dicts()
    assert rows[0] == {
        "day": 20260105, "symbol": BANK, "label_s": 34_500, "open": 10_000, "high": 10_050, "low": 9_950,
        "close": 10_000, "volume": 90_600, "turnover": 906_000_000,
    }  # fmt: skip


@pytest.mark.parametrize(("auction", "label_s"), [(True, 34_200), (False, 34_260)])
def test_the_opening_auction_is_a_bar_of_its_own_or_in_the_first_one(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path, auction: bool, label_s: int
) -> None:
    minutes(fill(terminal, tmp_path), BANK, "20260105", 1, auction)
    found = run(xtdata, tmp_path, Wanted(20260105, 20260105, (BANK,), minutes=1))
    rows = read_table(tmp_path / "history", "minute1/2026-01.parquet")
    assert found.minute_rows == len(rows) == 240 + auction
    assert (rows["label_s"][0], rows["label_s"][-1], rows["volume"].sum()) == (label_s, 54_000, 100_000)


@pytest.mark.parametrize("missing", ["absent", "nan", "zero", "flat"])
def test_minutes_that_do_not_add_up_to_the_day_are_refused(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path, missing: str
) -> None:
    held = fill(terminal, tmp_path)
    for day in DAYS[3:]:
        minutes(held, BANK, day, 5)
    held.missing = missing
    held.fault = lambda name: held.__setattr__("download_brings", 0.7) if name == "get_market_data3" else None
    with pytest.raises(SourceError, match=r"5-minute bars of 600000\.SH.*20260108") as error:
        run(xtdata, tmp_path, Wanted(20260105, LAST, (BANK,), minutes=5))
    assert "5 分钟" in str(error.value)
    assert not (tmp_path / "history" / "minute5").exists()


def test_labels_at_the_beginning_of_a_bar_are_refused(xtdata: ModuleType, terminal: Terminal, tmp_path: Path) -> None:
    held = fill(terminal, tmp_path)
    made = minutes(held, BANK, "20260105", 5)
    made["20260105093000"] = made.pop("20260105150000")
    held.bars[BANK, "5m"] = made
    with pytest.raises(SourceError, match="beginning of a bar"):
        run(xtdata, tmp_path, Wanted(20260105, 20260105, (BANK,), minutes=5))


# ---------------------------------------------------------------------- calendar, refusals


def test_the_calendar_ends_with_the_year_of_the_holidays(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path
) -> None:
    held = fill(terminal, tmp_path)
    ours = source(xtdata, tmp_path)
    days = dict(ours.fetch(Ask(Kind.CALENDAR, 20260101, 20271231)).frame.iter_rows())
    assert (min(days), max(days)) == (20260101, 20261231)
    assert [days[day] for day in (20260101, 20260109, 20260110, 20260112, 20261001)] == [
        False,
        True,
        False,
        True,
        False,
    ]
    with pytest.raises(SourceError, match="end on 20261231"):
        ours.fetch(Ask(Kind.CALENDAR, 20270101, 20271231))
    held.holidays = []
    with pytest.raises(SourceError, match="no holidays"):
        ours.fetch(Ask(Kind.CALENDAR, 20260101, 20260131))


def test_what_it_does_not_have_is_said_in_both_languages(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path
) -> None:
    fill(terminal, tmp_path)
    ours = source(xtdata, tmp_path)
    with pytest.raises(SourceError, match=r"15 分钟.*not of 15"):
        ours.asks(Kind.MINUTES, FIRST, LAST, (BANK,), 15)
    with pytest.raises(SourceError, match=r"--codes 指定.*name some with --codes"):
        ours.asks(Kind.MINUTES, FIRST, LAST, (), 5)
    with pytest.raises(SourceError, match=r"没有 names.*has no names"):
        ours.asks(Kind.NAMES, FIRST, LAST, ())
    terminal.sectors.clear()
    with pytest.raises(SourceError, match=r"沪深A股板块.*download sector data"):
        ours.fetch(Ask(Kind.INSTRUMENTS, FIRST, LAST))


def test_no_client_is_said_with_the_fix(xtdata: ModuleType, terminal: Terminal, tmp_path: Path) -> None:
    fill(terminal, tmp_path)
    terminal.addresses.clear()
    with pytest.raises(SourceError, match=r"请启动 QMT.*start QMT"):
        run(xtdata, tmp_path)


def test_the_old_lists_of_stocks_are_asked_by_milliseconds(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path
) -> None:
    fill(terminal, tmp_path)
    source(xtdata, tmp_path).fetch(Ask(Kind.INSTRUMENTS, 20250815, 20260109))
    asked = {asked for name, asked in terminal.calls if name == "get_stock_list_in_sector"}
    assert asked == {("沪深A股", at) for at in (-1, *(ms_of(day) for day in ("20250701", "20251001", "20260101")))}


def test_a_probe_finds_the_shapes_it_assumes(xtdata: ModuleType, terminal: Terminal, tmp_path: Path) -> None:
    """Moved to the days that a probe asks about."""
    held = fill(terminal, tmp_path)
    held.trading_ms = [ms_of(day) for day in ("20240102", "20240103")]
    held.bars.clear()
    terminal.sectors = {"沪深A股": [BANK]}
    held.put(BANK, "1d", {"20240102": bar(10.0, 10.0), "20240103": bar(10.0, 10.0)})
    minutes(held, BANK, "20240102", 5)
    found = ask_all(source(xtdata, tmp_path), quiet)
    assert {raw.call for raw in found.heard} >= {
        "calendar",
        "details",
        "bars 1d",
        "bars 5m",
        "dividends",
        "capital",
        "st_file",
    }
    assert {each.what for each in found.differences} == {"fact"}, (
        "one stock is no market, but every shape is as assumed"
    )
    held.divid[BANK] = {"soon": held.divid[BANK]["20260106"]}
    told = ask_all(source(xtdata, tmp_path), quiet).differences
    assert [each.facts["value"] for each in told if each.what == "shape"] == ["soon"]


def test_a_client_that_cannot_refresh_is_asked_for_what_it_has(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path
) -> None:
    held = fill(terminal, tmp_path)
    asked: list[str] = []

    def refuses(name: str) -> None:
        if name in ("downloadhisstdata", "downloadholidaydata", "down_history_contracts"):
            asked.append(name)
            raise RuntimeError("unknown function")

    held.fault = refuses
    found = run(xtdata, tmp_path)
    assert set(asked) == {"downloadhisstdata", "downloadholidaydata", "down_history_contracts"}
    assert found.rows == 19
    assert found.defects == {"ST_UNKNOWN": 3}, "nobody wrote an ST file: unknown, not never"


def test_a_question_over_a_broken_line_is_not_answered_by_another_connection(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path
) -> None:
    fill(terminal, tmp_path)
    calls = Calls(xtdata)
    with pytest.raises(Fault, match="dropped"):
        calls.sectors()  # nobody connected
    calls.connect()
    assert calls.sectors()
    terminal.drop()
    with pytest.raises(Fault, match="dropped"):
        calls.sectors()


def test_bars_are_asked_for_raw_and_with_nothing_filled_in(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path
) -> None:
    fill(terminal, tmp_path)
    run(xtdata, tmp_path, Wanted(FIRST, LAST, (BANK,)))
    asked = [asked for name, asked in terminal.calls if name == "get_market_data3"]
    assert {each[4:] for each in asked} == {("none", False, "v4")}
