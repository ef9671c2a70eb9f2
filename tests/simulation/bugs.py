"""Wrong versions of the order path, on purpose: each passes with nothing going wrong, and the seeds must catch it.

Run as `python -m tests.simulation.bugs [--seeds N]`: prints for each bug after how many seeds it was caught, and by what.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

from common.domain.orders import OrderState
from common.domain.positions import OrderRecord
from common.domain.reasons import Reason
from common.domain.values import Day
from common.messages.kept import SignalCursor
from common.messages.orders import OrderRejected
from common.messages.outputs import Effect, Output, Reply, Save
from services.order_gateway.calls import (
    Cancel,
    CounterDeal,
    CounterOrder,
    CounterState,
    LinkUp,
    Report,
    Unanswered,
)
from services.order_gateway.core import GatewayCore
from services.order_gateway.counter_desk import CounterDesk
from services.order_gateway.settings import Settings
from services.risk_manager import exits, judge
from tests.fakes.manners import GOOD
from tests.simulation.hostile import MS, Hostile, Node
from tests.simulation.plans import CASH, SETTLE_NS, Plan
from tests.simulation.seeds import GATEWAY, Make, run, run_seed

CALM_MARKETS = (0, 2, 4, 6)
"""Without orders of others and without late fills: those are faults."""


class Bug(NamedTuple):
    """A wrong version."""

    what: str
    make: Make
    patch: Callable[[], AbstractContextManager[Any]] = nullcontext


class Caught(NamedTuple):
    """Where a bug was seen; seeds = 0: it was not."""

    seeds: int
    by: str


# ------------------------------------------------------------------ wrong shells


class _SendsFirst(Hostile):
    """Carries out effects before the commit."""

    def _carry(self, node: Node, outputs: Sequence[Output]) -> None:
        if node.name == GATEWAY:
            for output in outputs:
                if isinstance(output, Effect):
                    self._one(node, output)
            outputs = [output for output in outputs if not isinstance(output, Effect)]
        super()._carry(node, outputs)


class _AnswersFirst(Hostile):
    """Answers before the commit."""

    def _carry(self, node: Node, outputs: Sequence[Output]) -> None:
        if node.name == GATEWAY:
            for output in outputs:
                if isinstance(output, Reply):
                    self._one(node, output)
            outputs = [output for output in outputs if not isinstance(output, Reply)]
        super()._carry(node, outputs)


class _CursorApart(Hostile):
    """Commits the signal engine's cursor before the decisions it covers."""

    def _commit(self, node: Node, outputs: Sequence[Output]) -> None:
        if node.name == "signal_engine":
            cursor = [
                output for output in outputs if isinstance(output, Save) and isinstance(output.record, SignalCursor)
            ]
            super()._commit(node, cursor)
            outputs = [output for output in outputs if output not in cursor]
        super()._commit(node, outputs)


class _WallClock(Hostile):
    """Gives the gateway the wall's time, jumps and all."""

    def now(self, node: Node) -> int:
        node.offset_ns = self.wall_ns if node.name == GATEWAY else node.offset_ns
        return super().now(node)


# ------------------------------------------------------------------ wrong desks


class _SendsBlind(CounterDesk):
    """Sends again at once, after a start or a lost link, what has no answer."""

    def rows_of(self, reports: Any) -> list[Output]:
        outputs = super().rows_of(reports)
        if any(isinstance(report, LinkUp) for report in reports.reports):
            for coid in list(self.settling._sent_ns):
                outputs.append(self._send(self._books.submitted[coid]))
        return outputs


class _DedupesInMemory(CounterDesk):
    """Remembers deals for as long as the process lives."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._seen: set[str] = set()

    def deal_key(self, deal: CounterDeal) -> str:
        key = super().deal_key(deal)
        known = [each for each in self._books.ledger.deals if each.startswith(f"{key}#")]
        if key in self._seen and known:
            return known[-1]
        self._seen.add(key)
        return f"{key}#{len(known)}"


class _DedupesToday(CounterDesk):
    """Remembers the deals of one day: what an older day's replay tells counts as new."""

    def deal_key(self, deal: CounterDeal) -> str:
        return f"{self._books.ledger.day}:{deal.broker_id}:{deal.deal_id}"


class _FillsFromStatus(CounterDesk):
    """Books what an order's status says it traded."""

    def _on_order(self, order: CounterOrder) -> list[Output]:
        outputs = super()._on_order(order)
        record = self._books.ledger.orders.get(self._identify(order))
        if record is not None and order.traded > record.filled and record.rule != "external":
            deal = CounterDeal(
                f"s{order.traded}", order.broker_id, order.remark, order.day, order.symbol, order.side,
                order.traded - record.filled, order.price,
            )  # fmt: skip
            outputs += self._book(record, deal, self.deal_key(deal))
        return outputs


