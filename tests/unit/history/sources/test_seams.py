"""Where new rows meet old ones: anchors, breaks, ex-days right behind, days that nobody told of, what is kept."""

from pathlib import Path

import polars as pl

from common.domain.calendar import Calendar
from common.history import schema
from common.history.sources import keeping, seams
from common.history.sources.cells import Defect
from common.history.sources.complete import Before, Dividend, Facts, Listing
from common.history.sources.journal import Journal
from common.history.sources.source import Answer, Ask, Kind
from common.history.sources.tables import DIVIDENDS, framed
from common.history.store import polars_schema, read_table

DAYS = [20260105, 20260106, 20260107, 20260108, 20260109]
CALENDAR = Calendar(DAYS)
STOCK = "600000.SH"


def daily(*rows: tuple[int, int, int]) -> pl.DataFrame:
    """Rows of day, close and factor, the rest alike."""
    made = [
        {**dict.fromkeys(schema.DAILY, 0), "day": day, "symbol": STOCK, "prev_close": close, "close": close,
         "factor_e9": factor, "volume": 100, "suspended": False}
        for day, close, factor in rows
    ]  # fmt: skip
    return pl.DataFrame(made, schema=polars_schema(schema.DAILY))


def facts(before: dict[str, Before] | None = None) -> Facts:
    return Facts(CALENDAR, {STOCK: Listing(19991110, 0)}, before or {}, {})


def test_new_rows_take_the_anchor_of_those_behind() -> None:
    new = daily((20260105, 10_000, 10**9), (20260106, 10_000, 10**9))
    last = {STOCK: Before(20260106, 10_000, 10**9, 0)}
    fitted = seams.joined(new, last, {STOCK: seams.Neighbour(20260107, 5_000, 3 * 10**9)}, facts())
    # The row behind has factor 3 and half the price: what lies before it has 1.5.
    assert fitted.daily["factor_e9"].to_list() == [1_500_000_000] * 2
    assert (fitted.breaks, fitted.back, fitted.untold) == ([], {}, {})


def test_rows_between_two_others_pull_the_earlier_ones_along() -> None:
    before = {STOCK: Before(20260105, 10_000, 2 * 10**9, 0)}
    new = daily((20260106, 10_000, 2 * 10**9))
    last = {STOCK: Before(20260106, 10_000, 2 * 10**9, 0)}
    fitted = seams.joined(new, last, {STOCK: seams.Neighbour(20260107, 10_000, 10**9)}, facts(before))
    assert fitted.daily["factor_e9"].to_list() == [10**9]
    assert fitted.back == {STOCK: (10**9, 2 * 10**9)}


def test_holes_are_breaks_and_untold() -> None:
    before = {STOCK: Before(20260105, 10_000, 10**9, 0)}
    last = {STOCK: Before(20260107, 10_000, 10**9, 0)}
    fitted = seams.joined(daily((20260107, 10_000, 10**9)), last, {}, facts(before))
    assert fitted.breaks == [(STOCK, 20260107)]
    assert fitted.untold == {STOCK: (20260106, 20260106)}
    behind = seams.joined(
        daily((20260107, 10_000, 10**9)), last, {STOCK: seams.Neighbour(20260109, 1, 1)}, facts(before)
    )
    assert behind.breaks == [(STOCK, 20260107), (STOCK, 20260109)]
    assert seams.joined(daily((20260107, 10_000, 10**9)), last, {}, facts()).untold == {STOCK: (19991110, 20260106)}


def test_breaks_that_are_mended_go() -> None:
    old = pl.DataFrame(
        [(STOCK, 20260106), (STOCK, 20260109), ("000001.SZ", 20260106)],
        schema=polars_schema(schema.BREAKS), orient="row",
    )  # fmt: skip
    last = {STOCK: Before(20260107, 10_000, 10**9, 0)}
    fitted = seams.joined(daily((20260106, 10_000, 10**9), (20260107, 10_000, 10**9)), last, {}, facts())
    assert sorted(seams.breaks_after(old, fitted).rows()) == [("000001.SZ", 20260106), (STOCK, 20260109)]


def test_an_ex_day_right_behind_new_rows_gets_its_event() -> None:
    last = {STOCK: Before(20260106, 10_000, 10**9, 0)}
    after = {STOCK: seams.Neighbour(20260107, 9_500, 10**9)}
    dividends = {(20260107, STOCK): Dividend(500_000, 0, 202601051800)}
    found = seams.edge_events(last, after, CALENDAR, dividends).rows()
    assert found == [(20260107, STOCK, 10_000, 9_500, 500_000, 0, 202601051800)]
    rights = {(20260107, STOCK): Dividend(100_000, 0, 202601051800)}
    assert seams.edge_events(last, after, CALENDAR, rights).rows()[0][4:6] == (0, 0)
    assert seams.edge_events(last, {STOCK: seams.Neighbour(20260108, 9_500, 1)}, CALENDAR, {}).is_empty()


def test_a_calendar_that_is_corrected_loses_the_day(tmp_path: Path) -> None:
    def calendar(**days: bool) -> pl.DataFrame:
        rows = [(int(day[1:]), is_open) for day, is_open in days.items()]
        return pl.DataFrame(rows, schema={"day": pl.Int32, "open": pl.Boolean}, orient="row")

    keeping.keep_basics(tmp_path, calendar(d20260105=True, d20260106=True), pl.DataFrame())
    keeping.keep_basics(tmp_path, calendar(d20260106=False, d20260107=True), pl.DataFrame())
    assert read_table(tmp_path, schema.CALENDAR_FILE)["day"].to_list() == [20260105, 20260107]
    assert keeping.st_stocks(tmp_path, 20260105) == frozenset()


def test_the_journal_keeps_counts_and_forgets(tmp_path: Path) -> None:
    journal, ask = Journal(tmp_path, "vendor"), Ask(Kind.DIVIDENDS, 20260105, 20260105, STOCK)
    row = {"day": 20260105, "symbol": STOCK, "cash_e6": 1, "bonus_e6": 0, "known_at": 0}
    answer = Answer(framed([row], DIVIDENDS), {Defect.BAD_DAY: 2})
    assert not journal.has(ask)
    journal.keep(ask, answer)
    again = Journal(tmp_path, "vendor")
    assert again.has(ask)
    assert again.rows(Kind.DIVIDENDS, [ask, ask]).height == 1
    assert again.defects([ask]) == {"BAD_DAY": 2}
    again.mark_appended([ask])
    assert Journal(tmp_path, "vendor").appended(ask)
    assert not Journal(tmp_path, "vendor").has(ask)
    again.forget([ask])
    assert not Journal(tmp_path, "vendor").appended(ask)
    # A note without its file is a read to do again.
    journal.keep(ask, answer)
    (journal.folder / f"{ask.key}.parquet").unlink()
    assert not Journal(tmp_path, "vendor").has(ask)
