"""Matching on bars, every rule with its numbers, and the same from machine code. Prices in 0.001 yuan."""

import random

import pytest

from bench.kernels import compile_kernel
from common.domain.values import Board, Side
from common.rules import bar_matching
from common.rules.bar_matching import (
    BarDeal,
    BarOrder,
    BarView,
    QueuedDeal,
    assumed_queue,
    bar_ok,
    bar_share,
    locked_down,
    locked_up,
    marketable_at_open,
    marketable_on_bar,
    marketable_order,
    marketable_price,
    opened,
    order_price,
    queued_on_bar,
    queued_order,
    work_on_bar,
)
from common.rules.kernel import KERNELS
from common.rules.matching import EXPECTED, OPTIMISTIC, PESSIMISTIC

BUY, SELL = int(Side.BUY), int(Side.SELL)
UP, DOWN = 11_000, 9_000
TENTH = 1_000


def bar(open_: int, high: int, low: int, close: int, volume: int = 50_000) -> BarView:
    return BarView(open_, high, low, close, volume, UP, DOWN)


NORMAL = bar(10_000, 10_100, 9_900, 10_050)
SEALED = bar(UP, UP, UP, UP)
FLOORED = bar(DOWN, DOWN, DOWN, DOWN)


@pytest.mark.parametrize(
    ("side", "left", "seen", "cage", "taken", "deal"),
    [
        (BUY, 3_000, NORMAL, 0, 0, BarDeal(3_000, 10_000)),
        (BUY, 8_000, NORMAL, 0, 0, BarDeal(5_000, 10_000)),  # a tenth of the volume
        (BUY, 8_000, NORMAL, 0, 4_200, BarDeal(800, 10_000)),
        (BUY, 8_000, NORMAL, 0, 6_000, BarDeal(0, 10_000)),
        (BUY, 150, NORMAL, 0, 0, BarDeal(150, 10_000)),
        (BUY, 8_000, NORMAL._replace(volume=1_999), 0, 0, BarDeal(100, 10_000)),  # in whole lots
        (SELL, 8_000, NORMAL, 0, 0, BarDeal(5_000, 10_000)),
        (BUY, 100, SEALED, 0, 0, BarDeal(0, 0)),
        (SELL, 100, SEALED, 0, 0, BarDeal(100, UP)),
        (SELL, 100, FLOORED, 0, 0, BarDeal(0, 0)),
        (BUY, 100, FLOORED, 0, 0, BarDeal(100, DOWN)),
        (BUY, 100, bar(UP, UP, 10_900, 10_950), 0, 0, BarDeal(100, UP)),  # opened locked, then left the limit
        (SELL, 100, bar(DOWN, 9_100, DOWN, 9_050), 0, 0, BarDeal(100, DOWN)),
        (BUY, 100, NORMAL, 9_990, 0, BarDeal(100, 9_990)),  # opened above the cage, came back through its edge
        (BUY, 100, NORMAL, 9_900, 0, BarDeal(0, 0)),
        (SELL, 100, NORMAL, 10_010, 0, BarDeal(100, 10_010)),
        (SELL, 100, NORMAL, 10_100, 0, BarDeal(0, 0)),
        (BUY, 0, NORMAL, 0, 0, BarDeal(0, 0)),
        (BUY, 100, NORMAL._replace(volume=0), 0, 0, BarDeal(0, 0)),  # suspended, or nobody traded
        (BUY, 100, NORMAL._replace(volume=-5), 0, 0, BarDeal(0, 0)),
        (BUY, 100, bar(10_000, 9_990, 9_900, 9_950), 0, 0, BarDeal(0, 0)),  # high below the open
        (BUY, 100, bar(10_005, 10_100, 9_900, 10_050), 0, 0, BarDeal(0, 0)),  # off the tick
        (BUY, 100, bar(10_000, UP + 10, 9_900, 10_050), 0, 0, BarDeal(0, 0)),  # beyond the limit
        (BUY, 100, BarView(30_000, 44_000, 30_000, 44_000, 9_000, 0, 0), 0, 0, BarDeal(100, 30_000)),  # no limits
    ],
)
def test_marketable_orders(side: int, left: int, seen: BarView, cage: int, taken: int, deal: BarDeal) -> None:
    got = marketable_on_bar(side, left, seen, cage, TENTH, taken)
    assert got == deal or (got.shares == 0 and deal.shares == 0)


