"""The paper exchange inside the gateway: queues over pushes and restarts, verdicts, auctions, bad snapshots."""

import pytest

from common.domain.orders import OrderState
from common.domain.values import Side
from common.messages.codec import encode_body
from common.messages.kept import QueuePlaces
from common.messages.market import InstrumentFlag
from common.messages.orders import OrderExpired, OrderFilled
from common.rules.matching import FillVerdict
from services.order_gateway.adapters.paper import PaperSettings
from services.order_gateway.calls import MatchPush
from tests.builders import DAY, PREV_DAY, Quote, table
from tests.gateway_rig import CrashError, Rig, Tape

A, B = "600001.SH", "600002.SH"
UP = 22.0
EXPECTED = PaperSettings()


def sealed(volume: int, queue: int = 2_000) -> Quote:
    """Return a board sealed at 22.00; some feeds leave the ask at price 0, as ours does."""
    return Quote(UP, bid=[(UP, queue), (UP - 0.01, 100)], volume=volume)


def calm(last: float, volume: int, bid: int = 1_000) -> Quote:
    """Return a book around 9.99; whatever was traded was traded at 9.99."""
    return Quote(last, bid=[(9.99, bid), (9.98, 500)], ask=[(10.0, 700)], volume=volume, turnover=9.99 * volume)


def tape() -> Tape:
    """A queue of 2,000 at the limit and one of 1,000 at 9.99; both are eaten by and by."""
    made = Tape()
    made.open(table({A: 10.0, B: 20.0}), PREV_DAY)
    made.push(1, "09:30:03", {A: calm(10.0, 5_000), B: sealed(8_000)})
    made.push(2, "09:30:06", {A: calm(9.99, 5_400, 700), B: sealed(8_900, 5_000)})
    made.push(3, "09:30:09", {B: sealed(9_500, 9_000)})
    made.push(4, "09:30:12", {A: calm(9.99, 6_100, 900)})
    made.push(5, "09:30:15", {A: calm(9.99, 6_500, 900), B: sealed(10_300, 9_000)})
    made.push(6, "09:30:18", {B: sealed(10_900, 9_000)})
    made.push(7, "15:00:00", {A: calm(10.0, 9_000), B: sealed(11_000, 9_000)})
    return made


def run(rig: Rig) -> Rig:
    """Play the day: both orders are sent in push 1; whoever died is started again and goes on."""
    while rig.at + 1 < len(rig.tape.pushes):
        alive(rig, rig.play)
        if rig.at == 1:
            for order in (rig.order("b", B, 500, UP), rig.order("a", A, 400, 9.99)):
                while order.coid not in rig.core.books.submitted:
                    alive(rig, lambda order=order: rig.submit(order))
    return rig


def alive(rig: Rig, step) -> None:  # type: ignore[no-untyped-def]  # a test's step
    try:
        step()
    except CrashError:
        rig.boot()


def fills(rig: Rig, symbol: str) -> list[tuple[int, int]]:
    """Return (push, shares) of a stock's deals."""
    return [
        (row.push % 100, row.event.shares)
        for row in rig.rows
        if isinstance(row.event, OrderFilled) and row.event.symbol == symbol
    ]


UNDISTURBED = run(Rig(tape=tape()))


def test_queues_are_eaten_push_by_push() -> None:
    """2,000 ahead at the limit: 900, 600 and 800 are traded. 1,000 ahead at 9.99, then no more than the 700 shown."""
    assert fills(UNDISTURBED, B) == [(5, 300), (6, 200)]
    assert fills(UNDISTURBED, A) == [(4, 100), (5, 300)]
    assert {fill.price for fill in UNDISTURBED.events(OrderFilled)} == {22_000, 9_990}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("verdict", "limit_fills"),
    [(FillVerdict.PESSIMISTIC, []), (FillVerdict.EXPECTED, [(5, 300), (6, 200)]), (FillVerdict.OPTIMISTIC, [(2, 500)])],
)
def test_the_verdict_decides_only_at_the_limit(verdict: FillVerdict, limit_fills: list[tuple[int, int]]) -> None:
    rig = run(Rig(tape=tape(), paper=PaperSettings(verdict)))
    assert fills(rig, B) == limit_fills
    assert fills(rig, A) == [(4, 100), (5, 300)]
    assert len(rig.events(OrderExpired)) == (verdict is FillVerdict.PESSIMISTIC)


