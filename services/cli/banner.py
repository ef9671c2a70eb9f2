"""The line that every tool shows while a live account is traded: which, and whether it may open positions."""

import tomllib
from pathlib import Path

from common.domain.calendar import clock
from common.domain.errors import PankouError
from common.messages.control import Safeguards, SafeguardsRequest
from services.cli.books import GATEWAY
from services.cli.session import Session

TIMEOUT_S = 1.5


def is_live(folder: Path | None) -> bool:
    """Tell whether a run trades a live account, without loading more than its configuration's text."""
    if folder is None:
        return False
    try:
        table = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    system = table.get("system", {})
    return isinstance(system, dict) and system.get("mode") == "live"


def show_banner(session: Session) -> None:
    """Print the line to standard error, so that `--json` stays what it is; paper trading has none."""
    if is_live(session.home.last_run()) and session.is_up(session.home):
        told = ask(session)
        if told is None:
            session.warn("banner.silent")
        elif told.armed_until_s:
            session.warn("banner.armed", account=told.account, until=clock(told.armed_until_s)[:5])
        else:
            session.warn("banner.not_armed", account=told.account)


def ask(session: Session) -> Safeguards | None:
    """Ask the gateway what is in force; None when it is silent."""
    try:
        found = session.link.ask(GATEWAY, SafeguardsRequest(), control=True, timeout_s=TIMEOUT_S)
    except PankouError:
        return None  # whatever is wrong, the command itself says it better
    return found if isinstance(found, Safeguards) else None
