"""Locks of the account: what begins them, that they hold through restarts and days, what ends them; exits go on."""

import pytest

from common.domain.orders import Action
from common.domain.reasons import Reason
from common.domain.values import TradingState
from common.messages.control import StateRequest, TradingStateChanged
from common.messages.kept import KeptLocks
from common.messages.orders import DayClosed, DayResult, DayRolled, EventRow
from common.messages.signals import Verdict, VerdictStatus
from services.risk_manager.locks import LOCKS, name_of
from services.risk_manager.record import Record
from services.risk_manager.settings import Settings
from services.risk_manager.state import LASTING
from tests.builders import DAY, Quote
from tests.unit.services.risk_manager.desk import OPERATOR, SETTINGS, A, B, C, D, Desk, E, two_sided

DAYS = (DAY, 20260106, 20260107, 20260108, 20260109)


def quotes(**prices: float) -> dict[str, Quote]:
    every = {A: 10.0, B: 20.0, C: 30.0, D: 40.0, E: 5.0}
    every.update({{"a": A, "b": B, "c": C, "d": D, "e": E}[name]: price for name, price in prices.items()})
    return {symbol: two_sided(price) for symbol, price in every.items()}


def holding(settings: Settings = SETTINGS, shares: int = 60_000) -> Desk:
    """Return a desk that holds A for 10.00 since yesterday, of 1,000,000 yuan."""
    desk = Desk(settings)
    desk.open_day()
    desk.tick("09:30")
    desk.hold(A, shares, 10_000)
    desk.open_day(DAYS[1])
    desk.tick("09:30", quotes())
    return desk


def next_day(desk: Desk, day: int) -> None:
    """End what is open, and begin a day."""
    ledger = desk.core._outbox.portfolio.ledger
    desk.match()
    known = set(ledger.open_coids) | {coid for coid in desk.submitted if coid not in ledger.orders}
    for coid in known:
        order = desk.submitted[coid]
        desk.expire(order, order.shares)
    desk.open_day(day)


def close(desk: Desk, equity: int) -> None:
    """End a day in the books."""
    desk.write(DayClosed(DayResult(desk.day, equity, equity, 0, 0, 0)))


def resume(desk: Desk) -> TradingStateChanged:
    desk.send(StateRequest(TradingState.ACTIVE, "looked at it"), OPERATOR, token="resume")
    answer = desk.replies.pop("resume")
    assert isinstance(answer, TradingStateChanged)
    return answer


def denial(verdict: Verdict) -> Reason:
    return verdict.reason if verdict.status is VerdictStatus.DENIED else Reason.NONE


# ---------------------------------------------------------------------- the day's loss


def test_a_loss_of_the_day_stops_opens_until_the_next_session_and_lets_exits_through() -> None:
    desk = holding()
    desk.tick("09:30:03", quotes(a=9.01))
    assert denial(desk.enter(B)) is Reason.NONE, "59,400 yuan and the fee are not 6 %"
    desk.tick("09:30:06", quotes(a=9.0))
    verdict = desk.enter(C)
    assert (verdict.status, verdict.reason) == (VerdictStatus.DENIED, Reason.DAY_LOSS)
    assert verdict.detail == {"equity": 939_995_000, "start_equity": 1_000_000_000, "fall_bp_max": 600}
    assert desk.core.status()[1] == "reducing"
    assert desk.acks[-1] == desk.push, "in lockstep the player is not held: nothing but time ends this"
    desk.restart()
    assert desk.core.status()[1] == "reducing"
    desk.tick("09:30:09", quotes(a=10.0))
    assert denial(desk.enter(C, attempt=2)) is Reason.DAY_LOSS, "a latch: the price is back, the lock is not gone"
    assert desk.leave(A).status is VerdictStatus.STANDING
    assert desk.last_order.symbol == A
    next_day(desk, DAYS[2])
    desk.tick("09:30", quotes())
    assert desk.core.status()[1] == "active"
    assert denial(desk.enter(C)) is Reason.NONE


