"""A gateway in real time behind a counter that says what a test wants it to say."""

from collections.abc import Sequence

from common.domain.positions import OrderRecord
from common.domain.values import Pace, Side
from common.messages.orders import (
    Journalled,
)
from common.messages.outputs import Message
from services.order_gateway.calls import (
    Cancel,
    CounterDeal,
    CounterOrder,
    CounterPosition,
    CounterState,
    CounterStatus,
    LinkUp,
    Query,
    Report,
    Reports,
    Submit,
)
from services.order_gateway.settings import Settings
from tests.builders import PREV_DAY, Quote, table
from tests.gateway_rig import SECOND_NS, Rig, Tape

DAY, NEXT = 20260105, 20260106
A, B = "600001.SH", "600002.SH"
CASH = 100_000_000
SETTLE_S = 10.0


class Nothing:
    """An adapter that keeps still: the tests say what the counter says."""

    answers_later = True

    def perform(self, call: Message) -> Sequence[Message]:
        return []


class Desk(Rig):
    """A gateway in real time, and a counter that says what the test wants."""

    def __init__(self, cash: int = CASH, park: bool = False, link: bool = True, **state: object) -> None:
        tape = Tape()
        tape.open(table({A: 10.0, B: 20.0}), PREV_DAY, pace=Pace.REAL_TIME)
        settings = Settings(cash=1, counter=True, settle_ns=int(SETTLE_S * SECOND_NS), query_ns=SECOND_NS, park=park)
        super().__init__(settings, tape, connect=Nothing)
        self.n, self.session, self.theirs = 0, 0, cash
        if link:
            self.up()
            self.state(**state)
        self.play()
        self.quote()

    def say(self, *reports: Report) -> None:
        for report in reports:
            self.report(Reports(0, 0, (report,)))

    def up(self) -> None:
        self.session += 1
        self.say(LinkUp(self.session))

    def state(
        self,
        orders: Sequence[CounterOrder] = (),
        deals: Sequence[CounterDeal] = (),
        positions: dict[str, int] | None = None,
        cash: int | None = None,
        complete: bool = True,
    ) -> None:
        """Answer the question that is open, or one asked now."""
        held = tuple(CounterPosition(symbol, n, 0, n * 10_000) for symbol, n in (positions or {}).items())
        asked = [call for call in self.calls if isinstance(call, Query)]
        at = asked[-1].asked_ns if asked else self.now_ns
        self.say(CounterState(at, complete, tuple(orders), tuple(deals), held, self.theirs if cash is None else cash))

    def ask_again(self, seconds: float, **state: object) -> None:
        """Let time pass until the desk has asked anew, then answer."""
        count = len(self.queries)
        self.wait(seconds)
        assert len(self.queries) > count, "nothing was asked"
        self.state(**state)  # type: ignore[arg-type]  # forwarded by name

    def quote(self) -> None:
        self.n += 1
        seen = {
            A: Quote(10.0, bid=[(9.99, 1000)], ask=[(10.0, 1000)]),
            B: Quote(20.0, bid=[(19.99, 10)], ask=[(20.0, 10)]),
        }
        self.tape.push(self.n, f"09:30:{3 * self.n:02d}", seen)
        self.play()

    @property
    def queries(self) -> list[Query]:
        return [call for call in self.calls if isinstance(call, Query)]

    @property
    def sent(self) -> list[Submit]:
        return [call for call in self.calls if isinstance(call, Submit)]

    @property
    def cancels(self) -> list[Cancel]:
        return [call for call in self.calls if isinstance(call, Cancel)]

    def place(self, key: str = "k", shares: int = 1_000, price: float = 9.99, side: Side = Side.BUY) -> OrderRecord:
        made = self.order(key, A, shares, price, side)
        answer = self.submit(made)
        assert isinstance(answer, Journalled), answer
        return self.ledger.order(made.coid)

    def shown(self, record: OrderRecord, status: CounterStatus, traded: int = 0, **changes: object) -> CounterOrder:
        fields: dict[str, object] = {
            "broker_id": "c1", "remark": record.coid, "day": DAY, "symbol": record.symbol, "side": record.side,
            "shares": record.shares, "price": record.price, "status": status, "traded": traded,
        }  # fmt: skip
        return CounterOrder(**(fields | changes))  # type: ignore[arg-type]  # forwarded by name

    def deal(self, record: OrderRecord, shares: int, number: str = "d1", **changes: object) -> CounterDeal:
        fields: dict[str, object] = {
            "deal_id": number, "broker_id": "c1", "remark": record.coid, "day": DAY, "symbol": record.symbol,
            "side": record.side, "shares": shares, "price": record.price,
        }  # fmt: skip
        return CounterDeal(**(fields | changes))  # type: ignore[arg-type]  # forwarded by name

    @property
    def words(self) -> dict[str, str]:
        return self.core.status()[3]

    @property
    def numbers(self) -> dict[str, int]:
        return self.core.status()[2]


def stranger(**changes: object) -> CounterOrder:
    fields: dict[str, object] = {
        "broker_id": "c8", "remark": "by hand", "day": DAY, "symbol": B, "side": 1, "shares": 500, "price": 20_000,
        "status": CounterStatus.WORKING,
    }  # fmt: skip
    return CounterOrder(**(fields | changes))  # type: ignore[arg-type]  # forwarded by name
