"""`screen`, `pool`, `explain`: what was picked, and why."""

import click

from common.domain.reasons import Reason
from common.messages.control import Fault
from common.messages.signals import ExplainRequest, Explanation, Pool, PoolRequest
from services.cli import faults, show
from services.cli.bilingual import command, json_option, option
from services.cli.check import parse_day, parse_symbol
from services.cli.dates import check_calendar, parse_rule
from services.cli.explaining import explanation_lines, pool_lines
from services.cli.faults import CliError
from services.cli.session import Session, pass_session

SCREENER = "screener"
date_option = option("--date", "day", metavar="DATE", required=True, help_key="opt.date")


@command("screen", "cmd.screen")
@option("--rule", metavar="RULE", required=True, help_key="opt.rule")
@date_option
@json_option
@pass_session
def screen(session: Session, rule: str, day: str, as_json: bool) -> int:
    """Screen a day anew."""
    wanted = check_calendar(session, parse_day(day))
    found = session.ask(SCREENER, PoolRequest(parse_rule(rule), wanted, fresh=True), Pool)
    if as_json:
        show.echo_json(found)
    else:
        click.echo("\n".join(pool_lines(session.lang, found)))
    return faults.OK if found.ready else faults.REFUSED


@command("pool", "cmd.pool")
@click.argument("day")
@option("--rule", metavar="RULE", help_key="opt.rule")
@json_option
@pass_session
def pool(session: Session, day: str, rule: str | None, as_json: bool) -> None:
    """Show the pools of a day, of every rule that runs or of one."""
    wanted = check_calendar(session, parse_day(day))
    rules = [parse_rule(rule)] if rule else running_rules(session)
    pools = [session.ask(SCREENER, PoolRequest(name, wanted), Pool) for name in rules]
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
@date_option
@json_option
@pass_session
def explain(session: Session, symbol: str, day: str, as_json: bool) -> int:
    """Print the screen's conditions and the rules' checks of one stock on one day."""
    code = parse_symbol(symbol)
    wanted = check_calendar(session, parse_day(day))
    ask = ExplainRequest(code, wanted)
    parts = {peer: session.link.ask(peer, ask) for peer in (SCREENER, "signal_engine")}
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
    return faults.OK
