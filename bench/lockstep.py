"""Three sessions of 400 stocks and 3-s pushes in lockstep through the supervised services: how many times real time.

Baseline, in the same run: the same number of messages of the same size through bare pyzmq between four processes (one
player, three readers that acknowledge each push), nothing decoded, nothing decided, nothing written.
"""

import argparse
import json
import multiprocessing as mp
import os
import subprocess
import sys
import tempfile
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import zmq

from common.bus.client import Client
from common.bus.sockets import dealer, publisher, router, subscriber
from common.messages.control import HoldRequest, Status, StatusRequest

PANKOU = Path(sys.executable).with_name("pankou")
BASE_PORT = 28_100
PORTS = (28_090, 28_091)
SESSION_S = (2 * 60 + 15) * 60 + 2 * 3600
"""09:15-11:30 and 13:00-15:00, in seconds."""
SESSIONS = 3
PUSHES = 5_003
BATCH_BYTES = 17_000
"""Two batches of some 130 quotes a push."""
SPEED_BOUND = 300
RSS_BOUND_MB = 120
SERVICES = ("market_data", "screener", "signal_engine", "risk_manager", "order_gateway")
BOUNDED = ("market_data", "signal_engine", "risk_manager", "order_gateway")


def read_bare(name: bytes, ready: Event) -> None:
    """Acknowledge every push."""
    context = zmq.Context()
    socket = subscriber(context, f"tcp://127.0.0.1:{PORTS[0]}", ("feed/",), None)
    back = dealer(context, f"tcp://127.0.0.1:{PORTS[1]}", None)
    back.poll(5000, zmq.POLLOUT)
    ready.set()
    while True:
        topic, kind, _ = socket.recv_multipart()
        if kind == b"end":
            back.send_multipart([name, topic])


def bare_seconds(pushes: int) -> float:
    """Return the seconds of `pushes` pushes in lockstep with three bare readers."""
    context = zmq.Context()
    out = publisher(context, f"tcp://127.0.0.1:{PORTS[0]}", None)
    back = router(context, f"tcp://127.0.0.1:{PORTS[1]}", None)
    spawn = mp.get_context("spawn")
    events = [spawn.Event() for _ in range(3)]
    readers = [spawn.Process(target=read_bare, args=(b"%d" % n, event), daemon=True) for n, event in enumerate(events)]
    for reader in readers:
        reader.start()
    for event in events:
        event.wait(60)
    time.sleep(0.5)
    batch = b"x" * BATCH_BYTES
    start = time.perf_counter()
    for _ in range(pushes):
        for kind, body in ((b"quotes", batch), (b"quotes", batch), (b"end", b"")):
            out.send_multipart([b"feed/", kind, body])
        for _ in readers:
            back.recv_multipart()
    seconds = time.perf_counter() - start
    for reader in readers:
        reader.kill()
    context.destroy(linger=0)
    return seconds


def play(home: Path) -> tuple[float, dict[str, int]]:
    """Play the standard run; returns its seconds (first push to last) and the memory of each service in MB."""
    (home / "config.toml").write_text(f"[system]\nbase_port = {BASE_PORT}\n", encoding="utf-8")
    names = {**os.environ, "PANKOU_HOME": str(home), "PANKOU_LANG": "en"}

    def pankou(*arguments: str) -> None:
        subprocess.run([str(PANKOU), *arguments], env=names, check=True, stdout=subprocess.DEVNULL, timeout=900)

    try:
        pankou("run", "--no-follow", "--until-push", "1")
        with Client(BASE_PORT, home / "keys") as client:

            def status(service: str) -> Status:
                answer = client.ask(service, StatusRequest(), link="control", timeout_s=30)
                assert isinstance(answer, Status)
                return answer

            while status("market_data").state != "held":
                time.sleep(0.05)
            start = time.perf_counter()
            client.ask("market_data", HoldRequest(0), link="control")
            while status("market_data").state != "finished":
                time.sleep(0.1)
            seconds = time.perf_counter() - start
            memory = {service: status(service).numbers["rss_kib"] // 1024 for service in SERVICES}
    finally:
        pankou("stop")
    return seconds, memory


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--home", type=Path, help="keep the market here for the next time")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = chosen.home or Path(scratch)
        home.mkdir(parents=True, exist_ok=True)
        seconds, memory = play(home)
    bare = bare_seconds(PUSHES) * SESSIONS
    speed, bare_speed = SESSIONS * SESSION_S / seconds, SESSIONS * SESSION_S / bare
    figures = {
        "x_real_time": round(speed), "bound": SPEED_BOUND, "bare_x_real_time": round(bare_speed),
        "ratio_to_bare": round(seconds / bare, 2), "ms_a_push": round(1e3 * seconds / SESSIONS / PUSHES, 2), "rss_mb": memory,
    }  # fmt: skip
    if chosen.json:
        print(json.dumps(figures))
        return
    verdict = "ok" if speed >= SPEED_BOUND else "under"
    print(
        f"lockstep, 400 stocks, 3-s pushes, {SESSIONS} sessions: {speed:.0f} x real time (bound {SPEED_BOUND}: {verdict}), {1e3 * seconds / SESSIONS / PUSHES:.2f} ms a push"
    )
    print(f"bare pyzmq, same messages: {bare_speed:.0f} x real time; ours takes {seconds / bare:.2f} times as long")
    for service in BOUNDED:
        verdict = "ok" if memory[service] <= RSS_BOUND_MB else "over"
        print(f"{service}: {memory[service]} MB (bound {RSS_BOUND_MB}: {verdict})")


if __name__ == "__main__":
    main()
