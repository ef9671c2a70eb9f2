"""The one order: far from the market, never near it, never on STAR; prices of the vendor's with their noise."""

import pytest

from services.cli.accept.plan import Forbidden, Plan, forbids, is_continuous, is_open_order_of_ours, make_plan, milli


def test_the_price_is_the_lower_limit_on_the_tick() -> None:
    assert make_plan("601398.SH", {"DownStopPrice": 6.300000001}, {"lastPrice": 7.0}) == Plan(
        "601398.SH", 100, 6_300, 7_000
    )
    assert make_plan("601398.SH", {"DownStopPrice": 6.304}, {"lastPrice": 7.0}) == Plan("601398.SH", 100, 6_310, 7_000)


@pytest.mark.parametrize(
    ("symbol", "detail", "tick", "key"),
    [
        ("688981.SH", {"DownStopPrice": 40.0}, {"lastPrice": 50.0}, "lot"),
        ("601398.SH", None, {"lastPrice": 7.0}, "no_price"),
        ("601398.SH", {"DownStopPrice": 6.3}, None, "no_price"),
        ("601398.SH", {"DownStopPrice": float("nan")}, {"lastPrice": 7.0}, "no_price"),
        ("601398.SH", {"DownStopPrice": 6.3}, {"lastPrice": 0.0}, "no_price"),
        ("600519.SH", {"DownStopPrice": 1_300.0}, {"lastPrice": 1_450.0}, "dear"),
        ("601398.SH", {"DownStopPrice": 6.3, "InstrumentStatus": 1}, {"lastPrice": 7.0}, "suspended"),
        ("601398.SH", {"DownStopPrice": 6.3}, {"lastPrice": 6.63}, "near"),
        ("601398.SH", {"DownStopPrice": 6.3}, {"lastPrice": 6.3}, "near"),
    ],
)
def test_no_order(symbol: str, detail: dict[str, float] | None, tick: dict[str, float] | None, key: str) -> None:
    found = make_plan(symbol, detail, tick)
    assert isinstance(found, Forbidden)
    assert found.key == key


def test_the_vendor_s_prices() -> None:
    assert [milli(value) for value in (11.370000000000001, 0, -1, None, "7", float("nan"), float("inf"))] == [
        11_370,
        0,
        0,
        0,
        0,
        0,
        0,
    ]


def test_hours_leave_time_for_the_cancel() -> None:
    def at(hour: int, minute: int, second: int = 0) -> int:
        return hour * 3_600 + minute * 60 + second

    asked = [at(9, 29, 59), at(9, 30), at(11, 28, 59), at(11, 29), at(13, 0), at(14, 55, 59), at(14, 56)]
    assert [is_continuous(second) for second in asked] == [False, True, True, False, True, True, False]


def test_a_holiday_forbids() -> None:
    plan = Plan("601398.SH", 100, 6_300, 7_000)
    now_ns = 2 * 3_600 * 1_000_000_000  # 10:00 in Shanghai
    asset = {"cash": 10_000.0}
    assert forbids(plan, now_ns, None, asset, trading_day=True, any_time=False) is None
    found = forbids(plan, now_ns, None, asset, trading_day=False, any_time=False)
    assert found is not None
    assert found.key == "hours"
    assert forbids(plan, now_ns, None, asset, trading_day=False, any_time=True) is None


def test_which_orders_are_ours_and_open() -> None:
    ours = "261125ABCDEFGHJKMNPQ"
    assert is_open_order_of_ours({"order_remark": ours})
    assert is_open_order_of_ours({"order_remark": ours, "order_status": 52})
    assert not is_open_order_of_ours({"order_remark": ours, "order_status": 56})
    assert not is_open_order_of_ours({"order_remark": "by hand", "order_status": 50})
