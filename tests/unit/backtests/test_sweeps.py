"""Sweeps as values: only what is missing is run, ranks, luck, agreement, heat maps, the page."""

import csv
import io
import random
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import mean, stdev

import pytest
from msgspec.structs import replace

from common.backtests.addressed import AddressedResults
from common.backtests.metrics import METRICS
from common.backtests.store import files_of
from common.backtests.summary import SUMMARY, Summary, encode_summary
from common.backtests.sweep_report import (
    CSV_NAME,
    JSON_NAME,
    PAGE_NAME,
    heats_of,
    read_sweep,
    span_of,
    sweep_html,
    told_of,
    write_sweep,
)  # fmt: skip
from common.backtests.sweep_words import SWEEP_WORDS
from common.backtests.sweeps import BY, SetRow, Sweep, agreement_of, heat_of, luck_of, ranked, run_all, split_tasks
from common.backtests.tasks import Done, Task, TaskScreen, key_of
from common.domain.errors import ResultError
from services.cli.commands.backtest_sweep import BY as SHOWN_BY
from tests.backtest_books import full_result

TASK = Task(
    "limit_up", "", "code", {"stop_bp": 400}, TaskScreen("limit_up", (), ()), "data", "rules", "engine", 20250102,
    20251231, "compiled", 5, {"cash": 1},
)  # fmt: skip
RESULT, CANDLES = full_result()
Told = tuple[str, int, int]


def tasks_of(count: int) -> list[Task]:
    return [replace(TASK, params={"stop_bp": 100 + at}) for at in range(count)]


def files_for(task: Task) -> dict[str, bytes]:
    files = files_of(RESULT)
    return {**files, SUMMARY: encode_summary(key_of(task), task, {"sharpe": task.params["stop_bp"] / 100}, files)}


class Runs:
    """An executor that has every result at hand, and fails the tasks it is told to."""

    def __init__(self, failing: frozenset[str] = frozenset()) -> None:
        self.ran: list[str] = []
        self.failing = failing

    def run(self, tasks: Sequence[Task]) -> Iterator[Done]:
        for task in reversed(tasks):
            key = key_of(task)
            self.ran.append(key)
            yield Done(key, {}, "it broke") if key in self.failing else Done(key, files_for(task))

    def close(self) -> None:
        pass


def test_only_what_is_missing_is_run_and_a_repeated_sweep_asks_for_no_executor(tmp_path: Path) -> None:
    kept, runs, told = AddressedResults(tmp_path), Runs(), list[Told]()
    tasks = tasks_of(4)
    first = run_all(tasks[:2], kept, lambda: runs, lambda *what: told.append(what))
    assert sorted(runs.ran) == sorted(map(key_of, tasks[:2]))
    both = run_all([*tasks, tasks[0]], kept, lambda: runs, lambda *what: told.append(what))
    assert len(runs.ran) == 4, "each once"
    assert first.items() <= both.items()
    assert told[-1] == ("", 4, 4)
    assert [both[key_of(task)].metrics["sharpe"] for task in tasks] == [1.0, 1.01, 1.02, 1.03]

    def nobody() -> Runs:
        raise AssertionError("nothing is missing")

    assert run_all(tasks, kept, nobody, lambda *_: None) == both


def test_a_failed_task_is_told_kept_by_nobody_and_tried_again(tmp_path: Path) -> None:
    kept, tasks = AddressedResults(tmp_path), tasks_of(2)
    bad = key_of(tasks[0])
    found = run_all(tasks, kept, lambda: Runs(frozenset({bad})), lambda *_: None)
    assert (found[bad].fault, found[bad].metrics) == ("it broke", {})
    again = Runs()
    assert run_all(tasks, kept, lambda: again, lambda *_: None)[bad].fault == ""
    assert again.ran == [bad]


def damage_table(folder: Path) -> None:
    path = folder / "fills.parquet"
    path.write_bytes(path.read_bytes()[:-1])


def damage_summary(folder: Path) -> None:
    (folder / SUMMARY).write_text("{", encoding="utf-8")


