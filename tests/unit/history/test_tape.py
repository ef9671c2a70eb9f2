"""Tapes: there and back, cut anywhere, gone on with after a death, readable with plain msgpack."""

import io
from pathlib import Path

import msgpack
import pytest
import zstandard

from common.domain.errors import TapeError
from common.domain.values import push_id
from common.history.tape import PUSHES_PER_FRAME, TapeReader, TapeWriter, list_tapes
from common.history.tape_check import verify
from common.messages.market import TapeHeader
from common.messages.outputs import Message
from tests.builders import DAY, PREV_DAY, Quote, batch, day_opened, push_end, table

TABLE = table({"600001.SH": 10.0, "600002.SH": 20.0})
PUSHES = 3 * PUSHES_PER_FRAME + 5
HEADER = TapeHeader(1, DAY, PREV_DAY, 3000, "test", PUSHES)


def records(first: int = 0, last: int = PUSHES) -> list[Message]:
    made: list[Message] = []
    for number in range(first, last + 1):
        second = 34_200 + 3 * number
        if number == 0:
            made += [day_opened(TABLE), push_end(DAY, 0, 32_400, prev=0)]
            continue
        quote = Quote(10 + number / 1000, volume=100 * number, open_=10.0, high=10.2)
        made += [
            batch(TABLE, push_id(DAY, number), second, {"600001.SH": quote}),
            push_end(DAY, number, second, parts=1, prev=0),
        ]
    return made


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    path = tmp_path / f"{DAY}.tape"
    writer = TapeWriter(path, HEADER)
    assert not path.exists()
    for record in records():
        writer.write(record)
    writer.close()
    return path


def test_there_and_back(tape: Path) -> None:
    reader = TapeReader(tape)
    assert reader.header == HEADER
    back: list[Message] = []
    for push in reader.pushes():
        back += [*([push.day] if push.day else []), *push.batches, push.end]
    assert back == records()


def test_plain_msgpack_reads_it(tape: Path) -> None:
    with tape.open("rb") as file:
        stream = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        kinds = [row[0] if isinstance(row, list) else row["type"] for row in msgpack.Unpacker(stream)]
    assert kinds[:4] == ["TapeHeader", "DayOpened", "PushEnd", "QuoteBatch"]
    assert kinds.count("PushEnd") == PUSHES + 1


def test_cut_anywhere_is_one_clear_error(tape: Path, tmp_path: Path) -> None:
    raw = tape.read_bytes()
    cut = tmp_path / "cut.tape"
    told = 0
    for at in [*range(0, 60, 7), *range(60, len(raw), max(1, len(raw) // 60)), len(raw) - 1]:
        cut.write_bytes(raw[:at])
        with pytest.raises(TapeError, match=r"cut\.tape"):
            list(TapeReader(cut).pushes())
        told += 1
    assert told > 50


def test_damage_is_told(tape: Path, tmp_path: Path) -> None:
    raw = bytearray(tape.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    hurt = tmp_path / "hurt.tape"
    hurt.write_bytes(raw)
    with pytest.raises(TapeError, match=r"hurt\.tape"):
        list(TapeReader(hurt).pushes())


@pytest.mark.parametrize(
    ("name", "content"), [("empty", b""), ("text", b"hello"), ("zstd", zstandard.compress(b"\x93\x01\x02\x03"))]
)
def test_what_is_no_tape(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(TapeError, match=name):
        TapeReader(path)


def test_missing_and_folder(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="no such tape"):
        TapeReader(tmp_path / "none.tape")
    with pytest.raises(TapeError, match="a folder"):
        TapeReader(tmp_path)
    with pytest.raises(TapeError, match=r"holds no \.tape file"):
        list_tapes(tmp_path)


def test_a_dead_writer_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "own.tape"
    whole = records()
    first = TapeWriter(path, HEADER, append=True)
    for record in whole[: 2 * PUSHES]:
        first.write(record)
    first._file.close()  # dies here: what is pending is lost
    path.write_bytes(path.read_bytes() + b"\x28\xb5\x2f\xfdtorn")
    second = TapeWriter(path, HEADER, append=True)
    assert second.last_push > push_id(DAY, PUSHES_PER_FRAME)
    for record in records(second.last_push % 100_000 + 1):
        second.write(record)
    second.close()
    assert [push.end.push for push in TapeReader(path).pushes()] == [push_id(DAY, n) for n in range(PUSHES + 1)]


def test_a_discarded_tape_is_gone(tmp_path: Path) -> None:
    writer = TapeWriter(tmp_path / "given-up.tape", HEADER)
    for record in records():
        writer.write(record)
    writer.discard()
    assert not any(tmp_path.iterdir())


def test_verify_counts_and_finds(tape: Path, tmp_path: Path) -> None:
    good = verify(tape)
    assert (good.pushes, good.quotes, good.stocks, good.problem_count) == (PUSHES, PUSHES, 2, 0)
    bad = tmp_path / "bad.tape"
    writer = TapeWriter(bad, TapeHeader(1, DAY, PREV_DAY, 3000, "test", 2))
    rows = records(0, 0)
    for number, quote in ((1, Quote(11.5, volume=500)), (2, Quote(10.0, volume=400, bid=[(10.1, 5)], ask=[(10.0, 5)]))):
        second = 34_200 + 3 * number
        rows += [
            batch(TABLE, push_id(DAY, number), second, {"600001.SH": quote}),
            push_end(DAY, number, second, parts=1, prev=0),
        ]
    for record in rows:
        writer.write(record)
    writer.close()
    found = verify(bad)
    assert found.problem_count == 4
    text = " ".join(found.problems)
    for words in ("above the up limit", "volume shrinks", "turnover shrinks", "crossed book"):
        assert words in text


def test_unknown_record_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.tape"
    body = io.BytesIO()
    body.write(
        msgpack.packb(
            {"type": "TapeHeader", "version": 9, "day": DAY, "prev_day": 1, "interval_ms": 1, "source": "", "pushes": 0}
        )
    )
    path.write_bytes(zstandard.compress(body.getvalue()))
    with pytest.raises(TapeError, match="version 9"):
        TapeReader(path)
