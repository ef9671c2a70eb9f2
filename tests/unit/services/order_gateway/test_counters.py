"""The numbers of the last limits come from the journal alone, whatever order it is read in and however often."""

from common.domain.calendar import NS
from common.domain.reasons import Reason
from common.domain.values import Side
from common.messages.orders import (
    AccountArmed,
    CancelSubmitted,
    DayRolled,
    Event,
    KillSwitchSet,
    LimitRaised,
    OrderSubmitted,
    SubmitOrder,
)
from services.order_gateway.counters import Counters
from services.order_gateway.settings import Settings

T0 = 1_800_000_000 * NS


def order(number: int, ts_ns: int, side: Side = Side.BUY, shares: int = 100) -> SubmitOrder:
    return SubmitOrder(f"C{number}", f"k{number}", "600001.SH", side, shares, 10_000, 1, ts_ns, 0, "hand", Reason.NONE)


def counted(*events: Event) -> Counters:
    counters = Counters()
    for event in events:
        counters.take(event)
    return counters


def test_orders_and_cancels_share_the_second_and_the_day() -> None:
    sent = (OrderSubmitted(order(1, T0), 0), OrderSubmitted(order(2, T0 + NS - 1, Side.SELL), 0))
    counters = counted(*sent, CancelSubmitted("c", "C1", Reason.REPRICE, T0 + NS - 1))
    assert (counters.sent_in(T0 // NS), counters.sent_in(T0 // NS + 1), counters.sent_day) == (3, 0, 3)
    assert counters.used() == {
        "orders_day": 2, "cancels_day": 1, "quick_cancels_day": 1, "bought_day": 1_000, "cancel_ratio_bp": 0,
    }  # fmt: skip
    late = counted(*sent, CancelSubmitted("c", "C1", Reason.REPRICE, T0 + NS))
    assert (late.sent_in(T0 // NS + 1), late.quick_cancels_day) == (1, 0)


def test_a_new_day_begins_at_nothing_and_with_the_configured_limits() -> None:
    counters = counted(
        OrderSubmitted(order(1, T0), 0), LimitRaised(20260105, "orders_per_s", 50, "x", "cli"),
        KillSwitchSet(on=True, why="x", by="cli"), AccountArmed("real", 20260105, 54_000, "cli"),
    )  # fmt: skip
    settings = Settings()
    assert counters.limits(settings)["orders_per_s"] == 50
    counters.take(DayRolled(20260106, 20260105))
    assert (counters.sent_day, counters.bought_day, counters.raised) == (0, 0, {})
    assert counters.limits(settings)["orders_per_s"] == settings.orders_per_s
    assert counters.killed is not None, "only a person turns the kill switch off"
    assert counters.armed is not None, "it names its day, and counts for no other"
    assert counters.sent == {"k1": 100}


def test_a_limit_in_the_journal_that_is_above_a_ceiling_of_today_s_code_is_cut_to_it() -> None:
    counters = counted(LimitRaised(20260105, "orders_per_s", 5_000, "x", "cli"))
    assert counters.limits(Settings())["orders_per_s"] == 100


def test_an_order_is_repeated_for_a_second_and_never_by_itself() -> None:
    counters = counted(OrderSubmitted(order(1, T0), 0))
    assert not counters.is_repeated(order(1, T0))
    assert counters.is_repeated(order(2, T0 + NS - 1))
    assert not counters.is_repeated(order(2, T0 + NS))
    assert not counters.is_repeated(order(2, T0, shares=200))
