"""The source `xt` over the real xtquant layer: what becomes history, what is refused, resume after a cut."""

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from common.domain.calendar import ts_of
from common.domain.errors import SourceError
from common.history import schema
from common.history.check import check_history
from common.history.sources.cells import Defect
from common.history.sources.download import Download, Wanted
from common.history.sources.source import Ask, Kind
from common.history.store import daily_years, read_table
from tests.fakes import xtquant as fakes
from tests.fakes.xtquant.reference import Library, library, ms_of
from tests.fakes.xtquant.terminal import Terminal
from tests.unit.history.sources.vendor import quiet
from tests.unit.xtquant.small_market import (
    BANK,
    DAYS,
    FIRST,
    LAST,
    NEW,
    PAYS,
    bar,
    capital,
    daily,
    detail,
    fill,
    run,
    source,
)


def test_a_market_becomes_history(xtdata: ModuleType, terminal: Terminal, tmp_path: Path) -> None:
    fill(terminal, tmp_path)
    found = run(xtdata, tmp_path)
    assert len(found.days) == 8
    assert found.rows == 8 + 8 + 3
    assert found.defects == {}
    rows = daily(tmp_path)
    assert rows[20260105, BANK] == {
        "day": 20260105, "symbol": BANK, "prev_close": 10_000, "up_limit": 11_000, "down_limit": 9_000,
        "suspended": False, "float_shares": 100_000_000, "factor_e9": 10**9, "open": 10_000, "high": 10_050,
        "low": 9_950, "close": 10_000, "volume": 100_000, "turnover": 1_000_000_000,
    }  # fmt: skip
    assert rows[20260106, BANK]["factor_e9"] == 1_052_631_579
    assert rows[20260106, PAYS]["suspended"]
    assert rows[20260106, PAYS]["close"] == 0
    assert rows[20251231, PAYS]["up_limit"] == 5_250
    assert [row["cash_e6"] for row in read_table(tmp_path / "history", schema.EX_EVENTS_FILE).to_dicts()] == [500_000]
    assert spells(tmp_path)[PAYS] == [(19910403, 20251228, 3), (20251231, 0, 1)]
    faults = [each for each in check_history(tmp_path / "history", 20260110, quiet) if each.severity == "fault"]
    assert {each.kind for each in faults} <= {"flat_padded"}, "the small market repeats its bars, nothing else is wrong"


def spells(folder: Path) -> dict[str, list[tuple[int, int, int]]]:
    found: dict[str, list[tuple[int, int, int]]] = {}
    for row in read_table(folder / "history", schema.ST_FILE).to_dicts():
        found.setdefault(row["symbol"], []).append((row["first_day"], row["last_day"], row["state"]))
    return found


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, str], dict[str, Any]]:
    """What the small market is in a history, however the client behaves."""
    folder = tmp_path_factory.mktemp("expected")
    with fakes.installed() as installed:
        from xtquant import xtdata

        fill(installed["datacenter"].terminal, folder)
        run(xtdata, folder)
    return daily(folder)


Rows = dict[tuple[int, str], dict[str, Any]]

# ---------------------------------------------------------------------- data that is not there


@pytest.mark.parametrize("missing", ["absent", "nan", "zero", "flat"])
def test_what_the_client_did_not_download_is_refused_and_named(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path, expected: Rows, missing: str
) -> None:
    held = fill(terminal, tmp_path)
    held.missing, held.download_brings = missing, 0.5
    with pytest.raises(SourceError, match=r"300999\.SZ 20260108\.\.20260109.*nothing|Nothing of this span") as error:
        run(xtdata, tmp_path, Wanted(20260101, LAST))
    assert re.search(r"600000\.SH 2026010[67]\.\.20260109", str(error.value))
    assert "数据管理" in str(error.value)
    assert daily_years(tmp_path / "history") == []
    held.download_brings = 1.0
    run(xtdata, tmp_path)
    assert daily(tmp_path) == expected


def test_the_months_before_a_hole_are_kept(xtdata: ModuleType, terminal: Terminal, tmp_path: Path) -> None:
    held = fill(terminal, tmp_path)
    del held.bars[BANK, "1d"]["20260108"]
    # The close before the hole and the reference price after it are the same here; with another one they are not.
    held.bars[BANK, "1d"]["20260109"] = bar(9.5, 9.4)
    with pytest.raises(SourceError, match=r"600000\.SH 20260108"):
        run(xtdata, tmp_path)
    assert {day for day, _ in daily(tmp_path)} == {20251229, 20251230, 20251231}


