"""Checks of our own system: configuration, limits, services, books, switches, the one live instance."""

from collections.abc import Mapping
from typing import NamedTuple

from services.cli.doctor.finding import Finding, Verdict

UP_STATES = frozenset({"RUNNING", "STARTING"})
"""A supervisor calls a service that answers already "starting" for its first seconds."""
APART = frozenset({"backtest_queue"})
"""Trading goes on without them."""
RESTARTED_S = 60
"""A service that is up for less has just been restarted."""


class Service(NamedTuple):
    """One service as its supervisor and its own answer tell it."""

    name: str
    process: str
    """State at the supervisor, "" = not there."""
    since_s: int
    ready: bool | None
    """None = silent."""
    version: str = "1"


UP = tuple(Service(name, "RUNNING", 3_600, True) for name in ("market_data", "risk_manager", "order_gateway"))


class System(NamedTuple):
    """What was found of our system; the defaults are a healthy one. None = nobody could look."""

    config_faults: tuple[str, ...] | None = ()
    live: bool = False
    """The configuration trades a live account."""
    wants_live: bool = False
    """Asked about live trading, whatever is configured."""
    names_account: bool = True
    """The configuration names an account of its own."""
    limits: Mapping[str, int] | None = None
    ceilings: Mapping[str, int] = {}
    defaults: Mapping[str, int] = {}
    services: tuple[Service, ...] | None = UP
    """None = nothing runs."""
    causes: tuple[str, ...] | None = ()
    """What holds buys back, said by risk and the gateway."""
    killed: bool = False
    holder: str | None = ""
    """Who holds the live account on this machine; "" = nobody or our own gateway, None = could not be tried."""


def config(system: System) -> Finding:
    """Check the configuration; all its faults at once."""
    if system.config_faults is None:
        return Finding("config", Verdict.UNKNOWN, {}, "unknown")
    if system.config_faults:
        return Finding("config", Verdict.FAIL, {"faults": "; ".join(system.config_faults)}, "faults")
    if system.wants_live and not system.live:
        return Finding("config", Verdict.WARN, {}, "paper")
    if system.wants_live and not system.names_account:
        return Finding("config", Verdict.FAIL, {}, "no_account")
    return Finding("config", Verdict.OK, {"mode": "live" if system.live else "paper"})


def limits(system: System) -> Finding:
    """Check the limits against the hard ceilings, and tell those above the defaults."""
    if system.limits is None:
        return Finding("limits", Verdict.UNKNOWN, {}, "unknown")
    over = [name for name, value in system.limits.items() if value > system.ceilings.get(name, value)]
    if over:
        return Finding("limits", Verdict.FAIL, {"names": ", ".join(over)}, "over")
    wide = [name for name, value in system.limits.items() if value > system.defaults.get(name, value)]
    if wide:
        return Finding("limits", Verdict.WARN, {"names": ", ".join(wide)}, "wide")
    return Finding("limits", Verdict.OK, {})


def services(system: System) -> Finding:
    """Check that every service runs, answers and is ready."""
    if system.services is None:
        return Finding("services", Verdict.UNKNOWN, {}, "none")
    down = [row.name for row in system.services if row.process not in UP_STATES or row.ready is None]
    if down:
        verdict = Verdict.WARN if APART.issuperset(down) else Verdict.FAIL
        return Finding("services", verdict, {"names": ", ".join(down)}, "down")
    waiting = [row.name for row in system.services if not row.ready]
    if waiting:
        return Finding("services", Verdict.WARN, {"names": ", ".join(waiting)}, "waiting")
    young = [row.name for row in system.services if row.since_s < RESTARTED_S]
    if young and len(young) < len(system.services):
        return Finding("services", Verdict.WARN, {"names": ", ".join(young)}, "restarted")
    return Finding("services", Verdict.OK, {"count": len(system.services)})


def versions(system: System) -> Finding:
    """Check that all services run the same code."""
    if system.services is None or not any(row.ready is not None for row in system.services):
        return Finding("versions", Verdict.UNKNOWN, {}, "unknown")
    told = {row.name: row.version for row in system.services if row.ready is not None}
    if len(set(told.values())) > 1:
        facts: dict[str, object] = {"versions": ", ".join(f"{name} {version}" for name, version in told.items())}
        return Finding("versions", Verdict.FAIL, facts, "mixed")
    return Finding("versions", Verdict.OK, {"version": next(iter(told.values()))})


def books(system: System) -> Finding:
    """Check that nothing holds buys back: books that differ, orders in doubt, a dead feed, a lock."""
    if system.causes is None:
        return Finding("books", Verdict.UNKNOWN, {}, "unknown")
    if system.causes:
        return Finding("books", Verdict.FAIL, {"causes": "; ".join(system.causes)}, "held")
    return Finding("books", Verdict.OK, {})


def kill_switch(system: System) -> Finding:
    """Tell whether the kill switch is on."""
    return Finding("kill_switch", Verdict.FAIL, {}, "on") if system.killed else Finding("kill_switch", Verdict.OK, {})


def one_live(system: System) -> Finding:
    """Check that nobody else trades the live account on this machine."""
    if system.holder is None:
        return Finding("one_live", Verdict.UNKNOWN, {}, "unknown")
    if system.holder:
        return Finding("one_live", Verdict.FAIL, {"holder": system.holder}, "held")
    return Finding("one_live", Verdict.OK, {})
