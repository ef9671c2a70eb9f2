"""Gather the facts of `pankou doctor`: looks at files, ports and services, changes nothing."""

import os
import shutil
import stat
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common.bus import acl, keyring
from common.bus.endpoints import SERVICES
from common.domain.calendar import Calendar, day_of
from common.domain.errors import ConfigError, PankouError
from common.domain.values import Day
from common.messages.control import Status
from common.runtime.config import Config, System
from common.runtime.limits import CEILINGS, Limits
from common.runtime.live_lock import LiveLock
from services.cli.doctor import client, machine, market, system
from services.cli.doctor.listening import exposed, own_addresses, ports_of, taken, vendor_exposed
from services.cli.doctor.probe import Probed, ask_client
from services.cli.doctor.registry import Facts
from services.cli.doctor.windows import client_programs, session_number
from services.cli.session import Session
from services.cli.settings import load_run, merged_config

RUN_FILES = ("config.toml", "logs", "order_gateway.db", "risk_manager.db")
RUNS_LOOKED_AT = 5


def gather(session: Session, now_ns: int, *, live: bool, time_folder: Path | None = None) -> Facts:
    """Look at everything once; what cannot be looked at is unknown."""
    config, faults = find_config(session, live=live)
    live = live or (config is not None and config.system.mode == "live")
    running = session.is_up(session.home)
    statuses = ask_all(session) if running else {}
    probed = ask_client(config) if live and config is not None else Probed()
    quote_ns = newest_quote(config, statuses, probed)
    return Facts(
        machine_facts(session, now_ns, config, running, live, quote_ns, time_folder),
        client_facts(session, config, probed, now_ns),
        market_facts(session, config, now_ns, quote_ns),
        system_facts(session, config, faults, running, statuses, live),
        live,
    )


def find_config(session: Session, *, live: bool) -> tuple[Config | None, tuple[str, ...]]:
    """Return the configuration of what runs, else the one that would run, and what is wrong with it."""
    try:
        if session.is_up(session.home):
            return load_run(session.home), ()
        return merged_config(session.home, "live" if live else "paper", {}), ()
    except ConfigError as error:
        lines = [line.strip(" -") for line in str(error).splitlines()]
        return None, tuple(lines[1:] or lines)


def ask_all(session: Session) -> dict[str, Status | None]:
    """Ask every service how it is."""
    from services.cli.commands.system import ask_status

    return {name: ask_status(session, name) for name in SERVICES}


def newest_quote(config: Config | None, statuses: dict[str, Status | None], probed: Probed) -> int | None:
    """Return the exchange time of the newest quote that the gateway or the client has; a tape's time is none."""
    gateway = statuses.get("order_gateway")
    if config is not None and config.feed.kind != "replay" and gateway is not None:
        return gateway.numbers.get("data_ns") or probed.quote_ns
    return probed.quote_ns


# ------------------------------------------------------------------ the machine


