"""Checks of the machine: Python, time, disk, what others may read, who listens where."""

from typing import NamedTuple

from services.cli.doctor.finding import Finding, Verdict, graded

OLDEST, NEWEST = (3, 11), (3, 13)
QMT_PYTHON = (3, 11)
"""Beside the client: its fast decoder is shipped up to this version (notes §0.10)."""
SHANGHAI_S = 8 * 3600
BEHIND_MS, AHEAD_MS = 1_000, 6_000
"""How far a clock may be from the time of the newest quote: a quote is never younger than now, and 3 s old at most by
its own cadence."""
WRONG_MS = 30_000
CLIENT_PROGRAMS = ("XtMiniQmt.exe", "XtItClient.exe")
"""The mini client, and the whole terminal that can log in as one."""
FREE_WARN_MIB, FREE_FAIL_MIB = 2_048, 256


class Machine(NamedTuple):
    """What was found of the machine; the defaults are a healthy one."""

    python: tuple[int, int, int] = (3, 11, 9)
    bits: int = 64
    windows: bool = False
    live: bool = False
    """A live account is configured or asked about."""
    offset_s: int | None = SHANGHAI_S
    """Of local time from UTC."""
    now_ns: int = 0
    quote_ns: int | None = None
    """Exchange time of the newest quote, while quotes are due."""
    file_ns: int | None = None
    """Time that a file server gave a file written just now."""
    free_mib: int | None = 10_000
    loose: tuple[str, ...] | None = ()
    """Folders and files of the run that others can read; None = the system has no modes to look at."""
    keys: tuple[tuple[str, str], ...] | None = ()
    """File and state of each key that is not as it must be; None = there are none yet."""
    running: bool = False
    taken: tuple[int, ...] = ()
    """Ports of ours that somebody else holds while nothing of ours runs."""
    exposed: tuple[int, ...] | None = ()
    """Ports of ours that answer on another address than loopback; None = could not be tried."""
    session: int | None = None
    """Windows session of this process; None = not on Windows."""
    programs: tuple[str, ...] | None = None
    """Programs of the client that run; None = not on Windows, or could not be asked."""
    vendor_exposed: bool | None = None
    """Whether the client's quote port answers from outside; None = it does not listen, or could not be tried."""


def python(machine: Machine) -> Finding:
    """Check the version of Python."""
    version = ".".join(map(str, machine.python))
    verdict = Verdict.OK if OLDEST <= machine.python[:2] <= NEWEST else Verdict.FAIL
    if verdict is Verdict.OK and machine.live and machine.python[:2] != QMT_PYTHON:
        verdict = Verdict.WARN
    return Finding("python", verdict, {"version": version})


def bits(machine: Machine) -> Finding:
    """Check that Python is a 64-bit one: the vendor's modules are."""
    return Finding("bits", Verdict.OK if machine.bits == 64 else Verdict.FAIL, {"bits": machine.bits})


def time_zone(machine: Machine) -> Finding:
    """Check that local time is Shanghai's: the vendor makes dates with it (notes §0.8)."""
    if machine.offset_s is None:
        return Finding("time_zone", Verdict.UNKNOWN, {}, "unknown")
    hours = f"{machine.offset_s / 3600:+g}"
    # Elsewhere the services get theirs from supervisord.conf, and only this command has another one.
    bad = Verdict.FAIL if machine.live and machine.windows else Verdict.WARN
    return Finding("time_zone", Verdict.OK if machine.offset_s == SHANGHAI_S else bad, {"hours": hours})


