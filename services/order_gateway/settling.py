"""Which orders the counter may have or not have, and what proves that it has not: the settle rule. Pure."""

ABSENCES = 2
"""Queries that must not find an order before it counts as absent."""


class Settling:
    """Orders that were given to the counter (or may have been, before a start) and of which it has said nothing yet.

    Absence counts only in a query asked later than max(start of this process, last sending) + settle: before that the
    order may be on its way, or not visible yet. All times are of the monotonic kind.
    """

    def __init__(self, settle_ns: int) -> None:
        self._settle_ns = settle_ns
        self._sent_ns: dict[str, int] = {}
        self._absences: dict[str, int] = {}
        self._counted_ns: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._sent_ns)

    def __contains__(self, coid: str) -> bool:
        return coid in self._sent_ns

    def sent(self, coid: str, now_ns: int) -> None:
        """Note that an order was given to the counter now, or perhaps before a start that is now."""
        self._sent_ns[coid] = now_ns
        self._absences[coid] = 0

    def answered(self, coid: str) -> None:
        """Note that the counter knows the order, or refused it."""
        self._sent_ns.pop(coid, None)

    def counts_from_ns(self, coid: str) -> int:
        """Return when a query must have been asked at least, to say something about the order."""
        return self._sent_ns[coid] + self._settle_ns

    def unseen(self, asked_ns: int) -> list[str]:
        """Take a complete answer to a query asked at `asked_ns` in which none of these orders was; returns those proved absent."""
        proved: list[str] = []
        for coid in self._sent_ns:
            if asked_ns <= self.counts_from_ns(coid) or asked_ns <= self._counted_ns.get(coid, -1):
                continue
            self._counted_ns[coid] = asked_ns
            self._absences[coid] += 1
            if self._absences[coid] >= ABSENCES:
                proved.append(coid)
        return proved
