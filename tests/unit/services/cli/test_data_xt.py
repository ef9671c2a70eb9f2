"""`data sources|download|probe --source xt` through a child of its own: a market, no client, no native half; both languages."""

import json
import sys
from pathlib import Path

import pytest

from common.domain.errors import SourceError
from common.history.sources import registry
from common.history.sources.pace import Clock
from common.history.sources.source import Pacer, Source
from common.history.sources.xt import Xt
from common.history.sources.xt_line import Load, ProcessLine
from services.cli import faults
from tests.fakes import xtquant as fakes
from tests.fakes.xtquant.history_host import load_market, load_that_never_ends, load_without_client
from tests.unit.services.cli.fakes import run
from tests.unit.xtquant.small_market import NOW_NS

RANGE = "data download --source xt --from 2025-12-29 --to 2026-01-09"
pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not fakes.available(), reason="xtquant is not installed: pip install -r requirements-xt.lock"),
]


def use(monkeypatch: pytest.MonkeyPatch, load: Load) -> None:
    def open_fake(pacer: Pacer, _place: registry.Place, _clock: Clock) -> Source:
        pacer.call = lambda read: read()  # type: ignore[method-assign]  # the rate would make the test wait
        return Xt(pacer, lambda: NOW_NS, ProcessLine(load))

    monkeypatch.setitem(registry.OPENERS, "xt", open_fake)


def test_a_market_through_a_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, load_market)
    result, _ = run(tmp_path, f"{RANGE} --json")
    assert result.exit_code == faults.OK, result.output
    found = json.loads(result.output)  # nothing of what the package prints is in it
    assert (found["source"], found["rows"], found["events"], found["defects"]) == ("xt", 19, 1, {})


def test_no_client_is_one_line_with_the_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, load_without_client)
    result, _ = run(tmp_path, RANGE)
    assert result.exit_code == faults.BAD_INPUT
    assert "请启动 QMT" in result.output
    assert "start QMT" in result.output
    assert len(result.output.strip().splitlines()) <= 2


def test_a_download_of_the_real_layer_that_never_ends_is_given_up() -> None:
    line = ProcessLine(load_that_never_ends)
    try:
        with pytest.raises(SourceError, match=r"没有动静.*download.*What came before is kept"):
            line.call("download", ["600000.SH"], "1d", "", "", False, wait_s=1.0)
    finally:
        line.close()


@pytest.mark.skipif(sys.platform == "win32", reason="the native half is there")
def test_without_the_native_half_it_says_where_it_runs(tmp_path: Path) -> None:
    result, _ = run(tmp_path, RANGE)
    assert result.exit_code == faults.BAD_INPUT
    assert "64 位 Windows" in result.output
    assert "64-bit Windows" in result.output


def test_the_table_tells_of_it(tmp_path: Path) -> None:
    result, _ = run(tmp_path, "data sources --json")
    row = next(row for row in json.loads(result.output) if row["name"] == "xt")
    assert (row["minutes"], row["account"], row["package"], row["pre_open"]) == ([1, 5], True, "xtquant", False)
