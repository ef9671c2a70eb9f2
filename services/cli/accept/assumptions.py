"""What our fakes assume of a client, each read off a recording: the same, different, or not seen."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from itertools import pairwise
from typing import Any, NamedTuple

from common.domain.calendar import NS, day_of
from common.rules.boards import is_code
from services.cli.accept.ours import filled, heard, our_orders, remark_of
from services.cli.accept.port import Fields
from services.cli.check import board_of

Rows = list[Fields]


class Seen(StrEnum):
    """How an assumption stands with a recording."""

    SAME = "same"
    DIFFERS = "differs"
    NOT_SEEN = "not_seen"


class Result(NamedTuple):
    """One assumption and what was seen; its words are `assume.NAME` of `texts.py`."""

    name: str
    seen: Seen
    what: str
    """What was seen, in the vendor's words."""


KNOWN_STATES = frozenset({48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 255})
ORDER_FIELDS = frozenset({"stock_code", "order_id", "order_sysid", "order_time", "order_type", "order_volume", "price",
                          "traded_volume", "order_status", "order_remark"})  # fmt: skip
ASSET_FIELDS = frozenset({"cash", "frozen_cash", "market_value", "total_asset"})
TICK_FIELDS = frozenset(
    {"time", "lastPrice", "lastClose", "volume", "amount", "askPrice", "bidPrice", "askVol", "bidVol"}
)
LOT = 100
LOTS_MIN = 100
"""Below so many lots, what was cut off of the volume shows in the mean price."""
MOST = 0.98
"""Of the stocks of a board that must agree: a few have odd days."""
SNAPSHOT_MIN = 1_000
"""A first push with fewer stocks is no snapshot of the market."""


# ------------------------------------------------------------------ reading a recording


def calls(rows: Rows, name: str) -> Rows:
    """Return the calls of a name."""
    return [row for row in rows if row["kind"] == "call" and row["name"] == name]


def answers(rows: Rows, name: str) -> list[Any]:
    """Return what the calls of a name brought, those that failed left out."""
    return [row["answer"] for row in calls(rows, name) if not row["error"]]


def ticks(rows: Rows) -> list[tuple[str, Fields]]:
    """Return the quotes that were kept whole, with their codes."""
    return [pair for push in heard(rows, "quotes") for pair in push["ticks"].items()]


def responses(rows: Rows) -> Rows:
    """Return the answers to our order's request."""
    return heard(rows, "on_order_stock_async_response")


def market(rows: Rows) -> list[tuple[str, Fields]]:
    """Return the quotes of the first push, which was kept whole."""
    return [pair for push in heard(rows, "quotes") for pair in push.get("market", {}).items()]


def verdict(name: str, good: bool | None, what: object) -> Result:
    """Return a result; None = not seen."""
    return Result(name, Seen.NOT_SEEN if good is None else Seen.SAME if good else Seen.DIFFERS, str(what))


def numeric(row: Fields, names: Iterable[str]) -> bool:
    """Tell whether fields are there and numbers."""
    return all(isinstance(row.get(name), int | float) for name in names)


# ------------------------------------------------------------------ connection and account


def connected(rows: Rows) -> Result:
    """Notes §1.1: connect and subscribe return 0."""
    codes = answers(rows, "connect") + answers(rows, "subscribe")
    return verdict("connected", all(code == 0 for code in codes) if codes else None, codes)


def no_on_connected(rows: Rows) -> Result:
    """Notes §0.5: nothing ever calls on_connected."""
    if not answers(rows, "connect"):
        return verdict("no_on_connected", None, "")
    count = sum(1 for row in rows if row["kind"] == "heard" and row["name"] == "on_connected")
    return verdict("no_on_connected", count == 0, f"{count} calls")


def account_status(rows: Rows) -> Result:
    """Notes §1.2: status 0 is a good one."""
    found = [row.get("status") for answer in answers(rows, "account_status") for row in answer or []]
    return verdict("account_status", 0 in found if found else None, found)


def asset_fields(rows: Rows) -> Result:
    """Notes §1.4: the four sums, as numbers."""
    found = [answer for answer in answers(rows, "asset") if answer is not None]
    if not found:
        return verdict("asset_fields", None, "None")
    return verdict("asset_fields", numeric(found[0], ASSET_FIELDS), sorted(found[0]))