def test_the_price_of_a_marketable_order_lies_within_reach_cage_and_band_of_the_close() -> None:
    assert order_price(BUY, Board.MAIN, 20260105, 10_000, 10_000, UP, DOWN) == 10_200
    assert order_price(SELL, Board.MAIN, 20260105, 10_000, 10_000, UP, DOWN) == 9_800
    assert order_price(BUY, Board.MAIN, 20260105, 10_950, 10_000, UP, DOWN) == UP
    assert order_price(SELL, Board.MAIN, 20260105, 9_050, 10_000, UP, DOWN) == DOWN


def test_the_rest_goes_on_in_the_bars_after() -> None:
    left, deals = 12_000, []
    for seen in (NORMAL, bar(10_050, 10_100, 10_000, 10_010), bar(10_010, 10_050, 10_000, 10_040)):
        deal = marketable_on_bar(BUY, left, seen, 0, TENTH, 0)
        left -= deal.shares
        deals.append(deal)
    assert deals == [(5_000, 10_000), (5_000, 10_050), (2_000, 10_010)]


def test_locked_and_opened() -> None:
    assert locked_up(SEALED)
    assert locked_down(FLOORED)
    assert not locked_up(NORMAL)
    assert not locked_down(NORMAL)
    assert not locked_up(BarView(44_000, 44_000, 44_000, 44_000, 100, 0, 0))
    assert opened(BUY, bar(UP, UP, UP - 10, UP))
    assert not opened(BUY, SEALED)
    assert opened(SELL, bar(DOWN, DOWN + 10, DOWN, DOWN))
    assert not opened(SELL, FLOORED)


def test_the_assumed_queue_is_a_share_of_the_turnover_so_far() -> None:
    assert assumed_queue(110_000_000_000, UP, 3_000) == 3_000_000  # 110 million yuan: 33 million queue at 11.00
    assert assumed_queue(-5, UP, 3_000) == 0
    assert assumed_queue(5_000, 0, 3_000) == 0


@pytest.mark.parametrize(
    ("verdict", "seen", "deal"),
    [
        (PESSIMISTIC, SEALED, QueuedDeal(0, UP, 0)),
        (EXPECTED, SEALED, QueuedDeal(1_000, UP, 0)),  # a tenth of the 10,000 behind the 40,000 ahead
        (OPTIMISTIC, SEALED, QueuedDeal(3_000, UP, 0)),
        (PESSIMISTIC, SEALED._replace(volume=30_000), QueuedDeal(0, UP, 10_000)),
        (EXPECTED, SEALED._replace(volume=30_000), QueuedDeal(0, UP, 10_000)),
        (OPTIMISTIC, SEALED._replace(volume=30_000), QueuedDeal(3_000, UP, 10_000)),
        *((verdict, bar(UP, UP, UP - 10, UP), QueuedDeal(3_000, UP, 0)) for verdict in (1, 2, 3)),
        *((verdict, bar(UP, UP, UP - 10, UP, 200), QueuedDeal(200, UP, 0)) for verdict in (1, 2, 3)),
        *((verdict, SEALED._replace(volume=0), QueuedDeal(0, 0, 40_000)) for verdict in (1, 2, 3)),
    ],
)
def test_the_three_verdicts(verdict: int, seen: BarView, deal: QueuedDeal) -> None:
    assert queued_on_bar(verdict, BUY, 3_000, 40_000, seen, TENTH, 0) == deal