def test_a_suspension_without_a_row_is_proved_by_its_neighbours(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path, expected: Rows
) -> None:
    fill(terminal, tmp_path).shown_suspended = False
    run(xtdata, tmp_path)
    assert daily(tmp_path) == expected


@pytest.mark.parametrize(("status", "refused"), [(0, True), (3, False)])
def test_a_suspension_up_to_now_is_the_clients_word(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path, status: int, refused: bool
) -> None:
    held = fill(terminal, tmp_path)
    for day in DAYS[6:]:
        del held.bars[BANK, "1d"][day]
    terminal.instruments[BANK]["InstrumentStatus"] = status
    if refused:
        with pytest.raises(SourceError, match=r"600000\.SH 20260108\.\.20260109"):
            run(xtdata, tmp_path)
    else:
        run(xtdata, tmp_path)
        assert daily(tmp_path)[20260109, BANK]["suspended"]


def test_a_stock_that_left_without_bars_is_told_and_left_out(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path
) -> None:
    fill(terminal, tmp_path)
    gone = "600001.SH"
    terminal.instruments[gone] = detail(gone, "退市股", 19990101, ExpireDate=20260107)
    library(terminal).members = {0: {"沪深A股": [BANK, gone]}}
    found = run(xtdata, tmp_path)
    assert found.defects == {"NO_BARS": 2}  # once a window
    assert gone in read_table(tmp_path / "history", schema.INSTRUMENTS_FILE)["symbol"].to_list()
    assert gone not in {symbol for _, symbol in daily(tmp_path)}


@pytest.mark.parametrize("code", ["920001.BJ", "600001.SH"])
def test_an_exchange_without_bars_is_told_for_beijing_and_refused_elsewhere(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path, code: str
) -> None:
    fill(terminal, tmp_path)
    terminal.instruments[code] = detail(code, "某股", 20240101)
    terminal.sectors["京市A股"] = [code]
    if code.endswith("BJ"):
        assert run(xtdata, tmp_path).defects == {"NO_EXCHANGE": 2}
    else:
        with pytest.raises(SourceError, match=code):
            run(xtdata, tmp_path)


def test_placeholders_of_new_listings_are_no_stocks(xtdata: ModuleType, terminal: Terminal, tmp_path: Path) -> None:
    fill(terminal, tmp_path)
    for at in range(1, 7):
        code = f"30100{at}.SZ"
        terminal.instruments[code] = detail(code, "未上市", 19700100 + at)
        terminal.sectors["沪深A股"].append(code)
    run(xtdata, tmp_path)
    listed = read_table(tmp_path / "history", schema.INSTRUMENTS_FILE)
    assert sorted(listed["symbol"].to_list()) == sorted([BANK, PAYS, NEW])


# ---------------------------------------------------------------------- what nobody knows: right both ways


def test_volumes_in_shares_are_seen(xtdata: ModuleType, terminal: Terminal, tmp_path: Path, expected: Rows) -> None:
    for bars in fill(terminal, tmp_path).bars.values():
        for each in bars.values():
            each["volume"] *= 100
    run(xtdata, tmp_path)
    assert daily(tmp_path) == expected


def test_volumes_in_another_unit_are_refused(xtdata: ModuleType, terminal: Terminal, tmp_path: Path) -> None:
    for bars in fill(terminal, tmp_path).bars.values():
        for each in bars.values():
            each["amount"] /= 1_000
    with pytest.raises(SourceError, match=r"neither in lots nor in shares.*cannot be used"):
        run(xtdata, tmp_path)
    assert daily_years(tmp_path / "history") == []


def test_a_plain_close_before_an_ex_day_gets_its_reference_price(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path, expected: Rows
) -> None:
    fill(terminal, tmp_path).bars[BANK, "1d"]["20260106"]["preClose"] = 10.0
    run(xtdata, tmp_path)
    assert daily(tmp_path) == expected


