"""Results kept and read back: the same, or one clear fault."""

import json
from pathlib import Path

import msgspec
import polars as pl
import pytest

from common.backtests.codec import decode_files, decode_json, encode_files, encode_json
from common.backtests.result import BacktestResult
from common.backtests.store import read_result, write_result
from common.domain.errors import InvariantError, ResultError
from tests.backtest_books import Books, full_result, random_books

RESULT, CANDLES = full_result(4, 40, 30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    others = [
        random_books(4, 40, count).result(verdict) for count, verdict in ((20, "pessimistic"), (35, "optimistic"))
    ]  # type: ignore[arg-type]  # the words are two of the three
    write_result(tmp_path / "one", RESULT, others, CANDLES)
    return tmp_path / "one"


def test_what_was_written_is_read(folder: Path) -> None:
    stored = read_result(folder)
    assert stored.result == RESULT
    assert stored.candles == CANDLES
    assert [other.inputs.verdict for other in stored.others] == ["optimistic", "pessimistic"]
    assert sorted(path.name for path in folder.parent.iterdir()) == ["one"], "nothing is left beside it"


def test_a_result_in_which_nothing_happened(tmp_path: Path) -> None:
    empty = Books().result()
    write_result(tmp_path / "empty", empty)
    assert read_result(tmp_path / "empty").result == empty


def test_writing_again_replaces_the_whole_folder(folder: Path) -> None:
    new = random_books(9, 20, 10).result()
    write_result(folder, new)
    stored = read_result(folder)
    assert (stored.result, stored.others, stored.candles) == (new, [], [])
    assert sorted(path.name for path in folder.parent.iterdir()) == ["one"]


def test_one_document_holds_everything() -> None:
    assert decode_json(encode_json(RESULT)) == RESULT


def test_the_same_result_is_the_same_bytes() -> None:
    again, _ = full_result(4, 40, 30)
    assert encode_files(RESULT, CANDLES) == encode_files(again, CANDLES)


def test_tables_are_for_people_too(folder: Path) -> None:
    fills = pl.read_parquet(folder / "fills.parquet")
    assert fills.columns[:6] == ["day", "time", "symbol", "side", "shares", "price"]
    assert set(fills["side"]) == {"BUY", "SELL"}
    assert fills["time"][0] == "09:35:00"
    trades = pl.read_parquet(folder / "trades.parquet")
    assert trades["pnl"].sum() == RESULT.equity[-1].equity - RESULT.inputs.start_cash
    assert trades["exit"].dtype == pl.String


def test_bad_books_are_not_written(tmp_path: Path) -> None:
    bad = msgspec.structs.replace(RESULT, open_positions=())
    with pytest.raises(InvariantError, match="does not add up"):
        write_result(tmp_path / "bad", bad)
    with pytest.raises(InvariantError, match="does not add up"):
        write_result(tmp_path / "bad", RESULT, [bad])
    with pytest.raises(InvariantError, match="wrong kind"):
        write_result(tmp_path / "bad", RESULT, candles=[msgspec.structs.replace(CANDLES[0], low=1.5)])
    assert list(tmp_path.iterdir()) == []


def fault_of(folder: Path) -> ResultError:
    with pytest.raises(ResultError) as caught:
        read_result(folder)
    assert "\n" not in caught.value.detail
    return caught.value


def test_missing(tmp_path: Path) -> None:
    assert fault_of(tmp_path / "nowhere").fault == "missing"
    assert fault_of(tmp_path).fault == "missing"


def test_another_version(folder: Path) -> None:
    head = json.loads((folder / "result.json").read_text("utf-8"))
    (folder / "result.json").write_text(json.dumps({**head, "version": 99, "new": 1}), "utf-8")
    assert fault_of(folder).fault == "version"
    assert "99" in fault_of(folder).detail


@pytest.mark.parametrize("name", ["fills", "equity", "unfilled", "candles"])
@pytest.mark.parametrize("how", ["gone", "cut", "other", "text"])
def test_a_table_that_is_not_the_one_written(folder: Path, name: str, how: str) -> None:
    path = folder / f"{name}.parquet"
    if how == "gone":
        path.unlink()
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    elif how == "text":
        path.write_text("no table", "utf-8")
    else:
        path.write_bytes((folder / "trades.parquet").read_bytes())
    found = fault_of(folder)
    assert (found.fault, f"{name}.parquet" in found.detail) == ("corrupt", True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"version": "one"}',
        b'{"version": 1}',
        b'{"version": 1, "tables": {}, "result": {}}',
        b"\xff\xfe",
        b"null",
    ],
)
def test_a_head_that_is_none(folder: Path, data: bytes) -> None:
    (folder / "result.json").write_bytes(data)
    assert fault_of(folder).fault == "corrupt"


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "1.5", '"1"', "null", "-1", "1e400"])
def test_bad_numbers_are_refused(folder: Path, bad: str) -> None:
    text = (folder / "result.json").read_text("utf-8")
    assert '"start_cash": 1000000000' in text
    (folder / "result.json").write_text(text.replace('"start_cash": 1000000000', f'"start_cash": {bad}'), "utf-8")
    assert fault_of(folder).fault == "corrupt"


def test_a_verdict_that_is_spoilt_spoils_the_report(folder: Path) -> None:
    (folder / "verdicts" / "optimistic" / "equity.parquet").unlink()
    assert fault_of(folder).fault == "corrupt"


def test_a_table_with_a_word_nobody_knows() -> None:
    files = encode_files(RESULT)
    frame = pl.read_parquet(files["fills.parquet"]).with_columns(side=pl.lit("LEND"))
    spoilt = resealed(files, "fills", frame)
    with pytest.raises(ResultError, match="LEND"):
        decode_files(spoilt)


def test_a_table_with_floats() -> None:
    files = encode_files(RESULT)
    frame = pl.read_parquet(files["equity.parquet"]).with_columns(cash=pl.lit(float("nan")))
    with pytest.raises(ResultError, match="corrupt"):
        decode_files(resealed(files, "equity", frame))


def resealed(files: dict[str, bytes], name: str, frame: pl.DataFrame) -> dict[str, bytes]:
    """Return files with one table changed by somebody who also mends the digest."""
    import hashlib
    import io

    out = io.BytesIO()
    frame.write_parquet(out)
    head = json.loads(files["result.json"])
    head["tables"][name] = hashlib.sha256(out.getvalue()).hexdigest()
    return {**files, f"{name}.parquet": out.getvalue(), "result.json": json.dumps(head).encode()}


def test_every_field_of_a_result_survives() -> None:
    kept, _ = decode_files(encode_files(RESULT))
    for field in BacktestResult.__struct_fields__:
        assert getattr(RESULT, field), f"the sample has no {field}"
        assert getattr(kept, field) == getattr(RESULT, field), field
