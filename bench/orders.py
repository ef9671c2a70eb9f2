"""How long an order takes from being sent to being journalled, at 20 a second and in bursts of 300 a second.

Baseline, alternating with it in the same run on the same disk: the same row committed by bare SQLite
(`synchronous=FULL`), nothing around it. A real gateway process, CURVE, real sockets, the paper exchange behind it.
Between the two stands the least that two processes can do: one that commits the row and sends it back over CURVE,
without decoding, checks or books; the bound is on that one (ADR 0037).
"""

import argparse
import json
import multiprocessing
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import zmq

from bench.gateway_stage import RAISED_TEXT, Stage
from common.messages.codec import encode_body
from common.messages.orders import EventRow, Journalled, OrderSubmitted, SubmitOrder
from common.messages.outputs import Message

BASE_PORT, BARE_PORT = 27_850, 27_990
STOCKS = 400
STEADY_HZ, BURST_HZ = 20, 300
BURST = 300
BOUND = 2.0


class Figures(NamedTuple):
    """Milliseconds."""

    count: int
    p50: float
    p99: float
    most: float


class Raw:
    """Bare SQLite with the gateway's table."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        for line in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"):
            self._db.execute(line)
        self._db.execute(
            "CREATE TABLE journal(seq INTEGER PRIMARY KEY AUTOINCREMENT, ukey TEXT UNIQUE, body BLOB NOT NULL)"
        )

    def commit(self, order: SubmitOrder) -> float:
        """Write the row of an order; returns milliseconds."""
        key, body = row_of(order)
        start = time.perf_counter_ns()
        self.write(key, body)
        return (time.perf_counter_ns() - start) / 1e6

    def write(self, key: str, body: bytes) -> None:
        """Commit one row."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("INSERT INTO journal(ukey, body) VALUES(?, ?)", (key, body))
        self._db.execute("COMMIT")


def row_of(order: SubmitOrder) -> tuple[str, bytes]:
    """Return the journal's row of an order."""
    return f"order:{order.coid}", encode_body(
        EventRow(1, order.push, 1, OrderSubmitted(order, order.shares * order.price))
    )


def echo(address: str, secret: bytes, path: Path) -> None:
    """Be the bare process: commit what comes, then send it back."""
    socket = zmq.Context().socket(zmq.ROUTER)
    socket.curve_server, socket.curve_secretkey = True, secret
    socket.bind(address)
    raw = Raw(path)
    while True:
        route, key, body = socket.recv_multipart()
        raw.write(key.decode(), body)
        socket.send_multipart([route, key])


class Bare:
    """The least that two processes can do for an order."""

    def __init__(self, path: Path) -> None:
        public, secret = zmq.curve_keypair()
        address = f"tcp://127.0.0.1:{BARE_PORT}"
        self._process = multiprocessing.get_context("spawn").Process(
            target=echo, args=(address, secret, path), daemon=True
        )
        self._process.start()
        self._socket: Any = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.curve_serverkey = public
        self._socket.curve_publickey, self._socket.curve_secretkey = zmq.curve_keypair()
        self._socket.rcvtimeo, self._socket.linger = 10_000, 0
        self._socket.connect(address)

    def ask(self, order: SubmitOrder) -> float:
        """Have an order's row committed there; returns milliseconds."""
        key, body = row_of(order)
        start = time.perf_counter_ns()
        self._socket.send_multipart([key.encode(), body])
        self._socket.recv()
        return (time.perf_counter_ns() - start) / 1e6

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._socket.close()


def figures(times: list[float]) -> Figures:
    """Return median, 99th percentile and the longest."""
    ordered = sorted(times)
    return Figures(len(ordered), ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100], ordered[-1])


def steady(stage: Stage, raw: Raw, bare: Bare, count: int) -> tuple[list[float], list[float], list[float]]:
    """Send orders at their pace, a raw commit and a bare process's between two; returns the times of the three."""
    acks: list[float] = []
    commits: list[float] = []
    bares: list[float] = []
    begun = time.perf_counter()
    for number in range(count):
        idle(stage, begun + number / STEADY_HZ)
        if number % (3 * STEADY_HZ) == 0:
            stage.play()
        order = stage.order()
        start = time.perf_counter_ns()
        stage.ask(order.key, order)
        taken(stage.answers(1000), order.key)
        acks.append((time.perf_counter_ns() - start) / 1e6)
        idle(stage, begun + (number + 0.35) / STEADY_HZ)
        commits.append(raw.commit(order))
        idle(stage, begun + (number + 0.7) / STEADY_HZ)
        bares.append(bare.ask(order))
    return acks, commits, bares


