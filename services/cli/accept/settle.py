"""How long it takes until what a counter was given can be seen there: what `gateway.settle_s` has to exceed."""

from collections.abc import Callable
from typing import NamedTuple

from services.cli.accept.assumptions import Rows, calls
from services.cli.accept.ours import is_ours, listed, order_id_of, remark_of
from services.cli.accept.port import Fields

MARGIN = 3
"""One order on one day is not the counter's worst: a third of the bound too short doubled orders in tests."""
FLOOR_S = 10
NOT_SEEN = -1


class Delays(NamedTuple):
    """Milliseconds after the order or the cancel was sent; -1 = never seen."""

    response_ms: int
    pushed_ms: int
    visible_ms: int
    """Until a query for the day's orders showed it; queries that did not are counted below."""
    misses: int
    """Queries after the order was sent that did not show it."""
    cancelled_ms: int
    """From the first cancel to a state that ends the order, by query or push."""

    @property
    def settle_s(self) -> int:
        """Return what to write into `gateway.settle_s`, 0 = not measured."""
        worst = max(self.response_ms, self.pushed_ms, self.visible_ms, self.cancelled_ms)
        return 0 if self.visible_ms < 0 else max(FLOOR_S, -(-MARGIN * worst // 1_000))


def delays(rows: Rows) -> Delays:
    """Read the delays off a recording."""
    remark = remark_of(rows)
    sent = next((row["since_ms"] - row["took_ms"] for row in calls(rows, "order")), None)
    if not remark or sent is None:
        return Delays(NOT_SEEN, NOT_SEEN, NOT_SEEN, 0, NOT_SEEN)
    mine = order_id_of(rows)

    def shows(row: Fields) -> bool:
        return is_ours(row, remark, mine)

    def first(kind: str, name: str) -> int:
        for row in rows:
            if row["kind"] == kind and row["name"] == name and row["since_ms"] >= sent and shows(row["fields"]):
                return int(row["since_ms"] - sent)
        return NOT_SEEN

    visible, misses = NOT_SEEN, 0
    for row in calls(rows, "orders"):
        if row["since_ms"] < sent or row["error"]:
            continue
        if any(shows(told) for told in listed([row], "orders")):
            visible = int(row["since_ms"] - sent)
            break
        misses += 1
    return Delays(
        first("heard", "on_order_stock_async_response"),
        first("heard", "on_stock_order"),
        visible,
        misses,
        _cancelled(rows, shows),
    )


def _cancelled(rows: Rows, shows: Callable[[Fields], bool]) -> int:
    asked = next((row["since_ms"] - row["took_ms"] for row in calls(rows, "cancel")), None)
    if asked is None:
        return NOT_SEEN
    for row in rows:
        told = [row["fields"]] if row["kind"] == "heard" and row["name"] == "on_stock_order" else []
        told += listed([row], "orders")
        if row["since_ms"] >= asked and any(shows(one) and one.get("order_status") in (53, 54, 56, 57) for one in told):
            return int(row["since_ms"] - asked)
    return NOT_SEEN
