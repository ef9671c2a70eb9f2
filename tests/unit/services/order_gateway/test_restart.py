"""A scripted scenario of three days, killed before and after every single commit: the journal ends the same, row by row."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from common.domain.positions import Ledger
from common.domain.reasons import Reason
from common.domain.values import Side
from common.messages.codec import encode_body
from common.messages.fold import fold
from common.messages.header import Role
from common.messages.orders import (
    CancelOrder,
    CorporateAction,
    Denied,
    Event,
    Journalled,
    OpenRequest,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderInDoubt,
    OrderRejected,
    OrderSubmitted,
    PositionWrittenOff,
    VerdictGiven,
)
from common.messages.outputs import Message
from common.messages.signals import Verdict, VerdictStatus
from services.order_gateway.calls import Submit
from services.order_gateway.settings import Settings
from tests.builders import DAY, PREV_DAY, Quote, table
from tests.gateway_rig import CrashError, Rig, Tape

A, B, C = "600001.SH", "300003.SZ", "600005.SH"
NEXT = 20260106
LAST = 20260107


class Ask(NamedTuple):
    """Something asked in a push, and who asks."""

    make: Callable[[Rig], Message]
    role: Role = Role.RISK


def book(last: float, bid: int, ask: int, volume: int) -> Quote:
    return Quote(last, bid=[(last - 0.01, bid)], ask=[(last, ask)], volume=volume)


def tape() -> Tape:
    made = Tape()
    made.open(table({A: 10.0, B: 20.0, C: 5.0}), PREV_DAY)
    made.push(1, "09:30:03", {A: book(10.0, 500, 300, 1_000), B: Quote(21.9, bid=[(21.9, 100)], ask=[(22.0, 100)])})
    made.push(2, "09:30:06", {A: book(10.0, 500, 400, 1_500), C: book(5.0, 900, 900, 500)})
    made.push(3, "09:30:09", {A: book(9.98, 500, 900, 3_000)})
    made.push(4, "09:30:12", {C: book(4.95, 900, 900, 700)})
    made.push(5, "15:00:00", {A: book(10.2, 500, 300, 9_000)})
    made.open(
        table({A: 10.2, B: 22.0, C: 5.0}, day=NEXT, references={A: 9.0}, bonus_e6={A: 100_000}, cash_e6={A: 300_000},
              profit_e6={A: 100_000}),
        DAY,
    )  # fmt: skip
    made.push(1, "09:30:03", {A: book(9.0, 500, 300, 1_000)})
    made.push(2, "09:30:06", {A: book(8.95, 400, 300, 2_000)})
    made.push(3, "15:00:00", {A: book(8.9, 400, 300, 3_000)})
    made.open(table({A: 8.9, C: 5.0}, day=LAST, delisted=[B]), NEXT)
    made.push(1, "15:00:00", {A: book(8.8, 400, 300, 1_000)})
    return made


def order(key: str, symbol: str, shares: int, price: float, side: Side = Side.BUY) -> Ask:
    return Ask(lambda rig: rig.order(key, symbol, shares, price, side))


def cancel(key: str, of: str) -> Ask:
    def make(rig: Rig) -> Message:
        found = next(o for o in rig.ledger.orders.values() if o.key == of)
        return CancelOrder(key, found.coid, rig.order("x", A, 1, 1).push, Reason.REPRICE)

    return Ask(make)


SCRIPT: dict[int, list[Ask]] = {
    1: [order("buy-a", A, 1_000, 10.0), order("odd", A, 150, 10.0), order("seal-b", B, 500, 22.0)],
    2: [order("buy-c", C, 500, 5.0), Ask(lambda rig: OpenRequest("hand", C, 100, 5_000), Role.OPERATOR)],
    3: [cancel("cancel-b", "seal-b"), order("low-c", C, 100, 4.9), order("rich", A, 90_000_000, 10.0)],
    4: [order("rest-c", C, 2_000, 4.92)],
    7: [order("sell-a", A, 1_100, 8.99, Side.SELL), order("unsold", B, 100, 20.0, Side.SELL)],
    8: [order("sell-c", C, 500, 4.95, Side.SELL), cancel("cancel-c", "sell-c")],
}


def final(request: Message) -> Verdict:
    return Verdict(request.key, VerdictStatus.APPROVED, coid="C")  # type: ignore[attr-defined]


def play(rig: Rig) -> None:
    """Play the scenario; whoever asks asks again until there is an answer, as risk and the CLI do."""
    rig.risk = final
    down = False
    while rig.at + 1 < len(rig.tape.pushes):
        at = rig.at + 1
        try:
            if down:  # the player went on while we were away
                rig.at, down = at, False
                rig.boot()
            else:
                rig.play()
        except CrashError:
            rig.boot()
        assert rig.at == at
        for ask in SCRIPT.get(at, []):
            if down:
                rig.boot()
            down = asked(rig, ask)


def asked(rig: Rig, ask: Ask) -> bool:
    """Ask until there is an answer; tells whether the gateway died after giving it."""
    while True:
        try:
            answer, died = rig.ask(ask.make(rig), ask.role), False
        except CrashError:
            answer, died = rig.replies.get(f"q{rig.asked}", [None])[-1], True
        if answer is not None:
            assert isinstance(answer, Journalled | Denied | Verdict)
            return died
        rig.boot()


def undisturbed() -> Rig:
    rig = Rig(tape=tape())
    play(rig)
    return rig


UNDISTURBED = undisturbed()


def killed_at(where: str, hit: int, again: int = 0) -> Rig:
    """Return a gateway that died at commit `hit` (and once more at its `again`-th commit after that)."""
    left = [hit, again]

    def crash(at: str) -> bool:
        if at != where or not left:
            return False
        left[0] -= 1
        if left[0] > 0:
            return False
        left.pop(0)
        if left and left[0] == 0:
            left.clear()
        return True

    rig = Rig(tape=tape())
    rig.crash = crash
    play(rig)
    return rig


def test_the_scenario_contains_what_it_is_about() -> None:
    counts: dict[type[Event], int] = {}
    for row in UNDISTURBED.rows:
        counts[type(row.event)] = counts.get(type(row.event), 0) + 1
    assert counts[OrderFilled] >= 6
    assert counts[OrderExpired] >= 2
    assert (counts[OrderCancelled], counts[CorporateAction], counts[VerdictGiven]) == (2, 1, 1)
    (gone,) = UNDISTURBED.events(PositionWrittenOff)
    assert (gone.symbol, gone.shares, gone.last, gone.cash) == (B, 100, 22_000, 0)  # type: ignore[union-attr]
    # 1,000 shares got 0.30 yuan and 0.1 bonus shares out of profit: 400 yuan, half of it taxed at 20 % with 500 shares.
    taxed = [(fill.shares, fill.tax) for fill in UNDISTURBED.events(OrderFilled) if fill.side == Side.SELL]  # type: ignore[union-attr]
    assert taxed == [(500, 40_000)]
    denied = [row.event.key for row in UNDISTURBED.rows if type(row.event).__name__ == "IntentDenied"]  # type: ignore[union-attr]
    assert denied == ["odd", "rich", "unsold"]
    sealed_fills = [fill for fill in UNDISTURBED.events(OrderFilled) if fill.symbol == B]  # type: ignore[union-attr]
    assert [fill.shares for fill in sealed_fills] == [100]  # type: ignore[union-attr]
    assert UNDISTURBED.disk.commits > 25


def test_folding_the_rows_gives_the_books() -> None:
    ledger = Ledger()
    for row in UNDISTURBED.rows:
        fold(ledger, row.event)
    assert ledger == UNDISTURBED.ledger


@pytest.mark.parametrize("where", ["before", "after"])
def test_killed_at_every_commit_the_journal_ends_the_same(where: str) -> None:
    expected = [encode_body(row) for row in UNDISTURBED.rows]
    commits = UNDISTURBED.disk.commits
    for hit in range(1, commits):
        rig = killed_at(where, hit)
        assert rig.boots == 2, f"killed {where} commit {hit}"
        assert rig.disk.rows == expected, f"killed {where} commit {hit}"
        assert rig.ledger == UNDISTURBED.ledger
        assert len([call for call in rig.calls if isinstance(call, Submit)]) >= len(rig.ledger.orders)


def test_killed_before_every_effect_and_the_player_goes_on_the_journal_ends_the_same() -> None:
    expected = [encode_body(row) for row in UNDISTURBED.rows]
    for hit in range(1, len(UNDISTURBED.calls)):  # the first call was made before anything could die
        rig = killed_at("effect", hit)
        assert rig.boots == 2, f"killed before effect {hit}"
        assert rig.disk.rows == expected, f"killed before effect {hit}"
        rig = killed_at("effect", hit, again=2)
        assert rig.disk.rows == expected, f"killed before effect {hit} and again"


def test_killed_again_during_the_recovery() -> None:
    expected = [encode_body(row) for row in UNDISTURBED.rows]
    for where in ("before", "after"):
        for hit in range(2, UNDISTURBED.disk.commits - 2, 3):
            rig = killed_at(where, hit, again=1)
            assert rig.boots == 3, f"killed {where} commit {hit} and the next"
            assert rig.disk.rows == expected, f"killed {where} commit {hit} and the next"


def lost_between(rig: Rig) -> Rig:
    """Kill the gateway between the commit of SENDING and the broker, and let the player go on meanwhile."""
    hits = [0]

    def crash(at: str) -> bool:
        hits[0] += at == "after"
        return hits[0] == 1

    rig.crash = crash
    with pytest.raises(CrashError):
        rig.ask(rig.order("buy-a", A, 1_000, 10.0), Role.RISK)
    rig.crash = lambda at: False
    return rig


def test_an_order_that_was_journalled_and_not_sent_meets_the_book_of_its_push() -> None:
    rig = Rig(tape=tape())
    rig.play(2)
    lost_between(rig)
    rig.at += 1  # risk had its answer, so the player went on to the next push before we came back
    rig.boot()
    rows = [(row.push % 100, row.stage, row.event) for row in rig.rows]
    fills = [(push, stage, event.shares, event.price) for push, stage, event in rows if isinstance(event, OrderFilled)]
    assert fills == [(1, 1, 300, 10_000), (2, 0, 400, 10_000)]
    assert rig.events(OrderFilled)[0].ts_ns == rig.events(OrderSubmitted)[0].order.ts_ns  # type: ignore[union-attr]


def test_an_order_whose_time_passed_while_we_were_away_is_not_sent() -> None:
    rig = Rig(tape=tape())
    rig.play(2)
    lost_between(rig)
    rig.at = 5
    rig.boot()
    (rejected,) = rig.events(OrderRejected)
    assert isinstance(rejected, OrderRejected)
    assert rejected.reason is Reason.EXPIRED
    assert rig.ledger.free_cash == rig.ledger.cash


def test_where_doubt_is_parked_a_person_decides() -> None:
    rig = Rig(Settings(park=True), tape())
    rig.play(2)
    lost_between(rig)
    rig.at += 1
    rig.boot()
    assert len(rig.events(OrderInDoubt)) == 1
    assert rig.events(OrderFilled) == []
    assert rig.ledger.frozen_cash > 0
