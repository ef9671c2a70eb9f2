"""`backtest sweep` end to end on a small history: ranks, splits, results used again, and what is refused in one line."""

import errno
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from common.backtests.addressed import AddressedResults
from common.backtests.store import read_result
from common.backtests.summary import Summary
from common.backtests.sweep_report import PAGE_NAME, read_sweep
from common.backtests.tasks import Done, Task
from services.backtest_worker.adapters import pool
from services.backtest_worker.tasks import Warm
from services.cli import sweep_run
from services.cli.home import Home
from tests.unit.services.backtest_worker.minutes import DAYS, FIRST, LAST, make
from tests.unit.services.cli.fakes import run

SPAN = f"--from {FIRST} --to {LAST}"
GRID = "--grid stop_bp=300,9000 --grid cancel_at_s=34200,53820"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, machine_code: Path) -> Path:
    made = tmp_path_factory.mktemp("home")
    make(Home(made).history)
    (made / "cache").symlink_to(machine_code)
    return made


@pytest.mark.process
def test_a_sweep_ranks_its_sets_keeps_them_and_costs_nothing_a_second_time(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, _ = run(home, f"backtest sweep limit_up {SPAN} {GRID} --by total_return --workers 1 --json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    values = [row["metrics"]["total_return"] for row in found["rows"]]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == 2, "whether there is time to buy decides, the stop does not"
    assert (found["told"]["trials"], found["told"]["failed"]) == (4, 0)
    assert found["axes"] == {"stop_bp": [300, 9000], "cancel_at_s": [34200, 53820]}
    kept = AddressedResults(home / "backtests" / "results")
    for row in found["rows"]:
        stored = read_result(kept.folder(row["key"]))
        assert bool(stored.result.fills) == (row["params"]["cancel_at_s"] == 53_820)
        assert stored.result.inputs.params["stop_bp"] == row["params"]["stop_bp"]
    folder = Path(found["folder"])
    assert read_sweep(folder).rows[0].key == found["rows"][0]["key"]
    assert (folder / PAGE_NAME).is_file()

    def nobody(*_: object) -> None:
        raise AssertionError("everything was run before")

    monkeypatch.setattr(pool, "LocalPool", nobody)
    again = json.loads(run(home, f"backtest sweep limit_up {SPAN} {GRID} --by total_return --json")[0].stdout)
    assert again["rows"] == found["rows"]
    told, _ = run(home, f"backtest sweep limit_up {SPAN} {GRID} --by total_return --top 2", lang="zh")
    assert told.exit_code == 0, told.output
    for words in ("前 2 组，共 4 组", "试了 4 组", "stop_bp（行）× cancel_at_s"):
        assert words in told.stdout.replace("\n", ""), words


class Inline:
    """A pool that runs tasks where it is asked: the real one is in the first test, and starting it takes seconds."""

    def __init__(self, _workers: int, cache: Path) -> None:
        self._warm = Warm(cache)

    def run(self, tasks: Sequence[Task]) -> Iterator[Done]:
        for task in tasks:
            yield pool.run_here(self._warm, task)

    def close(self) -> None:
        pass


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "LocalPool", Inline)


@pytest.mark.usefixtures("inline")
def test_a_split_ranks_by_one_side_and_shows_the_other(home: Path) -> None:
    asked = f"backtest sweep limit_up {SPAN} --grid stop_bp=300,9000 --split {DAYS[81]} --workers 1"
    found = json.loads(run(home, f"{asked} --json --by total_return")[0].stdout)
    assert found["split"] == DAYS[81]
    kept = AddressedResults(home / "backtests" / "results")
    for row in found["rows"]:
        before, after = (read_result(kept.folder(row[key])).result for key in ("key", "key_after"))
        assert [line.day for line in before.equity] == DAYS[80:82]
        assert [line.day for line in after.equity] == DAYS[82:84]
        assert row["after"]["sessions"] == 2
    text = run(home, f"{asked} --by total_return")[0].stdout
    assert "in sample | out of sample" in text
    assert "out of sample (after" in text


@pytest.mark.usefixtures("inline")
def test_a_set_that_the_rule_refuses_is_told_and_the_others_run(home: Path) -> None:
    text = run(home, f"backtest sweep limit_up {SPAN} --grid stop_bp=0,300 --workers 1")[0].stdout
    assert "1 sets are refused by the rule" in text
    assert "after 1 sets were tried" in text


@pytest.mark.usefixtures("inline")
def test_a_result_that_no_longer_matches_its_hash_stops_the_sweep(home: Path) -> None:
    asked = f"backtest sweep limit_up {SPAN} --grid stop_bp=455"
    found = json.loads(run(home, f"{asked} --json")[0].stdout)
    folder = AddressedResults(home / "backtests" / "results").folder(found["rows"][0]["key"])
    (folder / "fills.parquet").write_bytes(b"other deals")
    result, _ = run(home, asked)
    assert result.exit_code == 2
    assert f"{folder}: fills.parquet no longer matches its hash" in result.output
    assert (Path(found["folder"]) / PAGE_NAME).is_file(), "what was made before stays"


@pytest.mark.usefixtures("inline")
def test_a_full_disk_is_one_line_and_what_was_kept_stays(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = [2]

    def put(results: AddressedResults, key: str, files: Mapping[str, bytes]) -> Summary:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        room[0] -= 1
        return kept(results, key, files)

    kept = AddressedResults.put
    monkeypatch.setattr(AddressedResults, "put", put)
    asked = f"backtest sweep limit_up {SPAN} --grid stop_bp=611,612,613,614"
    result, _ = run(home, asked)
    assert result.exit_code == 1
    assert "No space left on device" in result.output
    assert "Traceback" not in result.output
    room[0] = 2
    assert run(home, asked)[0].exit_code == 0, "two were kept, and there is room for the other two"


@pytest.mark.usefixtures("inline")
def test_two_sweeps_that_end_together_have_a_folder_each(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = f"backtest sweep limit_up {SPAN} --grid stop_bp=300,450 --by total_return --json"
    first = Path(json.loads(run(home, asked)[0].stdout)["folder"])
    monkeypatch.setattr(Path, "iterdir", lambda path: (each for each in path.glob("*") if each != first))
    second = Path(json.loads(run(home, asked)[0].stdout)["folder"])
    assert first != second
    assert read_sweep(first) == read_sweep(second)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (f"nope {SPAN} --grid stop_bp=1", "no rule nope"),
        (f"limit_up {SPAN}", "Nothing varies"),
        (f"limit_up {SPAN} --grid nope=1", "no parameter nope"),
        (f"limit_up {SPAN} --grid stop_bp=", "no value in it"),
        (f"limit_up {SPAN} --grid stop_bp=0,-1", "refuses every set"),
        (f"limit_up {SPAN} --grid stop_bp=1:1000 --grid weak_bp=1:1000 --grid cancel_at_s=1:1000", "1,000,000,000"),
        (f"limit_up --from {LAST} --to {FIRST} --grid stop_bp=1", "comes after"),
        ("limit_up --from 2031-01-06 --to 2031-01-07 --grid stop_bp=1", "no trading day"),
        (f"limit_up --from {DAYS[2]} --to {DAYS[5]} --grid stop_bp=1", "no 5-minute bars"),
        (f"limit_up {SPAN} --grid stop_bp=1 --split {LAST}", "leaves one side"),
        (f"limit_up {SPAN} --grid stop_bp=1 --split 2024-01-02", "leaves one side"),
        (f"limit_up {SPAN} --grid stop_bp=1 --split someday", "someday"),
        (f"limit_up {SPAN} --grid stop_bp=1 --by luck", "luck"),
        (f"limit_up {SPAN} --grid stop_bp=1 --executor dask", "--scheduler"),
        (f"limit_up {SPAN} --grid stop_bp=1 --scheduler tcp://x:1", "--executor dask"),
        (f"limit_up {SPAN} --grid stop_bp=1 --history /nowhere", "/nowhere"),
    ],
)
def test_bad_input_is_one_line(home: Path, args: str, words: str) -> None:
    result, _ = run(home, f"backtest sweep {args}")
    assert result.exit_code == 2, result.output
    assert words in result.output
    assert len(result.output.strip().splitlines()) <= 3, result.output


def test_a_rule_file_that_does_not_load_is_named(tmp_path: Path) -> None:
    make(Home(tmp_path).history)
    Home(tmp_path).rules.mkdir()
    (Home(tmp_path).rules / "broken.py").write_text("import nowhere\n", encoding="utf-8")
    result, _ = run(tmp_path, f"backtest sweep broken {SPAN} --grid stop_bp=1")
    assert result.exit_code == 2, result.output
    assert "broken" in result.output


def test_the_executors_are_those_of_the_command() -> None:
    assert sweep_run.EXECUTORS == ("local", "dask", "queue")
