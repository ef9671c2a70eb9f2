"""The real xtdata layer over the fake native module, for the link's tests."""

from tests.unit.xtquant.conftest import native as native
from tests.unit.xtquant.conftest import terminal as terminal
