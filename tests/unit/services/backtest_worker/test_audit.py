"""An audit finds what looks ahead, in the screen or in the bars, and passes what does not."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from common.domain.errors import UserError
from common.history import schema
from common.history.daily import History
from common.history.store import read_table
from common.runtime.config import parse_config, rule_params, rules_of
from common.runtime.screens import load_screens
from services.backtest_worker.account import DeskSettings
from services.backtest_worker.adapters import days as days_module
from services.backtest_worker.adapters.futures import KINDS, SHUFFLED, TRUNCATED, Moment, write_future
from services.backtest_worker.audit import Audit, audit_lookahead
from services.backtest_worker.job import Job
from tests.unit.services.backtest_worker.minutes import DAYS, FIRST, LABELS, LAST, TOUCHED, UP, make

CUT = Moment(FIRST, LABELS[20])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("history"))


def job(folder: Path, cache: Path, **screen: Any) -> Job:
    config = parse_config({"screens": {"limit_up": screen}} if screen else {}, "test")
    return Job(
        rules_of(config)["limit_up"], rule_params(config, "limit_up"), load_screens(config)["limit_up"], folder, FIRST,
        LAST, "compiled", 5, DeskSettings(), ("expected",), cache,
    )  # fmt: skip


def audited(folder: Path, cache: Path) -> Audit:
    return audit_lookahead(job(folder, cache), 4, lambda *_: None)


@pytest.mark.parametrize("kind", KINDS)
def test_another_future_keeps_what_was_known(folder: Path, tmp_path: Path, kind: str) -> None:
    write_future(folder, tmp_path / "other", CUT, kind, 5, 1)
    name = f"{schema.DAILY_FOLDER}/{FIRST // 10_000}.parquet"
    was, now = read_table(folder, name), read_table(tmp_path / "other", name)
    early = pl.col("day") < FIRST
    assert was.filter(early).equals(now.filter(early))
    pre_open = [*schema.KEYS[schema.DAILY_FOLDER], *schema.PRE_OPEN_COLUMNS]
    assert was.filter(day=FIRST).select(pre_open).equals(now.filter(day=FIRST).select(pre_open))
    minutes = schema.part_of("minute5", FIRST)
    bars, other = read_table(folder, minutes), read_table(tmp_path / "other", minutes)
    known = (pl.col("day") == FIRST) & (pl.col("label_s") <= CUT.second)
    assert bars.filter(known).equals(other.filter(known))
    later = (pl.col("day") == FIRST) & (pl.col("label_s") > CUT.second) & (pl.col("symbol") == TOUCHED)
    assert not bars.filter(later).equals(other.filter(later))
    if kind == TRUNCATED:
        assert other.filter(later)["volume"].sum() == 0
        assert now.filter(pl.col("day") > FIRST).is_empty()
        assert History(tmp_path / "other").pre_open(FIRST).day.tolist() == [FIRST] * 3
    elif kind == SHUFFLED:
        assert sorted(was["close"].to_list()) == sorted(now["close"].to_list())


def test_the_rules_do_not_look_ahead(folder: Path, tmp_path: Path) -> None:
    found = audited(folder, tmp_path)
    assert found.findings == ()
    assert found.orders >= 2
    assert len(found.moments) == 4
    assert FIRST in {moment.day for moment in found.moments}


def test_bars_that_come_one_too_early_are_found_out(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = days_module._Minutes.day

    def cheating(self: Any, day: int) -> Any:
        first_row, columns, auction = honest(self, day)
        return first_row + (first_row >= 0), columns, auction

    monkeypatch.setattr(days_module._Minutes, "day", cheating)
    found = audited(folder, tmp_path)
    assert {finding.moment.day for finding in found.findings} >= {FIRST}
    assert any(sent.symbol == TOUCHED for finding in found.findings for sent in (*finding.gone, *finding.new))


def test_a_pool_of_tomorrow_is_found_out(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = days_module.HistoryDays._pool

    def cheating(self: Any, screened: Any) -> Any:
        rows, known = honest(self, screened)
        bars = self._minutes.day(screened.day)
        last = bars[0][rows.stocks] + len(LABELS) - 1
        falls = bars[1].close[last] < UP  # buys only what will not stay at its limit
        return rows._replace(stocks=rows.stocks[falls], context=rows.context[falls]), known

    monkeypatch.setattr(days_module.HistoryDays, "_pool", cheating)
    found = audited(folder, tmp_path)
    assert any(finding.kind == TRUNCATED for finding in found.findings)


def test_nothing_to_audit_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="sends no order"):
        audit_lookahead(job(folder, tmp_path, float_value_max=2_500_000_000), 2, lambda *_: None)
    assert DAYS[80] == FIRST
