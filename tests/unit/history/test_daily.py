"""Point in time: nothing later than the asking day comes out, whatever stands in the files."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from common.domain.errors import HistoryError, PastCalendarError
from common.history import schema
from common.history.daily import History
from common.history.store import write_manifest, write_table
from tests.unit.history.folder import daily_row, frame, weekdays, write_folder

DAYS = weekdays(date(2025, 12, 1), 40)
ASKING = DAYS[30]
A, B = "000001.SZ", "600000.SH"


def spell(symbol: str, first: int, last: int, known: int, end_known: int, state: int = 1) -> dict[str, Any]:
    return {
        "symbol": symbol, "first_day": first, "last_day": last, "state": state,
        "known_at": known, "end_known_at": end_known,
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    daily = [daily_row(day, symbol, 10_000 + 10 * at) for at, day in enumerate(DAYS) for symbol in (A, B)]
    st = [
        spell(A, 20250401, 20250530, 202503311800, 202505301800),  # over for long
        spell(A, 20250601, 20250715, 202505311800, 202507141800),  # ends just within six months
        spell(B, ASKING, 0, ASKING * 10_000 + 914, 0),  # announced that very morning
        spell(B, 20250102, 20250801, 202501011800, DAYS[35] * 10_000),  # its end is not known yet
        spell(A, DAYS[31], 0, DAYS[31] * 10_000, 0),  # the future
    ]
    ex = [
        {"day": DAYS[35], "symbol": A, "prev_close": 10_300, "reference": 10_000, "cash_e6": 300_000, "bonus_e6": 0,
         "known_at": known}
        for known in (DAYS[29] * 10_000 + 1800,)
    ] + [
        {"day": DAYS[36], "symbol": B, "prev_close": 10_300, "reference": 10_000, "cash_e6": 300_000, "bonus_e6": 0,
         "known_at": ASKING * 10_000 + 916}
    ]  # fmt: skip
    return write_folder(tmp_path, DAYS, daily, listed={B: DAYS[10]}, delisted={A: DAYS[38]}, st=st, ex=ex)


def test_traded_rows_end_the_session_before(folder: Path) -> None:
    rows = History(folder).traded(ASKING, DAYS[0])
    assert (int(rows.day.min()), int(rows.day.max())) == (DAYS[0], DAYS[29])
    assert len(rows.day) == 60


def test_the_asking_day_shows_no_price_of_its_own(folder: Path) -> None:
    facts = History(folder).pre_open(ASKING)
    assert set(facts.day.tolist()) == {ASKING}
    assert set(facts.columns) == set(schema.PRE_OPEN_COLUMNS)


def test_rows_before_a_break_do_not_go_on(folder: Path) -> None:
    rows = [{"symbol": B, "day": DAYS[20]}, {"symbol": B, "day": ASKING}, {"symbol": A, "day": DAYS[35]}]
    write_table(folder, schema.BREAKS_FILE, frame(schema.BREAKS_FILE, rows))
    history = History(folder)
    rows_of = {symbol: history.traded(ASKING, DAYS[0]).symbol == history.index[symbol] for symbol in (A, B)}
    days = history.traded(ASKING, DAYS[0]).day
    assert (int(days[rows_of[A]].min()), int(days[rows_of[B]].min())) == (DAYS[0], DAYS[20])
    later = history.traded(DAYS[31], DAYS[0])
    assert later.day[later.symbol == history.index[B]].tolist() == [ASKING], (
        "the break of the day itself counts the next"
    )


def test_float_shares_before_the_open_are_those_of_the_session_before(folder: Path) -> None:
    rows = [daily_row(DAYS[at], A, float_shares=1_000 + at) for at in (29, 30)]
    write_table(folder, "daily/2026.parquet", frame(schema.DAILY_FOLDER, rows))
    facts = History(folder).pre_open(ASKING)
    assert facts.columns["float_shares"].tolist() == [1_029]


def test_share_capital_counts_when_it_is_known(folder: Path) -> None:
    rows = [
        {
            "symbol": A,
            "first_day": DAYS[at],
            "total_shares": at,
            "float_shares": at,
            "known_at": DAYS[at] * 10_000 + 1800,
        }
        for at in (28, 29, 30)
    ]
    assert History(folder).share_capital(ASKING).is_empty()
    write_table(folder, schema.SHARES_FILE, frame(schema.SHARES_FILE, rows))
    assert History(folder).share_capital(ASKING)["total_shares"].to_list() == [29]


def test_a_spell_counts_from_its_announcement_to_the_end_that_is_known(folder: Path) -> None:
    # 2026-01-12 minus six months is 2025-07-12: what ended on 07-15 counts, what ended on 05-30 does not
    assert ASKING == 20260112
    found = History(folder).st_intervals(ASKING, 6).select("symbol", "first_day", "last_day").rows()
    assert found == [(A, 20250601, 20250715), (B, 20250102, 0), (B, ASKING, 0)]
    later = History(folder).st_intervals(DAYS[36], 6).select("symbol", "first_day", "last_day").rows()
    assert (B, 20250102, 20250801) in later


def test_the_first_day_of_the_window_is_left_out(folder: Path) -> None:
    # 2026-01-15 minus six months is 2025-07-15, and only days after it count
    asked = History(folder).st_intervals(20260115, 6).select("symbol", "first_day").rows()
    assert (A, 20250601) not in asked


def test_events_announced_after_a_quarter_past_nine_are_unknown(folder: Path) -> None:
    assert History(folder).ex_events(ASKING)["symbol"].to_list() == [A]
    assert History(folder).ex_events(DAYS[31])["symbol"].to_list() == [A, B]


def test_instruments_hide_what_comes_later(folder: Path) -> None:
    assert History(folder).instruments(DAYS[9])["symbol"].to_list() == [A]
    assert History(folder).instruments(ASKING)["delisted_day"].to_list() == [0, 0]
    names = [
        {"symbol": A, "first_day": day, "name": name, "known_at": day * 10_000}
        for day, name in ((DAYS[0], "early"), (DAYS[33], "late"))
    ]
    write_table(folder, schema.NAMES_FILE, frame(schema.NAMES_FILE, names))
    assert History(folder).instruments(ASKING)["name"].to_list() == ["early", f"name {B}"]
    assert History(folder).instruments(DAYS[38])["symbol"].to_list() == [B]


def test_names_by_day(folder: Path) -> None:
    history = History(folder)
    assert history.names(ASKING) == [f"name {A}", f"name {B}"]
    rows = [
        {"symbol": A, "first_day": DAYS[5], "name": "first", "known_at": DAYS[4] * 10_000},
        {"symbol": A, "first_day": DAYS[20], "name": "second", "known_at": DAYS[20] * 10_000 + 1000},
    ]
    write_table(folder, schema.NAMES_FILE, frame(schema.NAMES_FILE, rows))
    write_manifest(folder)
    history = History(folder)
    assert [history.names(day)[0] for day in (DAYS[4], DAYS[20], DAYS[21])] == [f"name {A}", "first", "second"]


@pytest.mark.parametrize(
    ("day", "error", "words"),
    [
        (20260110, HistoryError, "no trading day"),
        (20990105, PastCalendarError, "outside the trading calendar"),
        (20200102, PastCalendarError, "outside the trading calendar"),
    ],
)
def test_days_without_trading_are_refused(folder: Path, day: int, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        History(folder).traded(day, DAYS[0])


def test_a_day_without_rows_is_refused(folder: Path) -> None:
    calendar = [{"day": day} for day in (*DAYS, 20260130)]
    write_table(folder, schema.CALENDAR_FILE, frame(schema.CALENDAR_FILE, calendar))
    with pytest.raises(HistoryError, match="pre-open facts of 20260130"):
        History(folder).pre_open(20260130)


def test_a_code_without_an_instrument_is_refused(folder: Path) -> None:
    rows = [daily_row(DAYS[0], "600001.SH")]
    write_table(folder, "daily/2025.parquet", frame(schema.DAILY_FOLDER, rows))
    with pytest.raises(HistoryError, match=r"instruments\.parquet does not"):
        History(folder).traded(ASKING, DAYS[0])


def test_an_empty_history_says_so(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="pankou data import"):
        History(tmp_path)
    write_folder(tmp_path, DAYS, [])
    with pytest.raises(HistoryError, match="no daily bars"):
        History(tmp_path).first_day()