class _DropsLate(CounterDesk):
    """Takes no deal of an order that has ended."""

    def _book(self, record: OrderRecord, deal: CounterDeal, key: str) -> list[Output]:
        return super()._book(record, deal, key) if record.open else []


class _LosesParked(CounterDesk):
    """Counts a deal as seen before it knows its order."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._seen: set[str] = set()

    def _on_deal(self, deal: CounterDeal) -> list[Output]:
        key = self.deal_key(deal)
        if key in self._seen:
            return []
        self._seen.add(key)
        outputs = super()._on_deal(deal)
        self.parked.clear()
        return outputs


class _TouchesExternals(CounterDesk):
    """Cancels what it does not know."""

    def _external(self, order: CounterOrder) -> list[Output]:
        call = Cancel("stranger", "", order.symbol, self._push(), self._market.ts_ns, order.day, order.broker_id)
        return [*super()._external(order), Effect(call)]


class _TakesSilenceForNo(CounterDesk):
    """Takes a timeout for a refusal."""

    def _on(self, report: Report) -> list[Output]:
        record = self._books.open_order(report.coid) if isinstance(report, Unanswered) else None
        if isinstance(report, Unanswered) and record is not None:
            sending = record.state is OrderState.SENDING
            if sending:
                self.settling.answered(report.coid)
                return self._write(OrderRejected(report.coid, Reason.BROKER_REJECTED))
        return super()._on(report)


class _TakesNoneForEmpty(CounterDesk):
    """Takes a failed query for an account without orders."""

    def _on_state(self, state: CounterState) -> list[Output]:
        if not state.complete:
            for coid in self.settling.unseen(state.asked_ns):
                if self._books.open_order(coid) is not None:
                    return self._absent(coid)
        return super()._on_state(state)


class _SkipsReconcile(CounterDesk):
    """Goes on after a reconnect as if nothing could have happened."""

    _before = False

    def _link_up(self, report: LinkUp) -> list[Output]:
        outputs = super()._link_up(report)
        if self._before:
            self.reconciled, self._asked_ns = True, None
            self._agreed_ns = self._complete_ns = self._last_ask_ns = self.now_ns + 3 * SETTLE_NS
            return [output for output in outputs if not isinstance(output, Effect)]
        self._before = True
        return outputs


class _CancelsOnce(CounterDesk):
    """Sends a cancel once, whatever becomes of it."""

    def _send_cancels(self) -> list[Output]:
        sent, outputs = dict(self._cancel_sent_ns), super()._send_cancels()
        return [o for o in outputs if isinstance(o, Effect) and o.call.coid not in sent]  # type: ignore[attr-defined]  # a Cancel


class _AdoptsOldDays(CounterDesk):
    """Takes a replay of yesterday for news of today."""

    def _on_order(self, order: CounterOrder) -> list[Output]:
        day: Day = self._books.ledger.day
        known = (order.day, order.broker_id) in self._books.broker_ids and order.day == day
        if known or order.day >= day:
            return super()._on_order(order)
        return self._adopt(order, order.shares) if (day, order.broker_id) not in self._books.broker_ids else []


class _WantsWholeRemarks(CounterDesk):
    """Knows an order by its whole remark only."""

    def _by_remark(self, seen: CounterOrder | CounterDeal) -> str:
        return seen.remark if seen.remark in self._books.submitted else ""


def _with(desk: type[CounterDesk]) -> Make:
    def core(settings: Settings) -> GatewayCore:
        made = type("WrongGateway", (GatewayCore,), {"counter_desk": desk})
        return made(settings)  # type: ignore[no-any-return]  # a GatewayCore

    return Make(gateway=core)


@contextmanager
def _ids_in_memory() -> Iterator[None]:
    """Let risk number its orders instead of hashing their cause; the count begins anew with each process."""
    right = judge.client_order_id
    count = [0]

    def numbered(day: Day, key: str) -> str:
        count[0] += 1
        return f"{day % 1_000_000:06d}N{count[0]:013d}"

    judge.client_order_id = exits.client_order_id = numbered
    try:
        yield
    finally:
        judge.client_order_id = exits.client_order_id = right


BUGS: dict[str, Bug] = {
    "send_before_journal": Bug("an order goes out before its row is on disk", Make(world=_SendsFirst)),
    "ack_before_commit": Bug("the gateway answers before its commit", Make(world=_AnswersFirst)),
    "cursor_apart": Bug("the signal engine commits its cursor before the decisions", Make(world=_CursorApart)),
    "in_memory_id": Bug("order ids are counted, not hashed from their cause", Make(), _ids_in_memory),
    "resend_without_query": Bug("after a reconnect what has no answer is sent again", _with(_SendsBlind)),
    "settle_0": Bug("absence counts at once", Make(settings=lambda s: s._replace(settle_ns=0))),
    "settle_two_thirds": Bug(
        "the settle time is short by a third", Make(settings=lambda s: s._replace(settle_ns=s.settle_ns * 2 // 3))
    ),
    "wall_clock": Bug("waits are measured on the wall's clock", Make(world=_WallClock)),
    "fill_dedupe_in_memory": Bug("deals are deduped in memory only", _with(_DedupesInMemory)),
    "fill_dedupe_of_today": Bug("deals are deduped within a window of one day", _with(_DedupesToday)),
    "fill_from_status": Bug("an order's status moves shares", _with(_FillsFromStatus)),
    "late_fill_dropped": Bug("a deal after the order's end is dropped", _with(_DropsLate)),
    "parked_deal_lost": Bug("a deal before its order is marked as seen and lost", _with(_LosesParked)),
    "external_touched": Bug("an order of others is cancelled", _with(_TouchesExternals)),
    "unknown_is_rejected": Bug("a timeout counts as a refusal", _with(_TakesSilenceForNo)),
    "none_is_empty": Bug("an answer of None counts as an empty one", _with(_TakesNoneForEmpty)),
    "reconcile_skipped": Bug("nothing is compared after a reconnect", _with(_SkipsReconcile)),
    "cancel_sent_once": Bug("a cancel that was lost is not sent again", _with(_CancelsOnce)),
    "old_day_adopted": Bug("a replayed order of yesterday is adopted today", _with(_AdoptsOldDays)),
    "whole_remark_only": Bug("a cut remark is nobody's", _with(_WantsWholeRemarks)),
    "risk_and_signal_unsynced": Bug(
        "risk and signal do not wait for the disk", Make(unsynced=("risk_manager", "signal_engine"))
    ),
}


def passes_calmly(bug: Bug) -> list[str]:
    """Return what is wrong with a bug's version when nothing goes wrong; it must be nothing."""
    settings = Settings(cash=CASH, counter=True, settle_ns=SETTLE_NS, query_ns=150 * MS)
    bad: list[str] = []
    with bug.patch():
        for market in CALM_MARKETS:
            plan = Plan(market, GOOD._replace(late_fills=False), settings=settings)
            right, wrong = run(plan), run(plan, bug.make)
            bad += wrong.bad
            if not bad and bug.patch is nullcontext and wrong.books != right.books:
                bad.append("other books than the right version's")
    return bad


