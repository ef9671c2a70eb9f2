"""The table of a live day: the vendor's instruments, our facts, and limits held against our rulebook."""

from typing import Any

import pytest

from common.domain.calendar import Calendar, exchange_days
from common.domain.values import Board
from common.messages.columns import Instruments
from common.messages.market import InstrumentFlag
from common.rules.price_limits import Band
from services.market_data.adapters.xt_day import DayTable, Opened, day_number, is_fresh, milli, stocks_of, told_band
from services.market_data.day_facts_form import DayFacts, Ex
from tests.builders import DAY, PREV_DAY
from tests.fakes.xtquant.quotes import vendor_detail

CALENDAR = Calendar(exchange_days())
MAIN, STAR, BSE = "600000.SH", "688001.SH", "920001.BJ"


def opened(details: dict[str, dict[str, Any]], **facts: Any) -> Opened:
    return DayTable(DAY, CALENDAR, DayFacts(DAY, PREV_DAY, **facts)).open(details)


def one(detail: dict[str, Any], symbol: str = MAIN, **facts: Any) -> tuple[Instruments, Opened]:
    found = opened({symbol: detail}, **facts)
    return Instruments(found.table), found


def test_what_the_client_says_in_our_columns() -> None:
    table, found = one(vendor_detail(MAIN, 10_000, DAY))
    assert (table.symbols, table.names, table.board.tolist()) == ([MAIN], ["N600000"], [Board.MAIN])
    assert (table.prev_close.tolist(), table.up_limit.tolist(), table.down_limit.tolist()) == (
        [10_000], [11_000], [9_000],
    )  # fmt: skip
    assert (table.feed_up_limit.tolist(), table.feed_down_limit.tolist()) == ([11_000], [9_000])
    assert (table.float_shares.tolist(), table.flags.tolist()) == ([500_000_000], [0])
    assert found.differ == []
    assert found.counts == {"stocks": 1, "limits_differ": 0}


def test_limits_are_ours_and_the_feed_s_stand_beside_them() -> None:
    table, found = one(vendor_detail(STAR, 40_000, DAY), STAR)
    assert (table.up_limit.tolist(), table.feed_up_limit.tolist()) == ([48_000], [44_000])
    assert found.differ == [f"{STAR} rulebook 32000..48000, feed 36000..44000"]
    assert found.counts["limits_differ"] == 1


@pytest.mark.parametrize(("up", "down"), [(0.0, 0.0), (None, None), (99999.0, 0.01), (float("nan"), 9.0), (9.0, 11.0)])
def test_limits_that_no_price_reaches_are_none(up: Any, down: Any) -> None:
    assert told_band({"UpStopPrice": up, "DownStopPrice": down}, 10_000) == Band(0, 0)


@pytest.mark.parametrize("told", [(0.0, 0.0), (99999.0, 0.01)])
def test_a_first_session_without_limits_agrees_however_the_feed_writes_it(told: tuple[float, float]) -> None:
    detail = vendor_detail(STAR, 40_000, DAY, OpenDate=DAY, UpStopPrice=told[0], DownStopPrice=told[1])
    table, found = one(detail, STAR)
    assert (table.up_limit.tolist(), found.differ) == ([0], [])


def test_a_stock_in_st_by_history_or_by_its_name() -> None:
    for detail, facts in (
        (vendor_detail(MAIN, 10_000, DAY), {"st": [MAIN]}),
        (vendor_detail(MAIN, 10_000, DAY, InstrumentName="*ST某某"), {}),
    ):
        table, _ = one(detail, **facts)
        assert table.flags[0] & InstrumentFlag.ST
    assert one(vendor_detail(MAIN, 10_000, DAY, InstrumentName=""))[0].flags[0] & InstrumentFlag.ST_UNKNOWN
    assert one(vendor_detail(MAIN, 10_000, DAY, InstrumentName="某某退"))[0].flags[0] & InstrumentFlag.DELISTING
    assert one(vendor_detail(MAIN, 10_000, DAY, InstrumentStatus=3))[0].flags[0] & InstrumentFlag.SUSPENDED
    assert not one(vendor_detail(MAIN, 10_000, DAY, InstrumentStatus=-1))[0].flags[0] & InstrumentFlag.SUSPENDED


