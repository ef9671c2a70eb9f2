"""`pankou tape diff` on runs made in one thread: undisturbed nothing differs, and what was done to a run is named."""

import json
from pathlib import Path

import pytest
from click.testing import Result

from common.domain.values import TradingState, push_id
from common.history.synthetic.market import MarketPaths, make_market
from common.history.synthetic.params import MarketParams
from common.messages.control import StateRequest
from common.messages.orders import CancelRequest, OpenRequest
from common.runtime.config import Account, Config, Feed, Risk
from common.runtime.world import World
from services.cli import diff_text, tape_diff
from tests.recorded_run import Meddle, record_run
from tests.simulation.system import SLOTS
from tests.unit.services.cli.fakes import run

FIRST, SECOND = 20260105, 20260106


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> MarketPaths:
    return make_market(tmp_path_factory.mktemp("market"), MarketParams(stocks=60, interval_s=15))


def made(
    home: Path, market: MarketPaths, days: int = 2, meddle: dict[int, Meddle] | None = None, start: int = 0
) -> World:
    config = Config(
        feed=Feed(hand_script=str(market.hand_script), start_second=start),
        account=Account(rule_slots=dict(SLOTS)),
        risk=Risk(resume_at_start=True),
    )
    return record_run(home / "runs" / "1", config, list(market.tapes[:days]), market.history, meddle)


def diff(home: Path, day: int, *more: str) -> tuple[Result, dict]:
    result, _ = run(home, ["tape", "diff", str(day), "--json", *more])
    return result, json.loads(result.stdout) if result.exit_code in (0, 1) else {}


def test_an_undisturbed_run_is_the_pipelines(tmp_path: Path, market: MarketPaths) -> None:
    made(tmp_path, market)
    for day in (FIRST, SECOND):
        result, found = diff(tmp_path, day)
        assert result.exit_code == 0, result.stderr
        assert found["equal"]
        assert found["finished"]
        assert found["counts"]["fill"]["run"] >= 10
    told, _ = run(tmp_path, "tape diff 2026-01-06")
    assert told.exit_code == 0
    assert "The same, line for line." in told.stdout
    assert "equity at the close" in told.stdout
    assert "完全相同" in run(tmp_path, "tape diff 2026-01-06", lang="zh")[0].stdout


def test_hand_orders_replay_from_the_recording(tmp_path: Path, market: MarketPaths) -> None:
    """Typed by a person while the day went on, not from a script: the recording carries them."""
    when = push_id(FIRST, 300)
    buy = OpenRequest("typed-1", "600109.SH", 100)
    world = made(tmp_path, market, 1, {when: lambda world: world.ask("order_gateway", buy, "typed-1")})
    assert world.answers["typed-1"]
    result, found = diff(tmp_path, FIRST)
    assert result.exit_code == 0, found["differences"]
    names = {row["symbol"] for row in found["differences"]}
    assert names == set()


def test_what_people_do_past_the_tape_is_told_as_theirs(tmp_path: Path, market: MarketPaths) -> None:
    """A queueing buy is cancelled by hand: the day is another one, and the report says whose doing it was."""
    cancelled: list[str] = []

    def cancel(world: World) -> None:
        core = world.nodes["order_gateway"].core
        orders = core.books.ledger.open_orders()  # type: ignore[union-attr]  # a GatewayCore
        coid = next(iter(orders)).coid
        cancelled.append(coid)
        world.ask("order_gateway", CancelRequest("cancel-1", coid), "cancel-1")

    made(tmp_path, market, 1, {push_id(FIRST, 400): cancel})
    result, found = diff(tmp_path, FIRST)
    assert result.exit_code == 1
    by_hand = [row for row in found["differences"] if row["cause"] == "hand"]
    assert {row["key"] for row in by_hand} >= set(cancelled)
    assert "unexplained" not in {row["cause"] for row in found["differences"]}
    assert "ended=cancelled cancelled by hand (HAND_CANCEL)" in run(tmp_path, "tape diff 2026-01-05")[0].stdout
    assert "结束原因=已撤 手工撤单 (HAND_CANCEL)" in run(tmp_path, "tape diff 2026-01-05", lang="zh")[0].stdout


