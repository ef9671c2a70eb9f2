"""Tasks: the same bytes wherever they run, an address that names what they depend on, refusals where that differs."""

import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from common.backtests.store import read_result
from common.backtests.summary import SUMMARY, check_files, decode_summary
from common.backtests.tasks import Task, group_of, key_of
from common.domain.errors import ConfigError, HistoryError, ResultError
from common.runtime.config import parse_config, rule_params, rules_of
from common.runtime.rules import load_rules
from common.runtime.screens import load_screens
from services.backtest_worker import tasks
from services.backtest_worker.account import DeskSettings
from services.backtest_worker.job import Job
from services.backtest_worker.tasks import Warm, job_of, run_task, task_of
from tests.unit.services.backtest_worker.minutes import FIRST, LAST, make

EXAMPLES = Path(__file__).parents[4] / "docs" / "examples"
CONFIG = parse_config({}, "test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("history"))


@pytest.fixture(scope="module")
def cache(machine_code: Path) -> Path:
    return machine_code


def job(folder: Path, cache: Path) -> Job:
    params = rule_params(CONFIG, "limit_up")
    screen = load_screens(CONFIG)["limit_up"]
    rule = rules_of(CONFIG)["limit_up"]
    return Job(rule, params, screen, folder, FIRST, LAST, "compiled", 5, DeskSettings(), cache=cache)


def test_a_task_is_a_job_by_value_and_back(folder: Path, cache: Path) -> None:
    asked = job(folder, cache)
    task = task_of(asked, candles=True)
    assert task.source == ""
    back = job_of(task, cache)
    assert back._replace(screen=asked.screen, ahead=True) == asked
    assert back.screen._replace(zh=asked.screen.zh, en=asked.screen.en) == asked.screen


def test_one_process_or_another_and_a_second_time_make_the_same_bytes(
    folder: Path, cache: Path, tmp_path: Path
) -> None:
    task = task_of(job(folder, cache), candles=True)
    warm = Warm(cache)
    first, again, alone = warm.run(task), warm.run(task), run_task(task, cache)
    assert first == again == alone
    summary = decode_summary(first[SUMMARY])
    assert summary.key == key_of(task)
    check_files(summary, first)
    for name, data in first.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    stored = read_result(tmp_path)
    assert len(stored.result.fills) >= 2
    assert len(stored.others) == 2
    assert stored.candles


def test_other_parameters_over_the_same_days_are_as_if_run_alone(folder: Path, cache: Path) -> None:
    task = task_of(job(folder, cache))
    other = replace(task, params={**task.params, "stop_bp": 9_000})
    assert key_of(task) != key_of(other)
    assert group_of(task) == group_of(other)
    warm = Warm(cache)
    one, two = warm.run(task), warm.run(other)
    assert one != two, "a stop of 90 % must not sell what one of 4 % does"
    assert two == run_task(other, cache)
    assert one == warm.run(task)


def test_days_too_large_to_keep_are_read_again(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = task_of(job(folder, cache))
    kept = Warm(cache).run(task)
    monkeypatch.setattr(tasks, "KEPT_BYTES_MAX", 0)
    warm = Warm(cache)
    assert warm.run(task) == warm.run(task) == kept


def test_the_key_names_what_the_result_depends_on_and_nothing_else(folder: Path, cache: Path) -> None:
    task = task_of(job(folder, cache))
    assert key_of(replace(task, history="elsewhere")) == key_of(task)
    turned = replace(task, params=dict(reversed(task.params.items())))
    assert key_of(turned) == key_of(task), "the order of parameters says nothing"
    changed = [
        replace(task, **{name: value})
        for name, value in {
            "code_hash": "x", "params": {}, "data_hash": "x", "rulebook_hash": "x", "engine_hash": "x", "first": 20250101,
            "last": 20250101, "engine": "backtrader", "interval": 1, "settings": {}, "verdicts": ("optimistic",),
        }.items()
    ]  # fmt: skip
    assert len({key_of(each) for each in (task, *changed)}) == len(changed) + 1


def test_a_task_of_other_data_rules_or_code_is_refused(folder: Path, cache: Path, tmp_path: Path) -> None:
    task = task_of(job(folder, cache))
    for name, told in (("code_hash", "rule"), ("rulebook_hash", "rulebook"), ("engine_hash", "program")):
        with pytest.raises(HistoryError, match=f"the {told} of the task"):
            job_of(replace(task, **{name: "0"}), cache)
    with pytest.raises(HistoryError, match="the history of the task"):
        job_of(replace(task, data_hash="0"), cache)
    with pytest.raises(HistoryError, match="no folder of history on this machine"):
        job_of(task, cache, tmp_path / "nowhere")
    moved = tmp_path / "moved"
    shutil.copytree(folder, moved)
    assert job_of(task, cache, moved).history == moved
    with pytest.raises(ConfigError, match="no rule nope"):
        job_of(replace(task, rule="nope"), cache)
    with pytest.raises(ConfigError, match="no such set of parameters: stop"):
        job_of(replace(task, params={**task.params, "stop": 1}), cache)
    with pytest.raises(ConfigError, match="stop_bp"):
        job_of(replace(task, params={**task.params, "stop_bp": -1}), cache)
    with pytest.raises(ConfigError, match="allow_sealed_open: must be 0 or 1"):
        job_of(replace(task, params={**task.params, "allow_sealed_open": 2}), cache)


def test_a_persons_rule_travels_as_text(folder: Path, cache: Path) -> None:
    rule = load_rules(EXAMPLES).known["early_strength"]
    asked = job(folder, cache)._replace(rule=rule, params=rule.Params())
    task = task_of(asked)
    assert "def decide" in task.source
    assert job_of(task, cache).rule.NAME == "early_strength"
    with pytest.raises(ConfigError, match=r"early_strength.py:\d+: "):
        job_of(replace(task, source=task.source + "\nimport nowhere\n"), cache)


def test_a_result_that_was_changed_no_longer_matches(folder: Path, cache: Path) -> None:
    files = run_task(task_of(job(folder, cache)), cache)
    summary = decode_summary(files[SUMMARY])
    with pytest.raises(ResultError, match=r"fills\.parquet no longer matches its hash"):
        check_files(summary, {**files, "fills.parquet": files["fills.parquet"] + b"\0"})
    with pytest.raises(ResultError, match=r"equity\.parquet is missing"):
        check_files(summary, {name: data for name, data in files.items() if name != "equity.parquet"})
    with pytest.raises(ResultError, match=r"summary\.json"):
        decode_summary(b"{}")


def test_a_task_goes_through_bytes(folder: Path, cache: Path) -> None:
    import msgspec

    task = task_of(job(folder, cache))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(task), type=Task) == task
