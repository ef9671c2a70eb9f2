"""`kill`, `limits`, `arm`: safeguards at the order gateway itself, which work while the risk manager is dead."""

import os
from pathlib import Path

import click

from common.domain.values import TradingState
from common.messages.control import ArmRequest, KillRequest, LimitRequest, Safeguards, SafeguardsRequest
from common.messages.outputs import Message
from common.rules.guards import RAISABLE
from services.cli import faults, show
from services.cli.bilingual import Group, command, json_option, option
from services.cli.books import GATEWAY
from services.cli.check import parse_until
from services.cli.faults import BadInputError, SilentError
from services.cli.render import heads
from services.cli.session import Session, pass_session

UNITS = {name: "unit.orders" if name.startswith("orders") else "word.yuan" for name in RAISABLE}
USED = {"orders_per_day": ("orders_day", "cancels_day"), "day_value_max": ("bought_day",)}
"""What of a limit of the day is used: numbers that add up."""
why_option = option("--why", metavar="TEXT", default="", help_key="opt.why_safeguard")


def ask(session: Session, message: Message) -> Safeguards:
    """Ask the gateway on its control socket."""
    return session.ask(GATEWAY, message, Safeguards, control=True)


# ---------------------------------------------------------------------- kill


@command("kill", "cmd.kill")
@option("--off", is_flag=True, help_key="opt.kill_off")
@why_option
@json_option
@pass_session
def kill(session: Session, off: bool, why: str, as_json: bool) -> int:
    """Let no order leave the gateway: a file that counts even when nothing runs, and a row of the journal."""
    if not why.strip():
        raise BadInputError("bad.why")
    place = session.home.kill_file
    if off:
        said = ask(session, KillRequest(on=False, why=why.strip()))
        place.unlink(missing_ok=True)
        said = ask(session, SafeguardsRequest())
    else:
        write_file(place, why.strip())
        try:
            said = ask(session, KillRequest(on=True, why=why.strip()))
        except SilentError:
            if as_json:
                show.echo_json({"kill_file": str(place), "gateway": None})
            session.warn("kill.silent", path=str(place))
            return faults.OK
    if as_json:
        show.echo_json(said)
    else:
        session.tell("kill.off" if off else "kill.on", path=str(place))
    return faults.OK if (said.killed or said.kill_file) is not off else faults.REFUSED


def write_file(place: Path, why: str) -> None:
    """Make the kill file, only for its owner's eyes; it holds the reason."""
    place.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(why + "\n")


# ---------------------------------------------------------------------- limits

limits = Group("limits", help_key="cmd.limits")


@limits.command_of("show", "cmd.limits.show")
@json_option
@pass_session
def show_limits(session: Session, as_json: bool) -> None:
    """Show the limits in force, what was set for today, what is used, and the ceilings."""
    said = ask(session, SafeguardsRequest())
    if as_json:
        show.echo_json(said)
        return
    rows = [
        (
            name,
            f"{value:,}",
            session.say("word.yes") if name in said.raised else "",
            f"{sum(said.used.get(part, 0) for part in USED[name]):,}" if name in USED else "",
            f"{RAISABLE[name]:,}",
            session.say(UNITS[name]),
        )
        for name, value in said.limits.items()
        if name in RAISABLE
    ]
    titles = heads(session.lang, "limit", "in_force", "raised", "used", "ceiling", "unit")
    click.echo(show.table(titles, rows, (1, 3, 4)))
    for key in ("quick_cancels_day", "cancel_ratio_bp"):
        session.tell(f"limits.{key}", value=said.used.get(key, 0))
    if said.killed or said.kill_file:
        session.tell("limits.killed", why=said.kill_why or str(session.home.kill_file))


@limits.command_of("raise", "cmd.limits.raise")
@click.argument("name")
@click.argument("value")
@why_option
@json_option
@pass_session
def raise_limit(session: Session, name: str, value: str, why: str, as_json: bool) -> int:
    """Set a limit until the end of the trading day."""
    number = parse_limit(name, value)
    if not why.strip():
        raise BadInputError("bad.why")
    said = ask(session, LimitRequest(name, number, why.strip()))
    if as_json:
        show.echo_json(said)
    else:
        session.tell("limits.set", name=name, value=f"{said.limits.get(name, 0):,}")
    return faults.OK if said.limits.get(name) == number else faults.REFUSED


def parse_limit(name: str, text: str) -> int:
    """Return the value of a limit that may be set for a day, under its ceiling."""
    if name not in RAISABLE:
        raise BadInputError("bad.limit_name", name=name, known=", ".join(RAISABLE))
    clean = text.strip().replace(",", "").replace("_", "")
    if not clean.isascii() or not clean.isdigit() or not 1 <= int(clean) <= RAISABLE[name]:
        raise BadInputError("bad.limit_value", name=name, value=text, ceiling=f"{RAISABLE[name]:,}")
    return int(clean)


# ---------------------------------------------------------------------- arm


def is_green(session: Session, *, as_json: bool) -> bool:
    """Run the start-up checklist and name what keeps the account from being armed."""
    from services.cli.accept.recordings import never_run
    from services.cli.doctor import report
    from services.cli.doctor.registry import examine, red

    findings = examine(session.examine(session))
    reds = red(findings)
    if never_run():
        session.warn("live.never")
    if reds and as_json:
        show.echo_json(report.plain(session, findings, live=True))
    elif reds:
        session.warn("arm.red", count=len(reds))
        for line in report.red_lines(session, reds):
            click.echo(line, err=True)
    return not reds


def tell_trading_state(session: Session) -> None:
    """Say when risk opens nothing all the same."""
    from services.cli.commands.system import ask_status

    status = ask_status(session, "risk_manager")
    held = {state.name.lower(): state.name for state in TradingState if state is not TradingState.ACTIVE}
    if status is not None and status.state in held:
        session.tell("arm.held", state=session.say(f"trading.{held[status.state]}"))


@command("arm", "cmd.arm")
@option("--account", metavar="NAME", default="", help_key="opt.arm_account")
@option("--until", metavar="HH:MM", default="15:00", show_default=True, help_key="opt.arm_until")
@option("--off", is_flag=True, help_key="opt.arm_off")
@json_option
@pass_session
def arm(session: Session, account: str, until: str, off: bool, as_json: bool) -> int:
    """Let a live account open positions today until a time; the account's name is typed once more."""
    if not account.strip():
        raise BadInputError("bad.arm_account")
    until_s = 0 if off else parse_until(until)
    said = ask(session, SafeguardsRequest())
    if not said.live:
        if as_json:
            show.echo_json(said)
        session.warn("arm.paper", account=said.account)
        return faults.OK
    if account != said.account:
        raise BadInputError("bad.arm_other", account=account, known=said.account)
    if until_s and not is_green(session, as_json=as_json):
        return faults.REFUSED
    if until_s:
        typed = click.prompt(session.say("arm.confirm", account=account, until=until), err=True)
        if typed.strip() != account:
            raise BadInputError("bad.arm_typed", account=account)
    said = ask(session, ArmRequest(account, until_s))
    if as_json:
        show.echo_json(said)
    elif until_s:
        session.tell("arm.done", account=account, until=until)
        tell_trading_state(session)
    else:
        session.tell("arm.off", account=account)
    return faults.OK if said.armed_until_s == until_s else faults.REFUSED
