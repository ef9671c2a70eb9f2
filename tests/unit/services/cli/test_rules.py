"""`pankou rules`: the dated rulebook at the command line, without a run, keys or configuration."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from common.domain.values import Board
from common.rules.tables import Exchange
from services.cli import rulebook, ruling
from services.cli.rulebook_page import rules_page
from tests.unit.services.cli.fakes import run


def ask(tmp_path: Path, *words: str) -> Any:
    result, link = run(tmp_path, ["rules", *words, "--json"])
    assert result.exit_code == 0, result.output
    assert link.asked == []
    return json.loads(result.output)


@pytest.mark.parametrize(
    ("words", "up", "down"),
    [
        ("600000.SH --date 2026-07-06 --prev-close 10.05", 11.06, 9.05),
        ("600000.SH --date 2026-07-03 --prev-close 10.05 --st", 10.55, 9.55),
        ("600000.SH --date 2026-07-06 --prev-close 10.05 --st", 11.06, 9.05),
        ("600182.SH --date 2026-07-06 --prev-close 10.05 --phase s_share", 10.55, 9.55),
        ("300059.SZ --date 2020-08-21 --prev-close 10.00", 11.0, 9.0),
        ("300059.SZ --date 2020-08-24 --prev-close 10.00 --st", 12.0, 8.0),
        ("688001.SH --date 2019-07-22 --phase ipo", None, None),
        ("688001.SH --date 2019-07-26 --listing-day 5", None, None),
        ("688001.SH --date 2019-07-29 --listing-day 6 --prev-close 50.00", 60.0, 40.0),
        ("920002.BJ --date 2026-01-26 --prev-close 40.75", 52.97, 28.53),
        ("601138.SH --date 2018-06-08 --phase ipo_band --prev-close 20.00", 28.8, 12.8),
        ("601138.SH --date 2018-06-11 --listing-day 2 --prev-close 28.80", 31.68, 25.92),
        ("601336.SH --date 2011-12-16 --phase ipo --listing-day 1", None, None),
        ("000004.SZ --date 2026-06-23 --phase delisting_first_day", None, None),
        ("000004.SZ --date 2026-06-24 --phase delisting --prev-close 0.31", 0.34, 0.28),
        ("300104.SZ --date 2020-06-05 --phase delisting_first_day_old --prev-close 2.00", 2.2, 1.8),
        # in its delisting period when the board widened its limits: stayed at 10 %
        ("300216.SZ --date 2020-08-24 --phase delisting --prev-close 0.50", 0.55, 0.45),
        ("000792.SZ --date 2021-08-10 --phase relisting_first_day", None, None),
        # listed on the last day of the approval system, asked on its second session: the day of listing decides
        ("601061.SH --date 2023-04-10 --listing-day 2 --listed 2023-04-07 --prev-close 10.00", 11.0, 9.0),
        ("601061.SH --date 2023-04-10 --listing-day 2 --prev-close 10.00", 11.0, 9.0),
    ],
)
def test_band(tmp_path: Path, words: str, up: float | None, down: float | None) -> None:
    assert ask(tmp_path, "band", *words.split()) == {"up_limit": up, "down_limit": down}


def test_cage(tmp_path: Path) -> None:
    words = ["cage", "600000.SH", "--date", "2026-01-05"]
    assert ask(tmp_path, *words, "--side", "buy", "--ask", "10.00") == {
        "base": 10.0, "low": None, "high": 10.2, "outside": "reject",
    }  # fmt: skip
    assert ask(tmp_path, *words, "--side", "sell", "--bid", "3.00")["low"] == 2.9  # ten ticks are more than 2 %
    assert ask(tmp_path, "cage", "600000.SH", "--date", "2023-04-07", "--side", "buy")["outside"] is None
    held = ask(tmp_path, "cage", "300059.SZ", "--date", "2023-04-07", "--side", "buy", "--last", "10.00")
    assert held["outside"] == "held"


def test_fee(tmp_path: Path) -> None:
    typed = "fee 600000.SH --date 2023-08-28 --side sell --shares 1000 --price 10.05 --commission 0.001"
    words = typed.split()
    inside = {
        "turnover": 10050.0,
        "commission": 10.05,
        "stamp_duty": 5.03,
        "transfer": 0.1,
        "handling": 0.34,
        "regulatory": 0.2,
        "total": 15.18,
        "charges_on_top": False,
    }
    assert ask(tmp_path, *words) == inside
    assert ask(tmp_path, *words, "--net") == inside | {"total": 15.72, "charges_on_top": True}
    assert ask(tmp_path, *words, "--commission", "0", "--commission-min", "0")["commission"] == 0


def test_show_names_every_rule_with_its_source(tmp_path: Path) -> None:
    shown = ask(tmp_path, "show", "600000", "--date", "2026-07-06")
    assert (shown["code"], shown["exchange"], shown["board"]) == ("600000.SH", "SSE", "main")
    rows = {row["id"]: row for row in shown["rules"]}
    assert {"main-st-10", "s-share-5", "cage-main", "stamp-sse", "dividend-tax-2015", "t-plus-1"} <= set(rows)
    assert not {"main-st-5", "cage-star", "stamp-szse", "chinext-20"} & set(rows)
    for row in rows.values():
        assert row["source"], row["id"]
        assert row["confidence"] in {"high", "medium", "low"}
        assert row["zh"], row["id"]
        assert row["en"], row["id"]
    assert rows["main-st-10"]["from"] == "2026-07-06"
    assert rows["main-st-10"]["to"] is None
    assert (shown["youngest_source"], shown["days_since_youngest_source"]) == ("2026-09-28", -84)


def test_show_says_how_old_the_youngest_source_is(tmp_path: Path) -> None:
    result, _ = run(tmp_path, ["rules", "show", "920002.BJ", "--date", "2026-10-08"], lang="en")
    assert result.exit_code == 0
    assert "The youngest source is of 2026-09-28, 10 days before the day asked" in result.output
    assert "BSE ±30%: normal, ST or not" in result.output
    assert "confidence high, source compiled, limits_2026, cases, bse_2021, bse_2026 [bse-30]" in result.output


def test_every_row_can_be_said_in_both_languages() -> None:
    for section in rulebook.sections():
        for row in rulebook.rows_of(section):
            for lang in ("zh", "en"):
                words = rulebook.rule_words(lang, section, row)
                assert words, row["id"]
                assert "{" not in words, row["id"]


def test_the_page_names_every_row_and_where_to_check_it() -> None:
    page = rules_page()
    for section in rulebook.sections():
        for row in rulebook.rows_of(section):
            line = next(line for line in page.splitlines() if f"`{row['id']}`" in line)
            assert all(f"[{key}](#{key})" in line for key in row["source"]), line
            assert row["from"].isoformat() in line
    for key, source in rulebook.sources().items():
        assert f'<a id="{key}"></a>' in page
        assert source.get("url", "") in page


def test_each_stock_and_day_has_one_of_each_kind() -> None:
    for symbol, exchange, board in (
        ("600000.SH", Exchange.SSE, Board.MAIN),
        ("300059.SZ", Exchange.SZSE, Board.CHINEXT),
        ("688001.SH", Exchange.SSE, Board.STAR),
        ("920002.BJ", Exchange.BSE, Board.BSE),
    ):
        for day in (20240603, 20260706, 20261125):
            held = [ruled.section for ruled in rulebook.applying(symbol, exchange, board, day)]
            for section in ("code", "rounding", "lot", "order_cap", "cage", "dividend_tax", "settlement"):
                assert held.count(section) == 1, (symbol, day, section)
            assert held.count("fee") == 4, (symbol, day)


BAD = [
    ("band 999999.SH --date 2026-07-06 --prev-close 10", "999999.SH"),
    ("band 000001.SH --date 2026-07-06 --prev-close 10", "000001.SH"),
    ("band 900901.SH --date 2026-07-06 --prev-close 10", "900901.SH"),
    ("band nonsense --date 2026-07-06 --prev-close 10", "nonsense"),
    ("band None --date 2026-07-06 --prev-close 10", "None"),
    ("show 510300.SH --date 2026-07-06", "510300.SH"),
    ("fee 12345.SH --date 2026-07-06 --side buy --shares 100 --price 10", "12345.SH"),
    ("cage 113050.SH --date 2026-07-06 --side buy --last 10", "113050.SH"),
    ("band 600000.SH --date 2009-12-31 --prev-close 10", "2010-01-01"),
    ("show 600000.SH --date 2009-12-31", "2010-01-01"),
    ("fee 600000.SH --date 2009-12-31 --side buy --shares 100 --price 10", "2010-01-01"),
    ("cage 600000.SH --date 2009-12-31 --side buy --last 10", "2010-01-01"),
    ("band 688001.SH --date 2019-07-19 --prev-close 10", "2019-07-22"),
    ("band 430047.BJ --date 2025-10-09 --prev-close 10", "920"),
    ("band 920002.BJ --date 2024-04-19 --prev-close 10", "2024-04-19"),
    ("band 600000.SH --date 2026-02-30 --prev-close 10", "2026-02-30"),
    ("band 600000.SH --date NaN --prev-close 10", "NaN"),
    ("band 600000.SH --date None --prev-close 10", "None"),
    ("band 600000.SH --date 2026-07-06 --prev-close 10.005", "10.00"),
    ("cage 600000.SH --date 2026-07-06 --side buy --last 10.005", "10.00"),
    ("fee 600000.SH --date 2026-07-06 --side buy --shares 100 --price 10.005", "10.00"),
    ("band 600000.SH --date 2026-07-06 --prev-close NaN", "NaN"),
    ("band 600000.SH --date 2026-07-06 --prev-close None", "None"),
    ("band 600000.SH --date 2026-07-06 --prev-close inf", "inf"),
    ("band 600000.SH --date 2026-07-06 --prev-close -10", "-10"),
    ("band 600000.SH --date 2026-07-06 --prev-close=-10", "-10"),
    ("band 600000.SH --date 2026-07-06 --prev-close 0", "0"),
    ("band 600000.SH --date 2026-07-06", "--prev-close"),
    ("band 600000.SH --date 2026-07-06 --prev-close 10 --listing-day 0", "0"),
    ("band 600000.SH --date 2026-07-06 --prev-close 10 --listing-day -1", "-1"),
    ("band 600000.SH --date 2026-07-06 --prev-close 10 --listing-day NaN", "NaN"),
    ("band 600000.SH --date 2026-07-06 --prev-close 10 --listing-day None", "None"),
    ("band 600000.SH --date 2026-07-06 --prev-close 10 --phase soon", "delisting_first_day"),
    ("band 300059.SZ --date 2026-07-06 --prev-close 10 --phase s_share", "s_share"),
    ("band 600000.SH --date 2012-07-06 --prev-close 10 --phase delisting", "delisting"),
    ("band 600000.SH --prev-close 10", "--date"),
    ("band 601061.SH --date 2023-04-10 --listed 2023-04-11 --listing-day 1", "2023-04-11"),
    ("cage 600000.SH --date 2026-07-06 --side buy", "--bid"),
    ("cage 600000.SH --date 2026-07-06 --side both --last 10", "both"),
    ("cage 600000.SH --date 2026-07-06 --side sell --bid NaN", "NaN"),
    ("fee 600000.SH --date 2026-07-06 --side buy --shares NaN --price 10", "NaN"),
    ("fee 600000.SH --date 2026-07-06 --side buy --shares -100 --price 10", "-100"),
    ("fee 600000.SH --date 2026-07-06 --side buy --shares 100 --price -10", "-10"),
    ("fee 600000.SH --date 2026-07-06 --side buy --shares 100 --price None", "None"),
    ("fee 600000.SH --date 2026-07-06 --side None --shares 100 --price 10", "None"),
    ("fee 600000.SH --date 2026-07-06 --side buy --shares 100 --price 10 --commission NaN", "NaN"),
    ("fee 600000.SH --date 2026-07-06 --side buy --shares 100 --price 10 --commission 0.0031", "0.0031"),
    ("fee 600000.SH --date 2026-07-06 --side buy --shares 100 --price 10 --commission 0.00000001", "0.00000001"),
    ("fee 600000.SH --date 2026-07-06 --side buy --shares 100 --price 10 --commission -0.001", "-0.001"),
    ("fee 600000.SH --date 2026-07-06 --side buy --shares 100 --price 10 --commission-min NaN", "NaN"),
]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("words", "named"), BAD)
def test_bad_input_is_one_clear_line(tmp_path: Path, words: str, named: str, lang: str) -> None:
    result, link = run(tmp_path, ["rules", *words.split()], lang=lang)
    assert result.exit_code == 2, result.output
    lines = result.output.strip().splitlines()
    assert len(lines) == 1, lines
    assert named in lines[0]
    assert link.asked == []


@pytest.mark.parametrize(
    ("code", "what"), [("000001.SH", "an index"), ("200002.sz", "a B share"), ("510300.SH", "a fund or bond")]
)
def test_what_is_out_of_scope_is_called_by_its_name(tmp_path: Path, code: str, what: str) -> None:
    result, _ = run(tmp_path, ["rules", "show", code, "--date", "2026-07-06"], lang="en")
    assert result.exit_code == 2
    assert f"{code} is {what}" in result.output


def test_phases_of_the_command_line_are_the_tables_ones() -> None:
    assert set(ruling.PHASES.values()) == set(type(ruling.PHASES["normal"]))


@pytest.mark.real_data
def test_every_shared_case_at_the_command_line(tmp_path: Path, shared_data: Path) -> None:
    cases = shared_data.parent / "ashare_rules" / "limit_price_cases.csv"
    rows = list(csv.DictReader(cases.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 107
    for row in rows:
        words = ["band", row["code"], "--date", row["date"], "--phase", row["phase"]]
        words += ["--prev-close", row["prev_close"]] if row["prev_close"] else []
        words += ["--listing-day", row["listing_day"]] if row["listing_day"] else []
        words += ["--st"] if row["st_flag"] == "1" else []
        expected = [None if row[name] == "none" else float(row[name]) for name in ("up_limit", "down_limit")]
        assert list(ask(tmp_path, *words).values()) == expected, row
