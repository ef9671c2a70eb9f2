"""One push of the whole market (5,400 stocks, 27 batches) from the publisher until six readers have scanned it.

Baseline: frames of the same size through a bare pyzmq loop (send_multipart, recv_multipart, nothing else), alternating
with ours in one run. Readers are processes of their own; a push ends when the last of them has answered.
"""

import argparse
import json
import multiprocessing as mp
import statistics
import time
from collections.abc import Callable
from multiprocessing.synchronize import Event

import numpy as np
import zmq
from msgspec.structs import replace

from bench.whole_market import WATCHED, make_day, make_push
from common.bus.publisher import Publisher
from common.bus.sockets import Socket, publisher, subscriber
from common.bus.subscriber import Subscriber
from common.domain.values import push_id
from common.messages.codec import encode_body
from common.messages.control import FeedState
from common.messages.feed import FeedReader
from common.messages.market import DayOpened, PushEnd, QuoteBatch
from common.messages.topics import FEED
from services.signal_engine.wake import wake_quotes

READERS = 6
BOUND = 3.0
PORTS = {"raw": 27981, "ours": 27982, "answers": 27983}
WAIT_MS = 5_000


def hear(port: str) -> tuple[Socket, Socket]:
    """Return a reader's two sockets."""
    context = zmq.Context()
    answers = context.socket(zmq.PUSH)
    answers.connect(f"tcp://127.0.0.1:{PORTS['answers']}")
    return subscriber(context, f"tcp://127.0.0.1:{PORTS[port]}", (FEED,), None), answers


def read_raw(ready: Event, batches: int) -> None:
    """Receive and count."""
    socket, answers = hear("raw")
    ready.set()
    while True:
        for _ in range(batches + 1):
            socket.recv_multipart()
        answers.send(b"done")


def read_ours(ready: Event, _batches: int) -> None:
    """Do what the signal engine does with a push in which none of its hundred stocks decides anything."""
    socket, answers = hear("ours")
    heard = Subscriber(socket, "market_data", plain=True)
    reader = FeedReader("bench")
    reader.on_start()
    reader.on_message(FeedState(None, b"", 0, (), gap=False))
    watched = np.zeros(5400, bool)
    watched[WATCHED] = True
    ready.set()
    while True:
        socket.poll()
        for _, _, message in heard.read():
            pushes, missing = reader.on_message(message)
            if missing:
                answers.send(b"lost")
            for push in pushes:
                if push.day is not None:
                    reader.apply(push)
                if reader.instruments is not None and reader.table is not None:
                    wake_quotes(push.batches, watched, reader.instruments, reader.table, steps=True)
                answers.send(b"done")


def end_of(day: DayOpened, number: int, parts: int, first: QuoteBatch) -> PushEnd:
    """Return the end of push `number`."""
    push = push_id(day.day, number)
    return PushEnd("bench", day.day, push, day.ts_ns + number, first.phase, parts, 0, prev=push - 1 if number else 0)


def wait(answers: Socket) -> None:
    """Wait for all readers; a lost push ends the bench."""
    for _ in range(READERS):
        if not answers.poll(WAIT_MS) or answers.recv() == b"lost":
            raise SystemExit("a reader lost a push")


def start_readers(batches: int) -> list[mp.process.BaseProcess]:
    """Start the readers of both kinds and wait until they listen."""
    spawn = mp.get_context("spawn")
    started = [spawn.Event() for _ in range(2 * READERS)]
    kinds = [read_raw] * READERS + [read_ours] * READERS
    readers = [
        spawn.Process(target=kind, args=(event, batches), daemon=True)
        for kind, event in zip(kinds, started, strict=True)
    ]
    for process in readers:
        process.start()
    for event in started:
        event.wait(60)
    time.sleep(0.5)  # subscriptions take a moment to reach the publishers
    return list(readers)


def measure(pushes: int) -> dict[str, list[float]]:
    """Return the seconds of each push, ours and raw alternating."""
    day, table = make_day(5400)
    batches = make_push(table, push_id(day.day, 1), 34_203)
    context = zmq.Context()
    answers = context.socket(zmq.PULL)
    answers.bind(f"tcp://127.0.0.1:{PORTS['answers']}")
    raw = publisher(context, f"tcp://127.0.0.1:{PORTS['raw']}", None)
    socket = publisher(context, f"tcp://127.0.0.1:{PORTS['ours']}", None)
    ours = Publisher(socket, "market_data", "bench", time.monotonic_ns, plain=True)
    readers = start_readers(len(batches))
    frames = [[FEED.encode(), b"h" * 60, encode_body(batch)] for batch in batches]
    frames.append([FEED.encode(), b"h" * 60, encode_body(end_of(day, 1, len(batches), batches[0]))])

    def say_raw() -> None:
        for message in frames:
            raw.send_multipart(message)

    ours.send(FEED, day)
    ours.send(FEED, end_of(day, 0, 0, batches[0]))
    wait(answers)
    times: dict[str, list[float]] = {"raw": [], "ours": []}
    for number in range(1, pushes + 1):
        times["raw"].append(timed(say_raw, answers))
        said = [
            *(replace(batch, push=push_id(day.day, number)) for batch in batches),
            end_of(day, number, len(batches), batches[0]),
        ]

        def say_ours(messages: list[QuoteBatch | PushEnd] = said) -> None:
            for message in messages:
                ours.send(FEED, message)

        times["ours"].append(timed(say_ours, answers))
    for process in readers:
        process.kill()
    context.destroy(linger=0)
    return times


def timed(say: Callable[[], None], answers: Socket) -> float:
    """Return the seconds from the first word to the last answer."""
    start = time.perf_counter()
    say()
    wait(answers)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pushes", type=int, default=200)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    times = measure(chosen.pushes)
    base, own = (statistics.median(times[kind]) * 1e3 for kind in ("raw", "ours"))
    figures = {
        "ours_ms": round(own, 2),
        "raw_ms": round(base, 2),
        "ratio": round(own / base, 2),
        "bound": BOUND,
        "lost": 0,
    }
    if chosen.json:
        print(json.dumps(figures))
        return
    verdict = "ok" if own / base <= BOUND else "over"
    print(
        f"whole-market push, {READERS} readers: {own:.2f} ms, raw pyzmq {base:.2f} ms, ratio {own / base:.2f} (bound {BOUND:g}: {verdict}), lost 0"
    )


if __name__ == "__main__":
    main()
