"""How long a service is away after kill -9 under the shipped supervisord, and how long a gateway with a big journal takes.

Baseline of the first, in the same run: an interpreter that imports what the service imports, and ends. Baseline of the
second: reading and decoding the same rows, nothing done with them.
"""

import argparse
import gc
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from bench.big_journal import Maker
from bench.gateway_stage import Stage
from common.bus.client import Client
from common.domain.calendar import hms
from common.domain.errors import PeerSilentError
from common.domain.values import push_id
from common.messages.codec import decode_body
from common.messages.control import Status, StatusRequest
from common.messages.orders import Account, AccountRequest, EventsRequest, OrdersRequest, PositionsRequest
from common.runtime.store import Store

PANKOU = Path(sys.executable).with_name("pankou")
CHECKOUT = Path(__file__).resolve().parents[1]
BASE_PORT, STAGE_PORT = 27_600, 27_660
SERVICES = ("market_data", "screener", "signal_engine", "risk_manager", "order_gateway")
UP_S = 5.5
"""A service that dies before it has been up for `startsecs` waits longer for its next start: that is another figure."""
PUSH = push_id(20260105, (hms("10:00") - hms("09:15")) // 3)
READY_BOUND_S, QUERY_BOUND_S = 3.0, 2.0
ORDERS, FILLS = 20_000, 50_000


class Big(NamedTuple):
    """A start with a big journal, in seconds."""

    orders: int
    fills: int
    rows: int
    first: float
    """From spawn to the first answer about the books."""
    queries: dict[str, float]
    ready: float
    """From spawn to taking orders, the market's state asked for and applied."""
    read: float
    """Baseline: read and decode the rows."""


# ------------------------------------------------------------------ kills under supervisord


def status_of(client: Client, service: str, timeout_s: float) -> Status | None:
    """Return how a service is, None while it is away."""
    try:
        answer = client.ask(service, StatusRequest(), link="control", timeout_s=timeout_s)
    except PeerSilentError:
        return None
    return answer if isinstance(answer, Status) else None


def seconds_away(client: Client, service: str) -> float:
    """Kill a service and return the seconds until its successor is ready."""
    before = status_of(client, service, 20)
    assert before is not None, service
    os.kill(before.numbers["pid"], signal.SIGKILL)
    start = time.perf_counter()
    while time.perf_counter() - start < 60:
        now = status_of(client, service, 0.05)
        if now is not None and now.run_id != before.run_id and now.ready:
            return time.perf_counter() - start
    raise SystemExit(f"{service} did not come back in 60 s")


def kills(home: Path, rounds: int) -> dict[str, list[float]]:
    """Hold the standard run at ten o'clock and kill every service in turn."""
    (home / "config.toml").write_text(f"[system]\nbase_port = {BASE_PORT}\n", encoding="utf-8")
    names = {**os.environ, "PANKOU_HOME": str(home), "PANKOU_LANG": "en"}

    def pankou(*arguments: str) -> None:
        subprocess.run([str(PANKOU), *arguments], env=names, check=True, stdout=subprocess.DEVNULL, timeout=900)

    found: dict[str, list[float]] = {service: [] for service in SERVICES}
    try:
        pankou("run", "--no-follow", "--until-push", str(PUSH))
        with Client(BASE_PORT, home / "keys") as client:
            while (status := status_of(client, "market_data", 30)) is None or status.state != "held":
                time.sleep(0.05)
            for _ in range(rounds):
                begun = time.monotonic()
                for service in SERVICES:
                    found[service].append(seconds_away(client, service))
                time.sleep(max(0.0, UP_S - (time.monotonic() - begun)) + UP_S / len(SERVICES))
    finally:
        pankou("stop")
    return found


def bare_start(service: str) -> float:
    """Return the seconds of an interpreter that imports the service and ends."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import services.{service}.__main__"], check=True, cwd=CHECKOUT)
    return time.perf_counter() - start


# ------------------------------------------------------------------ a big journal


def big_start(folder: Path, times: int) -> list[Big]:
    """Start a gateway on a big journal, kill it, and again."""
    maker = Maker(folder / "order_gateway.db")
    day = maker.make(ORDERS)
    assert maker.orders >= ORDERS
    assert maker.fills >= FILLS
    stage = Stage(folder, STAGE_PORT, 400, day + 1)
    questions = {
        "account": AccountRequest(), "positions": PositionsRequest(), "orders": OrdersRequest(day),
        "events": EventsRequest(len(maker.books.rows) - 1000),
    }  # fmt: skip
    found = []
    try:
        for _ in range(times):
            stage.kill()
            read = reading(folder / "order_gateway.db")
            start = time.perf_counter()
            stage.start()
            account = stage.poll_answer(questions["account"])
            first = time.perf_counter() - start
            assert isinstance(account, Account)
            assert account.cash == maker.books.ledger.free_cash, "the books are not what was written"
            stage.until_ready()
            ready = time.perf_counter() - start
            took = {}
            for name, question in questions.items():
                begun = time.perf_counter()
                stage.poll_answer(question)
                took[name] = time.perf_counter() - begun
            found.append(Big(maker.orders, maker.fills, len(maker.books.rows), first, took, ready, read))
    finally:
        stage.close()
    return found


def reading(path: Path) -> float:
    """Return the seconds of reading and decoding all rows."""
    store = Store(path, full=False)
    gc.disable()
    start = time.perf_counter()
    bodies = store._db.execute("SELECT body FROM journal ORDER BY seq").fetchall()
    rows = [decode_body(body) for (body,) in bodies]
    seconds = time.perf_counter() - start
    gc.enable()
    assert len(rows) > ORDERS + FILLS
    store.close()
    return seconds


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5, help="kills of each service")
    options.add_argument("--times", type=int, default=5, help="starts with the big journal")
    options.add_argument("--home", type=Path, help="keep the market here for the next time")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = chosen.home or Path(scratch) / "home"
        home.mkdir(parents=True, exist_ok=True)
        away = kills(home, chosen.rounds) if chosen.rounds else {}
        bare = {service: bare_start(service) for service in away}
        big = big_start(Path(scratch) / "big", chosen.times) if chosen.times else []
    if chosen.json:
        print(json.dumps({"away_s": away, "bare_s": bare, "big": [each._asdict() for each in big]}))
        return
    for service, seconds in away.items():
        p50 = statistics.median(seconds)
        verdict = "ok" if p50 <= READY_BOUND_S else "over"
        print(
            f"{service}: ready {p50:.2f} s p50, {max(seconds):.2f} s at most after kill -9 ({len(seconds)} kills; bound "
            f"{READY_BOUND_S:g} s: {verdict}); an interpreter with its imports {bare[service]:.2f} s"
        )
    if big:
        first = statistics.median(each.first for each in big)
        slowest = max(max(each.queries.values()) for each in big)
        verdict = "ok" if first + slowest <= QUERY_BOUND_S else "over"
        print(
            f"journal of {big[0].orders} orders and {big[0].fills} fills ({big[0].rows} rows): first answer {first:.2f} s "
            f"p50 after the spawn, ready for orders {statistics.median(each.ready for each in big):.2f} s, slowest "
            f"question {slowest * 1e3:.0f} ms (bound {QUERY_BOUND_S:g} s: {verdict}); "
            f"only reading its rows {statistics.median(each.read for each in big):.2f} s"
        )


if __name__ == "__main__":
    main()
