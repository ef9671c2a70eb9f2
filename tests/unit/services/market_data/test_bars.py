"""Bars against a plain slow builder, and the rules of their clock."""

import random

import numpy as np

from common.domain.calendar import S0925, S0930, S1130, S1300, S1500, hms
from common.domain.values import push_id
from common.messages.market import BarsClosed, PushEnd
from services.market_data.bars import BarBuilder, labels
from tests.builders import DAY, Quote, batch, day_opened, push_end, table

TABLE = table({"600001.SH": 10.0, "600002.SH": 20.0})


def bar(closed: BarsClosed, row: int = 0) -> tuple[int, ...]:
    values = (closed.open, closed.high, closed.low, closed.close)
    return (*(int(np.frombuffer(raw, "<i4")[row]) for raw in values), int(np.frombuffer(closed.volume, "<i8")[row]))


def play(steps: list[tuple[int, dict[str, Quote]]], period: int = 300) -> list[BarsClosed]:
    builder = BarBuilder(day_opened(TABLE), (period,))
    closed = list(builder.push(push_end(DAY, 0, hms("09:00"), prev=0), ()))
    for number, (second, quotes) in enumerate(steps, 1):
        made = [batch(TABLE, push_id(DAY, number), second, quotes)] if quotes else []
        end: PushEnd = push_end(DAY, number, second, parts=len(made), prev=0)
        closed += builder.push(end, made)
    return closed


def test_labels() -> None:
    assert len(labels(300)) == 48
    assert (labels(300)[0], labels(300)[23], labels(300)[24], labels(300)[-1]) == (
        S0930 + 300,
        S1130,
        S1300 + 300,
        S1500,
    )
    assert len(labels(60)) == 241
    assert labels(60)[0] == S0930


def test_a_snapshot_on_the_label_belongs_to_the_bar_that_ends_there() -> None:
    closed = play([
        (S0930 + 3, {"600001.SH": Quote(10.0, volume=100)}),
        (S0930 + 300, {"600001.SH": Quote(10.5, high=10.5, low=10, open_=10, volume=300)}),
        (S0930 + 303, {"600001.SH": Quote(10.2, high=10.5, low=10, open_=10, volume=400)}),
        (S0930 + 603, {}),
    ])  # fmt: skip
    assert [one.label_s for one in closed] == [S0930 + 300, S0930 + 600]
    assert bar(closed[0]) == (10_000, 10_500, 10_000, 10_500, 300)
    assert bar(closed[1]) == (10_200, 10_200, 10_200, 10_200, 100)
    assert bar(closed[0], 1) == (20_000, 20_000, 20_000, 20_000, 0)


def test_the_first_bar_holds_the_auction_and_virtual_prices_do_not_count() -> None:
    steps = [
        (hms("09:20"), {"600001.SH": Quote(11.0, volume=50)}),
        (S0925, {"600001.SH": Quote(10.1, open_=10.1, high=10.1, low=10.1, volume=1000)}),
        (S0930 + 3, {"600001.SH": Quote(10.3, open_=10.1, high=10.3, low=10.1, volume=1200)}),
        (S0930 + 303, {}),
    ]
    (five,) = play(steps)
    assert bar(five) == (10_100, 10_300, 10_100, 10_300, 1200)
    one = play(steps, 60)
    assert one[0].label_s == S0930
    assert bar(one[0]) == (10_100, 10_100, 10_100, 10_100, 1000)
    assert bar(one[1]) == (10_300, 10_300, 10_300, 10_300, 200)


def test_a_high_between_two_snapshots_is_in_the_bar() -> None:
    (first,) = play([
        (S0930 + 3, {"600001.SH": Quote(10.0, volume=100)}),
        (S0930 + 6, {"600001.SH": Quote(10.1, open_=10, high=10.4, low=9.8, volume=200)}),
        (S0930 + 303, {}),
    ])  # fmt: skip
    assert bar(first) == (10_000, 10_400, 9_800, 10_100, 200)


def test_every_label_closes_once_and_the_last_with_the_day() -> None:
    closed = play(
        [
            (S0930 + 3, {"600001.SH": Quote(10.0)}),
            (S1130 + 1, {}),
            (S1300 + 901, {}),
            (S1500, {"600001.SH": Quote(10.6)}),
        ]
    )
    assert [one.label_s for one in closed] == labels(300)
    assert bar(closed[-1])[3] == 10_600


def test_equal_to_a_slow_builder() -> None:
    chance = random.Random(7)
    price, volume, high, low, first = 10_000, 0, 0, 0, 0
    steps, slow = [], {label: [] for label in labels(300)}
    for second in sorted(chance.sample([*range(S0930, S1130), *range(S1300 + 1, S1500)], 700)):
        price += chance.randint(-3, 3) * 10
        if chance.random() < 0.7:
            volume += chance.randint(1, 50) * 100
            first = first or price
            high, low = max(high, price), min(low or price, price)
            label = next(label for label in slow if second <= label)
            slow[label].append((price, volume))
            quote = Quote(price / 1000, open_=first / 1000, high=high / 1000, low=low / 1000, volume=volume)
            steps.append((second, {"600001.SH": quote}))
    steps.append((S1500, {}))
    before, last = 0, 10_000
    for closed in play(steps):
        trades = slow[closed.label_s]
        if trades:
            prices = [p for p, _ in trades]
            last = prices[-1]
            assert bar(closed) == (prices[0], max(prices), min(prices), last, trades[-1][1] - before)
            before = trades[-1][1]
        else:
            assert bar(closed) == (last, last, last, last, 0)