def machine_facts(
    session: Session,
    now_ns: int,
    config: Config | None,
    running: bool,
    live: bool,
    quote_ns: int | None,
    time_folder: Path | None,
) -> machine.Machine:
    """Look at the machine."""
    base = (config or Config()).system.base_port
    addresses = own_addresses()
    return machine.Machine(
        python=sys.version_info[:3],
        bits=struct.calcsize("P") * 8,
        windows=os.name == "nt",
        live=live,
        offset_s=time.localtime(now_ns // 1_000_000_000).tm_gmtoff,
        now_ns=now_ns,
        quote_ns=quote_ns if market.quotes_are_due(now_ns) else None,
        file_ns=file_time(time_folder),
        free_mib=free_mib(session.home.root),
        loose=loose_paths(session.home.runs) if os.name == "posix" else open_paths(session.home.runs),
        keys=bad_keys(session.home.keys),
        running=running,
        taken=() if running else tuple(taken(ports_of(base))),
        exposed=exposed(ports_of(base), addresses) if running else (),
        session=session_number() if live else None,
        programs=client_programs() if live else None,
        vendor_exposed=vendor_exposed(addresses) if live else None,
    )


def file_time(folder: Path | None) -> int | None:
    """Return the time that a file server gives a file written just now; None where none is named or can be written."""
    if folder is None:
        return None
    place = folder / f".pankou-clock-{os.getpid()}"
    try:
        place.touch()
        found = place.stat().st_mtime_ns
        place.unlink()
    except OSError:
        return None
    return found


def free_mib(folder: Path) -> int | None:
    """Return the space left where a folder is, or will be."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free // 2**20
    except OSError:
        return None


def loose_paths(runs: Path) -> tuple[str, ...]:
    """Return what of the newest runs can be read by others."""
    return tuple(str(path) for path in _private(runs) if stat.S_IMODE(path.stat().st_mode) & 0o077)


def open_paths(runs: Path, run: acl.Run | None = None) -> tuple[str, ...] | None:
    """Return what of the newest runs others can get at by access lists (Windows); None where nobody can tell."""
    try:
        return tuple(path for folder in _newest(runs) for path in acl.open_to_others(folder, run))
    except ConfigError:
        return None


def _newest(runs: Path) -> list[Path]:
    numbered = sorted((path for path in runs.glob("[0-9]*") if path.name.isdigit()), key=lambda path: int(path.name))
    return numbered[-RUNS_LOOKED_AT:]


def _private(runs: Path) -> Iterator[Path]:
    for folder in _newest(runs):
        yield folder
        yield from (folder / name for name in RUN_FILES if (folder / name).exists())


def bad_keys(folder: Path) -> tuple[tuple[str, str], ...] | None:
    """Return the keys whose files are not as they must be; None while there are none."""
    from services.cli.commands.keys import sound

    if not folder.exists():
        return None
    try:
        return tuple((entry.identity, entry.file) for entry in keyring.entries(folder) if not sound(entry))
    except ConfigError as error:
        return ((str(error), "loose"),)


# ------------------------------------------------------------------ the client


def client_facts(session: Session, config: Config | None, probed: Probed, now_ns: int) -> client.Client:
    """Look at the client's folder; the rest was asked of the client itself."""
    from services.cli.accept.recordings import measured_settle, own_recording

    place = Path(probed.path) if probed.path else None
    file = st_path(place, probed.data_dir)
    return client.Client(
        wheel=probed.wheel,
        natives=probed.natives,
        path=probed.path,
        path_is_folder=place is not None and place.is_dir(),
        path_writable=place is not None and is_writable(place),
        connect=probed.connect,
        account=(config or Config()).system.account,
        accounts=probed.accounts,
        account_status=probed.status,
        boards=(config or Config()).boards.allowed,
        boards_seen=probed.boards,
        queues_mib=queue_mib(place),
        st_file=None if file is None else str(file),
        st_rows=None if file is None else st_rows(file),
        st_age_days=0 if file is None or not file.is_file() else int((now_ns - file.stat().st_mtime_ns) // (86_400 * 10**9)),
        settle_s=(config or Config()).gateway.settle_s,
        settle_measured_s=measured_settle(session.home.root),
        recording=own_recording(session.home.root),
    )  # fmt: skip


def is_writable(folder: Path) -> bool:
    """Tell whether files can be made in a folder; only trying tells, where access is kept in ACLs."""
    try:
        handle, name = tempfile.mkstemp(prefix=".pankou-", dir=folder)
    except OSError:
        return False
    os.close(handle)
    Path(name).unlink()
    return True


def queue_mib(folder: Path | None) -> int | None:
    """Return the size of the session files in the client's folder; None where there is none."""
    if folder is None or not folder.is_dir():
        return None
    return sum(path.stat().st_size for path in folder.glob("down_queue_win_*")) // 2**20


def st_path(folder: Path | None, data_dir: str = "") -> Path | None:
    """Return where the client keeps ST history: one file for all markets, beside its data folder (notes §2.4).

    Where the client does not tell that folder, it is taken to be inside of its own.
    """
    beside = Path(data_dir).parent if data_dir else folder
    return None if beside is None else beside / "data" / "SH_XXXXXX_2011_86400000.csv"


def st_rows(path: Path) -> int | None:
    """Return how many rows of the ST file are ST, *ST or PT; None = no file that can be read."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return sum(1 for line in file if _is_spell(line.split(",")))
    except OSError:
        return None


def _is_spell(cells: list[str]) -> bool:
    return len(cells) >= 5 and cells[3].strip() in ("1", "2", "3")


# ------------------------------------------------------------------ the market


def market_facts(session: Session, config: Config | None, now_ns: int, quote_ns: int | None) -> market.Market:
    """Look at calendar and history."""
    today = day_of(now_ns)
    calendar = read_calendar(session)
    inside = calendar is not None and calendar.first <= today <= calendar.last
    folder = history_folder(session, config)
    last = history_last(folder) if folder is not None else None
    return market.Market(
        today=today,
        is_open=calendar.is_open(today) if calendar is not None and inside else None,
        days_ahead=None if calendar is None else len(calendar.between(today, calendar.last)) - (1 if inside and calendar.is_open(today) else 0),
        calendar_end=0 if calendar is None else calendar.last,
        history="" if folder is None else str(folder),
        replay=config is not None and config.feed.kind == "replay" and config.system.mode == "paper" and not config.nightly.enabled,
        history_last=last,
        history_behind=0 if calendar is None or last is None else sessions_missing(calendar, last, today),
        st_spells=None if folder is None else spells_in(folder),
        now_ns=now_ns,
        quote_ns=quote_ns,
    )  # fmt: skip


def read_calendar(session: Session) -> Calendar | None:
    """Return the trading calendar with the operator's extension; None when it cannot be read."""
    from common.history.calendar_file import days_with_file

    try:
        return Calendar(days_with_file(session.home.calendar))
    except PankouError:
        return None


def history_folder(session: Session, config: Config | None) -> Path | None:
    """Return the folder of history that screens read."""
    named = (config or Config()).history.dir or (config or Config()).nightly.dir
    if named:
        return Path(named).expanduser()
    return session.home.history if session.home.history.is_dir() else None


def history_last(folder: Path) -> Day | None:
    """Return the last day that history has prices of; None when it cannot be read."""
    import polars as pl

    from common.history.schema import daily_file
    from common.history.store import check_manifest, daily_years

    try:
        check_manifest(folder)
        years = daily_years(folder)
        last: Any = (
            pl.scan_parquet(daily_file(folder, years[-1])).select(pl.col("day").max()).collect().item()
            if years
            else None
        )
    except (PankouError, OSError, pl.exceptions.PolarsError):
        return None
    return int(last) if last is not None else None  # fmt: skip


def sessions_missing(calendar: Calendar, last: Day, today: Day) -> int:
    """Return how many trading days between the last of history and today are not in it."""
    return len([day for day in calendar.between(last, today) if last < day < today])


def spells_in(folder: Path) -> int | None:
    """Return how many spells of ST history knows; None = it has no such table."""
    from common.history.schema import ST_FILE
    from common.history.store import read_table

    try:
        return read_table(folder, ST_FILE).height
    except PankouError:
        return None


# ------------------------------------------------------------------ our system


def system_facts(
    session: Session,
    config: Config | None,
    faults: tuple[str, ...],
    running: bool,
    statuses: dict[str, Status | None],
    live: bool,
) -> system.System:
    """Look at our own services and switches."""
    is_live = config is not None and config.system.mode == "live"
    return system.System(
        config_faults=faults,
        live=is_live,
        wants_live=live,
        names_account=config is None or config.system.account != System().account,
        limits=None if config is None else {name: getattr(config.limits, name) for name in CEILINGS},
        ceilings=CEILINGS,
        defaults={name: getattr(Limits(), name) for name in CEILINGS},
        services=service_rows(session, statuses) if running else None,
        causes=causes_of(statuses) if running else None,
        killed=session.home.kill_file.exists() or "kill_switch" in _words(statuses, "order_gateway"),
        holder=holder_of(config, session) if is_live and config is not None else "",
    )


def service_rows(session: Session, statuses: dict[str, Status | None]) -> tuple[system.Service, ...]:
    """Return every service with what its supervisor says of it."""
    from services.cli.supervisor import Supervisor

    known = {process.name: process for process in Supervisor(session.home).processes() or []}
    rows = []
    for name, status in statuses.items():
        process = known.get(name)
        state, since_s = (process.state, process.since_s) if process is not None else ("", 0)
        ready, version = (status.ready, status.version) if status is not None else (None, "")
        rows.append(system.Service(name, state, since_s, ready, version))
    return tuple(rows)


def causes_of(statuses: dict[str, Status | None]) -> tuple[str, ...] | None:
    """Return what risk and the gateway say that holds buys back; None when one of them is silent."""
    if not statuses.get("risk_manager") or not statuses.get("order_gateway"):
        return None
    told = (_words(statuses, "risk_manager").get("causes", ""), _words(statuses, "order_gateway").get("no_buys", ""))
    return tuple(text for text in told if text)


def _words(statuses: dict[str, Status | None], name: str) -> dict[str, str]:
    status = statuses.get(name)
    return {key: text for key, text in status.words.items() if text} if status is not None else {}


def holder_of(config: Config, session: Session) -> str | None:
    """Return who else trades the live account on this machine, "" = nobody but our own gateway."""
    lock = LiveLock(config.system.account)
    try:
        if lock.is_free():
            return ""
    except OSError:
        return None
    holder = lock.holder()
    return "" if holder.startswith(str(session.home.runs)) else holder