def hunt(bug: Bug, seeds: int, first: int = 0) -> Caught:
    """Run seeds until one shows the bug."""
    with bug.patch():
        for count in range(1, seeds + 1):
            result = run_seed(first + count - 1, bug.make)
            if result.bad:
                return Caught(count, kind_of(result.bad[0]))
    return Caught(0, "")


KINDS = {
    "times at the counter": "twice at the counter",
    "without a row": "order without a row",
    "positions": "positions differ",
    "cash": "cash differs",
    "not the undisturbed": "other books than the undisturbed run's",
    "not done in time": "never settles",
    "stands still": "never settles",
    "order ": "order state differs",
    "risk's books": "risk's books differ",
    "Invariant": "a broken invariant stops it",
    "twice": "a unique row written twice",
}
"""What the checks say, in short."""


def kind_of(text: str) -> str:
    """Return which check spoke."""
    return next((kind for part, kind in KINDS.items() if part in text), text[:60])


def main() -> int:
    """Hunt them all."""
    asked = argparse.ArgumentParser(description="seeded bugs of the order path against the hostile simulation")
    asked.add_argument("--seeds", type=int, default=2_000)
    asked.add_argument("--only", default="")
    options = asked.parse_args()
    missed = []
    for name, bug in BUGS.items():
        if options.only and name != options.only:
            continue
        calm = passes_calmly(bug)
        caught = hunt(bug, options.seeds)
        print(
            f"{name}: {'calm' if not calm else f'NOT CALM {calm[0][:200]}'}; after {caught.seeds} seeds; {caught.by}",
            flush=True,
        )
        if calm or not caught.seeds:
            missed.append(name)
    print(f"bugs: {len(BUGS)} seeded, {len(missed)} missed{': ' + ', '.join(missed) if missed else ''}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