def lose_table(folder: Path) -> None:
    (folder / "equity.parquet").unlink()


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (damage_table, "fills.parquet no longer matches its hash"),
        (damage_summary, SUMMARY),
        (lose_table, "equity.parquet is missing"),
    ],
)
def test_a_kept_result_that_was_changed_is_named(tmp_path: Path, harm: Callable[[Path], None], words: str) -> None:
    kept = AddressedResults(tmp_path)
    key = key_of(TASK)
    summary = kept.put(key, files_for(TASK))
    assert kept.summary(key) == summary
    assert kept.put(key, files_for(TASK)) == summary, "the same result again is no news"
    harm(kept.folder(key))
    with pytest.raises(ResultError, match=re.escape(words)) as told:
        kept.summary(key)
    assert str(kept.folder(key)) in told.value.detail


def test_a_result_of_another_task_is_not_taken(tmp_path: Path) -> None:
    kept = AddressedResults(tmp_path)
    other = tasks_of(1)[0]
    with pytest.raises(ResultError, match="not of"):
        kept.put(key_of(TASK), files_for(other))
    with pytest.raises(ResultError, match="no longer matches"):
        kept.put(key_of(TASK), {**files_for(TASK), "fills.parquet": b""})
    kept.put(key_of(other), files_for(other))
    kept.folder(key_of(TASK)).parent.mkdir(parents=True, exist_ok=True)
    kept.folder(key_of(other)).rename(kept.folder(key_of(TASK)))
    with pytest.raises(ResultError, match="another task"):
        kept.summary(key_of(TASK))
    assert kept.summary(key_of(other)) is None


def test_a_split_shares_no_day() -> None:
    before, after = split_tasks(TASK, 20250630, 20250701)
    assert (before.first, before.last, after.first, after.last) == (20250102, 20250630, 20250701, 20251231)
    assert len({key_of(TASK), key_of(before), key_of(after)}) == 3


# ------------------------------------------------------------------ figures


