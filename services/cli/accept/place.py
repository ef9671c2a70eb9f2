"""Where the client is, which account it trades, and under which session number it is asked."""

from typing import NamedTuple

from common.runtime.config import Config

ACCEPT, DOCTOR = 1, 2
"""Each tool has a session number of its own beside the gateway's pool, always the same: every number leaves about 75 MB in
the client's folder, and one is held for some seconds after its process has gone (notes §1.5)."""
NUMBERS = 64
"""Numbers a pool has at most."""


class Place(NamedTuple):
    """What it takes to reach a client."""

    path: str = ""
    """Its folder `userdata_mini`."""
    account: str = ""
    session: int = Config().gateway.session_first - ACCEPT


def place_of(config: Config, tool: int = ACCEPT) -> Place:
    """Return the client of a configuration; no path where it names none."""
    first = config.gateway.session_first
    number = first - tool if first > tool else first + NUMBERS + tool
    return Place(config.gateway.client_path, config.system.account, number)
