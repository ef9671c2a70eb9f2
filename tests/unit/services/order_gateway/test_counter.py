"""The gateway behind a counter that answers late, wrongly or not at all: what is journalled, sent, shown and refused.

size: one desk, one story after another over the same rig.
"""

from collections.abc import Sequence

import pytest

from common.domain.orders import OrderState
from common.domain.positions import OrderRecord, external_coid
from common.domain.reasons import Reason
from common.domain.values import Pace, Side
from common.messages.header import Role
from common.messages.orders import (
    AccountOpened,
    BooksCompared,
    CancelRequest,
    DayRolled,
    DealsCounted,
    Denied,
    ExternalOrderSeen,
    Journalled,
    OrderAccepted,
    OrderFilled,
    OrderInDoubt,
    OrderRejected,
    OrderResolved,
    OrderSentAgain,
    PositionFound,
    ResolveRequest,
    ToldDeal,
)
from common.messages.outputs import Message
from services.order_gateway.calls import (
    Accepted,
    Cancel,
    CancelRefused,
    CancelTaken,
    Connect,
    CounterDeal,
    CounterOrder,
    CounterPosition,
    CounterState,
    CounterStatus,
    LinkDown,
    LinkUp,
    Query,
    Report,
    Reports,
    Submit,
    Unanswered,
)
from services.order_gateway.reconcile import differences
from services.order_gateway.settings import Settings
from services.order_gateway.settling import Settling
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


# ---------------------------------------------------------------------- the beginning


def test_the_journal_begins_with_what_the_account_holds() -> None:
    old = CounterDeal("d0", "c0", "", DAY, B, 1, 100, 20_000)
    done = CounterOrder("c0", "", DAY, B, 1, 100, 20_000, CounterStatus.FILLED, 100)
    desk = Desk(link=False)
    assert [type(call) for call in desk.calls] == [Connect]
    desk.up()
    desk.state([done], [old], {B: 300}, cash=5_000_000)
    kinds = [type(row.event) for row in desk.rows]
    assert [kind for kind in kinds if kind is not DayRolled] == [
        AccountOpened,
        PositionFound,
        DealsCounted,
        ExternalOrderSeen,
    ]
    assert (desk.ledger.cash, desk.ledger.positions[B].shares, desk.ledger.positions[B].rule) == (
        5_000_000,
        300,
        "external",
    )
    desk.say(old)
    assert desk.ledger.positions[B].shares == 300, "it is in what the account held"


def test_nothing_is_sent_before_the_counters_books_were_read() -> None:
    desk = Desk()
    desk.say(LinkDown(1))
    answer = desk.submit(desk.order("b", A, 100, 9.99))
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.UNRECONCILED
    desk.up()
    assert not desk.sent
    desk.state()
    desk.place()
    assert len(desk.sent) == 1


def test_a_sell_is_taken_while_the_link_is_lost_and_goes_out_after_it() -> None:
    desk = Desk(positions={A: 1_000})
    desk.say(LinkDown(1))
    desk.place("s", 500, 10.0, Side.SELL)
    assert not desk.sent
    desk.up()
    assert not desk.sent
    desk.state(positions={A: 1_000})
    assert [call.order.shares for call in desk.sent] == [500]


def test_a_lost_link_gets_a_new_session() -> None:
    desk = Desk()
    connects = sum(isinstance(call, Connect) for call in desk.calls)
    desk.say(LinkDown(1))
    desk.wait(1.0)
    assert sum(isinstance(call, Connect) for call in desk.calls) == connects + 1
    desk.say(LinkUp(2))
    desk.say(LinkDown(1))
    assert desk.numbers["counter_up"] == 1, "the word of an old session"


# ---------------------------------------------------------------------- silence, absence, doubt


def test_silence_is_no_refusal() -> None:
    desk = Desk()
    order = desk.place()
    desk.say(Unanswered(order.coid))
    assert (order.state, order.frozen > 0) == (OrderState.SENDING, True)


