"""Codes to boards, and refusals that name the reason."""

import pytest

from common.domain.errors import BadSymbolError, PastCalendarError
from common.domain.values import Board
from common.rules.boards import board_mask, board_of, exchange_of, is_code
from common.rules.tables import Exchange


@pytest.mark.parametrize(
    ("symbol", "day", "board"),
    [
        ("600519.SH", 20260105, Board.MAIN),
        ("605499.SH", 20260105, Board.MAIN),
        ("000001.SZ", 20100104, Board.MAIN),
        ("002594.SZ", 20150105, Board.MAIN),
        ("003816.SZ", 20260105, Board.MAIN),
        ("300750.SZ", 20180611, Board.CHINEXT),
        ("302132.SZ", 20260105, Board.CHINEXT),
        ("688981.SH", 20260105, Board.STAR),
        ("689009.SH", 20260105, Board.STAR),
        ("920002.BJ", 20260105, Board.BSE),
        ("430047.BJ", 20250930, Board.BSE),
        ("837092.BJ", 20211115, Board.BSE),
    ],
)
def test_board_of(symbol: str, day: int, board: Board) -> None:
    assert board_of(symbol, day) is board
    assert is_code(symbol)


@pytest.mark.parametrize(
    ("symbol", "day", "words"),
    [
        ("000001.SH", 20260105, "an index"),
        ("399006.SZ", 20260105, "an index"),
        ("899050.BJ", 20260105, "an index"),
        ("900901.SH", 20260105, "a B share"),
        ("200002.SZ", 20260105, "a B share"),
        ("510300.SH", 20260105, "a fund or bond"),
        ("113050.SH", 20260105, "a fund or bond"),
        ("159915.SZ", 20260105, "a fund or bond"),
        ("600519.SZ", 20260105, "no known A-share code"),
        ("999999.SH", 20260105, "no known A-share code"),
        ("430047.BJ", 20251009, "new 920 code"),
        ("920002.BJ", 20240419, "since 20240422"),
        ("688001.SH", 20190719, "since 20190722"),
        ("600519", 20260105, "six digits"),
        ("60051９.SH", 20260105, "six digits"),  # a full-width digit is no digit of a code
        ("SH600519", 20260105, "six digits"),
        ("600519.HK", 20260105, "six digits"),
        ("", 20260105, "six digits"),
    ],
)
def test_out_of_scope_is_refused_with_its_reason(symbol: str, day: int, words: str) -> None:
    with pytest.raises(BadSymbolError, match=words):
        board_of(symbol, day)


def test_a_day_before_the_tables_is_refused() -> None:
    with pytest.raises(PastCalendarError, match="20100101"):
        board_of("600519.SH", 20091231)


def test_exchange_and_scope() -> None:
    assert exchange_of("000001.SH") is Exchange.SSE
    assert not is_code("000001.SH")
    assert not is_code("700000.SH")
    assert not is_code("hello")


def test_board_mask_sets_one_bit_a_board() -> None:
    assert board_mask([Board.MAIN, Board.CHINEXT]) == 0b110
    assert board_mask([]) == 0
