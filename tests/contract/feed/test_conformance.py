"""What every source of quotes keeps to, whatever its pushes come from."""

import numpy as np

from common.domain.calendar import S0930, S1457, second_of_day
from common.domain.values import Phase, push_id, push_number
from common.messages.columns import quotes_of
from common.messages.market import QUOTES_PER_BATCH_MAX, BarsClosed, DayOpened, PushEnd, QuoteBatch
from tests.contract.feed.rig import Rig
from tests.contract.feed.sources import GAP_AT, Replay, Xt

Feed = Replay | Xt


def played(feed: Feed) -> Rig:
    rig = feed.rig()
    feed.play(rig)
    return rig


def test_a_day_opens_with_push_0_and_ends_with_one_that_says_so(feed: Feed) -> None:
    rig = played(feed)
    first, last = rig.heard[0], rig.heard[-1]
    assert first.push == push_id(feed.day, 0)
    assert first.day is not None
    assert first.day.instruments.day == feed.day
    assert first.end.phase is Phase.PRE_OPEN
    assert last.end.last_of_day
    assert last.end.phase is Phase.CLOSED
    assert [push.end.last_of_day for push in rig.heard].count(True) == 1
    assert len(rig.heard) > 20


def test_pushes_are_numbered_without_holes_and_name_the_one_before(feed: Feed) -> None:
    rig = played(feed)
    assert [push_number(push.push) for push in rig.heard] == list(range(len(rig.heard)))
    assert [push.end.prev for push in rig.heard] == [0, *(push.push for push in rig.heard[:-1])]


def test_time_never_goes_back_and_phases_follow_it(feed: Feed) -> None:
    ends = [push.end for push in played(feed).heard]
    assert [end.ts_ns for end in ends] == sorted(end.ts_ns for end in ends)
    phases = [int(end.phase) for end in ends if end.phase is not Phase.LUNCH]
    middle = [phase for phase in phases if phase in (Phase.CONTINUOUS, Phase.CLOSE_AUCTION)]
    assert middle == sorted(middle)
    assert all(S0930 <= second_of_day(end.ts_ns) < S1457 for end in ends if end.phase is Phase.CONTINUOUS)
    assert {Phase.OPEN_AUCTION, Phase.CONTINUOUS, Phase.CLOSE_AUCTION} <= {end.phase for end in ends}


def test_a_push_is_said_whole_its_bars_first_and_its_end_last(feed: Feed) -> None:
    rig = played(feed)
    kinds = [DayOpened, BarsClosed, QuoteBatch, PushEnd]
    order: list[int] = []
    parts = bars = 0
    for message in rig.said:
        order.append(kinds.index(type(message)))  # type: ignore[arg-type]  # anything else raises, as it should
        if isinstance(message, QuoteBatch):
            parts += 1
        elif isinstance(message, BarsClosed):
            bars += 1
        elif isinstance(message, PushEnd):
            assert (parts, bars) == (message.parts, message.bar_parts)
            assert order == sorted(order)
            order, parts, bars = [], 0, 0
    assert any(isinstance(message, BarsClosed) for message in rig.said)


def test_batches_are_small_and_every_quote_is_of_the_day_s_table(feed: Feed) -> None:
    rig = played(feed)
    assert rig.reader.instruments is not None
    size = len(rig.reader.instruments)
    seen = 0
    for push in rig.heard:
        for part, batch in enumerate(push.batches):
            quotes = quotes_of(batch)
            assert (batch.part, batch.push) == (part, push.push)
            assert 0 < batch.count <= QUOTES_PER_BATCH_MAX
            assert quotes.index.max() < size
            seen += batch.count
    assert seen > 100


def test_the_day_of_a_stock_only_grows(feed: Feed) -> None:
    rig = played(feed)
    assert rig.reader.instruments is not None
    size = len(rig.reader.instruments)
    time_ms, volume, turnover = np.zeros(size, np.int64), np.zeros(size, np.int64), np.zeros(size, np.int64)
    for push in rig.heard:
        for batch in push.batches:
            quotes = quotes_of(batch)
            at = quotes.index
            for known, told in ((time_ms, quotes.time_ms), (volume, quotes.volume), (turnover, quotes.turnover)):
                assert (told >= known[at]).all()
                known[at] = told
    assert (volume > 0).sum() > size // 2


def test_prices_are_whole_ticks_and_turnover_fits_the_volume(feed: Feed) -> None:
    for push in played(feed).heard:
        for batch in push.batches:
            quotes = quotes_of(batch)
            for column in (quotes.last, quotes.open, quotes.high, quotes.low, quotes.bid_price, quotes.ask_price):
                assert (column % 10 == 0).all()
            traded = quotes.volume > 0
            average = quotes.turnover[traded] / quotes.volume[traded]
            assert (average >= quotes.low[traded] * 0.99).all()
            assert (average <= quotes.high[traded] * 1.01).all()


def test_a_restart_says_the_push_in_work_again_and_goes_on_behind_it(feed: Feed) -> None:
    rig = feed.rig()
    feed.play(rig, until=9)
    before = [(push.push, push.end.ts_ns, push.batches) for push in rig.heard]
    said = len(rig.said)
    rig.start()
    rig.turn_until(lambda: len(rig.said) > said and isinstance(rig.said[-1], PushEnd), "the push in work")
    again = [message for message in rig.said[said:] if isinstance(message, PushEnd)]
    assert again[0].push == before[-1][0]
    assert [message for message in rig.said[said:] if isinstance(message, QuoteBatch)][: len(before[-1][2])] == list(
        before[-1][2]
    )
    feed.play(rig)
    numbers = [push_number(push.push) for push in rig.heard]
    assert numbers == list(range(len(numbers)))
    assert [(push.push, push.end.ts_ns, push.batches) for push in rig.heard[: len(before)]] == before
    assert rig.heard[-1].end.last_of_day


def test_the_first_push_after_a_gap_says_so_and_no_other(broken: Feed) -> None:
    rig = broken.rig()
    broken.play(rig, until=GAP_AT - 1)
    assert not any(push.gap for push in rig.heard)
    broken.interrupt(rig)
    broken.play(rig, until=GAP_AT + 20)
    assert [push_number(push.push) for push in rig.heard if push.gap] == [GAP_AT]


def test_bars_after_a_restart_are_those_of_a_run_without_one(feed: Feed) -> None:
    rig = feed.rig()
    feed.play(rig, until=60)
    rig.start()
    feed.play(rig)
    closed = {bar.label_s: bar for push in rig.heard for bar in push.bars}
    assert len(closed) == 48
    first = closed[min(closed)]
    assert np.frombuffer(first.volume, "<i8").sum() > 0
