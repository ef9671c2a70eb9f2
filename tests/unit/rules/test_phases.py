"""What is taken when, by exchange and date."""

import pytest

from common.domain.values import Board, Phase
from common.rules.phases import may_cancel, may_enter, phase_at, takes_after_hours
from common.rules.tables import Exchange

SSE, SZSE, BSE = Exchange.SSE, Exchange.SZSE, Exchange.BSE


def at(text: str) -> int:
    hours, minutes, *rest = (int(part) for part in text.split(":"))
    return hours * 3600 + minutes * 60 + sum(rest)


@pytest.mark.parametrize(
    ("exchange", "time", "day", "phase", "enter", "cancel"),
    [
        (SSE, "09:14:59", 20260105, Phase.PRE_OPEN, False, False),
        (SSE, "09:15", 20260105, Phase.OPEN_AUCTION, True, True),
        (SZSE, "09:19:59", 20260105, Phase.OPEN_AUCTION, True, True),
        (BSE, "09:20", 20260105, Phase.OPEN_AUCTION, True, False),
        (SSE, "09:24:59", 20100104, Phase.OPEN_AUCTION, True, False),
        (SSE, "09:25", 20260105, Phase.PRE_CONTINUOUS, False, False),
        (SZSE, "09:25", 20260105, Phase.PRE_CONTINUOUS, True, True),
        (BSE, "09:29:59", 20260105, Phase.PRE_CONTINUOUS, False, False),
        (SSE, "09:30", 20260105, Phase.CONTINUOUS, True, True),
        (SSE, "11:29:59", 20260105, Phase.CONTINUOUS, True, True),
        (SSE, "11:30", 20260105, Phase.LUNCH, False, False),
        (SZSE, "12:59:59", 20260105, Phase.LUNCH, False, False),
        (SZSE, "13:00", 20260105, Phase.CONTINUOUS, True, True),
        (SSE, "14:56:59", 20260105, Phase.CONTINUOUS, True, True),
        (SSE, "14:57", 20260105, Phase.CLOSE_AUCTION, True, False),
        (SSE, "14:57", 20180820, Phase.CLOSE_AUCTION, True, False),
        (SSE, "14:57", 20180817, Phase.CONTINUOUS, True, True),  # Shanghai had no closing auction before 2018-08-20
        (SZSE, "14:57", 20180817, Phase.CLOSE_AUCTION, True, False),
        (SSE, "15:00", 20260105, Phase.CLOSED, False, False),
        (BSE, "14:59:59", 20260105, Phase.CLOSE_AUCTION, True, False),
    ],
)
def test_phase_and_what_it_takes(exchange: int, time: str, day: int, phase: int, enter: bool, cancel: bool) -> None:
    assert phase_at(exchange, at(time), day) == phase
    assert may_enter(exchange, at(time), day) is enter
    assert may_cancel(exchange, at(time), day) is cancel


@pytest.mark.parametrize(("exchange", "day"), [(SSE, 20180820), (SZSE, 20180817), (BSE, 20211115), (SSE, 20261125)])
def test_a_day_goes_through_its_phases_in_order(exchange: int, day: int) -> None:
    phases = [phase_at(exchange, second, day) for second in range(0, 86_400, 15)]
    order = [now for before, now in zip([-1, *phases], phases, strict=False) if now != before]
    morning = [Phase.PRE_OPEN, Phase.OPEN_AUCTION, Phase.PRE_CONTINUOUS, Phase.CONTINUOUS]
    assert order == [*morning, Phase.LUNCH, Phase.CONTINUOUS, Phase.CLOSE_AUCTION, Phase.CLOSED]


@pytest.mark.parametrize(
    ("board", "exchange", "time", "day", "taken"),
    [
        (Board.STAR, SSE, "15:10", 20190722, True),
        (Board.STAR, SSE, "09:20", 20260105, False),
        (Board.CHINEXT, SZSE, "09:15", 20200824, True),
        (Board.CHINEXT, SZSE, "15:29:59", 20200821, False),
        (Board.MAIN, SSE, "15:10", 20260703, False),
        (Board.MAIN, SSE, "15:10", 20260706, True),
        (Board.MAIN, SZSE, "09:15", 20260706, True),
        (Board.MAIN, SZSE, "12:00", 20260706, False),
        (Board.MAIN, SZSE, "15:30", 20260706, False),
        (Board.BSE, BSE, "15:10", 20260831, False),  # written into its rules, not in operation
    ],
)
def test_orders_at_the_closing_price(board: int, exchange: int, time: str, day: int, taken: bool) -> None:
    assert takes_after_hours(board, exchange, at(time), day) is taken
