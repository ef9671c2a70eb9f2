"""`data sources|download|probe`: both languages, JSON, one line about what is missing, exit codes."""

import json
from pathlib import Path

import pytest

from common.history.sources import registry
from common.history.sources.baostock import Baostock
from common.history.sources.coverage import COVERAGE
from common.history.sources.pace import Clock
from common.history.sources.source import Pacer, Source
from services.cli import faults, sources
from services.cli.commands import data_sources
from tests.unit.history.sources.vendor import Vendor, market
from tests.unit.services.cli.fakes import run

RANGE = "data download --from 2025-12-29 --to 2026-01-09"


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Vendor:
    made = Vendor()

    def open_vendor(pacer: Pacer, _place: registry.Place, _clock: Clock) -> Source:
        # The rate of the real vendor would make the test wait.
        pacer.call = lambda read: read()  # type: ignore[method-assign]  # a test's shortcut
        return Baostock(pacer, made)

    monkeypatch.setitem(registry.OPENERS, "baostock", open_vendor)
    return made


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_table_names_every_source_in_both_languages(tmp_path: Path, lang: str) -> None:
    result, _ = run(tmp_path, "data sources", lang=lang)
    assert result.exit_code == faults.OK
    assert all(name in result.output for name in COVERAGE)
    assert ("流通股" if lang == "zh" else "float shares") in result.output


def test_the_table_as_json(tmp_path: Path) -> None:
    result, _ = run(tmp_path, "data sources --json")
    rows = {row["name"]: row for row in json.loads(result.output)}
    assert set(rows) == set(COVERAGE)
    assert rows["baostock"]["minutes"] == [5]
    assert not rows["baostock"]["pre_open"]
    assert rows["tushare"]["account"]
    assert {"zh", "en"} == set(rows["tushare"]["licence"])


def test_a_download_says_what_it_did(tmp_path: Path, vendor: Vendor) -> None:
    vendor.rows[0][2:6] = ["9", "8", "7", "6"]
    result, _ = run(tmp_path, RANGE)
    assert result.exit_code == faults.OK, result.output
    assert "8 sessions, 18 rows new or different, 1 ex-days" in result.output
    assert "1 rows left out: open, high, low, close contradict each other" in result.output
    again, _ = run(tmp_path, RANGE)
    assert "0 sessions, 0 rows" in again.output
    assert "8 reads were done before" in again.output


def test_a_download_as_json(tmp_path: Path, vendor: Vendor) -> None:
    result, _ = run(tmp_path, [*RANGE.split(), "--into", str(tmp_path / "there"), "--json"])
    found = json.loads(result.output)
    assert (found["source"], found["rows"], found["events"]) == ("baostock", 19, 1)
    assert (tmp_path / "there" / "manifest.json").is_file()


def test_named_codes_and_minutes(tmp_path: Path, vendor: Vendor) -> None:
    result, _ = run(tmp_path, f"{RANGE} --codes 600000,600000.SH --minutes 5 --json")
    assert json.loads(result.output)["minute_rows"] == 2
    assert [call for call in vendor.calls if call.startswith("minutes")] == [
        "minutes sh.600000 2025-12-29",
        "minutes sh.600000 2026-01-01",
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("data download --from 2026-01-09 --to 2026-01-05", "is after"),
        ("data download --from 2026-01-09", "--to"),
        ("data download --from x --to 2026-01-05", "is no date"),
        (f"{RANGE} --codes 6000", "no A-share code"),
        (f"{RANGE} --source wind", "no source 'wind'"),
        (f"{RANGE} --source tushare", "needs a token"),
        (f"{RANGE} --source files", "--folder"),
        (f"{RANGE} --minutes 5", "--codes"),
        ("data download --from 2026-01-10 --to 2026-01-11", "no trading day"),
        ("data probe wind", "no source 'wind'"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, vendor: Vendor, words: str, told: str) -> None:
    result, _ = run(tmp_path, words)
    assert result.exit_code == faults.BAD_INPUT
    assert told in result.output
    assert len(result.output.strip().splitlines()) <= 2  # what is downloading, and the fault


def test_a_missing_package_names_the_way_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "baostock", None)
    result, _ = run(tmp_path, RANGE)
    assert result.exit_code == faults.BAD_INPUT
    assert "pip install baostock" in result.output


def test_a_probe_records_and_tells_differences(tmp_path: Path, vendor: Vendor) -> None:
    vendor.rows = [[*row[:-1], "*"] for row in market()]
    result, _ = run(tmp_path, "data probe baostock")
    assert result.exit_code == faults.REFUSED
    assert "differences from what is assumed" in result.output
    path = tmp_path / "probe" / "baostock.jsonl"
    assert str(path) in result.output
    assert len(path.read_text("utf-8").splitlines()) >= 6
    as_json, _ = run(tmp_path, "data probe baostock --json")
    assert {row["what"] for row in json.loads(as_json.output)["differences"]} >= {"fact", "defect"}


def test_the_commands_are_light() -> None:
    assert data_sources.sources.name == "sources"
    assert "polars" not in vars(sources)
