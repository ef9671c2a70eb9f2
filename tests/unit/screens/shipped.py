"""The shipped screens with other parameters, and who passes."""

from collections.abc import Iterable

import numpy as np

from common.domain.values import Board
from common.runtime.config import read_toml
from common.runtime.screens import SHIPPED
from common.screens.screen import Screen, Screened, parse_screen


def shipped(name: str, boards: Iterable[int] = (Board.MAIN, Board.CHINEXT), **overrides: object) -> Screen:
    """Return a shipped screen; overrides a condition does not have are left to `parse_screen` to refuse."""
    return parse_screen(name, read_toml(SHIPPED / f"{name}.toml"), overrides, boards)


def passing(result: Screened) -> list[str]:
    """Return the symbols that pass."""
    return [result.symbols[at] for at in np.flatnonzero(result.passed)]