def test_an_order_is_absent_after_two_answers_to_questions_asked_after_settle() -> None:
    desk = Desk()
    order = desk.place()
    for _ in range(9):
        desk.ask_again(1.0)
    assert len(desk.sent) == 1, "asked within settle: says nothing"
    desk.ask_again(1.0)
    desk.ask_again(1.0)
    assert len(desk.sent) == 1, "absent once"
    desk.ask_again(1.0)
    assert [call.order.coid for call in desk.sent] == [order.coid] * 2
    assert desk.events(OrderSentAgain) == [OrderSentAgain(order.coid, 2)]


def test_an_answer_of_none_is_not_an_empty_one() -> None:
    desk = Desk()
    order = desk.place()
    for _ in range(30):
        desk.ask_again(1.0, complete=False)
    assert (len(desk.sent), order.state) == (1, OrderState.SENDING)
    assert desk.numbers["answers_missing"] == 30


def test_an_order_found_by_a_query_is_adopted() -> None:
    desk = Desk()
    order = desk.place()
    desk.ask_again(1.0, orders=[desk.shown(order, CounterStatus.WORKING)])
    assert (order.state, order.broker_id) == (OrderState.WORKING, "c1")


def test_after_a_start_settle_begins_at_the_start() -> None:
    desk = Desk()
    desk.place()
    desk.wait(60)
    desk.boot()
    desk.up()
    desk.state()
    for _ in range(9):
        desk.ask_again(1.0)
    assert not desk.events(OrderSentAgain)


def test_an_order_whose_time_has_passed_is_not_sent_again() -> None:
    desk = Desk()
    order = desk.place()
    for _ in range(4):
        desk.quote()
    for _ in range(12):
        desk.ask_again(1.0)
    assert (len(desk.sent), order.state, order.ended) == (1, OrderState.REJECTED, Reason.EXPIRED)


def in_doubt(desk: Desk) -> OrderRecord:
    order = desk.place()
    for _ in range(13):
        desk.ask_again(1.0)
    assert order.state is OrderState.IN_DOUBT
    return order


def test_parked_orders_wait_for_a_person_and_are_shown() -> None:
    desk = Desk(park=True)
    order = in_doubt(desk)
    assert desk.events(OrderInDoubt) == [OrderInDoubt(order.coid)]
    assert "order in doubt" in desk.logged
    assert (desk.words["in_doubt"], desk.numbers["in_doubt"]) == (order.coid, 1)
    assert order.frozen > 0
    assert len(desk.sent) == 1


def test_an_order_in_doubt_that_shows_after_all_is_adopted() -> None:
    desk = Desk(park=True)
    order = in_doubt(desk)
    desk.say(desk.shown(order, CounterStatus.WORKING))
    assert order.state is OrderState.WORKING


def resolve(desk: Desk, order: OrderRecord, role: Role = Role.OPERATOR, **changes: object) -> Message | None:
    fields: dict[str, object] = {"key": "r", "coid": order.coid, "why": "asked the broker"}
    return desk.ask(ResolveRequest(**(fields | changes)), role)  # type: ignore[arg-type]  # forwarded by name


def test_a_person_says_that_it_never_arrived() -> None:
    desk = Desk(park=True)
    order = in_doubt(desk)
    assert resolve(desk, order) == Journalled("r", order.coid)
    assert desk.events(OrderResolved) == [OrderResolved("r", order.coid, "", "tester", "asked the broker")]
    assert (order.state, order.ended, desk.ledger.frozen_cash) == (OrderState.REJECTED, Reason.RESOLVED_ABSENT, 0)
    assert resolve(desk, order) == Journalled("r", order.coid), "asked again under its key"
    assert len(desk.events(OrderResolved)) == 1
    answer = resolve(desk, order, broker_id="c9")
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.KEY_CONFLICT


