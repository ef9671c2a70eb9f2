"""Screens without a running system: history on disk, the user's own screens and settings."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from common.domain.calendar import Calendar
from common.domain.values import Day
from services.cli.dates import check_session
from services.cli.days import folder_of
from services.cli.faults import BadInputError, SilentError
from services.cli.session import Session
from services.cli.show import day_text

if TYPE_CHECKING:
    from common.history.pools import Pools
    from common.runtime.config import Config
    from common.screens.screen import Screen

ST_CHOICES = {"deny": False, "allow": True}


class Direct(NamedTuple):
    """What a command reads by itself."""

    folder: Path
    config: "Config"
    screens: "dict[str, Screen]"
    pools: "Pools"

    def check_day(self, day: Day) -> Day:
        """Refuse a day that history's calendar does not trade on."""
        return check_session(self.pools.history().calendar(), day)

    def days(self, first: Day, last: Day) -> list[Day]:
        """Return the trading days of a range; refuses one without any, or one that history does not reach."""
        calendar: Calendar = self.pools.history().calendar()
        days = calendar.between(first, last)
        if not days:
            raise BadInputError(
                "bad.no_days",
                first=day_text(first),
                last=day_text(last),
                begin=day_text(calendar.first),
                end=day_text(calendar.last),
            )
        return days


def open_direct(session: Session, history: str | None, st_unknown: str | None) -> Direct:
    """Open the history that `--history`, a running system, $PANKOU_HOME or the newest run names, in this order."""
    from common.history.pools import Pools
    from common.runtime.screens import load_screens
    from services.cli.settings import merged_config

    folder = folder_of(history) if history else _folder(session)
    config = merged_config(session.home, "sim", {})
    screens = load_screens(config)
    if st_unknown is not None:
        screens = {name: screen.asking(ST_CHOICES[st_unknown]) for name, screen in screens.items()}
    return Direct(folder, config, screens, Pools(folder, screens))


def _folder(session: Session) -> Path:
    from common.history.schema import MANIFEST

    own = session.home.history
    up = session.is_up(session.home)
    if not up and (own / MANIFEST).is_file():
        return own
    named = _of_last_run(session)
    if named is not None and (up or (named / MANIFEST).is_file()):
        return named
    if (own / MANIFEST).is_file():
        return own
    raise BadInputError("bad.no_history", folder=str(own))


def _of_last_run(session: Session) -> Path | None:
    from services.cli.settings import load_run

    try:
        named = load_run(session.home).history.dir
    except SilentError:
        return None
    return Path(named) if named else None


def parse_screen_name(text: str, known: "dict[str, Screen]") -> str:
    """Return the name of a screen that exists."""
    if text not in known:
        raise BadInputError("bad.screen", text=text, known=", ".join(known))
    return text


def run_screens(session: Session) -> "dict[str, Screen]":
    """Return the screens of the running system."""
    from common.runtime.screens import load_screens
    from services.cli.settings import load_run

    return load_screens(load_run(session.home))
