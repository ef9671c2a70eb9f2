"""The player, the gateway with its paper exchange, and a trader that reads both: kills change no row of the journal."""

from collections.abc import Sequence

import numpy as np
import pytest

from common.domain.ids import client_order_id
from common.domain.positions import Ledger
from common.domain.reasons import Reason
from common.domain.values import Pace, Phase, PushId, Side, push_id, push_number
from common.messages.control import FeedState, PushAck
from common.messages.event_feed import EventReader
from common.messages.feed import FeedReader, PushData
from common.messages.fold import fold
from common.messages.market import BarsClosed, DayOpened, InstrumentTable, PushEnd, QuoteBatch
from common.messages.orders import (
    CancelOrder,
    Denied,
    EventRow,
    Events,
    Journalled,
    MatchedThrough,
    OrderFilled,
    SubmitOrder,
)
from common.messages.outputs import Message, Origin, Output, Request, Tell
from common.messages.topics import EVENT, FEED, MATCHED
from services.market_data.calls import PushRead
from services.market_data.core import PlayerCore
from services.market_data.settings import Settings as PlayerSettings
from services.order_gateway.adapters.paper import PaperBroker
from services.order_gateway.core import GatewayCore
from services.order_gateway.settings import Settings
from tests.builders import DAY, PREV_DAY, Quote, batch, day_opened, push_end, table
from tests.simulation.test_player import MemoryTape, NoBars
from tests.simulation.world import Node, World

SYMBOLS = {"600001.SH": 10.0, "600002.SH": 20.0, "300003.SZ": 30.0}
NEXT = 20260106
PUSHES = 40
CONSUMERS = ("order_gateway", "risk_manager")


class Trader:
    """In risk's place: trades by a fixed rule of book and values, keeps nothing on disk, reads everything again."""

    def __init__(self) -> None:
        self.feed = FeedReader("risk_manager")
        self.events = EventReader()
        self.ledger = Ledger()
        self.waiting: list[PushData] = []
        self.asking: set[str] = set()
        self.push: PushId = 0

    def restore(self, rows: Sequence[Message], kept: dict[str, Message]) -> None:
        assert not rows
        assert not kept

    def on_start(self, now_ns: int) -> Sequence[Output]:
        return [*self.feed.on_start(), *self.events.on_start()]

    def on_deadline(self, now_ns: int) -> Sequence[Output]:
        return []

    def next_deadline_ns(self) -> int | None:
        return None

    def on_message(self, message: Message, origin: Origin, now_ns: int) -> Sequence[Output]:
        outputs: list[Output] = []
        if isinstance(message, DayOpened | QuoteBatch | BarsClosed | PushEnd | FeedState):
            pushes, outputs = self.feed.on_message(message)
            for push in pushes:
                if not push.repeat:
                    self.waiting.append(push)
                elif push.push == self.push and not self.asking:
                    outputs += self._ack()
        elif isinstance(message, EventRow | MatchedThrough | Events):
            outputs = self.events.on_message(message)
        elif isinstance(message, Journalled | Denied) and origin.correlation_id in self.asking:
            self.asking.discard(origin.correlation_id)
            outputs = [] if self.asking else self._ack()
        return [*outputs, *self._evaluate()]

    def _ack(self) -> list[Output]:
        return [Tell("market_data", PushAck("risk_manager", self.push))]

    def _evaluate(self) -> list[Output]:
        outputs: list[Output] = []
        while self.waiting and not self.asking:
            rows = self.events.ready(self.waiting[0].push)
            if rows is None:
                break
            for row in rows:
                fold(self.ledger, row.event)
            data = self.waiting.pop(0)
            self.feed.apply(data)
            self.push = data.push
            asks = self._decide(data.end) if data.end.phase is Phase.CONTINUOUS else []
            self.asking = {ask.key for ask in asks}
            outputs += asks or self._ack()
        return outputs

    def _decide(self, end: PushEnd) -> list[Request]:
        assert self.feed.table is not None
        assert self.feed.instruments is not None
        asks: list[Message] = []
        for order in self.ledger.open_orders():
            if push_number(end.push) - push_number(order.push) >= 4:
                asks.append(CancelOrder(f"c|{end.push}|{order.coid}", order.coid, end.push, Reason.REPRICE))
        for row, symbol in enumerate(self.feed.instruments.symbols):
            last, turn = int(self.feed.table.last[row]), (push_number(end.push) + row) % 3
            holding = self.ledger.positions.get(symbol)
            if last == 0 or any(True for _ in self.ledger.open_orders(symbol)):
                continue
            if turn == 0:
                asks.append(self._order(end, symbol, Side.BUY, 500, last + 10 * (row - 1)))
            elif turn == 1 and holding is not None and holding.sellable:
                asks.append(self._order(end, symbol, Side.SELL, holding.sellable, last - 10 * (row - 1)))
            elif turn == 2 and push_number(end.push) % 7 == 0:
                asks.append(self._order(end, symbol, Side.BUY, 150, last))
        return [Request("order_gateway", ask.key, ask) for ask in asks]  # type: ignore[attr-defined]  # both have keys

    def _order(self, end: PushEnd, symbol: str, side: Side, shares: int, price: int) -> SubmitOrder:
        key = f"sim|{end.push}|{symbol}"
        coid = client_order_id(end.day, key)
        until = end.ts_ns + 6_000_000_000
        return SubmitOrder(coid, key, symbol, side, shares, price, end.push, end.ts_ns, until, "sim", Reason.STOP_LOSS)


