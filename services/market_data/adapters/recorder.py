"""The recorder of what was published."""

from pathlib import Path

from common.domain.errors import TapeError
from common.domain.values import day_of_push
from common.history.tape import SUFFIX, VERSION, TapeWriter
from common.messages.market import DayOpened, TapeHeader
from services.market_data.calls import RecordPush


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
