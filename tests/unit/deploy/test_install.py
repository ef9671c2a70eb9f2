"""The task as Windows reads it, and the steps of the installation, with Chinese characters and spaces in every path."""

import subprocess
import sys
import xml.etree.ElementTree as Xml
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

import pytest

from deploy.windows.install import EXIT_FAILED, EXIT_INPUT, EXIT_OK, Step, Wanted, carry_out, steps, unfit
from deploy.windows.runner.__main__ import environment, fail, keep_errors, newest_run, with_output, workers_of
from deploy.windows.task import NAMESPACE, Task, create_command, delete_command, run_command, task_xml
from tests.conftest import CHECKOUT

SID = "S-1-5-21-1004336348-1177238915-682003330-1001"
CHECKOUT_THERE = PureWindowsPath(r"C:\Users\张三\我的 量化\pankou & 盘口")
HOME = PureWindowsPath(r"D:\盘口 数据")
WANTED = Wanted(CHECKOUT_THERE, HOME, r"C:\Python 311\python.exe", SID)
VENV = CHECKOUT_THERE / ".venv" / "Scripts"


def read_task(raw: bytes) -> dict[str, str]:
    """Return path to text of every element, as a reader of XML finds them."""
    assert raw[:2] == b"\xff\xfe", "schtasks wants UTF-16 with its mark"
    root = Xml.fromstring(raw.decode("utf-16"))

    def walk(element: Xml.Element, place: str) -> list[tuple[str, str]]:
        name = f"{place}/{element.tag.removeprefix('{' + NAMESPACE + '}')}"
        return [(name, (element.text or "").strip()), *(pair for child in element for pair in walk(child, name))]

    return {name.removeprefix("/Task/"): text for name, text in walk(root, "") if text}


def test_the_task_starts_at_logon_again_every_minute_and_never_twice() -> None:
    found = read_task(task_xml(Task(SID, VENV / "pythonw.exe", CHECKOUT_THERE, HOME)))
    found.pop("RegistrationInfo/Description")
    assert found == {
        "Triggers/LogonTrigger/Enabled": "true",
        "Triggers/LogonTrigger/Repetition/Interval": "PT1M",
        "Triggers/LogonTrigger/Repetition/StopAtDurationEnd": "false",
        "Triggers/LogonTrigger/UserId": SID,
        "Principals/Principal/UserId": SID,
        "Principals/Principal/LogonType": "InteractiveToken",
        "Principals/Principal/RunLevel": "LeastPrivilege",
        "Settings/MultipleInstancesPolicy": "IgnoreNew",
        "Settings/DisallowStartIfOnBatteries": "false",
        "Settings/StopIfGoingOnBatteries": "false",
        "Settings/AllowHardTerminate": "true",
        "Settings/StartWhenAvailable": "true",
        "Settings/RunOnlyIfNetworkAvailable": "false",
        "Settings/AllowStartOnDemand": "true",
        "Settings/Enabled": "true",
        "Settings/Hidden": "false",
        "Settings/RunOnlyIfIdle": "false",
        "Settings/WakeToRun": "false",
        "Settings/ExecutionTimeLimit": "PT0S",
        "Settings/Priority": "5",
        "Settings/IdleSettings/StopOnIdleEnd": "false",
        "Settings/IdleSettings/RestartOnIdle": "false",
        "Actions/Exec/Command": r"C:\Users\张三\我的 量化\pankou & 盘口\.venv\Scripts\pythonw.exe",
        "Actions/Exec/Arguments": r'-m deploy.windows.runner --home "D:\盘口 数据"',
        "Actions/Exec/WorkingDirectory": str(CHECKOUT_THERE),
    }


def test_elements_stand_in_the_order_of_the_schema() -> None:
    root = Xml.fromstring(task_xml(Task(SID, VENV / "pythonw.exe", CHECKOUT_THERE, HOME)).decode("utf-16"))
    sequence = [element.tag.rpartition("}")[2] for element in root]
    assert sequence == ["RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"]
    trigger = root.find(f"{{{NAMESPACE}}}Triggers/{{{NAMESPACE}}}LogonTrigger")
    assert trigger is not None
    assert [element.tag.rpartition("}")[2] for element in trigger] == ["Enabled", "Repetition", "UserId"]


def test_as_administrator_only_when_asked() -> None:
    task = Task(SID, VENV / "pythonw.exe", CHECKOUT_THERE, HOME, elevated=True)
    assert read_task(task_xml(task))["Principals/Principal/RunLevel"] == "HighestAvailable"


def test_the_commands_of_the_scheduler() -> None:
    assert create_command(HOME / "a b.xml") == [
        "schtasks", "/create", "/tn", "Pankou", "/xml", r"D:\盘口 数据\a b.xml", "/f",
    ]  # fmt: skip
    assert run_command() == ["schtasks", "/run", "/tn", "Pankou"]
    assert delete_command() == ["schtasks", "/delete", "/tn", "Pankou", "/f"]