def clock(machine: Machine) -> Finding:
    """Compare the clock with the newest quote, or with a file server."""
    if machine.quote_ns is not None:
        ahead_ms = (machine.now_ns - machine.quote_ns) // 1_000_000
        good, kind = -BEHIND_MS <= ahead_ms <= AHEAD_MS, "quotes"
        if ahead_ms > AHEAD_MS:  # the clock is ahead, or quotes are late, of which another check knows
            return Finding("clock", Verdict.WARN, {"seconds": f"{ahead_ms / 1000:+.1f}"}, kind)
    elif machine.file_ns is not None:
        ahead_ms = (machine.now_ns - machine.file_ns) // 1_000_000
        good, kind = abs(ahead_ms) <= BEHIND_MS, "server"
    else:
        return Finding("clock", Verdict.UNKNOWN, {}, "unknown")
    verdict = Verdict.OK if good else Verdict.WARN if abs(ahead_ms) <= WRONG_MS else Verdict.FAIL
    return Finding("clock", verdict, {"seconds": f"{ahead_ms / 1000:+.1f}"}, kind)


def disk(machine: Machine) -> Finding:
    """Check the space left where the journals are."""
    if machine.free_mib is None:
        return Finding("disk", Verdict.UNKNOWN, {}, "unknown")
    verdict = graded(machine.free_mib, FREE_WARN_MIB, FREE_FAIL_MIB)
    return Finding("disk", verdict, {"gib": f"{machine.free_mib / 1024:.1f}"})


def folders(machine: Machine) -> Finding:
    """Check that nobody else can read the runs: journals, logs and configurations."""
    if machine.loose is None:
        return Finding("folders", Verdict.UNKNOWN, {}, "unknown")
    if machine.loose:
        return Finding("folders", Verdict.FAIL, {"paths": ", ".join(machine.loose)}, "loose")
    return Finding("folders", Verdict.OK, {})


def keys(machine: Machine) -> Finding:
    """Check the files of the keys: there, whole, only their owner's."""
    if machine.keys is None:
        return Finding("keys", Verdict.UNKNOWN, {}, "none")
    if not machine.keys:
        return Finding("keys", Verdict.OK, {})
    told = ", ".join(f"{name}: {state}" for name, state in machine.keys)
    absent = all(state == "absent" for _, state in machine.keys)
    return Finding("keys", Verdict.WARN if absent else Verdict.FAIL, {"files": told}, "bad")


def ports(machine: Machine) -> Finding:
    """Check that our ports are free before a start, and on loopback only after it."""
    if machine.running and machine.exposed is None:
        return Finding("ports", Verdict.UNKNOWN, {}, "unknown")
    if machine.running and machine.exposed:
        return Finding("ports", Verdict.FAIL, {"ports": _numbers(machine.exposed)}, "exposed")
    if not machine.running and machine.taken:
        return Finding("ports", Verdict.FAIL, {"ports": _numbers(machine.taken)}, "taken")
    return Finding("ports", Verdict.OK, {}, "loopback" if machine.running else "free")


def session(machine: Machine) -> Finding:
    """Check that we are not in Session 0, where services live and the client is out of reach (notes §0.9)."""
    if machine.session is None:
        return Finding("session", Verdict.UNKNOWN, {}, "unknown")
    verdict = Verdict.FAIL if machine.session == 0 else Verdict.OK
    return Finding("session", verdict, {"number": machine.session})


def client_program(machine: Machine) -> Finding:
    """Check that a client runs at all."""
    if machine.programs is None:
        return Finding("client_program", Verdict.UNKNOWN, {}, "unknown")
    if not machine.programs:
        return Finding("client_program", Verdict.FAIL, {"names": ", ".join(CLIENT_PROGRAMS)}, "none")
    return Finding("client_program", Verdict.OK, {"names": ", ".join(machine.programs)})


def quote_port(machine: Machine) -> Finding:
    """Check that the client's own quote port is not open to the network: it binds to every address (notes §2.1)."""
    if machine.vendor_exposed is None:
        return Finding("quote_port", Verdict.UNKNOWN, {}, "unknown")
    return Finding("quote_port", Verdict.WARN if machine.vendor_exposed else Verdict.OK, {}, "open" if machine.vendor_exposed else "shut")  # fmt: skip


def _numbers(ports: tuple[int, ...]) -> str:
    return ", ".join(map(str, ports))
