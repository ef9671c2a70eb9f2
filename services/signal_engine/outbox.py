"""Batches of decisions on their way to the risk manager: kept until answered, asked again after a fault. Pure."""

from typing import NamedTuple

from common.domain.values import PushId
from common.messages.header import Trace
from common.messages.outputs import Drop, Message, Output, Request, Save
from common.messages.signals import Signal, SignalBatch

RISK = "risk_manager"
RETRY_NS = 500_000_000
"""Wall time after which a batch that risk could not take is sent once more."""


class _Sent(NamedTuple):
    batch: SignalBatch
    trace: Trace


class Outbox:
    """Batches without an answer, by key."""

    def __init__(self) -> None:
        self._sent: dict[str, _Sent] = {}
        self._retry_ns: dict[str, int] = {}
        self.faults = 0

    def restore(self, batch: SignalBatch) -> None:
        """Take back a batch that was kept."""
        self._sent[batch.key] = _Sent(batch, Trace())

    def __len__(self) -> int:
        return len(self._sent)

    def holds(self, push: PushId) -> bool:
        """Tell whether something of this push or an earlier one is unanswered."""
        return any(sent.batch.push <= push for sent in self._sent.values())

    def put(self, push: PushId, signals: tuple[Signal, ...], trace: Trace) -> list[Output]:
        """Keep the decisions of a push and send them."""
        batch = SignalBatch(f"signals|{push}", push, signals)
        self._sent[batch.key] = _Sent(batch, trace)
        return [Save(f"outbox|{push}", batch), self._request(batch.key)]

    def resend(self) -> list[Output]:
        """Send everything again: after a start nobody knows what arrived."""
        return [self._request(key) for key in self._sent]

    def answered(self, key: str) -> tuple[SignalBatch | None, list[Output]]:
        """Take a batch out; None when it was not there (an answer given twice)."""
        sent = self._sent.pop(key, None)
        self._retry_ns.pop(key, None)
        if sent is None:
            return None, []
        return sent.batch, [Drop(f"outbox|{sent.batch.push}")]

    def failed(self, key: str, now_ns: int) -> bool:
        """Note that risk could not take a batch; True when it is one of ours."""
        if key not in self._sent:
            return False
        self.faults += 1
        self._retry_ns[key] = now_ns + RETRY_NS
        return True

    def next_retry_ns(self) -> int | None:
        """Return when something is to be sent again."""
        return min(self._retry_ns.values(), default=None)

    def retry(self, now_ns: int) -> list[Output]:
        """Send again what is due."""
        due = [key for key, at_ns in self._retry_ns.items() if at_ns <= now_ns]
        for key in due:
            del self._retry_ns[key]
        return [self._request(key) for key in due]

    def _request(self, key: str) -> Request:
        sent = self._sent[key]
        message: Message = sent.batch
        return Request(RISK, key, message, cause_id=str(sent.batch.push), trace=sent.trace)
