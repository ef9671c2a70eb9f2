"""`backtest submit|list|show|cancel|report` and notebooks against the queue's core and real backtests."""

import json
import shlex
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from common.backtests.addressed import AddressedResults
from services.cli import notebook
from services.cli.app import cli
from services.cli.backtest_run import Asked
from services.cli.home import Home
from services.cli.jobs import Standing
from services.cli.jobs_progress import Pace
from services.cli.session import Session
from services.cli.submitting import tasks_for
from tests.unit.services.backtest_worker.minutes import DAYS, FIRST, LAST, make
from tests.unit.services.cli.farm import FarmLink

SPAN = f"--from {FIRST} --to {LAST}"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, machine_code: Path) -> Path:
    made = tmp_path_factory.mktemp("home")
    make(Home(made).history)
    (made / "cache").symlink_to(machine_code)
    return made


@pytest.fixture
def farm(home: Path) -> FarmLink:
    return FarmLink(home / "cache")


def session_of(home: Path, farm: FarmLink, lang: str = "en") -> Session:
    return Session(lang, Home(home), {}, connect=lambda _home: farm, is_up=lambda _home: True)


def pankou(home: Path, farm: FarmLink, args: str, lang: str = "en") -> Result:
    return CliRunner().invoke(cli, shlex.split(args), obj=session_of(home, farm, lang))


def told(result: Result) -> dict[str, object]:
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_a_job_is_submitted_waited_for_shown_and_reported(home: Path, farm: FarmLink) -> None:
    result = pankou(home, farm, f"backtest submit limit_up {SPAN} --wait")
    assert result.exit_code == 0, result.output
    assert "1 jobs of limit_up submitted; 0 of them" in result.stdout
    assert "jobs 1/1" in result.stdout
    (key,) = farm.desk.results
    assert f"Key {key}" in result.stdout
    shown = pankou(home, farm, f"backtest show {key[:8]}")
    assert shown.exit_code == 0, shown.output
    assert "stop_bp=400" in shown.stdout
    assert "sharpe" in shown.stdout.lower()
    again = told(pankou(home, farm, f"backtest submit limit_up {SPAN} --json"))
    assert again == {"jobs": {key: "DONE"}}
    assert farm.ran == 1
    AddressedResults(home / "backtests" / "results").put(key, farm.desk.results[key])
    report = pankou(home, farm, f"backtest report {key[:12]} --out {home}/page.html")
    assert report.exit_code == 0, report.output
    assert (home / "page.html").stat().st_size > 10_000


def test_a_grid_is_a_batch_that_can_be_listed_and_cancelled(home: Path, farm: FarmLink) -> None:
    farm.rests = True
    args = f"backtest submit limit_up {SPAN} --grid stop_bp=300,400,500 --batch stops --priority 3"
    assert "3 jobs" in pankou(home, farm, args).stdout
    listed = told(pankou(home, farm, "backtest list --batch stops --json"))
    assert listed["counts"] == {"WAITING": 3}
    jobs = listed["jobs"]
    assert isinstance(jobs, list)
    assert [(job["params"]["stop_bp"], job["priority"], job["state"]) for job in jobs] == [
        (500, 3, "WAITING"), (400, 3, "WAITING"), (300, 3, "WAITING"),
    ]  # fmt: skip
    text = pankou(home, farm, "backtest list --state waiting --limit 2", "zh").stdout
    assert text.count("排队") == 3, "two rows and the count"
    assert told(pankou(home, farm, f"backtest cancel {jobs[0]['key'][:10]} --json")) == {"cancelled": 1, "ended": 0}
    assert "2 ended; 1 had ended before" in pankou(home, farm, "backtest cancel --batch stops").stdout


