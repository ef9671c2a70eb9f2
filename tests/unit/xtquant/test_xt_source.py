"""The source `xt` over the real xtquant layer: what becomes history, what is refused, resume after a cut."""

from pathlib import Path
from types import ModuleType
from typing import Any

from common.history.sources.download import Download, Downloaded, Wanted
from common.history.store import daily_years, read_table
from tests.fakes.xtquant.terminal import Terminal
from tests.unit.history.sources.vendor import quiet
from tests.unit.xtquant.small_market import BANK, PAYS, fill, source

FIRST, LAST = 20251229, 20260109


def run(xtdata: ModuleType, folder: Path, wanted: Wanted | None = None) -> Downloaded:
    return Download(folder / "history", source(xtdata, folder), quiet).run(wanted or Wanted(FIRST, LAST))


def daily(folder: Path) -> dict[tuple[int, str], dict[str, Any]]:
    history = folder / "history"
    rows = [row for year in daily_years(history) for row in read_table(history, f"daily/{year}.parquet").to_dicts()]
    return {(row["day"], row["symbol"]): row for row in rows}


def test_a_market_becomes_history(xtdata: ModuleType, terminal: Terminal, tmp_path: Path) -> None:
    fill(terminal, tmp_path)
    found = run(xtdata, tmp_path)
    assert len(found.days) == 8
    assert found.rows == 8 + 8 + 3
    assert found.defects == {}
    rows = daily(tmp_path)
    assert rows[20260105, BANK] == {
        "day": 20260105, "symbol": BANK, "prev_close": 10_000, "up_limit": 11_000, "down_limit": 9_000,
        "suspended": False, "float_shares": 100_000_000, "factor_e9": 10**9, "open": 10_000, "high": 10_000,
        "low": 10_000, "close": 10_000, "volume": 100_000, "turnover": 1_000_000_000,
    }  # fmt: skip
    assert rows[20260106, BANK]["factor_e9"] == 1_052_631_579
    assert rows[20260106, PAYS]["suspended"]
    assert rows[20260106, PAYS]["close"] == 0
    assert rows[20251231, PAYS]["up_limit"] == 5_250
