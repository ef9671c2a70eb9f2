"""Verdicts: kept for ever under their keys, said and answered once the gateway has what they promise."""

from collections import Counter
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from common.domain.reasons import Reason
from common.domain.values import Day, day_of_push
from common.messages.kept import KeptVerdict
from common.messages.outputs import Drop, Message, Output, Publish, Reply, Save, Token
from common.messages.signals import Signal, SignalBatch, SignalVerdicts, Verdict, VerdictStatus
from common.messages.topics import VERDICT
from services.risk_manager.settings import KEEP_DAYS


class VerdictBook:
    """Every verdict by key, who waits for which, and which have not been said."""

    def __init__(self) -> None:
        self._kept: dict[str, KeptVerdict] = {}
        self._number = 0
        self._unsaid: dict[str, None] = {}
        self._tokens: dict[str, dict[str, Token]] = {}
        self._batches: dict[str, tuple[SignalBatch, Token | None]] = {}
        self._days: set[Day] = set()
        self.denials: Counter[Reason] = Counter()

    def restore(self, kept: dict[str, Message]) -> None:
        """Take back what was decided."""
        records = [record for record in kept.values() if isinstance(record, KeptVerdict)]
        for record in sorted(records, key=lambda record: record.number):
            self._kept[record.verdict.key] = record
            self._number = record.number
            self._days.add(day_of_push(record.verdict.push))
            self._count(record.verdict)

    def __len__(self) -> int:
        return len(self._kept)

    # ------------------------------------------------------------------ giving

    def get(self, key: str) -> Verdict | None:
        """Return the verdict under a key, None when there is none yet."""
        record = self._kept.get(key)
        return record.verdict if record is not None else None

    def give(self, verdict: Verdict) -> list[Output]:
        """Keep a verdict; it is said as soon as nothing about it is under way."""
        record = self._kept.get(verdict.key)
        if record is None:
            self._number += 1
            record = KeptVerdict(self._number, verdict)
        self._kept[verdict.key] = replace(record, verdict=verdict)
        self._unsaid[verdict.key] = None
        self._count(verdict)
        return [Save(f"verdict/{verdict.key}", self._kept[verdict.key])]

    def _count(self, verdict: Verdict) -> None:
        if verdict.status is VerdictStatus.DENIED:
            self.denials[verdict.reason] += 1

    def say_again(self, keys: Iterable[str]) -> None:
        """Say verdicts once more: after a restart nobody knows whether they were said."""
        self._unsaid.update((key, None) for key in keys if key in self._kept)

    def begin_day(self, day: Day) -> tuple[list[str], list[Output]]:
        """Forget the verdicts of long ago; gives back their keys."""
        self._days.add(day)
        if len(self._days) <= KEEP_DAYS:
            return [], []
        self._days = set(sorted(self._days)[-KEEP_DAYS:])
        first = min(self._days)
        old = [key for key, record in self._kept.items() if day_of_push(record.verdict.push) < first]
        for key in old:
            del self._kept[key]
        return old, [Drop(f"verdict/{key}") for key in old]

    def rows(self, day: Day) -> tuple[Verdict, ...]:
        """Return the verdicts of a day (0 = all) by push, then in the order given."""
        found = [r.verdict for r in self._kept.values() if day in (0, day_of_push(r.verdict.push))]
        return tuple(sorted(found, key=lambda verdict: verdict.push))

    # ------------------------------------------------------------------ answering

    def await_hand(self, key: str, token: Token | None) -> None:
        """Note that somebody waits for the verdict on a hand order; asked again, only the last asker counts."""
        if token is not None:
            self._tokens.setdefault(key, {})[token.correlation_id] = token

    def await_batch(self, batch: SignalBatch, token: Token | None) -> None:
        """Note that the signal engine waits for the verdicts on a batch."""
        self._batches[batch.key] = (batch, token)

    def knows(self, batch: SignalBatch) -> bool:
        """Tell whether every decision of a batch has its verdict."""
        return all(signal.key in self._kept for signal in batch.signals)

    def flush(self, under_way: Callable[[str], bool]) -> list[Output]:
        """Say and answer what is settled: no order of that key is `under_way` to the gateway."""
        if not (self._unsaid or self._tokens or self._batches):
            return []
        outputs: list[Output] = []
        for key in [key for key in self._unsaid if not under_way(key)]:
            del self._unsaid[key]
            outputs.append(Publish(VERDICT, self._kept[key].verdict, cause_id=key))
        for key in [key for key in self._tokens if key in self._kept and not under_way(key)]:
            outputs += [Reply(token, self._kept[key].verdict) for token in self._tokens.pop(key).values()]
        for batch, token in list(self._batches.values()):
            if self.knows(batch) and not any(under_way(signal.key) for signal in batch.signals):
                del self._batches[batch.key]
                verdicts = tuple(self._answer(signal) for signal in batch.signals)
                if token is not None:
                    outputs.append(Reply(token, SignalVerdicts(batch.key, batch.push, verdicts)))
        return outputs

    def _answer(self, signal: Signal) -> Verdict:
        """Return the verdict under a signal's key, or a conflict when that was about something else."""
        verdict = self._kept[signal.key].verdict
        same = (verdict.symbol, verdict.rule, verdict.action, verdict.cause) == (
            signal.symbol, signal.rule, int(signal.action), signal.reason,
        )  # fmt: skip
        return verdict if same else replace(verdict, status=VerdictStatus.DENIED, reason=Reason.KEY_CONFLICT, detail={})
