"""`rules show|band|cage|fee`: what the dated rulebook says, without a run, keys or configuration."""

from datetime import date

import click

from common.domain.values import MILLI, Side
from services.cli import faults, show
from services.cli.bilingual import Group, json_option, option
from services.cli.faults import BadInputError
from services.cli.render import heads
from services.cli.session import Session, pass_session

rules = Group("rules", help_key="cmd.rules")
date_option = option("--date", "day", metavar="DATE", required=True, help_key="opt.date")
side_option = option("--side", metavar="buy|sell", required=True, help_key="opt.side")


def _yuan(amount: int) -> float | None:
    """Return an amount in yuan for JSON; 0 = none."""
    return amount / MILLI if amount else None


def _price_text(session: Session, price: int) -> str:
    return show.price_text(price) if price else session.say("rules.none")


@rules.command_of("show", "cmd.rules.show")
@click.argument("code")
@date_option
@json_option
@pass_session
def show_(session: Session, code: str, day: str, as_json: bool) -> int:
    """Print every rule that holds for a stock on a day, with its source."""
    from services.cli import rulebook
    from services.cli.ruling import ask

    asked = ask(code, day)
    found = list(rulebook.applying(asked.symbol, asked.exchange, asked.board, asked.day))
    youngest = rulebook.youngest_source()
    number = asked.day
    age = (date(number // 10_000, number // 100 % 100, number % 100) - youngest).days
    if as_json:
        show.echo_json(
            {
                "code": asked.symbol,
                "date": show.day_text(asked.day),
                "exchange": asked.exchange.name,
                "board": asked.board.name.lower(),
                "youngest_source": youngest.isoformat(),
                "days_since_youngest_source": age,
                "rules": [rulebook.row_json(ruled) for ruled in found],
            }
        )
        return faults.OK
    session.tell(
        "rules.head",
        symbol=asked.symbol,
        board=session.say(f"board.{asked.board.name}"),
        day=show.day_text(asked.day),
        count=len(found),
    )
    click.echo("\n".join(line for ruled in found for line in rulebook.row_lines(session.lang, ruled)))
    click.echo("")
    click.echo("\n".join(rulebook.source_lines(session.lang, found)))
    session.tell("rules.age_after" if age > 0 else "rules.age_before", day=youngest.isoformat(), days=abs(age))
    return faults.OK


@rules.command_of("band", "cmd.rules.band")
@click.argument("code")
@date_option
@option("--prev-close", metavar="PRICE", help_key="opt.prev_close")
@option("--st", is_flag=True, help_key="opt.st")
@option("--listing-day", metavar="N", help_key="opt.listing_day")
@option("--listed", metavar="DATE", help_key="opt.listed")
@option("--phase", metavar="PHASE", default="normal", help_key="opt.listing_phase")
@json_option
@pass_session
def band(
    session: Session,
    code: str,
    day: str,
    prev_close: str | None,
    st: bool,
    listing_day: str | None,
    listed: str | None,
    phase: str,
    as_json: bool,
) -> int:
    """Print the limits of a day."""
    from services.cli.ruling import ask, band_of

    found = band_of(ask(code, day), prev_close, st, phase, listing_day, listed)
    if as_json:
        show.echo_json({"up_limit": _yuan(found.up), "down_limit": _yuan(found.down)})
    else:
        session.tell("rules.band", up=_price_text(session, found.up), down=_price_text(session, found.down))
    return faults.OK


@rules.command_of("cage", "cmd.rules.cage")
@click.argument("code")
@date_option
@side_option
@option("--bid", metavar="PRICE", help_key="opt.bid")
@option("--ask", metavar="PRICE", help_key="opt.ask")
@option("--last", metavar="PRICE", help_key="opt.last")
@option("--prev-close", metavar="PRICE", help_key="opt.prev_close")
@json_option
@pass_session
def cage(
    session: Session,
    code: str,
    day: str,
    side: str,
    bid: str | None,
    ask: str | None,
    last: str | None,
    prev_close: str | None,
    as_json: bool,
) -> int:
    """Print how far a limit order may reach in continuous trading."""
    from services.cli import ruling
    from services.cli.check import parse_price

    asked = ruling.ask(code, day)
    prices = [0 if text is None else parse_price(text) for text in (bid, ask, last, prev_close)]
    base, found, outside = ruling.cage_of(asked, _side(side), *prices)
    if as_json:
        show.echo_json(
            {"base": _yuan(base), "low": _yuan(found.low), "high": _yuan(found.high), "outside": outside or None}
        )
    elif not outside:
        session.tell("rules.no_cage", symbol=asked.symbol, day=show.day_text(asked.day))
    else:
        session.tell(
            "rules.cage",
            base=show.price_text(base),
            low=_price_text(session, found.low),
            high=_price_text(session, found.high),
            outside=session.say(f"ruled_word.{outside}"),
        )
    return faults.OK


@rules.command_of("fee", "cmd.rules.fee")
@click.argument("code")
@date_option
@side_option
@option("--shares", metavar="N", required=True, help_key="opt.fee_shares")
@option("--price", metavar="PRICE", required=True, help_key="opt.fee_price")
@option("--commission", metavar="RATE", help_key="opt.commission")
@option("--commission-min", metavar="YUAN", help_key="opt.commission_min")
@option("--net", is_flag=True, help_key="opt.net")
@json_option
@pass_session
def fee(
    session: Session,
    /,
    code: str,
    day: str,
    side: str,
    net: bool,
    as_json: bool,
    **typed: str | None,
) -> int:
    """Print what an order costs."""
    from common.runtime.config import Config
    from services.cli import ruling
    from services.cli.check import parse_price, parse_shares

    asked = ruling.ask(code, day)
    usual = Config().fees
    rate, least = typed["commission"], typed["commission_min"]
    found = ruling.fees_of(
        asked,
        _side(side),
        parse_shares(typed["shares"] or ""),
        parse_price(typed["price"] or ""),
        usual.commission_e7 if rate is None else ruling.parse_rate(rate, asked.day),
        usual.commission_min if least is None else ruling.parse_amount(least),
        net,
    )
    if as_json:
        show.echo_json({name: amount / MILLI for name, amount in found._asdict().items()} | {"charges_on_top": net})
        return faults.OK
    rows = [(session.say(f"fee_name.{name}"), show.yuan(amount)) for name, amount in found._asdict().items()]
    click.echo(show.table(heads(session.lang, "kind", "yuan"), rows, (1,)))
    session.tell("rules.charges_on_top" if net else "rules.charges_inside")
    return faults.OK


def _side(text: str) -> Side:
    from services.cli.ruling import SIDES

    if text not in SIDES:
        raise BadInputError("bad.side", text=text)
    return SIDES[text]
