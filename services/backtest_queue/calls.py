"""What the queue's core asks of the folder of results, and what it hears back."""

import msgspec

from common.messages.outputs import Token


class LookUp(msgspec.Struct, frozen=True):
    """See which results there are. Answered by LookedUp."""

    question: int
    keys: tuple[str, ...]


class LookedUp(msgspec.Struct, frozen=True):
    """Results that are there and whole; those that no longer match their hash were put aside."""

    question: int
    there: tuple[str, ...]
    damaged: tuple[str, ...]


class StoreResult(msgspec.Struct, frozen=True):
    """Put a result in its place. Answered by ResultStored."""

    key: str
    files: dict[str, bytes]


class ResultStored(msgspec.Struct, frozen=True):
    """A result is in its place, or why it is not."""

    key: str
    fault: str = ""
    full: bool = False
    """There is no room: the worker sends it again until there is."""


class ReadFiles(msgspec.Struct, frozen=True):
    """Read a result. Answered by FilesRead."""

    key: str
    token: Token


class FilesRead(msgspec.Struct, frozen=True):
    """The files of a result, or why there are none."""

    key: str
    token: Token
    files: dict[str, bytes]
    fault: str = ""
