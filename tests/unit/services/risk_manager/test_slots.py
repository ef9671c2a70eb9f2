"""Slots: the order in which entries ask, and who has taken what."""

from hypothesis import given
from hypothesis import strategies as st

from common.domain.orders import Action, PriceKind
from common.domain.reasons import Reason
from common.messages.signals import Signal
from services.risk_manager.settings import Settings
from services.risk_manager.slots import (
    check_rule_slots,
    check_slots,
    entries_in_order,
    exchange_ms,
    exits_of,
    slot_numbers,
)

NS_1970 = 3_600_000_000_000


def signal(
    symbol: str, time_ms: int = 0, float_value: int = 0, action: Action = Action.ENTER, ts_ns: int = 0
) -> Signal:
    return Signal(
        symbol, "limit_up", symbol, 1, ts_ns, action, 0, PriceKind.MARKETABLE, 0, Reason.NONE, float_value, time_ms
    )


def test_exchange_time_comes_before_float_value_and_that_before_the_symbol() -> None:
    asked = [signal("D", 2, 1), signal("C", 1, 9), signal("B", 1, 8), signal("A", 1, 9)]
    assert [each.symbol for each in entries_in_order(asked)] == ["B", "A", "C", "D"]


@given(st.lists(st.tuples(st.sampled_from("ABCDE"), st.integers(1, 3), st.integers(1, 3)), unique=True))
def test_the_order_does_not_depend_on_the_order_of_asking(rows: list[tuple[str, int, int]]) -> None:
    asked = [signal(*row) for row in rows]
    assert entries_in_order(asked) == entries_in_order(reversed(asked))


def test_the_time_is_the_exchange_s_or_that_of_the_step() -> None:
    assert exchange_ms(signal("A", time_ms=34_200_123)) == 34_200_123
    assert exchange_ms(signal("A", ts_ns=NS_1970 + 123_000_000)) == 9 * 3_600_000 + 123


def test_exits_are_told_from_entries() -> None:
    asked = [signal("A"), signal("B", action=Action.EXIT), signal("C", action=Action.REDUCE)]
    assert [each.symbol for each in exits_of(asked)] == ["B", "C"]
    assert [each.symbol for each in entries_in_order(asked)] == ["A"]


def test_shares_of_rules_and_of_the_account() -> None:
    settings = Settings(positions_max=3, rule_slots=(("limit_up", 1),))
    taken = {"A": "limit_up", "B": "hand"}
    assert check_slots(taken, "C", settings) is Reason.NONE
    assert check_slots(taken | {"C": "EXTERNAL"}, "D", settings) is Reason.SLOTS_FULL
    assert check_slots(taken | {"C": "EXTERNAL"}, "B", settings) is Reason.NONE
    assert check_rule_slots(taken, "limit_up", settings) is Reason.RULE_SLOTS_FULL
    assert check_rule_slots({"B": "hand"}, "limit_up", settings) is Reason.NONE
    assert check_rule_slots({}, "not_listed", settings) is Reason.RULE_SLOTS_FULL
    assert slot_numbers(taken, "limit_up", settings) == {
        "slots_used": 2, "slots_max": 3, "rule_slots_used": 1, "rule_slots_max": 1,
    }  # fmt: skip


def test_by_default_one_rule_may_take_all() -> None:
    settings = Settings(positions_max=3)
    assert check_rule_slots({"A": "x", "B": "x"}, "x", settings) is Reason.NONE
