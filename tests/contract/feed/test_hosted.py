"""The live feed in the shell that runs it: sockets, disk, the wake-up from the vendor's thread, a restart from disk."""

import io
import json
import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.bus.curve import make_missing_keys
from common.bus.links import Links
from common.domain.calendar import hms, ts_of
from common.domain.values import Pace, push_number
from common.history.tape import TapeReader
from common.messages.header import Envelope
from common.messages.market import PushEnd, QuoteBatch
from common.messages.topics import FEED
from common.runtime.config import Config, System
from common.runtime.service import Shell
from services.market_data.__main__ import SPEC
from services.market_data.bars import BarBuilder
from services.market_data.core import PlayerCore
from services.market_data.settings import Settings
from tests.builders import DAY
from tests.contract.feed.conftest import live_source
from tests.contract.feed.sources import CLOSES, Moment, Xt, quote
from tests.e2e.rig import free_base_port
from tests.fakes.xtquant.quotes import vendor_tick

TURNS = 2_000


class Hosted:
    """One shell over the client of the test, and somebody who listens."""

    def __init__(self, xt: Xt, folder: Path) -> None:
        self.xt = xt
        keys = folder / "keys"
        make_missing_keys(keys)
        self.config = Config(system=System(base_port=free_base_port(), run_dir=str(folder / "run"), keys_dir=str(keys)))
        self.log = io.StringIO()
        self.listener = Links("risk_manager", self.config.system.base_port, keys, "listener", lambda: 0)
        self.ends: list[tuple[Envelope, PushEnd]] = []
        self.quotes = 0
        self.start()
        self.listener.subscribe("market_data", (FEED,))

    def start(self) -> None:
        core = PlayerCore(Settings(pace=Pace.REAL_TIME, live=True), BarBuilder)
        self.core = core
        self.shell = Shell(core, SPEC, self.config, self.xt.open(), "r", self.log)
        self.shell.start()

    def until(self, done: str) -> None:
        """Go round until the status says so."""
        for _ in range(TURNS):
            self.turn()
            if self.core.status()[3].get("source", "").startswith(done):
                return
        raise TimeoutError(f"never {done}: {self.core.status()}")

    def turn(self, wait_ms: int = 5) -> None:
        self.shell.step(wait_ms)
        for subscriber in self.listener.subscribers.values():
            for _, envelope, message in subscriber.read():
                if isinstance(message, PushEnd):
                    self.ends.append((envelope, message))
                elif isinstance(message, QuoteBatch):
                    self.quotes += message.count

    def close(self) -> None:
        self.shell.close()
        self.listener.close()


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[Hosted]:
    for xt in live_source(tmp_path / "tapes"):
        made = Hosted(xt, tmp_path)
        yield made
        made.close()


def morning(hosted: Hosted) -> None:
    xt = hosted.xt
    xt.at("08:55:01")
    hosted.until("opens at")
    xt.at("09:00:01")
    hosted.until("live")
    for _ in range(TURNS):
        hosted.turn()
        if hosted.core.status()[2]["push"]:
            return
    raise TimeoutError("the day is never opened")


def say(hosted: Hosted, at: str) -> None:
    """Push quotes of every stock and go round until they were said."""
    before = hosted.core.status()[2]["push"]
    xt, second = hosted.xt, hms(at)
    xt.clock.at_ns = ts_of(DAY, second) + 50_000_000
    moment = Moment(second, {symbol: quote(symbol, 3, 60_000 + second) for symbol in CLOSES})
    xt.terminal.push(
        {symbol: vendor_tick(symbol, each, DAY, second, xt.terminal.switches) for symbol, each in moment.quotes.items()}
    )
    for _ in range(TURNS):
        hosted.turn()
        if hosted.core.status()[2]["push"] > before:
            return
    raise TimeoutError("the push is never said")


def test_pushes_go_out_with_the_exchange_s_time_and_onto_the_tape(hosted: Hosted) -> None:
    morning(hosted)
    for at in ("09:30:03", "09:30:06", "09:30:09"):
        say(hosted, at)
    for _ in range(50):
        hosted.turn()
    envelope, end = hosted.ends[-1]
    assert envelope.trace.feed_ns == end.ts_ns == ts_of(DAY, hms("09:30:09"))
    assert hosted.quotes >= len(CLOSES)
    tape = TapeReader(hosted.xt.folder / f"{DAY}.tape")
    assert [push_number(push.end.push) for push in tape.pushes()] == [0, 1, 2, 3]
    events = [json.loads(line)["event"] for line in hosted.log.getvalue().splitlines()]
    assert "day opened" in events
    assert "volume units settled" in events


def test_a_push_of_the_vendor_wakes_the_loop(hosted: Hosted) -> None:
    morning(hosted)
    hosted.turn()
    bell = hosted.xt.adapters[-1].fileno()  # the shell's poller watches it
    assert not select.select([bell], [], [], 0)[0]
    hosted.xt.terminal.push({"600000.SH": {"time": 1}})
    assert select.select([bell], [], [], 0)[0]
    hosted.turn()
    assert not select.select([bell], [], [], 0)[0]


def test_a_killed_service_goes_on_from_its_disk(hosted: Hosted) -> None:
    morning(hosted)
    say(hosted, "09:30:03")
    say(hosted, "09:30:06")
    said = hosted.core.status()[2]["push"]
    hosted.shell.close()
    hosted.start()
    hosted.until("live")
    for _ in range(20):
        hosted.turn()
    say(hosted, "09:30:20")
    for _ in range(50):
        hosted.turn()
    assert hosted.core.status()[2]["push"] > said
    hosted.shell.adapter.close()  # type: ignore[union-attr]  # what it holds is written
    ends = [push.end for push in TapeReader(hosted.xt.folder / f"{DAY}.tape").pushes()]
    assert [end.push for end in ends] == list(range(ends[0].push, ends[0].push + len(ends)))
    after = next(end for end in ends if end.push == said + 1)  # on the tape: the listener may still be reconnecting
    assert (after.prev, after.gap) == (said, True)