def make_day(instruments: InstrumentTable, prev_day: int, seed: int) -> list[PushRead]:
    random = np.random.default_rng(seed)
    day = instruments.day
    pushes = [PushRead(push_end(day, 0, 9 * 3600, prev=0), day_opened(instruments, prev_day), (), PUSHES)]
    ticks = {symbol: round(close * 100) for symbol, close in zip(SYMBOLS, closes(instruments), strict=True)}
    volume = 1_000
    for number in range(1, PUSHES + 1):
        second = 15 * 3600 if number == PUSHES else 9 * 3600 + 1800 + 3 * number
        volume += int(random.integers(1, 900))
        quotes = {}
        for symbol in random.choice(list(SYMBOLS), 2, replace=False):
            ticks[symbol] += int(random.integers(-1, 2))
            last = ticks[symbol] / 100
            sizes = [int(size) * 100 for size in random.integers(1, 6, 4)]
            quotes[str(symbol)] = Quote(
                last, bid=[(last - 0.01, sizes[0]), (last - 0.02, sizes[1])],
                ask=[(last, sizes[2]), (last + 0.01, sizes[3])], volume=volume,
            )  # fmt: skip
        made = batch(instruments, push_id(day, number), second, quotes)
        pushes.append(PushRead(push_end(day, number, second, parts=1, prev=0), None, (made,), PUSHES))
    return pushes


def closes(instruments: InstrumentTable) -> list[float]:
    return [int(price) / 1000 for price in np.frombuffer(instruments.prev_close, "<i4")]


def days() -> list[list[PushRead]]:
    first = table(SYMBOLS)
    second = table(SYMBOLS, day=NEXT, references={"600002.SH": 18.0}, bonus_e6={"600002.SH": 100_000},
                   cash_e6={"600002.SH": 200_000}, profit_e6={"600002.SH": 50_000})  # fmt: skip
    return [make_day(first, PREV_DAY, 1), make_day(second, DAY, 2)]


DAYS = days()


def make_world(seed: int, pace: Pace = Pace.LOCKSTEP) -> World:
    world = World(seed)
    player = PlayerSettings(consumers=CONSUMERS, pace=pace, speed_milli=60_000)
    world.add(Node("market_data", lambda: (PlayerCore(player, lambda day: NoBars()), MemoryTape(DAYS, [])), {}))
    world.add(Node("order_gateway", lambda: (GatewayCore(Settings()), PaperBroker()), {"market_data": (FEED,)}))
    heard = {"market_data": (FEED,), "order_gateway": (EVENT, MATCHED)}
    world.add(Node("risk_manager", lambda: (Trader(), None), heard))
    return world


def finished(world: World) -> bool:
    player, gateway, trader = (world.nodes[name].core for name in ("market_data", *CONSUMERS))
    if player is None or not isinstance(gateway, GatewayCore) or not isinstance(trader, Trader):
        return False
    done = player.status()[1] == "finished"  # type: ignore[attr-defined]  # a PlayerCore
    return bool(done and trader.push == push_id(NEXT, PUSHES) and gateway.status()[2]["push"] == trader.push)


def undisturbed() -> World:
    world = make_world(0)
    world.start()
    world.run(lambda: finished(world))
    return world


UNDISTURBED = undisturbed()


def gateway_of(world: World) -> GatewayCore:
    core = world.nodes["order_gateway"].core
    assert isinstance(core, GatewayCore)
    return core


def test_the_trader_reads_the_same_books_from_the_events() -> None:
    trader = UNDISTURBED.nodes["risk_manager"].core
    assert isinstance(trader, Trader)
    assert trader.ledger == gateway_of(UNDISTURBED).books.ledger
    names = [type(row.event).__name__ for row in gateway_of(UNDISTURBED).books.rows]
    assert names.count("OrderFilled") >= 20
    assert min(names.count(kind) for kind in ("OrderCancelled", "IntentDenied", "OrderExpired", "CorporateAction")) >= 1
    deals = [row for row in gateway_of(UNDISTURBED).books.rows if isinstance(row.event, OrderFilled)]
    assert {row.stage for row in deals} == {0, 1}
    assert any(row.event.tax for row in deals if isinstance(row.event, OrderFilled)), "a sale after the ex-day is taxed"
    assert UNDISTURBED.nodes["order_gateway"].disk.commits < len(names), "events of one call share a commit"


@pytest.mark.parametrize("seed", range(25))
def test_kills_change_no_row(seed: int) -> None:
    world = make_world(seed)
    left = [world.random.randint(1, 40) for _ in range(6)]

    def die(name: str, outputs: Sequence[Output]) -> bool:
        if not left or not outputs:
            return False
        left[0] -= 1
        if left[0] > 0:
            return False
        left.pop(0)
        return True

    if seed % 2:
        world.before_commit = die
    else:
        world.after_commit = die
    world.start()
    world.run(lambda: finished(world))
    assert world.crashes == 6
    assert world.nodes["order_gateway"].disk.rows == UNDISTURBED.nodes["order_gateway"].disk.rows
    trader = world.nodes["risk_manager"].core
    assert isinstance(trader, Trader)
    assert trader.ledger == gateway_of(world).books.ledger