def position_sum(rows: Rows) -> Result:
    """Notes §1.4 [?]: volume = can_use + frozen + on_road."""
    found = [row for answer in answers(rows, "positions") for row in answer or []]
    parts = ("volume", "can_use_volume", "frozen_volume", "on_road_volume")
    whole = [row for row in found if numeric(row, parts)]
    odd = [[row[part] for part in parts] for row in whole if row["volume"] != sum(row[part] for part in parts[1:])]
    return verdict("position_sum", not odd if whole else None, odd or f"{len(whole)} positions")


def no_empty_positions(rows: Rows) -> Result:
    """Notes §1.4 [?]: a position that was sold is not listed any more."""
    found = [row for answer in answers(rows, "positions") for row in answer or []]
    empty = sum(1 for row in found if row.get("volume") == 0)
    return verdict("no_empty_positions", empty == 0 if found else None, f"{empty} of {len(found)} with volume 0")


# ------------------------------------------------------------------ instruments and quotes


def limit_prices(rows: Rows) -> Result:
    """Notes §2.4 [?]: today's limits belong to the last close that quotes show."""
    closes = {
        row["symbol"]: row["answer"].get("lastClose") for row in calls(rows, "tick") if isinstance(row["answer"], dict)
    }
    odd, seen = [], 0
    for row in calls(rows, "instrument"):
        detail, close = row["answer"], closes.get(row.get("symbol"))
        if not isinstance(detail, dict) or not close or not detail.get("UpStopPrice"):
            continue
        seen += 1
        middle = (detail["UpStopPrice"] + detail["DownStopPrice"]) / 2
        if abs(middle - close) > max(0.011, close * 0.002):
            odd.append([row["symbol"], detail["UpStopPrice"], detail["DownStopPrice"], close])
    return verdict("limit_prices", not odd if seen else None, odd or f"{seen} stocks")


def float_shares(rows: Rows) -> Result:
    """Notes §2.4: FloatVolume is there, in shares (a listed company has more than a million)."""
    found = [row["answer"].get("FloatVolume") for row in calls(rows, "instrument") if isinstance(row["answer"], dict)]
    good = all(isinstance(value, int | float) and value > 1_000_000 for value in found)
    return verdict("float_shares", good if found else None, found)


def tick_fields(rows: Rows) -> Result:
    """Notes §2.2: the fields of a quote, five slots a side."""
    found = ticks(rows)
    if not found:
        return verdict("tick_fields", None, "")
    lost = sorted({name for _, tick in found for name in TICK_FIELDS - set(tick)})
    slots = {len(tick.get(name, ())) for _, tick in found for name in ("askPrice", "bidPrice", "askVol", "bidVol")}
    return verdict("tick_fields", not lost and slots == {5}, f"missing {lost}, slots {sorted(slots)}")


def lots(rows: Rows) -> Result:
    """Notes §2.2: day volume in lots of 100, STAR and BJ not sure [?]: amount / shares is a price of the day."""
    seen: dict[str, list[bool]] = {}
    for code, tick in [*market(rows), *ticks(rows)]:
        volume, amount, low, high = (tick.get(name) or 0 for name in ("volume", "amount", "low", "high"))
        if not is_code(code) or volume < LOTS_MIN or not amount or not low:
            continue
        mean = amount / (volume * LOT)
        seen.setdefault(board_of(code).name, []).append(low * 0.98 <= mean <= high * 1.02)
    odd = [board for board, good in seen.items() if sum(good) < len(good) * MOST]
    told = ", ".join(f"{board} {sum(good)}/{len(good)}" for board, good in sorted(seen.items()))
    return verdict("lots", not odd if seen else None, told)


def first_push(rows: Rows) -> Result:
    """Notes §2.2: the first push is the snapshot of the whole market."""
    counts = [push["count"] for push in heard(rows, "quotes")]
    return verdict("first_push", counts[0] >= SNAPSHOT_MIN if counts else None, counts[:5])


