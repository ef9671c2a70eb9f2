"""Fast screens equal the slow ones on random markets, and single conditions at their edges."""

import random

import numpy as np
import pytest

from common.domain.values import Board
from common.screens.cross import Bar, Bars, Cross, adjusted
from common.screens.plain import PlainWindows
from common.screens.screen import Screened, run_screen
from common.screens.st import Spells
from tests.unit.screens import slow
from tests.unit.screens.shipped import shipped

BOARDS = {int(Board.MAIN), int(Board.CHINEXT)}
WINDOW, DAY = 60, 20260105


def random_stock(rng: random.Random) -> slow.Stock:
    price = rng.randrange(1000, 4000)
    sessions: list[tuple[int, int, int, int, int] | None] = []
    listed = rng.choice([200, 200, 200, rng.randrange(30, 90)])
    gaps = rng.choice([0.0, 0.0, 0.02, 0.4])
    factor, wild = 1_000_000, rng.choice([2, 4, 12])
    for ago in range(100, 0, -1):
        if ago > listed or rng.random() < gaps:
            sessions.append(None)
            continue
        if rng.random() < 0.01:
            factor += rng.randrange(1, 20_000)
        price = max(100, price + rng.randrange(-2 * wild, 2 * wild + 1))
        opened = price + rng.randrange(-wild, wild + 1)
        high, low = max(opened, price) + rng.randrange(3 * wild), min(opened, price) - rng.randrange(8 * wild)
        sessions.append((opened * 10, high * 10, low * 10, price * 10, factor))
    return slow.Stock(
        board=rng.choice([1, 1, 2, 3, 4]),
        sessions=sessions,
        factor_now=factor,
        float_shares=rng.choice([0, 4 * 10**9 // price, 4 * 10**9 // price, 10**9 // price]),
        listed=min(listed, 200),
        st=rng.choice([0, 0, 0, 0, 1, 2]),
        suspended=rng.random() < 0.05,
        up_limit=0 if rng.random() < 0.05 else price * 11,
    )


def packed(rows: list[list[tuple[int, int, int, int, int] | None]]) -> Bars:
    """Stack the bars of all stocks, right-aligned; the turnover is made of the close."""
    length = max(len(row) for row in rows)
    table = np.zeros((length, len(rows), 5), np.int64)
    for column, row in enumerate(rows):
        for at, bar in enumerate(row):
            if bar:
                table[length - len(row) + at, column] = (*bar[1:], bar[3] * 11)
    return Bars(*(table[:, :, field] for field in range(5)))


def spells(stocks: list[slow.Stock]) -> Spells:
    """Return one spell on the day that asks for every stock that was ST or may have been."""
    held = [at for at, stock in enumerate(stocks) if stock.st]
    same = np.ones(len(held), np.int64)
    unknown = np.array([int(stocks[at].st == 2) for at in held], np.int64)
    return Spells(np.array(held, np.int64), same * DAY, same * 0, unknown, same, same * 0)


def cross_of(stocks: list[slow.Stock]) -> Cross:
    def column(values: list[int]) -> np.ndarray:  # type: ignore[type-arg]
        return np.array(values, np.int64)

    traded = packed([[bar for bar in stock.sessions if bar][-WINDOW:] for stock in stocks])
    sessions = packed([list(stock.sessions[-WINDOW:]) for stock in stocks])
    factor_now = column([stock.factor_now for stock in stocks])
    return Cross(
        day=DAY,
        symbols=tuple(f"{at:06d}.SZ" for at in range(len(stocks))),
        names=tuple(f"n{at}" for at in range(len(stocks))),
        listed=np.ones(len(stocks), bool),
        board=column([stock.board for stock in stocks]),
        bar=Bar(
            *(column([(*(stock.sessions[-1] or (0,) * 5)[:4], 0)[field] for stock in stocks]) for field in range(5))
        ),
        last_close=traded.close[-1],
        float_shares=column([stock.float_shares for stock in stocks]),
        listed_sessions=column([stock.listed for stock in stocks]),
        suspended=np.array([stock.suspended for stock in stocks]),
        up_limit=column([stock.up_limit for stock in stocks]),
        lacking={},
        sessions=WINDOW,
        hole="",
        windows=PlainWindows(DAY, sessions, traded, factor_now, spells(stocks)),
    )


LEAST, MOST = 25_000_000, 60_000_000
TOUCH, FRACTAL = (
    shipped(name, BOARDS, float_value_min=LEAST, float_value_max=MOST) for name in ("limit_up", "bottom_fractal")
)


def passing(result: Screened) -> list[int]:
    return [int(at) for at in np.flatnonzero(result.passed)]


@pytest.mark.parametrize("seed", range(3))
def test_both_screens_equal_the_slow_reference(seed: int) -> None:
    rng = random.Random(seed)
    stocks = [random_stock(rng) for _ in range(600)]
    cross = cross_of(stocks)
    expected = [at for at, stock in enumerate(stocks) if slow.limit_up(stock, LEAST, MOST, BOARDS, WINDOW)]
    assert passing(run_screen(TOUCH, cross)) == expected
    assert len(expected) > 20
    fractals = {
        at: found
        for at, stock in enumerate(stocks)
        if (found := slow.bottom_fractal(stock, LEAST, MOST, BOARDS, WINDOW))
    }
    result = run_screen(FRACTAL, cross)
    assert passing(result) == sorted(fractals)
    assert len(fractals) > 20
    for at, (k1_high, k1_low, k2_high, k2_low) in fractals.items():
        found = {name: int(values[at]) for name, values in result.context().items()}
        assert found == {
            "float_value": slow.value_of(stocks[at]),
            "k1_high": k1_high, "k1_low": k1_low, "k2_high": k2_high, "k2_low": k2_low,
        }  # fmt: skip


def good() -> slow.Stock:
    """A stock that passes limit_up exactly at the edge of its amplitude: 11.50 / 10.00."""
    quiet = (10_500, 10_600, 10_400, 10_500, 1)
    sessions: list[tuple[int, int, int, int, int] | None] = [quiet] * 58
    sessions += [(10_000, 11_500, 10_000, 10_500, 1), quiet]
    return slow.Stock(1, sessions, 1, 3_000_000, 60, 0, False, 11_550)


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        ({}, None),
        ({"board": 3}, "board"),
        ({"float_shares": 0}, "float_value"),
        ({"float_shares": 6_000_000}, "float_value"),
        ({"st": 1}, "no_recent_st"),
        ({"st": 2}, "no_recent_st"),
        ({"suspended": True}, "not_suspended"),
        ({"listed": 59}, "listed_sessions"),
        ({"up_limit": 0}, "has_limit"),
        ({"sessions": [None] * 21 + good().sessions[21:]}, "traded_sessions"),
        ({"sessions": [(10_000, 11_510, 10_000, 10_500, 1), *good().sessions[1:]]}, "amplitude"),
    ],
)
def test_each_condition_decides_alone(change: dict[str, object], failing: str | None) -> None:
    cross = cross_of([good()._replace(**change)])  # type: ignore[arg-type]
    result = run_screen(TOUCH, cross)
    assert [verdict.check.label for verdict in result.verdicts if not verdict.passed[0]] == (
        [failing] if failing else []
    )
    assert bool(result.passed[0]) == (failing is None)


