"""Reading supervisord.conf: the programs, what they are started with, where their output goes.

What we do not know is refused by name rather than passed over. A command is split into words before its variables are
filled in, so a path keeps its spaces and backslashes whether it is quoted or not.
"""

import configparser
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

PASSED_OVER = {
    "unix_http_server", "rpcinterface:supervisor", "rpcinterface:lock", "supervisorctl",
}  # fmt: skip
"""supervisord's own doors; the runner has files instead (common/runtime/runner_control.py)."""
KNOWN = {
    "command", "process_name", "numprocs", "numprocs_start", "directory", "priority", "autostart", "autorestart",
    "exitcodes", "startsecs", "startretries", "stopwaitsecs", "stopsignal", "stopasgroup", "killasgroup",
    "redirect_stderr", "stdout_logfile", "stdout_logfile_maxbytes", "stdout_logfile_backups", "stderr_logfile",
    "stderr_logfile_maxbytes", "stderr_logfile_backups", "environment", "events", "buffer_size",
}  # fmt: skip
VARIABLE = re.compile(r"%\((\w+)\)([-0-9]*[sd])")
SIZES = {"KB": 1024, "MB": 1024**2, "GB": 1024**3}
TRUE, FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}


class ConfError(Exception):
    """A supervisord.conf that cannot be used; the text names the place and the fix."""


class LogFile(NamedTuple):
    """Where output goes: to nobody when there is no path."""

    path: Path | None
    bytes_max: int
    backups: int


class Program(NamedTuple):
    """One process to keep up."""

    name: str
    group: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    directory: str | None
    priority: int
    autostart: bool
    autorestart: str
    """true, false, unexpected."""
    exitcodes: frozenset[int]
    startsecs: float
    startretries: int
    stopwaitsecs: float
    redirect_stderr: bool
    stdout: LogFile
    stderr: LogFile
    events: tuple[str, ...] = ()
    """Not empty: an event listener, whose standard input and output are the event protocol."""
    buffer_size: int = 10


class Conf(NamedTuple):
    """What the runner needs of the file."""

    programs: tuple[Program, ...]
    log: LogFile
    """The runner's own."""


def expand(text: str, names: Mapping[str, object]) -> str:
    """Fill in %(name)s as supervisord does; %% is a percent sign."""

    def fill(found: re.Match[str]) -> str:
        name, form = found[1], found[2]
        if name not in names:
            fix = f"; set {name[4:]} in the environment" if name.startswith("ENV_") else ""
            raise ConfError(f"unknown variable %({name})s{fix}")
        value = names[name]
        return f"%{form}" % (int(str(value)) if form.endswith("d") else value)

    return "%".join(VARIABLE.sub(fill, part) for part in text.split("%%"))


def parse_size(text: str) -> int:
    """Return bytes of `10MB`, `512KB` or a number."""
    text = text.strip().upper()
    unit = SIZES.get(text[-2:], 0)
    return int(text[:-2] if unit else text) * (unit or 1)


def parse_environment(text: str, names: Mapping[str, object]) -> dict[str, str]:
    """Read KEY="value",KEY2=value."""
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace, lexer.whitespace_split, lexer.commenters, lexer.escape = ",\n", True, "", ""
    found = {}
    for pair in lexer:
        key, sign, value = pair.partition("=")
        if not sign:
            raise ConfError(f"environment: {pair!r} is not KEY=value")
        found[key.strip()] = expand(value.strip(), names)
    return found


