"""The report in a real browser, where there is one: its scripts run, draw, and complain of nothing."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from common.backtests.report import report_html
from common.backtests.result import BacktestResult, Candle
from tests.backtest_books import Books, full_result, random_books
from tests.unit.backtests.test_report import hostile

BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
RESULT, CANDLES = full_result()
ONE_DAY = random_books(3, 1, 2).result()
CASES: dict[str, tuple[BacktestResult, list[Candle], int]] = {
    "full": (RESULT, CANDLES, 2),
    "no bars": (RESULT, [], 1),
    "hostile": (hostile(), [], 1),
    "one day": (ONE_DAY, [], 1),
    "nothing": (Books().result(), [], 1),
}
"""Result, bars, and how many charts must be drawn."""


@pytest.mark.process
@pytest.mark.skipif(not BROWSER, reason="no chromium on this machine; the page is checked as text in test_report.py")
@pytest.mark.parametrize(("case", "lang"), [*((case, "zh") for case in CASES), ("full", "en")])
def test_it_draws_and_does_not_complain(tmp_path: Path, case: str, lang: str) -> None:
    result, candles, charts = CASES[case]
    page = tmp_path / "report.html"
    page.write_text(report_html(result, (), candles), encoding="utf-8")
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=4000")
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    done = subprocess.run(
        [BROWSER, *flags, profile, "--dump-dom", f"{page.as_uri()}#{lang}"],
        capture_output=True, encoding="utf-8", timeout=50, check=True,
    )  # fmt: skip
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    assert len(re.findall(r"<canvas ", done.stdout)) == charts
    assert f'<html lang="{"zh-CN" if lang == "zh" else "en"}">' in done.stdout
