"""Positions, account, fills and orders as tables and as JSON; amounts, reasons and names as people read them."""

import json
from pathlib import Path

import pytest

from common.domain.calendar import ts_of
from common.domain.reasons import Reason
from common.domain.values import Side, push_id
from common.messages.orders import (
    Account,
    AccountOpened,
    DayResult,
    EventRow,
    Events,
    EventsRequest,
    OrderFilled,
    PositionRow,
    Positions,
)
from common.messages.outputs import Message
from services.cli import books, show
from services.cli.render import account_lines, positions_table
from tests.unit.services.cli.fakes import run

DAY = 20260105
ROW = PositionRow(
    "600519.SH", 300, 200, 3_660_000, 12_340, 3_702_000, "limit_up", DAY, frozen=77, bought_today=23, tax_due=45_670
)
ACCOUNT = Account(
    cash=996_000_000, frozen=0, withdrawable=996_000_000, market_value=3_702_000, equity=999_702_000, fees_total=5_000,
    day=DAY, start_cash=1_000_000_000, days=(DayResult(DAY, 999_702_000, 996_000_000, 3_702_000, 5_000, -298_000, taxes=6_540),),
    taxes_total=7_650, dividends_total=38_250, sold_today=8_760,
)  # fmt: skip


def fill(seq: int, second: int = 34_500, tax: int = 0) -> EventRow:
    event = OrderFilled(
        "260105ABCDEFGHJKMNPQ", f"d{seq}", "600519.SH", Side.BUY, 300, 12_200, 5_000, ts_of(DAY, second), "limit_up",
        Reason.LIMIT_UP_TOUCH, tax,
    )  # fmt: skip
    return EventRow(seq, push_id(DAY, seq), 1, event)


def paged(rows: list[EventRow], page: int) -> object:
    def answer(message: Message) -> Message:
        assert isinstance(message, EventsRequest)
        wanted = [row for row in rows if row.seq >= message.from_seq][:page]
        return Events(tuple(wanted), rows[-1].seq if rows else 0)

    return answer


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0.00"), (1_234_567_890, "1,234,567.89"), (-1_005, "-1.005"), (999, "0.999"), (-500, "-0.50")],
)
def test_amounts(amount: int, text: str) -> None:
    assert show.yuan(amount) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("last", 12_340, "12.34"),
        ("up_limit", 13_570, "13.57"),
        ("free_cash", 1_234_000, "1,234.00"),
        ("amplitude_bp", 1_512, "15.12%"),
        ("cancel_at_s", 53_790, "14:56:30"),
        ("shares", 1200, "1200"),
        ("sessions_held", 2, "2"),
        ("opened_day", DAY, "2026-01-05"),
    ],
)
def test_named_numbers(name: str, value: int, text: str) -> None:
    assert show.number_text(name, value) == text


def test_numbers_that_stand_for_words_are_words() -> None:
    numbers = {"phase": 6, "board": 2, "float_value": 5_230_000_000_000, "last": 12_340}
    assert show.numbers_text("zh", numbers) == "时段=已收盘 板块=创业板 流通市值=52.30亿 最新价=12.34"
    assert show.numbers_text("en", numbers) == "phase=closed board=ChiNext float value=5.23bn last=12.34"


def test_tables_line_up_with_wide_letters() -> None:
    lines = show.table(("代码", "n"), (("平安银行", 1), ("x", 22)), right=(1,)).splitlines()
    assert {show.width(line) for line in lines} == {12}
    assert lines[2] == "x         22"


def test_positions(tmp_path: Path) -> None:
    answers = {("order_gateway", "PositionsRequest"): Positions((ROW,))}
    result, _ = run(tmp_path, "positions", answers, lang="zh")
    assert all(text in result.stdout for text in ("可卖", "600519.SH", "200", "12.20", "12.34", "3,702.00", "+42.00"))
    assert all(text in result.stdout for text in ("冻结", "77", "应缴红利税", "45.67"))
    english, _ = run(tmp_path, "positions", answers, lang="en")
    assert all(text in english.stdout for text in ("frozen", "77", "tax due", "45.67"))
    as_json, _ = run(tmp_path, "positions --json", answers)
    assert json.loads(as_json.stdout) == [show.plain(ROW)]
    found = json.loads(as_json.stdout)[0]
    assert (found["market_value"], found["frozen"], found["tax_due"]) == (3_702_000, 77, 45_670)
    assert positions_table("en", ()) == "No positions."


