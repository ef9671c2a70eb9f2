"""Screens on a folder of history: pools, explanations, injected symbols, and everything that cannot be served."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from common.messages.outputs import Message
from common.messages.signals import Pool, PoolRequest
from common.runtime.config import Config
from common.runtime.screens import load_screens, shipped_screens
from services.screener.adapters.history import HistoryScreens
from services.screener.calls import DayScreened, ExplainStock, ScreenDay, ScreenFailed, StockExplained
from tests.unit.history.folder import daily_row, weekdays, write_folder

DAYS = weekdays(date(2025, 7, 1), 90)
ASKING = DAYS[80]
RULES = ("limit_up", "bottom_fractal")
QUIET, FALLEN, STAR, POOR = "600000.SH", "600001.SH", "688001.SH", "600002.SH"


def make_folder(folder: Path) -> Path:
    daily = [daily_row(day, symbol) for day in DAYS for symbol in (QUIET, STAR)]
    daily += [daily_row(day, POOR, 1_000) for day in DAYS]
    # the day before the asking one: a lower bar on a long shadow
    hammer = daily_row(DAYS[79], FALLEN, 9_700, open=9_720, high=9_730, low=9_500)
    daily += [hammer if day == DAYS[79] else daily_row(day, FALLEN) for day in DAYS]
    return write_folder(folder, DAYS, daily)


@pytest.fixture
def screens(tmp_path: Path) -> HistoryScreens:
    return HistoryScreens(make_folder(tmp_path), shipped_screens())


def one(screens: HistoryScreens, call: Message) -> Message:
    (result,) = screens.perform(call)
    return result


def pool(screens: HistoryScreens, rule: str, day: int = ASKING, symbols: tuple[str, ...] = ()) -> Pool:
    result = one(screens, ScreenDay(rule, day, symbols))
    assert isinstance(result, DayScreened)
    return result.pool


def test_pools_carry_what_the_rule_reads_and_the_numbers(screens: HistoryScreens) -> None:
    touch = pool(screens, "limit_up")
    assert [row.symbol for row in touch.rows] == [QUIET, FALLEN]
    assert touch.universe == 4
    assert touch.ready
    row = touch.rows[0]
    assert row.context == {"float_value": 10_000 * 500_000_000}
    assert row.conditions["amplitude_bp"] == 202  # 10.10 / 9.90
    assert (row.conditions["traded"], row.conditions["high"], row.conditions["low"]) == (60, 10_100, 9_900)
    (fractal,) = pool(screens, "bottom_fractal").rows
    assert fractal.symbol == FALLEN
    # equal quiet bars include each other: the first pair that does not is the last quiet bar and the hammer
    assert fractal.context == {
        "float_value": 9_700 * 500_000_000,
        "k1_high": 10_100, "k1_low": 9_900, "k2_high": 9_730, "k2_low": 9_500,
    }  # fmt: skip


def test_explain_gives_every_condition_of_both_screens(screens: HistoryScreens) -> None:
    result = one(screens, ExplainStock(STAR, ASKING))
    assert isinstance(result, StockExplained)
    checks = result.explanation.checks
    assert set(checks) == set(RULES)
    assert [check.name for check in checks["limit_up"] if not check.passed] == ["board"]
    assert len(checks["limit_up"]) == 8
    assert len(checks["bottom_fractal"]) == 6


def test_injected_symbols_are_kept_whether_they_pass_or_not(screens: HistoryScreens) -> None:
    given = pool(screens, "limit_up", symbols=(POOR, "600999.SH"))
    assert [(row.symbol, row.context["float_value"]) for row in given.rows] == [
        (POOR, 1_000 * 500_000_000),
        ("600999.SH", 0),
    ]
    assert given.ready


def test_injected_symbols_need_no_history(tmp_path: Path) -> None:
    screens = HistoryScreens(tmp_path / "nothing", shipped_screens())
    given = pool(screens, "limit_up", 20211201, ("600103.SH",))
    assert [row.symbol for row in given.rows] == ["600103.SH"]
    assert given.ready
    assert "no history" in given.note


@pytest.mark.parametrize(
    ("call", "words", "unknown"),
    [
        (ScreenDay("limit_up", 20990105, ()), "outside the trading calendar", False),
        (ScreenDay("limit_up", DAYS[30], ()), "history begins later", False),
        (ScreenDay("limit_up", ASKING + 4, ()), "no trading day", False),
        (ScreenDay("limit_up", ASKING, ("000001.SH",)), "an index", True),
        (ExplainStock("000001.SH", ASKING), "an index", True),
        (ExplainStock("600999.SH", ASKING), "not listed then", True),
        (ExplainStock(QUIET, 20990105), "outside the trading calendar", False),
    ],
)
def test_what_cannot_be_served_is_a_sentence(
    screens: HistoryScreens, call: ScreenDay | ExplainStock, words: str, unknown: bool
) -> None:
    result = one(screens, call)
    assert isinstance(result, ScreenFailed)
    assert words in result.text
    assert result.unknown_symbol == unknown


def test_a_history_that_appears_or_changes_is_opened_again(tmp_path: Path) -> None:
    folder = tmp_path / "history"
    screens = HistoryScreens(folder, shipped_screens())
    missing = one(screens, ScreenDay("limit_up", ASKING, ()))
    assert isinstance(missing, ScreenFailed)
    assert "pankou data import" in missing.text
    make_folder(folder)
    assert len(pool(screens, "limit_up").rows) == 2
    shutil.rmtree(folder)
    write_folder(folder, DAYS, [daily_row(day, QUIET) for day in DAYS])
    assert len(pool(screens, "limit_up").rows) == 1


def test_allowing_unknown_st_is_printed(tmp_path: Path) -> None:
    spell = {"symbol": QUIET, "first_day": DAYS[0], "last_day": 0, "state": 3, "known_at": 0, "end_known_at": 0}
    write_folder(tmp_path, DAYS, [daily_row(day, QUIET) for day in DAYS], st=[spell])
    denied = pool(HistoryScreens(tmp_path, shipped_screens()), "limit_up")
    assert (len(denied.rows), denied.unknown_st, denied.unknown_st_allowed) == (0, 1, False)
    research = load_screens(Config(screens={"limit_up": {"st_unknown": "allow"}}))
    allowed = pool(HistoryScreens(tmp_path, research), "limit_up")
    assert (len(allowed.rows), allowed.unknown_st) == (1, 0)
    assert (allowed.unknown_st_allowed, allowed.unknown_st_in) == (True, 1)


def test_other_calls_are_not_its_own(screens: HistoryScreens) -> None:
    assert screens.perform(PoolRequest("limit_up", ASKING)) == []
