"""The trading rules, one file each, and the list of them."""

from typing import cast

from common.strategies import bottom_fractal, limit_up
from common.strategies.contract import Rule

RULES: dict[str, Rule] = {
    limit_up.NAME: cast("Rule", limit_up),
    bottom_fractal.NAME: cast("Rule", bottom_fractal),
}
"""Every rule by name. The cast: mypy takes a class in a module for no `type[Any]` attribute of a protocol."""
