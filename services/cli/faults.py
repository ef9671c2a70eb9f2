"""What goes wrong for a person at the command line: a text in both languages and an exit code."""

from common.domain.errors import PankouError

OK = 0
REFUSED = 1
"""Denied, or it failed."""
BAD_INPUT = 2
SILENT = 3
"""A service does not answer, or nothing runs."""
INTERRUPTED = 130


class CliError(PankouError):
    """A fault with a text of `texts.py`."""

    exit_code = REFUSED

    def __init__(self, key: str, /, **facts: object) -> None:
        super().__init__(key)
        self.key = key
        self.facts = facts


class BadInputError(CliError):
    """Somebody typed or pointed at something that cannot be used; nothing was sent or made."""

    exit_code = BAD_INPUT


class SilentError(CliError):
    """A service does not answer in time, or no system runs."""

    exit_code = SILENT
