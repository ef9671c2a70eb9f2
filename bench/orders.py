"""How long an order takes from being sent to being journalled, at 20 a second and in bursts of 300 a second.

Baseline, alternating with it in the same run on the same disk: the same row committed by bare SQLite
(`synchronous=FULL`), nothing around it. A real gateway process, CURVE, real sockets, the paper exchange behind it.
"""

import argparse
import json
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from bench.gateway_stage import RAISED_TEXT, Stage
from common.messages.codec import encode_body
from common.messages.orders import EventRow, Journalled, OrderSubmitted, SubmitOrder
from common.messages.outputs import Message

BASE_PORT = 27_850
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
        self._seq = 0

    def commit(self, order: SubmitOrder) -> float:
        """Write the row of an order; returns milliseconds."""
        self._seq += 1
        body = encode_body(EventRow(self._seq, order.push, 1, OrderSubmitted(order, order.shares * order.price)))
        start = time.perf_counter_ns()
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("INSERT INTO journal(ukey, body) VALUES(?, ?)", (f"order:{order.coid}", body))
        self._db.execute("COMMIT")
        return (time.perf_counter_ns() - start) / 1e6


def figures(times: list[float]) -> Figures:
    """Return median, 99th percentile and the longest."""
    ordered = sorted(times)
    return Figures(len(ordered), ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100], ordered[-1])


def steady(stage: Stage, raw: Raw, count: int) -> tuple[list[float], list[float]]:
    """Send orders at their pace, a raw commit half-way between two; returns both times."""
    acks: list[float] = []
    commits: list[float] = []
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
        idle(stage, begun + (number + 0.5) / STEADY_HZ)
        commits.append(raw.commit(order))
    return acks, commits


def burst(stage: Stage, raw: Raw) -> tuple[list[float], list[float], float]:
    """Send a second's worth of orders; returns acks, raw commits at the same pace, and the time of the last ack in s."""
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
    commits = []
    begun = time.perf_counter()
    for number, order in enumerate(orders):
        idle(stage, begun + number / BURST_HZ)
        commits.append(raw.commit(order))
    return list(acks.values()), commits, last


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


def measure(folder: Path, seconds: int, bursts: int) -> dict[str, object]:
    """Return the figures of one run."""
    stage = Stage(folder, BASE_PORT, STOCKS)
    raw = Raw(folder / "raw.db")
    try:
        stage.start()
        stage.until_ready()
        stage.play()
        steady(stage, raw, STEADY_HZ)  # warm up
        acks, commits = steady(stage, raw, seconds * STEADY_HZ)
        quick: list[float] = []
        beside: list[float] = []
        lasts = []
        for _ in range(bursts):
            stage.play()
            some, others, last = burst(stage, raw)
            quick += some
            beside += others
            lasts.append(last)
        rows = stage.until_ready().numbers
    finally:
        stage.close()
    return {
        "steady": figures(acks), "steady_raw": figures(commits), "burst": figures(quick), "burst_raw": figures(beside),
        "burst_done_s": max(lasts), "orders": rows["orders"], "commits": rows["commits"],
    }  # fmt: skip


def line(name: str, ours: Figures, raw: Figures) -> str:
    """Return one line of figures."""
    return (
        f"{name}: {ours.count} orders, journalled ack p50 {ours.p50:.3f} p99 {ours.p99:.3f} max {ours.most:.1f} ms | "
        f"raw commit p50 {raw.p50:.3f} p99 {raw.p99:.3f} ms | p50 ratio {ours.p50 / raw.p50:.2f}"
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
    steady_, raw, quick, beside = (found[name] for name in ("steady", "steady_raw", "burst", "burst_raw"))
    assert isinstance(steady_, Figures)
    assert isinstance(raw, Figures)
    assert isinstance(quick, Figures)
    assert isinstance(beside, Figures)
    if chosen.json:
        print(
            json.dumps(
                {name: value._asdict() if isinstance(value, Figures) else value for name, value in found.items()}
            )
        )
        return
    print(RAISED_TEXT)
    print(line(f"{STEADY_HZ}/s", steady_, raw))
    print(line(f"bursts of {BURST} at {BURST_HZ}/s", quick, beside))
    print(f"last ack of a burst {found['burst_done_s']:.2f} s after its first order; {found['commits']} commits in all")
    print(f"bound: p50 at most {BOUND:g} times the raw commit's: {'ok' if steady_.p50 <= BOUND * raw.p50 else 'over'}")


if __name__ == "__main__":
    main()
