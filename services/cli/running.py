"""What `pankou run` does, step by step: everything is checked before the system that is up is touched."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click

from common.bus.keyring import promote
from common.domain.values import PushId
from common.messages.control import HoldRequest, HoldSet, StatusRequest
from common.messages.orders import Events, EventsRequest
from services.cli import faults, going_live, report, screen
from services.cli.books import GATEWAY
from services.cli.days import Days
from services.cli.faults import BadInputError, CliError, SilentError
from services.cli.follow import Clock, Follower
from services.cli.ports import check_ports
from services.cli.report_text import report_text
from services.cli.session import Session
from services.cli.settings import load_run, merged_config, write_run_config
from services.cli.setup import prepare
from services.cli.supervisor import SERVICES, Supervisor

READY_WAIT_S = 20.0
ASK_TIMEOUT_S = 0.5
LOG_LINES = 12
DEAD = frozenset({"FATAL", "UNKNOWN"})
SAID = "pankou: "
"""How a service begins the one line about bad input before it ends."""


class Wanted(NamedTuple):
    """What somebody asked `run` for."""

    resume: bool = False
    follow: bool = True
    profile: str = "sim"
    feed: dict[str, object] = {}  # noqa: RUF012 - never written to
    """Overrides of the [feed] table: pace, speed, slices of the day."""
    until_push: PushId = 0
    asked: dict[str, Any] = {}  # noqa: RUF012 - never written to
    """Every option as it was typed, None where it was not."""


def run(session: Session, wanted: Wanted, choose_days: Callable[[], Days], clock: Clock) -> int:
    """Start a new run or go on with the last one; returns the exit code."""
    folder = resumed(session) if wanted.resume else None
    if folder is None:
        config = merged_config(session.home, wanted.profile, {"feed": wanted.feed})  # raises before anything is touched
        going_live.check_live(config, wanted.profile, wanted.asked)
    else:
        config = load_run(session.home)
    is_live = going_live.is_fed_live(config)
    days = None if wanted.resume or is_live else choose_days()
    supervisor = Supervisor(session.home)
    stop_first(session, supervisor)
    if is_live:
        return going_live.start(
            session, config, wanted.profile if folder is None else config.system.mode, launch, clock
        )
    check_ports(config.system.base_port, str(session.home.config))
    prepare(session)
    promote(session.home.keys)
    if folder is None and days is not None:
        folder = session.home.new_run()
        write_run_config(session, folder, wanted.profile, days, wanted.feed)
        session.tell("run.new", run=folder.name, source=days.source)
    if folder is None:
        raise BadInputError("bad.nothing_to_resume", home=str(session.home.root))
    launch(session, supervisor, folder, clock)
    if session.home.kill_file.exists():
        session.warn("run.killed", path=str(session.home.kill_file))
    if wanted.until_push or wanted.resume:  # a run that was held goes on when it is resumed
        session.ask("market_data", HoldRequest(wanted.until_push), HoldSet, control=True)
    if not wanted.follow:
        session.tell("run.left_up")
        return faults.OK
    first = session.ask(GATEWAY, EventsRequest(1, 1), Events).last_seq + 1 if wanted.resume else 1
    state = Follower(session, screen.choose(session.lang), clock, first).run()
    if state == "held":
        session.tell("run.held")
        return faults.OK
    show_report(session, folder)
    return faults.OK


def resumed(session: Session) -> Path:
    """Return the folder of the run to go on with."""
    folder = session.home.last_run()
    if folder is None:
        raise BadInputError("bad.nothing_to_resume", home=str(session.home.root))
    session.tell("run.resume", run=folder.name)
    return folder


def stop_first(session: Session, supervisor: Supervisor) -> None:
    """Stop a system that is up: two would fight for the ports."""
    if supervisor.our_pids():
        session.tell("run.stopping")
        left = supervisor.stop().left
        if left:
            raise CliError("stop.left", pids=", ".join(map(str, left)))


def launch(session: Session, supervisor: Supervisor, folder: Path, clock: Clock) -> None:
    """Start the services and wait until each answers; when one does not, stop them again and show its log."""
    try:
        supervisor.start(folder)
        silent = wait_ready(session, supervisor, folder, clock)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout or b"").decode(errors="replace").strip()
        raise CliError("run.supervisor_failed", text=said) from error
    except BaseException:
        supervisor.stop()
        raise
    if not silent:
        return
    for name in silent:
        session.warn("run.silent", service=name)
        for line in supervisor.log_tail(folder, name, LOG_LINES):
            click.echo(f"  {line}", err=True)
    supervisor.stop()
    raise SilentError("run.not_ready", services=", ".join(silent), logs=str(folder / "logs"))


def wait_ready(session: Session, supervisor: Supervisor, folder: Path, clock: Clock) -> list[str]:
    """Wait until every service answers; returns those that do not after 20 s, at once when one cannot start."""
    waiting = list(SERVICES)
    end = clock.now_ns() + int(READY_WAIT_S * 1e9)
    while waiting and clock.now_ns() < end:
        waiting = [name for name in waiting if not answers(session, name)]
        hopeless = cannot_start(supervisor, folder)
        if hopeless:
            return hopeless
        if waiting:
            clock.sleep(0.1)
    return waiting


def cannot_start(supervisor: Supervisor, folder: Path) -> list[str]:
    """Return the services that will never come up: given up by supervisord, or ended by a fault of the user's."""
    return [
        process.name
        for process in supervisor.processes() or []
        if process.state in DEAD
        or (
            process.state == "BACKOFF"
            and any(line.startswith(SAID) for line in supervisor.log_tail(folder, process.name, 1))
        )
    ]


def answers(session: Session, name: str) -> bool:
    """Tell whether a service answers its status."""
    try:
        session.link.ask(name, StatusRequest(), control=True, timeout_s=ASK_TIMEOUT_S)
    except SilentError:
        return False
    return True


def show_report(session: Session, folder: Path) -> None:
    """Gather, keep and print the report."""
    found = report.gather(session, folder, list(load_run(session.home).account.rule_slots))
    text = report_text(session.lang, found)
    path = report.write(found, text, folder)
    click.echo(text)
    session.tell("run.report", path=str(path))
