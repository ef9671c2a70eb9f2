"""Every named crash point is reached and changes nothing; the plan reads what it is given."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from common.messages.outputs import Message, Output
from common.messages.signals import SignalBatch
from common.runtime.crash import (
    FIRED_VARIABLE,
    HERE,
    PLAN_VARIABLE,
    POINTS,
    CrashPlan,
    Moment,
    Planned,
    parse_plan,
    planned,
)
from common.runtime.world import Node
from tests.faults.counter_points import ANYWHERE, play_at_counter
from tests.faults.crashpoints import CrashRound
from tests.faults.mini import Deaths, play, undisturbed
from tests.faults.rig import Zygote
from tests.faults.rounds import play as play_rounds
from tests.simulation.system import make_system, played


@pytest.mark.parametrize("point", ANYWHERE)
def test_a_death_at_the_point_changes_nothing(point: str) -> None:
    books, fired = play([Planned(point, 1)])
    assert fired == [point], "a point that is not reached proves nothing"
    assert books == undisturbed()


@pytest.mark.parametrize("plan", ["g10:1", "g11:1", "g10:4", "g11:4", "g10:1,g11:1", "g11:1,g4:1"])
def test_a_death_before_an_order_is_sent_again_changes_nothing(plan: str) -> None:
    planned_deaths = parse_plan(plan)
    bad, fired = play_at_counter(planned_deaths)
    assert fired == [each.point for each in planned_deaths]
    assert bad == ()


@pytest.mark.parametrize(("first", "second"), [("g4", "g6"), ("s2", "r3"), ("r5", "g1"), ("m1", "s1"), ("g8", "r7")])
def test_a_second_death_during_recovery_changes_nothing(first: str, second: str) -> None:
    books, fired = play([Planned(first, 1), Planned(second, 1)])
    assert fired == [first, second]
    assert books == undisturbed()


@pytest.mark.parametrize(("point", "heard"), [("s2", 0), ("s3", 1)])
def test_the_dead_are_heard_as_far_as_they_spoke(point: str, heard: int) -> None:
    """Between s2 and s3 lies the sending: only after it does risk get the decisions while their maker is down."""
    made, _ = make_system(0, shuffle=False)
    deaths = Deaths(made, [Planned(point, 1)])
    from_the_dead = []

    def listen(node: Node, moment: Moment, message: Message | None, outputs: Sequence[Output]) -> None:
        if moment is Moment.READ and isinstance(message, SignalBatch) and made.nodes["signal_engine"].core is None:
            from_the_dead.append(message)
        deaths.on_moment(node, moment, message, outputs)

    made.on_moment = listen
    made.start()
    made.run(lambda: played(made))
    assert len(from_the_dead) == heard


def test_points_of_the_order_protocol_are_all_there() -> None:
    wanted = {*(f"s{n}" for n in range(1, 5)), *(f"r{n}" for n in range(1, 9)), "m1", "m2", "c1", "c2"}
    assert wanted <= {*POINTS, *HERE}
    assert {f"g{n}" for n in range(1, 14)} <= set(POINTS)


def test_a_plan_is_read_and_a_wrong_name_refused() -> None:
    assert parse_plan("g2:3, r7") == (Planned("g2", 3), Planned("r7", 1))
    with pytest.raises(ValueError, match="no crash point g99"):
        parse_plan("g99:1")
    assert planned({}) is None


def test_deaths_follow_one_another_and_hits_count_from_the_death_before(tmp_path: Path) -> None:
    file = tmp_path / "fired"
    environ = {PLAN_VARIABLE: "c1:2,c2:1", FIRED_VARIABLE: str(file)}
    first = planned(environ)
    assert first is not None
    assert [first.passes("c2"), first.passes("c1"), first.passes("c1")] == [False, False, True]
    again = planned(environ)
    assert again is not None
    assert [again.passes("c1"), again.passes("c1"), again.passes("c2"), again.passes("c2")] == [
        False, False, True, False,
    ]  # fmt: skip
    assert file.read_text(encoding="utf-8").splitlines() == ["c1:2", "c2:1"]


def test_only_the_named_service_dies() -> None:
    plan = CrashPlan([Planned("received", 1)])
    assert not plan.dies("risk_manager", Moment.DECIDED, None, ())
    assert plan.fired == []


@pytest.mark.process
@pytest.mark.timeout(100)
def test_real_processes_die_at_the_same_points(tmp_path: Path, zygote: Zygote) -> None:
    plans = [parse_plan(text) for text in ("g3:1,r5:1", "s2:4", "g9:4,m1:1")]
    rounds = play_rounds([CrashRound(tmp_path / str(n), zygote, n, plan) for n, plan in enumerate(plans)])
    assert [each.wrong for each in rounds] == [""] * len(plans)