def test_an_announced_ex_day_is_taken_whole() -> None:
    table, _ = one(vendor_detail(MAIN, 9_500, DAY), closes={MAIN: 10_000}, ex={MAIN: Ex(10_000, 9_500, 500_000, 0)})
    assert (table.prev_close.tolist(), table.raw_prev_close.tolist()) == ([9_500], [10_000])
    assert (table.ex_cash_e6.tolist(), table.ex_bonus_e6.tolist()) == ([500_000], [0])
    assert table.flags[0] & InstrumentFlag.EX_DAY


def test_a_reference_price_that_nobody_announced_is_an_ex_day_all_the_same() -> None:
    table, found = one(vendor_detail(MAIN, 9_500, DAY), closes={MAIN: 10_000}, ex={MAIN: Ex(10_000, 9_400, 600_000, 0)})
    assert (table.raw_prev_close.tolist(), table.ex_cash_e6.tolist()) == ([10_000], [500_000])
    assert found.counts["ex price differs"] == 1
    quiet, _ = one(vendor_detail(MAIN, 10_000, DAY), closes={MAIN: 10_000})
    assert (quiet.raw_prev_close.tolist(), quiet.flags.tolist()) == ([10_000], [0])


def test_what_is_not_listed_today_is_left_out_and_counted() -> None:
    found = opened(
        {
            MAIN: vendor_detail(MAIN, 10_000, DAY),
            "600001.SH": vendor_detail("600001.SH", 10_000, DAY, OpenDate=19700102),
            "600002.SH": vendor_detail("600002.SH", 10_000, DAY, OpenDate=20260106),
            "600003.SH": vendor_detail("600003.SH", 10_000, DAY, ExpireDate=20251231),
            "600004.SH": vendor_detail("600004.SH", 0, DAY),
            "830001.BJ": vendor_detail("830001.BJ", 10_000, DAY),
        },
        delisted=["600003.SH"],
    )
    assert found.table.symbols == [MAIN]
    left = {"not listed yet": 2, "delisted": 1, "no previous close": 1, "no code of today": 1}
    assert found.counts == left | {"stocks": 1, "limits_differ": 0}
    assert found.table.delisted == ("600003.SH",)
    with pytest.raises(ValueError, match="no stock"):
        opened({})


def test_details_are_of_today_when_they_say_so_and_fit_the_quotes() -> None:
    details = {MAIN: vendor_detail(MAIN, 10_000, DAY), STAR: vendor_detail(STAR, 40_000, DAY)}
    assert is_fresh(details, {MAIN: 10.0, STAR: 40.0}, DAY)
    assert is_fresh(details, {}, DAY)
    assert not is_fresh(details, {MAIN: 9.5, STAR: 40.0}, DAY)
    assert not is_fresh({symbol: detail | {"TradingDay": PREV_DAY} for symbol, detail in details.items()}, {}, DAY)
    assert is_fresh({symbol: detail | {"TradingDay": None} for symbol, detail in details.items()}, {MAIN: 10.0}, DAY)
    assert not is_fresh({}, {}, DAY)
    assert not is_fresh({MAIN: details[MAIN] | {"TradingDay": None}}, {}, DAY)


def test_only_a_shares_of_all_codes() -> None:
    codes = ["600000.SH", "000001.SH", "000001.SZ", "510300.SH", "113050.SH", "920001.BJ", "IF00.IF", "", "600000"]
    assert stocks_of(codes) == ["000001.SZ", "600000.SH", "920001.BJ"]


def test_numbers_of_the_vendor() -> None:
    assert [milli(value) for value in (11.370000000000001, None, float("nan"), float("inf"), "1", 3e6)] == [
        11_370, 0, 0, 0, 0, 0,
    ]  # fmt: skip
    assert [day_number(value) for value in ("19991110", 19991110, 19700101, 99999999, "", None, "1999-11-10", 0)] == [
        19991110, 19991110, 0, 0, 0, 0, 0, 0,
    ]  # fmt: skip
