"""`screen`, `pool`, `explain`: what was picked, and why; through the running system, or on history alone."""

import click

from common.domain.reasons import Reason
from common.domain.values import Day
from common.messages.control import Fault
from common.messages.outputs import Message
from common.messages.signals import ExplainRequest, Explanation, Pool, PoolRequest
from services.cli import faults, show
from services.cli.bilingual import command, json_option, option
from services.cli.check import parse_day, parse_symbol
from services.cli.dates import check_calendar
from services.cli.direct import ST_CHOICES, open_direct, parse_screen_name, run_screens
from services.cli.explaining import explanation_lines, pool_lines, pool_rows, range_lines, range_rows
from services.cli.faults import BadInputError, CliError
from services.cli.session import Session, pass_session

SCREENER = "screener"
ENGINE = "signal_engine"
history_option = option("--history", metavar="DIR", help_key="opt.screen_history")
st_option = option("--st-unknown", type=click.Choice(list(ST_CHOICES)), help_key="opt.st_unknown")


@command("screen", "cmd.screen")
@option("--rule", metavar="RULE", required=True, help_key="opt.screen")
@option("--date", "day", metavar="DATE", help_key="opt.date")
@option("--from", "first", metavar="DATE", help_key="opt.first_day")
@option("--to", "last", metavar="DATE", help_key="opt.last_day")
@st_option
@history_option
@json_option
@pass_session
def screen(
    session: Session,
    rule: str,
    day: str | None,
    first: str | None,
    last: str | None,
    st_unknown: str | None,
    history: str | None,
    as_json: bool,
) -> int:
    """Screen a day anew, or every day of a range."""
    if (day is None) == (first is None) or (first is None) != (last is None):
        raise BadInputError("bad.date_or_range")
    if first is not None and last is not None:
        return screen_range(session, rule, (parse_day(first), parse_day(last)), st_unknown, history, as_json)
    found = one_pool(session, rule, parse_day(str(day)), st_unknown, history)
    if not found.ready:
        session.warn("pool.not_ready", note=found.note)
        return faults.REFUSED
    if as_json:
        show.echo_json(pool_rows(found))
    else:
        click.echo("\n".join(pool_lines(session.lang, found)))
    return faults.OK


def one_pool(session: Session, rule: str, day: Day, st_unknown: str | None, history: str | None) -> Pool:
    """Return the pool of a day: of the running screener, or where it is to be done differently, done here."""
    if st_unknown is None and history is None and session.is_up(session.home):
        name = parse_screen_name(rule, run_screens(session))
        return session.ask(SCREENER, PoolRequest(name, check_calendar(session, day), fresh=True), Pool)
    direct = open_direct(session, history, st_unknown)
    return direct.pools.pool(parse_screen_name(rule, direct.screens), direct.check_day(day))


def screen_range(
    session: Session, rule: str, span: tuple[Day, Day], st_unknown: str | None, history: str | None, as_json: bool
) -> int:
    """Screen every trading day of a range on history, without the services."""
    from common.history.batch import screen_days

    direct = open_direct(session, history, st_unknown)
    screens = [direct.screens[parse_screen_name(rule, direct.screens)]]
    days = direct.days(*span)
    results = [found for found, *_ in screen_days(direct.pools.history(), screens, days)]
    if as_json:
        show.echo_json(range_rows(results))
    else:
        click.echo("\n".join(range_lines(session.lang, results)))
    missed = [found for found in results if found.lacks]
    for found in missed[:3]:
        session.warn("screen.missed", day=show.day_text(found.day), note=found.lacks)
    if missed:
        session.warn("screen.missed_days", count=len(missed), of=len(results))
    return faults.REFUSED if len(missed) == len(results) else faults.OK


@command("pool", "cmd.pool")
@click.argument("day")
@option("--rule", metavar="RULE", help_key="opt.screen")
@history_option
@json_option
@pass_session
def pool(session: Session, day: str, rule: str | None, history: str | None, as_json: bool) -> None:
    """Show the pools of a day, of every rule that runs or of one."""
    wanted = parse_day(day)
    if history is None and session.is_up(session.home):
        wanted = check_calendar(session, wanted)
        rules = [parse_screen_name(rule, run_screens(session))] if rule else running_rules(session)
        pools = [session.ask(SCREENER, PoolRequest(name, wanted), Pool) for name in rules]
    else:
        direct = open_direct(session, history, None)
        wanted = direct.check_day(wanted)
        names = [parse_screen_name(rule, direct.screens)] if rule else list(direct.config.account.rule_slots)
        pools = [direct.pools.pool(name, wanted) for name in names]
    if as_json:
        show.echo_json(pools)
    else:
        click.echo("\n\n".join("\n".join(pool_lines(session.lang, found)) for found in pools))


def running_rules(session: Session) -> list[str]:
    """Return the rules of the newest run."""
    from services.cli.settings import load_run

    return list(load_run(session.home).account.rule_slots)


@command("explain", "cmd.explain")
@click.argument("symbol")
@option("--date", "day", metavar="DATE", required=True, help_key="opt.date")
@history_option
@json_option
@pass_session
def explain(session: Session, symbol: str, day: str, history: str | None, as_json: bool) -> int:
    """Print the screen's conditions and the rules' checks of one stock on one day."""
    code, wanted = parse_symbol(symbol), parse_day(day)
    up = history is None and session.is_up(session.home)
    parts = ask_both(session, code, wanted) if up else explain_direct(session, code, wanted, history)
    known = {peer: answer for peer, answer in parts.items() if isinstance(answer, Explanation)}
    if as_json:
        show.echo_json(parts)
    elif known:
        click.echo("\n".join(explanation_lines(session.lang, code, wanted, known)))
    for peer, answer in parts.items():
        if isinstance(answer, Fault) and answer.reason is not Reason.NONE:
            session.warn("err.service_fault", peer=peer, text=answer.text)
    if not known:
        raise CliError("explain.nothing", symbol=code, day=show.day_text(wanted))
    if not up:
        session.warn("explain.not_running")
    return faults.OK


def ask_both(session: Session, code: str, day: Day) -> dict[str, Message]:
    """Ask the running screener and signal engine."""
    ask = ExplainRequest(code, check_calendar(session, day))
    return {peer: session.link.ask(peer, ask) for peer in (SCREENER, ENGINE)}


def explain_direct(session: Session, code: str, day: Day, history: str | None) -> dict[str, Message]:
    """Look at the screens' conditions on history."""
    direct = open_direct(session, history, None)
    return {SCREENER: direct.pools.explain(code, direct.check_day(day))}
