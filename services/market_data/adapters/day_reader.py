"""Has the facts of a day read by a process of its own, and waits for it: call it from a thread."""

import subprocess
import sys
from pathlib import Path

import msgspec

from common.domain.values import Day
from services.market_data.day_facts_form import DayFacts

FACTS_LIMIT_S = 120


def read_day_facts(config: Path, day: Day) -> DayFacts:
    """Have history read by a process of its own; a fault of any kind comes back as its text."""
    command = [sys.executable, "-m", "services.market_data.day_facts", "--config", str(config), "--day", str(day)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=FACTS_LIMIT_S, check=False)
        if done.returncode:
            last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            return DayFacts(day, fault=f"the facts of {day} cannot be read: {''.join(last)}")
        return msgspec.json.decode(done.stdout, type=DayFacts)
    except (OSError, subprocess.SubprocessError, msgspec.MsgspecError) as error:
        return DayFacts(day, fault=f"the facts of {day} cannot be read: {error}")
