"""What history tells the live feed before the open, read by a process of its own."""

from datetime import date
from pathlib import Path

import pytest

from common.domain.errors import HistoryError
from common.runtime.config import Config, History, dump_toml
from services.market_data.adapters.day_reader import read_day_facts
from services.market_data.day_facts import facts_of
from services.market_data.day_facts_form import Ex
from tests.unit.history.folder import daily_row, weekdays, write_folder

DAYS = weekdays(date(2025, 12, 1), 12)
TODAY = DAYS[10]
A, B, C, GONE = "000001.SZ", "600000.SH", "600001.SH", "600002.SH"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    daily = [daily_row(day, symbol, 10_000 + 10 * at) for at, day in enumerate(DAYS[:10]) for symbol in (A, B)]
    daily += [daily_row(DAYS[0], GONE)]
    daily += [daily_row(DAYS[at], C, 7_000, suspended=at != 3) for at in range(10)]
    st = [
        {"symbol": B, "first_day": DAYS[state], "last_day": 0, "state": state, "known_at": DAYS[0] * 10_000, "end_known_at": 0}
        for state in (1, 2)
    ] + [
        {"symbol": A, "first_day": DAYS[1], "last_day": DAYS[5], "state": 1, "known_at": DAYS[0] * 10_000,
         "end_known_at": DAYS[4] * 10_000}
    ]  # fmt: skip
    ex = [
        {"day": day, "symbol": A, "prev_close": 10_090, "reference": 9_590, "cash_e6": 500_000, "bonus_e6": 0,
         "known_at": DAYS[0] * 10_000} for day in (DAYS[4], TODAY)
    ]  # fmt: skip
    write_folder(tmp_path / "h", DAYS, daily, delisted={GONE: DAYS[8]}, listed={GONE: DAYS[0]}, st=st, ex=ex)
    return tmp_path / "h"


def test_closes_ex_days_and_spells_of_the_day(folder: Path) -> None:
    facts = facts_of(folder, TODAY)
    assert (facts.day, facts.prev_day, facts.fault) == (TODAY, DAYS[9], "")
    assert facts.closes == {A: 10_090, B: 10_090, C: 7_000, GONE: 10_000}, "of a suspended stock the last one it had"
    assert facts.ex == {A: Ex(10_090, 9_590, 500_000, 0)}
    assert (facts.st, facts.delisting, facts.delisted) == ([B], [B], [GONE])


def test_a_history_that_ends_too_early_is_a_fault_with_its_fix(folder: Path) -> None:
    assert "no daily bars of" in facts_of(folder, DAYS[11]).fault
    with pytest.raises(HistoryError):
        facts_of(folder / "none", TODAY)


@pytest.mark.process
def test_the_other_process_answers_or_says_what_is_wrong(folder: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(dump_toml(Config(history=History(str(folder)))), "utf-8")
    assert read_day_facts(config, TODAY) == facts_of(folder, TODAY)
    config.write_text(dump_toml(Config(history=History(str(tmp_path / "none")))), "utf-8")
    assert "none" in read_day_facts(config, TODAY).fault
    assert read_day_facts(tmp_path / "missing.toml", TODAY).fault
