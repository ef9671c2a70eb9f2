"""`data import` and `data check`: both languages, exit codes, one line for what cannot be used."""

import json
from datetime import date
from pathlib import Path

import pytest

from common.history.check import KINDS
from services.cli import data_report, faults
from services.cli.texts import TEXTS
from tests.unit.history.folder import daily_row, weekdays, write_folder
from tests.unit.history.shared import sessions, shared_row, write_shared
from tests.unit.services.cli.fakes import run

A = "000001.SZ"
DAYS = sessions(date(2026, 3, 2), 6)
FAR = weekdays(date(2026, 1, 5), 2_000)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    return write_shared(tmp_path / "shared", DAYS, [shared_row(day, A) for day in DAYS])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_import_says_what_was_read_and_where_it_is(tmp_path: Path, shared: Path, lang: str) -> None:
    result, _ = run(tmp_path / "home", ["data", "import", str(shared)], lang=lang)
    assert result.exit_code == faults.OK, result.output
    assert str(tmp_path / "home" / "history") in result.output
    assert ("6 行" if lang == "zh" else "6 rows") in result.output
    assert "daily 6/6" in result.output, "progress is shown"
    again, _ = run(tmp_path / "home", ["data", "import", str(shared)], lang=lang)
    assert ("未作改动" if lang == "zh" else "nothing was changed") in again.output


def test_import_as_json_into_another_folder(tmp_path: Path, shared: Path) -> None:
    args = ["data", "import", str(shared), "--into", str(tmp_path / "there"), "--json"]
    result, _ = run(tmp_path, args)
    answer = json.loads(result.stdout)
    assert (answer["history"], answer["rows"]["daily"], answer["changed"]["daily"]) == (str(tmp_path / "there"), 6, 6)


@pytest.mark.parametrize("args", [["nowhere"], ["{empty}"], ["{shared}", "--map", "nowhere.toml"]])
def test_what_cannot_be_imported_is_one_line(tmp_path: Path, shared: Path, args: list[str]) -> None:
    (tmp_path / "empty").mkdir()
    words = [word.format(empty=tmp_path / "empty", shared=shared) for word in args]
    result, _ = run(tmp_path, ["data", "import", *words])
    assert result.exit_code == faults.BAD_INPUT
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "history").exists()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_check_names_the_faults_and_says_so_by_its_exit_code(tmp_path: Path, lang: str) -> None:
    rows = [daily_row(day, A, volume=100 + at, turnover=1_000_000 + 10_000 * at) for at, day in enumerate(FAR[:30])]
    folder = write_folder(tmp_path / "history", FAR, rows)
    result, _ = run(tmp_path, ["data", "check"], lang=lang)
    assert result.exit_code == faults.OK, result.output
    assert ("没有问题" if lang == "zh" else "nothing wrong") in result.output
    for row in rows[::2][:12]:
        row["high"] = 9_000
    write_folder(folder, FAR, rows)
    result, _ = run(tmp_path, ["data", "check"], lang=lang)
    assert result.exit_code == faults.OK, "a check that was done is no failure, whatever it found"
    assert run(tmp_path, ["data", "check", "--strict"], lang=lang)[0].exit_code == faults.REFUSED
    assert f"{A}  2026-01-05  daily/2026.parquet  open=10.0 high=9.0 low=9.9 close=10.0" in result.output
    assert ("12 处" if lang == "zh" else "12 faults") in result.output


def test_check_as_json(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "else", FAR, [daily_row(FAR[0], A, turnover=0)])
    result, _ = run(tmp_path, ["data", "check", "--history", str(folder), "--json", "--strict"])
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["faults"], answer["warnings"], answer["rows"]) == (1, 1, 0, {"no_turnover": 1})
    assert answer["findings"][0]["symbol"] == A


def test_a_long_list_is_cut_unless_all_is_asked_for(tmp_path: Path) -> None:
    rows = [daily_row(day, A, turnover=0) if at % 2 else daily_row(day, A, volume=100 + at, turnover=1_000_000 + 10_000 * at)
            for at, day in enumerate(FAR[:100])]  # fmt: skip
    write_folder(tmp_path / "history", FAR, rows)
    short, _ = run(tmp_path, ["data", "check"])
    assert f"{50 - data_report.SHOWN} more" in short.output
    whole, _ = run(tmp_path, ["data", "check", "--all"])
    assert whole.output.count("turnover=0") == 50


def test_a_history_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    result, _ = run(tmp_path, ["data", "check"])
    assert result.exit_code == faults.BAD_INPUT
    assert "pankou data import" in result.stderr


def test_every_kind_of_fault_has_words() -> None:
    assert {f"check.{kind}" for kind in KINDS} == {key for key in TEXTS if key.startswith("check.")}
