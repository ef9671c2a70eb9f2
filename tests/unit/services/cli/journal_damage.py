"""A copy of a run's journal and what can be done to it by hand: each damage with the check that must find it."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from common.domain.reasons import Reason
from common.messages.codec import encode_body
from common.messages.orders import (
    CancelRejected,
    CancelRequest,
    CancelSubmitted,
    DayClosed,
    EventRow,
    IntentDenied,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderInDoubt,
    OrderRejected,
    OrderSubmitted,
)
from common.runtime.store import read_rows
from tests.unit.services.cli.fakes import run


class Journal:
    """A copy of the run's journal, to be damaged."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self) -> list[EventRow]:
        return [row.record for row in read_rows(self.path).rows]  # type: ignore[misc]  # all are events

    def first(self, kind: type, at: int = 0) -> EventRow:
        return [row for row in self.rows() if isinstance(row.event, kind)][at]

    def sql(self, text: str, *values: object) -> None:
        with sqlite3.connect(self.path) as db:
            db.execute(text, values)
        db.close()

    def change(self, row: EventRow, **fields: object) -> int:
        made = replace(row, event=replace(row.event, **fields))
        self.sql("UPDATE journal SET body=? WHERE seq=?", encode_body(made), row.seq)
        return row.seq

    def insert(self, seq: int, event: object) -> int:
        """Put an event in at `seq`, every later row one further: numbered as if it had always been there."""
        rows = self.rows()
        made = [*rows[: seq - 1], replace(rows[seq - 1], event=event), *rows[seq - 1 :]]
        self.rewrite(made)
        return seq

    def rewrite(self, rows: list[EventRow]) -> None:
        with sqlite3.connect(self.path) as db:
            db.execute("DELETE FROM journal")
            for seq, row in enumerate(rows, start=1):
                db.execute("INSERT INTO journal(seq, body) VALUES(?, ?)", (seq, encode_body(replace(row, seq=seq))))
        db.close()

    def audit(self) -> tuple[int, dict]:
        result, _ = run(self.path.parent, ["audit", "journal", "--db", str(self.path), "--json"])
        assert result.exit_code in (0, 1), result.stderr
        return result.exit_code, json.loads(result.stdout)


def change_order(journal: Journal, **fields: object) -> None:
    row = journal.first(OrderSubmitted)
    assert isinstance(row.event, OrderSubmitted)
    journal.change(row, order=replace(row.event.order, **fields))


def change_close(journal: Journal, **fields: object) -> None:
    row = journal.first(DayClosed)
    assert isinstance(row.event, DayClosed)
    journal.change(row, result=replace(row.event.result, **fields))


def after_fill(journal: Journal, kind: type, reason: Reason) -> None:
    fill = journal.first(OrderFilled)
    journal.insert(fill.seq + 1, kind(fill.event.coid, reason))  # type: ignore[union-attr]  # a fill


def ended(journal: Journal) -> str:
    cancelled = journal.first(OrderCancelled).event
    assert isinstance(cancelled, OrderCancelled)
    return cancelled.coid


