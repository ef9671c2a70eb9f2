"""A sweep as text: the best first, both sides of a split, shades on a terminal only, and the trials beside the best."""

from msgspec.structs import replace

from common.backtests.sweeps import SetRow, Sweep, ranked
from services.cli.sweeps import ACROSS_MAX, sweep_text, told_lines


def row(a: int, b: int, sharpe: float | None, after: float | None = None, fault: str = "") -> SetRow:
    metrics = {} if fault else {"sharpe": sharpe, "total_return": 0.1234, "trades": 30}
    return SetRow({"a": a, "b": b}, f"{a}{b}", metrics, fault, after={} if after is None else {"sharpe": after})


def sweep_of(*rows: SetRow, split: int = 0) -> Sweep:
    axes = {"a": sorted({line.params["a"] for line in rows}), "b": sorted({line.params["b"] for line in rows})}
    return Sweep(
        "limit_up", 20250102, 20251231, split, "sharpe", "expected", "grid", axes, "d", "c", "r",
        ranked(rows, "sharpe"),
    )  # fmt: skip


FOUR = sweep_of(row(1, 1, 0.5), row(1, 2, 1.5), row(2, 1, -0.5), row(2, 2, 2.25))


def test_the_best_stands_first_and_its_trials_beside_it() -> None:
    text = sweep_text("en", FOUR, 3)
    lines = text.splitlines()
    table = [line.split() for line in lines if line.split()[:1] in (["1"], ["2"], ["3"]) and "%" in line]
    assert [cells[:4] for cells in table] == [["1", "2", "2", "2.25"], ["2", "1", "2", "1.50"], ["3", "1", "1", "0.50"]]
    assert "The first 3 of 4 sets by Sharpe ratio" in lines
    assert "The best set: a=2 b=2, Sharpe ratio 2.25. It was picked after 4 sets were tried." in lines
    assert "a (down) x b (across)" in text
    assert "\x1b[" not in text
    assert "\x1b[" in sweep_text("en", FOUR, 3, colour=True)


def test_a_split_shows_both_sides_and_how_far_the_ranks_agree() -> None:
    rows = [row(1, at, at / 2, after) for at, after in enumerate((3.0, 2.0, 1.0, 0.25))]
    text = sweep_text("zh", sweep_of(*rows, split=20250630), 2)
    assert "1.50 | 0.25" in text
    assert "同一组在样本外（2025-06-30 之后）：夏普比率 0.25。" in text
    assert "名次的相关系数 -1.00" in text


def test_what_failed_and_what_the_rule_refused_is_told_with_one_reason() -> None:
    sweep = sweep_of(row(1, 1, 0.5), row(1, 2, None, fault="it broke"), replace(row(1, 3, None, fault="b: no"), key=""))
    lines = told_lines("en", sweep)
    assert "1 sets failed; e.g. it broke" in lines
    assert "1 sets are refused by the rule and were not run; e.g. b: no" in lines
    assert any("after 2 sets were tried" in line for line in lines)
    assert "!" in sweep_text("en", sweep, 5)


def test_nothing_traded_is_no_best() -> None:
    assert told_lines("en", sweep_of(row(1, 1, None))) == [
        "No set has a Sharpe ratio: nothing was traded, or all failed."
    ]
    assert "undefined" in sweep_text("en", sweep_of(row(1, 1, None), row(1, 2, 1.0)), 5)


def test_a_heat_map_wider_than_a_terminal_is_on_the_page_only() -> None:
    wide = sweep_of(*(row(a, b, a + b / 10) for a in (1, 2) for b in range(ACROSS_MAX + 1)))
    assert "(down)" not in sweep_text("en", wide, 1)
