"""A real gateway process between a made-up market and a made-up risk manager, over real sockets with CURVE.

Its order limits are raised by a constructor argument (`GatewayCore(settings)`), as benches may; nothing else of it is
another than `python -m services.order_gateway`. Run as a module with a configuration, this is that process.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from bench.whole_market import make_day, make_push
from common.bus.curve import make_missing_keys
from common.bus.links import Links
from common.domain.calendar import phase_at, ts_of
from common.domain.ids import client_order_id
from common.domain.reasons import Reason
from common.domain.values import Day, Side, push_id
from common.messages.codec import encode_body
from common.messages.columns import QuoteTable
from common.messages.control import Beat, FeedState, FeedStateRequest, PushAck, Status, StatusRequest
from common.messages.market import PushEnd
from common.messages.orders import SubmitOrder
from common.messages.outputs import Message
from common.messages.topics import BEAT, FEED
from common.runtime.config import Config, System, dump_toml, load_config
from common.runtime.service import host
from common.runtime.version import code_version
from services.order_gateway.__main__ import SPEC, paper_of, settings_of
from services.order_gateway.adapters.paper import PaperBroker
from services.order_gateway.core import GatewayCore

GATEWAY, MARKET, RISK = "order_gateway", "market_data", "risk_manager"
RAISED = dict.fromkeys(("orders_per_s", "orders_per_day", "order_value_max", "day_value_max"), 1_000_000_000)
RAISED_TEXT = f"the gateway's order limits are raised by a constructor argument: {RAISED}"
CASH = 10**15
START_SECOND = 34_200
BEAT_S = 0.1
WAIT_S = 20.0
ASK_AGAIN_S = 0.01


class Stage:
    """The two peers in this process; `gateway` is the other one."""

    def __init__(self, folder: Path, base_port: int, stocks: int, day: Day = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        keys = folder / "keys"
        make_missing_keys(keys)
        system = System(base_port=base_port, run_dir=str(folder), keys_dir=str(keys), log_level="warning")
        self.folder, self.config = folder, folder / "config.toml"
        self.config.write_text(dump_toml(replace(Config(), system=system)), encoding="utf-8")
        self.market = Links(MARKET, base_port, keys, "bench-market", time.time_ns)
        self.market.bind()
        self.risk = Links(RISK, base_port, keys, "bench-risk", time.time_ns)
        self.risk.connect(GATEWAY)
        self.gateway: subprocess.Popen[bytes] | None = None
        opened, table = make_day(stocks)
        changed = replace(table, day=day or opened.day)
        first = push_id(changed.day, 0)
        self.opened = replace(
            opened, day=changed.day, push=first, ts_ns=ts_of(changed.day, 32_400), instruments=changed
        )
        self.table = changed
        self.quotes = QuoteTable(stocks)
        self.acked = 0
        self._version = code_version()
        self._number, self._beat_s, self._orders = 0, 0.0, 0
        self._frames: list[Message] = [self.opened, self._end(0)]

    # ------------------------------------------------------------------ the gateway

    def start(self) -> None:
        """Start the gateway's process."""
        command = [sys.executable, "-m", "bench.gateway_stage", str(self.config)]
        self.gateway = subprocess.Popen(command, cwd=Path(__file__).resolve().parents[1])

    def kill(self) -> None:
        """Kill it, as kill -9 does."""
        if self.gateway is not None:
            self.gateway.kill()
            self.gateway.wait()
            self.gateway = None

    def close(self) -> None:
        """End everything."""
        self.kill()
        self.market.close()
        self.risk.close()

    # ------------------------------------------------------------------ the market

    @property
    def push(self) -> int:
        """Return the push said last."""
        return push_id(self.table.day, self._number)

    def _end(self, parts: int) -> PushEnd:
        second = START_SECOND + 3 * self._number if self._number else 32_400
        prev = push_id(self.table.day, self._number - 1) if self._number else 0
        return PushEnd(
            "bench", self.table.day, self.push, ts_of(self.table.day, second), phase_at(second), parts, 0,
            last_of_day=False, hand=(), prev=prev,
        )  # fmt: skip

    def play(self) -> None:
        """Say the next push, three seconds of data time later, and wait until the gateway has done it."""
        self._number += 1
        batches = make_push(self.table, self.push, START_SECOND + 3 * self._number)
        self._frames = [*batches, self._end(len(batches))]
        for batch in batches:
            self.quotes.apply(batch)
        for message in self._frames:
            self.market.publisher.send(FEED, message)
        self.wait(lambda: self.acked >= self.push)

    def step(self, wait_ms: int = 0) -> None:
        """Do what a living market does: answer, beat."""
        self.market.poll(wait_ms)
        self.market.doorkeeper.step()
        for message, origin in self.market.ask.read():
            if isinstance(message, PushAck):
                self.acked = max(self.acked, message.push)
            elif isinstance(message, FeedStateRequest) and origin.token is not None:
                self.market.ask.answer(origin.token, self._state())
        now = time.monotonic()
        if now - self._beat_s >= BEAT_S:
            self._beat_s = now
            self.market.publisher.send(BEAT, Beat(MARKET, dict(self.market.publisher.seqs), self._version))

    def _state(self) -> FeedState:
        raw = b""
        if self._number:
            end = self._end(0)
            raw = encode_body(self.quotes.to_batch(end.ts_ns, end.phase))
        frames = tuple(encode_body(message) for message in (self._frames if not self._number else [self._end(0)]))
        return FeedState(self.opened, raw, self.push if self._number else 0, frames, gap=False)

    def wait(self, done: Callable[[], bool]) -> None:
        """Go on until something has happened."""
        until = time.monotonic() + WAIT_S
        while not done():
            if time.monotonic() > until:
                raise SystemExit("the gateway does not answer")
            self.step(5)

    # ------------------------------------------------------------------ risk

    def order(self) -> SubmitOrder:
        """Make the next order: a buy one tick below the last price, which rests; no two are alike."""
        self._orders += 1
        at = self._orders % len(self.table.symbols)
        day, end = self.table.day, self._end(0)
        key = f"bench|{day}|{self.table.symbols[at]}|ORDER|{self._orders}-{os.getpid()}"
        return SubmitOrder(
            coid=client_order_id(day, key), key=key, symbol=self.table.symbols[at], side=Side.BUY,
            shares=100 + 100 * (self._orders // len(self.table.symbols)), price=int(self.quotes.last[at]) - 10,
            push=self.push, ts_ns=end.ts_ns, valid_until_ns=end.ts_ns + 60 * 1_000_000_000, rule="bench",
            cause=Reason.RULE_ENTRY,
        )  # fmt: skip

    def ask(self, key: str, message: Message) -> None:
        """Ask the gateway as risk does."""
        self.risk.requesters[GATEWAY].ask(key, message)

    def answers(self, wait_ms: int) -> list[tuple[str, Message]]:
        """Return the answers that are there, by key."""
        self.risk.poll(wait_ms)
        found = self.risk.requesters[GATEWAY].read()
        return [(envelope.correlation_id, message) for envelope, message in found]

    def poll_answer(self, message: Message, wait_s: float = WAIT_S) -> Message:
        """Ask anew every few milliseconds until one of the questions is answered: for a gateway that is starting."""
        until, asked = time.monotonic() + wait_s, 0.0
        mine = f"poll-{time.monotonic_ns()}"
        number = 0
        try:
            while time.monotonic() < until:
                if time.monotonic() - asked > ASK_AGAIN_S:
                    asked, number = time.monotonic(), number + 1
                    self.ask(f"{mine}-{number}", message)
                for found, answer in self.answers(1):
                    if found.startswith(mine):
                        return answer
                self.step()
        finally:
            for each in range(1, number + 1):
                self.risk.requesters[GATEWAY].forget(f"{mine}-{each}")
        raise SystemExit(f"no answer to {type(message).__name__}")

    def until_ready(self) -> Status:
        """Wait until the gateway says that it is ready."""
        while True:
            answer = self.poll_answer(StatusRequest())
            if isinstance(answer, Status) and answer.ready:
                return answer


def run_gateway(config: Path) -> int:
    """Be the gateway: the shipped one but for its raised limits and a rich account."""
    loaded = load_config(config)
    settings = settings_of(loaded)._replace(cash=CASH, **RAISED, ceilings=RAISED)
    return host(GatewayCore(settings), SPEC, loaded, PaperBroker(paper_of(loaded)))


if __name__ == "__main__":
    sys.exit(run_gateway(Path(sys.argv[1])))
