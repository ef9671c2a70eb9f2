"""`stop` and `status`: the supervised system as a whole."""

import click

from common.bus.endpoints import WATCHDOG
from common.domain.values import day_of_push, push_number
from common.messages.control import Status, StatusRequest
from common.messages.outputs import Message
from services.cli import faults, show
from services.cli.bilingual import command, json_option
from services.cli.faults import CliError, SilentError
from services.cli.render import heads
from services.cli.session import Session, pass_session
from services.cli.supervisor import SERVICES, Process, Supervisor

STATUS_TIMEOUT_S = 1.5
ANSWERING = (*SERVICES, WATCHDOG)


@command("stop", "cmd.stop")
@pass_session
def stop(session: Session) -> None:
    """End the system and leave no process."""
    done = Supervisor(session.home).stop()
    if done.left:
        raise CliError("stop.left", pids=", ".join(map(str, done.left)))
    if not done.found:
        session.tell("stop.nothing")
    elif done.killed:
        session.tell("stop.killed", count=done.found, killed=done.killed)
    else:
        session.tell("stop.done", count=done.found)


@command("status", "cmd.status")
@json_option
@pass_session
def status(session: Session, as_json: bool) -> int:
    """Show what supervisord and each service say of themselves."""
    processes = Supervisor(session.home).processes()
    run = session.home.last_run()
    if processes is None or run is None:
        if as_json:
            show.echo_json({"running": False, "run": None if run is None else run.name})
            return faults.SILENT
        raise SilentError("err.not_running")
    answers = {name: ask_status(session, name) for name in ANSWERING}
    if as_json:
        show.echo_json(
            {"running": True, "run": run.name, "processes": [p._asdict() for p in processes], "services": answers}
        )
    else:
        session.tell("status.run", run=run.name, folder=str(run))
        click.echo(status_table(session, processes, answers))
        for line in (*version_lines(session, answers), *cause_lines(answers)):
            click.echo(line)
    return faults.OK if all(answers[name] for name in SERVICES) else faults.SILENT


def ask_status(session: Session, name: str) -> Status | None:
    """Return a service's status, None when it does not answer in time."""
    try:
        answer: Message = session.link.ask(name, StatusRequest(), control=True, timeout_s=STATUS_TIMEOUT_S)
    except SilentError:
        return None
    return answer if isinstance(answer, Status) else None


def status_table(session: Session, processes: list[Process], answers: dict[str, Status | None]) -> str:
    """Return one row a service; every number it counts is in `--json`."""
    known = {process.name: process for process in processes}
    rows = []
    for name in (*ANSWERING, *sorted(set(known) - set(ANSWERING))):
        process, answer = known.get(name), answers.get(name)
        numbers = answer.numbers if answer else {}
        rows.append(
            (
                name,
                process.state if process else "-",
                process.pid if process else "-",
                f"{process.since_s}s" if process else "-",
                answer.state if answer else session.say("status.silent") if name in ANSWERING else "",
                session.say("word.yes" if answer and answer.ready else "word.no") if name in ANSWERING else "",
                push_text(numbers.get("push", 0)),
                f"{numbers['rss_kib'] / 1024:.0f}" if "rss_kib" in numbers else "",
            )
        )
    titles = heads(session.lang, "service", "process", "pid", "since", "state", "ready", "push", "memory")
    return show.table(titles, rows, (2, 3, 7))


def version_lines(session: Session, answers: dict[str, Status | None]) -> list[str]:
    """Return a line about services that run different code, none where all run the same."""
    versions = {name: answer.version for name, answer in answers.items() if answer}
    if len(set(versions.values())) <= 1:
        return []
    told = ", ".join(f"{name} {version}" for name, version in versions.items())
    return [session.say("status.versions", versions=told)]


def push_text(push: int) -> str:
    """Write the id of a push as day and number."""
    return f"{show.day_text(day_of_push(push))} #{push_number(push)}" if push else ""


def cause_lines(answers: dict[str, Status | None]) -> list[str]:
    """Return the words the services add, e.g. why trading is held down."""
    lines = []
    for name, answer in answers.items():
        for key, text in (answer.words if answer else {}).items():
            if text:
                lines.append(f"{name}.{key}: {text}")
    return lines