@pytest.mark.parametrize("key", ["20260106", 20260106, ms_of("20260106"), str(ms_of("20260106"))])
def test_ex_days_by_day_or_by_milliseconds(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path, expected: Rows, key: object
) -> None:
    held = fill(terminal, tmp_path)
    held.divid = {BANK: {key: held.divid[BANK]["20260106"]}}
    run(xtdata, tmp_path)
    assert daily(tmp_path) == expected
    assert read_table(tmp_path / "history", schema.EX_EVENTS_FILE)["cash_e6"].to_list() == [500_000]


def test_a_row_that_makes_no_sense_is_left_out_and_no_suspension(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path
) -> None:
    held = fill(terminal, tmp_path)
    held.bars[BANK, "1d"]["20260107"]["close"] = 9.49876  # adjusted
    ours = source(xtdata, tmp_path)
    answer = ours.fetch(Ask(Kind.BARS, 20251201, 20251231))
    assert answer.defects == {}
    broken = ours.fetch(Ask(Kind.BARS, FIRST, LAST, BANK))
    assert broken.defects == {Defect.OFF_TICK: 1}
    assert 20260107 not in broken.frame["day"].to_list()


def test_many_rows_that_make_no_sense_are_refused(xtdata: ModuleType, terminal: Terminal, tmp_path: Path) -> None:
    for each in fill(terminal, tmp_path).bars[BANK, "1d"].values():
        each["close"] += 0.00123
    with pytest.raises(SourceError, match=r"more than three decimals.*cannot be used"):
        run(xtdata, tmp_path)
    assert daily_years(tmp_path / "history") == []


# ---------------------------------------------------------------------- ST


@pytest.mark.parametrize("csv", [None, "", "code,meta,date,flag,x\n", f"{BANK},1,20251231,1,0\n"])
def test_without_a_usable_st_file_every_state_is_unknown(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path, csv: str | None
) -> None:
    fill(terminal, tmp_path).st_csv = csv
    found = run(xtdata, tmp_path)
    assert found.defects == {"ST_UNKNOWN": 3}
    assert {symbol: [state for *_, state in known] for symbol, known in spells(tmp_path).items()} == {
        symbol: [3] for symbol in (BANK, PAYS, NEW)
    }


def test_a_stock_named_st_that_the_file_does_not_know_is_unknown(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path
) -> None:
    fill(terminal, tmp_path)
    terminal.instruments[BANK]["InstrumentName"] = "*ST银行"
    assert run(xtdata, tmp_path).defects == {"ST_UNKNOWN": 1}
    assert [state for *_, state in spells(tmp_path)[BANK]] == [3]
    assert (20251231, 0, 1) in spells(tmp_path)[PAYS]


# ---------------------------------------------------------------------- share capital


