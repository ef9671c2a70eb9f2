"""Hand orders: stored, sent, asked again under the same key, answered in words."""

import click

from common.messages.orders import CancelExitRequest, CancelRequest, Denied, Journalled, OpenRequest, ResolveRequest
from common.messages.outputs import Message
from common.messages.signals import Verdict, VerdictStatus
from common.runtime.crash import pass_point
from services.cli import faults
from services.cli.books import GATEWAY
from services.cli.faults import SilentError
from services.cli.link import expect
from services.cli.pending import Ask, Pending
from services.cli.render import side_text
from services.cli.session import Session
from services.cli.show import echo_json, price_text, reason_line

TRIES = 3
TRY_TIMEOUT_S = 5.0


def peer_of(ask: Ask) -> str:
    """Return who is asked: the gateway, and the risk manager for the standing exits it owns."""
    return "risk_manager" if isinstance(ask, CancelExitRequest) else GATEWAY


def run_name(session: Session) -> str:
    """Return the name of the newest run; keys are stored for one run."""
    folder = session.home.last_run()
    if folder is None:
        raise SilentError("err.no_run", home=str(session.home.root))
    return folder.name


def send(session: Session, ask: Ask, as_json: bool = False) -> int:
    """Store the order's key, ask until there is an answer, print it; returns the exit code."""
    run = run_name(session)
    link = session.link
    pending = Pending(session.home.hand_orders)
    pass_point("c1")
    pending.put(ask, run)
    pass_point("c2")
    for tried in range(1, TRIES + 1):
        try:
            answer = link.ask(peer_of(ask), ask, timeout_s=TRY_TIMEOUT_S)
            break
        except SilentError:
            if tried == TRIES:
                raise SilentError("err.order_unanswered", key=ask.key, peer=peer_of(ask)) from None
    # A fault is no verdict: the key stays open and may be asked again.
    known = answer if isinstance(answer, Verdict | Journalled | Denied) else expect(answer, Verdict, peer_of(ask))
    pending.done(ask.key)
    if as_json:
        echo_json(known)
    else:
        click.echo(answer_text(session, ask, known))
    return faults.REFUSED if is_denied(known) else faults.OK


def is_denied(answer: Message) -> bool:
    """Tell whether the answer is a refusal."""
    return isinstance(answer, Denied) or (isinstance(answer, Verdict) and answer.status is VerdictStatus.DENIED)


def answer_text(session: Session, ask: Ask, answer: Verdict | Journalled | Denied) -> str:
    """Return the answer in words."""
    if isinstance(answer, Denied):
        return session.say(
            "order.denied", what=ask_text(session, ask), why=reason_line(session.lang, answer.reason, answer.detail)
        )
    if isinstance(ask, ResolveRequest):
        how = "order.adopted" if ask.broker_id else "order.resolved_absent"
        return session.say(how, coid=ask.coid, broker_id=ask.broker_id)
    if isinstance(answer, Journalled):
        return session.say("order.cancel_sent", coid=answer.coid)
    if answer.status is VerdictStatus.DENIED:
        return session.say(
            "order.denied", what=ask_text(session, ask), why=reason_line(session.lang, answer.reason, answer.detail)
        )
    if isinstance(ask, CancelExitRequest):
        return session.say("order.exit_ended", symbol=ask.symbol)
    key = {VerdictStatus.STANDING: "order.standing", VerdictStatus.PENDING: "order.pending"}.get(
        answer.status, "order.accepted"
    )
    return session.say(
        key,
        side=side_text(session.lang, answer.side),
        symbol=answer.symbol or getattr(ask, "symbol", ""),
        shares=answer.shares,
        price=price_text(answer.price),
        coid=answer.coid or "-",
    )


def ask_text(session: Session, ask: Ask) -> str:
    """Return what was asked for, in words."""
    if isinstance(ask, CancelRequest):
        return session.say("order.what_cancel", what=ask.coid)
    if isinstance(ask, CancelExitRequest):
        return session.say("order.what_cancel", what=ask.symbol)
    if isinstance(ask, ResolveRequest):
        return session.say("order.what_resolve", what=ask.coid)
    side = session.say("side.buy" if isinstance(ask, OpenRequest) else "side.sell")
    if not ask.shares:
        return session.say("order.what_all", side=side, symbol=ask.symbol)
    return session.say("order.what", side=side, symbol=ask.symbol, shares=ask.shares)
