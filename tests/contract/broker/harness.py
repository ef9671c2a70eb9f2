"""How a broker's adapter joins the conformance suite (`test_conformance.py`, `test_refusals.py`).

The suite plays the gateway's real core on a journal in memory and never looks inside an adapter. What only the outside
world can do (a deal, a late deal, the close) it asks of a `Counter`: the adapter's other side, under the test's command.
To join:

1. Write a class with the five methods of `Counter`. For the paper exchange the other side is the tape, so a deal is a
   snapshot that trades at the order's price. For a vendor's adapter it is the fake native module under the real vendor
   layer: tell it what happens, then hand the gateway what the adapter made of it, with `bench.report(reports)`.
2. Add it to `COUNTERS`. Nothing else: each test runs once for every counter, and asserts the journal's rows AND the
   books (cash, frozen cash, shares, frozen shares, sellable, lots).

What an adapter is held to, whatever its vendor does:

- Every call is answered by `Reports` (`services/order_gateway/calls.py`), at once or later; several facts of one moment
  come in one.
- A deal id is the counter's and the same each time the deal is told; quantity moves only by deals.
- A refusal is `Rejected` with a `Reason`, never an exception; a cancel is confirmed by `Cancelled`, not by being asked.
- After a restart a fresh adapter on the same counter (`connect`, then `Restore`) goes on with what rests there.
- Prices are 0.001 yuan, quantities shares, symbols `600000.SH`.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from common.domain.calendar import NS, second_of_day
from common.domain.ids import deal_id
from common.domain.positions import Holding, Ledger, OrderRecord
from common.domain.reasons import Reason
from common.domain.values import Board, Pace, Side, day_of_push
from common.messages.fold import fold
from common.messages.header import Role
from common.messages.orders import CancelRequest, CancelSubmitted, OrderFilled, SubmitOrder
from common.messages.outputs import Message
from common.rules.boards import exchange_of
from common.rules.checks import check_band, check_buy_lots, check_cage, check_cancel_phase, check_tick
from services.order_gateway.adapters.paper import PaperBroker
from services.order_gateway.calls import Cancel, DealDone, Reports, Submit
from services.order_gateway.limits import need_of
from services.order_gateway.settings import Settings
from tests.builders import PREV_DAY, Quote, milli, table
from tests.fakes.counter import FakeCounter, FakeLink, Fate, Outcome
from tests.gateway_rig import Broker, Rig, Tape

DAY, NEXT = 20260105, 20260106
A, B = "600001.SH", "300003.SZ"
LAST, BID, ASK = 10.00, 9.99, 10.00
CASH = 100_000_000


class Counter(Protocol):
    """The other side of an adapter, commanded by a test. All of it is deterministic."""

    settings: Settings
    """What the gateway is told of this kind of broker."""
    pace: Pace
    bench: "Bench"
    """Set when the gateway is made."""

    def connect(self) -> Broker:
        """Return an adapter newly connected to this counter; called at every start of the gateway."""
        ...

    def trade(self, bench: "Bench", coid: str, shares: int) -> None:
        """Fill so many shares of a working order at its limit, and let the gateway hear of it."""
        ...

    def trade_late(self, bench: "Bench", coid: str, shares: int, number: int) -> str:
        """Let a deal at the order's limit arrive after the order has ended; returns the deal's id."""
        ...

    def repeat(self, bench: "Bench", deal: OrderFilled) -> None:
        """Tell of a deal once more, as after a reconnect."""
        ...

    def close(self, bench: "Bench") -> None:
        """End the trading day; what rests expires."""
        ...


class Held:
    """An adapter whose answers are held back while `bench.holding`, as a slow counter's are."""

    def __init__(self, inner: Broker, bench: "Bench") -> None:
        self._inner, self._bench = inner, bench

    def perform(self, call: Message) -> Sequence[Message]:
        """Carry out the call; its answers may wait."""
        answers = self._inner.perform(call)
        if not self._bench.holding:
            return answers
        self._bench.held += answers
        return []


