"""A made-up year: sound by the project's own check, the same for the same seed, and something happens in it."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from common.domain.errors import UserError
from common.history.check import FAULT, check_history
from common.history.columns import MinuteColumns
from common.history.daily import History
from common.history.store import read_manifest
from common.history.synthetic.year import LABELS, WARM_UP, YearParams, make_year
from services.backtest_worker.bars import labels_of
from services.cli.app import cli

SMALL = YearParams(stocks=60, sessions=40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("year") / "history"
    make_year(made, SMALL)
    return made


def test_the_check_finds_no_fault(folder: Path) -> None:
    found = check_history(folder, 20260330, lambda *_: None)
    assert [each for each in found if each.severity == FAULT] == []


def test_the_same_seed_is_the_same_market(folder: Path, tmp_path: Path) -> None:
    assert make_year(tmp_path / "again", SMALL) == (20260126, 20260330)
    assert read_manifest(tmp_path / "again") == read_manifest(folder)
    make_year(tmp_path / "other", SMALL._replace(seed=8))
    assert read_manifest(tmp_path / "other") != read_manifest(folder)


def test_days_and_minutes_agree_and_limits_are_met(folder: Path) -> None:
    assert labels_of(300) == LABELS
    history = History(folder)
    days = history.calendar().between(20260126, 20260330)
    assert len(days) == SMALL.sessions
    rows = history.traded(20260331, days[0])
    (part, *_rest) = MinuteColumns(folder, 5).between(history.symbols, days[0], days[0])
    first = rows.take(rows.day == days[0])
    traded = first.symbol[first.columns["close"] > 0].tolist()
    assert len(part.start) == len(traded) > 50
    for at in range(len(part.start)):
        row = int(np.flatnonzero(first.symbol == part.symbol[at])[0])
        bars = part.bars(at)
        told = [bars["open"][0], bars["high"].max(), bars["low"].min(), bars["close"][-1], bars["volume"].sum()]
        assert [int(each) for each in told] == [
            int(first.columns[name][row]) for name in ("open", "high", "low", "close", "volume")
        ]
    up = (rows.columns["up_limit"] > 0) & (rows.columns["high"] == rows.columns["up_limit"])
    sealed = up & (rows.columns["close"] == rows.columns["up_limit"])
    assert 0 < sealed.sum() < up.sum() < len(rows.day) // 20
    assert (rows.columns["suspended"] > 0).any()
    assert len(history.ex_events(20260331)) > 0
    assert len(history.st_intervals(20260330)) > 0
    assert WARM_UP >= 60


@pytest.mark.parametrize(
    ("params", "named"), [(YearParams(stocks=5), "stocks = 5"), (YearParams(sessions=900), "sessions = 900")]
)
def test_sizes_out_of_range_are_named(tmp_path: Path, params: YearParams, named: str) -> None:
    with pytest.raises(UserError, match=named):
        make_year(tmp_path / "no", params)
    assert not (tmp_path / "no").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(UserError, match="is not empty"):
        make_year(tmp_path, SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_command_makes_it_and_says_how_to_use_it(tmp_path: Path) -> None:
    done = CliRunner(env={"PANKOU_HOME": str(tmp_path / "home"), "PANKOU_LANG": "en"}).invoke(
        cli, ["data", "synthetic", str(tmp_path / "year"), "--stocks", "20", "--sessions", "5"]
    )
    assert done.exit_code == 0, done.output
    assert "pankou backtest run limit_up --history" in done.output
    assert done.output.count("\n") <= 7, "a line every quarter"