def rows_of(*values: float | None, after: Sequence[float | None] = ()) -> list[SetRow]:
    there = after or [None] * len(values)
    return [
        SetRow({"a": at % 2, "b": at // 2}, str(at), {"sharpe": one}, after={"sharpe": two})
        for at, (one, two) in enumerate(zip(values, there, strict=True))
    ]


def test_the_best_comes_first_and_what_is_undefined_last() -> None:
    rows = rows_of(1.0, None, 3.0, 1.0)
    assert [row.key for row in ranked(rows, "sharpe")] == ["2", "0", "3", "1"]
    assert [row.key for row in ranked(rows[::-1], "sharpe")] == ["2", "0", "3", "1"], "whatever the order they came in"
    assert set(BY) <= set(METRICS)
    assert BY == SHOWN_BY


def test_luck_is_what_worthless_sets_show() -> None:
    assert luck_of([]) is None
    assert luck_of([1.0]) is None
    draw = random.Random(8)
    for count in (10, 100, 1000):
        batches = [[draw.gauss(0, 0.7) for _ in range(count)] for _ in range(100)]
        seen = mean(max(batch) for batch in batches)
        told = mean(value for batch in batches if (value := luck_of(batch)) is not None)
        assert told == pytest.approx(seen, rel=0.1), count
    assert luck_of([2.0, 2.0, 2.0]) == 0, "no spread, no luck"
    assert stdev([0.0, 1.0]) > 0


def test_agreement_is_spearmans() -> None:
    assert agreement_of(rows_of(1, 2, 3, 4, after=(10, 20, 30, 99)), "sharpe") == pytest.approx(1)
    assert agreement_of(rows_of(1, 2, 3, 4, after=(4, 3, 2, 1)), "sharpe") == pytest.approx(-1)
    # By hand: ranks 1 2 3 4 against 1.5 1.5 4 3; sum of products of deviations 3.5, spreads 5 and 4.5.
    assert agreement_of(rows_of(1, 2, 3, 4, after=(5, 5, 9, 7)), "sharpe") == pytest.approx(3.5 / (5 * 4.5) ** 0.5)
    assert agreement_of(rows_of(1, 2, None, after=(1, 2, 3)), "sharpe") is None
    assert agreement_of(rows_of(1, 2, 3, after=(1, 1, 1)), "sharpe") is None


def test_a_heat_map_shows_the_middle_of_what_else_varies() -> None:
    axes = {"a": [1, 2], "b": [5, 6, 7], "c": [0, 1, 2]}
    rows = [
        SetRow({"a": a, "b": b, "c": c}, f"{a}{b}{c}", {"sharpe": a * 100.0 + b * 10 + (99 if c == 2 else c)})
        for a in (1, 2) for b in (5, 6) for c in (0, 1, 2)
    ]  # fmt: skip
    heat = heat_of(rows, axes, "sharpe", "b", "a")
    assert heat.cells == [[151.0, 161.0, None], [251.0, 261.0, None]]
    assert span_of(heat) == (151.0, 261.0)
    assert span_of(heat_of([], axes, "sharpe", "b", "a")) == (0.0, 0.0)


# ------------------------------------------------------------------ what is kept and shown


def sweep_of(rows: list[SetRow], split: int = 0) -> Sweep:
    axes = {"a": [0, 1], "b": [0, 1]}
    return Sweep(
        "limit_up", 20250102, 20251231, split, "sharpe", "expected", "grid", axes, "d", "c", "r", ranked(rows, "sharpe")
    )


def test_a_sweep_is_written_and_read_back(tmp_path: Path) -> None:
    sweep = sweep_of(
        [*rows_of(1.0, 0.5, 2.0, after=(0.1, 0.2, 0.3)), SetRow({"a": 1, "b": 1}, "", {}, "stop_bp: no")], 20250630
    )
    write_sweep(tmp_path / "1", sweep)
    assert {path.name for path in (tmp_path / "1").iterdir()} == {JSON_NAME, CSV_NAME, PAGE_NAME}
    assert read_sweep(tmp_path / "1") == sweep
    lines = list(csv.DictReader(io.StringIO((tmp_path / "1" / CSV_NAME).read_text("utf-8"))))
    assert [(line["a"], line["b"], line["sharpe"], line["sharpe_after"]) for line in lines] == [
        ("0", "1", "2.0", "0.3"), ("0", "0", "1.0", "0.1"), ("1", "0", "0.5", "0.2"), ("1", "1", "", ""),
    ]  # fmt: skip
    assert lines[-1]["fault"] == "stop_bp: no"
    told = told_of(sweep)
    assert (told.trials, told.failed, told.refused) == (3, 0, 1)
    with pytest.raises(ResultError, match="has no"):
        read_sweep(tmp_path / "2")
    (tmp_path / "1" / JSON_NAME).write_text("[]", "utf-8")
    with pytest.raises(ResultError, match="corrupt"):
        read_sweep(tmp_path / "1")


def test_the_page_says_how_many_were_tried_beside_the_best() -> None:
    page = sweep_html(sweep_of(rows_of(1.0, 0.5, 2.0, 0.25, after=(0.1, 0.2, 0.3, 0.4)), 20250630))
    box = re.search(r'<section id="sweep_best">.*?</section>', page, re.DOTALL)
    assert box is not None
    for words in ("a=0 b=1", "2.00", "0.30", "试了 4 组", "after 4 sets were tried", "Spearman", "worthless"):
        assert words in box[0], words
    assert page.count('<section id="sweep_heat">') == 1
    assert "http" not in re.sub(r'http-equiv="[^"]*"', "", page), "nothing is fetched"
    assert len(heats_of(sweep_of(rows_of(1.0)))) == 1


def test_hostile_text_stays_text() -> None:
    row = SetRow({"a": 0, "b": 0}, "k", {}, "<script>alert(1)</script>")
    page = sweep_html(replace(sweep_of([row]), rule="<b>x"))
    assert "<script>alert" not in page
    assert "<b>x" not in page
    assert "&lt;script&gt;" in page


def test_a_sweep_without_any_figure_has_no_best() -> None:
    page = sweep_html(sweep_of([SetRow({"a": 0, "b": 0}, "k", {}, "it broke")]))
    assert "The best set:" not in page
    assert "it broke" in page


def test_both_languages_are_complete() -> None:
    for key, (zh, en) in SWEEP_WORDS.items():
        assert re.search("[\u4e00-\u9fff]", zh), key
        assert not re.search("[\u4e00-\u9fff]", en), key
        assert set(re.findall(r"\{\w+\}", zh)) == set(re.findall(r"\{\w+\}", en)), key


def test_a_summary_is_small() -> None:
    summary = Summary("k", TASK, {"sharpe": 1.0}, {})
    assert len(encode_summary(summary.key, TASK, summary.metrics, {})) < 2_000