class Bench(Rig):
    """The gateway with one counter: continuous trading at 10.00, a deep book, cash for a few orders."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.holding = False
        self.held: list[Message] = []
        self.number = self.volume = self.turnover = 0
        """Pushes, shares traded and their turnover of the day."""
        self.best_bid, self.best_ask = BID, ASK
        counter.bench = self
        tape = Tape()
        tape.open(table({A: 10.0, B: 20.0}), PREV_DAY, pace=counter.pace)
        super().__init__(counter.settings, tape, connect=lambda: Held(counter.connect(), self))
        self.play()
        self.quote()

    # ------------------------------------------------------------------ the market

    def quote(self, bid: float = BID, ask: float = ASK, shown: int = 100_000, traded: int = 1_000) -> None:
        """Let the market show one bid and one ask; the last price is the ask."""
        self.best_bid, self.best_ask = bid, ask
        self.push(Quote(ask, bid=[(bid, shown)], ask=[(ask, shown)]), traded)

    def push(self, seen: Quote, traded: int) -> None:
        """Play one snapshot of A in continuous trading; `traded` is what was traded since, all at its last price."""
        self.number += 1
        self.volume += traded
        self.turnover += traded * seen.last
        seen.volume, seen.turnover = self.volume, self.turnover
        self.tape.push(self.number, f"09:{30 + self.number // 20:02d}:{self.number % 20 * 3:02d}", {A: seen})
        self.play()

    def end_day(self) -> None:
        """Play the day's last push."""
        self.number += 1
        self.tape.push(self.number, "15:00:00", {A: Quote(LAST, volume=self.volume)})
        self.play()

    def next_day(self) -> None:
        """Begin the day after and its continuous trading."""
        self.tape.open(table({A: 10.0, B: 20.0}, day=NEXT), DAY, pace=self.counter.pace)
        self.number = self.volume = self.turnover = 0
        self.play()
        self.quote()

    # ------------------------------------------------------------------ orders

    def place(self, key: str, shares: int = 1_000, price: float = BID, side: Side = Side.BUY) -> OrderRecord:
        """Send an order that passes the gateway's checks; returns its record in the books."""
        made = self.order(key, A, shares, price, side)
        self.submit(made)
        return self.ledger.order(made.coid)

    def buy_and_hold(self, shares: int = 1_000) -> None:
        """Buy at the ask today, and go on to tomorrow."""
        self.place("first", shares, ASK)
        assert self.held_of(A).shares == shares
        self.counter.close(self)
        self.next_day()

    def force(self, made: SubmitOrder) -> None:
        """Send an order past the gateway's own checks, as when its view of the market was behind."""
        market = self.core._market
        facts = market.facts(made.symbol)
        assert facts is not None
        self._carry(self.core._broker.submit(made, need_of(made, facts, market.day, self.settings)))

    def force_cancel(self, key: str, coid: str) -> None:
        """Send a cancel past the gateway's own checks."""
        self._carry(self.core._broker.cancel(CancelSubmitted(key, coid, Reason.HAND_CANCEL)))

    def ask_cancel(self, coid: str, key: str = "c") -> Message | None:
        """Ask for a cancel as a person; returns the answer."""
        return self.ask(CancelRequest(key, coid), Role.OPERATOR)

    def release(self) -> None:
        """Let the answers that were held back arrive."""
        self.holding = False
        held, self.held = self.held, []
        for message in held:
            self.report(message)

    # ------------------------------------------------------------------ what came of it

    def check_fold(self) -> None:
        """Assert that the journal alone gives the same books."""
        again = Ledger()
        for row in self.rows:
            fold(again, row.event)
        assert again == self.ledger

    def held_of(self, symbol: str) -> Holding:
        """Return the position in a stock; an empty one where nothing is held."""
        return self.ledger.positions.get(symbol, Holding(symbol))

    def kinds(self, first: int = 0) -> list[str]:
        """Return the kinds of the journal's rows from a place on."""
        return [type(row.event).__name__ for row in self.rows[first:]]

    @property
    def cash(self) -> tuple[int, int, int]:
        """All cash, frozen, free."""
        return self.ledger.cash, self.ledger.frozen_cash, self.ledger.free_cash


class PaperCounter:
    """The paper exchange: its other side is the tape."""

    settings = Settings(cash=CASH)
    pace = Pace.LOCKSTEP
    bench: "Bench"

    def connect(self) -> Broker:
        """Return a new paper exchange; it is rebuilt from the gateway's journal."""
        return PaperBroker()

    def trade(self, bench: Bench, coid: str, shares: int) -> None:
        """Play a snapshot that shows and trades so many shares at the order's price."""
        order = bench.ledger.order(coid)
        bench.quote(traded=10_000)  # others trade elsewhere: what is shown next is new
        price = order.price / 1000
        level, other = [(price, shares)], 100_000
        if order.side == Side.BUY:
            bench.push(Quote(price, bid=[(round(price - 0.01, 2), other)], ask=level), shares)
        else:
            bench.push(Quote(price, bid=level, ask=[(round(price + 0.01, 2), other)]), shares)

    def trade_late(self, bench: Bench, coid: str, shares: int, number: int) -> str:
        """Report a deal of an order that has ended: the paper exchange itself never does."""
        deal = DealDone(coid, deal_id(coid, number), shares, bench.ledger.order(coid).price)
        self._tell(bench, deal)
        return deal.deal_id

    def repeat(self, bench: Bench, deal: OrderFilled) -> None:
        """Report a deal once more."""
        self._tell(bench, DealDone(deal.coid, deal.deal_id, deal.shares, deal.price))

    def close(self, bench: Bench) -> None:
        """Play the day's last push."""
        bench.end_day()

    @staticmethod
    def _tell(bench: Bench, deal: DealDone) -> None:
        end = bench.tape.pushes[bench.at][-1]
        assert day_of_push(end.push) == bench.ledger.day  # type: ignore[attr-defined]  # a push ends with its PushEnd
        bench.report(Reports(end.push, end.ts_ns, (deal,)))  # type: ignore[attr-defined]  # as above