def test_cancelled_shares_may_count_as_ahead() -> None:
    """From 1,000 to 700 shown with 400 traded none is seen to cancel; at the limit nobody cancels either."""
    rig = run(Rig(tape=tape(), paper=PaperSettings(cancel_share_bp=10_000)))
    assert fills(rig, B) == fills(UNDISTURBED, B)


@pytest.mark.parametrize("push", range(1, 7))
def test_a_restart_between_pushes_keeps_every_place(push: int) -> None:
    rig = Rig(tape=tape())
    play = rig.play

    def played() -> None:
        play()
        if rig.at == push + 1:
            rig.boot()

    rig.play = played  # type: ignore[method-assign]  # the rig is ours
    run(rig)
    assert rig.boots == 2
    assert rig.disk.rows == UNDISTURBED.disk.rows


@pytest.mark.parametrize("where", ["before", "after", "effect"])
def test_killed_anywhere_the_fills_are_the_same(where: str) -> None:
    expected = [encode_body(row) for row in UNDISTURBED.rows]
    hits = UNDISTURBED.disk.commits if where != "effect" else len(UNDISTURBED.calls)
    for hit in range(1, hits):
        left = [hit]

        def crash(at: str, left: list[int] = left) -> bool:
            left[0] -= at == where
            return at == where and left[0] == 0

        rig = Rig(tape=tape())
        rig.crash = crash
        run(rig)
        assert rig.boots == 2, f"killed {where} {hit}"
        assert rig.disk.rows == expected, f"killed {where} {hit}"


def test_without_the_kept_places_a_restart_would_queue_anew() -> None:
    """What the record is for: the same restart, its record lost."""
    rig = Rig(tape=tape())
    rig.play(2)
    rig.submit(rig.order("b", B, 500, UP))
    rig.play(3)
    rig.disk.kept.pop("queue")
    rig.boot()
    rig.play(2)
    assert fills(rig, B) == []


def test_a_push_that_moves_no_queue_writes_nothing() -> None:
    rig = Rig(tape=tape())
    rig.play(2)
    rig.submit(rig.order("b", B, 500, UP))
    commits = rig.disk.commits
    rig.play(3)
    (kept,) = [record for record in rig.disk.load()[1].values() if isinstance(record, QueuePlaces)]
    assert (rig.disk.commits - commits, kept.push % 100) == (2, 3), "push 4 brings nothing of the stock"
    assert [(place.ahead, place.shown) for place in kept.places] == [(500, 9_000)]


# ------------------------------------------------------------------ auctions and suspensions


@pytest.mark.parametrize(
    ("limit", "side", "shares"), [(10.05, Side.BUY, 1_000), (9.95, Side.BUY, 0), (9.99, Side.BUY, 0)]
)
def test_the_closing_auction_fills_at_its_price(limit: float, side: Side, shares: int) -> None:
    made = Tape()
    made.open(table({A: 10.0, B: 20.0}), PREV_DAY)
    made.push(1, "14:56:57", {A: Quote(10.1, bid=[(10.09, 500), (9.99, 9_000)], ask=[(10.1, 500)], volume=5_000)})
    made.push(2, "14:58:00", {A: Quote(9.9, bid=[(9.9, 9_000)], ask=[(9.9, 9_000)], volume=5_000)})
    made.push(3, "15:00:00", {A: Quote(9.99, bid=[(9.99, 300)], ask=[(10.0, 500)], volume=9_000, turnover=90_500)})
    rig = Rig(tape=made)
    rig.play(2)
    rig.submit(rig.order("k", A, 1_000, limit, side))
    rig.play(2)
    assert fills(rig, A) == ([(3, shares)] if shares else [])
    assert {fill.price for fill in rig.events(OrderFilled)} <= {9_990}  # type: ignore[union-attr]
    assert rig.core.status()[2]["book_defects"] == 0, "an auction's own book is crossed by design"


