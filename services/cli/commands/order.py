"""`order buy|sell|cancel|list|retry|resolve`: a person's orders."""

import click

from common.domain.orders import OrderState
from common.messages.orders import (
    CancelExitRequest,
    CancelRequest,
    CloseRequest,
    OpenRequest,
    Orders,
    OrdersRequest,
    ResolveRequest,
    ToldDeal,
)
from services.cli import faults, show
from services.cli.bilingual import Group, json_option, option
from services.cli.books import GATEWAY
from services.cli.check import check_buy_lot, parse_coid, parse_day, parse_deal, parse_price, parse_shares, parse_symbol
from services.cli.faults import BadInputError
from services.cli.hand import ask_text, run_name, send
from services.cli.pending import Pending, new_key
from services.cli.render import orders_table
from services.cli.session import Session, pass_session

order = Group("order", help_key="cmd.order")
price_option = option("--price", metavar="YUAN", help_key="opt.price")
wide_option = option("--wide-price", is_flag=True, help_key="opt.wide_price")


@order.command_of("buy", "cmd.order.buy")
@click.argument("symbol")
@click.argument("shares")
@price_option
@wide_option
@json_option
@pass_session
def buy(session: Session, symbol: str, shares: str, price: str | None, wide_price: bool, as_json: bool) -> int:
    """Buy shares by hand."""
    code = parse_symbol(symbol)
    count = parse_shares(shares)
    check_buy_lot(code, count)
    limit = 0 if price is None else parse_price(price)
    return send(session, OpenRequest(new_key(), code, count, limit, wide_price), as_json)


@order.command_of("sell", "cmd.order.sell")
@click.argument("symbol")
@click.argument("shares", required=False)
@price_option
@wide_option
@json_option
@pass_session
def sell(session: Session, symbol: str, shares: str | None, price: str | None, wide_price: bool, as_json: bool) -> int:
    """Sell shares by hand; without a number all that are sellable."""
    code = parse_symbol(symbol)
    count = 0 if shares is None else parse_shares(shares)
    limit = 0 if price is None else parse_price(price)
    return send(session, CloseRequest(new_key(), code, count, limit, wide_price), as_json)


@order.command_of("cancel", "cmd.order.cancel")
@click.argument("coid", required=False)
@option("--exit", "exit_symbol", metavar="SYMBOL", help_key="opt.exit")
@json_option
@pass_session
def cancel(session: Session, coid: str | None, exit_symbol: str | None, as_json: bool) -> int:
    """Cancel one order, or end the standing exit of a stock."""
    if (coid is None) == (exit_symbol is None):
        raise BadInputError("bad.cancel")
    if exit_symbol is not None:
        return send(session, CancelExitRequest(new_key(), parse_symbol(exit_symbol)), as_json)
    return send(session, CancelRequest(new_key(), parse_coid(coid or "")), as_json)


@order.command_of("list", "cmd.order.list")
@option("--date", "day", metavar="DATE", help_key="opt.orders_date")
@option("--state", type=click.Choice([state.name.lower() for state in OrderState]), help_key="opt.state")
@json_option
@pass_session
def list_(session: Session, day: str | None, state: str | None, as_json: bool) -> None:
    """List orders."""
    wanted = 0 if day is None else parse_day(day)
    number = 0 if state is None else int(OrderState[state.upper()])
    rows = session.ask(GATEWAY, OrdersRequest(wanted, number), Orders).rows
    if as_json:
        show.echo_json(rows)
    else:
        click.echo(orders_table(session.lang, rows))


@order.command_of("retry", "cmd.order.retry")
@click.argument("key", required=False)
@json_option
@pass_session
def retry(session: Session, key: str | None, as_json: bool) -> int:
    """Ask again about hand orders that got no answer, each under its own key."""
    run = run_name(session)
    pending = Pending(session.home.hand_orders)
    if key is None:
        asks = pending.waiting(run)
    else:
        found = pending.find(key, run)
        if found is None:
            raise BadInputError("bad.retry_key", key=key)
        asks = [found]
    if not asks:
        session.tell("order.none_waiting")
    worst = faults.OK
    for ask in asks:
        click.echo(session.say("order.retrying", key=ask.key, what=ask_text(session, ask)), err=True)
        worst = max(worst, send(session, ask, as_json))
    return worst


@order.command_of("resolve", "cmd.order.resolve")
@click.argument("coid")
@option("--absent", is_flag=True, help_key="opt.absent")
@option("--adopt", "broker_id", metavar="NUMBER", help_key="opt.adopt")
@option("--deal", "deals", metavar="NUMBER:SHARES@PRICE", multiple=True, help_key="opt.deal")
@option("--why", metavar="TEXT", help_key="opt.resolve_why")
@json_option
@pass_session
def resolve(
    session: Session,
    coid: str,
    absent: bool,
    broker_id: str | None,
    deals: tuple[str, ...],
    why: str | None,
    as_json: bool,
) -> int:
    """Settle an order in doubt with what the broker said."""
    number = (broker_id or "").strip()
    if absent == bool(number) or (absent and deals):
        raise BadInputError("bad.resolve")
    if not (why or "").strip():
        raise BadInputError("bad.resolve_why")
    told = tuple(ToldDeal(*parse_deal(text)) for text in deals)
    return send(session, ResolveRequest(new_key(), parse_coid(coid), (why or "").strip(), number, told), as_json)
