"""A probe tells what differs from what is assumed, records it, and keeps no secret."""

import json
from pathlib import Path

import pytest

from common.domain.errors import SourceError
from common.history.sources.baostock import Baostock
from common.history.sources.probe import Difference, Raw, ask_all, record, shape_differences
from common.history.sources.registry import Place, open_source, secret, secrets_of
from common.history.sources.tushare import Tushare
from tests.unit.history.sources.tushare_vendor import Client
from tests.unit.history.sources.vendor import DAILY, Vendor, Wall, market, pacer, quiet


def test_a_good_answer_shows_no_difference_of_shape() -> None:
    assert shape_differences("market_day", "query_daily_history_k_AStock", DAILY, market()) == []


def test_other_columns_and_cells_are_told() -> None:
    rows = [["2026/01/05", *market()[0][1:-1], "no"]]
    found = shape_differences("market_day", "query_daily_history_k_AStock", [*DAILY[:-1], "st"], rows)
    assert found[0] == Difference("columns", {"question": "market_day", "missing": "isST", "extra": "st"})
    assert (found[1].facts["column"], found[1].facts["value"]) == ("date", "2026/01/05")


def test_every_question_is_asked_and_recorded(tmp_path: Path) -> None:
    probed = ask_all(Baostock(pacer(tmp_path, Wall()), Vendor()), quiet)
    assert {raw.call for raw in probed.heard} == {
        "query_trade_dates", "query_stock_basic", "query_daily_history_k_AStock", "query_history_k_data_plus d",
        "query_history_k_data_plus 5", "query_dividend_data",
    }  # fmt: skip
    # The vendor of the test has three stocks and eight days: facts about 2024 must be missed, shapes must not.
    assert {difference.what for difference in probed.differences} == {"fact", "defect"}
    path = tmp_path / "probe" / "baostock.jsonl"
    record(path, probed.heard, ())
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [line["question"] for line in lines] == [raw.question for raw in probed.heard]


def test_a_refused_question_is_a_difference_and_the_next_one_is_asked(tmp_path: Path) -> None:
    client = Client()
    client.fail = [Exception("抱歉，您没有接口访问权限")]
    probed = ask_all(Tushare(pacer(tmp_path, Wall()), client=client), quiet)
    assert probed.differences[0].what == "refused"
    assert {"stock_basic", "namechange", "daily", "stk_limit"} <= {raw.call for raw in probed.heard}
    assert not [difference for difference in probed.differences if difference.what in ("shape", "columns")]


def test_no_secret_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    record(path, [Raw("q", "c", ["a"], [["token=abcdef0123"]], 1)], ("abcdef0123",))
    assert "abcdef0123" not in path.read_text("utf-8")
    assert "***" in path.read_text("utf-8")


def test_secrets_come_from_the_environment_or_a_private_file(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path, {"TUSHARE_TOKEN": " one "})
    assert secret(place, "TUSHARE_TOKEN", "tushare.token") == "one"
    file = tmp_path / "tushare.token"
    file.write_text("two\n", "utf-8")
    file.chmod(0o600)
    place = place._replace(environ={})
    assert secret(place, "TUSHARE_TOKEN", "tushare.token") == "two"
    assert secrets_of(place) == ("two",)
    file.chmod(0o644)
    with pytest.raises(SourceError, match="chmod 600"):
        secret(place, "TUSHARE_TOKEN", "tushare.token")


def test_what_is_missing_is_one_line(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path, {})
    with pytest.raises(SourceError, match="no source 'wind'; there are"):
        open_source("wind", place, Wall())
    with pytest.raises(SourceError, match="needs a token"):
        open_source("tushare", place, Wall())
