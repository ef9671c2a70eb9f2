"""Days that make the rules do things."""

from collections.abc import Mapping, Sequence

from common.messages.market import HandOrder
from common.messages.signals import SignalBatch
from tests.builders import table
from tests.signal_rig import FeedTape, Rig, pool

DAY, NEXT, PREV = 20260105, 20260106, 20251231
A, B, C = "600001.SH", "600002.SH", "300003.SZ"
CLOSES = {A: 10.0, B: 20.0, C: 10.0}
K = {"float_value": 5_000_000_000, "k1_high": 21_500, "k1_low": 20_500, "k2_high": 20_300, "k2_low": 19_500}
UP = 11.0
"""Up limit of A."""


def first_day(tape: FeedTape, **changes: object) -> None:
    tape.open(table(CLOSES), PREV, **changes)


def touch(tape: FeedTape) -> None:
    """A touches its limit of 11.00 at 10:00:03."""
    tape.tick("09:30:00", {A: 10.5})
    tape.tick("10:00:00", {A: 10.9})
    tape.tick("10:00:03", {A: UP})


def lift(tape: FeedTape) -> None:
    """B lifts off its bottom bar within the bar that ends 10:05."""
    tape.tick("09:30:00", {B: 20.0})
    tape.tick("10:00:00", {B: 20.1})
    tape.tick("10:03:00", {B: 20.4})
    tape.tick("10:05:03", {B: 20.4})


def next_day(tape: FeedTape, closes: Mapping[str, float], ticks: Sequence[tuple[str, Mapping[str, float]]]) -> None:
    tape.open(table(closes, day=NEXT), DAY)
    for at, prices in ticks:
        tape.tick(at, prices)


def limit_up_rig(tape: FeedTape, **changes: object) -> Rig:
    pools = {("limit_up", DAY): pool("limit_up", DAY, {A: {"float_value": 5}, C: {"float_value": 4}})}
    return Rig(tape, pools, rules=("limit_up",), **changes)  # type: ignore[arg-type]  # forwarded by name


def fractal_rig(tape: FeedTape, **changes: object) -> Rig:
    pools = {("bottom_fractal", DAY): pool("bottom_fractal", DAY, {B: K})}
    return Rig(tape, pools, rules=("bottom_fractal",), **changes)  # type: ignore[arg-type]  # as above


def hand(key: str) -> HandOrder:
    return HandOrder(key, 1, C, 100, 0)


def batches(rig: Rig) -> list[SignalBatch]:
    return [request.message for request in rig.asked if isinstance(request.message, SignalBatch)]