def test_float_shares_count_from_the_later_of_change_and_announcement(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path
) -> None:
    held = fill(terminal, tmp_path)
    held.capital[BANK] += [capital(20251230, 20260106, 150_000_000.0), capital(20260108, 20260105, 160_000_000.0)]
    run(xtdata, tmp_path)
    rows = daily(tmp_path)
    shares = [rows[int(day), BANK]["float_shares"] // 1_000_000 for day in DAYS]
    assert shares == [100, 100, 100, 100, 150, 150, 160, 160]


def test_a_change_without_an_announcement_is_told_and_one_without_any_day_left_out(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path
) -> None:
    held = fill(terminal, tmp_path)
    held.capital[BANK] += [capital(20260105, None, 150_000_000.0), capital(None, None, 170_000_000.0)]
    assert run(xtdata, tmp_path).defects == {"LOOK_AHEAD": 1, "BAD_DAY": 1}
    assert daily(tmp_path)[20260105, BANK]["float_shares"] == 150_000_000


def test_share_capital_in_another_unit_is_refused(xtdata: ModuleType, terminal: Terminal, tmp_path: Path) -> None:
    held = fill(terminal, tmp_path)
    held.capital = {code: [capital(20200101, 20200102, 10_000.0)] for code in (BANK, PAYS, NEW)}
    with pytest.raises(SourceError, match="does not fit today's float shares"):
        run(xtdata, tmp_path)


# ---------------------------------------------------------------------- the way there


def test_a_second_run_downloads_nothing_again(xtdata: ModuleType, terminal: Terminal, tmp_path: Path) -> None:
    fill(terminal, tmp_path)
    run(xtdata, tmp_path)
    terminal.calls.clear()
    found = run(xtdata, tmp_path)
    assert (found.rows, found.already) == (0, 8)
    assert "get_market_data3" not in {name for name, _ in terminal.calls}


@pytest.mark.parametrize("cut", [0, 3, 5, 9, 14, 20])
def test_a_cut_anywhere_is_gone_on_with(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path, expected: Rows, cut: int
) -> None:
    held = fill(terminal, tmp_path)
    left = [cut]

    def pull(_name: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt

    held.fault = pull
    with pytest.raises(KeyboardInterrupt):
        run(xtdata, tmp_path)
    held.fault = None
    run(xtdata, tmp_path)
    assert daily(tmp_path) == expected


def test_a_download_is_told_and_asked_for_once_a_window(xtdata: ModuleType, terminal: Terminal, tmp_path: Path) -> None:
    fill(terminal, tmp_path)
    told: list[tuple[str, int, int]] = []
    Download(tmp_path / "history", source(xtdata, tmp_path), lambda *each: told.append(each)).run(
        Wanted(20260101, LAST)
    )
    assert [each for each in told if each[0] == "xt download"][-3:] == [("xt download", at, 3) for at in (1, 2, 3)]
    asked = [asked for name, asked in terminal.calls if name == "supply_history_data2" and asked[1] == "1d"]
    assert [(codes, first, last) for codes, _, first, last, _ in asked] == [((PAYS, NEW, BANK), "20251216", "20260109")]


def test_a_session_that_is_not_over_has_no_bar(xtdata: ModuleType, terminal: Terminal, tmp_path: Path) -> None:
    fill(terminal, tmp_path)
    noon = source(xtdata, tmp_path, ts_of(20260109, 12 * 3600))
    with pytest.raises(SourceError, match="no bars of 20260109"):
        Download(tmp_path / "history", noon, quiet).run(Wanted(FIRST, LAST))
    assert max(day for day, _ in daily(tmp_path)) == 20260108


def test_a_line_that_breaks_is_made_anew(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path, expected: Rows
) -> None:
    held = fill(terminal, tmp_path)

    def breaks(_held: Library, progress: Any) -> bool:
        held.download_script = None
        progress({"finished": 1, "total": 3, "stockcode": BANK, "message": ""})
        terminal.drop()
        return True  # the package returns in silence

    held.download_script = breaks
    assert run(xtdata, tmp_path).repeated == 1
    assert daily(tmp_path) == expected


@pytest.mark.parametrize("message", ["", "no right"])
def test_a_download_that_fails_is_told(xtdata: ModuleType, terminal: Terminal, tmp_path: Path, message: str) -> None:
    def fails(_held: Library, progress: Any) -> bool:
        progress({"finished": 0, "total": -1, "stockcode": "", "message": message})
        return False

    held = fill(terminal, tmp_path)
    held.fault = lambda name: held.__setattr__("download_script", fails) if name == "get_financial_data" else None
    with pytest.raises(SourceError, match=message or "without saying why"):
        run(xtdata, tmp_path)


def test_named_stocks_are_asked_by_the_stock(xtdata: ModuleType, terminal: Terminal, tmp_path: Path) -> None:
    fill(terminal, tmp_path)
    assert run(xtdata, tmp_path, Wanted(FIRST, LAST, (BANK,))).rows == 8
    asked = [asked for name, asked in terminal.calls if name == "get_market_data3"]
    assert {asked[0] for asked in asked} == {(BANK,)}
    with pytest.raises(SourceError, match="688999"):
        run(xtdata, tmp_path, Wanted(FIRST, LAST, ("688999.SH",)))


@pytest.mark.parametrize("at", ["get_divid_factors", "get_financial_data", "get_market_data3", "get_instrument_detail"])
def test_a_line_that_breaks_between_two_reads_is_never_replaced_in_silence(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path, expected: Rows, at: str
) -> None:
    held = fill(terminal, tmp_path)
    broken: list[str] = []

    def drop(name: str) -> None:
        if name == at and not broken:
            broken.append(name)
            terminal.drop()

    held.fault = drop
    if at == "get_instrument_detail":  # the fake of the details does not ask for faults
        held.fault = lambda name: drop(at) if name == "get_stock_list_in_sector" else None
    assert run(xtdata, tmp_path).repeated == 1
    assert broken == [at]
    assert daily(tmp_path) == expected
