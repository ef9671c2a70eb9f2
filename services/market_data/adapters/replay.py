"""Tapes as a source of pushes, and the recorder of what was published."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from common.domain.errors import TapeError
from common.domain.values import day_of_push
from common.history.tape import SUFFIX, VERSION, RecordedPush, TapeReader, TapeWriter
from common.messages.market import DayOpened, TapeHeader
from common.messages.outputs import Message
from services.market_data.calls import PushRead, ReadPush, RecordPush, SeekDay, TapesFinished


class Recorder:
    """Writes a tape a day into a folder; goes on where a dead process left off."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: TapeWriter | None = None
        self._day = 0

    def record(self, call: RecordPush) -> None:
        """Add a push; one that stands on the tape already is left alone."""
        day = day_of_push(call.push)
        if day != self._day:
            self._open(day, call)
        assert self._writer is not None
        if call.push <= self._writer.last_push:
            return
        for message in call.messages:
            self._writer.write(message)
        if call.flush:
            self._writer.flush()

    def _open(self, day: int, call: RecordPush) -> None:
        if self._writer is not None:
            self._writer.close()
        opened = next((message for message in call.messages if isinstance(message, DayOpened)), None)
        path = self._folder / f"{day}{SUFFIX}"
        if opened is None and not path.exists():
            raise TapeError(f"{path}: the recording of this day is gone; move the run away and start a new one")
        header = TapeHeader(
            VERSION, day, opened.prev_day if opened else 0, opened.interval_ms if opened else 0,
            opened.source if opened else "", -1, opened.pool_injected if opened else {},
        )  # fmt: skip
        self._writer, self._day = TapeWriter(path, header, append=True), day

    def close(self) -> None:
        """Write what is pending and close the tape."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self._day = 0


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
