"""The one list of checks; hooks and CI call it. Sessions run in the project's own .venv (`make install`)."""

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "imports", "tests"]
CODE = ("common", "services", "tests", "bench", "docs", "noxfile.py")


@nox.session
def fmt(session: nox.Session) -> None:
    """Format the code."""
    session.run("python", "-m", "ruff", "format", ".")
    session.run("python", "-m", "ruff", "check", "--fix-only", ".")


@nox.session
def lint(session: nox.Session) -> None:
    """Look for what ruff finds."""
    session.run("python", "-m", "ruff", "check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types strictly."""
    session.run("python", "-m", "mypy")


@nox.session
def imports(session: nox.Session) -> None:
    """Check who imports whom."""
    session.run("lint-imports")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the whole suite, as `make test` does."""
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def simulate(session: nox.Session) -> None:
    """Run the seeded simulations: nox -s simulate -- --seeds 200."""
    session.run("python", "-m", "pytest", "tests/simulation", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure, each figure beside its baseline in the same run: nox -s bench -- [NAME]."""
    session.run("python", "-m", "bench", *session.posargs)


@nox.session
def long_run(session: nox.Session) -> None:
    """Run the three sessions of 3-s pushes as `make run` does, and check what must have happened in them."""
    session.run("python", "-m", "pytest", "tests/e2e", "--full-market", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Write the generated pages of docs/reference."""
    session.run("python", "-m", "docs.generate")
    session.run("python", "-m", "services.cli.docs", "--write")


@nox.session
def lock(session: nox.Session) -> None:
    """Resolve the lock file anew for Linux and Windows, Python 3.11 to 3.13."""
    session.run("python", "-m", "pip", "install", "--quiet", "uv")
    options = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-header", "-q")
    session.run("uv", "pip", "compile", *options, "--extra", "dev", "-o", "requirements.lock", "pyproject.toml")
    session.run("uv", "pip", "compile", *options, "--extra", "xt", "-o", "requirements-xt.lock", "pyproject.toml")