def burst(stage: Stage, raw: Raw, bare: Bare) -> tuple[list[float], list[float], list[float], float]:
    """Send a second's worth of orders; returns acks, raw and bare commits at that pace, and when the last ack came, s."""
    orders = [stage.order() for _ in range(BURST)]
    sent: dict[str, int] = {}
    acks: dict[str, float] = {}
    begun = time.perf_counter()
    while len(acks) < BURST:
        now = time.perf_counter()
        while len(sent) < BURST and now >= begun + len(sent) / BURST_HZ:
            order = orders[len(sent)]
            sent[order.key] = time.perf_counter_ns()
            stage.ask(order.key, order)
        for key, message in stage.answers(1):
            acks[taken([(key, message)], key)] = (time.perf_counter_ns() - sent[key]) / 1e6
        if now > begun + 30:
            raise SystemExit(f"{BURST - len(acks)} orders of a burst were not answered in 30 s")
    last = time.perf_counter() - begun
    beside = []
    for other in (raw.commit, bare.ask):
        begun = time.perf_counter()
        for number, order in enumerate(orders):
            idle(stage, begun + number / BURST_HZ)
            beside.append(other(order))
    return list(acks.values()), beside[:BURST], beside[BURST:], last


def taken(answers: list[tuple[str, Message]], key: str) -> str:
    """Refuse anything but the answer that the order is on disk."""
    for found, message in answers:
        if found == key and isinstance(message, Journalled):
            return key
    raise SystemExit(f"an order was not taken: {answers}")


def idle(stage: Stage, until: float) -> None:
    """Be the market until then."""
    while (left := until - time.perf_counter()) > 0:
        stage.step(min(20, int(left * 1000)))


def measure(folder: Path, seconds: int, bursts: int) -> dict[str, Any]:
    """Return the figures of one run."""
    stage = Stage(folder, BASE_PORT, STOCKS)
    raw, bare = Raw(folder / "raw.db"), Bare(folder / "bare.db")
    try:
        stage.start()
        stage.until_ready()
        stage.play()
        steady(stage, raw, bare, STEADY_HZ)  # warm up
        slow = steady(stage, raw, bare, seconds * STEADY_HZ)
        quick: tuple[list[float], ...] = ([], [], [])
        lasts = []
        for _ in range(bursts):
            stage.play()
            *found, last = burst(stage, raw, bare)
            for times, some in zip(quick, found, strict=True):
                times.extend(some)
            lasts.append(last)
        rows = stage.until_ready().numbers
    finally:
        bare.close()
        stage.close()
    named = {
        f"{when}{who}": figures(times)
        for when, three in (("steady", slow), ("burst", quick))
        for who, times in zip(("", "_raw", "_bare"), three, strict=True)
    }
    return {**named, "burst_done_s": max(lasts), "orders": rows["orders"], "commits": rows["commits"]}


def line(name: str, found: dict[str, Any], when: str) -> str:
    """Return one line of figures."""
    ours, raw, bare = found[when], found[f"{when}_raw"], found[f"{when}_bare"]
    return (
        f"{name}: {ours.count} orders, journalled ack p50 {ours.p50:.3f} p99 {ours.p99:.3f} max {ours.most:.1f} ms | "
        f"raw commit p50 {raw.p50:.3f} p99 {raw.p99:.3f} ms | p50 ratio {ours.p50 / raw.p50:.2f} | "
        f"a bare process that commits and echoes {bare.p50:.3f} ms, ratio {bare.p50 / raw.p50:.2f}; "
        f"the ack is {ours.p50 / bare.p50:.2f} times it"
    )


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=15, help="of 20 orders a second")
    options.add_argument("--bursts", type=int, default=5, help="seconds of 300 orders each")
    options.add_argument(
        "--folder", type=Path, help="on which disk; by default the system's folder for temporary files"
    )
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as scratch:
        found = measure(Path(scratch), chosen.seconds, chosen.bursts)
    if chosen.json:
        print(
            json.dumps(
                {name: value._asdict() if isinstance(value, Figures) else value for name, value in found.items()}
            )
        )
        return
    print(RAISED_TEXT)
    print(line(f"{STEADY_HZ}/s", found, "steady"))
    print(line(f"bursts of {BURST} at {BURST_HZ}/s", found, "burst"))
    print(f"last ack of a burst {found['burst_done_s']:.2f} s after its first order; {found['commits']} commits in all")
    fast = all(found[when].p50 <= BOUND * found[f"{when}_bare"].p50 for when in ("steady", "burst"))
    print(f"bound: p50 at most {BOUND:g} times the bare process's: {'ok' if fast else 'over'}")


if __name__ == "__main__":
    main()