def test_unknown_st_is_counted_where_it_alone_decides() -> None:
    stocks = [good()._replace(st=2), good()._replace(st=2, board=4), good()]
    denied = run_screen(TOUCH, cross_of(stocks))
    assert (denied.unknown_st, denied.unknown_st_in) == (1, 0)
    research = shipped("limit_up", BOARDS, float_value_min=LEAST, float_value_max=MOST, st_unknown="allow")
    allowed = run_screen(research, cross_of(stocks))
    assert passing(allowed) == [0, 2]
    assert (allowed.unknown_st, allowed.unknown_st_in) == (0, 1)


def test_a_split_is_no_amplitude() -> None:
    # before the ex-day prices were twice as high: 20.00 x 1 / 2 = 10.00
    before, after = [(20_000, 20_200, 20_000, 20_100)] * 30, [(10_000, 10_100, 10_000, 10_050)] * 30
    split = [(*bar, 1_000_000) for bar in before] + [(*bar, 2_000_000) for bar in after]
    raw = [(*bar, 1) for bar in (*before, *after)]
    stocks = [good()._replace(sessions=list(split), factor_now=2_000_000), good()._replace(sessions=list(raw))]
    assert passing(run_screen(TOUCH, cross_of(stocks))) == [0]


def test_adjusting_rounds_half_up_and_leaves_no_trade_alone() -> None:
    price = np.array([10_005, 10_004, 0], np.int64)
    factor = np.array([1, 1, 1], np.int64)
    assert adjusted(price, factor, np.array([2, 2, 2], np.int64)).tolist() == [5_003, 5_002, 0]
    assert adjusted(price, factor, np.array([0, 1, 1], np.int64)).tolist()[1:] == [10_004, 0]
