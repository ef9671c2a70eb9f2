"""Does a backtest look ahead? Give it another future after a moment: what it did up to then must stay the same."""

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from common.domain.errors import UserError
from services.backtest_worker.account import Sent
from services.backtest_worker.adapters.futures import KINDS, Moment, write_future
from services.backtest_worker.bars import LAST_LABEL_S, labels_of
from services.backtest_worker.job import Job, Told, play_job


class Finding(NamedTuple):
    """Orders that depended on what came after a moment."""

    kind: str
    moment: Moment
    gone: tuple[Sent, ...]
    """Sent with the true future only."""
    new: tuple[Sent, ...]
    """Sent with the other future only."""


class Audit(NamedTuple):
    """What an audit looked at, and what it found."""

    orders: int
    moments: tuple[Moment, ...]
    findings: tuple[Finding, ...]


def audit_lookahead(job: Job, count: int, told: Told, seed: int = 1) -> Audit:
    """Replay a job with `count` moments cut out of it, under each kind of other future.

    Half of the moments are those of orders, where a look ahead shows at once, the others are drawn. Raises `UserError`
    where the job sends no order at all: there is nothing to audit.
    """
    job = job._replace(verdicts=job.verdicts[:1])
    days, desks, _ = play_job(job, lambda *_: None)
    (desk,) = desks.values()
    if not desk.sent:
        raise UserError(
            f"{job.rule.NAME} sends no order from {job.first} to {job.last}: choose other days or parameters"
        )
    moments = moments_of(desk.sent, days.sessions, job.interval, count, random.Random(seed))
    findings: list[Finding] = []
    for number, (moment, kind) in enumerate([(moment, kind) for moment in moments for kind in KINDS], 1):
        findings += _replay(job, moment, kind, desk.sent, seed + number)
        told(f"{moment.day} {kind}", number, len(moments) * len(KINDS))
    return Audit(len(desk.sent), tuple(moments), tuple(findings))


def moments_of(
    sent: Sequence[Sent], sessions: Sequence[int], interval: int, count: int, draw: random.Random
) -> list[Moment]:
    """Return the moments to cut at, oldest first."""
    labels = [label for label in labels_of(interval * 60) if label <= LAST_LABEL_S]
    decided = sorted({Moment(order.day, order.second) for order in sent if order.second})
    found = set(draw.sample(decided, min(len(decided), (count + 1) // 2)))
    while len(found) < min(count, len(sessions) * len(labels)):
        found.add(Moment(draw.choice(list(sessions)), draw.choice(labels)))
    return sorted(found)


def _replay(job: Job, moment: Moment, kind: str, sent: Sequence[Sent], seed: int) -> list[Finding]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_future(job.history, folder, moment, kind, job.interval, seed)
        _, desks, _ = play_job(job._replace(history=folder, last=moment.day), lambda *_: None)
    (desk,) = desks.values()
    was, now = _until(sent, moment), _until(desk.sent, moment)
    if was == now:
        return []
    return [Finding(kind, moment, tuple(s for s in was if s not in now), tuple(s for s in now if s not in was))]


def _until(sent: Sequence[Sent], moment: Moment) -> list[Sent]:
    return [order for order in sent if (order.day, order.second) <= moment]
