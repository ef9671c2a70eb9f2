"""Every exit of both rules through the core, what stands, and an ex-day that is none."""

from collections.abc import Mapping, Sequence

import pytest

from common.domain.orders import Action
from common.domain.reasons import Reason
from common.domain.values import push_id
from common.messages.market import InstrumentFlag
from common.messages.orders import CorporateAction
from common.messages.signals import Signal
from tests.builders import table
from tests.signal_rig import FeedTape, approve, pool
from tests.unit.services.signal_engine.scenes import (
    CLOSES,
    DAY,
    NEXT,
    UP,
    A,
    B,
    C,
    K,
    batches,
    first_day,
    fractal_rig,
    lift,
    limit_up_rig,
    next_day,
    touch,
)


@pytest.fixture
def tape() -> FeedTape:
    made = FeedTape()
    first_day(made)
    return made


LIMIT_UP_EXITS: list[tuple[Reason, Sequence[tuple[str, Mapping[str, float]]]]] = [
    (Reason.STOP_LOSS, [("09:30:00", {A: 10.7}), ("09:30:03", {A: 10.56})]),
    (Reason.WEAK_AT_0950, [("09:30:00", {A: 11.2}), ("09:49:57", {A: 10.9}), ("09:50:00", {A: 10.9})]),
    (Reason.NOT_SEALED_AT_1430, [("09:30:00", {A: 11.2}), ("14:29:57", {A: 11.3}), ("14:30:00", {A: 11.3})]),
]
FRACTAL_EXITS: list[tuple[Sequence[Reason], Sequence[tuple[str, Mapping[str, float]]]]] = [
    ([Reason.STOP_LOSS], [("09:30:00", {B: 20.0}), ("09:34:00", {B: 19.5}), ("09:35:03", {})]),
    ([Reason.TAKE_PROFIT_HALF], [("09:30:00", {B: 21.0}), ("09:34:00", {B: 21.5}), ("09:35:03", {})]),
    (
        [Reason.TAKE_PROFIT_HALF, Reason.TRAILING_STOP],
        [("09:30:00", {B: 22.0}), ("09:35:03", {}), ("09:36:00", {B: 21.3}), ("09:40:03", {}), ("09:45:03", {})],
    ),
]


@pytest.mark.parametrize(("reason", "ticks"), LIMIT_UP_EXITS, ids=[reason.name for reason, _ in LIMIT_UP_EXITS])
def test_exits_of_limit_up(tape: FeedTape, reason: Reason, ticks: Sequence[tuple[str, Mapping[str, float]]]) -> None:
    touch(tape)
    next_day(tape, CLOSES | {A: UP}, ticks)
    rig = limit_up_rig(tape)
    rig.play()
    entry, leave = rig.signals
    assert entry.action is Action.ENTER
    assert (leave.action, leave.reason, leave.fraction_bp) == (Action.EXIT, reason, 10_000)
    assert leave.key == f"limit_up|{NEXT}|{A}|{reason.name}|0"
    assert leave.push == push_id(NEXT, len(ticks))
    assert rig.ledger().positions == {}


@pytest.mark.parametrize(("reasons", "ticks"), FRACTAL_EXITS, ids=[reasons[-1].name for reasons, _ in FRACTAL_EXITS])
def test_exits_of_bottom_fractal(
    tape: FeedTape, reasons: Sequence[Reason], ticks: Sequence[tuple[str, Mapping[str, float]]]
) -> None:
    lift(tape)
    next_day(tape, CLOSES | {B: 20.4}, ticks)
    rig = fractal_rig(tape)
    rig.play()
    assert [signal.reason for signal in rig.signals[1:]] == reasons
    assert rig.signals[1].action is (Action.EXIT if reasons == [Reason.STOP_LOSS] else Action.REDUCE)


def test_exits_come_before_entries(tape: FeedTape) -> None:
    touch(tape)
    next_day(tape, CLOSES | {A: UP}, [("09:30:00", {A: 10.7, C: 10.5}), ("09:30:03", {C: UP, A: 10.0})])
    rig = limit_up_rig(tape)
    rig.pools["limit_up", NEXT] = pool("limit_up", NEXT, {C: {}})
    rig.play()
    assert [(s.symbol, s.action) for s in batches(rig)[-1].signals] == [(A, Action.EXIT), (C, Action.ENTER)]
    assert sorted(rig.kept("memory")) == [f"memory|limit_up|{C}", f"memory|limit_up|{A}"]


def test_what_is_in_no_pool_and_not_held_is_forgotten(tape: FeedTape) -> None:
    tape.tick("09:30:00", {A: 10.5})
    next_day(tape, CLOSES, [("09:30:00", {A: 10.5})])
    rig = limit_up_rig(tape)
    rig.play(1)
    assert len(rig.kept("memory")) == 2
    rig.play()
    assert rig.kept("memory") == {}
    assert rig.core.status()[2]["watched_limit_up"] == 0


def test_a_standing_exit_is_asked_for_once(tape: FeedTape) -> None:
    touch(tape)
    next_day(tape, CLOSES | {A: UP}, [("09:30:00", {A: 10.0}), ("09:30:03", {A: 9.95}), ("14:30:00", {A: 9.92})])
    rig = limit_up_rig(tape, verdict=lambda s: approve(s) if s.action is Action.ENTER else stand(s))
    rig.play()
    assert [signal.reason for signal in rig.signals] == [Reason.LIMIT_UP_TOUCH, Reason.STOP_LOSS]
    assert rig.ledger().positions[A].shares == 1000


def stand(signal: Signal):  # type: ignore[no-untyped-def]  # a verdict that fills nothing
    from msgspec.structs import replace

    return replace(approve(signal), shares=0)


def test_an_ex_day_is_no_loss(tape: FeedTape) -> None:
    """Ten for ten: the price halves, the shares double, the high and the bottom bar follow."""
    lift(tape)
    closes, halved = CLOSES | {B: 20.4}, {B: 10.2}
    ex = table(closes, day=NEXT, references=halved, flags={B: InstrumentFlag.EX_DAY}, bonus_e6={B: 1_000_000})
    tape.open(ex, DAY)
    for at, prices in [("09:30:00", {B: 10.2}), ("09:35:03", {}), ("09:36:00", {B: 10.75}), ("09:40:03", {})]:
        tape.tick(at, prices)
    rig = fractal_rig(tape)
    rig.pools["bottom_fractal", NEXT] = pool("bottom_fractal", NEXT, {A: K, B: K})
    rig.corporate_actions = lambda day: (  # type: ignore[method-assign]  # what the gateway books
        [CorporateAction(NEXT, B, 20_400, 10_200, 1000, 2000, 0, 20_400_000)] if day == NEXT else []
    )
    rig.play()
    assert [signal.reason for signal in rig.signals[1:]] == [Reason.TAKE_PROFIT_HALF]
    memory = rig.kept(f"memory|bottom_fractal|{B}").popitem()[1]
    assert memory.numbers["high"] == 10_750
    assert memory.context["k2_low"] == 9_750
    assert rig.kept(f"memory|bottom_fractal|{A}").popitem()[1].context["k2_low"] == 19_500
