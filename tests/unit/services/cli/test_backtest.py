"""`pankou backtest report`: tables, JSON, the HTML file, and bad input in one line."""

import json
from pathlib import Path

import pytest

from common.backtests.metrics import METRICS
from common.backtests.statistics import statistics_of
from common.backtests.store import write_result
from services.cli import backtests, faults
from services.cli.show import width
from tests.backtest_books import Books, full_result, random_books
from tests.unit.services.cli.fakes import run

RESULT, CANDLES = full_result(4, 60, 40)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_result(tmp_path / "one", RESULT, [random_books(4, 60, 30).result("optimistic")], CANDLES)
    return tmp_path / "one"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_it_writes_the_report_and_prints_every_metric(folder: Path, lang: str) -> None:
    result, link = run(folder, ["backtest", "report", str(folder)], lang=lang)
    assert (result.exit_code, result.stderr, link.asked) == (0, "", [])
    for metric in METRICS.values():
        assert (metric.zh if lang == "zh" else metric.en) in result.stdout
    assert str(folder / "report.html") in result.stdout
    assert "st_unknown=allow" in result.stdout
    assert "\x1b[" not in result.stdout
    assert (folder / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert not list(folder.glob("*.part"))


def test_json_has_statistics_and_fills(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "other.html"
    result, _ = run(folder, ["backtest", "report", str(folder), "--json", "--out", str(out)])
    data = json.loads(result.stdout)
    assert data["report"] == str(out)
    assert out.is_file()
    assert not (folder / "report.html").exists()
    assert list(data["statistics"]) == list(METRICS)
    assert data["statistics"]["pnl"] == RESULT.equity[-1].equity - RESULT.inputs.start_cash
    first = RESULT.fills[0]
    assert data["fills"][0] == {
        "day": first.day, "time": "09:35:00", "symbol": first.symbol, "side": "BUY", "shares": first.shares,
        "price": first.price, "fees": first.fees, "reason": "LIMIT_UP_TOUCH", "rule": "limit_up",
    }  # fmt: skip
    assert len(data["fills"]) == len(RESULT.fills)
    assert data["unfilled"][0].keys() == {"outcome", "reason", "times"}
    assert [run["grain"] for run in data["coverage"]] == ["daily", "minute5", "minute1"]


def test_undefined_is_null_in_json_and_a_word_in_tables(tmp_path: Path) -> None:
    write_result(tmp_path / "empty", Books().result())
    result, _ = run(tmp_path, ["backtest", "report", str(tmp_path / "empty"), "--json"])
    found = json.loads(result.stdout)
    assert found["statistics"]["sharpe"] is None
    assert (found["fills"], found["by_exit"]) == ([], [])
    result, _ = run(tmp_path, ["backtest", "report", str(tmp_path / "empty")])
    assert "undefined" in result.stdout
    assert "By month" not in result.stdout


def test_colours_on_a_terminal_only() -> None:
    statistics = statistics_of(RESULT)
    coloured = backtests.statistics_text("en", RESULT, statistics, colour=True)
    assert "\x1b[31m" in coloured
    plain = backtests.statistics_text("zh", RESULT, statistics)
    assert "\x1b" not in plain
    assert all(width(line) <= backtests.WIDTH for line in plain.splitlines())
    assert "…" not in plain


def test_markup_in_a_rule_is_no_markup() -> None:
    books = random_books(4, 10, 5)
    result = books.result()
    import msgspec

    odd = msgspec.structs.replace(result, inputs=msgspec.structs.replace(result.inputs, rule="[bold]x[/] :smile:"))
    assert "[bold]x[/] :smile:" in backtests.statistics_text("en", odd, statistics_of(odd))


def test_bad_input_is_one_line_and_exit_code_2(folder: Path, tmp_path: Path) -> None:
    def complaint(*args: str) -> str:
        result, _ = run(tmp_path, ["backtest", "report", *args])
        assert result.exit_code == faults.BAD_INPUT, result.output
        assert result.stdout == ""
        lines: list[str] = result.stderr.strip().splitlines()
        assert len(lines) == 1
        return lines[0]

    assert "RESULT_FOLDER" in complaint()
    assert "no result.json" in complaint(str(tmp_path / "nowhere"))
    assert "no result.json" in complaint(str(folder / "result.json"))
    assert "cannot be written" in complaint(str(folder), "--out", str(tmp_path / "no" / "x.html"))
    assert "cannot be written" in complaint(str(folder), "--out", str(tmp_path))
    (folder / "fills.parquet").write_bytes(b"")
    assert "cannot be used (fills.parquet" in complaint(str(folder))
    (folder / "result.json").write_text('{"version": 7}', "utf-8")
    assert "another version (version 7" in complaint(str(folder))
    (folder / "result.json").write_text("{\n\n", "utf-8")
    assert "cannot be used" in complaint(str(folder))


def test_two_results_of_one_verdict(folder: Path) -> None:
    (folder / "verdicts" / "optimistic").rename(folder / "verdicts" / "a")
    write_result(folder / "verdicts" / "b", random_books(4, 60, 30).result("optimistic"))
    result, _ = run(folder, ["backtest", "report", str(folder)])
    assert result.exit_code == faults.BAD_INPUT
    assert "two results of one verdict" in result.stderr
