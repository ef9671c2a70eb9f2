"""What the watchdog reports holds trading down, and only that, and only while it is reported."""

from common.domain.reasons import Reason
from common.domain.values import TradingState
from common.messages.control import Fault, ServiceTrouble, TradingStateChanged
from common.messages.header import Role
from common.messages.outputs import Origin, Publish, Reply, Token
from services.risk_manager.state import StateDesk

TOKEN = Token("ask", b"w", "k")
WATCHDOG = Origin("watchdog", Role.WATCHDOG, TOKEN)


def test_a_given_up_service_reduces_until_it_is_back() -> None:
    desk = StateDesk(resume_at_start=True)
    desk.cause("feed", "no push")
    said = desk.on_trouble(ServiceTrouble({"signal_engine": "given up"}), WATCHDOG)
    assert desk.state is TradingState.REDUCING
    assert desk.causes == {"feed": "no push", "service_signal_engine": "given up"}
    assert desk.paused, "in lockstep the player waits"
    (answer,) = (output.message for output in said if isinstance(output, Reply))
    assert isinstance(answer, TradingStateChanged)
    again = desk.on_trouble(ServiceTrouble({"signal_engine": "given up"}), WATCHDOG)
    assert not [output for output in again if isinstance(output, Publish)], "nothing new, nothing said"
    desk.on_trouble(ServiceTrouble({}), WATCHDOG)
    assert desk.causes == {"feed": "no push"}
    desk.cause("feed", "")
    assert desk.state is TradingState.ACTIVE


def test_nobody_else_may_report() -> None:
    desk = StateDesk(resume_at_start=True)
    for role in set(Role) - {Role.WATCHDOG}:
        (reply,) = desk.on_trouble(ServiceTrouble({"x": "y"}), Origin("somebody", role, TOKEN))
        assert isinstance(reply, Reply)
        assert isinstance(reply.message, Fault)
        assert reply.message.reason is Reason.NOT_ALLOWED
    assert desk.state is TradingState.ACTIVE
