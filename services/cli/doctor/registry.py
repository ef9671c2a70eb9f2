"""Every check of `pankou doctor`, in the order people read them, and which must be green before a live account is armed."""

from collections.abc import Callable
from typing import NamedTuple

from services.cli.doctor import client, machine, market, system
from services.cli.doctor.client import Client
from services.cli.doctor.finding import Finding, Verdict
from services.cli.doctor.machine import Machine
from services.cli.doctor.market import Market
from services.cli.doctor.system import System

OK, WARN, UNKNOWN = Verdict.OK, Verdict.WARN, Verdict.UNKNOWN
GREEN = frozenset({OK})
PALE = frozenset({OK, WARN})
"""Good enough where a warning is somebody's choice, such as wide limits."""
ANY = frozenset({OK, WARN, UNKNOWN})
"""Nobody may be able to look, and it stops nothing."""


class Facts(NamedTuple):
    """Everything that was gathered."""

    machine: Machine = Machine()
    client: Client = Client()
    market: Market = Market()
    system: System = System()
    live: bool = False
    """Checks of a live account are wanted."""


class Check(NamedTuple):
    """One check."""

    run: Callable[[Facts], Finding]
    live_only: bool
    """Left out where only paper is traded."""
    arming: frozenset[Verdict]
    """Verdicts with which a live account may be armed; never one with a fail."""


CHECKS: dict[str, Check] = {
    "python": Check(lambda facts: machine.python(facts.machine), False, PALE),
    "bits": Check(lambda facts: machine.bits(facts.machine), False, GREEN),
    "time_zone": Check(lambda facts: machine.time_zone(facts.machine), False, PALE),
    "clock": Check(lambda facts: machine.clock(facts.machine), False, ANY),
    "disk": Check(lambda facts: machine.disk(facts.machine), False, GREEN),
    "folders": Check(lambda facts: machine.folders(facts.machine), False, ANY),
    "keys": Check(lambda facts: machine.keys(facts.machine), False, PALE),
    "ports": Check(lambda facts: machine.ports(facts.machine), False, ANY),
    "config": Check(lambda facts: system.config(facts.system), False, GREEN),
    "limits": Check(lambda facts: system.limits(facts.system), False, PALE),
    "calendar": Check(lambda facts: market.calendar(facts.market), False, PALE),
    "trading_day": Check(lambda facts: market.trading_day(facts.market), False, GREEN),
    "history": Check(lambda facts: market.history(facts.market), False, GREEN),
    "st_table": Check(lambda facts: market.st_table(facts.market), False, GREEN),
    "services": Check(lambda facts: system.services(facts.system), False, PALE),
    "versions": Check(lambda facts: system.versions(facts.system), False, GREEN),
    "books": Check(lambda facts: system.books(facts.system), False, GREEN),
    "kill_switch": Check(lambda facts: system.kill_switch(facts.system), False, GREEN),
    "wheel": Check(lambda facts: client.wheel(facts.client), True, PALE),
    "natives": Check(lambda facts: client.natives(facts.client), True, GREEN),
    "client_path": Check(lambda facts: client.client_path(facts.client), True, PALE),
    "session": Check(lambda facts: machine.session(facts.machine), True, ANY),
    "client_program": Check(lambda facts: machine.client_program(facts.machine), True, ANY),
    "login": Check(lambda facts: client.login(facts.client), True, GREEN),
    "account": Check(lambda facts: client.account(facts.client), True, GREEN),
    "boards": Check(lambda facts: client.boards(facts.client), True, ANY),
    "st_file": Check(lambda facts: client.st_file(facts.client), True, PALE),
    "queues": Check(lambda facts: client.queues(facts.client), True, ANY),
    "quotes": Check(lambda facts: market.quotes(facts.market), True, PALE),
    "quote_port": Check(lambda facts: machine.quote_port(facts.machine), True, ANY),
    "one_live": Check(lambda facts: system.one_live(facts.system), True, GREEN),
    "settle": Check(lambda facts: client.settle(facts.client), True, ANY),
    "recording": Check(lambda facts: client.recording(facts.client), True, ANY),
}


def examine(facts: Facts) -> list[Finding]:
    """Run every check that is wanted."""
    return [check.run(facts) for check in CHECKS.values() if facts.live or not check.live_only]


def red(findings: list[Finding]) -> list[Finding]:
    """Return what keeps a live account from being armed."""
    return [finding for finding in findings if finding.verdict not in CHECKS[finding.name].arming]
