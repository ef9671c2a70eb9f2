"""Small programs for the runner to keep up, a supervisord.conf of them, and a loop that goes on until something is so."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from deploy.windows.runner.conf import read_conf
from deploy.windows.runner.loop import Machine, Runner

OBEDIENT = """
import os, sys
print(f"up {os.getpid()} {os.environ.get('TZ')} {os.environ.get('PANKOU_STOP_BY')}\\n", end="", flush=True)
word = sys.stdin.readline()
print("word", repr(word), flush=True)
"""
"""Says how it was started, and ends at the first word."""
STUBBORN = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
print(f"up {child.pid}\\n", end="", flush=True)
time.sleep(60)
"""
"""Hears nothing, and has a child of its own."""
LISTENER = """
import sys
while True:
    print("READY", flush=True)
    head = sys.stdin.readline()
    if not head:
        break
    size = int(dict(pair.split(":") for pair in head.split())["len"])
    event = dict(pair.split(":") for pair in head.split())["eventname"]
    print(event, sys.stdin.read(size), file=sys.stderr, flush=True)
    print("RESULT 2\\nOK", end="", flush=True)
"""
HOLDS = """
import sys, time
from pathlib import Path
from common.runtime.lock import CopyLock
lock = CopyLock(Path(sys.argv[1]))
lock.take_or_fail()
print("held", flush=True)
time.sleep(60)
"""
"""Holds a lock, and hears nothing."""


def program(folder: Path, name: str, script: str, kind: str = "program", **values: object) -> str:
    """Return a section that runs a script."""
    (folder / f"{name}.py").write_text(script, encoding="utf-8")
    lines = {
        "command": f'"{sys.executable}" -S "{folder}/{name}.py"',
        "startsecs": 0,
        "autorestart": "true",
        "redirect_stderr": "true" if kind == "program" else "false",
        "stdout_logfile": f"{folder}/{name}.log" if kind == "program" else "NONE",
        "stderr_logfile": f"{folder}/{name}.log",
        **values,
    }
    return f"[{kind}:{name}]\n" + "".join(f"{key}={value}\n" for key, value in lines.items())


def supervisord_section(folder: Path) -> str:
    return f'[supervisord]\nlogfile={folder}/supervisord.log\nenvironment=TZ="Asia/Shanghai"\n'


def make_runner(folder: Path, *programs: str) -> Runner:
    """Return a runner on a run folder, which is made."""
    conf = read_conf(supervisord_section(folder) + "".join(programs), dict(os.environ), str(folder))
    made = Runner(conf, folder, dict(os.environ), Machine(time.monotonic_ns, time.sleep))
    made.control.folder.mkdir(exist_ok=True)
    return made


def until(runner: Runner, condition: Callable[[], bool], seconds: float = 10) -> None:
    """Go round until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, log_of(runner)
        assert not runner.step(), log_of(runner)


def finish(runner: Runner) -> int:
    """Ask for the end, and go round until it has come."""
    runner.control.ask_stop()
    return runner.run()


def log_of(runner: Runner) -> str:
    return "\n".join(path.read_text("utf-8") for path in sorted(runner.control.folder.parent.glob("*.log")))


def gone(pid: int) -> bool:
    """Tell whether a process has ended: not there, or not yet collected by whoever is above it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True