class Link(Protocol):
    """An adapter that answers later."""

    def perform(self, call: Message) -> Any:
        """Begin a call."""
        ...

    def poll(self) -> Sequence[Message]:
        """Return what came."""
        ...


class AtOnce:
    """A link whose answers are there when the call returns: the suite tests what is said, not when."""

    answers_later = True

    def __init__(self, link: Link) -> None:
        self._link = link

    def perform(self, call: Message) -> Sequence[Message]:
        """Carry out a call and hand over what came of it."""
        self._link.perform(call)
        return self._link.poll()


class LyingCounter:
    """The fake counter of the simulation, on its best behaviour: asynchronous, with books and numbers of its own."""

    settings = Settings(cash=CASH, counter=True, settle_ns=NS, query_ns=NS // 10)
    pace = Pace.REAL_TIME
    bench: Bench

    def __init__(self) -> None:
        self._counter: FakeCounter | None = None

    def connect(self) -> Broker:
        """Return a new link to the one counter."""
        if self._counter is None:
            bench = self.bench
            self._counter = FakeCounter(lambda: bench.now_ns, cash=CASH, fate=self._fate, refuses=self._refuses)
            self._counter.roll(DAY)
        return AtOnce(self._counter.adapter())

    @property
    def counter(self) -> FakeCounter:
        """Return the counter."""
        assert self._counter is not None
        return self._counter

    def _fate(self, call: Submit) -> Outcome:
        """Let trade at once what the book would."""
        order = call.order
        meets = (
            order.price >= milli(self.bench.best_ask)
            if order.side == Side.BUY
            else order.price <= milli(self.bench.best_bid)
        )
        return Outcome(Fate.FILLED if meets else Fate.RESTS, 1)

    def _refuses(self, call: Submit | Cancel) -> Reason:
        if isinstance(call, Cancel):
            return check_cancel_phase(exchange_of(call.symbol), second_of_day(call.ts_ns), call.day)
        order, bid, ask = call.order, milli(self.bench.best_bid), milli(self.bench.best_ask)
        up, down = milli(LAST * 1.1), milli(LAST * 0.9)
        lots = check_buy_lots(Board.MAIN, order.shares) if order.side == Side.BUY else Reason.NONE
        cage = check_cage(Board.MAIN, call.day, order.side, order.price, bid, ask, ask, milli(LAST))
        checks = (check_tick(order.price), check_band(order.price, up, down), cage, lots)
        return next((reason for reason in checks if reason is not Reason.NONE), Reason.NONE)

    def trade(self, bench: Bench, coid: str, shares: int) -> None:
        """Let a working order trade, and the gateway hear of it."""
        (entry,) = self.counter.of(coid)
        self.counter.trade(entry, shares)
        self._hear(bench)

    def trade_late(self, bench: Bench, coid: str, shares: int, number: int) -> str:
        """Let an order trade that was cancelled."""
        (entry,) = self.counter.of(coid)
        (deal,) = self.counter.trade(entry, shares)
        self._hear(bench)
        return bench.core._broker.deal_key(deal)  # type: ignore[attr-defined]  # the counter's desk

    def repeat(self, bench: Bench, deal: OrderFilled) -> None:
        """Push a deal once more."""
        (seen,) = [seen for seen, _ in self.counter.deals if deal.deal_id.endswith(f":{seen.deal_id}")]
        bench.report(Reports(0, 0, (seen,)))

    def close(self, bench: Bench) -> None:
        """End the day at the counter, and play the day's last push, which waits for its word."""
        self.counter.close()
        self._hear(bench)
        bench.end_day()
        while not bench.core._market.closed:
            bench.wait(0.1)
        self.counter.roll(NEXT)

    def _hear(self, bench: Bench) -> None:
        for message in FakeLink(self.counter).poll():
            bench.report(message)


COUNTERS: dict[str, Callable[[], Counter]] = {"paper": PaperCounter, "counter": LyingCounter}
"""Every counter the suite runs with, by name; QMT comes with the vendor's layer (`conftest.py`)."""
