"""What the last limits count, folded from the journal alone: a restart takes nothing back. Data time throughout."""

from collections import deque

from common.domain.calendar import NS
from common.domain.values import MILLI, Cash, Price, Shares, Side, Symbol
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
from services.order_gateway.settings import Settings

BASIS = 10_000
RATIO_ORDERS_MIN = 20
"""Orders of a day below which a cancel ratio means nothing."""
REPEAT_NS = NS
"""The same order under another key within this time is held; a cancel within it is a quick one."""


_Alike = tuple[Symbol, int, Shares, Price]


def _alike(order: SubmitOrder) -> _Alike:
    return order.symbol, order.side, order.shares, order.price


class Counters:
    """Numbers of the second and of the day, and what people set: kill switch, arming, raised limits."""

    def __init__(self) -> None:
        self.killed: KillSwitchSet | None = None
        """The last word about the kill switch, None = none yet."""
        self.armed: AccountArmed | None = None
        self.raised: dict[str, int] = {}
        """Limits set for today."""
        self.orders_day = 0
        self.cancels_day = 0
        self.quick_cancels_day = 0
        """Cancels within a second of their order."""
        self.bought_day: Cash = 0
        """Value of today's buy orders, filled or not."""
        self.sent: dict[str, Shares] = {}
        """Shares sent under each key of an order."""
        self._second = (0, 0)
        self._recent: deque[SubmitOrder] = deque()
        """Orders of the last second, oldest first."""
        self._alike: dict[_Alike, deque[SubmitOrder]] = {}
        """The same ones by what they ask for."""
        self._times: dict[str, int] = {}

    def take(self, event: Event) -> None:
        """Count one event of the journal."""
        match event:
            case OrderSubmitted(order=order):
                self._take_order(order)
            case CancelSubmitted():
                self.cancels_day += 1
                self.quick_cancels_day += event.ts_ns - self._times.get(event.coid, -REPEAT_NS) < REPEAT_NS
                self._count(event.ts_ns)
            case DayRolled():
                self.orders_day = self.cancels_day = self.quick_cancels_day = self.bought_day = 0
                self.raised.clear()
                self._times.clear()
            case KillSwitchSet():
                self.killed = event
            case LimitRaised():
                self.raised[event.name] = event.value
            case AccountArmed():
                self.armed = event
            case _:
                pass

    def _take_order(self, order: SubmitOrder) -> None:
        self.orders_day += 1
        self.sent[order.key] = self.sent.get(order.key, 0) + order.shares
        self._times[order.coid] = order.ts_ns
        if order.side == Side.BUY:
            self.bought_day += order.shares * order.price
        while self._recent and order.ts_ns - self._recent[0].ts_ns >= REPEAT_NS:
            self._forget(self._recent.popleft())
        self._recent.append(order)
        self._alike.setdefault(_alike(order), deque()).append(order)
        self._count(order.ts_ns)

    def _forget(self, order: SubmitOrder) -> None:
        """Let go of the oldest order, which is the oldest of its kind as well."""
        alike = self._alike[_alike(order)]
        alike.popleft()
        if not alike:
            del self._alike[_alike(order)]

    def _count(self, ts_ns: int) -> None:
        second = ts_ns // NS
        self._second = (second, self.sent_in(second) + 1)

    # ------------------------------------------------------------------ questions

    @property
    def sent_day(self) -> int:
        """Return the orders and cancels of the day."""
        return self.orders_day + self.cancels_day

    def sent_in(self, second: int) -> int:
        """Return how many orders and cancels carry the data second `second` (Unix time)."""
        return self._second[1] if self._second[0] == second else 0

    def is_repeated(self, order: SubmitOrder) -> bool:
        """Tell whether the same order came under another key less than a second before."""
        return any(
            old.key != order.key and abs(order.ts_ns - old.ts_ns) < REPEAT_NS
            for old in self._alike.get(_alike(order), ())
        )

    @property
    def cancel_ratio_bp(self) -> int:
        """Return the cancels of the day in basis points of its orders; 0 while there are few."""
        if self.orders_day < RATIO_ORDERS_MIN:
            return 0
        return self.cancels_day * BASIS // self.orders_day

    def limits(self, settings: Settings) -> dict[str, int]:
        """Return the limits in force, as in the configuration: what was raised counts for today, never above a ceiling."""
        own = {
            "orders_per_s": settings.orders_per_s,
            "orders_per_day": settings.orders_per_day,
            "order_value_max": settings.order_value_max,
            "day_value_max": settings.day_value_max,
        }
        return {name: min(self.raised.get(name, value), settings.ceilings[name]) for name, value in own.items()}

    def used(self) -> dict[str, int]:
        """Return what of the day's limits is used, money in yuan."""
        return {
            "orders_day": self.orders_day,
            "cancels_day": self.cancels_day,
            "quick_cancels_day": self.quick_cancels_day,
            "bought_day": self.bought_day // MILLI,
            "cancel_ratio_bp": self.cancel_ratio_bp,
        }
