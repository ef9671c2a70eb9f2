"""Who gets a slot: how many are taken, by whom, and the order in which entries ask. Pure."""

from collections.abc import Iterable

from common.domain.calendar import second_of_day
from common.domain.orders import Action
from common.domain.reasons import Reason
from common.domain.values import Symbol
from common.messages.signals import Signal
from services.risk_manager.settings import Settings

_MS_OF_SECOND = 1000
_NS_OF_MS = 1_000_000


def exchange_ms(signal: Signal) -> int:
    """Return the exchange time a signal was decided on, ms since midnight."""
    if signal.time_ms:
        return signal.time_ms
    return second_of_day(signal.ts_ns) * _MS_OF_SECOND + signal.ts_ns // _NS_OF_MS % _MS_OF_SECOND


def entries_in_order(signals: Iterable[Signal]) -> list[Signal]:
    """Return the entries among signals by exchange time, then smaller float value, then symbol."""
    entries = [signal for signal in signals if signal.action is Action.ENTER]
    return sorted(entries, key=lambda signal: (exchange_ms(signal), signal.float_value, signal.symbol))


def exits_of(signals: Iterable[Signal]) -> list[Signal]:
    """Return the exits and reductions among signals, as they came."""
    return [signal for signal in signals if signal.action in (Action.EXIT, Action.REDUCE)]


def check_slots(taken: dict[Symbol, str], symbol: Symbol, settings: Settings) -> Reason:
    """Tell whether the account has a slot for a buy of a stock; one that takes a slot already needs no other."""
    if symbol in taken:
        return Reason.NONE
    if len(taken) >= settings.positions_max:
        return Reason.SLOTS_FULL
    return Reason.NONE


def check_rule_slots(taken: dict[Symbol, str], rule: str, settings: Settings) -> Reason:
    """Tell whether a rule has a slot left of its share; hand positions count to no rule's share."""
    used = sum(1 for holder in taken.values() if holder == rule)
    return Reason.NONE if used < settings.slots_of(rule) else Reason.RULE_SLOTS_FULL


def slot_numbers(taken: dict[Symbol, str], rule: str, settings: Settings) -> dict[str, int]:
    """Return the numbers that a decision about slots rests on."""
    return {
        "slots_used": len(taken),
        "slots_max": settings.positions_max,
        "rule_slots_used": sum(1 for holder in taken.values() if holder == rule),
        "rule_slots_max": settings.slots_of(rule),
    }