def test_jobs_that_fail_are_said_with_their_reason(home: Path, farm: FarmLink, monkeypatch: pytest.MonkeyPatch) -> None:
    from common.domain.errors import HistoryError

    def broken(*_: object) -> dict[str, bytes]:
        raise HistoryError("the minutes of 2026-01-07 are gone")

    monkeypatch.setattr(farm.warm, "run", broken)
    result = pankou(home, farm, f"backtest submit limit_up {SPAN} --wait")
    assert result.exit_code == 1
    assert "the minutes of 2026-01-07 are gone" in result.stderr
    (row,) = farm.desk.core.book.rows.values()
    assert "Why: the minutes" in pankou(home, farm, f"backtest show {row.key}").stdout


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (f"submit nothing {SPAN}", "nothing"),
        (f"submit limit_up {SPAN} --set stop=3", "stop"),
        ("submit limit_up --from 20260601 --to 20260501", "20260601"),
        ("submit limit_up --from 20360101 --to 20360201", "2036-01-01"),
        (f"submit limit_up {SPAN} --grid stop_bp=", "stop_bp="),
        (f"submit limit_up {SPAN} --grid stop_bp=1:1000000000", "1000000000"),
        (f"submit limit_up {SPAN} --grid stop_bp=300,-5", "nothing was submitted"),
        ("show nothex!", "nothex!"),
        ("show abcdef", "abcdef"),
        ("cancel", "--batch NAME"),
        ("cancel 12345", "12345"),
    ],
)
def test_bad_input_is_one_line_that_names_it_and_nothing_is_submitted(
    home: Path, farm: FarmLink, args: str, words: str
) -> None:
    for lang in ("en", "zh"):
        result = pankou(home, farm, f"backtest {args}", lang)
        assert result.exit_code == 2, result.output
        assert words.replace(",", "") in result.stderr.replace(",", "") or lang == "zh"
        assert len(result.stderr.strip().splitlines()) <= 2, "the settings it would make are named above it"
    assert farm.desk.core.book.rows == {}


def test_a_key_that_is_no_longer_one_of_a_kind_is_refused(home: Path, farm: FarmLink) -> None:
    farm.rests = True
    pankou(home, farm, f"backtest submit limit_up {SPAN} --grid stop_bp=1:40")
    assert len(farm.desk.core.book.rows) == 40
    first = sorted(farm.desk.core.book.rows)
    twice = next(one[0] for one, other in pairwise(first) if one[0] == other[0])
    result = pankou(home, farm, f"backtest cancel {twice}")
    assert result.exit_code == 2
    assert "more than one key" in result.stderr


def test_a_queue_that_refuses_says_why(home: Path, farm: FarmLink) -> None:
    farm.rests = True
    farm.desk.core._waiting_max = 2
    result = pankou(home, farm, f"backtest submit limit_up {SPAN} --grid stop_bp=300,400,500")
    assert result.exit_code == 1
    assert "waiting_max = 2" in result.stderr


def test_a_sweep_on_the_queue_is_the_sweep_of_the_pool(home: Path, farm: FarmLink) -> None:
    args = f"backtest sweep limit_up {SPAN} --grid stop_bp=310,9010 --by total_return --json"
    swept = told(pankou(home, farm, f"{args} --executor queue"))
    rows = swept["rows"]
    assert isinstance(rows, list)
    assert sorted(row["params"]["stop_bp"] for row in rows) == [310, 9010]
    kept = AddressedResults(home / "backtests" / "results")
    for row in rows:
        folder = kept.folder(row["key"])
        there = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert there == farm.desk.results[row["key"]]
    ran = farm.ran
    assert told(pankou(home, farm, f"{args} --executor queue"))["rows"] == rows
    assert farm.ran == ran


def test_a_notebook_gets_frames(home: Path, farm: FarmLink) -> None:
    session = session_of(home, farm)
    key = notebook.submit("limit_up", FIRST, LAST, stop_bp=350, session=session)
    assert key == notebook.submit("limit_up", FIRST, LAST, stop_bp=350, session=session)
    found = notebook.result(key, session=session, sleep=lambda _: None)
    assert list(found.equity["day"]) == [day for day in DAYS if FIRST <= day <= LAST]
    assert len(found.fills) > 0
    assert set(found.trades.columns) >= {"symbol", "pnl"}
    assert found.statistics["total_return"] is not None
    with pytest.raises(notebook.JobError, match="nothing"):
        notebook.submit("nothing", FIRST, LAST, session=session)
    with pytest.raises(notebook.JobError, match="there is none"):
        notebook.result("ab" * 16, session=session, sleep=lambda _: None)


def test_a_grid_makes_a_task_of_each_set(home: Path, farm: FarmLink) -> None:
    asked = Asked("limit_up", FIRST, LAST)
    tasks = tasks_for(session_of(home, farm), asked, ("stop_bp=300,500",))
    assert [task.params["stop_bp"] for task in tasks] == [300, 500]
    assert [task.candles for task in tasks_for(session_of(home, farm), asked, ())] == [True]


def test_pace_counts_from_where_waiting_began() -> None:
    times = iter([0, 2_000_000_000, 4_000_000_000])
    pace = Pace(lambda: next(times))
    assert pace.look(Standing({}, 1_000, 0.5)) == (0.0, None)
    assert pace.look(Standing({}, 5_000, 0.75)) == (2_000.0, 2.0)
    assert pace.look(Standing({}, 9_000, 1.0)) == (2_000.0, 0.0)
