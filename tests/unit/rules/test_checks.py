"""Each pre-trade check at its edge."""

from common.domain.reasons import Reason
from common.domain.values import Board, Phase
from common.rules import checks
from common.rules.phases import may_cancel, may_enter
from common.rules.tables import Exchange

BUY, SELL = 1, 2
DAY = 20260105
OK = Reason.NONE


def test_phase() -> None:
    assert {phase: checks.check_phase(phase) for phase in Phase} == {
        phase: OK if phase is Phase.CONTINUOUS else Reason.PHASE_CLOSED for phase in Phase
    }


def test_suspended_and_board() -> None:
    assert checks.check_suspended(False) is OK
    assert checks.check_suspended(True) is Reason.SUSPENDED
    assert checks.check_board(Board.MAIN, 0b110) is OK
    assert checks.check_board(Board.STAR, 0b110) is Reason.BOARD_NOT_ALLOWED


def test_tick_and_band() -> None:
    assert checks.check_tick(10_010) is OK
    assert [checks.check_tick(price) for price in (10_005, 0, -10)] == [Reason.OFF_TICK] * 3
    assert [checks.check_band(price, 11_000, 9_000) for price in (9_000, 11_000)] == [OK, OK]
    assert [checks.check_band(price, 11_000, 9_000) for price in (8_990, 11_010)] == [Reason.OUTSIDE_BAND] * 2
    assert checks.check_band(99_000, 0, 0) is OK


def test_cage() -> None:
    def buy(price: int) -> Reason:
        return checks.check_cage(Board.MAIN, DAY, BUY, price, 19_990, 20_000, 0, 0)

    def sell(price: int) -> Reason:
        return checks.check_cage(Board.MAIN, DAY, SELL, price, 20_000, 20_010, 0, 0)

    assert (buy(20_400), buy(20_410), buy(10)) == (OK, Reason.OUTSIDE_CAGE, OK)
    assert (sell(19_600), sell(19_590), sell(99_000)) == (OK, Reason.OUTSIDE_CAGE, OK)


def test_far_from_last() -> None:
    far = Reason.FAR_FROM_LAST
    buys = {price: checks.check_far_from_last(BUY, price, 10_000) for price in (9_790, 9_800, 10_200, 10_210)}
    assert buys == {9_790: far, 9_800: OK, 10_200: OK, 10_210: far}
    sells = {price: checks.check_far_from_last(SELL, price, 10_000) for price in (9_790, 9_800, 20_000)}
    assert sells == {9_790: far, 9_800: OK, 20_000: OK}  # a sell far above only rests
    assert checks.check_far_from_last(BUY, 20_000, 0) is OK


def test_size_cash_and_shares() -> None:
    assert checks.check_size_cap(Board.MAIN, DAY, 1_000_000) is OK
    assert checks.check_size_cap(Board.MAIN, DAY, 1_000_100) is Reason.ORDER_TOO_LARGE
    assert checks.check_cash(1_000, 1_000) is OK
    assert checks.check_cash(1_001, 1_000) is Reason.INSUFFICIENT_CASH
    assert checks.check_sellable(300, 300, 0) is OK
    assert checks.check_sellable(400, 300, 100) is Reason.T1_UNSELLABLE
    assert checks.check_sellable(500, 300, 100) is Reason.INSUFFICIENT_SHARES


def test_cancels_and_entries_by_the_clock() -> None:
    def at(text: str) -> int:
        return int(text[:2]) * 3600 + int(text[3:]) * 60

    sse, szse = Exchange.SSE, Exchange.SZSE
    assert checks.check_cancel_phase(sse, at("09:20") - 1, DAY) is OK
    assert checks.check_cancel_phase(sse, at("09:20"), DAY) is Reason.CANCEL_REFUSED_BY_PHASE
    assert may_enter(sse, at("09:20"), DAY)
    assert not may_enter(sse, at("09:25"), DAY)
    assert may_enter(szse, at("09:25"), DAY)
    assert may_cancel(sse, at("14:57") - 1, DAY)
    assert not may_cancel(sse, at("14:57"), DAY)
    assert may_cancel(sse, at("14:57"), 20180817)  # Shanghai had no closing auction then
    assert may_enter(sse, at("14:59"), DAY)
    assert not may_enter(sse, at("11:30"), DAY)
    assert not may_enter(sse, at("15:00"), DAY)
