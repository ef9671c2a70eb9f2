"""Ask the client from a process of its own: the vendor's modules may hang, print, or take the process with them."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from typing import Any, NamedTuple

from common.runtime.config import Config
from services.cli.accept.place import DOCTOR, Place, place_of
from services.cli.home import CHECKOUT

PROBE_S = 45.0
"""No call of the vendor's has a limit of its own (notes §0.3)."""
SHANGHAI = "CST-8"
"""Eight hours ahead, in the form every C library reads: that of Windows takes `Asia/Shanghai` for a zone of offset 0."""
MODULE = "services.cli.doctor.client_probe"


class Probed(NamedTuple):
    """What the client said; None = nobody could look."""

    path: str = ""
    wheel: str | None = None
    natives: str | None = None
    connect: int | None = None
    accounts: tuple[str, ...] | None = None
    status: int | None = None
    boards: tuple[str, ...] | None = None
    quote_ns: int | None = None
    data_dir: str = ""
    """The client's folder of data, "" = not told."""


def ask_client(config: Config) -> Probed:
    """Ask the client of a configuration."""
    place = place_of(config, DOCTOR)
    return ask(place, os.environ) if installed() else Probed(place.path, "")


def installed() -> str:
    """Return the version of the vendor's package, "" = not installed."""
    try:
        return metadata.version("xtquant")
    except metadata.PackageNotFoundError:
        return ""


def ask(place: Place, environ: Mapping[str, str], module: str = MODULE, wait_s: float = PROBE_S) -> Probed:
    """Run the probe and read the last line it printed; silence and noise are unknown."""
    known = Probed(place.path, installed())
    command = [sys.executable, "-m", module]
    try:
        done = subprocess.run(
            command,
            # Never on the command line, where every process of the machine can read it.
            input=json.dumps(place._asdict()),
            cwd=CHECKOUT,
            env={**environ, "TZ": SHANGHAI},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=wait_s,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        return known
    return read(known, done.stdout)


def read(known: Probed, text: str) -> Probed:
    """Return what the probe's last line adds to what is known."""
    lines = text.strip().splitlines()
    try:
        said: Any = json.loads(lines[-1]) if lines else None
    except ValueError:
        return known
    if not isinstance(said, dict):
        return known
    return known._replace(
        natives=_text(said.get("natives")),
        connect=_number(said.get("connect")),
        accounts=_texts(said.get("accounts")),
        status=_number(said.get("status")),
        boards=_texts(said.get("boards")),
        quote_ns=_number(said.get("quote_ns")),
        data_dir=_text(said.get("data_dir")) or "",
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _texts(value: Any) -> tuple[str, ...] | None:
    return tuple(map(str, value)) if isinstance(value, list) else None
