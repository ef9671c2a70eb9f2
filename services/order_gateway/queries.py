"""Answers about the books: always given, also while the market is not there."""

from common.domain.positions import OrderRecord
from common.domain.values import day_of_push
from common.messages.orders import (
    Account,
    AccountRequest,
    EventRow,
    Events,
    EventsRequest,
    FillsRequest,
    MatchedThrough,
    OrderFilled,
    OrderRow,
    Orders,
    OrdersRequest,
    PositionRow,
    Positions,
    PositionsRequest,
)
from common.rules.withholding import withheld
from services.order_gateway.books import Books
from services.order_gateway.market import Market

EVENTS_MAX = 2000
Query = PositionsRequest | AccountRequest | OrdersRequest | FillsRequest | EventsRequest


def positions(books: Books, market: Market) -> Positions:
    """Return all positions, valued at the last prices."""
    rows = []
    for symbol, holding in sorted(books.ledger.positions.items()):
        last = market.last_of(symbol) or holding.mark
        rows.append(
            PositionRow(
                symbol=symbol,
                shares=holding.shares,
                sellable=holding.sellable,
                cost=holding.cost,
                last=last,
                market_value=holding.shares * last,
                rule=holding.rule,
                opened_day=holding.opened_day,
                frozen=holding.frozen,
                bought_today=holding.bought_today,
                tax_due=withheld(books.ledger.income_of(symbol, holding.shares), books.ledger.day),
            )
        )
    return Positions(tuple(rows))


def account(books: Books, market: Market) -> Account:
    """Return the account."""
    ledger = books.ledger
    value = ledger.market_value(market.last_of)
    return Account(
        cash=ledger.free_cash,
        frozen=ledger.frozen_cash,
        withdrawable=ledger.withdrawable,
        market_value=value,
        equity=ledger.cash + value,
        fees_total=ledger.fees_total,
        day=ledger.day,
        start_cash=ledger.start_cash,
        days=tuple(books.days),
        taxes_total=ledger.taxes_total,
        dividends_total=ledger.dividends_total,
        sold_today=ledger.sold_day,
    )


def _order_row(order: OrderRecord) -> OrderRow:
    return OrderRow(
        order.coid, order.key, order.symbol, order.side, order.shares, order.price, order.filled, order.state,
        order.rule, order.cause, order.push, order.ts_ns, order.ended,
    )  # fmt: skip


def orders(books: Books, request: OrdersRequest) -> Orders:
    """Return the orders of a day and state, oldest first; 0 = all."""
    return Orders(
        tuple(
            _order_row(order)
            for order in books.ledger.orders.values()
            if request.day in (0, order.day) and request.state in (0, order.state)
        )
    )


def fills(books: Books, request: FillsRequest, matched: MatchedThrough | None) -> Events:
    """Return the rows of deals of a day, oldest first; 0 = all."""

    def wanted(row: EventRow) -> bool:
        return isinstance(row.event, OrderFilled) and request.day in (0, day_of_push(row.push))

    return Events(tuple(row for row in books.rows if wanted(row)), books.last_seq, matched)


def events(books: Books, request: EventsRequest, matched: MatchedThrough | None) -> Events:
    """Return journal rows from a number on, so many at most; the asker goes on until `last_seq`."""
    first = max(1, request.from_seq) - 1
    rows = tuple(books.rows[first : first + max(0, min(request.limit, EVENTS_MAX))])
    return Events(rows, books.last_seq, matched)


def answer(
    query: Query, books: Books, market: Market, matched: MatchedThrough | None
) -> Positions | Account | Orders | Events:
    """Answer a question about the books."""
    match query:
        case PositionsRequest():
            return positions(books, market)
        case AccountRequest():
            return account(books, market)
        case OrdersRequest():
            return orders(books, query)
        case FillsRequest():
            return fills(books, query, matched)
        case EventsRequest():
            return events(books, query, matched)
