"""Parts of the risk manager by themselves: times of the market, the checks of a state, verdicts, questions, refusals."""

import pytest

from common.domain.calendar import NS, hms, ts_of
from common.domain.orders import Action, PriceKind
from common.domain.reasons import Reason
from common.domain.values import Pace, Phase, Side, TradingState, push_id
from common.messages.feed import FeedReader, PushData
from common.messages.kept import KeptVerdict
from common.messages.orders import (
    AccountOpened,
    Denied,
    EventRow,
    Journalled,
    OrderFilled,
    OrderSubmitted,
    SubmitOrder,
)
from common.messages.outputs import Drop, Forget, Log, Publish, Reply, Request, Save, Token
from common.messages.signals import Signal, SignalBatch, SignalVerdicts, Verdict, VerdictStatus
from services.risk_manager.exits import ExitDesk
from services.risk_manager.hand import HandDesk
from services.risk_manager.judge import Judge
from services.risk_manager.market import Market
from services.risk_manager.outbox import Outbox
from services.risk_manager.review import check_opening
from services.risk_manager.settings import Settings
from services.risk_manager.verdicts import VerdictBook
from tests.builders import DAY, day_opened, push_end, table

A = "600001.SH"
TOKEN = Token("ask", b"", "t")


def market_at(time: str, pace: Pace = Pace.LOCKSTEP, speed_milli: int = 0, interval_ms: int = 3000) -> Market:
    reader = FeedReader("risk_manager")
    day = day_opened(table({A: 10.0}), pace=pace, speed_milli=speed_milli, interval_ms=interval_ms)
    reader.apply(PushData(push_end(DAY, 0, hms("09:00"), prev=0), day))
    market = Market(reader, 6)
    market.end = push_end(DAY, 5, hms(time), prev=push_id(DAY, 4))
    return market


@pytest.mark.parametrize(
    ("speed_milli", "interval_ms", "data_s", "wall_s"),
    [(0, 3000, 6, 6), (1000, 3000, 6, 6), (1000, 15_000, 30, 30), (60_000, 3000, 360, 6), (500, 3000, 6, 12)],
)
def test_how_quiet_a_feed_may_be(speed_milli: int, interval_ms: int, data_s: int, wall_s: int) -> None:
    market = market_at("10:00", Pace.REAL_TIME, speed_milli, interval_ms)
    assert (market.stale_ns, market.stale_wall_ns) == (data_s * NS, wall_s * NS)


def test_the_age_of_a_decision_is_that_of_its_push_without_lunch() -> None:
    market = market_at("13:00:05")
    assert market.age_ns(market.push, ts_of(DAY, hms("09:30"))) == 0
    assert market.age_ns(market.push - 1, ts_of(DAY, hms("11:29:58"))) == 7 * NS
    assert market.age_ns(market.push - 1, ts_of(DAY, hms("13:00:01"))) == 4 * NS


def test_before_the_first_push_and_after_the_last_the_market_is_closed() -> None:
    assert Market(FeedReader("risk_manager"), 6).phase is Phase.CLOSED
    assert market_at("15:00").phase is Phase.CLOSED
    assert market_at("14:56:57").phase is Phase.CONTINUOUS


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (TradingState.ACTIVE, Reason.NONE),
        (TradingState.REDUCING, Reason.STATE_REDUCING),
        (TradingState.HALTED, Reason.STATE_HALTED),
    ],
)
def test_what_a_state_says_to_openings(state: TradingState, reason: Reason) -> None:
    assert check_opening(state) is reason


def signal(key: str) -> Signal:
    return Signal(key, "limit_up", A, 1, 0, Action.ENTER, 0, PriceKind.MARKETABLE, 0, Reason.LIMIT_UP_TOUCH, 0)


def verdict(key: str, status: VerdictStatus = VerdictStatus.APPROVED) -> Verdict:
    cause = Reason.LIMIT_UP_TOUCH
    return Verdict(key, status, symbol=A, rule="limit_up", action=1, cause=cause, push=push_id(DAY, 1))


