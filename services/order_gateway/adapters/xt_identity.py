"""Which of our orders something is about, at a counter that may cut our remark, rewrite it, or answer out of order. Pure.

The remark is our key. Where it does not come back, what is left is the number of the request (an answer carries it), then
the order's number once an answer or a remark has tied it to us, and last the order's shape: stock, side, shares. The shape
decides only while nothing has shown that remarks come back whole, only in a whole list of orders where it fits one order
of ours and one of theirs that nobody saw before ours was sent, and only after the answer had its time to come. Anything
else stays unknown, which is a state.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from msgspec.structs import replace

from common.domain.values import Day, Shares, Symbol
from services.order_gateway.adapters.xt_parse import REMARK
from services.order_gateway.calls import CounterDeal, CounterOrder

CUT_MIN = 12
"""Characters of a cut remark that still name an order: the day and 30 bits of the hash."""


class Echo(IntEnum):
    """What has been seen of the remarks that come back."""

    UNSEEN = 0
    WHOLE = 1
    CUT = 2


class Verdict(IntEnum):
    """What is to be done with something the counter shows."""

    PASS = 0
    HOLD = 1
    """It may be ours: wait for the answer that tells."""
    LEAVE = 2
    """It may be ours and no answer came: the next whole list of orders tells."""


@dataclass(slots=True)
class Sent:
    """An order that was given to the vendor."""

    coid: str
    symbol: Symbol
    side: int
    shares: Shares
    day: Day
    at_ns: int
    until_ns: int
    """By when its answer must have come."""
    seq: int = 0
    number: str = ""
    """The counter's, once known."""
    silent: bool = False
    """Nothing was said in time: told already."""


