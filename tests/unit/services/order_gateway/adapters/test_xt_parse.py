"""Vendor rows become counter facts: units, days, statuses; whatever is damaged becomes a defect and never an exception."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.domain.calendar import hms, ts_of
from common.domain.positions import external_coid
from common.domain.reasons import Reason
from common.domain.values import Side
from common.messages.codec import decode_body, encode_body
from common.messages.orders import Event, EventRow, ExternalOrderSeen, OrderFilled, PositionFound
from services.order_gateway.adapters.xt_parse import (
    STATUSES,
    AssetRow,
    Defect,
    OrderRow,
    PositionRow,
    TradeRow,
    milli,
    number_of,
    parse_cash,
    parse_day,
    parse_order,
    parse_position,
    parse_trade,
    whole,
)
from services.order_gateway.calls import CounterDeal, CounterOrder, CounterPosition, CounterStatus

TODAY, BEFORE = 20260105, 20251231
REMARK, OLD = "260105ABCDEFGHJKMNPQ", "251231ABCDEFGHJKMNPQ"
AT = ts_of(TODAY, hms("10:01:02")) // 10**9
ORDER = OrderRow(1001, "600001.SH", 23, 1_000, 9.99, 300, 55, REMARK, AT, "8888")
POSITION = PositionRow("600001.SH", 1_000, 300, 200, 9.9967, "8888")
TRADE = TradeRow("D1", 1001, "600001.SH", 24, 300, 11.370000000000001, REMARK, AT, "8888")


def test_an_order() -> None:
    assert parse_order(ORDER, TODAY) == CounterOrder(
        "1001", REMARK, TODAY, "600001.SH", Side.BUY, 1_000, 9_990, CounterStatus.WORKING, 300
    )


def test_a_deal_comes_with_the_noise_of_floats() -> None:
    assert parse_trade(TRADE, TODAY) == CounterDeal("D1", "1001", REMARK, TODAY, "600001.SH", Side.SELL, 300, 11_370)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (48, CounterStatus.UNKNOWN), (49, CounterStatus.UNKNOWN), (50, CounterStatus.WORKING),
        (51, CounterStatus.UNKNOWN), (52, CounterStatus.UNKNOWN), (53, CounterStatus.CANCELLED),
        (54, CounterStatus.CANCELLED), (55, CounterStatus.WORKING), (56, CounterStatus.FILLED),
        (57, CounterStatus.REJECTED), (255, CounterStatus.UNKNOWN), (0, CounterStatus.UNKNOWN),
        (None, CounterStatus.UNKNOWN), ("50", CounterStatus.UNKNOWN),
    ],
)  # fmt: skip
def test_statuses(code: object, status: CounterStatus) -> None:
    found = parse_order(ORDER._replace(order_status=code), TODAY)
    assert isinstance(found, CounterOrder)
    assert found.status is status
    assert len(STATUSES) == 10


@pytest.mark.parametrize("price_back", [None, 0, -1, math.nan, "x", 10**300])
def test_the_price_that_comes_back_decides_nothing(price_back: object) -> None:
    found = parse_order(ORDER._replace(price=price_back), TODAY)
    assert isinstance(found, CounterOrder)
    assert found.price == 0


@pytest.mark.parametrize(
    ("told", "remark", "day"),
    [
        (AT, "", TODAY), (AT * 1000, "", TODAY), (float(AT), "", TODAY), (20251231093015, "", BEFORE),
        (20251231, "", BEFORE), (ts_of(BEFORE, hms("10:00")) // 10**9, REMARK, BEFORE), (93015, "", TODAY),
        (93015, OLD, BEFORE), (0, OLD, BEFORE), (0, "", TODAY), (None, "", TODAY), ("10:00", "", TODAY),
        (math.nan, "", TODAY), (0, "269999ABCDEFGHJKMNPQ", TODAY), (20259999, "", TODAY), (10**60, "", TODAY),
        (ts_of(BEFORE, hms("23:59:59")) // 10**9, "", BEFORE), (ts_of(TODAY, 0) // 10**9, "", TODAY),
    ],
)  # fmt: skip
def test_the_day_of_a_time_in_every_form_that_was_met(told: object, remark: str, day: int) -> None:
    assert parse_day(told, remark, TODAY) == day


@pytest.mark.parametrize(
    ("change", "strange"),
    [
        ({"stock_code": "600001"}, True), ({"stock_code": None}, True), ({"stock_code": "AAPL.US"}, True),
        ({"stock_code": "000300.SH"}, False), ({"order_type": 27}, False), ({"order_id": -1}, True),
        ({"order_id": 0}, True), ({"order_volume": 0}, True), ({"order_volume": 100.5}, True), ({"order_volume": 2**31}, True),
        ({"traded_volume": 1_001}, True), ({"traded_volume": -1}, True), ({"order_volume": True}, True),
    ],
)  # fmt: skip
def test_orders_that_cannot_be(change: dict[str, object], strange: bool) -> None:
    found = parse_order(ORDER._replace(**change), TODAY)  # type: ignore[arg-type]  # by name
    assert isinstance(found, Defect)
    assert (found.strange, bool(found.what)) == (strange, True)


@pytest.mark.parametrize(
    "change",
    [
        {"traded_id": ""}, {"traded_id": "a\nb"}, {"traded_id": "x" * 300}, {"traded_id": None}, {"traded_id": 5}, {"traded_price": 0}, {"traded_price": -1.0},
        {"traded_price": math.inf}, {"traded_volume": 0}, {"traded_volume": None}, {"order_id": "x"},
        {"order_type": 0},
    ],
)  # fmt: skip
def test_deals_that_cannot_be(change: dict[str, object]) -> None:
    assert isinstance(parse_trade(TRADE._replace(**change), TODAY), Defect)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("row", "shares", "today", "cost"),
    [
        (PositionRow("600001.SH", 1_000, 1_000, 0, 9.99), 1_000, 0, 9_990_000),
        (PositionRow("600001.SH", 1_000, 0, 0, 9.99), 1_000, 1_000, 9_990_000),
        (PositionRow("600001.SH", 1_000, 300, 200, 9.9967), 1_000, 500, 9_996_700),
        (PositionRow("600001.SH", 1_000, 1_200, 0, -3.5), 1_000, 0, 0),
        (PositionRow("600001.SH", 1_000, 0, None, math.nan), 1_000, 1_000, 0),
        (PositionRow("600001.SH", 0, 0, 0, 0.0), 0, 0, 0),
    ],
)
def test_positions(row: PositionRow, shares: int, today: int, cost: int) -> None:
    assert parse_position(row) == CounterPosition("600001.SH", shares, today, cost)


def test_money() -> None:
    assert parse_cash(AssetRow(100.1, 0.005, 0)) == 100_105
    assert parse_cash(AssetRow(100.1, None, 0)) == 100_100
    assert parse_cash(AssetRow(None, 0, 0)) is None
    assert parse_cash(AssetRow(math.nan, 0, 0)) is None


TEXT = st.text(st.characters(codec=None), max_size=30) | st.sampled_from(["x" * 9_000, "a\x00b", "\ud800", "\n"])
ANYTHING = st.one_of(
    TEXT,
    st.none(), st.booleans(), st.integers(), st.floats(), st.binary(max_size=5), st.just([]),
    st.sampled_from([23, 24, 50, "600001.SH", REMARK, AT, 10**18, -1, 2**63]),
)  # fmt: skip


def held(event: Event) -> None:
    """Assert that the journal can hold an event: what is written and cannot be read back stops every start after it."""
    row = EventRow(1, 1, 1, event)
    assert decode_body(encode_body(row)) == row


def damaged(good: tuple[object, ...]) -> st.SearchStrategy[tuple[object, ...]]:
    """Return good rows with some fields, none or all, replaced by anything."""
    return st.tuples(*[st.just(value) | st.just(value) | ANYTHING for value in good])


@given(damaged(ORDER))
def test_any_order_is_read_or_a_defect(values: tuple[object, ...]) -> None:
    found = parse_order(OrderRow(*values), TODAY)
    if isinstance(found, CounterOrder):
        assert 0 <= found.traded <= found.shares
        held(
            ExternalOrderSeen(
                external_coid(found.day, found.broker_id), found.broker_id, found.day, found.symbol, found.side,
                found.shares, found.price, found.remark,
            )
        )  # fmt: skip
    else:
        assert isinstance(found, Defect)


@given(damaged(TRADE))
def test_any_deal_is_read_or_a_defect(values: tuple[object, ...]) -> None:
    found = parse_trade(TradeRow(*values), TODAY)
    if isinstance(found, CounterDeal):
        held(
            OrderFilled(
                REMARK, f"8888:{found.day}:{found.deal_id}",
                found.symbol, found.side, found.shares, found.price, 0, 0, "r", Reason.HAND_OPEN,
            )
        )  # fmt: skip
    else:
        assert isinstance(found, Defect)


@given(damaged(POSITION))
def test_any_position_is_read_or_a_defect(values: tuple[object, ...]) -> None:
    found = parse_position(PositionRow(*values))
    if isinstance(found, CounterPosition):
        assert 0 <= found.bought_today <= found.shares
        held(PositionFound(found.symbol, found.shares, found.bought_today, found.cost))
        assert found.cost >= 0
    else:
        assert isinstance(found, Defect)


@given(ANYTHING)
def test_numbers_are_whole_or_none(value: object) -> None:
    assert isinstance(whole(value), int | None)
    assert isinstance(milli(value), int | None)
    assert number_of(value) == "" or number_of(value).isdigit()


@pytest.mark.parametrize("remark", ["\ud800", "a\x00b\n", "x" * 9_000, "手工\u202e单"])
def test_whatever_somebody_writes_into_a_remark_the_journal_can_hold_it(remark: str) -> None:
    found = parse_order(ORDER._replace(order_remark=remark), TODAY)
    assert isinstance(found, CounterOrder)
    held(ExternalOrderSeen("X1", "1", TODAY, found.symbol, found.side, found.shares, found.price, found.remark))
    assert found.remark.isprintable()
    assert len(found.remark) <= 64
