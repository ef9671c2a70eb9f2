"""Run the runner: python -m deploy.windows.runner (--run FOLDER | --home FOLDER) [--conf FILE].

Exit codes: 0 stopped as asked; 1 nothing could be kept up; 2 bad input; 4 somebody else acts on this run.
"""

import argparse
import contextlib
import os
import signal
import sys
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path

from common.domain.errors import SecondCopyError, UserError
from common.runtime.clock import SystemClock
from common.runtime.runner_control import RunnerControl
from deploy.windows.runner.conf import ConfError, read_conf
from deploy.windows.runner.loop import EXIT_HELD, EXIT_INPUT, EXIT_OK, Machine, Runner

ERRORS = "runner.err"
CHECKOUT = Path(__file__).resolve().parents[3]


def newest_run(home: Path) -> Path | None:
    """Return the folder of the newest run of a home folder."""
    runs = home / "runs"
    names = [path.name for path in runs.iterdir() if path.name.isdigit()] if runs.is_dir() else []
    for number in sorted(map(int, names), reverse=True):
        if (runs / str(number) / "config.toml").is_file():
            return runs / str(number)
    return None


def with_output(python: str) -> str:
    """Return the interpreter that has a standard output: the task starts the one that opens no window."""
    head, name = python[: -len("pythonw.exe")], python[-len("pythonw.exe") :]
    return f"{head}python.exe" if name.lower() == "pythonw.exe" else python


def workers_of(config: Path, system: str = os.name) -> int:
    """Return how many workers of backtests a run has; none on Windows, where they do not run yet (ADR 0036)."""
    if system == "nt":
        return 0
    try:
        return int(tomllib.loads(config.read_text(encoding="utf-8")).get("backtests", {}).get("workers", 0))
    except (OSError, ValueError):
        return 0  # the services say what is wrong with it


def environment(run: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what supervisord.conf and the services read, as `pankou run` sets it too."""
    return {
        **environ,
        "PANKOU_PYTHON": environ.get("PANKOU_PYTHON") or with_output(sys.executable),
        "PANKOU_RUN": str(run),
        "PANKOU_CONFIG": str(run / "config.toml"),
        "PANKOU_HOME": str(run.parent.parent),
        "PANKOU_WORKERS": environ.get("PANKOU_WORKERS") or str(workers_of(run / "config.toml")),
        "PANKOU_SUPERVISOR": "runner",
    }


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.windows.runner")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--run", type=Path, help="the run's folder")
    where.add_argument("--home", type=Path, help="PANKOU_HOME: its newest run")
    parser.add_argument("--conf", type=Path, default=CHECKOUT / "supervisord.conf")
    return parser.parse_args()


def keep_errors(folder: Path) -> None:
    """Give a process without a window a place for its last words: the task tells only an exit code."""
    if sys.stderr is None:
        with contextlib.suppress(OSError):
            sys.stderr = (folder / ERRORS).open("w", encoding="utf-8")


def fail(text: str, code: int) -> int:
    """Say why in one line."""
    print(f"pankou: {text}", file=sys.stderr, flush=True)
    return code


def main() -> int:
    """Take the lock, read the file, run."""
    os.umask(0o077)
    asked = arguments()
    keep_errors(asked.run or asked.home)
    run: Path | None = asked.run.absolute() if asked.run else newest_run(asked.home.absolute())
    if run is None or not (run / "config.toml").is_file():
        where = asked.run or asked.home
        return fail(f"{where} 里没有运行，先 pankou run / no run in {where}; make one with: pankou run", EXIT_INPUT)
    control = RunnerControl(run)
    control.folder.mkdir(mode=0o700, exist_ok=True)
    if control.stop_asked():
        return fail(
            "有人停了它，要继续：pankou run --resume / stopped by a person; to go on: pankou run --resume", EXIT_OK
        )
    names = environment(run, os.environ)
    try:
        conf = read_conf(asked.conf.read_text(encoding="utf-8"), names, str(asked.conf.absolute().parent))
    except (ConfError, OSError, UnicodeDecodeError) as error:
        return fail(f"{asked.conf}: {error}", EXIT_INPUT)
    told: list[bool] = []
    try:
        lock = control.take_lock()
    except SecondCopyError as error:
        return fail(f"这次运行已有看护者 / {error}", EXIT_HELD)
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGBREAK", signal.SIGTERM)):
        signal.signal(number, lambda *_: told.append(True))
    os.chdir(CHECKOUT)
    try:
        return Runner(conf, run, names, Machine(SystemClock().now_ns, time.sleep, lambda: bool(told))).run()
    finally:
        lock.release()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        sys.exit(fail(str(error), EXIT_INPUT))