def test_a_person_lifts_it_and_the_loss_counts_from_there() -> None:
    desk = holding(SETTINGS._replace(day_loss_bp=300))
    desk.tick("09:30:03", quotes(a=9.4))
    assert denial(desk.enter(B)) is Reason.DAY_LOSS
    answer = resume(desk)
    assert (answer.state, answer.causes) == (TradingState.ACTIVE, {})
    desk.restart()
    desk.tick("09:30:06", quotes(a=9.35))
    assert denial(desk.enter(B, attempt=2)) is Reason.NONE
    desk.tick("09:30:09", quotes(a=9.0))
    assert denial(desk.enter(C)) is Reason.NONE, "964 to 940 thousand are below 3 %"
    desk.tick("09:30:12", quotes(a=8.9))
    assert denial(desk.enter(D)) is Reason.DAY_LOSS


def test_halt_and_reduce_lift_nothing() -> None:
    desk = holding()
    desk.tick("09:30:03", quotes(a=9.0))
    for state in (TradingState.HALTED, TradingState.REDUCING):
        desk.send(StateRequest(state, "x"), OPERATOR)
    assert "day_loss" in desk.core._states.causes
    assert resume(desk).causes == {}


def test_prices_of_the_auction_are_no_loss() -> None:
    desk = holding()
    next_day(desk, DAYS[2])
    desk.tick("09:24", quotes(a=9.0))
    desk.tick("09:30", quotes(b=20.0) | {A: two_sided(10.0)})
    assert desk.core.status()[1] == "active"
    only_b = {B: two_sided(20.0)}
    next_day(desk, DAYS[3])
    desk.tick("09:24", quotes(a=9.0))
    desk.tick("09:30:03", only_b)
    assert desk.core.status()[1] == "active", "A has not been quoted in continuous trading yet"


# ---------------------------------------------------------------------- drawdown


def test_a_drawdown_from_the_highest_close_stays_until_somebody_resumes() -> None:
    desk = holding(SETTINGS._replace(day_loss_bp=2_000, drawdown_bp=800))
    close(desk, 1_040_000_000)
    next_day(desk, DAYS[2])
    close_before = desk.core._outbox.portfolio.ledger.equity_close
    assert close_before == 1_040_000_000
    desk.tick("09:30", quotes(a=9.3))
    assert denial(desk.enter(B)) is Reason.NONE
    desk.tick("09:30:03", quotes(a=9.25))
    verdict = desk.enter(C)
    assert denial(verdict) is Reason.DRAWDOWN
    assert verdict.detail == {"equity": 954_995_000, "start_equity": 1_040_000_000, "fall_bp_max": 800}
    next_day(desk, DAYS[3])
    desk.restart()
    desk.tick("09:30", quotes())
    assert denial(desk.enter(C)) is Reason.DRAWDOWN
    assert resume(desk).state is TradingState.ACTIVE
    desk.tick("09:30:03", quotes(a=9.3))
    assert denial(desk.enter(C, attempt=2)) is Reason.NONE, "counted from the equity at the resume"
    desk.tick("09:30:06", quotes(a=8.5))
    assert denial(desk.enter(D)) is Reason.DRAWDOWN


# ---------------------------------------------------------------------- stop losses


def stopped(desk: Desk, symbol: str, attempt: int = 1) -> None:
    """Leave a position at a stop loss, with one reprice on the way."""
    assert desk.leave(symbol, attempt=attempt).status is VerdictStatus.STANDING


