"""What people get: yuan, adjusted as of the day that asks, nothing later."""

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from common.domain.errors import HistoryError
from common.history import people, schema
from common.history.daily import History
from common.history.store import polars_schema
from common.history.writer import append_minutes, append_table
from tests.unit.history.folder import E9, daily_row, frame, weekdays, write_folder

A, B = "000001.SZ", "600000.SH"
DAYS = weekdays(date(2026, 1, 5), 30)
ASKING = DAYS[20]


def bar(day: int, symbol: str, label_s: int, close: int) -> dict[str, Any]:
    return {"day": day, "symbol": symbol, "label_s": label_s, "open": close, "high": close, "low": close,
            "close": close, "volume": 100, "turnover": 100 * close}  # fmt: skip


@pytest.fixture
def history(tmp_path: Path) -> History:
    """A splits two for one on session 15 and again on 25; B rests on session 18."""
    daily = []
    for at, day in enumerate(DAYS):
        halved = (at >= 15) + (at >= 25)
        daily.append(daily_row(day, A, 40_000 >> halved, factor_e9=E9 << halved))
        daily.append(daily_row(day, B, 5_000, suspended=at == 18))
    folder = write_folder(tmp_path, DAYS, daily, listed={B: DAYS[10]}, delisted={A: DAYS[28]})
    append_minutes(folder, 5, pl.DataFrame(
        [bar(DAYS[at], A, 34_500, 40_000 >> (at >= 15)) for at in (14, 15, 19, 20, 21)], schema=polars_schema(schema.MINUTES)
    ))  # fmt: skip
    return History(folder)


def test_daily_bars_are_adjusted_as_of_the_day_that_asks(history: History) -> None:
    frame = history.daily(A, ASKING, 8)
    assert frame["date"].tolist() == [pd.Timestamp(str(day)) for day in DAYS[12:20]]
    assert frame["close"].tolist() == [20.0] * 8, "the split of session 15 is known, that of 25 is not"
    assert frame["volume"].tolist() == [1_000_000] * 8
    assert history.daily(A, DAYS[27], 8)["close"].tolist() == [10.0] * 8
    assert history.daily(A, ASKING, 8, adjusted=False)["close"].tolist() == [40.0] * 3 + [20.0] * 5


def test_several_stocks_and_a_day_without_trading(history: History) -> None:
    frame = history.daily([B, A], ASKING, 3)
    assert frame["symbol"].tolist() == [A] * 3 + [B] * 3
    rest = frame.iloc[4]
    assert bool(rest["suspended"])
    assert pd.isna(rest["close"])
    assert rest["prev_close"] == 5.0


def test_minute_bars_end_the_session_before(history: History) -> None:
    frame = history.bars(A, ASKING, 10)
    assert frame["time"].tolist() == [pd.Timestamp(f"{DAYS[at]} 09:35") for at in (14, 15, 19)]
    assert frame["close"].tolist() == [20.0, 20.0, 20.0]
    assert history.bars(A, ASKING, 10, adjusted=False)["close"].tolist() == [40.0, 20.0, 20.0]
    assert frame["turnover"].tolist() == [4000.0, 2000.0, 2000.0]


def test_the_universe_of_a_day(history: History) -> None:
    spells = [
        {"symbol": A, "first_day": DAYS[3], "last_day": DAYS[19], "state": 1, "known_at": 0, "end_known_at": DAYS[20] * 10_000},
        {"symbol": B, "first_day": DAYS[3], "last_day": 0, "state": 3, "known_at": 0, "end_known_at": 0},
    ]  # fmt: skip
    append_table(history.folder, schema.ST_FILE, frame(schema.ST_FILE, spells))
    table = History(history.folder).universe(DAYS[18]).set_index("symbol")
    assert table.index.tolist() == [A, B], "delisted later or not"
    assert table["st"].to_dict() == {A: "st", B: "unknown"}
    assert table["suspended"].to_dict() == {A: False, B: True}
    assert table["board"].tolist() == ["main", "main"]
    assert table.loc[A, "up_limit"] == 22.0
    assert "close" not in table.columns
    assert History(history.folder).universe(ASKING).set_index("symbol")["st"][A] == "no"


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda history: history.daily("600999.SH", ASKING, 5), r"knows no 600999\.SH"),
        (lambda history: history.bars(B, ASKING, 5), "no bars of 5 minutes of 600000"),
        (lambda history: history.bars(A, ASKING, 5, interval=7), "bars of 7 minutes are not kept"),
        (lambda history: history.bars(A, ASKING, 5, interval=1), "no bars of 1 minutes"),
    ],
)
def test_what_is_not_there_is_one_line(history: History, ask: Any, words: str) -> None:
    with pytest.raises(HistoryError, match=words):
        ask(history)


def test_one_symbol_or_several(history: History) -> None:
    assert people.listed(history, A) == [A]
    assert people.listed(history, [B, A]) == [B, A]


def test_rows_that_do_not_go_on_are_named(history: History) -> None:
    append_table(history.folder, schema.BREAKS_FILE, frame(schema.BREAKS_FILE, [{"symbol": A, "day": DAYS[19]}]))
    again = History(history.folder)
    assert len(again.daily(A, ASKING, 8)) == 1
    assert again.bars(A, ASKING, 10)["close"].notna().sum() == 1, "bars before the break cannot be adjusted"