DAMAGES: dict[str, tuple[str, Callable[[Journal], object]]] = {
    "a fill is deleted": ("hole", lambda j: j.sql("DELETE FROM journal WHERE seq=?", j.first(OrderFilled).seq)),
    "the first row is deleted": ("hole", lambda j: j.sql("DELETE FROM journal WHERE seq=1")),
    "a fill is deleted and the rest renumbered": (
        "close_differs",
        lambda j: j.rewrite([row for row in j.rows() if row.seq != j.first(OrderFilled).seq]),
    ),
    "a fill is doubled": ("deal_twice", lambda j: j.insert(j.first(OrderFilled).seq + 1, j.first(OrderFilled).event)),
    "a fill's price": (
        "fees_wrong",
        lambda j: j.change(j.first(OrderFilled), price=j.first(OrderFilled).event.price - 3000),
    ),
    "a fill at a worse price": (
        "worse_than_limit",
        lambda j: j.change(j.first(OrderFilled), price=j.first(OrderSubmitted).event.order.price + 10),
    ),
    "a fill's fees": ("fees_wrong", lambda j: j.change(j.first(OrderFilled), fees=1)),
    "a fill's shares": (
        "filled_too_much",
        lambda j: j.change(j.first(OrderFilled), shares=j.first(OrderSubmitted).event.order.shares + 100),
    ),
    "a fill's order": ("fill_without_order", lambda j: j.change(j.first(OrderFilled), coid="260105AAAAAAAAAAAAAA")),
    "a fill's stock": ("fill_of_another", lambda j: j.change(j.first(OrderFilled), symbol="600000.SH")),
    "a negative fee": ("bad_fill", lambda j: j.change(j.first(OrderFilled), fees=-5)),
    "an order sent twice": (
        "sent_twice",
        lambda j: j.insert(j.first(OrderSubmitted).seq + 1, j.first(OrderSubmitted).event),
    ),
    "an order's key": ("wrong_id", lambda j: change_order(j, key="limit_up|20260105|600000.SH|X|0")),
    "an order without key": ("no_cause", lambda j: change_order(j, key="")),
    "an order without cause": ("no_cause", lambda j: change_order(j, cause=Reason.NONE)),
    "an order's stock": ("strange_key", lambda j: change_order(j, symbol="600000.SH")),
    "what a buy freezes": ("frozen_wrong", lambda j: j.change(j.first(OrderSubmitted), frozen=5)),
    "an order's price": (
        "frozen_wrong",
        lambda j: change_order(j, price=j.first(OrderSubmitted).event.order.price - 10),
    ),
    "an acceptance of nothing": (
        "unknown_order",
        lambda j: j.change(j.first(OrderAccepted), coid="260105BBBBBBBBBBBBBB"),
    ),
    "a rejection after fills": ("bad_move", lambda j: after_fill(j, OrderRejected, Reason.BROKER_REJECTED)),
    "an end after the end": (
        "bad_move",
        lambda j: j.insert(len(j.rows()), OrderInDoubt(ended(j))),
    ),
    "a cancel of what ended": (
        "cancel_of_ended",
        lambda j: j.insert(len(j.rows()), CancelSubmitted("late", ended(j), Reason.HAND_CANCEL)),
    ),
    "an answer without cancel": (
        "answer_without_cancel",
        lambda j: j.insert(len(j.rows()), CancelRejected("never", ended(j), Reason.ORDER_ENDED)),
    ),
    "the rest of a cancel": ("wrong_rest", lambda j: j.change(j.first(OrderCancelled), left=7)),
    "a denial without reason": ("no_reason", lambda j: j.insert(3, IntentDenied("k", "c", Reason.NONE))),
    "a key denied and sent": (
        "denied_and_sent",
        lambda j: j.insert(
            j.first(OrderSubmitted).seq, IntentDenied(j.first(OrderSubmitted).event.order.key, "", Reason.STALE)
        ),
    ),
    "a push that falls": (
        "push_falls",
        lambda j: j.rewrite([replace(row, push=1) if row.seq == len(j.rows()) - 1 else row for row in j.rows()]),
    ),
    "a row that lies about its number": (
        "wrong_number",
        lambda j: j.sql("UPDATE journal SET body=? WHERE seq=5", encode_body(replace(j.rows()[4], seq=6))),
    ),
    "bytes that are no message": ("damaged", lambda j: j.sql("UPDATE journal SET body=x'93' WHERE seq=5")),
    "a message that is no row": (
        "damaged",
        lambda j: j.sql("UPDATE journal SET body=? WHERE seq=5", encode_body(CancelRequest("k", "c"))),
    ),
    "the cash of a close": ("close_differs", lambda j: change_close(j, cash=1)),
    "the fees of a close": ("close_differs", lambda j: change_close(j, fees=1)),
    "the gain of a close": ("close_differs", lambda j: change_close(j, pnl=1)),
    "the prices of a close": ("marks_differ", lambda j: j.change(j.first(DayClosed), marks={"600000.SH": 1})),
    "a second account": ("opened_twice", lambda j: j.insert(2, j.rows()[0].event)),
    "more cash spent than there was": ("below_zero", lambda j: j.change(j.rows()[0], cash=1000)),
}
