"""A full disk: nothing is opened, whatever gets out or takes back still works, fills are recorded."""

from common.domain.orders import OrderState
from common.domain.reasons import Reason
from common.domain.values import Side
from common.messages.header import Role
from common.messages.orders import CancelRequest, Denied, Journalled, OpenRequest, OrderFilled
from common.messages.signals import Verdict, VerdictStatus
from tests.builders import PREV_DAY, Quote, table
from tests.gateway_rig import Rig, Tape

A, B = "600001.SH", "600002.SH"
QUOTE = {"bid": [(9.99, 500)], "ask": [(10.0, 1000)]}
NEXT_DAY = 20260106


def test_a_full_disk_opens_nothing_and_still_gets_out() -> None:
    tape = Tape()
    tape.open(table({A: 10.0, B: 10.0}), PREV_DAY)
    tape.push(1, "09:30:03", {A: Quote(10.0, **QUOTE), B: Quote(10.0, **QUOTE)})
    tape.push(2, "15:00:00", {A: Quote(10.0, **QUOTE), B: Quote(10.0, **QUOTE)})
    tape.open(table({A: 10.0, B: 10.0}, day=NEXT_DAY), 20260105)
    tape.push(1, "09:30:03", {A: Quote(10.0, **QUOTE), B: Quote(10.0, **QUOTE)})
    tape.push(2, "09:30:06", {A: Quote(10.0, **QUOTE, volume=2000)})
    rig = Rig(tape=tape)
    rig.play(2)
    rig.submit(rig.order("held", A, 500, 10.0))
    rig.play(3)
    resting = rig.order("resting", B, 100, 9.9)
    assert rig.submit(resting) == Journalled("resting", resting.coid)

    assert rig.core.on_disk(True, rig.now_ns) == []
    refused = rig.order("new", B, 100, 10.0)
    answer = rig.submit(refused)
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.DISK_FULL
    assert rig.submit(refused) == answer, "its final answer"
    by_hand = rig.ask(OpenRequest("hand", A, 100))
    assert isinstance(by_hand, Verdict)
    assert (by_hand.status, by_hand.reason) == (VerdictStatus.DENIED, Reason.DISK_FULL)

    out = rig.order("out", A, 500, 9.99, Side.SELL)
    assert rig.submit(out) == Journalled("out", out.coid)
    assert sum(fill.shares for fill in rig.events(OrderFilled) if fill.coid == out.coid) == 500  # type: ignore[union-attr]  # only fills
    assert rig.ask(CancelRequest("stop", resting.coid), Role.OPERATOR) == Journalled("stop", resting.coid)
    assert rig.ledger.order(resting.coid).state is OrderState.CANCELLED

    rig.core.on_disk(False, rig.now_ns)
    again = rig.order("again", B, 200, 10.0)
    assert rig.submit(again) == Journalled("again", again.coid)
