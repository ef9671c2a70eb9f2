"""The one list of checks; make, hooks and CI call it.

Sessions run in the project's own .venv (`make install`). `parity` comes with the first code it checks.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "imports", "tests"]
HERE = Path(__file__).parent


@nox.session
def fmt(session: nox.Session) -> None:
    """Format the code and mend what ruff can mend safely."""
    session.run(sys.executable, "-m", "ruff", "check", "--fix-only", "--quiet", *(session.posargs or ["."]))
    session.run(sys.executable, "-m", "ruff", "format", *(session.posargs or ["."]))


@nox.session
def lint(session: nox.Session) -> None:
    """Look for what ruff finds, and for files that are not formatted."""
    session.run(sys.executable, "-m", "ruff", "check", *(session.posargs or ["."]))
    session.run(sys.executable, "-m", "ruff", "format", "--check", *(session.posargs or ["."]))


@nox.session
def types(session: nox.Session) -> None:
    """Check types strictly."""
    session.run(sys.executable, "-m", "mypy", *session.posargs)


@nox.session
def imports(session: nox.Session) -> None:
    """Check who imports whom."""
    session.run(str(Path(sys.executable).with_name("lint-imports")), "--no-logo", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the whole suite, as `make test` does."""
    session.run(sys.executable, "-m", "pytest", *session.posargs)


@nox.session
def simulate(session: nox.Session) -> None:
    """Run seeds of the hostile simulation: nox -s simulate -- --seeds N [--first K], or --seed N to replay one."""
    session.run(sys.executable, "-m", "tests.simulation.simulate", *session.posargs)


@nox.session
def long_run(session: nox.Session) -> None:
    """Run the supervised system on the full synthetic market, as `make run` does, and check what must have happened."""
    session.run(sys.executable, "-m", "pytest", "tests/e2e", "--full-market", *session.posargs)


@nox.session
def crashpoints(session: nox.Session) -> None:
    """Kill at every named crash point, and in pairs: nox -s crashpoints -- [--hits 1,4,15] [--pairs 100] [--real]."""
    session.run(sys.executable, "-m", "tests.faults.crashpoints", *session.posargs)


@nox.session
def kills(session: nox.Session) -> None:
    """Kill -9 real processes all through replayed runs: nox -s kills -- [--rounds 300]."""
    session.run(sys.executable, "-m", "tests.faults.kills", *session.posargs)


@nox.session
def frames(session: nox.Session) -> None:
    """Drop, double, reorder, delay and damage what runs between real processes: nox -s frames -- [--rounds 100]."""
    session.run(sys.executable, "-m", "tests.faults.frames_sweep", *session.posargs)


@nox.session
def pauses(session: nox.Session) -> None:
    """Freeze, spin, cut off and double real processes: nox -s pauses -- [--rounds 20]."""
    session.run(sys.executable, "-m", "tests.faults.pauses", *session.posargs)


@nox.session
def bugs(session: nox.Session) -> None:
    """Plant every seeded bug and print which layer catches it: nox -s bugs -- [--only NAME] [--seeds N]."""
    session.run(sys.executable, "-m", "tests.faults.bugs_sweep", *session.posargs)


@nox.session
def farm(session: nox.Session) -> None:
    """Kill the queue of backtests and its workers by a clock: nox -s farm -- [--jobs N] [--every S] [--compiled]."""
    session.run(sys.executable, "-m", "tests.farm.kills", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure, each figure beside its baseline in the same run: nox -s bench -- [NAME [OPTIONS]]."""
    known = sorted(path.stem for path in (HERE / "bench").glob("[!_]*.py"))
    names, options = (session.posargs[:1], session.posargs[1:]) if session.posargs else (known, [])
    if not names or not set(names) <= set(known):
        session.error(f"benchmarks here: {', '.join(known) or 'none yet'}")
    for name in names:
        session.run(sys.executable, "-m", f"bench.{name}", *options)


@nox.session
def docs(session: nox.Session) -> None:
    """Compare the generated pages of docs/reference with the code; `-- --write` makes them anew."""
    session.run(sys.executable, "-m", "services.cli.docs", *(session.posargs or ["--check"]))


@nox.session
def lock(session: nox.Session) -> None:
    """Resolve the lock files for Linux and Windows and every supported Python: nox -s lock [-- --upgrade]."""
    with tempfile.TemporaryDirectory() as scratch:
        # The resolver stays out of .venv, which holds what the lock file lists and nothing else.
        session.run(sys.executable, "-m", "venv", scratch)
        python = str(Path(scratch) / Path(sys.executable).parent.name / Path(sys.executable).name)
        session.run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv", external=True)
        where = ("--universal", "--python-version", "3.11")
        what = ("--generate-hashes", "--no-emit-index-url", "--custom-compile-command", "make lock")
        resolve = (python, "-m", "uv", "pip", "compile", "--quiet", *where, *what, *indexes(), *session.posargs)
        session.run(*resolve, "--extra", "dev", "-o", "requirements.lock", "pyproject.toml", external=True)
        # The vendor's library has a file of its own, since few need its 92 MB; both agree on all they share.
        shared = ("-c", "requirements.lock")
        session.run(*resolve, *shared, "--extra", "xt", "-o", "requirements-xt.lock", "pyproject.toml", external=True)
        # What tests of optional extras need; `make test` installs it, `make run` does not.
        extras = ("--extra", "xt", "--extra", "dask", "--extra", "optuna")
        session.run(*resolve, *shared, *extras, "-o", "requirements-extras.lock", "pyproject.toml", external=True)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Send hostile bytes into decoders and sockets: nox -s fuzz -- [--decodes N] [--wire M] [--seed S]."""
    session.run(sys.executable, "-m", "tests.fuzz.run", *session.posargs)


@nox.session
def roles(session: nox.Session) -> None:
    """Try every role, socket and verb on real sockets, an unknown key, no key and a dead doorkeeper among them."""
    session.run(sys.executable, "-m", "tests.roles.run", *session.posargs)


def indexes() -> tuple[str, ...]:
    """Return the index that pip is set to on this machine: uv does not read pip's settings."""
    asked = (sys.executable, "-m", "pip", "config", "get", "global.index-url")
    found = os.environ.get("PIP_INDEX_URL") or subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    found = found.strip()
    return ("--default-index", found) if found else ()
