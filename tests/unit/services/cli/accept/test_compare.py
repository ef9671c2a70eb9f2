"""What our fakes assume: each assumption is seen to hold, to differ, and not to be seen; and the delays that settle needs."""

from typing import Any

import pytest

from common.domain.calendar import NS, hms, ts_of
from services.cli.accept.assumptions import ASSUMPTIONS, Seen, compare
from services.cli.accept.ours import filled, order_id_of
from services.cli.accept.plan import OURS
from services.cli.accept.settle import NOT_SEEN, Delays, delays
from services.cli.texts import TEXTS

START = ts_of(20261125, hms("10:00"))
REMARK = "261125ABCDEFGHJKMNPQ"
Row = dict[str, Any]


def call(ms: int, name: str, answer: Any, **facts: Any) -> Row:
    return {
        "kind": "call",
        "at_ns": START + ms * 1_000_000,
        "since_ms": ms,
        "name": name,
        "took_ms": 0,
        "error": "",
        "answer": answer,
        **facts,
    }


def said(ms: int, name: str, fields: Row, thread: str = "executor_0") -> Row:
    return {
        "kind": "heard",
        "at_ns": START + ms * 1_000_000,
        "since_ms": ms,
        "name": name,
        "thread": thread,
        "fields": fields,
    }


def quote(ms: int, count: int = 1_200, **tick: Any) -> Row:
    five = [7.0, 0, 0, 0, 0]
    base = {
        "time": START // 1_000_000 + ms,
        "lastPrice": 7.0,
        "lastClose": 7.0,
        "low": 6.9,
        "high": 7.1,
        "volume": 10_000,
        "amount": 7e6,
    }
    sides = dict.fromkeys(("askPrice", "bidPrice", "askVol", "bidVol"), five)
    return said(ms, "quotes", {"count": count, "ticks": {"601398.SH": {**base, **sides, **tick}}}, "dispatcher")


def order(ms: int, state: int = 50, **fields: Any) -> Row:
    return said(ms, "on_stock_order", order_fields(state, **fields))


def order_fields(state: int = 50, **fields: Any) -> Row:
    base = {"stock_code": "601398.SH", "order_id": 7, "order_sysid": "1", "order_time": START // NS, "order_type": 23,
            "order_volume": 100, "price": 6.3, "traded_volume": 0, "order_status": state, "order_remark": REMARK}  # fmt: skip
    return {**base, **fields}


AGREED = {"kind": "agreed", "at_ns": START, "since_ms": 0, "remark": REMARK}
PLACED = [AGREED, call(100, "order", 41, remark=REMARK)]
RESPONSE = said(130, "on_order_stock_async_response", {"order_id": 7, "seq": 41, "order_remark": REMARK})
CANCEL = [
    call(2_000, "cancel", 90),
    said(2_020, "on_cancel_order_stock_async_response", {"cancel_result": 0, "order_id": 7}),
]
DETAIL = {"UpStopPrice": 7.7, "DownStopPrice": 6.3, "FloatVolume": 2.7e11}
TICK = call(1, "tick", {"lastClose": 7.0}, symbol="601398.SH")
POSITION = {"volume": 1_000, "can_use_volume": 800, "frozen_volume": 0, "on_road_volume": 200}
SUMS = {"cash": 1.0, "frozen_cash": 0.0, "market_value": 0.0, "total_asset": 1.0}

