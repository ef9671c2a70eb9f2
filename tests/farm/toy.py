"""A toy in the place of a backtest: a job that takes a known time, makes known bytes, or kills whoever runs it.

Run as a module it is the process of a worker.
"""

import hashlib
import os
import signal
import time

from msgspec import json

from common.backtests.summary import SUMMARY, encode_summary
from common.backtests.tasks import Task, TaskScreen, key_of
from common.domain.errors import ConfigError
from services.backtest_worker.child import Told, serve

STEPS = 4


def toy(number: int, *, ms: int = 0, kills: int = 0, bytes_more: int = 0) -> Task:
    """Return a job: `kills` 1 = its process, 2 = it refuses, 3 = it raises."""
    return Task(
        rule="toy", source="", code_hash="toy", params={"number": number, "ms": ms, "kills": kills, "more": bytes_more},
        screen=TaskScreen("toy", (), ()), data_hash="none", rulebook_hash="none", engine_hash="none", first=20260105,
        last=20260109, engine="toy", interval=5, settings={},
    )  # fmt: skip


def encoded(task: Task) -> bytes:
    return json.encode(task)


def files_of_toy(task: Task) -> dict[str, bytes]:
    """Return what a toy makes."""
    word = hashlib.sha256(str(task.params["number"]).encode()).hexdigest()
    files = {"result.json": json.encode({"number": task.params["number"], "word": word})}
    if task.params["more"]:
        files["more.bin"] = bytes(task.params["more"])
    metrics = {"sharpe": float(task.params["number"])}
    return {**files, SUMMARY: encode_summary(key_of(task), task, metrics, files)}


def run_toy(raw: bytes, told: Told) -> tuple[dict[str, bytes], int]:
    task = json.decode(raw, type=Task)
    kills = task.params["kills"]
    if kills == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if kills == 2:
        raise ConfigError("this toy is refused")
    if kills == 3:
        raise ZeroDivisionError("this toy is broken")
    for step in range(STEPS):
        if task.params["ms"]:
            time.sleep(task.params["ms"] / 1000 / STEPS)
        told("toy", step + 1, STEPS)
    return files_of_toy(task), 48


if __name__ == "__main__":
    serve(run_toy)
