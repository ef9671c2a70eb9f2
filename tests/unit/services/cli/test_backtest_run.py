"""`backtest run` end to end on a small history: numbers, the kept result, and what is refused in one line."""

import json
from pathlib import Path

import pytest

from common.backtests.store import read_result
from services.cli import backtest_run
from services.cli.home import Home
from services.cli.session import Session
from tests.unit.services.backtest_worker.minutes import DAYS, FIRST, LAST, make
from tests.unit.services.cli.fakes import run

SPAN = f"--from {FIRST} --to {LAST}"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("home")
    make(Home(made).history)
    return made


def test_a_run_prints_its_statistics_and_keeps_its_result(home: Path) -> None:
    result, link = run(home, f"backtest run limit_up {SPAN} --json")
    assert result.exit_code == 0, result.output
    assert link.asked == []
    found = json.loads(result.stdout)
    assert {row["side"] for row in found["fills"]} == {"BUY", "SELL"}
    assert found["inputs"]["engine"] == "compiled"
    stored = read_result(Path(found["folder"]))
    assert [fill.symbol for fill in stored.result.fills] == [row["symbol"] for row in found["fills"]]
    assert len(stored.others) == 2
    assert {candle.symbol for candle in stored.candles} == {row["symbol"] for row in found["fills"]}
    assert [candle.day for candle in stored.candles] == DAYS[80:84]
    assert all((candle.second, candle.close) == (0, 10_000) for candle in stored.candles)
    told, _ = run(home, f"backtest run limit_up {SPAN} --verdict optimistic --slots 2 --cash 500000", lang="zh")
    assert told.exit_code == 0, told.output
    assert "结果在" in told.stdout
    assert "判定 pessimistic" in told.stdout


def test_a_verdict_alone_gives_the_deals_it_gives_beside_the_others(home: Path) -> None:
    asked = f"backtest run limit_up {SPAN} --verdict pessimistic --json"
    beside, alone = (json.loads(run(home, asked + more)[0].stdout) for more in ("", " --alone"))
    assert alone["fills"] == beside["fills"] != []
    assert alone["statistics"] == beside["statistics"]
    assert alone["inputs"]["verdict"] == "pessimistic"
    assert read_result(Path(alone["folder"])).others == []
    assert len(read_result(Path(beside["folder"])).others) == 2


def test_parameters_are_set_and_checked(home: Path) -> None:
    found = json.loads(run(home, f"backtest run limit_up {SPAN} --set stop_bp=9000 --json")[0].stdout)
    assert found["inputs"]["params"]["stop_bp"] == 9_000
    assert found["fills"][-1]["reason"] != "STOP_LOSS"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (f"nope {SPAN}", "no rule nope"),
        (f"limit_up --from {LAST} --to {FIRST}", "comes after"),
        (f"limit_up {SPAN} --set stop_bp", "no NAME=VALUE"),
        (f"limit_up {SPAN} --set nope=3", "nope"),
        (f"limit_up {SPAN} --set stop_bp=0", "stop_bp"),
        (f"limit_up {SPAN} --screen-set nope=3", "nope"),
        (f"limit_up {SPAN} --engine fast", "fast"),
        ("limit_up --from 2031-01-06 --to 2031-01-07", "no trading day"),
        (f"limit_up {SPAN} --days .", "--engine pipeline"),
        (f"limit_up {SPAN} --engine pipeline --days /nowhere", "/nowhere"),
        (f"limit_up {SPAN} --engine pipeline --minutes 5", "--minutes"),
        ("limit_up --from yesterday --to 2031-01-07", "yesterday"),
        (f"limit_up {SPAN} --history /nowhere", "/nowhere"),
    ],
)
def test_bad_input_is_one_line(home: Path, args: str, words: str) -> None:
    result, _ = run(home, f"backtest run {args}")
    assert result.exit_code == 2, result.output
    assert words in result.output


def test_screen_options_reach_the_screen_that_a_rule_of_ones_own_borrows(tmp_path: Path, home: Path) -> None:
    import shutil

    shutil.copytree(Home(home).history, Home(tmp_path).history)
    Home(tmp_path).rules.mkdir()
    shutil.copy(Path(__file__).parents[4] / "docs/examples/early_strength.py", Home(tmp_path).rules)
    Home(tmp_path).config.write_text('[rules.early_strength]\nscreen = "limit_up"\n', encoding="utf-8")
    asked = backtest_run.Asked(
        "early_strength", DAYS[80], DAYS[81], screen_sets=("amplitude_bp_max=77",), st_unknown="allow"
    )
    screen = backtest_run.make_job(Session("en", Home(tmp_path)), asked).screen
    assert (screen.name, screen.allows_unknown_st) == ("early_strength", True)
    assert [check.values["amplitude_bp_max"] for check in screen.checks if check.condition.name == "amplitude"] == [77]


def test_a_rule_of_bars_needs_its_bars(tmp_path: Path, home: Path) -> None:
    import shutil

    shutil.copytree(Home(home).history, Home(tmp_path).history)
    shutil.rmtree(Home(tmp_path).history / "minute5")
    result, _ = run(tmp_path, f"backtest run bottom_fractal {SPAN}")
    assert result.exit_code == 2
    assert "minute bars" in result.output
    assert backtest_run.FOLDER == "backtests"


def test_the_pipeline_engine_plays_tapes(tmp_path: Path) -> None:
    from common.history.synthetic.market import make_market
    from common.history.synthetic.params import PLAYED_DAYS, MarketParams

    market = make_market(tmp_path / "market", MarketParams(stocks=60, interval_s=30))
    folder = market.history.parent
    first, last = PLAYED_DAYS[0], PLAYED_DAYS[1]
    result, _ = run(
        tmp_path, f"backtest run limit_up --engine pipeline --days {folder} --from {first} --to {last} --slots 3 --json"
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["inputs"]["engine"], found["inputs"]["last"]) == ("pipeline", last)
    assert len(found["fills"]) >= 3
    assert {row["rule"] for row in found["fills"]} == {"limit_up"}
    early, _ = run(
        tmp_path, f"backtest run limit_up --engine pipeline --days {folder} --from 2025-01-06 --to 2025-01-07"
    )
    assert early.exit_code == 2
    assert "no tape from 2025-01-06" in early.output