def test_sells_queue_at_the_down_limit() -> None:
    assert queued_on_bar(EXPECTED, SELL, 3_000, 40_000, FLOORED, TENTH, 0) == QueuedDeal(1_000, DOWN, 0)
    assert queued_on_bar(EXPECTED, SELL, 3_000, 40_000, NORMAL, TENTH, 0) == QueuedDeal(3_000, DOWN, 0)
    assert queued_on_bar(EXPECTED, BUY, 3_000, 0, BarView(9, 9, 9, 9, 9, 0, 0), TENTH, 0) == QueuedDeal(0, 0, 0)


def test_an_order_is_worked_bar_by_bar() -> None:
    order = queued_order(BUY, 1_500, UP, 40_000 * UP, 10_000)
    assert order == (BUY, 1_500, True, 40_000)
    first = work_on_bar(EXPECTED, order, SEALED, 0, TENTH, 0)
    assert first == (1_000, UP, (BUY, 500, True, 0))
    assert work_on_bar(PESSIMISTIC, order, SEALED, 0, TENTH, 0).order.left == 1_500
    second = work_on_bar(EXPECTED, first.order, SEALED, 0, TENTH, 0)
    assert (second.shares, second.order.left) == (500, 0)
    sale = work_on_bar(EXPECTED, marketable_order(SELL, 8_000), NORMAL, 9_800, TENTH, 0)
    assert sale == (5_000, 10_000, (SELL, 3_000, False, 0))


# ------------------------------------------------------------------ cancelled inside the bar


@pytest.mark.parametrize(
    ("side", "left", "seen", "cage", "alive", "deal"),
    [
        (BUY, 3_000, NORMAL, 0, 120, BarDeal(2_000, 10_000)),  # a tenth of two fifths of the volume
        (BUY, 1_500, NORMAL, 0, 120, BarDeal(1_500, 10_000)),
        (BUY, 8_000, NORMAL, 0, 0, BarDeal(0, 10_000)),
        (BUY, 8_000, NORMAL, 0, 900, BarDeal(5_000, 10_000)),  # never more than the whole bar gives
        (SELL, 8_000, NORMAL, 0, 150, BarDeal(2_500, 10_000)),
        (BUY, 8_000, NORMAL, 9_950, 120, BarDeal(0, 0)),  # the bar goes on to our price, but when?
        (SELL, 8_000, NORMAL, 10_050, 120, BarDeal(0, 0)),
        (BUY, 100, bar(UP, UP, 10_900, 10_950), 0, 120, BarDeal(0, 0)),  # it leaves the limit, but when?
        (SELL, 100, bar(DOWN, 9_100, DOWN, 9_050), 0, 120, BarDeal(0, 0)),
        (SELL, 100, SEALED, 0, 120, BarDeal(100, UP)),
        (BUY, 0, NORMAL, 0, 120, BarDeal(0, 0)),
        (BUY, 100, NORMAL._replace(volume=0), 0, 120, BarDeal(0, 0)),
    ],
)
def test_an_order_cancelled_inside_a_bar_meets_its_open(
    side: int, left: int, seen: BarView, cage: int, alive: int, deal: BarDeal
) -> None:
    assert marketable_at_open(side, left, seen, cage, TENTH, alive, 300) == deal


# ------------------------------------------------------------------ whatever comes


def drawn(chance: random.Random) -> BarView:
    """Draw a bar, mostly sound, often at a limit."""
    prices = sorted(min(UP, max(DOWN, chance.randint(880, 1_120) * 10)) for _ in range(4))
    if chance.random() < 0.2:
        prices = [chance.choice([UP, DOWN])] * 4
    if chance.random() < 0.1:
        prices[chance.randrange(4)] += chance.choice([5, -3_000, 3_000])
    middle = [prices[1], prices[2]]
    chance.shuffle(middle)
    limits = (UP, DOWN) if chance.random() < 0.95 else (0, 0)
    return BarView(middle[0], prices[3], prices[0], middle[1], chance.randint(-10, 60_000), *limits)


