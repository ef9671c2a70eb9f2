"""Tapes in their order, and a recording that survives its recorder."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from common.domain.errors import ConfigError, TapeError
from common.domain.values import Pace, push_id
from common.history.tape import TapeReader, TapeWriter
from common.messages.market import HandOrder, TapeHeader
from common.runtime.config import Config, Feed
from services.market_data.__main__ import read_script, settings_of
from services.market_data.adapters.recorder import Recorder
from services.market_data.adapters.replay import ReplayAdapter
from services.market_data.calls import PushRead, ReadPush, RecordPush, SeekDay, TapesFinished
from services.market_data.lockstep import FIRST_REPEAT_NS, LAST_REPEAT_NS, Acks
from services.market_data.values import Playable
from tests.builders import table
from tests.conftest import CHECKOUT
from tests.simulation.test_player import SYMBOLS, day_of_pushes

DAYS = ((20260105, 20251231), (20260106, 20260105))


@pytest.fixture
def tapes(tmp_path: Path) -> list[Path]:
    made = []
    for day, prev in DAYS:
        path = tmp_path / f"{day}.tape"
        writer = TapeWriter(path, TapeHeader(1, day, prev, 3000, "test", 40, {"limit_up": ["600001.SH"]}))
        for push in day_of_pushes(table(SYMBOLS, day=day), prev, 40):
            for message in (*([push.day] if push.day else []), *push.batches, push.end):
                writer.write(message)
        writer.close()
        made.append(path)
    return made


def read_all(adapter: ReplayAdapter) -> list[PushRead]:
    found = []
    while isinstance(read := adapter.perform(ReadPush())[0], PushRead):
        found.append(read)
    assert isinstance(read, TapesFinished)
    return found


def test_days_in_order_and_seeking(tapes: list[Path]) -> None:
    adapter = ReplayAdapter(tapes, None)
    assert adapter.perform(SeekDay(0)) == []
    pushes = read_all(adapter)
    assert [push.end.push for push in pushes] == [push_id(day, n) for day, _ in DAYS for n in range(41)]
    assert pushes[0].day is not None
    assert pushes[0].day.pool_injected == {"limit_up": ["600001.SH"]}
    assert pushes[0].pushes_of_day == 40
    adapter.perform(SeekDay(20260106))
    assert read_all(adapter)[0].end.push == push_id(20260106, 0)


def test_wrong_order_is_refused(tapes: list[Path]) -> None:
    with pytest.raises(TapeError, match="not in the order of their days"):
        ReplayAdapter(tapes[::-1], None)


def test_recording_goes_on_after_a_death(tapes: list[Path], tmp_path: Path) -> None:
    pushes = []
    source = ReplayAdapter(tapes, None)
    source.perform(SeekDay(0))
    for read in read_all(source):
        pushes.append(Playable(read.end, read.day, (), read.batches))
    first = Recorder(tmp_path / "recorded")
    for push in pushes[:50]:
        first.record(RecordPush(push.end.push, push.messages(), push.day is not None))
    assert first._writer is not None
    first._writer._file.close()  # dies here; the player will read the day again from its start
    second = Recorder(tmp_path / "recorded")
    for push in pushes[41:]:
        second.record(RecordPush(push.end.push, push.messages(), push.end.last_of_day))
    assert second._writer is not None
    second._writer.close()
    for day, _ in DAYS:
        recorded = [push.end.push for push in TapeReader(tmp_path / "recorded" / f"{day}.tape").pushes()]
        assert recorded == [push_id(day, n) for n in range(41)]


def test_an_orderly_end_leaves_nothing_unwritten(tapes: list[Path], tmp_path: Path) -> None:
    adapter = ReplayAdapter(tapes, tmp_path / "recorded")
    adapter.perform(SeekDay(0))
    for read in read_all(adapter)[:7]:
        push = Playable(read.end, read.day, (), read.batches)
        adapter.perform(RecordPush(push.end.push, push.messages(), push.day is not None))
    adapter.close()
    adapter.close()
    recorded = TapeReader(tmp_path / "recorded" / "20260105.tape").pushes()
    assert [push.end.push for push in recorded] == [push_id(20260105, n) for n in range(7)]
    ReplayAdapter(tapes, None).close()


def test_script_of_hand_orders(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    path.write_text('[{"push": 2026010500007, "key": "k", "side": 1, "symbol": "600001.SH", "shares": 100}]', "utf-8")
    (placed,) = read_script(path)
    assert placed.push == push_id(20260105, 7)
    assert placed.order == HandOrder("k", 1, "600001.SH", 100, 0, sender="script")
    path.write_text('[{"push": "x"}]', "utf-8")
    with pytest.raises(ConfigError, match=r"script\.json"):
        read_script(path)
    settings = settings_of(Config(feed=Feed(pace="real_time", speed=60.0)))
    assert (settings.pace, settings.speed_milli) == (Pace.REAL_TIME, 60_000)


def test_acknowledgements_and_repeats() -> None:
    acks = Acks(("a", "b"))
    assert acks.absent() == ["a", "b"]
    acks.register("a")
    acks.ack("b", 5)
    acks.ack("stranger", 9)
    assert acks.absent() == []
    assert acks.waiting_for(5) == ["a"]
    acks.ack("a", 5)
    acks.ack("a", 4)
    assert acks.waiting_for(5) == []
    acks.published(0)
    due = []
    for _ in range(5):
        at = acks.repeat_at_ns()
        assert at is not None
        due.append(at)
        acks.repeated(at)
    gaps = Counter(later - earlier for earlier, later in zip([0, *due], due, strict=False))
    assert min(gaps) == FIRST_REPEAT_NS
    assert max(gaps) == LAST_REPEAT_NS


def test_the_ten_lines_of_the_docs_read_a_tape(tapes: list[Path]) -> None:
    page = (CHECKOUT / "docs" / "reference" / "tape.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    done = subprocess.run(
        [sys.executable, "-c", code, str(tapes[0])], capture_output=True, text=True, check=True, timeout=30
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 40
    assert lines[0].split()[0] == str(push_id(20260105, 1))
    assert "10.01" in lines[0]
