"""Books that do not add up are found, whatever does not: each case spoils one thing of a good result."""

import copy
import math
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from common.backtests.check import FAULTS_MAX, faults_of
from common.backtests.result import BacktestResult, Benchmark, Coverage
from tests.backtest_books import S1430, Books, full_result, random_books

GOOD, _ = full_result(2, 40, 30)
Change = Callable[[BacktestResult], BacktestResult]


def other(field: str, at: int, **changes: Any) -> Change:
    """Return a change of one row of a table."""

    def change(result: BacktestResult) -> BacktestResult:
        rows = list(getattr(result, field))
        rows[at] = msgspec.structs.replace(rows[at], **changes)
        return msgspec.structs.replace(result, **{field: tuple(rows)})

    return change


def with_(**changes: Any) -> Change:
    return lambda result: msgspec.structs.replace(result, **changes)


def inputs(**changes: Any) -> Change:
    return lambda result: msgspec.structs.replace(result, inputs=msgspec.structs.replace(result.inputs, **changes))


def without(field: str, at: int) -> Change:
    def change(result: BacktestResult) -> BacktestResult:
        rows = list(getattr(result, field))
        del rows[at]
        return msgspec.structs.replace(result, **{field: tuple(rows)})

    return change


def test_good_books_have_no_fault() -> None:
    assert faults_of(GOOD) == []
    assert [faults_of(random_books(seed, 30, 20).result()) for seed in range(20)] == [[]] * 20


def test_shares_bought_today_cannot_be_sold_today() -> None:
    books = Books()
    books.buy(20260105, "600001.SH", 200, 10_000)
    books.close(20260105, {"600001.SH": 10_000})
    books.buy(20260106, "600001.SH", 100, 10_000)
    books.sell(20260106, "600001.SH", 200, 10_000, second=S1430)
    assert faults_of(_closed(books)) == []
    books.sell(20260106, "600001.SH", 100, 10_000, second=S1430)
    assert faults_of(_closed(books)) == ["20260106 600001.SH: 100 sold, 0 are sellable (T+1)"]


def _closed(books: Books) -> BacktestResult:
    books = copy.deepcopy(books)
    books.close(20260106)
    return books.result()


DAY = Coverage(20260101, 20260101, "daily", 1, 1, "甲", "a")
SPOILT: dict[str, tuple[Change, str]] = {
    "nan": (other("fills", 0, price=math.nan), "wrong kind"),
    "infinite": (other("equity", 1, equity=math.inf), "wrong kind"),
    "float": (lambda r: other("fills", 0, price=float(r.fills[0].price))(r), "wrong kind"),
    "numpy": (lambda r: other("fills", 0, shares=np.int64(r.fills[0].shares))(r), "wrong kind"),
    "beyond 64 bits": (other("fills", 0, price=2**70), "deals and events make it"),
    "benchmark nan": (lambda r: with_(benchmark=Benchmark("x", 1, (math.nan,) * len(r.equity)))(r), "wrong kind"),
    "no text": (inputs(rule="\ud800"), "wrong kind"),
    "no verdict": (inputs(verdict="hopeful"), "wrong kind"),
    "start cash": (inputs(start_cash=0), "start cash 0"),
    "no day": (inputs(last=20261332), "20261332 is no day"),
    "outside": (inputs(first=20260103), "outside"),
    "equity": (other("equity", 3, equity=5), "equity 5"),
    "equity zero": (other("equity", 3, equity=0, cash=0, market_value=0), "equity 0"),
    "cash below zero": (other("equity", 3, equity=1, cash=-1, market_value=2), "cash -1"),
    "a day lost": (without("equity", 5), "a day without equity"),
    "days out of order": (lambda r: with_(equity=r.equity[::-1])(r), "not ascending"),
    "fills out of order": (lambda r: with_(fills=r.fills[::-1])(r), "in the order"),
    "a fill lost": (without("fills", 0), ""),
    "price": (other("fills", 0, price=0), "at 0"),
    "shares": (other("fills", 0, shares=-100), "-100 shares"),
    "fees": (other("fills", 0, commission=-1), "fees"),
    "another price": (lambda r: other("fills", 0, price=r.fills[0].price + 10)(r), "deals and events make it"),
    "second": (other("fills", 0, second=86_400), "no second"),
    "event": (other("events", 0, shares_after=-1), "become -1"),
    "event cash": (lambda r: other("events", 0, cash=r.events[0].cash + 10)(r), "deals and events make it"),
    "unfilled": (other("unfilled", 0, shares=100, filled=100), "100 of 100 shares"),
    "a bare refusal": (lambda r: with_(unfilled=(next(r.refused[0].rows()),))(r), "without numbers"),
    "refusals of no day": (other("refused", 0, day=20300101), "refusals of a day without equity"),
    "refusals out of order": (lambda r: with_(refused=r.refused[::-1])(r), "refusals are not ascending"),
    "refusals twice": (lambda r: with_(refused=(r.refused[0], *r.refused))(r), "refusals are not ascending"),
    "a refusal without a time": (other("refused", 0, seconds=()), "were refused at 0 times"),
    "a refusal at no time": (other("refused", 0, seconds=(-1,), symbols=("600001.SH",)), "no second of a day"),
    "refusals in no order": (
        other("refused", 0, seconds=(36_060, 36_000), symbols=("600001.SH", "600002.SH")),
        "not in the order they",
    ),
    "open lost": (with_(open_positions=()), "the deals leave"),
    "open price": (other("open_positions", 0, price=1), "are worth"),
    "open twice": (lambda r: with_(open_positions=(*r.open_positions, r.open_positions[0]))(r), "the deals leave"),
    "nothing said": (with_(coverage=()), "nothing says what data"),
    "a session unsaid": (with_(coverage=(DAY,)), "20260102 had"),
    "coverage twice": (lambda r: with_(coverage=(*r.coverage, DAY))(r), "coverage are not ascending"),
    "coverage counts": (other("coverage", 0, stock_days_had=10**6), "stock-days"),
    "benchmark short": (with_(benchmark=Benchmark("x", 1, (1,))), "1 closes"),
    "benchmark zero": (lambda r: with_(benchmark=Benchmark("x", 0, (1,) * len(r.equity)))(r), "not above zero"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_what_is_spoilt_is_found(case: str) -> None:
    change, words = SPOILT[case]
    faults = faults_of(change(GOOD))
    assert any(words in fault for fault in faults), faults
    assert len(faults) <= FAULTS_MAX
