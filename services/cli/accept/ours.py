"""Which of what a client tells is about our order: by remark, by the request's number, else as the only new one like it.

Never by price or kind of price: what comes back is the counter's own (notes §1.2).
"""

from typing import Any

from services.cli.accept.plan import SHARES
from services.cli.accept.port import Fields

BUY = 23
PREFIX_MIN = 6
"""Of a remark that was cut, so much must be left to know it by."""


def number(value: Any) -> int:
    """Return a whole number of the vendor's, 0 where it is none."""
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else 0


def listed(rows: list[Fields], call: str) -> list[Fields]:
    """Return every row that the calls of a name brought."""
    found = [row["answer"] for row in rows if row["kind"] == "call" and row["name"] == call]
    return [one for answer in found if isinstance(answer, list) for one in answer if isinstance(one, dict)]


def heard(rows: list[Fields], name: str) -> list[Fields]:
    """Return what a callback was told, field by field."""
    return [row["fields"] for row in rows if row["kind"] == "heard" and row["name"] == name]


def remark_of(rows: list[Fields]) -> str:
    """Return the remark our order was given, "" = none was placed."""
    return next((str(row["remark"]) for row in rows if row["kind"] == "agreed"), "")


def order_id_of(rows: list[Fields]) -> int:
    """Return the client's number of our order, 0 = not known."""
    remark = remark_of(rows)
    if not remark:
        return 0
    asked = {number(row["answer"]) for row in rows if row["kind"] == "call" and row["name"] == "order"} - {0}
    for said in heard(rows, "on_order_stock_async_response"):
        mine = said.get("order_remark") == remark or said.get("seq") in asked
        if mine and number(said.get("order_id")) > 0:
            return number(said["order_id"])
    return _by_itself(rows, remark)


def _by_itself(rows: list[Fields], remark: str) -> int:
    begun = next(at for at, row in enumerate(rows) if row["kind"] == "agreed")
    old = {number(row.get("order_id")) for row in listed(rows[:begun], "orders")}
    since = heard(rows[begun:], "on_stock_order") + listed(rows[begun:], "orders")
    whole = {number(row.get("order_id")) for row in since if row.get("order_remark") == remark} - {0}
    if whole:
        return min(whole)
    alike = {number(row.get("order_id")) for row in since if _is_like(row, remark, rows[begun])} - old - {0}
    return (
        alike.pop() if len(alike) == 1 else 0
    )  # of several nobody knows which, and others' orders are not ours to cancel


def _is_like(row: Fields, remark: str, agreed: Fields) -> bool:
    cut = str(row.get("order_remark", ""))
    named = not cut or (len(cut) >= PREFIX_MIN and remark.startswith(cut))
    same = row.get("stock_code") == agreed.get("symbol") and row.get("order_type") == BUY
    return named and same and row.get("order_volume") == SHARES


def our_orders(rows: list[Fields]) -> list[Fields]:
    """Return our order wherever it was told, pushed or asked for, in the order of arrival."""
    remark, mine = remark_of(rows), order_id_of(rows)
    told: list[Fields] = []
    for row in rows:
        if row["kind"] == "heard" and row["name"] == "on_stock_order":
            told.append(row["fields"])
        elif row["kind"] == "call" and row["name"] == "orders":
            told += listed([row], "orders")
    return [row for row in told if is_ours(row, remark, mine)]


def is_ours(row: Fields, remark: str, mine: int) -> bool:
    """Tell whether an order or a deal is ours."""
    return bool(remark) and (row.get("order_remark") == remark or (mine > 0 and row.get("order_id") == mine))


def filled(rows: list[Fields]) -> int:
    """Return the shares of our order that were traded: from its deals, or from its state where that says more."""
    remark, mine = remark_of(rows), order_id_of(rows)
    deals = [row for row in heard(rows, "on_stock_trade") + listed(rows, "trades") if is_ours(row, remark, mine)]
    by_id = {str(row.get("traded_id")): number(row.get("traded_volume")) for row in deals}
    by_state = [number(row.get("traded_volume")) for row in our_orders(rows)]
    return max(sum(by_id.values()), max(by_state, default=0))
