"""Where the client is and which account it trades."""

from typing import NamedTuple

from common.runtime.config import Config

SESSION = 7_100
"""The session number of `doctor` and `accept live`: always the same one, because each leaves about 75 MB in the client's
folder (notes §1.5), and none of the gateway's."""


class Place(NamedTuple):
    """What it takes to reach a client."""

    path: str = ""
    """Its folder `userdata_mini`."""
    account: str = ""
    session: int = SESSION


def place_of(config: Config) -> Place:
    """Return the client of a configuration; no path where it names none."""
    path = str(getattr(config.gateway, "client_path", ""))
    return Place(path, config.system.account)
