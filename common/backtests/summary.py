"""The short form of a task's result, kept beside it: what was asked, the metrics, and the hash of every file."""

import hashlib
from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from common.backtests.metrics import Value
from common.backtests.tasks import Task
from common.domain.errors import ResultError

SUMMARY = "summary.json"


class Summary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a sweep reads of a result."""

    key: str
    task: Task
    """Without the rule's text and the place of the history."""
    metrics: dict[str, int | float | None]
    """Of the main result."""
    files: dict[str, str]
    """SHA-256 of every other file of the result."""


def encode_summary(key: str, task: Task, metrics: Mapping[str, Value], files: Mapping[str, bytes]) -> bytes:
    """Return the summary of a result as JSON."""
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    summary = Summary(key, replace(task, source="", history=""), dict(metrics), digests)
    return msgspec.json.encode(summary, order="deterministic")


def decode_summary(data: bytes) -> Summary:
    """Return the summary; raises `ResultError` where it is none."""
    try:
        return msgspec.json.decode(data, type=Summary)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise ResultError("corrupt", f"{SUMMARY}: {error}") from error


def check_files(summary: Summary, files: Mapping[str, bytes]) -> None:
    """Raise `ResultError` where a file is missing, added, or not the one that the summary names."""
    for name in sorted(summary.files.keys() | (files.keys() - {SUMMARY})):
        if name not in files:
            raise ResultError("corrupt", f"{name} is missing")
        if hashlib.sha256(files[name]).hexdigest() != summary.files.get(name):
            raise ResultError("corrupt", f"{name} no longer matches its hash")
