"""The recorder, and what a placed order counts as."""

import json
from pathlib import Path

import pytest

from common.domain.values import Board
from services.cli.accept.desk import OTHER_EXCHANGES
from services.cli.accept.mask import Mask
from services.cli.accept.recorder import Recorder
from services.cli.accept.run import Placed, ended_well
from services.cli.accept.told import short
from services.cli.check import board_of
from services.cli.doctor.finding import Finding, Verdict
from services.cli.doctor.report import found_text, red_lines
from services.cli.home import Home
from services.cli.session import Session
from tests.fakes.plain_client import ACCOUNT


def test_a_row_is_on_disk_before_the_next_step_and_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "accept" / "x.jsonl"
    with Recorder(path, Mask(ACCOUNT), 1_000_000_000) as book:
        book.write("call", 1_500_000_000, name="asset", answer={"account_id": ACCOUNT, "odd": object})
        row = json.loads(path.read_text("utf-8"))
        assert (row["since_ms"], row["answer"]["account_id"]) == (500, "<account-1>")
        assert book.rows[0]["answer"]["account_id"] == ACCOUNT, "ours to work with"
    assert path.parent.stat().st_mode & 0o777 == 0o700
    with pytest.raises(FileExistsError):
        Recorder(path, Mask(ACCOUNT), 0)


@pytest.mark.parametrize(
    ("state", "filled", "well"),
    [(54, 0, True), (53, 100, False), (54, 100, False), (57, 0, False), (50, 0, False), (0, 0, False)],
)
def test_only_a_cancelled_order_without_a_deal_ended_well(state: int, filled: int, well: bool) -> None:
    assert ended_well(Placed("r", 1, state, filled)) is well


def test_long_texts_are_cut() -> None:
    assert short("x" * 90) == "x" * 90
    assert len(short("x" * 91)) == 90


def test_what_is_red_is_told_with_its_fix(tmp_path: Path) -> None:
    session = Session("en", Home(tmp_path))
    ended = Finding("calendar", Verdict.FAIL, {"until": 20261231}, "ended")
    assert found_text(session, ended) == "ends on 2026-12-31, before today"
    (line,) = red_lines(session, [ended])
    assert line.startswith("- calendar: ends on 2026-12-31, before today → Extend it")


def test_a_stock_of_every_board_and_exchange_is_kept_whole() -> None:
    assert {board_of(code) for code in OTHER_EXCHANGES} == set(Board)
    assert {code[-2:] for code in OTHER_EXCHANGES} == {"SH", "SZ", "BJ"}
