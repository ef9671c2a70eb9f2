"""The pipeline engine: a whole market in one thread, the same whenever and however often it is played."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from common.backtests.check import faults_of
from common.backtests.result import EventKind, Inputs, Outcome
from common.domain.errors import InvariantError, TapeError, UserError
from common.domain.reasons import Reason
from common.history.synthetic.market import MarketPaths, make_market
from common.history.synthetic.params import MarketParams
from common.messages.control import PushAck
from common.messages.orders import OrderCancelled
from common.messages.outputs import Message, Origin, Output, Tell
from common.runtime.config import Account, Config, Feed
from services.backtest_worker.adapters.pipeline import Pipeline, live_services, pipeline_config, run_pipeline
from services.backtest_worker.journal import result_of
from tests.simulation.system import SLOTS
from tests.simulation.world import Node as SeededNode
from tests.simulation.world import World as SeededWorld

CONFIG = Config(account=Account(rule_slots=dict(SLOTS)))


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> MarketPaths:
    return make_market(tmp_path_factory.mktemp("market"), MarketParams(stocks=60, interval_s=15))


def with_hand(market: MarketPaths) -> Config:
    return replace(CONFIG, feed=Feed(hand_script=str(market.hand_script)))


def test_everything_is_in_the_result(market: MarketPaths) -> None:
    heard: list[tuple[int, int]] = []
    made = run_pipeline(
        market.tapes, market.history, with_hand(market), lambda day, number: heard.append((day, number))
    )
    assert len(made.fills) >= 20
    assert len(made.denied) >= 4
    assert len(made.signals) >= 15
    assert any(isinstance(row.event, OrderCancelled) for row in made.rows)
    assert [row.seq for row in made.rows] == list(range(1, len(made.rows) + 1))
    assert {pool.rule for pool in made.pools} == {"limit_up", "bottom_fractal"}
    assert heard == [(day, number) for number, day in enumerate(made.days, 1)]
    assert len(made.days) == 3
    assert {fill.rule for fill in made.fills} == {"limit_up", "bottom_fractal", "hand"}
    flow = sum((1 if fill.side == 2 else -1) * fill.shares * fill.price - fill.fees for fill in made.fills)
    assert made.account.cash == made.account.start_cash + flow
    assert made == run_pipeline(market.tapes, market.history, with_hand(market)), "played twice, the same twice"


def test_a_run_is_a_result_that_adds_up(market: MarketPaths) -> None:
    made = run_pipeline(market.tapes, market.history, with_hand(market))
    inputs = Inputs(
        "limit_up", {}, {}, made.days[0], made.days[-1], "pipeline", "expected", made.account.start_cash, "test", "d",
        "c", "r",
    )  # fmt: skip
    result = result_of(made, inputs, CONFIG.fees.commission_e7, CONFIG.fees.commission_min)
    assert faults_of(result) == []
    assert len(result.fills) == len(made.fills)
    assert sum(fill.fees for fill in result.fills) == sum(deal.fees for deal in made.fills)
    assert result.equity[-1].cash == made.account.cash
    assert {row.symbol: row.shares for row in result.open_positions} == {
        row.symbol: row.shares for row in made.positions
    }
    assert {event.kind for event in result.events} == {EventKind.EX_DAY}
    refused = {row.reason for row in result.unfilled_rows() if row.outcome is Outcome.REFUSED}
    assert refused == {verdict.reason for verdict in made.denied}
    missed = [row for row in result.unfilled if row.outcome is Outcome.MISSED]
    assert {row.reason for row in missed} == {Reason.CANCEL_AT_TIME}
    assert all(row.filled < row.shares for row in missed)


def test_fees_that_do_not_add_up_are_no_result(market: MarketPaths) -> None:
    made = run_pipeline(market.tapes[:1], market.history, CONFIG)
    inputs = Inputs("r", {}, {}, made.days[0], made.days[0], "pipeline", "expected", 1, "u", "d", "c", "r")
    with pytest.raises(InvariantError, match="fees by kind"):
        result_of(made, inputs, CONFIG.fees.commission_e7 + 1_000, CONFIG.fees.commission_min)


def test_the_order_of_links_changes_nothing(market: MarketPaths) -> None:
    """First come first served is one of the orders a network may have; the seeded world draws another one."""
    config = pipeline_config(market.tapes[:1], market.history, CONFIG)
    made = run_pipeline(market.tapes[:1], market.history, CONFIG)
    world = SeededWorld(3)
    for spec, make in live_services(config):
        world.add(SeededNode(spec.name, make, spec.subscriptions))
    world.start()
    player = world.nodes["market_data"]
    world.run(lambda: player.core.status()[1] == "finished")  # type: ignore[union-attr]  # a PlayerCore
    rows, _ = world.nodes["order_gateway"].disk.load()
    assert tuple(rows) == made.rows
    assert len(made.fills) >= 3


def test_without_history_nothing_is_entered_and_it_is_said(market: MarketPaths, tmp_path: Path) -> None:
    made = run_pipeline(market.tapes[:1], tmp_path / "none", CONFIG)
    assert not made.fills
    assert not made.pools
    assert any("pool not ready" in warning for warning in made.warnings)


def test_a_missing_tape_is_named(market: MarketPaths, tmp_path: Path) -> None:
    with pytest.raises(TapeError, match=r"20260109\.tape"):
        run_pipeline([tmp_path / "20260109.tape"], market.history, CONFIG)
    with pytest.raises(UserError, match="no tapes"):
        run_pipeline([], market.history, CONFIG)


class Deaf:
    """Listens in risk's place and never says that it has done a push."""

    def restore(self, rows: Sequence[Message], kept: dict[str, Message]) -> None:
        pass

    def on_start(self, now_ns: int) -> Sequence[Output]:
        return [Tell("market_data", PushAck("risk_manager", 1))]

    def on_message(self, message: Message, origin: Origin, now_ns: int) -> Sequence[Output]:
        return []

    def on_deadline(self, now_ns: int) -> Sequence[Output]:
        return []

    def next_deadline_ns(self) -> int | None:
        return None


def test_a_service_that_stands_still_is_named(market: MarketPaths) -> None:
    """Books of half a run are no result."""
    pipeline = Pipeline(pipeline_config(market.tapes[:1], market.history, CONFIG), None)
    pipeline.world.nodes["risk_manager"].make = lambda: (Deaf(), None)
    with pytest.raises(InvariantError, match="stands still in push 0 of 20260105: waits for risk_manager"):
        pipeline.play()
