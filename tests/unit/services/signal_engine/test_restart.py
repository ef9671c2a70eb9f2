"""Killed at any message and any commit, the engine ends where it ends undisturbed."""

import random
from collections.abc import Callable

import pytest

from common.domain.orders import Action
from common.domain.reasons import Reason
from common.messages.codec import encode_body
from common.messages.orders import CorporateAction
from common.messages.signals import Signal, Verdict
from tests.builders import table
from tests.signal_rig import FeedTape, Rig, approve, deny, pool
from tests.unit.services.signal_engine.scenes import CLOSES, DAY, NEXT, PREV, A, B, C, K, hand


def story() -> FeedTape:
    """Two days: touches, denials, a gap, a hand order, a lunch bar, an ex-day, a half and a trailing stop."""
    tape = FeedTape()
    tape.open(table(CLOSES), PREV)
    tape.tick("09:25:00", {A: 10.5, B: 20.0, C: 10.6})
    tape.tick("09:30:00", {A: 10.5, B: 20.0, C: 10.6})
    tape.tick("10:00:03", {A: 11.0, C: 11.0})
    tape.tick("10:00:06", {C: 10.9}, hand=[hand("h1")])
    tape.tick("10:00:09", {A: 10.95})
    tape.tick("10:02:00", {}, gap=True)
    tape.tick("10:02:03", {A: 11.0})
    tape.tick("10:02:06", {C: 11.0})  # an edge inside the gap
    tape.tick("10:03:00", {B: 20.4, C: 10.9})
    tape.tick("10:03:03", {C: 11.0})
    tape.tick("11:29:57", {B: 20.5})
    tape.tick("11:30:03", {})
    tape.tick("13:00:00", {B: 20.5, A: 11.0})
    tape.tick("13:05:03", {B: 20.6})
    tape.tick("15:00:00", {B: 20.6})
    ex = table({A: 11.0, B: 20.6, C: 11.0}, day=NEXT, references={A: 10.5, C: 10.9}, cash_e6={A: 500_000, C: 100_000})
    tape.open(ex, DAY)
    tape.tick("09:30:00", {A: 10.7, B: 21.0, C: 10.8})
    tape.tick("09:50:00", {A: 10.4, B: 22.0})
    tape.tick("09:55:03", {B: 21.9})
    tape.tick("10:00:03", {B: 21.2, A: 9.0})
    tape.tick("10:05:03", {B: 21.2})
    tape.tick("15:00:00", {B: 21.2})
    return tape


def judge() -> Callable[[Signal], Verdict]:
    """Deny the first decision on B and on C, approve the rest."""

    def verdict(signal: Signal) -> Verdict:
        if signal.symbol in (B, C) and signal.key.endswith("|0") and signal.action is Action.ENTER:
            return deny(Reason.SLOTS_FULL)(signal)
        return approve(signal)

    return verdict


def make() -> Rig:
    pools = {
        ("limit_up", DAY): pool("limit_up", DAY, {A: {"float_value": 5}, C: {"float_value": 4}}),
        ("bottom_fractal", DAY): pool("bottom_fractal", DAY, {B: K}),
        ("limit_up", NEXT): pool("limit_up", NEXT, {B: {"float_value": 3}}),
        ("bottom_fractal", NEXT): pool("bottom_fractal", NEXT, {C: K}),
    }
    rig = Rig(story(), pools, judge())
    goes_ex = CorporateAction(NEXT, A, 11_000, 10_500, 1000, 1000, 500_000, 10_500_000)
    rig.corporate_actions = lambda day: [goes_ex] if day == NEXT else []  # type: ignore[method-assign]  # booked
    return rig


def ended(rig: Rig) -> tuple[object, ...]:
    """What must be the same: decisions, what is kept, the books, the acknowledgements."""
    signals = [encode_body(signal) for signal in rig.signals]
    books = sorted((s, h.shares, h.cost) for s, h in rig.ledger().positions.items())
    return signals, dict(sorted(rig.disk.kept.items())), books, sorted(set(rig.acks)), list(rig.given)


@pytest.fixture(scope="module")
def undisturbed() -> Rig:
    rig = make()
    rig.play()
    return rig


def test_the_story_has_what_it_promises(undisturbed: Rig) -> None:
    made = [(signal.symbol, signal.action, signal.reason) for signal in undisturbed.signals]
    entries = [
        (signal.symbol, signal.push % 100_000) for signal in undisturbed.signals if signal.action is Action.ENTER
    ]
    assert entries == [(C, 3), (A, 3), (C, 10), (B, 11), (B, 13)]
    assert (A, Action.ENTER, Reason.LIMIT_UP_TOUCH) in made
    assert (A, Action.EXIT, Reason.WEAK_AT_0950) in made
    assert {signal.reason for signal in undisturbed.signals if signal.symbol == B} == {
        Reason.BOTTOM_FRACTAL_CONFIRMED, Reason.TAKE_PROFIT_HALF, Reason.TRAILING_STOP
    }  # fmt: skip
    assert undisturbed.acks[-1] == NEXT * 100_000 + 6


@pytest.mark.parametrize("where", ["message", "before", "after"])
def test_killed_once_at_every_point(undisturbed: Rig, where: str) -> None:
    reached, at = True, 0
    while reached:
        rig, left = make(), [at]

        def strike(point: str, left: list[int] = left) -> bool:
            left[0] -= point == where
            return point == where and left[0] == -1

        rig.crash = strike
        rig.play()
        reached = rig.boots > 1
        assert ended(rig) == ended(undisturbed), f"killed at {where} {at}"
        at += 1
    assert at > 20


@pytest.mark.parametrize("seed", range(4))
def test_killed_again_and_again(undisturbed: Rig, seed: int) -> None:
    chance, rig = random.Random(seed), make()
    rig.crash = lambda point: chance.random() < 0.12
    rig.play()
    assert rig.boots > 20
    assert ended(rig) == ended(undisturbed)
