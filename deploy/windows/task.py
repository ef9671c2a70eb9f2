"""The task that starts the runner at logon, as XML for `schtasks`, and the commands around it.

One minute after the runner ended, for whatever reason, the task starts it again; while it runs nothing happens. It runs
in the session of the user, since the vendor's client cannot be reached from a service (session 0).
"""

import subprocess
import xml.etree.ElementTree as Xml
from pathlib import PureWindowsPath
from typing import NamedTuple

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
NAME = "Pankou"
NORMAL_PRIORITY = "5"
"""Of the task; 7, the default, is below normal."""


class Task(NamedTuple):
    """Whose task it is, and what it starts."""

    sid: str
    """The user's id: a name may have characters that a code page lacks."""
    python: PureWindowsPath
    """`pythonw.exe` opens no window."""
    checkout: PureWindowsPath
    home: PureWindowsPath
    elevated: bool = False
    """As administrator: the same as the vendor's client, or the two do not see each other."""


def runner_arguments(home: PureWindowsPath) -> list[str]:
    """Return what the interpreter is given."""
    return ["-m", "deploy.windows.runner", "--home", str(home)]


def task_xml(task: Task) -> bytes:
    """Return the task as `schtasks /create /xml` takes it: UTF-16 with its mark.

    Elements stand in the order of [MS-TSCH] 2.5 (a trigger's are a sequence).
    """
    root = Xml.Element("Task", {"version": "1.2", "xmlns": NAMESPACE})
    about = Xml.SubElement(root, "RegistrationInfo")
    _text(
        about, "Description", "盘口：登录后启动并看护各个服务。Pankou: starts its services at logon and keeps them up."
    )
    trigger = Xml.SubElement(Xml.SubElement(root, "Triggers"), "LogonTrigger")
    _text(trigger, "Enabled", "true")
    repetition = Xml.SubElement(trigger, "Repetition")  # without a Duration it goes on for ever
    _text(repetition, "Interval", "PT1M")
    _text(repetition, "StopAtDurationEnd", "false")
    _text(trigger, "UserId", task.sid)
    principal = Xml.SubElement(Xml.SubElement(root, "Principals"), "Principal", {"id": "Author"})
    _text(principal, "UserId", task.sid)
    _text(principal, "LogonType", "InteractiveToken")
    _text(principal, "RunLevel", "HighestAvailable" if task.elevated else "LeastPrivilege")
    settings = Xml.SubElement(root, "Settings")
    for name, value in SETTINGS:
        _text(settings, name, value)
    idle = Xml.SubElement(settings, "IdleSettings")
    _text(idle, "StopOnIdleEnd", "false")
    _text(idle, "RestartOnIdle", "false")
    action = Xml.SubElement(Xml.SubElement(root, "Actions", {"Context": "Author"}), "Exec")
    _text(action, "Command", str(task.python))
    _text(action, "Arguments", subprocess.list2cmdline(runner_arguments(task.home)))
    _text(action, "WorkingDirectory", str(task.checkout))
    Xml.indent(root)
    return ('<?xml version="1.0" encoding="UTF-16"?>\n' + Xml.tostring(root, "unicode") + "\n").encode("utf-16")


SETTINGS = (
    ("MultipleInstancesPolicy", "IgnoreNew"),
    ("DisallowStartIfOnBatteries", "false"),
    ("StopIfGoingOnBatteries", "false"),
    ("AllowHardTerminate", "true"),
    ("StartWhenAvailable", "true"),
    ("RunOnlyIfNetworkAvailable", "false"),
    ("AllowStartOnDemand", "true"),
    ("Enabled", "true"),
    ("Hidden", "false"),
    ("RunOnlyIfIdle", "false"),
    ("WakeToRun", "false"),
    ("ExecutionTimeLimit", "PT0S"),
    ("Priority", NORMAL_PRIORITY),
)
"""No second one, no limit of time, the same on battery and when nobody touches the keyboard."""


def create_command(xml: PureWindowsPath) -> list[str]:
    """Return what makes the task, or replaces it."""
    return ["schtasks", "/create", "/tn", NAME, "/xml", str(xml), "/f"]


def run_command() -> list[str]:
    """Return what starts the task now rather than at the next logon."""
    return ["schtasks", "/run", "/tn", NAME]


def delete_command() -> list[str]:
    """Return what takes the task away."""
    return ["schtasks", "/delete", "/tn", NAME, "/f"]


def _text(parent: Xml.Element, name: str, text: str) -> None:
    Xml.SubElement(parent, name).text = text