def test_many_stop_losses_lock_opens_for_some_sessions() -> None:
    settings = SETTINGS._replace(stop_losses=2, stop_sessions=2, lock_sessions=2)
    desk = Desk(settings)
    desk.open_day()
    desk.tick("09:30", quotes())
    desk.hold(A, 1_000, 10_000)
    desk.hold(B, 1_000, 20_000)
    next_day(desk, DAYS[1])
    desk.tick("09:30", quotes())
    stopped(desk, A)
    desk.tick("09:30:06", quotes(a=9.9))
    desk.cancelled(desk.cancels[-1], 1_000)
    desk.tick("09:30:09", quotes(a=9.9))
    assert [order.key[-2:] for order in desk.submitted.values() if order.symbol == A][-1] == "r1"
    assert denial(desk.enter(C)) is Reason.NONE, "a reprice is no second stop loss"
    stopped(desk, B)
    desk.tick("09:30:12", quotes(a=9.9))
    verdict = desk.enter(D)
    assert denial(verdict) is Reason.STOP_LOSS_CLUSTER
    assert verdict.detail == {"stop_losses": 2, "stop_losses_max": 2, "sessions": 2, "lock_sessions": 2}
    next_day(desk, DAYS[2])
    desk.restart()
    desk.tick("09:30", quotes())
    assert denial(desk.enter(D)) is Reason.STOP_LOSS_CLUSTER, "the second session of the lock"
    next_day(desk, DAYS[3])
    desk.tick("09:30", quotes())
    assert denial(desk.enter(D)) is Reason.NONE, "over, and the same stop losses begin no other"


def test_stop_losses_of_long_ago_and_those_before_a_resume_do_not_count() -> None:
    desk = Desk(SETTINGS._replace(stop_losses=2, stop_sessions=1, positions_max=9, rule_slots=()))
    desk.open_day()
    desk.tick("09:30", quotes())
    for symbol in (A, B, C):
        desk.hold(symbol, 100, 10_000)
    next_day(desk, DAYS[1])
    desk.tick("09:30", quotes())
    stopped(desk, A)
    next_day(desk, DAYS[2])
    desk.tick("09:30", quotes())
    stopped(desk, B)
    desk.tick("09:30:03", quotes())
    assert denial(desk.enter(D)) is Reason.NONE
    stopped(desk, C)
    desk.tick("09:30:06", quotes())
    assert denial(desk.enter(E)) is Reason.STOP_LOSS_CLUSTER
    resume(desk)
    desk.restart()
    desk.tick("09:30:09", quotes())
    assert denial(desk.enter(E, attempt=2)) is Reason.NONE


def test_other_exits_are_no_stop_losses() -> None:
    desk = holding(SETTINGS._replace(stop_losses=1), 1_000)
    assert desk.leave(A, Action.EXIT, reason=Reason.WEAK_AT_0950).status is VerdictStatus.STANDING
    desk.tick("09:30:03", quotes())
    assert denial(desk.enter(B)) is Reason.NONE


# ---------------------------------------------------------------------- parts


def test_every_lock_lasts_and_has_its_reason_and_its_text() -> None:
    assert {name_of(reason) for reason in LOCKS} < LASTING
    desk = Desk()
    assert desk.core._locks.causes() == dict.fromkeys(("day_loss", "drawdown", "stop_loss_cluster"), "")
    assert "locks" not in desk.disk.load()[1]


@pytest.mark.parametrize("crashes", ["before", "after"])
def test_a_crash_at_the_push_of_the_lock_begins_it_once(crashes: str) -> None:
    desk = holding()
    if crashes == "after":
        desk.tick("09:30:03", quotes(a=9.0))
        kept = desk.disk.load()[1]["locks"]
    desk.restart()
    if crashes == "before":
        desk.tick("09:30:03", quotes(a=9.0))
        kept = desk.disk.load()[1]["locks"]
    desk.restart()
    assert isinstance(kept, KeptLocks)
    assert desk.disk.load()[1]["locks"] == kept
    assert [lock.reason for lock in kept.standing] == [Reason.DAY_LOSS]


def test_the_record_counts_sessions_and_closes() -> None:
    record = Record()
    for number, day in enumerate(DAYS[:3], 1):
        record.take(EventRow(2 * number - 1, 0, 0, DayRolled(day, 0)))
        record.take(EventRow(2 * number, 0, 0, DayClosed(DayResult(day, 100 - number, 0, 0, 0, 0))))
    assert record.sessions_since(DAYS[0]) == 2
    assert (record.peak(0, 5), record.peak(DAYS[1], 5), record.peak(DAYS[3], 5)) == (99, 98, 5)
    assert record.stops_within(3, 0) == []
