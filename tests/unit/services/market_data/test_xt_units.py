"""What volumes count is settled by trades, or not at all."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from common.domain.calendar import hms
from common.domain.values import Board
from services.market_data.adapters.xt_columns import Raw, Units, read_push
from services.market_data.adapters.xt_units import GROUPS, UnitCourt, group_numbers
from tests.builders import DAY, Quote
from tests.fakes.xtquant.quotes import vendor_tick
from tests.fakes.xtquant.terminal import Switches

CODES = [f"6000{n:02d}.SH" for n in range(30)] + [f"6880{n:02d}.SH" for n in range(1, 31)]
GROUP_OF = np.array([0] * 30 + [1] * 30, np.uint8)


def raw_of(codes: list[str], switches: Switches, volume: int = 200_000, **changes: Any) -> Raw:
    push = {
        code: vendor_tick(code, Quote(10.0, high=10.3, low=9.8, volume=volume), DAY, hms("10:00"), switches) | changes
        for code in codes
    }
    return read_push(push, {code: row for row, code in enumerate(CODES)}, Counter())


def court(sizes: tuple[int, ...] = (30, 30, 0, 0)) -> UnitCourt:
    return UnitCourt(np.array(sizes, np.int64))


@pytest.mark.parametrize("main", [1, 100])
@pytest.mark.parametrize("star", [1, 100])
@pytest.mark.parametrize("pvolume", [True, False])
def test_each_group_s_units_are_found_whatever_they_are(main: int, star: int, pvolume: bool) -> None:
    switches = Switches()
    switches.lots_of |= {"SH": main, "STAR": star}
    switches.pvolume = pvolume
    judge = court()
    settled = judge.hear(raw_of(CODES, switches), GROUP_OF)
    assert [name for name, _ in settled] == ["SH", "STAR"]
    assert judge.units[:2] == [Units(main, pvolume), Units(star, pvolume)]
    assert not judge.needs()


def test_a_pvolume_that_counts_something_else_is_not_used() -> None:
    judge = court()
    judge.hear(raw_of(CODES, Switches(), pvolume=77), GROUP_OF)
    assert judge.units[0] == Units(100, False)


def test_before_anything_traded_nothing_is_settled() -> None:
    judge = court()
    assert judge.hear(raw_of(CODES, Switches(), volume=0), GROUP_OF) == []
    assert judge.hear(raw_of(CODES, Switches(), volume=9_000), GROUP_OF) == [], "90 lots say too little"
    assert judge.needs()
    assert judge.units[0] == Units(0, False)


def test_a_group_that_fits_neither_reading_stays_open() -> None:
    judge = court()
    judge.hear(raw_of(CODES, Switches(), amount=5.0e9), GROUP_OF)
    assert judge.needs()


def test_a_split_vote_settles_nothing_and_more_quotes_do() -> None:
    lots, shares = Switches(), Switches()
    shares.lots_of |= {"SH": 1}
    judge = court((30, 0, 0, 0))
    judge.hear(raw_of(CODES[:14], lots), GROUP_OF)
    assert judge.needs()
    judge.hear(raw_of(CODES[14:30], shares), GROUP_OF)
    assert judge.needs()
    for _ in range(20):
        judge.hear(raw_of(CODES[:30], lots), GROUP_OF)
    assert judge.units[0].lots == 100


def test_a_few_stocks_are_enough_where_there_are_few() -> None:
    judge = court((4, 0, 0, 0))
    judge.hear(raw_of(CODES[:2], Switches()), GROUP_OF)
    assert judge.needs()
    judge.hear(raw_of(CODES[2:4], Switches()), GROUP_OF)
    assert not judge.needs()


def test_groups_of_a_table() -> None:
    boards = np.array([Board.MAIN, Board.STAR, Board.CHINEXT, Board.BSE], np.uint8)
    found = group_numbers(["600000.SH", "688001.SH", "300001.SZ", "920001.BJ"], boards)
    assert [GROUPS[number] for number in found] == ["SH", "STAR", "SZ", "BJ"]
