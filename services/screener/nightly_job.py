"""One step of the nightly cycle in a process of its own: python -m services.screener.nightly_job --config FILE ...

Its last line on standard output is the result as JSON; the lines before it are for the log. It ends when its standard
input is closed, so that it never outlives the screener that started it.
"""

import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path

from common.domain.calendar import day_of
from common.domain.errors import SourceBusyError, UserError
from common.history.sources import nightly
from common.history.sources.registry import Place, open_source
from common.history.sources.source import Source
from common.runtime.clock import SystemClock
from common.runtime.config import Config, load_config
from common.runtime.run import guarded
from services.screener.schedule import Step


class WaitClock(SystemClock):
    """The machine's clock, and sleep."""

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def history_of(config: Config) -> Path:
    """Return the folder that the cycle fills and the screens read."""
    return Path(config.nightly.dir).expanduser()


def perform(config: Config, step: Step, day: int, today: int, source: Source | None) -> nightly.Done:
    """Do a step; raises `UserError` with its cause."""
    folder = history_of(config)
    if step is Step.CLOSE and source is not None:
        return nightly.close(folder, source, day, today, config.nightly.sessions, _told)
    return nightly.open_(folder, source, day)


def _told(what: str, done: int, of: int) -> None:
    if done == of or done % 50 == 0:
        print(f"nightly {what} {done}/{of}", file=sys.stderr, flush=True)


def run(config: Config, step: Step, day: int) -> dict[str, object]:
    """Do a step and return its result as it is printed."""
    source: Source | None = None
    clock = WaitClock()
    try:
        if step is Step.CLOSE or config.nightly.pre_open == "source":
            files = Path(config.nightly.files).expanduser() if config.nightly.files else None
            place = Place(history_of(config), Path(config.system.keys_dir).parent, os.environ, files)
            source = open_source(config.nightly.source, place, clock)
        done = perform(config, step, day, day_of(clock.now_ns()), source)
    except UserError as error:
        return {"ok": False, "text": str(error), "refused": not isinstance(error, SourceBusyError)}
    finally:
        if source is not None:
            source.close()
    return {"ok": True, "day": done.day, "text": done.text, "note": done.note}


def _end_with_parent() -> None:
    """End at once when whoever started us is gone: the history is written whole or not at all, so nothing is harmed."""

    def wait() -> None:
        while sys.stdin.buffer.read(1):
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def main() -> int:
    """Do the step named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m services.screener.nightly_job")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--step", type=Step, required=True)
    parser.add_argument("--day", type=int, required=True)
    asked = parser.parse_args()
    _end_with_parent()
    print(json.dumps(run(load_config(asked.config), asked.step, asked.day), ensure_ascii=False), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