CASES: list[tuple[str, list[Row], list[Row]]] = [
    ("connected", [call(1, "connect", 0), call(2, "subscribe", 0)], [call(1, "connect", -1)]),
    ("no_on_connected", [call(1, "connect", 0)], [call(1, "connect", 0), said(2, "on_connected", {})]),
    ("account_status", [call(1, "account_status", [{"status": 0}])], [call(1, "account_status", [{"status": 3}])]),
    ("asset_fields", [call(1, "asset", SUMS)], [call(1, "asset", {**SUMS, "cash": "1"})]),
    ("position_sum", [call(1, "positions", [POSITION])], [call(1, "positions", [{**POSITION, "volume": 900}])]),
    ("no_empty_positions", [call(1, "positions", [POSITION])], [call(1, "positions", [{**POSITION, "volume": 0}])]),
    ("limit_prices", [call(1, "instrument", DETAIL, symbol="601398.SH"), TICK],
     [call(1, "instrument", {**DETAIL, "DownStopPrice": 6.0}, symbol="601398.SH"), TICK]),
    ("float_shares", [call(1, "instrument", DETAIL)], [call(1, "instrument", {**DETAIL, "FloatVolume": 27_000})]),
    ("tick_fields", [quote(1)], [quote(1, askVol=[1])]),
    ("lots", [quote(1)], [quote(1, volume=1_000_000)]),
    ("first_push", [quote(1, 5_400), quote(2)], [quote(1, 800)]),
    ("cadence", [quote(ms) for ms in (0, 3_000, 6_000, 9_000)], [quote(ms) for ms in (0, 500, 1_000, 1_500)]),
    ("quote_time", [quote(1)], [quote(1, time=START // NS)]),
    ("async_response", [*PLACED, RESPONSE], [*PLACED, RESPONSE, RESPONSE]),
    ("remark_whole", [*PLACED, RESPONSE, order(140)], [*PLACED, RESPONSE, order(140, order_remark=REMARK[:12])]),
    ("order_fields", [*PLACED, order(140)], [*PLACED, RESPONSE, said(140, "on_stock_order", {"order_id": 7})]),
    ("known_states", [*PLACED, order(140), order(150, 54)], [*PLACED, order(140, 60)]),
    ("order_time", [*PLACED, order(140)], [*PLACED, order(140, order_time=100_001)]),
    ("cancelled", [*PLACED, *CANCEL, order(2_500, 54)], [*PLACED, *CANCEL, order(2_500, 53)]),
    ("no_deals", [*PLACED], [*PLACED, said(140, "on_stock_trade", {"order_remark": REMARK, "traded_id": "1", "traded_volume": 100})]),
    ("one_thread", [order(1), order(2)], [order(1), said(2, "on_stock_asset", {}, "executor_1")]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "same", "differs"), CASES, ids=[name for name, _, _ in CASES])
def test_an_assumption_holds_differs_or_is_not_seen(name: str, same: list[Row], differs: list[Row]) -> None:
    def seen(rows: list[Row]) -> Seen:
        return next(result.seen for result in compare(rows) if result.name == name)

    assert (seen(same), seen(differs), seen([])) == (Seen.SAME, Seen.DIFFERS, Seen.NOT_SEEN)


def test_every_assumption_is_tested_and_has_words() -> None:
    names = [result.name for result in compare([])]
    assert names == [name for name, _, _ in CASES]
    assert len(names) == len(ASSUMPTIONS)
    assert {key.partition(".")[2] for key in TEXTS if key.startswith("assume.")} == set(names)
    assert all("otes §" in (check.__doc__ or "") or check.__name__ == "no_deals" for check in ASSUMPTIONS), "its source"


def test_a_call_that_failed_is_no_evidence() -> None:
    rows = [call(1, "connect", None) | {"error": "broke"}]
    assert compare(rows)[0].seen is Seen.NOT_SEEN


def test_the_units_of_each_board_are_told_apart() -> None:
    def tick(shares_a_unit: int) -> Row:
        return {"volume": 10_000, "amount": 10_000 * shares_a_unit * 10.0, "low": 9.9, "high": 10.1}

    whole = {f"{600_000 + at}.SH": tick(100) for at in range(50)} | {f"{688_001 + at}.SH": tick(1) for at in range(50)}
    rows = [
        said(1, "quotes", {"count": 102, "ticks": {}, "market": whole | {"000001.SH": tick(7), "510300.SH": tick(7)}})
    ]
    (lots,) = [result for result in compare(rows) if result.name == "lots"]
    assert (lots.seen, lots.what) == (Seen.DIFFERS, "MAIN 50/50, STAR 0/50"), "indexes and funds are not looked at"


# ------------------------------------------------------------------ delays


def test_delays_are_read_off_the_recording() -> None:
    rows = [*PLACED, RESPONSE, order(150), call(300, "orders", None), call(500, "orders", [order_fields(50, order_id=9, order_remark="x")]),
            call(700, "orders", [order_fields()]), *CANCEL, order(3_600, 54)]  # fmt: skip
    assert delays(rows) == Delays(30, 50, 600, 2, 1_600)
    assert delays(rows).settle_s == 10
    slow = [*PLACED, RESPONSE, call(9_100, "orders", [order_fields()])]
    assert delays(slow).settle_s == 27
    assert delays([call(1, "orders", None)]) == Delays(NOT_SEEN, NOT_SEEN, NOT_SEEN, 0, NOT_SEEN)
    assert delays([*PLACED, call(200, "orders", None)]).settle_s == 0, "never seen is not measured"


def test_an_order_whose_remark_was_cut_is_known_by_its_number() -> None:
    rows = [*PLACED, RESPONSE, call(300, "orders", [order_fields(order_remark="2611")])]
    assert delays(rows).visible_ms == 200


def test_our_remarks_are_known() -> None:
    assert OURS.match(REMARK)
    assert not OURS.match(REMARK[:19])
    assert not OURS.match(REMARK + "\n")


# ------------------------------------------------------------------ which order is ours


def test_a_refused_order_that_lives_under_a_cut_remark_is_known_as_the_only_new_one() -> None:
    agreed = {**AGREED, "symbol": "601398.SH"}
    refused = said(130, "on_order_stock_async_response", {"order_id": -1, "seq": 41, "order_remark": REMARK[:8]})
    before = call(-10, "orders", [order_fields(order_id=3, order_remark="")])
    now = call(
        300, "orders", [order_fields(order_id=3, order_remark=""), order_fields(order_id=8, order_remark=REMARK[:8])]
    )
    rows = [before, agreed, call(100, "order", 41, remark=REMARK), refused, now]
    assert order_id_of(rows) == 8
    two = call(400, "orders", [order_fields(order_id=9, order_remark="")])
    assert order_id_of([*rows, two]) == 0, "of two nobody knows which is ours"
    other = call(300, "orders", [order_fields(order_id=8, order_remark="by hand")])
    assert order_id_of([agreed, call(100, "order", 41), other]) == 0


@pytest.mark.parametrize("odd", [None, "x", 1.5, True, [], {}])
def test_odd_values_of_the_vendor_s_break_nothing(odd: Any) -> None:
    names = ("order_id", "order_status", "order_remark", "traded_volume", "order_time")
    row = order_fields(**dict.fromkeys(names, odd))
    rows = [*PLACED, said(130, "on_order_stock_async_response", {"order_id": odd, "seq": 41}), said(140, "on_stock_order", row),
            said(141, "on_stock_trade", {"order_remark": REMARK, "traded_volume": odd}), call(300, "orders", [row])]  # fmt: skip
    assert order_id_of(rows) == 0
    assert filled(rows) == 0
    assert len(compare(rows)) == len(ASSUMPTIONS)
    assert delays(rows).settle_s == 0