def cadence(rows: Rows) -> Result:
    """Notes §2.2 [U]: a stock is quoted about every 3 s."""
    times: dict[str, list[int]] = {}
    for code, tick in ticks(rows):
        times.setdefault(code, []).append(int(tick.get("time", 0)))
    steps = sorted(later - earlier for found in times.values() for earlier, later in pairwise(found) if later > earlier)
    if len(steps) < 3:
        return verdict("cadence", None, f"{len(steps)} steps")
    middle = steps[len(steps) // 2]
    return verdict("cadence", 2_000 <= middle <= 6_000, f"median {middle} ms of {len(steps)}")


def quote_time(rows: Rows) -> Result:
    """Notes §2.2: `time` is in ms since 1970, of today."""
    found = [
        (int(tick.get("time", 0)), row["at_ns"])
        for row in rows
        if row["kind"] == "heard" and row["name"] == "quotes"
        for tick in row["fields"]["ticks"].values()
    ]
    odd = [ms for ms, at_ns in found if day_of(ms * 1_000_000) != day_of(at_ns)]
    return verdict("quote_time", not odd if found else None, odd[:3] or f"{len(found)} quotes")


# ------------------------------------------------------------------ the order


def async_response(rows: Rows) -> Result:
    """Notes §1.3: one response an order, with its number and the number of the request."""
    if not remark_of(rows):
        return verdict("async_response", None, "")
    found, asked = responses(rows), answers(rows, "order")
    good = len(found) == 1 and int(found[0].get("order_id", -1)) > 0 and found[0].get("seq") in asked
    return verdict("async_response", good, [(row.get("order_id"), row.get("seq")) for row in found])


def remark_whole(rows: Rows) -> Result:
    """Notes §1.4: 20 characters of remark come back as they were sent."""
    remark = remark_of(rows)
    told = [str(row.get("order_remark", "")) for row in responses(rows) + our_orders(rows)]
    return verdict("remark_whole", set(told) == {remark} if told else None, sorted(set(told)))


def order_fields(rows: Rows) -> Result:
    """Notes §1.4: the fields of an order."""
    told = our_orders(rows)
    lost = sorted({name for row in told for name in ORDER_FIELDS - set(row)})
    return verdict("order_fields", not lost if told else None, f"missing {lost}")


def known_states(rows: Rows) -> Result:
    """Notes §1.4: the states of an order."""
    states = [row.get("order_status") for row in our_orders(rows)]
    path = [state for at, state in enumerate(states) if at == 0 or states[at - 1] != state]
    return verdict("known_states", set(states) <= KNOWN_STATES if states else None, path)


def order_time(rows: Rows) -> Result:
    """Notes §1.4: order_time is in seconds since 1970, of today."""
    placed = next((row["at_ns"] for row in rows if row["kind"] == "agreed"), 0)
    found = [row.get("order_time") for row in our_orders(rows) if row.get("order_time")]
    good = all(isinstance(at, int) and abs(at * NS - placed) < 600 * NS for at in found)
    return verdict("order_time", good if found else None, sorted({str(at) for at in found}))


def cancelled(rows: Rows) -> Result:
    """Notes §1.2: 0 is "asked for", and the order ends as 54."""
    if not calls(rows, "cancel"):
        return verdict("cancelled", None, "")
    results = [row.get("cancel_result") for row in heard(rows, "on_cancel_order_stock_async_response")]
    last = {row.get("order_status") for row in our_orders(rows)} & {53, 54, 56, 57}
    return verdict("cancelled", 0 in results and last == {54}, f"results {results}, ended as {sorted(map(str, last))}")


def no_deals(rows: Rows) -> Result:
    """A price at the lower limit is not traded."""
    if not remark_of(rows):
        return verdict("no_deals", None, "")
    shares = filled(rows)
    return verdict("no_deals", not shares, f"{shares} shares")


def one_thread(rows: Rows) -> Result:
    """Notes §1.3: all pushes and responses of trading come on one thread."""
    names = {row["thread"] for row in rows if row["kind"] == "heard" and row["name"] != "quotes"}
    return verdict("one_thread", len(names) == 1 if names else None, sorted(names))


ASSUMPTIONS: tuple[Callable[[Rows], Result], ...] = (
    connected, no_on_connected, account_status, asset_fields, position_sum, no_empty_positions,
    limit_prices, float_shares, tick_fields, lots, first_push, cadence, quote_time,
    async_response, remark_whole, order_fields, known_states, order_time, cancelled, no_deals, one_thread,
)  # fmt: skip


def compare(rows: Rows) -> list[Result]:
    """Hold every assumption against a recording; data that an assumption trips over is different from what it assumes."""
    return [_held(assumption, rows) for assumption in ASSUMPTIONS]


def _held(assumption: Callable[[Rows], Result], rows: Rows) -> Result:
    try:
        return assumption(rows)
    except Exception as fault:  # the vendor may send anything, and the recording must still end
        return Result(assumption.__name__, Seen.DIFFERS, f"{type(fault).__name__}: {fault}")
