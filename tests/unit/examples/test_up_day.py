"""The example of docs/how-to/plain-backtrader.md runs as its page says."""

import importlib
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.unit.services.backtest_worker.minutes import DAYS, FIRST, LAST, QUIET, make


def test_the_example_trades_and_meets_t_plus_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(CHECKOUT / "docs" / "examples" / "backtrader")
    module = importlib.import_module("up_day")  # backtrader wants a strategy's module to be a real one
    folder = make(tmp_path, {DAYS[79]: 10_100})
    value = module.main(str(folder), QUIET, str(FIRST), str(LAST))
    lines = capsys.readouterr().out.splitlines()
    assert any(" buy 100 10.0" in line for line in lines)
    assert any("T1_UNSELLABLE" in line for line in lines)
    assert any(" sell -100 10.0" in line for line in lines)
    assert value == float(lines[-1]) < 1_000_000, "fees"
