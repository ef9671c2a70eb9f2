"""The gateway: orders in, journal rows out, and the paper exchange moved forward push by push. Pure.

The journal is the only truth: every row is committed before anything of it is said or sent, and a restart folds the
rows again. A push in which nothing happens writes nothing.
"""

from collections.abc import Callable, Sequence

from common.domain.reasons import Reason
from common.messages.control import ArmRequest, FeedState, KillRequest, LimitRequest, SafeguardsRequest
from common.messages.feed import FeedReader
from common.messages.market import BarsClosed, DayOpened, PushEnd, QuoteBatch
from common.messages.orders import (
    AccountOpened,
    AccountRequest,
    CancelOrder,
    CancelRequest,
    CloseRequest,
    EventsRequest,
    FillsRequest,
    OpenRequest,
    OrdersRequest,
    PositionsRequest,
    ResolveRequest,
    SubmitOrder,
)
from common.messages.outputs import Message, Origin, Output
from common.messages.signals import Verdict
from services.order_gateway import queries
from services.order_gateway.books import Books
from services.order_gateway.broker_desk import BrokerDesk
from services.order_gateway.calls import Reports
from services.order_gateway.counter_desk import CounterDesk
from services.order_gateway.hand import HandDesk
from services.order_gateway.market import Market
from services.order_gateway.orders import OrderDesk, reply
from services.order_gateway.pushes import Pushes
from services.order_gateway.safeguards import SafeguardDesk
from services.order_gateway.settings import GATEWAY, RISK, Settings


class GatewayCore:
    """The gateway's desks around one journal."""

    counter_desk: type[CounterDesk] = CounterDesk
    """Serves a broker with books of its own; the seeded bugs of the tests put wrong ones here."""

    def __init__(self, settings: Settings, kill_file: Callable[[], bool] = lambda: False) -> None:
        self._settings = settings
        self.books = Books()
        self._market = Market(FeedReader(GATEWAY))
        desk = self.counter_desk if settings.counter else BrokerDesk
        self._broker: BrokerDesk = desk(self.books, self._market, settings)
        self._pushes = Pushes(self.books, self._market, self._broker)
        self._orders = OrderDesk(self.books, self._market, self._broker, self._pushes, settings)
        self._hand = HandDesk(self.books, self._market, self._orders, self._pushes, settings)
        self.guard = self._market.guard
        self.guard.kill_file = kill_file
        self._safeguards = SafeguardDesk(self.books, self._market, settings)

    # ------------------------------------------------------------------ life

    def restore(self, rows: Sequence[Message], kept: dict[str, Message]) -> None:
        """Take back the journal and the hand orders asked for."""
        self.books.restore(rows)
        self._hand.restore(kept)
        self._broker.restore_places(kept)

    def on_start(self, now_ns: int) -> Sequence[Output]:
        """Open the account where the journal is empty, rebuild the broker's side, ask for the feed."""
        self._broker.now_ns = now_ns
        outputs: list[Output] = []
        if not self.books.rows and not self._settings.counter:
            opened = AccountOpened(self._settings.cash, self._settings.account)
            outputs += self.books.write(opened, 0, 0)
        return [*outputs, *self._broker.restore(), *self._pushes.on_start()]

    def on_message(self, message: Message, origin: Origin, now_ns: int) -> Sequence[Output]:
        """Handle one message."""
        self.guard.now_ns = now_ns
        self._broker.now_ns = now_ns
        if isinstance(message, PushEnd | FeedState):
            self.guard.heard_ns = now_ns
        match message:
            case KillRequest() | LimitRequest() | ArmRequest() | SafeguardsRequest():
                return self._safeguards.on_request(message, origin)
            case QuoteBatch() | BarsClosed() | DayOpened() | PushEnd() | FeedState():
                return self._pushes.on_feed(message)
            case Reports():
                return [*self._broker.note_defects(message), *self._on_reports(message)]
            case SubmitOrder():
                return self._orders.on_submit(message, origin)
            case ResolveRequest():
                return self._orders.on_resolve(message, origin)
            case CancelOrder() | CancelRequest():
                return self._orders.on_cancel(message, origin)
            case OpenRequest() | CloseRequest():
                return self._hand.on_request(message, origin, now_ns)
            case Verdict():
                return self._hand.on_verdict(message, origin, now_ns)
            case PositionsRequest() | AccountRequest() | OrdersRequest() | FillsRequest() | EventsRequest():
                return reply(origin, queries.answer(message, self.books, self._market, self._pushes.matched))
            case _:
                return []

    def _on_reports(self, reports: Reports) -> list[Output]:
        if reports.matched:
            return self._pushes.on_matched(reports)
        return [*self._broker.rows_of(reports), *self._pushes.go_on()]

    def on_deadline(self, now_ns: int) -> Sequence[Output]:
        """Decide about hand orders that risk does not answer; ask the broker what is not known."""
        self._broker.now_ns = now_ns
        return [*self._hand.on_deadline(now_ns), *self._broker.on_deadline(), *self._pushes.go_on()]

    def next_deadline_ns(self) -> int | None:
        """Return when a relayed hand order or a question to the broker is due."""
        due = [at for at in (self._hand.next_deadline_ns(), self._broker.next_deadline_ns()) if at is not None]
        return min(due, default=None)

    def on_peer(self, peer: str, up: bool, now_ns: int) -> Sequence[Output]:
        """Note whether the risk manager is alive."""
        if peer == RISK:
            self._hand.risk_up = up
        return []

    def on_disk(self, full: bool, now_ns: int) -> Sequence[Output]:
        """Note that the disk is full, or has room again: while it is full nothing is opened."""
        if full:
            self.guard.forbid_buys(Reason.DISK_FULL)
        else:
            self.guard.allow_buys(Reason.DISK_FULL)
        return []

    def on_version(self, peer: str, same: bool, now_ns: int) -> Sequence[Output]:
        """Buy nothing while a peer runs other code than this process."""
        self.guard.note_version(peer, same=same)
        return []

    # ------------------------------------------------------------------ status

    def status(self) -> tuple[bool, str, dict[str, int], dict[str, str]]:
        """Report readiness and the size of the books."""
        books, ledger = self.books, self.books.ledger
        numbers = {
            "rows": books.last_seq,
            "push": self._market.push,
            "data_ns": self._market.ts_ns,
            "day": ledger.day,
            "cash": ledger.free_cash,
            "frozen": ledger.frozen_cash,
            "positions": len(ledger.positions),
            "orders": len(ledger.orders),
            "orders_open": len(ledger.open_coids),
            "deals": len(ledger.deals),
            "denied": len(books.denied),
            "sent_day": books.counters.sent_day,
            **books.counters.used(),
            "repairs": self._market.reader.repairs,
            "book_defects": self._broker.defects.total(),
            **{f"book_defect_{name.lower()}": count for name, count in sorted(self._broker.defects.items())},
        }
        broker_numbers, broker_words = self._broker.status()
        numbers.update(broker_numbers)
        state = "ready" if self._pushes.ready else "waiting"
        words = {
            "account": ledger.account, "fill_verdict": self._settings.fill_verdict, **self._safeguards.words(), **broker_words,
        }  # fmt: skip
        if self._broker.defects:
            kinds = (f"{name.lower()} {count}" for name, count in sorted(self._broker.defects.items()))
            words["book_defects"] = ", ".join(kinds)
        return self._pushes.ready, state, numbers, words
