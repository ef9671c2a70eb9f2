"""The audit of a journal kept for a counter: orders of others, orders sent again, orders a person settled."""

from msgspec.structs import replace

from common.domain.ids import client_order_id
from common.domain.positions import EXTERNAL_RULE, external_coid
from common.domain.reasons import Reason
from common.domain.values import Side, push_id
from common.messages.header import Trace
from common.messages.orders import (
    AccountOpened,
    DayRolled,
    DealsCounted,
    Event,
    EventRow,
    ExternalOrderSeen,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderInDoubt,
    OrderRejected,
    OrderResolved,
    OrderSentAgain,
    OrderSubmitted,
    PositionFound,
    SubmitOrder,
)
from common.runtime.store import StoredRow
from services.cli.journal.audit import Audited, audit
from services.cli.journal.evidence import evidence_of
from services.cli.journal.life import lives

DAY, A, B = 20260105, "600001.SH", "600002.SH"
PUSH = push_id(DAY, 3)
THEIRS = external_coid(DAY, "7")


def order(number: int, side: Side = Side.BUY, symbol: str = A, shares: int = 300) -> SubmitOrder:
    key = f"limit_up|{DAY}|{symbol}|X|{number}"
    return SubmitOrder(
        client_order_id(DAY, key), key, symbol, side, shares, 10_000, PUSH, 1, 2, "limit_up", Reason.LIMIT_UP_TOUCH
    )


def fill(coid: str, deal: str, shares: int, side: Side = Side.BUY, symbol: str = A, **own: object) -> OrderFilled:
    made = OrderFilled(coid, deal, symbol, side, shares, 10_000, 5_000, 1, EXTERNAL_RULE, Reason.EXTERNAL)
    return replace(made, **own)


def run(*events: Event) -> Audited:
    first = (AccountOpened(1_000_000_000, "live"), DayRolled(DAY, 20251231))
    rows = [EventRow(seq, PUSH, 1, event) for seq, event in enumerate((*first, *events), start=1)]
    return audit([StoredRow(row.seq, row, 0, Trace()) for row in rows], evidence_of([], [], []), None)


def checks(found: Audited) -> list[str]:
    return [each.check for each in found.broken]


SEEN = ExternalOrderSeen(THEIRS, "7", DAY, A, Side.BUY, 300, 10_000, "by phone")


def test_orders_of_others_are_marked_and_counted() -> None:
    found = run(SEEN, fill(THEIRS, "d1", 300))
    assert checks(found) == []
    assert [note.check for note in found.notes] == ["external", "fees_unchecked"]
    (life,) = lives(found, THEIRS, 0)
    assert [step.kind for step in life.steps] == ["external", "filled"]
    assert checks(run(replace(SEEN, coid="X1"))) == ["wrong_id"]
    assert "sent_twice" in checks(run(SEEN, SEEN))


def test_a_position_that_was_there_is_sold_by_others() -> None:
    had = PositionFound(B, 500, 0, 5_000_000)
    sells = ExternalOrderSeen(external_coid(DAY, "8"), "8", DAY, B, Side.SELL, 200, 9_000)
    assert checks(run(had, DealsCounted(("old",)), sells, fill(sells.coid, "d2", 200, Side.SELL, B))) == []
    assert "deal_twice" not in checks(run(had, sells, fill(sells.coid, "d2", 200, Side.SELL, B)))


def test_an_order_is_sent_again_under_its_id() -> None:
    made = order(1)
    sent = OrderSubmitted(made, 3_010_000)
    assert checks(run(sent, OrderSentAgain(made.coid, 2), OrderAccepted(made.coid, "9"))) == []
    assert checks(run(sent, OrderSentAgain(made.coid, 3))) == ["bad_move"]
    assert checks(run(sent, OrderAccepted(made.coid, "9"), OrderSentAgain(made.coid, 2))) == ["bad_move"]


def test_a_person_settles_an_order_in_doubt() -> None:
    made = order(1)
    doubt = (OrderSubmitted(made, 3_010_000), OrderInDoubt(made.coid))
    absent = OrderResolved("k", made.coid, "", "cli", "asked the broker")
    assert checks(run(*doubt, absent, OrderRejected(made.coid, Reason.RESOLVED_ABSENT))) == []
    assert "no_reason" in checks(
        run(*doubt, replace(absent, why=" "), OrderRejected(made.coid, Reason.RESOLVED_ABSENT))
    )
    assert "bad_move" in checks(run(doubt[0], absent))
    adopted = OrderResolved("k", made.coid, "7", "cli", "the broker shows it")
    own = {"rule": made.rule, "cause": made.cause}
    for filled in (0, 100, 300):
        theirs = (SEEN, fill(THEIRS, "d1", filled)) if filled else (SEEN,)
        assert checks(run(*doubt, *theirs, adopted)) == [], filled
    rest = run(*doubt, SEEN, fill(THEIRS, "d1", 100), adopted, fill(made.coid, "d2", 200, **own))
    assert checks(rest) == []
    assert rest.trails[made.coid].filled == 300
    ended = run(*doubt, SEEN, fill(THEIRS, "d1", 100), OrderCancelled(THEIRS, 200, Reason.EXTERNAL), adopted)
    assert checks(ended) == []
    assert rest.trails[made.coid].state.name == "FILLED"
    assert ended.trails[made.coid].state.name == "CANCELLED"
    assert "adopts_another" in checks(run(*doubt, replace(SEEN, symbol=B), adopted))
