"""Locks of the whole account: the day's loss, the drawdown, a cluster of stop losses. Opens wait, exits go on.

They are latches: what began one may be gone in the next push, the lock stays until its own end or a person's resume.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from common.domain.reasons import Reason
from common.domain.values import Cash, Phase
from common.messages.kept import KeptLock, KeptLocks
from common.messages.outputs import Log, Message, Output, Save
from services.risk_manager.market import Market
from services.risk_manager.portfolio import Portfolio
from services.risk_manager.settings import BASIS, Settings

LOCKS = (Reason.DAY_LOSS, Reason.DRAWDOWN, Reason.STOP_LOSS_CLUSTER)
"""In the order in which they are told."""
_TEXTS = {
    Reason.DAY_LOSS: "loss of the day at its limit; until the next session, or resume",
    Reason.DRAWDOWN: "drawdown at its limit; until somebody resumes",
    Reason.STOP_LOSS_CLUSTER: "too many stop losses; for some sessions, or until somebody resumes",
}


def name_of(reason: Reason) -> str:
    """Return the name of a lock among the causes of the trading state."""
    return reason.name.lower()


class Locks:
    """Judged at every push, kept until they end."""

    def __init__(self, market: Market, portfolio: Portfolio, settings: Settings) -> None:
        self._market, self._portfolio, self._settings = market, portfolio, settings
        self._kept = KeptLocks()

    def restore(self, kept: dict[str, Message]) -> None:
        """Take back what stood."""
        for record in kept.values():
            if isinstance(record, KeptLocks):
                self._kept = record

    # ------------------------------------------------------------------ questions

    @property
    def first(self) -> KeptLock | None:
        """Return the lock to be told as the reason, None where none stands."""
        return next((lock for reason in LOCKS for lock in self._kept.standing if lock.reason is reason), None)

    def causes(self) -> dict[str, str]:
        """Return every lock by name, with its text where it stands and an empty one where not."""
        standing = {lock.reason for lock in self._kept.standing}
        return {name_of(reason): _TEXTS[reason] if reason in standing else "" for reason in LOCKS}

    # ------------------------------------------------------------------ changes

    def judge(self) -> list[Output]:
        """End what has ended and begin what the push in work calls for."""
        standing = tuple(lock for lock in self._kept.standing if not self._is_over(lock))
        have = {lock.reason for lock in standing}
        begun = tuple(lock for lock in self._due() if lock.reason not in have)
        if standing == self._kept.standing and not begun:
            return []
        seq = max((lock.seq for lock in begun), default=0)
        self._kept = replace(
            self._kept, standing=standing + begun, stops_seq=max(self._kept.stops_seq, seq)
        )  # a cluster that has had its lock begins no second one
        logs = [Log("warning", "opens locked", {"lock": name_of(lock.reason), **lock.detail}) for lock in begun]
        return [self._save(), *logs]

    def lift(self) -> list[Output]:
        """Take every lock back at a person's word: losses count from here, stop losses so far do not count any more."""
        if not self._kept.standing:
            return []
        stops = self._portfolio.record.stops.values()
        seq = max((stop.seq for stop in stops), default=0)
        names = ", ".join(name_of(lock.reason) for lock in self._kept.standing)
        self._kept = KeptLocks((), self._market.day, self._equity(), max(seq, self._kept.stops_seq))
        return [self._save(), Log("warning", "locks lifted", {"locks": names, "equity": self._kept.base})]

    def _save(self) -> Output:
        return Save("locks", self._kept)

    def _is_over(self, lock: KeptLock) -> bool:
        if lock.reason is Reason.DAY_LOSS:
            return lock.day < self._market.day
        if lock.reason is Reason.STOP_LOSS_CLUSTER:
            return self._portfolio.record.sessions_since(lock.day) >= self._settings.lock_sessions
        return False

    # ------------------------------------------------------------------ what calls for one

    def _due(self) -> Iterator[KeptLock]:
        # Prices of the auctions are virtual: nothing is valued at them.
        if self._market.phase is not Phase.CONTINUOUS:
            return
        equity, kept, ledger = self._equity(), self._kept, self._portfolio.ledger
        start = kept.base if kept.base_day == self._market.day else ledger.equity_close
        yield from self._fall(Reason.DAY_LOSS, equity, start, self._settings.day_loss_bp)
        peak = self._portfolio.record.peak(kept.base_day, kept.base or ledger.start_cash)
        yield from self._fall(Reason.DRAWDOWN, equity, peak, self._settings.drawdown_bp)
        stops = self._portfolio.record.stops_within(self._settings.stop_sessions, kept.stops_seq)
        if len(stops) >= self._settings.stop_losses:
            numbers = {
                "stop_losses": len(stops), "stop_losses_max": self._settings.stop_losses,
                "sessions": self._settings.stop_sessions, "lock_sessions": self._settings.lock_sessions,
            }  # fmt: skip
            yield KeptLock(Reason.STOP_LOSS_CLUSTER, self._market.day, numbers, stops[-1].seq)

    def _fall(self, reason: Reason, equity: Cash, start: Cash, most_bp: int) -> Iterator[KeptLock]:
        if (start - equity) * BASIS >= start * most_bp > 0:
            yield KeptLock(reason, self._market.day, {"equity": equity, "start_equity": start, "fall_bp_max": most_bp})

    def _equity(self) -> Cash:
        return self._portfolio.equity(self._market.mark_of)