def test_verdicts_lie_inside_each_other_and_inside_the_volume() -> None:
    chance = random.Random(7)
    fills = 0
    for _ in range(400):
        bars = [drawn(chance) for _ in range(8)]
        side, shares, queue = chance.choice([BUY, SELL]), chance.randint(1, 20_000), chance.randint(0, 80_000)
        filled = dict.fromkeys((PESSIMISTIC, EXPECTED, OPTIMISTIC), 0)
        ahead = dict.fromkeys(filled, queue)
        for seen in bars:
            for verdict in filled:
                deal = queued_on_bar(verdict, side, shares - filled[verdict], ahead[verdict], seen, TENTH, 0)
                assert 0 <= deal.shares <= max(0, seen.volume)
                assert deal.shares == 0 or deal.price == (UP if side == BUY else DOWN)
                assert 0 <= deal.ahead <= ahead[verdict]
                filled[verdict], ahead[verdict] = filled[verdict] + deal.shares, deal.ahead
            assert filled[PESSIMISTIC] <= filled[EXPECTED] <= filled[OPTIMISTIC] <= shares
        fills += filled[EXPECTED] > 0
    assert fills > 100


def test_a_longer_assumed_queue_never_fills_earlier() -> None:
    chance = random.Random(8)
    for _ in range(300):
        short, long, ahead = 0, 0, [chance.randint(0, 30_000), 0]
        ahead[1] = ahead[0] + chance.randint(0, 30_000)
        for seen in [drawn(chance) for _ in range(8)]:
            first = queued_on_bar(EXPECTED, BUY, 5_000 - short, ahead[0], seen, TENTH, 0)
            second = queued_on_bar(EXPECTED, BUY, 5_000 - long, ahead[1], seen, TENTH, 0)
            short, long, ahead = short + first.shares, long + second.shares, [first.ahead, second.ahead]
            assert long <= short


def test_machine_code_gives_the_same_on_random_bars() -> None:
    names = [name for name in KERNELS if name.startswith(bar_matching.__name__ + ".")]
    assert len(names) == 14
    done: dict = {}
    fast = {name: compile_kernel(KERNELS[name], done) for name in names}
    chance = random.Random(9)
    traded = 0
    for _ in range(2_000):
        seen, side, left = drawn(chance), chance.choice([BUY, SELL]), chance.randint(0, 20_000)
        cage, taken, ahead = chance.choice([0, 9_950, 10_050]), chance.randint(0, 3_000), chance.randint(0, 80_000)
        for kernel, arguments in (
            (marketable_on_bar, (side, left, seen, cage, TENTH, taken)),
            (marketable_at_open, (side, left, seen, cage, TENTH, chance.randint(-10, 400), 300)),
            (marketable_price, (side, seen, cage)),
            (queued_on_bar, (chance.randint(1, 3), side, left, ahead, seen, TENTH, taken)),
            (queued_order, (side, left, UP, chance.randint(0, 10**12), 3_000)),
            (marketable_order, (side, left)),
            (work_on_bar, (2, BarOrder(side, left, chance.random() < 0.5, ahead), seen, cage, TENTH, taken)),
            (order_price, (side, chance.randint(1, 4), 20260105, chance.randint(900, 1_100) * 10, 10_000, UP, DOWN)),
            (assumed_queue, (chance.randint(-5, 10**12), chance.choice([0, UP]), 3_000)),
            (bar_share, (seen.volume, TENTH)),
            (bar_ok, (seen,)),
            (locked_up, (seen,)),
            (locked_down, (seen,)),
            (opened, (side, seen)),
        ):
            plain = kernel(*arguments)
            assert fast[f"{kernel.__module__}.{kernel.__qualname__}"](*arguments) == plain, (kernel, arguments)
            traded += isinstance(plain, BarDeal) and plain.shares > 0
    assert traded > 500