def test_a_stock_suspended_during_the_day_fills_nothing() -> None:
    made = Tape()
    made.open(table({A: 10.0, B: 20.0}, flags={A: InstrumentFlag.SUSPENDED}), PREV_DAY)
    made.push(1, "09:30:03", {A: calm(10.0, 5_000)})
    made.push(2, "09:30:06", {A: calm(9.0, 9_000)})
    rig = Rig(tape=made)
    rig.play(2)
    rig.submit(rig.order("k", A, 1_000, 10.0))
    rig.play()
    assert fills(rig, A) == []


# ------------------------------------------------------------------ bad snapshots

BAD = {
    "crossed": Quote(10.0, bid=[(10.01, 900)], ask=[(10.0, 900)], volume=9_000),
    "off_tick": Quote(9.995, bid=[(9.99, 900)], ask=[(9.999, 900)], volume=9_000),
    "outside_band": Quote(1.0, bid=[(0.99, 900)], ask=[(1.0, 90_000)], volume=9_000),
    "volume_fell": Quote(9.9, bid=[(9.89, 900)], ask=[(9.9, 900)], volume=4_000, turnover=40_000),
    "disordered": Quote(9.9, bid=[(9.88, 900), (9.89, 900)], ask=[(9.9, 900)], volume=9_000),
    "negative": Quote(9.9, bid=[(9.89, -900)], ask=[(9.9, 900)], volume=9_000),
}


@pytest.mark.parametrize("defect", sorted(BAD))
def test_a_bad_snapshot_is_counted_and_moves_nothing(defect: str) -> None:
    made = Tape()
    made.open(table({A: 10.0, B: 20.0}), PREV_DAY)
    made.push(1, "09:30:03", {A: calm(10.0, 5_000)})
    made.push(2, "09:30:06", {A: BAD[defect]})
    made.push(3, "09:30:09", {A: BAD["crossed"]})
    made.push(4, "09:30:12", {A: calm(9.98, 20_000)})
    made.push(5, "09:30:15", {A: calm(9.98, 22_000)})
    rig = Rig(tape=made)
    rig.play(2)
    rig.submit(rig.order("k", A, 1_000, 9.99))
    rig.play()
    assert any(isinstance(call, MatchPush) for call in rig.calls)
    assert fills(rig, A) == []
    assert rig.ledger.order(rig.order("k", A, 1, 1).coid).state is OrderState.WORKING
    numbers = rig.core.status()[2]
    assert (numbers["book_defects"], numbers[f"book_defect_{defect}"]) == (1, 1)
    assert rig.core.status()[3]["book_defects"] == f"{defect} 1"
    assert rig.logged.count("snapshot passed over") == 1
    rig.boot()
    rig.play(2)
    assert fills(rig, A) == [], "what was traded since a snapshot that was passed over is not known"
    rig.play()
    assert fills(rig, A) == [(5, 1_000)]


def test_an_order_that_meets_a_bad_book_rests_and_waits_for_a_good_one() -> None:
    made = Tape()
    made.open(table({A: 10.0, B: 20.0}), PREV_DAY)
    made.push(1, "09:30:03", {A: BAD["disordered"]})
    made.push(2, "09:30:06", {A: calm(9.99, 9_500, 600)})
    made.push(3, "09:30:09", {A: calm(9.99, 10_300, 600)})
    rig = Rig(tape=made)
    rig.play(2)
    rig.submit(rig.order("k", A, 500, 9.99))
    assert rig.core.status()[2]["book_defect_disordered"] == 1
    rig.play(2)
    assert fills(rig, A) == [(3, 200)], "behind the 600 that the first good snapshot showed"
    assert rig.tape.pushes[0][-1].day == DAY  # type: ignore[union-attr]