def test_account(tmp_path: Path) -> None:
    answers = {("order_gateway", "AccountRequest"): ACCOUNT}
    result, _ = run(tmp_path, "account", answers)
    assert all(text in result.stdout for text in ("999,702.00", "gain -298.00 yuan", "2026-01-05", "5.00"))
    as_json, _ = run(tmp_path, "account --json", answers)
    found = json.loads(as_json.stdout)
    assert (found["days"][0]["pnl"], found["days"][0]["taxes"]) == (-298_000, 6_540)
    assert (found["withdrawable"], found["sold_today"], found["taxes_total"]) == (996_000_000, 8_760, 7_650)
    assert all(
        text in result.stdout for text in ("withdrawable", "sold today", "8.76", "dividend tax", "7.65", "38.25")
    )
    chinese, _ = run(tmp_path, "account", answers, lang="zh")
    assert all(
        text in chinese.stdout for text in ("可取", "今日卖出", "8.76", "累计红利税", "7.65", "累计现金红利", "6.54")
    )
    assert "累计盈亏 -298.00 元" in account_lines("zh", ACCOUNT)


def test_fills_are_read_page_by_page(tmp_path: Path) -> None:
    opened = EventRow(1, 0, 0, AccountOpened(1_000_000_000, "paper"))
    rows = [opened, *(fill(seq) for seq in range(2, 8))]
    result, link = run(tmp_path, "fills", {("order_gateway", "EventsRequest"): paged(rows, 2)})  # type: ignore[dict-item]
    assert result.stdout.count("600519.SH") == 6
    assert [message.from_seq for _, message, _ in link.asked if isinstance(message, EventsRequest)] == [1, 3, 5, 7]
    assert all(text in result.stdout for text in ("09:35:00", "3,660.00", "touched its up limit"))
    taxed, _ = run(tmp_path, "fills", {("order_gateway", "EventsRequest"): paged([fill(1, tax=4_320)], 9)})  # type: ignore[dict-item]
    assert "4.32" in taxed.stdout


def test_fills_of_another_day(tmp_path: Path) -> None:
    result, _ = run(tmp_path, "fills --date 2026-01-06", {("order_gateway", "EventsRequest"): paged([fill(2)], 9)})  # type: ignore[dict-item]
    assert result.stdout.strip() == "No fills."
    as_json, _ = run(tmp_path, "fills --json", {("order_gateway", "EventsRequest"): paged([fill(2)], 9)})  # type: ignore[dict-item]
    assert json.loads(as_json.stdout)[0]["fill"]["price"] == 12_200


@pytest.mark.parametrize(
    ("since", "seqs"),
    [
        ("4", [4, 5]),
        ("09:35:05", [5]),
        ("09:35", [2, 4, 5]),
        ("2026-01-05 09:35:01", [4, 5]),
        ("2026-01-05T09:35:01", [4, 5]),
        ("20260106", []),
        ("0", [2, 4, 5]),
    ],
)
def test_fills_since_a_row_or_a_time(tmp_path: Path, since: str, seqs: list[int]) -> None:
    opened = EventRow(1, 0, 0, AccountOpened(1_000_000_000, "paper"))
    rows = [opened, fill(2, 34_500), EventRow(3, 0, 0, opened.event), fill(4, 34_502), fill(5, 34_505)]
    answers = {("order_gateway", "EventsRequest"): paged(rows, 9), ("order_gateway", "AccountRequest"): ACCOUNT}
    result, _ = run(tmp_path, ["fills", "--since", since, "--json"], answers)  # type: ignore[arg-type]
    assert result.exit_code == 0, result.stderr
    assert [row["seq"] for row in json.loads(result.stdout)] == seqs


def test_a_bare_time_goes_with_a_date_and_bad_ones_are_one_line(tmp_path: Path) -> None:
    answers = {("order_gateway", "EventsRequest"): paged([fill(2)], 9)}
    result, _ = run(tmp_path, "fills --date 2026-01-05 --since 09:36 --json", answers)  # type: ignore[arg-type]
    assert json.loads(result.stdout) == []
    for since in ("yesterday", "25:00", "2026-01-05 9h", "-3", "20261399"):
        bad, link = run(tmp_path, ["fills", "--since", since], answers)  # type: ignore[arg-type]
        assert (bad.exit_code, link.asked) == (2, [])
        (line,) = bad.stderr.splitlines()
        assert since in line
    both, _ = run(tmp_path, ["fills", "--since", "7", "--date", "2026-01-05"], answers)  # type: ignore[arg-type]
    assert both.exit_code == 2


def test_an_empty_journal_has_no_fills() -> None:
    assert books.fills_in([]) == []


def test_json_names_enums_and_keeps_integers() -> None:
    assert show.plain({"reason": Reason.STALE, "rows": (ROW,)})["reason"] == "STALE"
    assert show.reason_line("en", Reason.T1_UNSELLABLE, {"sellable": 0}).endswith("[sellable=0]")
