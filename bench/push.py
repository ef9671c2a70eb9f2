"""One push of the whole market (5,400 stocks, 27 batches) from the publisher to readers that have scanned it.

Baseline: the same frames through a bare pyzmq loop (send_multipart, recv_multipart, nothing else). Both with six
readers in processes of their own, alternating in one run; the time of a push ends when the last reader has answered.
"""

import argparse
import json
import multiprocessing as mp
import statistics
import time
from multiprocessing.synchronize import Event

import numpy as np
import zmq
from msgspec.structs import replace

from bench.whole_market import WATCHED, make_day, make_push
from common.bus.publisher import Publisher
from common.bus.sockets import publisher, subscriber
from common.bus.subscriber import Subscriber
from common.domain.values import push_id
from common.messages.codec import encode_body
from common.messages.columns import index_of, quotes_of
from common.messages.control import FeedState
from common.messages.feed import FeedReader
from common.messages.market import PushEnd
from common.messages.topics import FEED

READERS = 6
PORTS = {"raw": 27981, "ours": 27982, "answers": 27983}


def read_raw(number: int, ready: Event, batches: int) -> None:
    context = zmq.Context()
    socket = subscriber(context, f"tcp://127.0.0.1:{PORTS['raw']}", (FEED,), None)
    answers = context.socket(zmq.PUSH)
    answers.connect(f"tcp://127.0.0.1:{PORTS['answers']}")
    ready.set()
    while True:
        for _ in range(batches + 1):
            frames = socket.recv_multipart()
            if len(frames[2]) == 0:
                return
        answers.send(b"%d" % number)


def read_ours(number: int, ready: Event, _batches: int) -> None:
    context = zmq.Context()
    socket = subscriber(context, f"tcp://127.0.0.1:{PORTS['ours']}", (FEED,), None)
    answers = context.socket(zmq.PUSH)
    answers.connect(f"tcp://127.0.0.1:{PORTS['answers']}")
    heard = Subscriber(socket, "market_data", plain=True)
    reader = FeedReader("bench")
    reader.on_start()
    reader.on_message(FeedState(None, b"", 0, (), gap=False))
    watched = np.zeros(5400, bool)
    watched[WATCHED] = True
    ready.set()
    hits = 0
    while True:
        socket.poll()
        for _, _, message in heard.read():
            pushes, outputs = reader.on_message(message)
            if outputs:
                answers.send(b"lost")
                return
            for push in pushes:
                if push.end.last_of_day:
                    return
                if push.day is not None:
                    reader.apply(push)
                for batch in push.batches:
                    rows = np.flatnonzero(watched[index_of(batch)])
                    if len(rows):
                        hits += len(quotes_of(batch).last[rows])
                answers.send(b"%d" % number)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pushes", type=int, default=200)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    day, table = make_day(5400)
    batches = make_push(table, push_id(day.day, 1), 34_203)
    context = zmq.Context()
    answers = context.socket(zmq.PULL)
    answers.bind(f"tcp://127.0.0.1:{PORTS['answers']}")
    raw = publisher(context, f"tcp://127.0.0.1:{PORTS['raw']}", None)
    ours_socket = publisher(context, f"tcp://127.0.0.1:{PORTS['ours']}", None)
    ours = Publisher(ours_socket, "market_data", "bench", time.monotonic_ns, plain=True)
    spawn = mp.get_context("spawn")
    started = [spawn.Event() for _ in range(2 * READERS)]
    readers = [
        spawn.Process(target=target, args=(n, started[at * READERS + n], len(batches)), daemon=True)
        for at, target in enumerate((read_raw, read_ours))
        for n in range(READERS)
    ]
    for process in readers:
        process.start()
    for event in started:
        event.wait(60)
    time.sleep(0.5)

    def end(number: int, parts: int) -> PushEnd:
        push = push_id(day.day, number)
        return PushEnd(
            "bench",
            day.day,
            push,
            day.ts_ns + number,
            batches[0].phase,
            parts,
            0,
            prev=max(0, push - 1) if number else 0,
        )

    def wait() -> None:
        for _ in range(READERS):
            if not answers.poll(5000):
                raise SystemExit("a reader lost a push")
            if answers.recv() == b"lost":
                raise SystemExit("a reader lost a push")

    ours.send(FEED, day)
    ours.send(FEED, end(0, 0))
    wait()
    plain = [[FEED.encode(), b"h" * 60, encode_body(batch)] for batch in batches]
    plain.append([FEED.encode(), b"h" * 60, encode_body(end(1, 27))])
    times: dict[str, list[float]] = {"raw": [], "ours": []}
    for number in range(1, chosen.pushes + 1):
        start = time.perf_counter()
        for frames in plain:
            raw.send_multipart(frames)
        wait()
        times["raw"].append(time.perf_counter() - start)
        push = push_id(day.day, number)
        said = [replace(batch, push=push) for batch in batches]
        start = time.perf_counter()
        for batch in said:
            ours.send(FEED, batch)
        ours.send(FEED, end(number, len(said)))
        wait()
        times["ours"].append(time.perf_counter() - start)
    for process in readers:
        process.kill()
    base, own = statistics.median(times["raw"]) * 1e3, statistics.median(times["ours"]) * 1e3
    figures = {
        "raw_ms": round(base, 2),
        "ours_ms": round(own, 2),
        "ratio": round(own / base, 2),
        "lost": 0,
        "readers": READERS,
    }
    if chosen.json:
        print(json.dumps(figures))
    else:
        print(
            f"push of 5,400 codes to {READERS} readers: ours {own:.2f} ms, raw pyzmq {base:.2f} ms, ratio {own / base:.2f} (bound 3), lost 0"
        )


if __name__ == "__main__":
    main()
