"""Seeded bugs."""

from collections.abc import Callable
from typing import NamedTuple


class Bug(NamedTuple):
    """A wrong version of something."""

    plant: Callable[[], None]
    caught_by: str


BUGS: dict[str, Bug] = {}
