"""The folder of results as the queue uses it: looked up, written by rename, read whole."""

import errno
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from common.domain.errors import ResultError
from common.messages.outputs import Message
from services.backtest_queue.calls import FilesRead, LookedUp, LookUp, ReadFiles, ResultStored, StoreResult

if TYPE_CHECKING:
    from common.backtests.addressed import AddressedResults

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
DAMAGED = ".damaged"


class ResultFolder:
    """Results by the key of their task."""

    answers_later = True
    """What was stored is told when all that had arrived is: their jobs share one commit."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._stored: list[Message] = []
        self._made: AddressedResults | None = None

    @property
    def _results(self) -> "AddressedResults":
        if self._made is None:
            # With the first job: a queue that nobody uses stays small.
            from common.backtests.addressed import AddressedResults

            self._made = AddressedResults(self._root)
            for part in self._root.glob("*/*.part"):  # of a life before that ended while it wrote
                _remove(part)
        return self._made

    def perform(self, call: Message) -> Sequence[Message]:
        """Do it."""
        match call:
            case LookUp():
                return [self._look_up(call)]
            case StoreResult():
                self._stored.append(self._store(call.key, call.files))
                return []
            case ReadFiles():
                return [self._read(call)]
            case _:
                return []

    def poll(self) -> Sequence[Message]:
        """Return what was stored since the last time."""
        stored, self._stored = self._stored, []
        return stored

    def _look_up(self, call: LookUp) -> LookedUp:
        there, damaged = [], []
        for key in call.keys:
            try:
                if self._results.summary(key) is not None:
                    there.append(key)
            except ResultError:
                self._put_aside(key)
                damaged.append(key)
            except OSError:  # a folder that cannot be read: the job runs, and storing says what is wrong
                continue
        return LookedUp(call.question, tuple(there), tuple(damaged))

    def _put_aside(self, key: str) -> None:
        folder = self._results.folder(key)
        aside = folder.with_name(key + DAMAGED)
        _remove(aside)
        folder.rename(aside)

    def _store(self, key: str, files: Mapping[str, bytes]) -> ResultStored:
        try:
            self._results.put(key, files)
        except ResultError as error:
            return ResultStored(key, f"what the worker sent is no result of this job: {error.detail}")
        except OSError as error:
            return ResultStored(key, str(error), full=True)
        return ResultStored(key)

    def _read(self, call: ReadFiles) -> FilesRead:
        try:
            summary = self._results.summary(call.key)
        except ResultError as error:
            return FilesRead(call.key, call.token, {}, f"{error.detail}: submit the job again")
        except OSError as error:
            return FilesRead(call.key, call.token, {}, f"the result cannot be read: {error}")
        if summary is None:
            return FilesRead(call.key, call.token, {}, f"there is no result of {call.key}")
        folder = self._results.folder(call.key)
        names = [*summary.files, "summary.json"]
        return FilesRead(call.key, call.token, {name: (folder / name).read_bytes() for name in names})


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
