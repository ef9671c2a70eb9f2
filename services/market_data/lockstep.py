"""Who has done which push: the acknowledgements the player waits for. Pure."""

from collections.abc import Iterable

from common.domain.values import PushId

FIRST_REPEAT_NS = 300_000_000
LAST_REPEAT_NS = 2_000_000_000


class Acks:
    """Acknowledged pushes by consumer, and when to say a push again to those that are late."""

    def __init__(self, consumers: Iterable[str]) -> None:
        self.done: dict[str, PushId] = dict.fromkeys(consumers, 0)
        self.registered: set[str] = set()
        self.repeats = 0
        self._repeat_at_ns: int | None = None
        self._wait_ns = FIRST_REPEAT_NS

    def register(self, consumer: str) -> None:
        """Note that a consumer is there and listens."""
        if consumer in self.done:
            self.registered.add(consumer)

    def ack(self, consumer: str, push: PushId) -> None:
        """Note that a consumer has done `push`; unknown consumers are nobody we wait for."""
        if push > self.done.get(consumer, push):
            self.done[consumer] = push
            self.registered.add(consumer)

    def published(self, now_ns: int) -> None:
        """Start to wait for a push that was said just now."""
        self._wait_ns = FIRST_REPEAT_NS
        self._repeat_at_ns = now_ns + self._wait_ns

    def repeated(self, now_ns: int) -> None:
        """Note that the push was said again; the next time comes twice as late, two seconds at most."""
        self.repeats += 1
        self._wait_ns = min(2 * self._wait_ns, LAST_REPEAT_NS)
        self._repeat_at_ns = now_ns + self._wait_ns

    def repeat_at_ns(self) -> int | None:
        """Return when the push is to be said again."""
        return self._repeat_at_ns

    def waiting_for(self, push: PushId) -> list[str]:
        """Return the consumers that have not done `push`."""
        return [consumer for consumer, done in self.done.items() if done < push]

    def absent(self) -> list[str]:
        """Return the consumers that have never been heard of."""
        return [consumer for consumer in self.done if consumer not in self.registered]
