"""Which answers to a query are believed, part by part."""

from typing import Any

import pytest

from common.domain.calendar import hms, ts_of
from services.order_gateway.adapters.xt_answers import Question, read_state
from services.order_gateway.adapters.xt_identity import Identity
from services.order_gateway.adapters.xt_parse import AssetRow, OrderRow, PositionRow, TradeRow
from services.order_gateway.calls import CounterStatus

DAY, A, ACCOUNT = 20260105, "600001.SH", "8888"
AT = ts_of(DAY, hms("10:00"))
MONEY = AssetRow(1_000.0, 9.99, 0.0, ACCOUNT)
ORDER = OrderRow(1, A, 23, 100, 9.99, 0, 50, "", AT // 10**9, ACCOUNT)
TRADE = TradeRow("D1", 1, A, 23, 100, 9.99, "", AT // 10**9, ACCOUNT)
HELD = PositionRow(A, 100, 0, 0, 9.99, ACCOUNT)
EMPTY: dict[str, Any] = {"asset": MONEY, "orders": None, "trades": None, "positions": None, "asset_after": MONEY}


def read(
    at_ns: int = AT, identity: Identity | None = None, known: tuple[str, ...] = (), **parts: Any
) -> tuple[bool, str, int]:
    state, answer = read_state(Question(7, 0, known, EMPTY | parts), identity or Identity(), ACCOUNT, at_ns)
    assert state.asked_ns == 7
    return state.complete, answer.doubt, len(answer.defects)


@pytest.mark.parametrize("nothing", [None, ()])
def test_nothing_is_nothing_when_all_fits(nothing: Any) -> None:
    assert read(orders=nothing, trades=nothing, positions=nothing) == (True, "", 0)


@pytest.mark.parametrize("part", ["asset", "asset_after"])
def test_money_must_be_shown_before_and_after(part: str) -> None:
    assert read(**{part: None}) == (False, "no money shown", 0)


def test_money_must_be_readable() -> None:
    assert read(asset_after=MONEY._replace(cash="x")) == (False, "its money cannot be read", 0)


def test_shares_that_are_worth_something_must_be_shown() -> None:
    rich = MONEY._replace(market_value=999.0)
    assert read(asset_after=rich) == (False, "shares are worth something, and no position is shown", 0)
    assert read(asset_after=rich, positions=(HELD,)) == (True, "", 0)


def test_orders_that_are_known_must_be_shown() -> None:
    known = Identity()
    known.tie("260105AAAAAAAAAAAAAA", DAY, "1")
    assert read(identity=known) == (False, "orders are known, and none is shown", 0)
    assert read(identity=known, orders=(ORDER,)) == (True, "", 0)
    assert read(known=("1",)) == (False, "orders are known, and none is shown", 0), "by the journal, after a start"
    assert read(known=("1",), orders=(ORDER,)) == (True, "", 0)
    assert read(ts_of(20260106, hms("10:00")), identity=known)[0], "of another day they are not"


def test_deals_of_orders_that_traded_must_be_shown() -> None:
    traded = ORDER._replace(traded_volume=100, order_status=56)
    assert read(orders=(traded,)) == (False, "orders have traded, and no deal is shown", 0)
    assert read(orders=(traded,), trades=(TRADE,)) == (True, "", 0)


def test_rows_of_other_accounts_and_rows_that_cannot_be_read() -> None:
    assert read(orders=(ORDER._replace(account_id="9"),)) == (True, "", 0)
    assert read(orders=(ORDER._replace(stock_code="000300.SH"), ORDER._replace(order_type=27))) == (True, "", 2)
    bad = ORDER._replace(order_volume="x")
    assert read(orders=(bad, ORDER)) == (False, "a row cannot be read", 1), "it may be the one that is looked for"
    assert read(positions=(HELD._replace(volume=None),)) == (False, "a row cannot be read", 1)


@pytest.mark.parametrize(
    ("at", "code", "status"),
    [
        ("15:04:59", 50, CounterStatus.WORKING), ("15:05", 50, CounterStatus.EXPIRED),
        ("15:05", 51, CounterStatus.EXPIRED), ("15:05", 54, CounterStatus.CANCELLED),
        ("15:05", 57, CounterStatus.REJECTED),
    ],
)  # fmt: skip
def test_what_stands_after_the_close_has_expired(at: str, code: int, status: CounterStatus) -> None:
    rows = {"orders": (ORDER._replace(order_status=code),)}
    state, _ = read_state(Question(7, 0, (), EMPTY | rows), Identity(), ACCOUNT, ts_of(DAY, hms(at)))
    assert [order.status for order in state.orders] == [status]
