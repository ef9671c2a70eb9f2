"""Off by default, and then nothing of the cycle is there; on, it stands around the screener."""

import multiprocessing
import threading
from collections.abc import Sequence
from pathlib import Path

from common.messages.kept import KeptNightly
from common.messages.outputs import Message
from common.runtime.config import Config, History, Nightly
from services.screener.calls import ScreenDay
from services.screener.core import ScreenerCore
from services.screener.nightly import CycleNext, NightlyCore, StartCycle
from services.screener.nightly_host import ScreensAndCycle, cycle_around, screened_folder, wall_ns


class Screens:
    def __init__(self) -> None:
        self.asked: list[Message] = []

    def perform(self, call: Message) -> Sequence[Message]:
        self.asked.append(call)
        return []


def test_off_by_default(tmp_path: Path) -> None:
    core, screens = ScreenerCore(("limit_up",)), Screens()
    config = Config(history=History(dir="/h"))
    with cycle_around(core, screens, config, tmp_path / "c.toml") as given:
        assert given == (core, screens)
    assert screened_folder(config) == Path("/h")


def test_on_it_stands_around_the_screener(tmp_path: Path) -> None:
    screens = Screens()
    config = Config(nightly=Nightly(enabled=True, dir=str(tmp_path)))
    with cycle_around(ScreenerCore(("limit_up",)), screens, config, tmp_path / "c.toml") as (core, adapter):
        assert isinstance(core, NightlyCore)
        call = ScreenDay("limit_up", 20260109, ())
        assert adapter.perform(call) == []
        assert screens.asked == [call]
    assert screened_folder(config) == tmp_path


def test_the_wall_is_asked_anew() -> None:
    assert wall_ns() <= wall_ns()


def test_the_cycle_starts_when_the_core_says_so(tmp_path: Path) -> None:
    # Its first step fails in the child (no such configuration), which is told, and the end leaves nothing behind.
    config = Config(nightly=Nightly(enabled=True, dir=str(tmp_path)))
    with cycle_around(ScreenerCore(("limit_up",)), Screens(), config, tmp_path / "none.toml") as (_, adapter):
        assert isinstance(adapter, ScreensAndCycle)
        assert adapter.poll() == []
        adapter.perform(StartCycle(KeptNightly()))
        told = list(told_within(adapter, 20))
    assert isinstance(told[0], CycleNext)
    assert multiprocessing.active_children() == []


def told_within(adapter: ScreensAndCycle, seconds: int) -> Sequence[Message]:
    """Return what the cycle's own thread says first, which takes it a moment."""
    for _ in range(seconds * 50):
        if told := adapter.poll():
            return told
        threading.Event().wait(0.02)
    return []
