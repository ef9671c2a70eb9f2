"""QMT joins the conformance suite: our adapter on the vendor's real Python layer, over a fake client."""

from collections.abc import Sequence
from typing import Any

from common.domain.calendar import NS, hms, second_of_day, ts_of
from common.domain.reasons import Reason
from common.domain.values import Board, Pace, Side
from common.messages.orders import OrderFilled
from common.messages.outputs import Message
from common.rules.boards import exchange_of
from common.rules.checks import check_band, check_buy_lots, check_cage, check_cancel_phase, check_tick
from services.order_gateway.adapters.xt import XtBroker, XtSettings
from services.order_gateway.adapters.xt_session import Modules
from services.order_gateway.settings import Settings
from tests.builders import milli
from tests.contract.broker.harness import CASH, DAY, LAST, NEXT, AtOnce, Bench
from tests.fakes.xtquant.habits import BUY
from tests.fakes.xtquant.venue import Venue
from tests.gateway_rig import Broker
from tests.xt_rig import settle


class XtCounter:
    """QMT: our adapter on the real Python layer of xtquant, over a fake client (`tests/fakes/xtquant`)."""

    settings = Settings(cash=CASH, counter=True, settle_ns=NS, query_ns=NS // 10, park=True)
    pace = Pace.REAL_TIME
    bench: Bench

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._venue: Venue | None = None
        self._broker: XtBroker | None = None
        self._began_ns = self._since_ns = 0

    def now_ns(self) -> int:
        """Return the counter's time: in the day that is played."""
        return self._began_ns + self.bench.now_ns - self._since_ns

    def _begin(self, day: int, at: str) -> None:
        self._began_ns, self._since_ns = ts_of(day, hms(at)), self.bench.now_ns

    def connect(self) -> Broker:
        """Return the adapter of a new process; the old one's client is gone with its process."""
        if self._venue is None:
            self._begin(DAY, "09:31")
            self._venue = Venue(f"xt-{id(self)}", "8888", cash=CASH, now_ns=self.now_ns)
            self._venue.refuses, self._venue.trades_at_once = self._refuses, self._meets
        if self._broker is not None:
            self._broker.close()
        settings = XtSettings(self._venue.path, self._venue.account)
        self._broker = XtBroker(settings, self.now_ns, lambda level, event, facts: None, self._modules)
        return AtOnce(self)

    def perform(self, call: Message) -> None:
        """Carry out a call."""
        assert self._broker is not None
        self._broker.perform(call)

    def poll(self) -> Sequence[Message]:
        """Return all that came of it, once it has come."""
        assert self._broker is not None
        settle(self._broker)
        return self._broker.poll()

    def end(self) -> None:
        """Let go of threads and sockets."""
        if self._broker is not None:
            self._broker.close()

    @property
    def venue(self) -> Venue:
        """Return the counter's side."""
        assert self._venue is not None
        return self._venue

    def _refuses(self, req: Any) -> str:
        if not hasattr(req, "m_nOrderType"):
            order = next((o for o in self.venue.orders if o.order_id == req.m_nOrderID), None)
            end = self.bench.tape.pushes[self.bench.at][-1]
            second = second_of_day(end.ts_ns)  # type: ignore[attr-defined]  # a push ends with its PushEnd
            return "" if order is None else _refused(check_cancel_phase(exchange_of(order.symbol), second, DAY))
        price, bid, ask = round(req.m_dPrice * 1000), milli(self.bench.best_bid), milli(self.bench.best_ask)
        side = Side.BUY if req.m_nOrderType == BUY else Side.SELL
        lots = check_buy_lots(Board.MAIN, req.m_nOrderVolume) if side == Side.BUY else Reason.NONE
        cage = check_cage(Board.MAIN, DAY, side, price, bid, ask, ask, milli(LAST))
        checks = (check_tick(price), check_band(price, milli(LAST * 1.1), milli(LAST * 0.9)), cage, lots)
        return next((_refused(reason) for reason in checks if reason is not Reason.NONE), "")

    def _meets(self, req: Any) -> int:
        price = round(req.m_dPrice * 1000)
        buys, bench = req.m_nOrderType == BUY, self.bench
        meets = price >= milli(bench.best_ask) if buys else price <= milli(bench.best_bid)
        return int(req.m_nOrderVolume) if meets else 0

    def trade(self, bench: Bench, coid: str, shares: int) -> None:
        """Let a working order trade, and the gateway hear of it."""
        (entry,) = self.venue.of(coid)
        self.venue.trade(entry, shares)
        self._hear(bench)

    def trade_late(self, bench: Bench, coid: str, shares: int, number: int) -> str:
        """Let an order trade that was cancelled."""
        (entry,) = self.venue.of(coid)
        deal = self.venue.trade(entry, shares)
        self._hear(bench)
        return f"{self.settings.account}:{bench.ledger.day}:{deal.deal_id}"

    def repeat(self, bench: Bench, deal: OrderFilled) -> None:
        """Push a deal once more."""
        (seen,) = [seen for seen in self.venue.deals if deal.deal_id.endswith(f":{seen.deal_id}")]
        self.venue.push("StockTrade", self.venue.xt_trade(seen))
        self._hear(bench)

    def close(self, bench: Bench) -> None:
        """Let the day end; the client goes on showing what stood as if it stood."""
        self._begin(DAY, "15:05")
        bench.end_day()
        while not bench.core._market.closed:
            bench.wait(0.1)
        self.venue.roll()
        self._begin(NEXT, "09:31")

    def _hear(self, bench: Bench) -> None:
        for message in self.poll():
            bench.report(message)


def _refused(reason: Reason) -> str:
    return "" if reason is Reason.NONE else reason.name