def test_a_halt_is_told_and_the_day_after_starts_from_other_books(tmp_path: Path, market: MarketPaths) -> None:
    halt = StateRequest(TradingState.HALTED, "lunch with the boss")
    go_on = StateRequest(TradingState.ACTIVE, "back")
    made(
        tmp_path, market, 2,
        {
            push_id(FIRST, 10): lambda world: world.ask("risk_manager", halt, "halt"),
            push_id(FIRST, 700): lambda world: world.ask("risk_manager", go_on, "go on"),
        },
    )  # fmt: skip
    result, found = diff(tmp_path, FIRST)
    assert result.exit_code == 1
    causes = {row["cause"] for row in found["differences"]}
    assert "state" in causes
    assert causes <= {"state", "follows"}
    result, found = diff(tmp_path, SECOND)
    assert result.exit_code == 1
    assert "earlier" in {row["cause"] for row in found["differences"]}
    told, _ = run(tmp_path, "tape diff 2026-01-05")
    assert "the trading state" in told.stdout
    assert "follows from an earlier difference" in told.stdout


def test_a_day_that_was_not_finished_is_compared_up_to_its_last_recorded_push(
    tmp_path: Path, market: MarketPaths
) -> None:
    made(tmp_path, market, 1)
    tape = tmp_path / "runs" / "1" / "tapes" / f"{FIRST}.tape"
    raw = tape.read_bytes()
    frames = [at for at in range(len(raw)) if raw.startswith(b"\x28\xb5\x2f\xfd", at)]
    tape.write_bytes(raw[: frames[len(frames) // 2]])
    result, found = diff(tmp_path, FIRST)
    assert result.exit_code == 0, found["differences"]
    assert not found["finished"]
    assert found["counts"]["order"]["run"] >= 1
    assert "compared up to push" in run(tmp_path, "tape diff 2026-01-05")[0].stdout


def test_history_that_is_gone_is_named(tmp_path: Path, market: MarketPaths) -> None:
    """The pools cannot be made again: the day differs, and why is said."""
    made(tmp_path, market, 1)
    config = tmp_path / "runs" / "1" / "config.toml"
    config.write_text(config.read_text("utf-8").replace(str(market.history), str(tmp_path / "gone")), encoding="utf-8")
    result, found = diff(tmp_path, FIRST)
    assert result.exit_code == 1
    assert "pool" in {row["cause"] for row in found["differences"]}
    assert any("pool not ready" in warning for warning in found["warnings"])
    assert "warning while playing" in run(tmp_path, "tape diff 2026-01-05")[0].stdout


def test_bad_input_is_one_line(tmp_path: Path, market: MarketPaths) -> None:
    nothing, _ = run(tmp_path, "tape diff 2026-01-05")
    assert nothing.exit_code == 2
    assert "There is no run 1" in nothing.stderr
    made(tmp_path, market, 1)
    for words, said in (
        ("tape diff 2026-01-07", "has no recording of 2026-01-07; it recorded: 2026-01-05"),
        ("tape diff 2026-01-05 --run 4", "There is no run 4"),
        ("tape diff yesterday", "is no date"),
    ):
        result, _ = run(tmp_path, words)
        assert result.exit_code == 2
        assert said in result.stderr


def test_the_recording_carries_the_script_and_the_slice(tmp_path: Path, market: MarketPaths) -> None:
    config = Config(feed=Feed(hand_script="orders.json", start_second=34_200, end_second=40_000))
    feed = tape_diff.as_recorded(config).feed
    assert (feed.hand_script, feed.start_second, feed.end_second) == ("", 0, 86_400)
    assert diff_text.cause_text("en", _late(3)) == "late data, by 3 pushes"


def _late(pushes: int) -> diff_text.Difference:
    return diff_text.Difference("order", "k", "s", "r", 1, None, None, "late", pushes)