class Section:
    """One section: its values with variables filled in, its faults with the section's name."""

    def __init__(self, name: str, values: Mapping[str, str], names: Mapping[str, object]) -> None:
        self.name, self.values, self.names = name, values, names

    def text(self, key: str, default: str = "") -> str:
        """Return a value."""
        return expand(self.values.get(key, default), self.names)

    def number(self, key: str, default: float) -> float:
        """Return a number that is not negative."""
        text = self.text(key, str(default))
        try:
            found = float(text)
        except ValueError:
            found = -1.0
        if found < 0:
            raise ConfError(f"{key}={text} is no number")
        return found

    def flag(self, key: str, default: bool) -> bool:
        """Return a yes or no."""
        text = self.text(key, str(default)).lower()
        if text not in TRUE | FALSE:
            raise ConfError(f"{key}={text} is neither true nor false")
        return text in TRUE

    def log(self, prefix: str, default: str) -> LogFile:
        """Return a log file with its rotation."""
        text = self.text(f"{prefix}logfile", default)
        size = self.text(f"{prefix}logfile_maxbytes", "50MB")
        try:
            bytes_max = parse_size(size)
        except ValueError as error:
            raise ConfError(f"{prefix}logfile_maxbytes={size} is no size such as 10MB") from error
        path = None if text.upper() == "NONE" else Path(text)
        return LogFile(path, bytes_max, int(self.number(f"{prefix}logfile_backups", 10)))


def read_conf(text: str, environ: Mapping[str, str], here: str) -> Conf:
    """Read the text of a supervisord.conf; raises ConfError."""
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False, default_section="\0")
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ConfError(" ".join(str(error).split())) from error
    names: dict[str, object] = {f"ENV_{key}": value for key, value in environ.items()}
    names["here"] = here
    own = Section("supervisord", dict(parser["supervisord"]) if "supervisord" in parser else {}, names)
    programs: list[Program] = []
    for title in parser.sections():
        kind, _, name = title.partition(":")
        if title == "supervisord" or title in PASSED_OVER:
            continue
        try:
            if kind not in ("program", "eventlistener") or not name:
                raise ConfError("the runner knows only program: and eventlistener:")
            programs += _programs(Section(name, dict(parser[title]), names), own, kind == "eventlistener")
        except ConfError as error:
            raise ConfError(f"[{title}] {error}") from error
    if not programs:
        raise ConfError("no program in it")
    return Conf(tuple(sorted(programs, key=lambda each: each.priority)), own.log("", "supervisord.log"))


def _programs(section: Section, own: Section, listener: bool) -> list[Program]:
    unknown = sorted(set(section.values) - KNOWN)
    if unknown:
        raise ConfError(f"the runner does not know {', '.join(unknown)}")
    count, first = int(section.number("numprocs", 1)), int(section.number("numprocs_start", 0))
    found = []
    for number in range(first, first + count):
        names = {**section.names, "program_name": section.name, "group_name": section.name, "process_num": number}
        found.append(_program(Section(section.name, section.values, names), own, listener))
    if len({program.name for program in found}) < count:
        raise ConfError("numprocs needs %(process_num)s in process_name")
    return found


def _program(section: Section, own: Section, listener: bool) -> Program:
    autorestart = section.text("autorestart", "unexpected").lower()
    autorestart = "true" if autorestart in TRUE else "false" if autorestart in FALSE else autorestart
    if autorestart not in ("true", "false", "unexpected"):
        raise ConfError(f"autorestart={autorestart} is neither true, false nor unexpected")
    command = tuple(expand(word, section.names) for word in shlex.split(section.values.get("command", "")))
    if not command:
        raise ConfError("no command")
    events = tuple(each.strip() for each in section.text("events").split(",") if each.strip())
    if listener != bool(events):
        raise ConfError("an eventlistener, and only that, needs events=")
    name = section.text("process_name", section.name)
    logs = Path(own.text("childlogdir", "."))
    inherited = own.values.get("environment", "")
    return Program(
        name, section.name, command,
        {**parse_environment(inherited, section.names), **parse_environment(section.values.get("environment", ""), section.names)},
        section.text("directory") or None,
        int(section.number("priority", 999)),
        section.flag("autostart", True), autorestart,
        frozenset(int(code) for code in section.text("exitcodes", "0").split(",")),
        section.number("startsecs", 1), int(section.number("startretries", 3)), section.number("stopwaitsecs", 10),
        section.flag("redirect_stderr", False),
        section.log("stdout_", str(logs / f"{name}-stdout.log")), section.log("stderr_", str(logs / f"{name}-stderr.log")),
        events, int(section.number("buffer_size", 10)),
    )  # fmt: skip
