"""What every broker must do, asked through the calls of the gateway's core. New brokers join `BROKERS`."""

from collections.abc import Callable, Iterable

import pytest

from common.domain.calendar import hms, phase_at, ts_of
from common.domain.ids import client_order_id, deal_id
from common.domain.reasons import Reason
from common.domain.values import Board, Phase, Side, push_id
from common.messages.orders import SubmitOrder
from common.messages.outputs import Message
from common.rules.matching import Book, Five
from services.order_gateway.adapters.paper import PaperBroker
from services.order_gateway.calls import (
    Accepted,
    AccountView,
    Cancel,
    Cancelled,
    CancelRefused,
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

DAY = 20260105
A = "600001.SH"


def five(values: Iterable[int]) -> Five:
    a, b, c, d, e = [*values, 0, 0, 0, 0, 0][:5]
    return a, b, c, d, e


def book(bids: dict[int, int], asks: dict[int, int], last: int = 10_000, traded: int = 0, volume: int = 0) -> Book:
    """Return a snapshot; `volume` is the day's so far: what an order took is shown again once as much has traded."""
    sides = five(bids), five(bids.values()), five(asks), five(asks.values())
    return Book(last, 11_000, 9_000, traded, *sides, day_volume=volume)


TWO_SIDED = book({9_990: 500}, {10_000: 300, 10_010: 400})


class PaperCounter:
    """The paper exchange."""

    def __init__(self) -> None:
        self._broker = PaperBroker()

    def perform(self, call: Message) -> tuple[Report, ...]:
        """Do it and return what was reported, in order."""
        results = self._broker.perform(call)
        assert all(isinstance(result, Reports) for result in results)
        return tuple(report for result in results for report in result.reports)  # type: ignore[attr-defined]


BROKERS: dict[str, Callable[[], PaperCounter]] = {"paper": PaperCounter}


@pytest.fixture(params=sorted(BROKERS))
def counter(request: pytest.FixtureRequest) -> PaperCounter:
    return BROKERS[request.param]()


def order(key: str, shares: int = 1_000, price: int = 10_000, side: Side = Side.BUY) -> SubmitOrder:
    ts = ts_of(DAY, hms("09:31"))
    return SubmitOrder(
        client_order_id(DAY, key), key, A, side, shares, price, push_id(DAY, 1), ts, ts + 1, "hand", Reason.HAND_OPEN
    )


def submit(of: SubmitOrder, at: str = "09:31", seen: Book = TWO_SIDED, cash: int = 10**9, sellable: int = 0) -> Submit:
    second = hms(at)
    need = of.shares * of.price + 5_000
    return Submit(
        of, push_id(DAY, 1), ts_of(DAY, second), DAY, Board.MAIN, phase_at(second),
        AccountView(cash, need if of.side == Side.BUY else 0, sellable), seen,
    )  # fmt: skip


def cancel(of: SubmitOrder, at: str = "09:32") -> Cancel:
    return Cancel("c", of.coid, A, push_id(DAY, 2), ts_of(DAY, hms(at)), DAY)


def match(seen: Book | None, at: str = "09:32", last_of_day: bool = False) -> MatchPush:
    books = ((A, seen),) if seen is not None else ()
    return MatchPush(push_id(DAY, 2), ts_of(DAY, hms(at)), books, last_of_day)


def test_accept_and_fill(counter: PaperCounter) -> None:
    good = order("k", shares=300)
    accepted, deal = counter.perform(submit(good))
    assert isinstance(accepted, Accepted)
    assert accepted.coid == good.coid
    assert accepted.broker_id
    assert deal == DealDone(good.coid, deal_id(good.coid, 1), 300, 10_000)


def test_partial_fills_never_exceed_the_order_and_have_their_own_ids(counter: PaperCounter) -> None:
    big = order("k", shares=1_000, price=10_010)
    deals = [report for report in counter.perform(submit(big)) if isinstance(report, DealDone)]
    assert [(deal.shares, deal.price) for deal in deals] == [(300, 10_000), (400, 10_010)]
    for others in (1_000, 2_000, 3_000):
        seen = book({}, {10_000: 200}, volume=others)
        deals += [r for r in counter.perform(match(seen)) if isinstance(r, DealDone)]
    assert [deal.shares for deal in deals] == [300, 400, 200, 100]
    assert {deal.price for deal in deals[2:]} == {10_010}, "what rests fills at its own limit"
    assert len({deal.deal_id for deal in deals}) == 4


def test_cancel_of_the_rest(counter: PaperCounter) -> None:
    resting = order("k")
    counter.perform(submit(resting))
    assert counter.perform(cancel(resting)) == (Cancelled(resting.coid, 700),)
    assert counter.perform(match(book({}, {10_000: 9_000}))) == ()


@pytest.mark.parametrize("at", ["09:20", "09:24:59", "14:57", "14:59:59", "15:00"])
def test_cancel_refused_by_phase(counter: PaperCounter, at: str) -> None:
    resting = order("k")
    counter.perform(submit(resting))
    assert counter.perform(cancel(resting, at)) == (CancelRefused("c", resting.coid, Reason.CANCEL_REFUSED_BY_PHASE),)
    assert counter.perform(cancel(resting, "14:56:59")) == (Cancelled(resting.coid, 700),)


def test_cancel_of_what_has_ended_or_never_was(counter: PaperCounter) -> None:
    filled = order("k", shares=300)
    counter.perform(submit(filled))
    for unknown in (filled, order("never")):
        (refused,) = counter.perform(cancel(unknown))
        assert refused == CancelRefused("c", unknown.coid, Reason.ORDER_ENDED)


REJECTS: list[tuple[str, Submit, Reason, dict[str, int]]] = [
    ("odd lot", submit(order("k", shares=150)), Reason.ODD_LOT, {"shares": 150}),
    ("insufficient cash", submit(order("k"), cash=10_004_999), Reason.INSUFFICIENT_CASH, {"free_cash": 10_004_999}),
    (
        "unsellable",
        submit(order("k", 200, 9_990, Side.SELL), sellable=100),
        Reason.INSUFFICIENT_SHARES,
        {"sellable": 100},
    ),
    ("odd sell", submit(order("k", 150, 9_990, Side.SELL), sellable=1_000), Reason.ODD_LOT, {"shares": 150}),
    ("above the band", submit(order("k", price=11_010)), Reason.OUTSIDE_BAND, {"up_limit": 11_000}),
    ("below the band", submit(order("k", price=8_990)), Reason.OUTSIDE_BAND, {"down_limit": 9_000}),
    ("off tick", submit(order("k", price=10_005)), Reason.OFF_TICK, {"price": 10_005}),
    ("too large", submit(order("k", shares=1_000_100), cash=10**12), Reason.ORDER_TOO_LARGE, {"shares": 1_000_100}),
    ("before the opening", submit(order("k"), at="09:26"), Reason.PHASE_CLOSED, {"phase": int(Phase.PRE_CONTINUOUS)}),
    ("in the closing auction", submit(order("k"), at="14:57"), Reason.PHASE_CLOSED, {}),
]


@pytest.mark.parametrize(
    ("call", "reason", "numbers"), [case[1:] for case in REJECTS], ids=[case[0] for case in REJECTS]
)
def test_rejects(counter: PaperCounter, call: Submit, reason: Reason, numbers: dict[str, int]) -> None:
    (rejected,) = counter.perform(call)
    assert isinstance(rejected, Rejected)
    assert (rejected.coid, rejected.reason) == (call.order.coid, reason)
    assert numbers.items() <= rejected.detail.items()
    assert counter.perform(match(book({10_000: 10**6}, {9_000: 10**6}, last=9_000, traded=10**6))) == ()


def test_day_end_expires_what_is_left_after_the_last_match(counter: PaperCounter) -> None:
    resting = order("k")
    counter.perform(submit(resting))
    reports = counter.perform(match(book({}, {10_000: 200}, volume=1_000), "15:00", last_of_day=True))
    assert reports == (
        DealDone(resting.coid, deal_id(resting.coid, 2), 200, 10_000),
        Expired(resting.coid, 500),
    )
    assert counter.perform(match(book({}, {10_000: 200}))) == ()


def test_the_better_price_and_then_the_older_order_is_served_first(counter: PaperCounter) -> None:
    low, high, later = order("low", 300, 9_990), order("high", 300, 10_000), order("later", 300, 10_000)
    nothing = book({9_980: 100}, {10_100: 100})
    for each in (low, high, later):
        counter.perform(submit(each, seen=nothing))
    deals = counter.perform(match(book({9_980: 100}, {9_990: 450})))
    assert [(deal.coid, deal.shares) for deal in deals if isinstance(deal, DealDone)] == [
        (high.coid, 300),
        (later.coid, 150),
    ]


def test_a_restored_broker_goes_on_where_the_journal_ends(counter: PaperCounter) -> None:
    resting = order("k")
    counter.perform(Restore((RestingOrder(resting.coid, A, Side.BUY, 10_000, 700, 1),)))
    assert counter.perform(match(book({}, {10_000: 200}))) == (
        DealDone(resting.coid, deal_id(resting.coid, 2), 200, 10_000),
    )
    counter.perform(Restore(()))
    assert counter.perform(match(book({}, {10_000: 200}))) == ()


def test_a_push_without_the_stock_changes_nothing(counter: PaperCounter) -> None:
    resting = order("k")
    counter.perform(submit(resting))
    assert counter.perform(match(None)) == ()


def test_sells_mirror_buys(counter: PaperCounter) -> None:
    sell = order("k", 1_000, 9_990, Side.SELL)
    reports = counter.perform(submit(sell, sellable=1_000))
    assert reports[1] == DealDone(sell.coid, deal_id(sell.coid, 1), 500, 9_990)
    assert counter.perform(match(book({9_980: 900}, {}, last=9_980))) == ()
    assert counter.perform(match(book({10_010: 200}, {}, volume=500))) == (
        DealDone(sell.coid, deal_id(sell.coid, 2), 200, 9_990),
    )


def test_an_unknown_call_is_a_programming_error(counter: PaperCounter) -> None:
    with pytest.raises(TypeError, match="Accepted"):
        counter.perform(Accepted("x", "y"))
