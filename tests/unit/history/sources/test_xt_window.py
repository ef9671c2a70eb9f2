"""Which sessions a stock accounts for: suspensions that are proved, holes that are refused."""

import pytest

from common.domain.errors import SourceError
from common.history.sources.complete import Listing
from common.history.sources.xt_parse import DayBar, State
from common.history.sources.xt_reference import ExDay, Stock
from common.history.sources.xt_window import QUIET, judge, refuse, with_references


def traded(close: int, before: int) -> DayBar:
    return DayBar(State.TRADED, before, close, close, close, close, 100, close * 100)


DAYS = [20260105, 20260106, 20260107, 20260108]
LISTED = Stock("某股", Listing(20200101, 0), 0, 0)
PAID = {20260107: ExDay(500_000, 0, 0, 0, False)}


@pytest.mark.parametrize(
    ("last", "ex_days", "holes"),
    [
        (traded(9_000, 10_000), {}, []),
        (traded(9_000, 9_990), {}, [20260106, 20260107]),
        (traded(9_000, 9_500), PAID, []),
        (traded(9_000, 9_510), PAID, []),  # a tick of rounding
        (traded(9_000, 9_520), PAID, [20260106, 20260107]),
        (traded(9_000, 10_000), PAID, []),  # the client gives the plain close
        (traded(9_000, 5_000), {20260107: ExDay(0, 0, 0, 0, True)}, []),  # a reform: the price is announced
    ],
)
@pytest.mark.parametrize("gap", [None, DayBar(State.EMPTY, 0)])
def test_a_gap_is_a_suspension_when_the_next_reference_price_says_so(
    last: DayBar, ex_days: dict[int, ExDay], holes: list[int], gap: DayBar | None
) -> None:
    bars = {20260105: traded(10_000, 10_000), 20260108: last}
    if gap is not None:
        bars |= {20260106: gap, 20260107: gap}
    found = judge(LISTED, DAYS, bars, ex_days, False)
    assert found.holes == holes
    assert (found.bars.get(20260106) == QUIET) is not bool(holes)


def test_hollow_bars_are_holes_whatever_their_neighbours_say() -> None:
    bars = {20260105: traded(10_000, 10_000), 20260106: DayBar(State.HOLLOW, 10_000), 20260107: traded(10_000, 10_000)}
    assert judge(LISTED, DAYS[:3], bars, {}, True).holes == [20260106]


def test_broken_bars_are_neither_known_nor_holes() -> None:
    bars = {20260105: traded(10_000, 10_000), 20260106: DayBar(State.BROKEN, 0)}
    found = judge(LISTED, DAYS[:2], bars, {}, True)
    assert (list(found.bars), found.holes) == ([20260105], [])


@pytest.mark.parametrize(
    ("stock", "whole", "holes"),
    [
        (LISTED, True, DAYS[1:]),
        (LISTED._replace(days_suspended=3), False, DAYS[1:]),
        (LISTED._replace(days_suspended=3), True, []),
        (LISTED._replace(listing=Listing(20200101, 20260108)), True, []),
        (LISTED._replace(listing=Listing(20200101, 20260106)), False, []),
    ],
)
def test_an_open_end_needs_a_reason(stock: Stock, whole: bool, holes: list[int]) -> None:
    assert judge(stock, DAYS, {20260105: traded(10_000, 10_000)}, {}, whole).holes == holes


def test_before_its_first_day_a_stock_owes_nothing_and_from_then_on_every_session() -> None:
    late = LISTED._replace(listing=Listing(20260107, 0))
    assert judge(late, DAYS, {20260108: traded(10_000, 9_000)}, {}, True).holes == [20260107]


def test_reference_prices_of_ex_days_are_put_in_where_they_are_missing() -> None:
    bars = {20260106: traded(10_000, 10_000), 20260107: traded(9_600, 10_000)}
    assert with_references(bars, PAID)[20260107].prev_close == 9_500
    told = {**bars, 20260107: traded(9_600, 9_490)}
    assert with_references(told, PAID)[20260107].prev_close == 9_490, "what the exchange says stands"
    assert with_references({20260107: traded(9_600, 10_000)}, PAID)[20260107].prev_close == 10_000


def test_a_refusal_names_five_and_counts_the_rest() -> None:
    refuse({})
    with pytest.raises(SourceError) as error:
        refuse({f"60000{at}.SH": [20260105, 20260106] for at in range(7)})
    text = str(error.value)
    assert "600004.SH 20260105..20260106 (2)" in text
    assert "600005.SH" not in text
    assert "另有 2 只" in text
    assert "2 stocks more" in text
