"""Tables of the books: positions, account, fills and orders as people read them."""

from collections.abc import Sequence

from common.domain.orders import OrderState
from common.domain.reasons import Reason
from common.domain.values import Side, day_of_push
from common.messages.orders import Account, OrderRow, PositionRow
from services.cli.books import Deal, Fill
from services.cli.show import day_text, price_text, reason_text, signed, table, time_text, yuan
from services.cli.texts import say


def heads(lang: str, *keys: str) -> list[str]:
    """Return column titles."""
    return [say(lang, f"head.{key}") for key in keys]


def side_text(lang: str, side: int) -> str:
    """Return buy or sell."""
    return say(lang, "side.buy" if side == Side.BUY else "side.sell")


def state_text(lang: str, state: OrderState) -> str:
    """Return the word of an order's state."""
    return say(lang, f"order_state.{state.name}")


def rule_text(lang: str, rule: str) -> str:
    """Return a rule's name; people's orders have a word of their own."""
    return say(lang, "rule.hand") if rule == "hand" else rule


def positions_table(lang: str, rows: Sequence[PositionRow]) -> str:
    """Return the positions, each with its sellable and frozen shares, its gain and the tax a sale would bear today."""
    if not rows:
        return say(lang, "none.positions")
    lines = [
        (
            row.symbol,
            rule_text(lang, row.rule),
            row.shares,
            row.sellable,
            row.frozen,
            price_text(row.cost // row.shares) if row.shares else "-",
            price_text(row.last),
            yuan(row.market_value),
            signed(row.market_value - row.cost),
            yuan(row.tax_due),
            day_text(row.opened_day),
        )
        for row in rows
    ]
    titles = heads(
        lang,
        *("symbol", "rule", "shares", "sellable", "frozen", "cost_price", "last", "value", "gain", "tax_due", "opened"),
    )
    return table(titles, lines, range(2, 10))


def account_lines(lang: str, found: Account) -> list[str]:
    """Return the account and its closes."""
    facts = (
        *("equity", "cash", "frozen", "withdrawable", "sold_today", "market_value"),
        *("fees_total", "taxes_total", "dividends_total", "start_cash"),
    )
    lines = [
        table(("", ""), [(say(lang, f"account.{name}"), yuan(getattr(found, name))) for name in facts], (1,)).lstrip(
            "\n"
        )
    ]
    lines.append(say(lang, "account.gain", gain=signed(found.equity - found.start_cash)))
    if found.days:
        lines += ["", days_table(lang, found)]
    return lines


def days_table(lang: str, found: Account) -> str:
    """Return the closes: equity, cash, fees, taxes, profit and loss by day."""
    rows = [
        (
            day_text(d.day),
            yuan(d.equity),
            yuan(d.cash),
            yuan(d.market_value),
            yuan(d.fees),
            yuan(d.taxes),
            signed(d.pnl),
        )
        for d in found.days
    ]
    return table(heads(lang, "day", "equity", "cash", "value", "fees", "taxes", "pnl"), rows, range(1, 7))


def fill_cells(lang: str, fill: Fill) -> tuple[object, ...]:
    """Return one deal as cells."""
    deal = fill.fill
    return (
        day_text(fill.day),
        time_text(deal.ts_ns),
        side_text(lang, deal.side),
        deal.symbol,
        deal.shares,
        price_text(deal.price),
        yuan(deal.shares * deal.price),
        yuan(deal.fees),
        yuan(deal.tax),
        rule_text(lang, deal.rule),
        reason_text(lang, deal.cause),
    )


def fills_table(lang: str, rows: Sequence[Fill]) -> str:
    """Return the deals."""
    if not rows:
        return say(lang, "none.fills")
    titles = heads(
        lang, "day", "time", "side", "symbol", "shares", "price", "turnover", "fees", "taxes", "rule", "cause"
    )
    return table(titles, [fill_cells(lang, row) for row in rows], (4, 5, 6, 7, 8))


def deal_line(lang: str, deal: Deal) -> str:
    """Return one deal as a line to print while it happens."""
    fill = deal.first.fill
    return say(
        lang,
        "follow.fill",
        day=day_text(deal.first.day),
        time=time_text(fill.ts_ns),
        side=side_text(lang, fill.side),
        symbol=fill.symbol,
        shares=deal.shares,
        price=price_text(deal.price),
        rule=rule_text(lang, fill.rule),
        cause=reason_text(lang, fill.cause),
    )


def deals_table(lang: str, rows: Sequence[Deal]) -> str:
    """Return deals, each with its average price and the number of fills it is made of."""
    if not rows:
        return say(lang, "none.fills")
    cells = [
        (
            day_text(row.first.day),
            time_text(row.first.fill.ts_ns),
            side_text(lang, row.first.fill.side),
            row.first.fill.symbol,
            row.shares,
            price_text(row.price),
            yuan(row.amount),
            yuan(row.fees),
            yuan(row.taxes),
            row.fills,
            rule_text(lang, row.first.fill.rule),
            reason_text(lang, row.first.fill.cause),
        )
        for row in rows
    ]
    titles = heads(
        lang,
        *("day", "time", "side", "symbol", "shares", "average", "turnover", "fees", "taxes", "fills", "rule", "cause"),
    )
    return table(titles, cells, (4, 5, 6, 7, 8, 9))


def orders_table(lang: str, rows: Sequence[OrderRow]) -> str:
    """Return orders with what was filled of them and how they ended."""
    if not rows:
        return say(lang, "none.orders")
    lines = [
        (
            row.coid,
            day_text(day_of_push(row.push)),
            time_text(row.ts_ns),
            side_text(lang, row.side),
            row.symbol,
            row.shares,
            price_text(row.price),
            row.filled,
            state_text(lang, row.state),
            rule_text(lang, row.rule),
            reason_text(lang, row.cause),
            reason_text(lang, row.ended) if row.ended is not Reason.NONE else "",
        )
        for row in rows
    ]
    titles = heads(
        lang, "coid", "day", "time", "side", "symbol", "shares", "price", "filled", "state", "rule", "cause", "ended"
    )
    return table(titles, lines, (5, 6, 7))
