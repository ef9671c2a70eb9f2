"""Screens without a running system: which history is read, ranges, rows, and what is refused."""

import json
from datetime import date
from pathlib import Path

import pytest

from services.cli import direct
from services.cli.home import Home
from services.cli.session import Session
from tests.unit.history.folder import daily_row, weekdays, write_folder
from tests.unit.services.cli.fakes import made_run, run

DAYS = weekdays(date(2025, 7, 1), 90)
ASKING = DAYS[80]
QUIET, FALLEN, DOUBTED = "600000.SH", "600001.SH", "600002.SH"


def text(day: int) -> str:
    return f"{day // 10_000}-{day // 100 % 100:02d}-{day % 100:02d}"


def make_history(folder: Path, stocks: tuple[str, ...] = (QUIET, FALLEN, DOUBTED)) -> Path:
    hammer = daily_row(DAYS[79], FALLEN, 9_700, open=9_720, high=9_730, low=9_500)
    daily = [
        hammer if (day, symbol) == (DAYS[79], FALLEN) else daily_row(day, symbol) for day in DAYS for symbol in stocks
    ]
    spell = {"symbol": DOUBTED, "first_day": DAYS[0], "last_day": 0, "state": 3, "known_at": 0, "end_known_at": 0}
    return write_folder(folder, DAYS, daily, st=[spell] if DOUBTED in stocks else [])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    make_history(Home(tmp_path).history)
    return tmp_path


def rows(home: Path, args: str) -> list[dict[str, object]]:
    result, link = run(home, f"{args} --json")
    assert result.exit_code == 0, result.output
    assert link.asked == []
    found: list[dict[str, object]] = json.loads(result.stdout)
    return found


def test_a_day_as_rows_of_numbers(home: Path) -> None:
    found = rows(home, f"screen --rule limit_up --date {ASKING}")
    assert [row["symbol"] for row in found] == [QUIET, FALLEN]
    assert found[0] == {
        "day": ASKING, "symbol": QUIET, "name": f"name {QUIET}", "float_value": 5_000_000_000_000, "board": 1,
        "close": 10_000, "float_shares": 500_000_000, "recent_st": 0, "suspended": 0, "amplitude_bp": 202,
        "high": 10_100, "low": 9_900, "traded": 60, "listed": found[0]["listed"], "up_limit": 11_000,
    }  # fmt: skip


def test_unknown_st_can_be_let_in_and_is_counted_either_way(home: Path) -> None:
    denied, _ = run(home, f"screen --rule limit_up --date {ASKING}")
    assert "1 more left out only because their ST state is unknown" in denied.stdout
    allowed, _ = run(home, f"screen --rule limit_up --date {ASKING} --st-unknown allow", lang="zh")
    assert "其中 1 只状态未知" in allowed.stdout
    assert DOUBTED in allowed.stdout
    own = home / "screens" / "limit_up.toml"
    own.parent.mkdir()
    own.write_text('[[condition]]\nuse = "no_recent_st"\nst_unknown = "allow"\n', encoding="utf-8")
    assert len(rows(home, f"screen --rule limit_up --date {ASKING}")) == 3
    assert len(rows(home, f"screen --rule limit_up --date {ASKING} --st-unknown deny")) == 2


def test_a_range_gives_every_day(home: Path) -> None:
    found = rows(home, f"screen --rule bottom_fractal --from {DAYS[78]} --to {DAYS[82]}")
    assert [(row["day"], row["symbol"]) for row in found] == [(ASKING, FALLEN)]
    assert (found[0]["k1_high"], found[0]["k2_low"]) == (10_100, 9_500)
    shown, _ = run(home, f"screen --rule limit_up --from {DAYS[78]} --to {DAYS[82]}", lang="zh")
    assert "limit_up：5 个交易日，共 10 个股票日" in shown.stdout
    assert "另有 5 只" in shown.stdout


def test_days_that_cannot_be_screened_are_said(home: Path) -> None:
    result, _ = run(home, f"screen --rule limit_up --from {DAYS[50]} --to {DAYS[62]} --json")
    assert result.exit_code == 0
    assert {row["day"] for row in json.loads(result.stdout)} == {DAYS[60], DAYS[61], DAYS[62]}
    assert "10 of 13 sessions were not screened" in result.stderr
    assert "history begins later" in result.stderr
    nothing, _ = run(home, f"screen --rule limit_up --from {DAYS[5]} --to {DAYS[8]}")
    assert nothing.exit_code == 1


def test_a_screen_of_ones_own_is_found_by_its_name(home: Path) -> None:
    own = home / "screens" / "low.toml"
    own.parent.mkdir()
    own.write_text('[[condition]]\nuse = "price"\nprice_max = 9.99\n', encoding="utf-8")
    assert [row["symbol"] for row in rows(home, f"screen --rule low --date {ASKING}")] == [FALLEN]
    explained, _ = run(home, f"explain {QUIET} --date {ASKING}")
    assert explained.exit_code == 0
    assert "Screen low" in explained.stdout
    assert "No system is running" in explained.stderr
    own.write_text('[[condition]]\nuse = "prise"\n', encoding="utf-8")
    for command in (f"screen --rule limit_up --date {ASKING}", "config check"):
        refused, _ = run(home, command)
        assert refused.exit_code == 2
        assert "low.toml: condition 1: use = 'prise': unknown condition; known: board," in refused.stderr


