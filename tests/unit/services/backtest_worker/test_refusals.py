"""Refusals are kept once a stock, day and reason, in the order of time and symbol."""

import numpy as np

from common.backtests.result import Refused, refused_of
from common.domain.reasons import Reason
from services.backtest_worker.refusals import Refusals

SYMBOLS = ("600002.SH", "000001.SZ", "300001.SZ")
LABELS = (34_500, 34_800, 35_100)


def stocks(*ids: int) -> np.ndarray:
    return np.array(ids, np.int64)


def test_a_refusal_is_told_once_a_day_and_reason_by_time_then_symbol() -> None:
    told = Refusals("limit_up", SYMBOLS)
    told.open_day(20250701, LABELS)
    told.add(stocks(0, 1), 1, Reason.SLOTS_FULL)
    told.add(stocks(2), 0, Reason.SLOTS_FULL)
    told.add(stocks(0, 2), 2, Reason.SLOTS_FULL)
    told.add(stocks(0), 2, Reason.BELOW_ONE_LOT)
    told.open_day(20250702, LABELS)
    told.add(stocks(1, 0), stocks(2, 0), Reason.SLOTS_FULL)
    rows = told.rows()
    assert {(row.day, row.reason): (row.symbols, row.seconds) for row in rows} == {
        (20250701, Reason.SLOTS_FULL): (("300001.SZ", "000001.SZ", "600002.SH"), (34_500, 34_800, 34_800)),
        (20250701, Reason.BELOW_ONE_LOT): (("600002.SH",), (35_100,)),
        (20250702, Reason.SLOTS_FULL): (("600002.SH", "000001.SZ"), (34_500, 35_100)),
    }
    assert list(rows) == sorted(rows, key=lambda row: (row.day, row.reason))


def test_rows_one_by_one_come_together_again() -> None:
    told = Refusals("limit_up", SYMBOLS)
    told.open_day(20250701, LABELS)
    told.add(stocks(2, 1, 0), stocks(0, 0, 2), Reason.SLOTS_FULL)
    rows = told.rows()
    assert refused_of(reversed([one for row in rows for one in row.rows()])) == rows
    assert refused_of([]) == ()
    assert isinstance(rows[0], Refused)
