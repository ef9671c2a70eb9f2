"""Standing exits: decided once, worked until the position has fallen to the target, over reprices, days and ex-days."""

from collections.abc import Sequence

from msgspec.structs import replace

from common.domain.calendar import NS, S1500, ts_of
from common.domain.ids import client_order_id
from common.domain.orders import Action
from common.domain.reasons import Reason
from common.domain.values import Price, PushId, Shares, Side, Symbol, TradingState
from common.messages.kept import KeptOrder, StandingExit
from common.messages.orders import CorporateAction, EventRow, SubmitOrder
from common.messages.outputs import Drop, Log, Message, Output, Save
from common.messages.signals import Signal
from common.rules.sizing import reduce_shares, size_sell
from services.risk_manager.market import Facts, Market
from services.risk_manager.outbox import Outbox
from services.risk_manager.portfolio import ANY_PUSH
from services.risk_manager.settings import Settings


class ExitDesk:
    """The exits that stand, one a stock."""

    def __init__(self, market: Market, outbox: Outbox, settings: Settings) -> None:
        self.standing: dict[Symbol, StandingExit] = {}
        self._market, self._outbox = market, outbox
        self._portfolio = outbox.portfolio
        self._reprice_ns = settings.reprice_s * NS

    def restore(self, kept: dict[str, Message]) -> None:
        """Take back the exits that stood."""
        self.standing = {record.symbol: record for record in kept.values() if isinstance(record, StandingExit)}

    # ------------------------------------------------------------------ deciding

    def check(self, signal: Signal) -> tuple[Reason, dict[str, int]]:
        """Tell whether an exit or a reduction can begin; a full exit replaces a reduction."""
        holding = self._portfolio.holding(signal.symbol)
        if holding is None:
            return Reason.NO_POSITION, {"held": 0}
        if self._market.facts(signal.symbol) is None:
            return Reason.UNKNOWN_SYMBOL, {"held": holding.shares, "day": self._market.day}
        stands = self.standing.get(signal.symbol)
        if stands is not None and not (signal.action is Action.EXIT and stands.action == Action.REDUCE):
            return Reason.EXIT_STANDING, {"held": holding.shares, "target": stands.target, "action": stands.action}
        return Reason.NONE, {"held": holding.shares, "sellable": self._portfolio.sellable(signal.symbol)}

    def begin(self, signal: Signal, state: TradingState, seq: int) -> list[Output]:
        """Let an exit stand that `check` found well, and begin to work it; `seq` = journal rows applied so far."""
        holding = self._portfolio.holding(signal.symbol)
        facts = self._market.facts(signal.symbol)
        assert holding is not None, f"an exit of {signal.symbol}, of which nothing is held"
        assert facts is not None, f"an exit of {signal.symbol}, which the day does not have"
        target = 0
        if signal.action is Action.REDUCE:
            target = holding.shares - reduce_shares(holding.shares, signal.fraction_bp, facts.board)
        before = self.standing.get(signal.symbol)
        made = StandingExit(
            signal.key, signal.symbol, signal.rule, int(signal.action), signal.reason, target, self._market.push, seq,
            coid=before.coid if before is not None else "",
        )  # fmt: skip
        self.standing[signal.symbol] = made
        outputs: list[Output] = [Save(_name(made), made)]
        if before is not None:
            outputs += self._outbox.cancel(before.coid, Reason.REPLACED_BY_EXIT)
        return [*outputs, *self._work(made, state)]

    def end(self, symbol: Symbol, reason: Reason) -> list[Output]:
        """End an exit of a stock and cancel what it has resting."""
        stands = self.standing.pop(symbol)
        return [
            Drop(_name(stands)),
            *self._outbox.cancel(stands.coid, reason),
            Log("info", "exit ended", {"key": stands.key, "symbol": symbol, "reason": reason.name}),
        ]

    # ------------------------------------------------------------------ events

    def apply(self, rows: Sequence[EventRow]) -> list[Output]:
        """Rescale targets on ex-days; a row that was counted before a restart is not counted again."""
        outputs: list[Output] = []
        for row in rows:
            event = row.event
            if not isinstance(event, CorporateAction):
                continue
            stands = self.standing.get(event.symbol)
            if stands is None or row.seq <= stands.seq or event.shares_before <= 0:
                continue
            target = stands.target * event.shares_after // event.shares_before
            outputs += self._keep(replace(stands, target=target, seq=row.seq))
        return outputs

    # ------------------------------------------------------------------ working

    def work(self, state: TradingState) -> list[Output]:
        """Go on with every exit: finish, reprice, order.

        This comes before the decisions of the push. Evaluated again after a restart, their orders are on disk already
        and are left out here: counted, they would have the exit's own order cancelled a push early.
        """
        outputs: list[Output] = []
        for symbol in sorted(self.standing):
            outputs += self._work(self.standing[symbol], state, self._market.push)
        return outputs

    def _work(self, stands: StandingExit, state: TradingState, before: PushId = ANY_PUSH) -> list[Output]:
        holding = self._portfolio.holding(stands.symbol)
        if holding is None or holding.shares <= stands.target:
            return self.end(stands.symbol, Reason.ALREADY_DONE)
        facts = self._market.tradable(stands.symbol)
        if state is TradingState.HALTED or facts is None:
            return []
        price = self._market.marketable(Side.SELL, facts)
        record = self._outbox.kept.get(stands.coid)  # None: it has ended, or the gateway refused it
        if record is not None:
            return self._watch(stands, record, price, before)
        return self._order(stands, facts, price, before)

    def _watch(self, stands: StandingExit, record: KeptOrder, price: Price, before: PushId) -> list[Output]:
        """Cancel the resting order where it would sell too much, or where it is time for another price."""
        booked = self._portfolio.order(stands.coid)
        if booked is None or not booked.open or record.unwanted is not Reason.NONE:
            return []
        too_much = booked.left > self._wanted(stands, booked.left, before)
        due = self._market.ts_ns - stands.sent_ns >= self._reprice_ns
        if too_much or (due and price != booked.price):
            return self._outbox.cancel(stands.coid, Reason.REPRICE)
        return []

    def _wanted(self, stands: StandingExit, own: Shares, before: PushId) -> Shares:
        """Return what is still to be sold: sells of others that work already count as done."""
        holding = self._portfolio.holding(stands.symbol)
        held = holding.shares if holding is not None else 0
        return max(0, held - (self._portfolio.frozen(stands.symbol, before) - own) - stands.target)

    def _order(self, stands: StandingExit, facts: Facts, price: Price, before: PushId) -> list[Output]:
        market = self._market
        if market.ts_ns - stands.sent_ns < self._reprice_ns:
            return []
        buys = self._portfolio.own_buys(stands.symbol)
        if buys:  # never a buy and a sell of ours at once: the exit waits until they are gone
            return [output for coid in buys for output in self._outbox.cancel(coid, Reason.REPLACED_BY_EXIT)]
        wanted, sellable = self._wanted(stands, 0, before), self._portfolio.sellable(stands.symbol)
        sizing = size_sell(wanted, sellable, facts.board, market.day)
        if sizing.shares == 0:
            # What is left is no whole lot, and nothing that would be sellable later makes it one.
            odd = 0 < wanted <= sellable
            return self.end(stands.symbol, Reason.BELOW_ONE_LOT) if odd else []
        stands = self._next_attempt(stands)
        order = self._made(stands, sizing.shares, price)
        return [*self._keep(stands), *self._outbox.submit(order)]

    def _next_attempt(self, stands: StandingExit) -> StandingExit:
        attempt, market = stands.attempt, self._market
        while True:
            key = order_key_of(stands.key, attempt)
            coid = client_order_id(market.day, key)
            attempt += 1
            if self._portfolio.order(coid) is None:
                return replace(stands, attempt=attempt, coid=coid, sent_ns=market.ts_ns)

    def _made(self, stands: StandingExit, shares: Shares, price: Price) -> SubmitOrder:
        market = self._market
        return SubmitOrder(
            coid=stands.coid,
            key=order_key_of(stands.key, stands.attempt - 1),
            symbol=stands.symbol,
            side=Side.SELL,
            shares=shares,
            price=price,
            push=market.push,
            ts_ns=market.ts_ns,
            valid_until_ns=ts_of(market.day, S1500),
            rule=stands.rule,
            cause=stands.cause,
        )

    def _keep(self, stands: StandingExit) -> list[Output]:
        self.standing[stands.symbol] = stands
        return [Save(_name(stands), stands)]


def _name(stands: StandingExit) -> str:
    return f"exit/{stands.symbol}"


def order_key_of(key: str, attempt: int) -> str:
    """Return the key of an exit's order: the signal's own, then numbered reprices."""
    return f"{key}|r{attempt}" if attempt else key
