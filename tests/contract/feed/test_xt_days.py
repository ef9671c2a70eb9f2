"""Days of the live feed: how they open and close, and what a restart finds."""

import pytest

from common.domain.calendar import hms, ts_of
from common.domain.errors import TapeError
from common.domain.values import Phase
from common.messages.control import HandOrderPlaced, RecordHandOrder
from common.messages.market import HandOrder
from common.messages.outputs import Origin, Reply, Token
from services.market_data.adapters import xt as xt_module
from tests.builders import DAY, PREV_DAY
from tests.contract.feed.live import A, begun, numbers, tick_at, values
from tests.contract.feed.sources import CLOSES, Moment, Xt, quote
from tests.fakes.xtquant.quotes import vendor_detail, vendor_tick
from tests.fakes.xtquant.terminal import Switches


def test_quotes_of_the_session_before_open_nothing_and_end_up_nowhere(xt: Xt) -> None:
    rig = begun(xt)
    xt.at("09:16:00")
    rig.turn()
    assert (values(rig).time_ms == 0).all()


def test_a_snapshot_that_comes_after_the_opening_settles_the_units_before_the_auction(xt: Xt) -> None:
    late = dict(xt.terminal.ticks)
    for symbol in CLOSES:  # what the subscription brings has no trades in it
        xt.terminal.ticks[symbol] = xt.terminal.ticks[symbol] | {"volume": 0, "pvolume": 0, "amount": 0.0}
    rig = begun(xt)
    xt.at("09:10:00")
    xt.terminal.push(late)
    rig.turn()
    assert [line.event for line in rig.logs].count("volume units settled") == 4
    xt.push(rig, Moment(hms("09:20:00"), {A: quote(A, 1, 0)}))
    assert rig.heard[-1].end.phase is Phase.OPEN_AUCTION
    assert rig.heard[-1].end.parts == 1


def test_a_start_in_the_middle_of_the_day_begins_after_a_gap(xt: Xt) -> None:
    for symbol in CLOSES:
        xt.terminal.ticks[symbol] = vendor_tick(
            symbol, quote(symbol, 2, 300_000), DAY, hms("10:14:58"), xt.terminal.switches
        )
    xt.at("10:15:00")
    rig = xt.rig()
    rig.turn()
    xt.at("10:15:02")
    rig.turn_until(lambda: len(rig.heard) > 1, "the first push")
    assert [push.end.gap for push in rig.heard[:2]] == [False, True]
    assert (values(rig).time_ms == hms("10:14:58") * 1000).all(), "the snapshot of the subscription"