def test_the_steps_of_an_installation() -> None:
    found = steps(WANTED._replace(xt=True, start=True))
    commands = [step.command for step in found]
    python = str(VENV / "python.exe")
    assert commands[0] == (WANTED.python, "-m", "venv", str(CHECKOUT_THERE / ".venv"))
    pips = [command for command in commands if command[1:4] == ("-m", "pip", "install")]
    assert [command[-1] for command in pips] == [
        str(CHECKOUT_THERE / "requirements.lock"), str(CHECKOUT_THERE / "requirements-xt.lock"), str(CHECKOUT_THERE),
    ]  # fmt: skip
    assert all("--require-hashes" in command for command in pips[:2])
    assert {command[0] for command in pips} == {python}
    assert commands[5][:2] == ("icacls", str(HOME))
    assert ("setx", "PANKOU_HOME", str(HOME)) in commands
    assert (str(VENV / "pankou.exe"), "init") in commands
    assert tuple(create_command(HOME / "pankou-task.xml")) in commands
    assert commands[-1] == tuple(run_command())
    # The folder is private before a key is made in it.
    assert commands.index(next(c for c in commands if c[0] == "icacls")) < commands.index(
        (str(VENV / "pankou.exe"), "init")
    )
    (xml,) = [step for step in found if step.path is not None]
    assert read_task(xml.content)["Actions/Exec/WorkingDirectory"] == str(CHECKOUT_THERE)
    plain = steps(WANTED._replace(task=False))
    assert [step for step in plain if step.path is not None or "schtasks" in step.command] == []


def test_steps_are_done_in_order_until_one_fails(tmp_path: Path) -> None:
    done: list[str] = []
    told: list[str] = []

    def run(command: Sequence[str]) -> int:
        done.append(command[0])
        return 5 if command[0] == "bad" else 0

    xml = Step("file", path=tmp_path / "盘口 a.xml", content=b"x")
    assert carry_out([Step("a", ("good",)), xml, Step("b", ("bad",), may_fail=True)], run, told.append) == EXIT_OK
    assert (tmp_path / "盘口 a.xml").read_bytes() == b"x"
    assert told == ["[1/3] a", "[2/3] file", "[3/3] b"]
    assert carry_out([Step("b", ("bad", "a b")), Step("c", ("never",))], run, told.append) == EXIT_FAILED
    assert done == ["good", "bad", "bad"]
    assert told[-1].endswith('bad "a b"')
    nowhere = Step("file", path=tmp_path / "nowhere" / "x", content=b"")
    assert carry_out([nowhere], run, told.append) == EXIT_FAILED


@pytest.mark.parametrize(
    ("system", "version", "bits", "words"),
    [
        ("nt", (3, 11), 64, ""), ("posix", (3, 11), 64, "make install"),
        ("nt", (3, 12), 64, "3.12"), ("nt", (3, 11), 32, "32 bit"),
    ],
)  # fmt: skip
def test_where_it_installs(system: str, version: tuple[int, int], bits: int, words: str) -> None:
    why = unfit(system, version, bits)
    assert words in why
    assert bool(why) is bool(words)


@pytest.mark.process
def test_a_dry_run_tells_every_step_anywhere_and_does_none(tmp_path: Path) -> None:
    command = [sys.executable, "-S", "-E", "-m", "deploy.windows.install", "--home", str(tmp_path / "盘口 a")]
    told = subprocess.run([*command, "--dry-run"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    assert all(word in told for word in ("venv", "icacls", "setx", "schtasks", "盘口 a"))
    assert list(tmp_path.iterdir()) == []
    refused = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert refused.returncode == EXIT_INPUT
    assert "make install" in refused.stderr


def test_what_the_task_starts_finds_the_newest_run(tmp_path: Path) -> None:
    home = tmp_path / "盘口 a"
    assert newest_run(home) is None
    for number in ("9", "10", "11", "x"):
        (home / "runs" / number).mkdir(parents=True)
    for number in ("9", "10", "x"):
        (home / "runs" / number / "config.toml").touch()
    run = newest_run(home)
    assert run == home / "runs" / "10"
    (run / "config.toml").write_text("[backtests]\nworkers = 3\n", encoding="utf-8")
    names = environment(run, {"PATH": "p"})
    assert names["PANKOU_WORKERS"] == "3"
    assert environment(run, {"PANKOU_WORKERS": "1"})["PANKOU_WORKERS"] == "1"
    assert workers_of(run / "config.toml", "nt") == 0
    (run / "config.toml").write_text("[backtests", encoding="utf-8")
    assert workers_of(run / "config.toml") == 0
    assert names["PANKOU_HOME"] == str(home)
    assert names["PANKOU_CONFIG"] == str(run / "config.toml")
    assert (names["PATH"], names["PANKOU_SUPERVISOR"]) == ("p", "runner")


def test_a_runner_without_a_window_writes_its_last_words_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    keep_errors(tmp_path / "nowhere")
    assert sys.stderr is None
    keep_errors(tmp_path)
    fail("没有 x", 2)
    assert sys.stderr is not None
    sys.stderr.close()
    assert (tmp_path / "runner.err").read_text(encoding="utf-8") == "pankou: 没有 x\n"


def test_children_have_an_output_though_the_runner_has_no_window() -> None:
    assert with_output(r"C:\盘口 a\Scripts\pythonw.exe") == r"C:\盘口 a\Scripts\python.exe"
    assert with_output(r"C:\a\PythonW.exe") == r"C:\a\python.exe"
    assert with_output("/usr/bin/python3") == "/usr/bin/python3"
