"""Install on Windows: python -m deploy.windows.install [--home FOLDER] [--xt] [--elevated] [--no-task] [--dry-run].

Standard library only: it makes the .venv. Every step is a command in a list; the first that fails ends it, and running
it again goes over all of them once more, which harms nothing. `--uninstall` takes the task away and leaves all files.
"""

import argparse
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath, PureWindowsPath
from typing import NamedTuple

from common.bus import acl
from common.domain.errors import ConfigError
from deploy.windows.task import Task, create_command, delete_command, run_command, task_xml

CHECKOUT = Path(__file__).resolve().parents[2]
PYTHON = (3, 11)
"""Beside QMT: the vendor's fast decoder is shipped up to this version."""
XML_NAME = "pankou-task.xml"
EXIT_OK, EXIT_FAILED, EXIT_INPUT = 0, 1, 2


class Step(NamedTuple):
    """One thing to do: a command to run, or a file to write."""

    said: str
    """In both languages."""
    command: tuple[str, ...] = ()
    path: PurePath | None = None
    content: bytes = b""
    may_fail: bool = False


class Wanted(NamedTuple):
    """What somebody asked for."""

    checkout: PurePath
    home: PurePath
    python: str
    """The interpreter that makes the .venv."""
    sid: str
    xt: bool = False
    elevated: bool = False
    task: bool = True
    start: bool = False


def steps(wanted: Wanted) -> list[Step]:
    """Return what is to be done, in order."""
    scripts = wanted.checkout / ".venv" / "Scripts"
    python = str(scripts / "python.exe")
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input")
    locks = ["requirements.lock", *(["requirements-xt.lock"] if wanted.xt else [])]
    found = [
        Step("新建虚拟环境 / a virtual environment", (wanted.python, "-m", "venv", str(wanted.checkout / ".venv"))),
        *(
            Step(
                f"安装 {lock} 锁定的依赖 / what {lock} lists",
                (*pip, "--require-hashes", "-r", str(wanted.checkout / lock)),
            )
            for lock in locks
        ),
        Step("安装盘口 / pankou itself", (*pip, "--no-deps", "--no-build-isolation", "--no-index", "-e", str(wanted.checkout))),
        Step("数据目录 / the data folder", (python, "-c", "import pathlib, sys; pathlib.Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)", str(wanted.home))),
        Step(
            "数据目录只给本人 / the data folder for its user alone",
            tuple(acl.restrict_command(wanted.home, wanted.sid, folder=True)),
        ),
        Step("记住数据目录 / remember the folder (PANKOU_HOME)", ("setx", "PANKOU_HOME", str(wanted.home))),
        Step("密钥与设置 / keys and settings", (str(scripts / "pankou.exe"), "init")),
    ]  # fmt: skip
    if wanted.task:
        task = Task(
            wanted.sid, PureWindowsPath(scripts / "pythonw.exe"), PureWindowsPath(wanted.checkout),
            PureWindowsPath(wanted.home), wanted.elevated,
        )  # fmt: skip
        xml = wanted.home / XML_NAME
        found.append(Step("写好计划任务 / the task as a file", path=xml, content=task_xml(task)))
        found.append(Step("登录时启动 / start at logon", tuple(create_command(PureWindowsPath(xml)))))
        if wanted.start:
            found.append(Step("现在就启动 / start now", tuple(run_command()), may_fail=True))
    return found


def carry_out(found: Sequence[Step], run: Callable[[Sequence[str]], int], say: Callable[[str], None]) -> int:
    """Do the steps; returns the exit code."""
    for number, step in enumerate(found, 1):
        say(f"[{number}/{len(found)}] {step.said}")
        code = 0
        try:
            if step.path is not None:
                Path(step.path).write_bytes(step.content)
            else:
                code = run(step.command)
        except OSError as error:
            say(f"pankou: {error}")
            code = EXIT_FAILED
        if code and not step.may_fail:
            what = subprocess.list2cmdline(step.command) if step.command else str(step.path)
            say(f"pankou: 这一步失败，修好后重新运行安装 / this step failed, mend it and install again: {what}")
            return EXIT_FAILED
    return EXIT_OK


def unfit(system: str, version: tuple[int, int], bits: int) -> str:
    """Return why this machine or interpreter will not do; empty when it will."""
    if system != "nt":
        return "这是 Windows 的安装程序，其他系统请用 make install / this is for Windows; elsewhere: make install"
    if version != PYTHON or bits != 64:
        is_one = f"{version[0]}.{version[1]}, {bits} bit"
        return f"需要 64 位 Python 3.11（现在是 {is_one}）/ needs 64-bit Python 3.11 (this is {is_one}): py -3.11 -m deploy.windows.install"
    return ""


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.windows.install", description=__doc__)
    parser.add_argument("--home", type=Path, default=CHECKOUT / "var", help="数据目录 / PANKOU_HOME")
    parser.add_argument("--xt", action="store_true", help="连同 xtquant / with xtquant")
    parser.add_argument(
        "--elevated", action="store_true", help="以管理员运行，与 QMT 一致 / as administrator, like QMT"
    )
    parser.add_argument("--no-task", action="store_true", help="不建计划任务 / without the task")
    parser.add_argument("--start", action="store_true", help="装完就启动 / start it at the end")
    parser.add_argument("--dry-run", action="store_true", help="只说要做什么 / only say what would be done")
    parser.add_argument("--uninstall", action="store_true", help="删除计划任务 / take the task away")
    return parser.parse_args()


def main() -> int:
    """Install, or say what installing would do."""
    asked = arguments()
    why = unfit(os.name, sys.version_info[:2], struct.calcsize("P") * 8)
    if why and not asked.dry_run:
        print(f"pankou: {why}", file=sys.stderr)
        return EXIT_INPUT
    home = asked.home.absolute()
    if asked.uninstall:
        found = [Step("删除计划任务 / take the task away", tuple(delete_command()))]
    else:
        sid = "S-1-5-21-...-1001" if asked.dry_run else acl.current_sid()
        found = steps(
            Wanted(CHECKOUT, home, sys.executable, sid, asked.xt, asked.elevated, not asked.no_task, asked.start)
        )
    if asked.dry_run:
        for step in found:
            print(f"{step.said}\n  {subprocess.list2cmdline(step.command) if step.command else step.path}")
        return EXIT_OK
    environ = {**os.environ, "PANKOU_HOME": str(home)}
    return carry_out(
        found, lambda command: subprocess.run(command, env=environ, cwd=CHECKOUT, check=False).returncode, print
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ConfigError as error:
        print(f"pankou: {error}", file=sys.stderr)
        sys.exit(EXIT_INPUT)
