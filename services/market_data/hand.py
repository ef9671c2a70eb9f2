"""Hand orders by the push they enter with: those of the script, and those people placed. Pure."""

from collections.abc import Iterable

from common.domain.values import PushId
from common.messages.kept import PlacedHandOrder
from common.messages.market import HandOrder


class HandBook:
    """What enters with which push."""

    def __init__(self, script: Iterable[PlacedHandOrder]) -> None:
        self._scripted: dict[PushId, list[HandOrder]] = {}
        for placed in script:
            self._scripted.setdefault(placed.push, []).append(placed.order)
        self._placed: dict[str, PlacedHandOrder] = {}

    def take(self, placed: PlacedHandOrder) -> None:
        """Keep an order that a person placed."""
        self._placed[placed.order.key] = placed

    def placed(self, key: str) -> PlacedHandOrder | None:
        """Return the order that was placed under a key."""
        return self._placed.get(key)

    def of(self, push: PushId) -> list[HandOrder]:
        """Return the orders that enter with a push: the script's first."""
        own = [placed.order for placed in self._placed.values() if placed.push == push]
        return [*self._scripted.get(push, ()), *own]
