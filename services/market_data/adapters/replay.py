"""Tapes as a source of pushes."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from common.domain.errors import TapeError
from common.history.tape import RecordedPush, TapeReader
from common.messages.market import TapeHeader
from common.messages.outputs import Message
from services.market_data.adapters.recorder import Recorder
from services.market_data.calls import PushRead, ReadPush, RecordPush, SeekDay, TapesFinished


class ReplayAdapter:
    """Reads tapes in their order; records into a folder, where one is given."""

    def __init__(self, tapes: Sequence[Path], record_into: Path | None) -> None:
        self._readers = [TapeReader(path) for path in tapes]
        days = [reader.header.day for reader in self._readers]
        if days != sorted(set(days)):
            raise TapeError(f"tapes are not in the order of their days: {', '.join(str(day) for day in days)}")
        self._recorder = Recorder(record_into) if record_into is not None else None
        self._pushes: Iterator[PushRead] = iter(())

    def perform(self, call: Message) -> Sequence[Message]:
        """Do what the player asks."""
        if isinstance(call, SeekDay):
            self._pushes = self._from(call.day)
            return []
        if isinstance(call, ReadPush):
            return [next(self._pushes, None) or TapesFinished()]
        if isinstance(call, RecordPush) and self._recorder is not None:
            self._recorder.record(call)
        return []

    def close(self) -> None:
        """Finish the recording."""
        if self._recorder is not None:
            self._recorder.close()

    def _from(self, day: int) -> Iterator[PushRead]:
        for reader in self._readers:
            if reader.header.day >= day:
                for push in reader.pushes():
                    yield _read(push, reader.header)


def _read(push: RecordedPush, header: TapeHeader) -> PushRead:
    day = push.day
    if day is not None and header.pool_injected:
        day = replace(day, pool_injected=header.pool_injected)
    return PushRead(push.end, day, push.batches, header.pushes)
