"""A task: one backtest as a value that any process, on any machine, can run to the same bytes; and its content hash.

A task names everything that its result depends on by value or by hash, so the hash of a task is the address of its
result: a task that was run before costs nothing. Where the history lies is told beside it and is no part of it.
"""

import hashlib
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from common.backtests.result import RESULT_VERSION, VERDICTS, Verdict
from common.domain.values import Day

KEY_SIZE = 32
"""Letters of a key: 128 bits of a SHA-256."""


class ScreenCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A condition as a screen uses it."""

    label: str
    condition: str
    values: dict[str, int]


class TaskScreen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A screen without its words."""

    name: str
    checks: tuple[ScreenCheck, ...]
    context: tuple[str, ...]


class Task(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One backtest: one rule, one set of parameters, one range of days."""

    rule: str
    source: str
    """Text of the rule's file; "" for a rule that comes with the program."""
    code_hash: str
    """Of everything the rule's decisions are made of."""
    params: dict[str, int]
    screen: TaskScreen
    data_hash: str
    rulebook_hash: str
    engine_hash: str
    """Of the program's own code that makes results out of data."""
    first: Day
    last: Day
    engine: str
    interval: int
    """Minutes of a bar."""
    settings: dict[str, int]
    """Of account and matching."""
    verdicts: tuple[Verdict, ...] = VERDICTS
    """The first one is the main result."""
    candles: bool = False
    """Whether the result brings the daily bars of what it traded, for its report."""
    history: str = ""
    """Folder of the history on the machine that made the task; another machine may say its own."""


class _Canonical(msgspec.Struct, frozen=True):
    version: int
    task: Task


def key_of(task: Task) -> str:
    """Return the content hash of a task: the same for everybody who asks for the same."""
    canonical = _Canonical(RESULT_VERSION, replace(task, history=""))
    return hashlib.sha256(msgspec.json.encode(canonical, order="deterministic")).hexdigest()[:KEY_SIZE]


def group_of(task: Task) -> str:
    """Return what tasks share that play the same days with the same rule, whatever its parameters and account."""
    return key_of(replace(task, params={}, settings={}, verdicts=(), candles=False, engine=""))


class Done(NamedTuple):
    """What came of a task."""

    key: str
    files: dict[str, bytes]
    """The result by name of file, "/" between folders; empty where there is a fault."""
    fault: str = ""
    """Why there is no result, in one line."""