def test_details_that_are_not_of_today_are_waited_for_and_then_differ(xt: Xt) -> None:
    for symbol, close in CLOSES.items():
        xt.terminal.instruments[symbol] = vendor_detail(symbol, round(close * 990) // 10 * 10, PREV_DAY)
    rig = xt.rig()
    xt.at("09:01:00")
    rig.turn_until(lambda: "not of today" in xt.word(rig), "stale details")
    assert not rig.heard
    for symbol, close in CLOSES.items():
        xt.terminal.instruments[symbol] = vendor_detail(symbol, round(close * 1000), DAY)
    xt.terminal.instruments[A] |= {"UpStopPrice": 10.5, "DownStopPrice": 9.5}
    xt.at("09:02:00")
    rig.turn_until(lambda: bool(rig.heard), "fresh details")
    instruments = rig.reader.instruments
    assert instruments is not None
    odd = {symbol for at, symbol in enumerate(instruments.symbols)
           if instruments.up_limit[at] != instruments.feed_up_limit[at]}  # fmt: skip
    assert {symbol for symbol in odd if symbol[:2] not in ("68", "92")} == {A}
    assert odd >= {symbol for symbol in CLOSES if symbol[:2] in ("68", "92")}, "the fake tells 10 % for every board"


def test_a_day_whose_details_never_come_right_is_opened_late(xt: Xt) -> None:
    for symbol, close in CLOSES.items():
        xt.terminal.instruments[symbol] = vendor_detail(symbol, round(close * 1000), PREV_DAY)
    rig = xt.rig()
    xt.at("09:13:50")
    rig.turn_until(lambda: "not of today" in xt.word(rig), "stale details")
    xt.at("09:14:01")
    rig.turn_until(lambda: bool(rig.heard), "the day opens all the same")


def test_without_the_facts_of_history_no_day_is_opened(xt: Xt) -> None:
    whole, xt.facts = xt.facts, xt.facts.__class__(DAY, PREV_DAY, fault="no daily bars of 20251231")
    rig = xt.rig()
    xt.at("09:01:00")
    rig.turn_until(lambda: "no daily bars" in xt.word(rig), "the fault")
    assert not rig.heard
    xt.facts = whole
    xt.at("09:02:00")
    rig.turn_until(lambda: bool(rig.heard), "the day opens")


def test_a_recording_cut_in_its_last_frame_is_gone_on_with(xt: Xt) -> None:
    rig = xt.rig()
    xt.play(rig, until=9)
    tape = xt.folder / f"{DAY}.tape"
    tape.write_bytes(tape.read_bytes()[:-3])
    last = rig.last_push
    rig.start()
    rig.turn_until(lambda: numbers(rig).get("links") == 1 and xt.word(rig) == "live", "the new link")
    xt.play(rig)
    assert [push.push for push in rig.heard] == list(range(rig.heard[0].push, rig.heard[-1].push + 1))
    assert next(push for push in rig.heard if push.push > last).end.gap
    rig.start()
    rig.turn()


def test_a_restart_whose_recording_is_gone_says_so(xt: Xt) -> None:
    rig = xt.rig()
    xt.play(rig, until=3)
    (xt.folder / f"{DAY}.tape").unlink()
    with pytest.raises(TapeError, match="move the run away"):
        rig.start()


def test_the_day_s_last_push_waits_for_the_results_of_the_closing_auction(xt: Xt) -> None:
    rig = begun(xt)
    tick_at(xt, rig, "14:58:00")
    xt.push(rig, Moment(hms("15:00:00"), {A: quote(A, 5, 900_000)}))
    assert not rig.heard[-1].end.last_of_day
    xt.at("15:00:40")
    late = {"000001.SZ": vendor_tick("000001.SZ", quote("000001.SZ", 6, 950_000), DAY, hms("15:00:03"), Switches())}
    xt.terminal.push(late)
    rig.turn()
    assert not rig.heard[-1].end.last_of_day
    xt.at("15:01:31")
    rig.turn()
    last = rig.heard[-1]
    assert last.end.last_of_day
    assert sum(batch.count for batch in last.batches) == 2
    xt.terminal.push(late)
    xt.at("15:02:00")
    rig.turn()
    assert rig.heard[-1] is last


TOMORROW = 20260106


def test_the_day_after_is_opened_over_a_new_link_and_none_is_held_at_night(xt: Xt) -> None:
    rig = xt.rig()
    xt.play(rig)
    rig.turn_until(lambda: not any(each.alive for each in xt.terminal.connections), "the link is closed")
    assert xt.word(rig) == "waiting for a trading day"
    closed = rig.last_push
    next_day(xt)
    rig.turn_until(lambda: rig.last_push > closed, "the next day opens")
    assert (rig.heard[-1].end.day, rig.heard[-1].end.prev) == (TOMORROW, closed)
    assert rig.heard[-1].day is not None
    assert rig.heard[-1].day.prev_day == DAY


def test_a_day_that_was_slept_through_is_ended_before_the_next_one_opens(xt: Xt) -> None:
    rig = begun(xt)
    tick_at(xt, rig, "14:00:00")
    next_day(xt)
    rig.turn_until(lambda: rig.heard[-1].end.day == TOMORROW, "the next day opens")
    assert [(push.end.day, push.end.last_of_day) for push in rig.heard[-2:]] == [(DAY, True), (TOMORROW, False)]
    assert rig.heard[-2].end.phase is Phase.CLOSED


def next_day(xt: Xt) -> None:
    """Turn to the morning after, with details and facts of that day."""
    xt.facts = xt.facts.__class__(TOMORROW, DAY, xt.facts.closes)
    for symbol, close in CLOSES.items():
        xt.terminal.instruments[symbol] = vendor_detail(symbol, round(close * 1000), TOMORROW)
    xt.clock.at_ns = ts_of(TOMORROW, hms("09:00:10"))


def test_a_hand_order_enters_with_the_next_push(xt: Xt) -> None:
    rig = begun(xt)
    order = HandOrder("k", 1, A, 100, 0)

    def place() -> int:
        origin = Origin("cli", token=Token("ask", b"", "c"))
        replies = [o for o in rig.core.on_message(RecordHandOrder(order), origin, 0) if isinstance(o, Reply)]
        assert isinstance(replies[0].message, HandOrderPlaced)
        return replies[0].message.push

    tick_at(xt, rig, "09:30:03")
    push = place()
    assert push == rig.last_push + 1
    assert place() == push
    tick_at(xt, rig, "09:30:06")
    assert (rig.heard[-1].push, rig.heard[-1].end.hand) == (push, (order,))


def test_numbers_of_a_day_last_for_a_day() -> None:
    session_s = (hms("15:00") - hms("13:00")) + (hms("11:30") - hms("09:15"))
    assert session_s * 1_000_000_000 / xt_module.PUSH_EVERY_NS < 100_000
