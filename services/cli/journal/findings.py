"""What an audit found: each broken rule with its rows, and what is no fault but worth knowing."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One thing, named by the check that found it; `broken.CHECK` of the texts says it in words."""

    check: str
    rows: tuple[int, ...]
    """Row numbers of the journal; empty where it is about the whole."""
    facts: dict[str, object]


class Findings:
    """Collects them in the order found."""

    def __init__(self) -> None:
        self.broken: list[Finding] = []
        self.notes: list[Finding] = []

    def add(self, check: str, *rows: int, **facts: object) -> None:
        """Take in a rule that does not hold."""
        self.broken.append(Finding(check, rows, facts))

    def note(self, check: str, *rows: int, **facts: object) -> None:
        """Take in what people should know and what breaks no rule."""
        self.notes.append(Finding(check, rows, facts))
