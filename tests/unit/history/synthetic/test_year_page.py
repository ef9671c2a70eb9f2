"""The committed pages of the year are what their committed figures say, and the figures are of this rulebook."""

import json

from common.backtests.result import VERDICTS
from docs.year import FIGURES, REAL_DAYS, RULES, SEEDS, page, stale


def test_the_pages_are_what_the_figures_say() -> None:
    assert stale() == [], "run: python -m docs.year"


def test_the_figures_are_whole_and_something_happened() -> None:
    figures = json.loads(FIGURES.read_text("utf-8"))
    for rule in RULES:
        told = figures["runs"][rule]
        assert set(told["verdicts"]) == set(VERDICTS)
        assert all(values["trades"] >= 20 for values in told["verdicts"].values())
        assert len(told["by_month"]) >= 12
        assert len(figures["seeds"][rule]) == len(SEEDS)
    real = figures["real"]
    assert tuple(real["days"]) == REAL_DAYS
    assert real["verdicts"]["expected"]["trades"] >= 30
    assert 0 < real["stock_days"][0] < real["stock_days"][1]


def test_a_page_changes_with_its_figures() -> None:
    figures = json.loads(FIGURES.read_text("utf-8"))
    before = page("zh", figures)
    figures["runs"][RULES[0]]["verdicts"]["expected"]["trades"] += 1
    assert page("zh", figures) != before
    assert "总收益率" in before
    assert "total return" in page("en", figures)