def test_pools_of_the_rules_that_would_run(home: Path) -> None:
    pools = rows(home, f"pool {text(ASKING)}")
    assert [pool["rule"] for pool in pools] == ["limit_up", "bottom_fractal"]
    shown, _ = run(home, f"pool {text(ASKING)} --rule bottom_fractal")
    assert FALLEN in shown.stdout


def test_explain_shows_every_condition_with_its_limits(home: Path) -> None:
    shown, _ = run(home, f"explain 600001 --date {ASKING}")
    lines = [line for line in shown.stdout.splitlines() if "amplitude" in line]
    assert any("pass" in line and "15.00%" in line and "sessions=60" in line for line in lines)
    doubted, _ = run(home, f"explain {DOUBTED} --date {ASKING} --json")
    checks = json.loads(doubted.stdout)["screener"]["checks"]["limit_up"]
    assert [check["name"] for check in checks if not check["passed"]] == ["no_recent_st"]
    assert {check["name"]: check["numbers"] for check in checks}["no_recent_st"] == {
        "recent_st": 2, "st_months": 6, "st_unknown": 0,
    }  # fmt: skip


def test_a_day_whose_data_is_not_complete_has_no_pool(tmp_path: Path) -> None:
    stocks = tuple(f"{600_000 + at}.SH" for at in range(40))
    daily = [daily_row(day, symbol) for day in DAYS[:80] for symbol in stocks]
    daily += [daily_row(ASKING, symbol) for symbol in stocks[:10]]
    folder = write_folder(tmp_path / "half", DAYS, daily)
    result, _ = run(tmp_path, f"screen --rule limit_up --date {ASKING} --history {folder} --json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "30 of 40 main stocks are missing, e.g. 600010.SH; import the day again" in result.stderr
    pool, _ = run(tmp_path, f"pool {text(ASKING)} --history {folder}")
    assert "30 of 40" in pool.stdout
    explained, _ = run(tmp_path, f"explain 600000 --date {ASKING} --history {folder}")
    assert "no pool was published" in explained.stdout


def test_which_history_is_read(tmp_path: Path) -> None:
    folder = made_run(tmp_path)
    other = make_history(tmp_path / "other", (QUIET,))
    (folder / "config.toml").write_text(f'[history]\ndir = "{other}"\n', encoding="utf-8")
    asked = f"screen --rule limit_up --date {ASKING}"
    assert len(rows(tmp_path, asked)) == 1  # the last run's, where the user imported none
    make_history(Home(tmp_path).history)
    assert len(rows(tmp_path, asked)) == 2
    assert len(rows(tmp_path, f"{asked} --history {other}")) == 1


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (f"screen --rule nope --date {ASKING}", ["nope", "limit_up", "screens/nope.toml"]),
        ("screen --rule limit_up", ["--date", "--from"]),
        (f"screen --rule limit_up --date {ASKING} --from {ASKING}", ["--date", "--from"]),
        (f"screen --rule limit_up --from {ASKING}", ["--from and --to"]),
        ("screen --rule limit_up --from 2024-01-02 --to 2024-03-01", ["2024-03-01", text(DAYS[0])]),
        (f"screen --rule limit_up --date {ASKING} --st-unknown perhaps", ["perhaps", "deny", "allow"]),
        (f"screen --rule limit_up --date {ASKING} --history /nowhere", ["/nowhere"]),
        ("pool 2027-01-04", ["2027-01-04"]),
        ("pool 2025-07-05", ["2025-07-05", "2025-07-04", "2025-07-07"]),
        (f"explain 600999 --date {ASKING}", ["600999.SH", "not listed then"]),
    ],
)
def test_bad_input_names_the_thing_and_the_fix(home: Path, args: str, words: list[str]) -> None:
    result, _ = run(home, args)
    assert result.exit_code == 2
    assert all(word in result.stderr for word in words), result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_running_systems_history_goes_before_the_imported_one(home: Path) -> None:
    other = make_history(home / "other", (QUIET,))
    (made_run(home) / "config.toml").write_text(f'[history]\ndir = "{other}"\n', encoding="utf-8")
    for up, folder in ((True, other), (False, Home(home).history)):
        assert direct.open_direct(Session("en", Home(home), is_up=lambda _, up=up: up), None, None).folder == folder


def test_without_any_history_the_fix_is_named(tmp_path: Path) -> None:
    result, _ = run(tmp_path, f"screen --rule limit_up --date {ASKING}")
    assert result.exit_code == 2
    assert "pankou data import" in result.stderr