def test_a_person_names_the_order_that_the_counter_shows_without_a_remark() -> None:
    desk = Desk(park=True)
    order = in_doubt(desk)
    stranger = desk.shown(order, CounterStatus.WORKING, 400, remark="", broker_id="c7")
    desk.say(stranger, desk.deal(order, 400, remark="", broker_id="c7"))
    assert desk.ledger.positions[A].shares == 400
    assert resolve(desk, order, broker_id="c7") == Journalled("r", order.coid)
    assert (order.state, order.filled, order.broker_id) == (OrderState.PARTIAL, 400, "c7")
    assert desk.ledger.positions[A].rule == order.rule
    assert desk.ledger.frozen_cash == order.frozen
    desk.say(desk.deal(order, 600, "d2", remark="", broker_id="c7"))
    assert (order.state, desk.ledger.positions[A].shares, desk.ledger.frozen_cash) == (OrderState.FILLED, 1_000, 0)
    assert not desk.ledger.orders[external_coid(DAY, "c7")].open


def test_a_person_reads_deals_from_the_statement() -> None:
    desk = Desk(park=True)
    order = in_doubt(desk)
    told = (ToldDeal("d5", 300, 9_980),)
    assert resolve(desk, order, broker_id="c5", deals=told) == Journalled("r", order.coid)
    assert (order.state, order.filled, order.left) == (OrderState.CANCELLED, 300, 700)
    assert (desk.ledger.positions[A].shares, desk.ledger.frozen_cash) == (300, 0)
    desk.say(desk.deal(order, 300, "d5", broker_id="c5", price=9_980))
    assert desk.ledger.positions[A].shares == 300, "told by the counter later: the same deal"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"why": " "}, Reason.WHY_MISSING),
        ({"deals": (ToldDeal("d", 100, 9_990),)}, Reason.BAD_QUANTITY),
        ({"broker_id": "c5", "deals": (ToldDeal("d", 1_100, 9_990),)}, Reason.BAD_QUANTITY),
        ({"broker_id": "c5", "deals": (ToldDeal("d", 0, 9_990),)}, Reason.BAD_QUANTITY),
        ({"role": Role.WEB}, Reason.NOT_ALLOWED),
        ({"role": Role.RISK}, Reason.NOT_ALLOWED),
        ({"coid": "260105NOBODY00000000"}, Reason.NO_SUCH_ORDER),
    ],
)
def test_what_cannot_be_resolved_is_refused(changes: dict[str, object], reason: Reason) -> None:
    desk = Desk(park=True)
    order = in_doubt(desk)
    rows = list(desk.rows)
    answer = resolve(desk, order, **changes)  # type: ignore[arg-type]  # forwarded by name
    assert isinstance(answer, Denied)
    assert answer.reason is reason
    assert (desk.rows, order.state) == (rows, OrderState.IN_DOUBT)


def test_only_what_is_in_doubt_is_resolved() -> None:
    desk = Desk()
    order = desk.place()
    answer = resolve(desk, order)
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.NOT_IN_DOUBT


# ---------------------------------------------------------------------- deals


def test_a_deal_before_its_order_is_known_waits_for_it() -> None:
    desk = Desk()
    order = desk.place()
    desk.say(desk.deal(order, 400, remark=""))
    assert (desk.numbers["deals_parked"], order.filled) == (1, 0)
    desk.say(Accepted(order.coid, "c1"))
    assert (desk.numbers["deals_parked"], order.filled, order.state) == (0, 400, OrderState.PARTIAL)


def test_a_deal_is_matched_by_its_cut_remark_and_booked_once() -> None:
    desk = Desk()
    order = desk.place()
    deal = desk.deal(order, 400, remark=order.coid[:12])
    desk.say(deal, deal)
    desk.boot()
    desk.up()
    desk.say(deal)
    assert (order.filled, len(desk.events(OrderFilled))) == (400, 1)
    assert desk.events(OrderAccepted) == [OrderAccepted(order.coid, "c1")]


def test_the_same_number_on_another_day_is_another_deal() -> None:
    desk = Desk()
    order = desk.place()
    deal = desk.deal(order, 400)
    assert desk.core._broker.deal_key(deal) != desk.core._broker.deal_key(desk.deal(order, 400, day=NEXT))  # type: ignore[attr-defined]  # the counter's desk


