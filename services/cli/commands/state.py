"""`halt`, `reduce`, `resume`: a person decides what the risk manager lets through, with a reason."""

from typing import Any

import click

from common.domain.values import TradingState
from common.messages.control import StateRequest, TradingStateChanged
from services.cli import faults, show
from services.cli.bilingual import command, json_option, option
from services.cli.faults import BadInputError
from services.cli.session import Session, pass_session

RISK = "risk_manager"
why_option = option("--why", metavar="TEXT", default="", help_key="opt.why")


def change(session: Session, state: TradingState, why: str, as_json: bool) -> int:
    """Ask for a trading state and say what became of it; machine-made causes may hold it lower."""
    if not why.strip():
        raise BadInputError("bad.why")
    answer = session.ask(RISK, StateRequest(state, why.strip()), TradingStateChanged, control=True)
    if as_json:
        show.echo_json(answer)
    else:
        session.tell("state.now", state=session.say(f"trading.{answer.state.name}"))
        for name, text in answer.causes.items():
            session.tell("state.cause", name=name, text=text)
    return faults.OK if answer.wanted is state else faults.REFUSED


def _command(name: str, state: TradingState) -> click.Command:
    @command(name, f"cmd.{name}")
    @why_option
    @json_option
    @pass_session
    def run(session: Session, why: str, as_json: bool) -> Any:
        return change(session, state, why, as_json)

    return run


halt = _command("halt", TradingState.HALTED)
reduce = _command("reduce", TradingState.REDUCING)
resume = _command("resume", TradingState.ACTIVE)
