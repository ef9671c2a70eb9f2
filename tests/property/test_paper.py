"""The paper broker over random days: restarts change nothing, books of any kind never crash it nor fill at nonsense."""

from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from common.domain.calendar import hms, ts_of
from common.domain.ids import client_order_id
from common.domain.reasons import Reason
from common.domain.values import Board, Phase, Side, push_id
from common.messages.codec import decode_body, encode_body
from common.messages.kept import QueuePlaces
from common.messages.orders import SubmitOrder
from common.rules.book import Book, check_book, usable
from common.rules.matching import FillVerdict
from services.order_gateway.adapters.paper import PaperBroker, PaperSettings
from services.order_gateway.calls import (
    AccountView,
    Cancel,
    Cancelled,
    DealDone,
    Expired,
    MatchPush,
    Rejected,
    Report,
    Reports,
    RestingOrder,
    Restore,
    Submit,
)
from tests.builders import DAY, DOWN, UP
from tests.property.test_matching import books, good_books

SYMBOLS = ("600001.SH", "600002.SH")


class Sent(NamedTuple):
    """An order of the plan."""

    symbol: str
    side: int
    shares: int
    limit: int


class Step(NamedTuple):
    """One push: the snapshots it brings, what is sent and cancelled in it, and whether the broker is killed after it."""

    books: tuple[tuple[str, Book], ...]
    orders: tuple[Sent, ...]
    cancel: int
    kill: bool


@st.composite
def steps(draw: st.DrawFn, wild: bool) -> list[Step]:
    made: list[Step] = []
    volume = dict.fromkeys(SYMBOLS, 0)
    for _ in range(draw(st.integers(3, 12))):
        seen: list[tuple[str, Book]] = []
        for symbol in SYMBOLS:
            if draw(st.integers(0, 3)):
                book = draw(books() if wild and draw(st.integers(0, 2)) == 0 else good_books())
                volume[symbol] += max(0, book.traded)
                seen.append((symbol, book._replace(day_volume=volume[symbol])))
        orders = tuple(
            Sent(
                draw(st.sampled_from(SYMBOLS)), draw(st.sampled_from([1, 2])), draw(st.integers(1, 30)) * 100,
                draw(st.integers(1_088, 1_100)) * 10,
            )
            for _ in range(draw(st.integers(0, 2)))
        )  # fmt: skip
        made.append(Step(tuple(seen), orders, draw(st.integers(-1, 5)), draw(st.booleans())))
    return made


class Counter:
    """What the gateway remembers of its orders, and the broker it can kill."""

    def __init__(self, paper: PaperSettings, kills: bool) -> None:
        self.paper, self.kills = paper, kills
        self.broker = PaperBroker(paper)
        self.left: dict[str, RestingOrder] = {}
        self.queue = QueuePlaces(0, ())
        self.last: dict[str, Book] = {}
        self.told: list[Report] = []

    def take(self, answers: Sequence[object]) -> None:
        (reports,) = answers
        assert isinstance(reports, Reports)
        for report in reports.reports:
            if isinstance(report, DealDone):
                order = self.left[report.coid]
                self.left[report.coid] = order._replace(left=order.left - report.shares, deals=order.deals + 1)
            if isinstance(report, Cancelled | Expired | Rejected):
                del self.left[report.coid]
        self.left = {coid: order for coid, order in self.left.items() if order.left}
        self.told += reports.reports
        if reports.queue is not None:
            kept = decode_body(encode_body(reports.queue))
            assert isinstance(kept, QueuePlaces)
            self.queue = kept

    def restart(self) -> None:
        places = {place.coid: place for place in self.queue.places}
        resting = tuple(
            order._replace(ahead=places[coid].ahead, shown=places[coid].shown) for coid, order in self.left.items()
        )
        self.broker = PaperBroker(self.paper)
        self.broker.perform(Restore(resting, self.queue.taken, self.queue.doubted))

    def submit(self, number: int, sent: Sent, push: int) -> None:
        key = f"{push}|{number}"
        ts = ts_of(DAY, hms("10:00"))
        order = SubmitOrder(
            client_order_id(DAY, key), key, sent.symbol, sent.side, sent.shares, sent.limit, push, ts, ts, "hand",
            Reason.HAND_OPEN,
        )  # fmt: skip
        self.left[order.coid] = RestingOrder(order.coid, sent.symbol, sent.side, sent.limit, sent.shares, 0)
        view = AccountView(10**12, 1, sent.shares)
        book = self.last[sent.symbol]._replace(traded=0, turnover=0)
        self.take(self.broker.perform(Submit(order, push, ts, DAY, Board.MAIN, Phase.CONTINUOUS, view, book)))

    def play(self, plan: Sequence[Step]) -> None:
        for number, step in enumerate(plan, 1):
            push = push_id(DAY, number)
            self.last |= dict(step.books)
            open_in = {order.symbol for order in self.left.values()}
            seen = tuple((symbol, book) for symbol, book in step.books if symbol in open_in)
            last = number == len(plan)
            self.take(self.broker.perform(MatchPush(push, ts_of(DAY, hms("10:00")), seen, last)))
            if self.kills and step.kill:
                self.restart()
            for place, sent in enumerate(() if last else step.orders):
                if sent.symbol in self.last:
                    self.submit(place, sent, push)
            if not last and 0 <= step.cancel < len(self.left):
                coid = list(self.left)[step.cancel]
                call = Cancel("c", coid, self.left[coid].symbol, push, ts_of(DAY, hms("10:00")), DAY)
                self.take(self.broker.perform(call))
            if self.kills and step.kill:
                self.restart()


papers = st.builds(PaperSettings, st.sampled_from(list(FillVerdict)), st.sampled_from([0, 5_000]), st.just(10_000))


@settings(max_examples=150)
@given(steps(wild=True), papers)
def test_restarts_change_no_report(plan: list[Step], paper: PaperSettings) -> None:
    smooth, killed = Counter(paper, kills=False), Counter(paper, kills=True)
    smooth.play(plan)
    killed.play(plan)
    assert killed.told == smooth.told


@settings(max_examples=150)
@given(steps(wild=True), papers)
def test_whatever_is_shown_no_deal_is_at_a_nonsense_price(plan: list[Step], paper: PaperSettings) -> None:
    counter = Counter(paper, kills=False)
    counter.play(plan)
    for report in counter.told:
        if isinstance(report, DealDone):
            assert report.shares > 0
            assert report.price % 10 == 0
            assert DOWN <= report.price <= UP
    assert counter.left == {}, "the day's end leaves nothing open"


@settings(max_examples=100)
@given(steps(wild=False), papers, st.sampled_from(SYMBOLS), st.sampled_from([Side.BUY, Side.SELL]))
def test_all_our_orders_of_a_side_never_get_more_than_the_day_offered(
    plan: list[Step], paper: PaperSettings, symbol: str, side: Side
) -> None:
    counter = Counter(paper, kills=False)
    counter.play(plan)
    coids = {
        client_order_id(DAY, f"{push_id(DAY, number)}|{place}")
        for number, step in enumerate(plan, 1)
        for place, sent in enumerate(step.orders)
        if (sent.symbol, sent.side) == (symbol, side)
    }
    got = sum(report.shares for report in counter.told if isinstance(report, DealDone) and report.coid in coids)
    seen = [book for step in plan for name, book in step.books if name == symbol]
    assert all(usable(check_book(book)) for book in seen)
    shown = sum(sum(book.ask_volume if side == Side.BUY else book.bid_volume) for book in seen)
    assert got <= shown + sum(book.traded for book in seen)
