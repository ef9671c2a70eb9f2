"""`pankou run` on a live feed: no tapes, no end. It goes on with the account's own last run, under today's settings.

A live account has one journal. A new run folder would begin with empty books and make EXTERNAL of everything it holds,
so a new one is made only where the account has none yet.
"""

import shutil
from pathlib import Path
from typing import Any

from common.bus.keyring import promote
from common.domain.errors import ConfigError
from common.runtime.config import Config, System, load_config
from services.cli import faults
from services.cli.accept.recordings import never_run
from services.cli.days import Days
from services.cli.faults import BadInputError
from services.cli.follow import Clock
from services.cli.ports import check_ports
from services.cli.session import Session
from services.cli.settings import write_run_config
from services.cli.setup import prepare
from services.cli.supervisor import Supervisor

TAPES_ONLY = ("days", "history", "stocks", "interval", "seed", "pace", "speed", "start", "end", "until_push")
"""Options about what is played; they mean nothing while the market itself plays."""


def is_fed_live(config: Config) -> bool:
    """Tell whether pushes come from the market and not from tapes."""
    return config.feed.kind != "replay"


def check_live(config: Config, profile: str, asked: dict[str, Any]) -> None:
    """Refuse a live account that nobody asked for or on tapes, and options of tapes on a live feed."""
    if config.system.mode == "live" and profile != "live":
        raise BadInputError("bad.live_profile", account=config.system.account, profile=profile)
    if config.system.mode == "live" and config.system.account == System().account:
        raise BadInputError("bad.live_account")
    if config.system.mode == "live" and not is_fed_live(config):
        raise BadInputError("bad.live")
    given = [name for name in TAPES_ONLY if asked.get(name) is not None]
    if is_fed_live(config) and given:
        raise BadInputError("bad.live_options", names=", ".join(f"--{name.replace('_', '-')}" for name in given))


def start(session: Session, config: Config, profile: str, launch: Any, clock: Clock) -> int:
    """Start the system in the background, and say what is left to do before it opens positions."""
    supervisor = Supervisor(session.home)
    check_ports(config.system.base_port, str(session.home.config))
    prepare(session)
    promote(session.home.keys)
    folder = last_run_of(session, config)
    if folder is None:
        folder = session.home.new_run()
        session.tell("run.new", run=folder.name, source=config.feed.kind)
    else:
        session.tell("run.resume", run=folder.name)
    for name in (session.home.rules.name, session.home.screens.name):
        shutil.rmtree(folder / name, ignore_errors=True)  # what was taken out since must not stay
    write_run_config(session, folder, profile, Days([], history_of(session, config), "", config.feed.kind), {})
    launch(session, supervisor, folder, clock)
    if session.home.kill_file.exists():
        session.warn("run.killed", path=str(session.home.kill_file))
    if config.system.mode == "live":
        if never_run():
            session.warn("live.never")
        session.tell("run.live", account=config.system.account)
    session.tell("run.left_up")
    return faults.OK


def last_run_of(session: Session, config: Config) -> Path | None:
    """Return the newest run of the same account in the same mode, None where there is none."""
    for number in reversed(session.home.run_numbers()):
        folder = session.home.runs / str(number)
        try:
            found = load_config(folder / "config.toml")
        except ConfigError:
            continue  # of another version, or never begun
        if is_fed_live(found) and (found.system.account, found.system.mode) == (
            config.system.account,
            config.system.mode,
        ):
            return folder
    return None


def history_of(session: Session, config: Config) -> str:
    """Return the folder of daily history: as configured, as the nightly cycle keeps it, or the imported one."""
    named = config.history.dir or config.nightly.dir
    return named or (str(session.home.history) if session.home.history.is_dir() else "")
