"""Every source by its name, and how it is opened: its secrets, its pace, where its calls are counted."""

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from common.domain.errors import SourceError
from common.history.sources.coverage import COVERAGE
from common.history.sources.journal import Journal
from common.history.sources.pace import Clock, DayCount, PolitePacer
from common.history.sources.source import Pacer, Source

TOKEN_FILE_MAX = 1_000
SECRETS = (("BAOSTOCK_API_KEY", "baostock.key"), ("TUSHARE_TOKEN", "tushare.token"))
"""Environment variable and file of each secret."""


class Place(NamedTuple):
    """Where a source finds what it needs."""

    history: Path
    """The folder of history that is downloaded into; calls are counted beside it."""
    secrets: Path
    """The folder of `tushare.token` and `baostock.key`."""
    environ: Mapping[str, str]
    files: Path | None = None
    """The folder of the source `files`."""


def secret(place: Place, variable: str, name: str) -> str:
    """Return a token from the environment or from a file that only its owner can read; "" where there is none."""
    text = place.environ.get(variable, "").strip()
    path = place.secrets / name
    if text or not path.is_file():
        return text
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SourceError(f"{path} can be read by others; it is a secret: chmod 600 {path}")
    return path.read_text("utf-8")[:TOKEN_FILE_MAX].strip()


def secrets_of(place: Place) -> tuple[str, ...]:
    """Return every secret that might stand in an answer, to be taken out of records."""
    return tuple(found for names in SECRETS if (found := secret(place, *names)))


def _baostock(pacer: Pacer, place: Place, _clock: Clock) -> Source:
    from common.history.sources.baostock import Baostock

    return Baostock(pacer, api_key=secret(place, *SECRETS[0]))


def _tushare(pacer: Pacer, place: Place, _clock: Clock) -> Source:
    from common.history.sources.tushare import Tushare

    return Tushare(pacer, secret(place, *SECRETS[1]))


def _files(pacer: Pacer, place: Place, _clock: Clock) -> Source:
    from common.history.sources.files import Files

    if place.files is None:
        raise SourceError("source files needs a folder: --folder PATH, or [nightly] files")
    return Files(pacer, place.files)


def _xt(pacer: Pacer, _place: Place, clock: Clock) -> Source:
    from common.history.sources.xt import Xt

    return Xt(pacer, clock.now_ns)


OPENERS: dict[str, Callable[[Pacer, Place, Clock], Source]] = {
    "baostock": _baostock,
    "tushare": _tushare,
    "files": _files,
    "xt": _xt,
}


def pacer_of(name: str, place: Place, clock: Clock) -> PolitePacer:
    """Return the pacer of a source."""
    rate = COVERAGE[name].rate
    return PolitePacer(name, rate, clock, DayCount(Journal(place.history, name).calls_file, rate.per_day))


def open_source(name: str, place: Place, clock: Clock) -> Source:
    """Open a source; raises `SourceError` naming what is missing: the name, its package, its token."""
    if name not in OPENERS:
        raise SourceError(f"no source {name!r}; there are {', '.join(OPENERS)}")
    return OPENERS[name](pacer_of(name, place, clock), place, clock)
