"""The shared folder becomes history: units, factors, breaks, suspended days, ST, limits; all or nothing, again the same."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from common.domain.calendar import to_date
from common.domain.errors import HistoryError
from common.history import schema
from common.history.daily import History
from common.history.importing_history import Imported, import_path
from common.history.importing_shared import is_shared
from common.history.store import check_manifest, read_manifest, read_table
from tests.unit.history.shared import sessions, shared_bars, shared_row, write_shared

A, OTHER, B, C, J = "000001.SZ", "000002.SZ", "600000.SH", "688001.SH", "920002.BJ"
DAYS = sessions(date(2026, 3, 2), 12)
E9 = 1_000_000_000


def untold(_what: str, _done: int, _of: int) -> None:
    """Tell nobody."""


def imported(tmp_path: Path, daily: list[dict[str, Any]], **more: Any) -> tuple[Path, Imported]:
    shared = write_shared(tmp_path / "shared", DAYS, daily, **more)
    return tmp_path / "history", import_path(shared, tmp_path / "history", None, untold)


def daily_of(folder: Path, symbol: str, year: int = 2026) -> pl.DataFrame:
    return read_table(folder, f"daily/{year}.parquet").filter(pl.col("symbol") == symbol)


def test_units_and_float_shares(tmp_path: Path) -> None:
    rows = [
        shared_row(DAYS[0], A, 10.25, volume=1_234_500, amount=12_653_625.5, turnover_rate=0.5),
        shared_row(DAYS[1], A, 10.25, float_shares=333, total_shares=444, turnover_rate=0.7),
    ]
    folder, _ = imported(tmp_path, rows)
    first, second = daily_of(folder, A).rows(named=True)
    assert (first["open"], first["high"], first["low"], first["close"]) == (10_250, 10_350, 10_150, 10_250)
    assert (first["volume"], first["turnover"]) == (1_234_500, 12_653_625_500)
    assert (first["float_shares"], second["float_shares"]) == (246_900_000, 333)
    assert (first["up_limit"], first["down_limit"]) == (0, 0), "published: none that day"
    shares = read_table(folder, schema.SHARES_FILE).rows(named=True)
    assert shares == [{"symbol": A, "first_day": DAYS[1], "total_shares": 444, "float_shares": 333,
                       "known_at": DAYS[1] * 10_000 + 1800}]  # fmt: skip
    check_manifest(folder, content=True)


def test_factors_grow_from_the_first_row_and_know_nothing_of_later_events(tmp_path: Path) -> None:
    rows = [
        shared_row(DAYS[0], A, 10.0, adj_factor=0.5),
        shared_row(DAYS[1], A, 8.0, adj_factor=0.6, pre_close=8.33),
        shared_row(DAYS[2], A, 8.0, adj_factor=0.6),
    ]
    folder, _ = imported(tmp_path, rows)
    assert daily_of(folder, A)["factor_e9"].to_list() == [E9, 12 * E9 // 10, 12 * E9 // 10]
    events = read_table(folder, schema.EX_EVENTS_FILE).rows(named=True)
    assert [(row["day"], row["prev_close"], row["reference"]) for row in events] == [(DAYS[1], 10_000, 8_330)]
    assert events[0]["known_at"] <= schema.known_at_of(DAYS[1])


def test_series_are_joined_by_prices_never_by_factors(tmp_path: Path) -> None:
    rows = [
        shared_row(DAYS[0], A, 10.0, "A", adj_factor=1.0),
        shared_row(DAYS[1], A, 9.9, "B", adj_factor=0.2, pre_close=9.8),
        shared_row(DAYS[2], A, 9.9, "B", adj_factor=0.3, pre_close=9.9),
    ]
    folder, _ = imported(tmp_path, rows)
    factors = daily_of(folder, A)["factor_e9"].to_list()
    assert factors[:2] == [E9, round(E9 * 10.0 / 9.8)]
    assert factors[2] == pytest.approx(factors[1] * 1.5, abs=1), "within a series the source's own steps count"
    assert read_table(folder, schema.BREAKS_FILE).is_empty()


@pytest.mark.parametrize(
    "second",
    [
        {"series": "B", "pre_close": None},  # the other series does not say what its first row goes on from
        {"series": "A", "day": 3},  # sessions are missing
    ],
)
def test_what_does_not_go_on_is_a_break(tmp_path: Path, second: dict[str, Any]) -> None:
    changes = dict(second)
    day = DAYS[changes.pop("day", 1)]
    rows = [shared_row(DAYS[0], A, 10.0, adj_factor=0.5), shared_row(day, A, 10.0, **{"adj_factor": 0.7} | changes)]
    folder, _ = imported(tmp_path, rows)
    assert read_table(folder, schema.BREAKS_FILE).rows() == [(A, day)]
    assert daily_of(folder, A)["factor_e9"].to_list() == [E9, E9]
    assert read_table(folder, schema.EX_EVENTS_FILE).is_empty()


def test_a_suspended_day_without_a_row_is_filled_in(tmp_path: Path) -> None:
    rows = [shared_row(day, OTHER, 5.0, "C") for day in DAYS]
    rows += [shared_row(day, A, 10.0, "C", float_shares=100) for day in (DAYS[0], DAYS[3])]
    rows += [shared_row(DAYS[0], J, 10.0, "C"), shared_row(DAYS[2], J, 10.0, "C")]
    folder, _ = imported(tmp_path, rows, listed={A: DAYS[0], OTHER: 20100104, J: DAYS[0]})
    filled = daily_of(folder, A)
    assert filled["day"].to_list() == DAYS, "up to the end of the data: it is still listed"
    assert filled["suspended"].to_list() == [day not in (DAYS[0], DAYS[3]) for day in DAYS]
    row = filled.row(1, named=True)
    assert (row["prev_close"], row["close"], row["volume"], row["float_shares"]) == (10_000, 0, 0, 100)
    assert daily_of(folder, J)["day"].to_list() == [DAYS[0], DAYS[2]], "no Beijing stock has a row on the day between"
    assert read_table(folder, schema.BREAKS_FILE).rows() == [(J, DAYS[2])]


def test_limits_of_the_rulebook_where_none_are_published(tmp_path: Path) -> None:
    rows = [
        shared_row(DAYS[1], A, 10.0),
        shared_row(DAYS[1], B, 10.0, is_st=True),
        shared_row(DAYS[1], C, 10.0),
        shared_row(DAYS[2], A, 10.0, "C", up_limit=12.34, down_limit=8.0),
    ]
    folder, _ = imported(tmp_path, rows, listed={A: 20100104, B: 20100104, C: DAYS[0]})
    band = {row["symbol"]: (row["up_limit"], row["down_limit"]) for row in daily_of(folder, A).head(1).rows(named=True)}
    band |= {s: daily_of(folder, s).select("up_limit", "down_limit").row(0) for s in (B, C)}
    assert band == {A: (11_000, 9_000), B: (10_500, 9_500), C: (0, 0)}
    assert daily_of(folder, A).select("up_limit", "down_limit").row(1) == (12_340, 8_000)


def test_st_spells_and_what_nobody_knows(tmp_path: Path) -> None:
    states = [False, True, True, False, None, False]
    rows = [shared_row(day, A, is_st=state) for day, state in zip(DAYS, states, strict=False)]
    rows += [shared_row(day, B) for day in DAYS[:6]]
    folder, _ = imported(tmp_path, rows, listed={A: DAYS[0], B: 20100104})
    spells = read_table(folder, schema.ST_FILE).select("symbol", "first_day", "last_day", "state").rows()
    assert spells == [
        (A, DAYS[1], DAYS[2], schema.ST_STATE),
        (A, DAYS[4], DAYS[4], schema.UNKNOWN_STATE),
        (B, 20100104, 20260227, schema.UNKNOWN_STATE),
    ]
    history = History(folder)
    assert history.st_intervals(DAYS[1]).filter(pl.col("symbol") == A).height == 1
    assert history.st_intervals(DAYS[2]).filter(pl.col("symbol") == A)["last_day"].to_list() == [0]


def test_stocks_that_are_gone_stay_in_past_universes(tmp_path: Path) -> None:
    rows = [shared_row(day, A, 10.0, "C") for day in DAYS] + [shared_row(day, OTHER, 10.0, "C") for day in DAYS[:4]]
    folder, _ = imported(tmp_path, rows, gone=(OTHER,), names=[(OTHER, "退市某某", DAYS[2], DAYS[5])])
    assert daily_of(folder, OTHER)["day"].to_list() == DAYS[:6], "suspended until its last name"
    history = History(folder)
    assert history.instruments(DAYS[5])["symbol"].to_list() == [A, OTHER]
    assert history.instruments(DAYS[6])["symbol"].to_list() == [A]
    assert history.names(DAYS[1])[1] == OTHER, "a later name is not told"
    assert history.names(DAYS[2])[1] == "退市某某"
    assert history.st_intervals(DAYS[3]).filter(pl.col("last_day") == 0)["state"].to_list() == [schema.DELISTING_STATE]


def test_minutes_come_along(tmp_path: Path) -> None:
    folder, made = imported(tmp_path, [shared_row(DAYS[0], A)], minute5=shared_bars(DAYS[0], A))
    bars = read_table(folder, "minute5/2026-03.parquet")
    assert bars.select("day", "symbol", "label_s", "close", "turnover").rows() == [
        (DAYS[0], A, 34_500, 10_000, 1_000_000), (DAYS[0], A, 34_800, 10_000, 1_000_000),
    ]  # fmt: skip
    assert made.rows["minute5"] == 2


def test_again_changes_nothing_and_more_goes_on(tmp_path: Path) -> None:
    rows = [shared_row(day, A, 10.0, is_st=True) for day in DAYS[:4]]
    folder, _ = imported(tmp_path, rows, listed={A: DAYS[0]})
    before = read_manifest(folder)
    _, again = imported(tmp_path, rows, listed={A: DAYS[0]})
    assert not any(again.changed.values())
    assert read_manifest(folder) == before
    more = [shared_row(DAYS[4], A, 8.0, pre_close=8.0), shared_row(DAYS[5], A, 8.0, is_st=True)]
    imported(tmp_path, more)
    assert daily_of(folder, A)["factor_e9"].to_list() == [E9] * 4 + [E9 * 10 // 8] * 2
    assert read_table(folder, schema.BREAKS_FILE).is_empty()
    spells = read_table(folder, schema.ST_FILE).select("first_day", "last_day").rows()
    assert spells == [(DAYS[0], DAYS[3]), (DAYS[5], 0)], "the open spell ended where the new rows say so"


def test_rows_that_come_earlier_or_later_than_a_hole_do_not_go_on(tmp_path: Path) -> None:
    folder, _ = imported(tmp_path, [shared_row(day, A) for day in DAYS[4:6]])
    imported(tmp_path, [shared_row(day, A) for day in DAYS[8:10]])
    assert read_table(folder, schema.BREAKS_FILE).rows() == [(A, DAYS[8])]
    imported(tmp_path, [shared_row(day, A) for day in DAYS[2:4]])
    assert read_table(folder, schema.BREAKS_FILE).rows() == [(A, DAYS[8])], "prices go on from the older rows"
    imported(tmp_path, [shared_row(DAYS[0], A, 99.0)])
    assert read_table(folder, schema.BREAKS_FILE).rows() == [(A, DAYS[2]), (A, DAYS[8])]


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda folder: (folder / "minute5.parquet").write_bytes(b"PAR1 cut"), "not readable as Parquet"),
        (lambda folder: (folder / "instruments.parquet").unlink(), "has no instruments"),
        (
            lambda folder: pl.DataFrame({"date": [to_date(DAYS[0])]}).write_parquet(folder / "minute5.parquet"),
            "are missing",
        ),
        (lambda folder: (folder / "daily.parquet").unlink(), "neither a shared data folder"),
    ],
)
def test_a_bad_file_leaves_everything_as_it_was(tmp_path: Path, harm: Any, words: str) -> None:
    folder, _ = imported(tmp_path, [shared_row(DAYS[0], A)])
    before = read_manifest(folder)
    shared = write_shared(tmp_path / "bad", DAYS, [shared_row(DAYS[1], A)], minute5=shared_bars(DAYS[1], A))
    assert is_shared(shared)
    harm(shared)
    with pytest.raises(HistoryError, match=words):
        import_path(shared, folder, None, untold)
    assert read_manifest(folder) == before
    check_manifest(folder, content=True)
