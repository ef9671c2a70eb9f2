"""The one order of an acceptance run: what it would be, and everything that forbids it."""

import re
from typing import NamedTuple

from common.domain.calendar import S0930, S1130, S1300, S1457, second_of_day
from common.domain.values import MILLI, TICK, Cash, Price, Shares, Symbol
from services.cli.accept.port import Fields

SHARES: Shares = 100
OURS = re.compile(r"\d{6}[0-9A-HJKMNP-TV-Z]{14}\Z")
"""The remark of an order of ours (`common/domain/ids.py`)."""
FINAL = frozenset({53, 54, 56, 57})
"""Order states that end an order (notes §1.4)."""
FAR_BP = 500
"""The price must be this far below the last one, or it might be traded."""
FEES: Cash = 10 * MILLI
"""More than the fees on 100 shares can be."""
VALUE_MAX: Cash = 20_000 * MILLI
"""Whatever is typed: a mistake must stay small."""
YUAN_MAX = 1e13
"""No sum of an account is larger; infinities stop here."""
LOT_OF_200 = ("688", "689")
"""STAR: 100 shares are no order there."""
MARGIN_S = 60
"""The order needs this long before a break or the end, to be placed and cancelled."""


class Plan(NamedTuple):
    """A limit buy far below the market."""

    symbol: Symbol
    shares: Shares
    price: Price
    last: Price


class Forbidden(NamedTuple):
    """Why the order is not placed: `no_order.KEY` of the texts, and its facts."""

    key: str
    facts: dict[str, object]


def milli(value: object) -> Price:
    """Return a price of the vendor's (yuan, with noise) in 0.001 yuan, 0 where there is none."""
    return round(float(value) * MILLI) if isinstance(value, int | float) and 0 < value < YUAN_MAX else 0


def make_plan(symbol: Symbol, instrument: Fields | None, tick: Fields | None) -> Plan | Forbidden:
    """Return the order: 100 shares at the day's lower limit, which nobody sells at while the stock is far above it."""
    if symbol.startswith(LOT_OF_200):
        return Forbidden("lot", {"symbol": symbol})
    down = milli((instrument or {}).get("DownStopPrice"))
    last = milli((tick or {}).get("lastPrice"))
    if not down or not last:
        return Forbidden("no_price", {"symbol": symbol})
    status = (instrument or {}).get("InstrumentStatus")
    if isinstance(status, int) and status >= 1:  # days suspended (notes §2.4)
        return Forbidden("suspended", {"symbol": symbol})
    price = -(-down // TICK) * TICK
    if SHARES * price > VALUE_MAX:
        return Forbidden("dear", {"symbol": symbol, "value": _yuan(SHARES * price), "most": _yuan(VALUE_MAX)})
    if price * 10_000 > last * (10_000 - FAR_BP):
        return Forbidden(
            "near", {"symbol": symbol, "price": _yuan(price), "last": _yuan(last), "percent": FAR_BP // 100}
        )
    return Plan(symbol, SHARES, price, last)


def forbids(
    plan: Plan,
    now_ns: int,
    orders: list[Fields] | None,
    asset: Fields | None,
    *,
    trading_day: bool,
    any_time: bool,
    killed: bool = False,
) -> Forbidden | None:
    """Return the first thing that forbids the order, or None."""
    if killed:
        return Forbidden("killed", {})
    if asset is None:
        return Forbidden("no_asset", {})
    if not any_time and not (trading_day and is_continuous(second_of_day(now_ns))):
        return Forbidden("hours", {})
    open_ours = [row for row in orders or [] if is_open_order_of_ours(row)]
    if open_ours:
        return Forbidden(
            "open_orders",
            {"count": len(open_ours), "ids": ", ".join(str(row.get("order_remark")) for row in open_ours)},
        )
    need = plan.shares * plan.price + FEES
    cash = milli(asset.get("cash"))
    if cash < need:
        return Forbidden("cash", {"cash": _yuan(cash), "need": _yuan(need)})
    return None


def is_continuous(second: int) -> bool:
    """Tell whether a continuous auction runs, and goes on for long enough."""
    return S0930 <= second < S1130 - MARGIN_S or S1300 <= second < S1457 - MARGIN_S


def is_open_order_of_ours(row: Fields) -> bool:
    """Tell whether an order at the counter is one of ours and may still trade; an unknown state may."""
    mine = bool(OURS.match(str(row.get("order_remark", "")))) or row.get("strategy_name") == "pankou"
    return mine and row.get("order_status") not in FINAL


def _yuan(price: int) -> str:
    return f"{price / MILLI:.2f}"
