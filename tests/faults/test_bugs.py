"""The seeded bugs that need no real process are caught where they should be; `nox -s bugs` finds all of them."""

import pytest

from tests.faults.bugs import BUGS
from tests.faults.bugs_sweep import check_gate


@pytest.mark.parametrize("name", [name for name, bug in BUGS.items() if bug.layer in ("points", "bits")])
def test_a_wrong_version_is_caught(name: str) -> None:
    assert check_gate(name), f"{name} passes {BUGS[name].at}"