def test_a_batch_is_answered_once_when_all_of_it_is_settled() -> None:
    book = VerdictBook()
    book.await_batch(SignalBatch("signals|1", 1, (signal("a"), signal("b"))), TOKEN)
    assert [type(output) for output in book.give(verdict("a"))] == [Save]
    assert book.flush(lambda key: False) == [Publish("verdict/", verdict("a"), "a")]
    book.give(verdict("b"))
    assert book.flush(lambda key: key == "b") == []
    answer = SignalVerdicts("signals|1", 1, (verdict("a"), verdict("b")))
    assert book.flush(lambda key: False) == [Publish("verdict/", verdict("b"), "b"), Reply(TOKEN, answer)]
    assert book.flush(lambda key: False) == []


def test_an_empty_batch_is_answered_too() -> None:
    book = VerdictBook()
    book.await_batch(SignalBatch("signals|1", 1, ()), TOKEN)
    assert book.flush(lambda key: True) == [Reply(TOKEN, SignalVerdicts("signals|1", 1, ()))]


def test_the_order_of_verdicts_comes_back_from_any_disk() -> None:
    book = VerdictBook()
    saved = [output for key in "zam" for output in book.give(verdict(key)) if isinstance(output, Save)]
    other = VerdictBook()
    other.restore({output.key: output.record for output in sorted(saved, key=lambda each: each.key)})
    assert [row.key for row in other.rows(DAY)] == ["z", "a", "m"]
    assert other.give(verdict("b"))[0] == Save("verdict/b", KeptVerdict(4, verdict("b")))


def submit(coid: str) -> SubmitOrder:
    return SubmitOrder(coid, f"key {coid}", A, Side.BUY, 100, 10_000, push_id(DAY, 5), 0, 0, "limit_up", Reason.NONE)


def test_questions_are_asked_one_by_one_and_in_order() -> None:
    outbox = Outbox(market_at("10:00"))
    outbox.submit(submit("1"))
    outbox.submit(submit("2"))
    assert [output.key for output in outbox.pump() if isinstance(output, Request)] == ["key 1"]
    assert outbox.pump() == []
    assert outbox.answered("key 1")
    assert [output.key for output in outbox.pump() if isinstance(output, Request)] == ["key 2"]
    assert not outbox.answered("key 1")
    assert not outbox.quiet
    record, outputs = outbox.denied("key 2")
    assert record is not None
    assert outputs == [Drop("order/2")]
    assert outbox.quiet


def test_the_order_of_sending_goes_on_after_a_restart() -> None:
    outbox = Outbox(market_at("10:00"))
    saved = [output for each in "ba" for output in outbox.submit(submit(each)) if isinstance(output, Save)]
    other = Outbox(market_at("10:00"))
    other.restore({output.key: output.record for output in sorted(saved, key=lambda each: each.key)})
    assert [output.key for output in other.on_start() if isinstance(output, Request)] == ["key b"]
    other.submit(submit("c"))
    assert [record.number for record in other.kept.values()] == [1, 2, 3]


def test_an_order_in_the_books_needs_no_answer() -> None:
    outbox = Outbox(market_at("10:00"))
    outbox.submit(submit("1"), need=1_005_000)
    outbox.submit(submit("2"), need=1_005_000)
    outbox.pump()
    events = (
        AccountOpened(10_000_000, "paper"), OrderSubmitted(submit("1"), 1_005_000), OrderSubmitted(submit("2"), 1_005_000),
        OrderFilled("1", "1-1", A, Side.BUY, 100, 10_000, 5_000, 0, "limit_up", Reason.NONE),
    )  # fmt: skip
    outputs = outbox.apply([EventRow(seq, 1, 0, event) for seq, event in enumerate(events, 1)])
    assert outputs == [Forget("key 1"), Drop("order/1"), Forget("key 2")]
    assert outbox.quiet
    assert list(outbox.kept) == ["2"]


def test_the_refusal_of_something_unknown_changes_nothing() -> None:
    market, book = market_at("10:00"), VerdictBook()
    outbox = Outbox(market)
    judge = Judge(market, outbox, ExitDesk(market, outbox, Settings()), book, HandDesk(book), Settings())
    assert [type(output) for output in judge.refused(Denied("x", Reason.NO_SUCH_ORDER))] == [Log]
    assert not outbox.answered(Journalled("x", "y").key)