def test_a_status_moves_no_shares_and_ends_nothing_before_the_deals() -> None:
    desk = Desk()
    order = desk.place()
    desk.say(desk.shown(order, CounterStatus.CANCELLED, 300))
    assert (order.state, order.filled) == (OrderState.WORKING, 0)
    desk.say(desk.deal(order, 300))
    assert (order.state, order.filled, order.ended) == (OrderState.CANCELLED, 300, Reason.ENDED_AT_BROKER)


def test_a_late_fill_is_booked_and_told() -> None:
    desk = Desk()
    order = desk.place()
    desk.say(desk.shown(order, CounterStatus.CANCELLED), desk.deal(order, 200))
    assert (order.state, order.filled, desk.ledger.positions[A].shares) == (OrderState.CANCELLED, 200, 200)
    assert "late fill after the order ended" in desk.logged


@pytest.mark.parametrize("changes", [{"shares": 1_100}, {"price": 10_000}, {"symbol": B}, {"side": 2}, {"shares": 0}])
def test_a_deal_that_cannot_be_is_told_and_not_booked(changes: dict[str, object]) -> None:
    desk = Desk()
    order = desk.place()
    desk.say(Accepted(order.coid, "c1"))
    shares = changes.get("shares", 100)
    assert isinstance(shares, int)
    desk.say(desk.deal(order, shares, **{name: each for name, each in changes.items() if name != "shares"}))
    assert (order.filled, desk.ledger.positions) == (0, {})
    assert "a deal that cannot be" in desk.logged


# ---------------------------------------------------------------------- cancels


def test_an_accepted_request_is_no_cancel_and_a_lost_one_is_sent_again() -> None:
    desk = Desk()
    order = desk.place()
    assert desk.ask(CancelRequest("c", order.coid)) == Journalled("c", order.coid)
    assert not desk.cancels, "the counter's number is not known yet"
    desk.say(Accepted(order.coid, "c1"))
    assert [call.broker_id for call in desk.cancels] == ["c1"]
    desk.say(CancelTaken(order.coid))
    assert order.state is OrderState.WORKING
    shown = desk.shown(order, CounterStatus.WORKING)
    for _ in range(11):
        desk.ask_again(1.0, orders=[shown])
    assert len(desk.cancels) == 2
    desk.say(desk.shown(order, CounterStatus.CANCELLED))
    assert (order.state, order.ended) == (OrderState.CANCELLED, Reason.HAND_CANCEL)


def test_a_refused_cancel_leaves_the_order() -> None:
    desk = Desk()
    order = desk.place()
    desk.say(Accepted(order.coid, "c1"))
    desk.ask(CancelRequest("c", order.coid))
    desk.say(CancelRefused("", order.coid, Reason.ORDER_ENDED))
    assert order.state is OrderState.WORKING
    assert not desk.core.books.unanswered_cancels()


# ---------------------------------------------------------------------- others, and books that differ


def stranger(**changes: object) -> CounterOrder:
    fields: dict[str, object] = {
        "broker_id": "c8", "remark": "by hand", "day": DAY, "symbol": B, "side": 1, "shares": 500, "price": 20_000,
        "status": CounterStatus.WORKING,
    }  # fmt: skip
    return CounterOrder(**(fields | changes))  # type: ignore[arg-type]  # forwarded by name


def test_an_external_order_is_adopted_booked_and_never_touched() -> None:
    desk = Desk()
    seen = stranger()
    desk.say(seen, CounterDeal("d8", "c8", "by hand", DAY, B, 1, 200, 20_000), seen)
    coid = external_coid(DAY, "c8")
    (row,) = desk.events(ExternalOrderSeen)
    assert isinstance(row, ExternalOrderSeen)
    assert (row.coid, row.remark) == (coid, "by hand")
    assert (desk.ledger.positions[B].shares, desk.ledger.positions[B].rule) == (200, "external")
    assert desk.ledger.cash == CASH - 200 * 20_000 - 5_040
    answer = desk.ask(CancelRequest("c", coid))
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.EXTERNAL
    assert not desk.cancels
    desk.say(stranger(status=CounterStatus.CANCELLED, traded=200))
    assert desk.ledger.order(coid).state is OrderState.CANCELLED


