"""Waking by array work finds what looking at every row finds."""

import random

import numpy as np
import pytest

from common.domain.calendar import hms, ts_of
from common.messages.columns import Instruments, QuoteTable, quotes_of
from common.strategies.contract import Step
from services.signal_engine.wake import Woken, mask_of, wake_bars, wake_quotes
from tests.builders import DAY, Quote, batch, day_opened, push_end, table

SYMBOLS = [f"{600000 + number}.SH" for number in range(40)]
TABLE = table(dict.fromkeys(SYMBOLS, 10.0))


def by_hand(raw, watched: set[str], instruments: Instruments, seen: QuoteTable) -> list[Woken]:  # type: ignore[no-untyped-def]  # a QuoteBatch
    """Look at every row as a person would."""
    quotes, woken = quotes_of(raw), []
    for row, at in enumerate(quotes.index.tolist()):
        symbol = instruments.symbols[at]
        time_ms, last = int(quotes.time_ms[row]), int(quotes.last[row])
        first = int(seen.time_ms[at]) < 34_200_000
        volume, turnover = int(quotes.volume[row]), int(quotes.turnover[row])
        step = Step(
            ts_of(DAY, 0) + time_ms * 1_000_000, time_ms // 1000, last, last, last, int(quotes.open[row]),
            int(quotes.high[row]), int(quotes.low[row]), 10_000, 11_000, 9_000,
            volume - (0 if first else int(seen.volume[at])), turnover - (0 if first else int(seen.turnover[at])), first,
            False,
        )  # fmt: skip
        if symbol in watched and time_ms >= 34_200_000:
            woken.append(Woken(symbol, at, step, time_ms))
    return woken


@pytest.mark.parametrize("seed", range(5))
def test_woken_rows_are_the_watched_rows(seed: int) -> None:
    chance = random.Random(seed)
    instruments = Instruments(TABLE)
    watched = set(chance.sample(SYMBOLS, 7))
    mask = mask_of(instruments, [*watched, "000001.SZ"])
    mine, whole, volume, total = QuoteTable(40), QuoteTable(40), 0, 0
    for push, second in enumerate(range(hms("09:24:57"), hms("09:31:30"), 3), 1):
        volume += 100
        names = chance.sample(SYMBOLS, chance.randint(0, 12))
        quotes = {s: Quote(chance.uniform(9, 11), volume=volume, second=second - chance.choice([0, 3])) for s in names}
        id_, cut = DAY * 100_000 + push, chance.randint(0, len(names))
        parts = [dict(list(quotes.items())[:cut]), dict(list(quotes.items())[cut:])]
        raws = [batch(TABLE, id_, second, part, number) for number, part in enumerate(parts) if part]
        trading = second >= hms("09:30")
        woken = wake_quotes(raws, mask, instruments, mine, steps=trading)
        looked = [found for raw in raws for found in by_hand(raw, watched, instruments, whole)]
        assert woken == (looked if trading else [])
        for raw in raws:
            whole.apply(raw)
        total += len(woken)
        rows = [instruments.index[symbol] for symbol in watched]
        for name in ("time_ms", "volume", "turnover"):
            assert (getattr(mine, name)[rows] == getattr(whole, name)[rows]).all()
    assert total > 10


def test_bars_become_steps_with_the_day_so_far() -> None:
    from services.market_data.bars import BarBuilder

    builder, instruments = BarBuilder(day_opened(TABLE)), Instruments(TABLE)
    ticks = [("09:30:00", 10.1), ("09:33:00", 10.4), ("09:34:57", 10.2)]
    for number, (at, price) in enumerate(ticks, 1):
        quotes = {SYMBOLS[3]: Quote(price, open_=10.1, high=10.4, low=10.1, volume=1000 * number)}
        raw = batch(TABLE, DAY * 100_000 + number, hms(at), quotes)
        builder.push(push_end(DAY, number, hms(at), parts=1, prev=0), [raw])
    (bars,) = builder.push(push_end(DAY, 9, hms("09:35:03"), prev=0), [])
    mask = mask_of(instruments, [SYMBOLS[3], SYMBOLS[5]])
    traded, idle = wake_bars(bars, mask, instruments)
    assert (traded.symbol, traded.at, traded.time_ms) == (SYMBOLS[3], 3, hms("09:35") * 1000)
    step = traded.step
    assert step.ts_ns == ts_of(DAY, hms("09:35"))
    assert (step.last, step.high, step.low) == (10_200, 10_400, 10_100)
    assert (step.day_open, step.day_high, step.day_low) == (10_100, 10_400, 10_100)
    assert (step.prev_close, step.up_limit, step.down_limit) == (10_000, 11_000, 9_000)
    assert (step.volume, step.first_of_day) == (3000, True)
    assert (idle.symbol, idle.step.day_open, idle.step.last) == (SYMBOLS[5], 0, 10_000)
    assert all(type(value) in (int, bool) for value in (*step, *idle.step))


def test_a_mask_of_nothing_wakes_nothing() -> None:
    instruments = Instruments(TABLE)
    raw = batch(TABLE, DAY * 100_000 + 1, hms("10:00"), {SYMBOLS[0]: Quote(10.0)})
    nobody = mask_of(instruments, [])
    assert not np.any(nobody)
    assert wake_quotes([raw], nobody, instruments, QuoteTable(40), steps=True) == []