class Identity:
    """Ties requests, numbers and remarks to our ids."""

    def __init__(self) -> None:
        self.echo = Echo.UNSEEN
        self.sent: dict[str, Sent] = {}
        self._by_seq: dict[int, str] = {}
        self._by_number: dict[tuple[Day, str], str] = {}
        self._foreign: set[tuple[Day, str]] = set()

    # ------------------------------------------------------------------ requests

    def note(self, order: Sent) -> None:
        """Remember an order that is about to be given to the vendor; those of days before are forgotten."""
        if any(old.day != order.day for old in self.sent.values()):
            self.sent = {coid: old for coid, old in self.sent.items() if old.day == order.day}
            self._by_number = {key: coid for key, coid in self._by_number.items() if key[0] == order.day}
            self._foreign.clear()
        self.sent[order.coid] = order

    def numbered(self, coid: str, seq: int) -> None:
        """Note the number of a request."""
        self._by_seq[seq] = coid
        if coid in self.sent:
            self.sent[coid].seq = seq

    def forget_requests(self) -> None:
        """Forget the numbers of requests: a new session counts anew."""
        self._by_seq.clear()
        for order in self.sent.values():
            order.seq = 0

    def of_request(self, seq: int, remark: str) -> str:
        """Return whose request an answer or an error is about; empty while nobody can tell."""
        coid = self._by_seq.get(seq, "")
        if coid:
            return coid
        return remark if remark in self.sent else self._cut(remark)

    def of_error(self, day: Day, number: str, seq: int, remark: str) -> str:
        """Return whose order a refusal is about; empty where it may be somebody else's.

        Errors of other sessions may come here as well, and their requests are numbered as ours are.
        """
        named = self.of_number(day, number) or (remark if remark in self.sent else self._cut(remark))
        if named or self.echo is Echo.WHOLE:
            return named
        coid = self._by_seq.get(seq, "")
        other = coid in self.sent and self.sent[coid].number not in ("", number)
        return "" if other else coid

    def tie(self, coid: str, day: Day, number: str) -> None:
        """Note the counter's number of an order of ours."""
        self._by_number[(day, number)] = coid
        if coid in self.sent:
            self.sent[coid].number = number

    def of_number(self, day: Day, number: str) -> str:
        """Return whose order a number of the counter's is; empty where it is not known to be ours."""
        return self._by_number.get((day, number), "")

    @property
    def tied(self) -> frozenset[tuple[Day, str]]:
        """Return the numbers that the counter must show."""
        return frozenset(self._by_number)

    # ------------------------------------------------------------------ what the counter shows

    def order(self, seen: CounterOrder, now_ns: int) -> tuple[Verdict, CounterOrder]:
        """Return what to do with an order that was pushed, with its remark made whole where it is known to be ours."""
        coid, certain = self._whose(seen)
        if not certain:
            return self._waits(self._like(seen, seen.shares), now_ns), seen
        return Verdict.PASS, self._ours(seen, coid) if coid else seen

    def deal(self, seen: CounterDeal, now_ns: int) -> tuple[Verdict, CounterDeal]:
        """Return what to do with a deal; its order's number, or its remark, tells whose it is."""
        coid, certain = self._whose(seen)
        if not certain:
            return self._waits(self._like(seen, 0), now_ns), seen
        return Verdict.PASS, replace(seen, remark=coid) if coid else seen

    def listed(self, orders: Sequence[CounterOrder], now_ns: int) -> tuple[bool, list[CounterOrder]]:
        """Return whether a whole list of orders can be told apart yet, and the list with whole remarks."""
        found, open_ = [], []
        for seen in orders:
            coid, certain = self._whose(seen)
            found.append(self._ours(seen, coid) if coid else seen)
            if not certain:
                open_.append(seen)
        alike = Counter((seen.symbol, seen.side, seen.shares, seen.day) for seen in open_)
        for seen in open_:
            like = self._like(seen, seen.shares)
            if self._waits(like, now_ns) is Verdict.HOLD:
                return False, found
            if len(like) == 1 and alike[(seen.symbol, seen.side, seen.shares, seen.day)] == 1:
                found[found.index(seen)] = self._ours(seen, like[0].coid)
            else:
                self._foreign.add((seen.day, seen.broker_id))
        return True, found

    def _ours(self, seen: CounterOrder, coid: str) -> CounterOrder:
        self.tie(coid, seen.day, seen.broker_id)
        return replace(seen, remark=coid)

    def _whose(self, seen: CounterOrder | CounterDeal) -> tuple[str, bool]:
        """Return whose it is (empty: not ours, as far as is known) and whether that is certain."""
        if REMARK.match(seen.remark):
            self.echo = Echo.WHOLE  # ours, or of a process of ours before this one
        key = (seen.day, seen.broker_id)
        known = self._by_number.get(key, "")
        if known:
            self._learn(seen.remark, known)
            return known, True
        named = seen.remark if seen.remark in self.sent else self._cut(seen.remark)
        if named:
            self._learn(seen.remark, named)
            return ("" if self.sent[named].number else named), True  # a second order under one remark is told as it is
        if self.echo is Echo.WHOLE or key in self._foreign:
            return "", True
        if self._like(seen, 0):
            return "", False
        if isinstance(seen, CounterOrder):
            self._foreign.add(key)
        return "", True

    def _like(self, seen: CounterOrder | CounterDeal, shares: Shares) -> list[Sent]:
        return [
            order
            for order in self.sent.values()
            if not order.number
            and (order.symbol, order.side, order.day) == (seen.symbol, seen.side, seen.day)
            and (not shares or order.shares == shares)
        ]

    @staticmethod
    def _waits(like: Sequence[Sent], now_ns: int) -> Verdict:
        waiting = any(order.until_ns > now_ns and not order.silent for order in like)
        return Verdict.HOLD if waiting else Verdict.LEAVE

    def _cut(self, remark: str) -> str:
        if len(remark) < CUT_MIN:
            return ""
        found = [coid for coid in self.sent if coid.startswith(remark)]
        return found[0] if len(found) == 1 else ""

    def _learn(self, remark: str, coid: str) -> None:
        if remark == coid:
            self.echo = Echo.WHOLE
        elif self.echo is not Echo.WHOLE and coid.startswith(remark) and len(remark) >= CUT_MIN:
            self.echo = Echo.CUT