def test_an_order_of_ours_that_is_twice_at_the_counter_is_told() -> None:
    desk = Desk()
    order = desk.place()
    desk.say(desk.shown(order, CounterStatus.WORKING), desk.shown(order, CounterStatus.WORKING, broker_id="c2"))
    assert "the counter has an order of ours twice" in desk.logged
    assert desk.ledger.order(external_coid(DAY, "c2")).open


def test_the_replay_of_an_old_day_is_no_news() -> None:
    desk = Desk()
    old = stranger(day=20251231)
    desk.say(old, CounterDeal("d8", "c8", "by hand", 20251231, B, 1, 200, 20_000))
    assert not desk.events(ExternalOrderSeen)
    assert (desk.ledger.positions, desk.numbers["deals_parked"], desk.numbers["old_days"]) == ({}, 0, 2)


def test_books_that_differ_stop_buys_and_nothing_else_and_clear_themselves() -> None:
    desk = Desk(positions={A: 1_000})
    desk.ask_again(30, positions={A: 900})
    desk.ask_again(1.0, positions={A: 900})
    assert desk.events(BooksCompared) == [BooksCompared(False, {A: -100})]
    assert desk.words["books_differ"] == f"{A} -100"
    assert "books and counter differ" in desk.logged
    answer = desk.submit(desk.order("b", A, 100, 9.99))
    assert isinstance(answer, Denied)
    assert (answer.reason, answer.detail) == (Reason.UNRECONCILED, {A: -100})
    order = desk.place("s", 500, 10.0, Side.SELL)
    assert len(desk.sent) == 1
    desk.say(Accepted(order.coid, "c1"))
    desk.ask(CancelRequest("c", order.coid))
    assert len(desk.cancels) == 1
    desk.ask_again(1.0, orders=[desk.shown(order, CounterStatus.WORKING)], positions={A: 1_000})
    assert desk.events(BooksCompared)[-1] == BooksCompared(True)
    assert not desk.core._broker.blocked
    assert desk.ledger.positions[A].shares == 1_000, "never an invented fill"


def test_one_difference_alone_is_not_told() -> None:
    desk = Desk()
    desk.ask_again(30, cash=CASH - 1)
    desk.ask_again(1.0)
    assert not desk.events(BooksCompared)


def test_an_answer_older_than_our_deals_is_not_compared() -> None:
    desk = Desk()
    order = desk.place()
    desk.say(desk.deal(order, 1_000))
    shown = desk.shown(order, CounterStatus.WORKING)
    for _ in range(3):
        desk.ask_again(30, orders=[shown])
    assert not desk.events(BooksCompared)


def test_an_order_that_vanishes_is_a_difference() -> None:
    desk = Desk()
    order = desk.place()
    desk.say(Accepted(order.coid, "c1"))
    desk.ask_again(30)
    desk.ask_again(1.0)
    assert desk.events(BooksCompared) == [BooksCompared(False, {order.coid: -1_000})]
    assert order.state is OrderState.WORKING


# ---------------------------------------------------------------------- the parts


def test_each_answer_counts_once() -> None:
    settling = Settling(10)
    settling.sent("a", 100)
    assert settling.unseen(110) == []
    assert settling.unseen(111) == []
    assert settling.unseen(111) == [], "the same answer"
    assert settling.unseen(112) == ["a"]
    settling.answered("a")
    assert settling.unseen(200) == []
    settling.sent("a", 300)
    assert settling.unseen(310) == []


def test_differences_are_the_counters_less_ours() -> None:
    desk = Desk(positions={A: 1_000})
    state = CounterState(0, True, (), (), (CounterPosition(A, 700, 0, 0), CounterPosition(B, 100, 0, 0)), CASH + 7)
    assert differences(desk.ledger, state, {}, 0) == {A: -300, B: 100, "cash": 7}
    assert differences(desk.ledger, state, {}, 7) == {A: -300, B: 100}


def test_a_rejected_order_says_why() -> None:
    desk = Desk()
    order = desk.place()
    desk.say(desk.shown(order, CounterStatus.REJECTED))
    assert desk.events(OrderRejected) == [OrderRejected(order.coid, Reason.BROKER_REJECTED)]
