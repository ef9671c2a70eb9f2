"""What a check says: a verdict, what was found, and what to do about it."""

from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """How it stands with one thing. Unknown is an answer: nobody could look."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


class Finding(NamedTuple):
    """The result of one check; its words are `found.NAME[.kind]` and `fix.NAME` of `texts.py`."""

    name: str
    verdict: Verdict
    facts: dict[str, object]
    """Fill in the words."""
    kind: str = ""
    """Which of several things was found, "" where one sentence serves all."""

    @property
    def found_key(self) -> str:
        """Key of the sentence that says what was found."""
        return f"found.{self.name}.{self.kind}" if self.kind else f"found.{self.name}"

    @property
    def fix_key(self) -> str:
        """Key of the sentence that says what to do."""
        return f"fix.{self.name}"


def worst(*verdicts: Verdict) -> Verdict:
    """Return the worst verdict: fail, then unknown, then warn."""
    order = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.WARN)
    return next((verdict for verdict in order if verdict in verdicts), Verdict.OK)


def graded(value: float, warn: float, fail: float) -> Verdict:
    """Grade a number of which more is better: below `fail` it fails, below `warn` it warns."""
    if value < fail:
        return Verdict.FAIL
    return Verdict.WARN if value < warn else Verdict.OK
