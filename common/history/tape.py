"""Tapes: what the feed said on a day, as MessagePack records in zstd frames.

A file is a row of independent zstd frames, each a row of MessagePack records: TapeHeader first, then what the feed says
in its order. A cut file loses its last frame only, and a writer that died goes on behind the last whole frame.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgpack
import zstandard

from common.domain.errors import CodecError, TapeError
from common.domain.values import PushId, push_number
from common.messages.codec import decode_body, encode_body
from common.messages.market import BarsClosed, DayOpened, PushEnd, QuoteBatch, TapeHeader
from common.messages.outputs import Message

VERSION = 1
SUFFIX = ".tape"
PUSHES_PER_FRAME = 32
LEVEL = 1
MAGIC = b"\x28\xb5\x2f\xfd"
FRAME_BYTES_MAX = 256 << 20
READ_BYTES = 1 << 20


class RecordedPush(NamedTuple):
    """A push as it stands on a tape; bars are left out, a player builds them again."""

    end: PushEnd
    day: DayOpened | None
    batches: tuple[QuoteBatch, ...]


class _Frame(NamedTuple):
    start: int
    """Offset in the file."""
    stop: int
    raw: bytes


def _frames(file: BinaryIO, path: Path) -> Iterator[_Frame]:
    """Give the whole frames of a file; raises TapeError at bytes that are no frame or not a whole one."""
    start, rest = 0, b""
    while True:
        chunk = file.read(READ_BYTES) if not rest else b""
        data = rest or chunk
        if not data:
            return
        if data[:4] != MAGIC[: len(data[:4])]:
            raise TapeError(f"{path}: not a tape (no zstd frame at byte {start}); import or record it again")
        inflater = zstandard.ZstdDecompressor().decompressobj()
        pieces, size, read = [], 0, 0
        while True:
            try:
                piece = inflater.decompress(data)
            except zstandard.ZstdError as error:
                raise TapeError(
                    f"{path}: damaged near byte {start + read} ({error}); import or record it again"
                ) from error
            read += len(data)
            size += len(piece)
            pieces.append(piece)
            if size > FRAME_BYTES_MAX:
                raise TapeError(f"{path}: a frame of more than {FRAME_BYTES_MAX} bytes; this is no tape of ours")
            if inflater.eof:
                break
            data = file.read(READ_BYTES)
            if not data:
                raise TapeError(f"{path}: cut in the middle at byte {start + read}")
        rest = inflater.unused_data
        stop = start + read - len(rest)
        yield _Frame(start, stop, b"".join(pieces))
        start = stop


def _records(raw: bytes, path: Path) -> Iterator[Message]:
    """Give the records of an unpacked frame."""
    borders = msgpack.Unpacker(max_buffer_size=FRAME_BYTES_MAX)
    borders.feed(raw)
    view = memoryview(raw)
    at = 0
    while at < len(raw):
        try:
            borders.skip()
            stop = borders.tell()
            yield decode_body(view[at:stop])
        except (CodecError, msgpack.UnpackException, ValueError) as error:
            raise TapeError(f"{path}: a record is no message of ours ({error}); import or record it again") from error
        at = stop


class TapeReader:
    """Reads one tape; opening it checks the file and its header."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            raise TapeError(f"{path}: no such tape; list what there is with: pankou tape list")
        if path.is_dir():
            raise TapeError(f"{path}: a folder, not a tape; name a file that ends in {SUFFIX}")
        first = next(self._messages(), None)
        if not isinstance(first, TapeHeader):
            raise TapeError(f"{path}: not a tape (it does not begin with a header); import or record it again")
        if first.version != VERSION:
            raise TapeError(f"{path}: tape version {first.version}, this program reads {VERSION}; import it again")
        self.header = first

    def _messages(self) -> Iterator[Message]:
        last: PushId = 0
        try:
            with self.path.open("rb") as file:
                for frame in _frames(file, self.path):
                    for message in _records(frame.raw, self.path):
                        if isinstance(message, PushEnd):
                            last = message.push
                        yield message
        except OSError as error:
            raise TapeError(f"{self.path}: cannot be read ({error})") from error
        except TapeError as error:
            if "cut in the middle" in str(error):
                raise TapeError(f"{error}, after push {push_number(last)}; import or record it again") from error
            raise

    def pushes(self) -> Iterator[RecordedPush]:
        """Give the pushes in order; raises TapeError where they are not, or where the file is cut."""
        day: DayOpened | None = None
        batches: list[QuoteBatch] = []
        last: PushId = 0
        for message in self._messages():
            if isinstance(message, QuoteBatch):
                batches.append(message)
            elif isinstance(message, PushEnd):
                self._check(message, last, len(batches), day)
                yield RecordedPush(message, day, tuple(batches))
                last, day, batches = message.push, None, []
            elif isinstance(message, DayOpened):
                day = message
            elif not isinstance(message, BarsClosed | TapeHeader):
                raise TapeError(f"{self.path}: holds a {type(message).__name__}, which is no part of a tape")
        if last == 0:
            raise TapeError(f"{self.path}: holds no push; import or record it again")
        short = 0 <= self.header.pushes != push_number(last)
        if batches or day is not None or short:
            raise TapeError(
                f"{self.path}: cut in the middle, after push {push_number(last)}; import or record it again"
            )

    def _check(self, end: PushEnd, last: PushId, parts: int, day: DayOpened | None) -> None:
        if end.push <= last or end.day != self.header.day:
            raise TapeError(
                f"{self.path}: push {end.push} stands after {last}; the tape is out of order, import it again"
            )
        if end.parts != parts:
            raise TapeError(f"{self.path}: push {end.push} has {parts} batches instead of {end.parts}; import it again")
        if (push_number(end.push) == 0) != (day is not None):
            raise TapeError(f"{self.path}: the day is not opened by push 0; import or record it again")


class TapeWriter:
    """Writes one tape. `append` goes on behind the last whole frame of a tape that a dead process left."""

    def __init__(self, path: Path, header: TapeHeader, *, append: bool = False) -> None:
        self.path = path
        self.last_push: PushId = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
        self._pending: list[bytes] = []
        self._pushes = 0
        self._temporary = None if append else path.with_name(f".{path.name}.new")
        if append and path.exists():
            self._file = self._reopen()
        else:
            self._file = (self._temporary or path).open("wb")
        if self.last_push == 0:
            self._file.truncate(0)
            self._file.seek(0)
            self.write(header)
            self.flush()

    def _reopen(self) -> BinaryIO:
        file = self.path.open("r+b")
        stop, last = 0, b""
        try:
            for frame in _frames(file, self.path):
                stop, last = frame.stop, frame.raw
        except TapeError:
            pass  # the end that the dead process did not finish
        # Frames carry checksums and end with a push: a day of live pushes is not decoded to find the last number.
        for message in _records(last, self.path):
            if isinstance(message, PushEnd):
                self.last_push = message.push
        file.truncate(stop)
        file.seek(stop)
        return file

    def write(self, message: Message) -> None:
        """Add a record; PushEnd ends a push."""
        self._pending.append(encode_body(message))
        if isinstance(message, PushEnd):
            self.last_push = message.push
            self._pushes += 1
            if self._pushes >= PUSHES_PER_FRAME:
                self.flush()

    def flush(self) -> None:
        """End the zstd frame and hand it to the system, so that it survives this process."""
        if self._pending:
            self._file.write(self._compressor.compress(b"".join(self._pending)))
            self._file.flush()
        self._pending, self._pushes = [], 0

    def close(self) -> None:
        """Finish the file; a tape that is not appended to appears under its name only now."""
        self.flush()
        self._file.close()
        if self._temporary is not None:
            self._temporary.replace(self.path)

    def discard(self) -> None:
        """Stop writing; a tape that is not appended to is gone."""
        self._file.close()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)


def list_tapes(folder: Path) -> list[Path]:
    """Return the tapes of a folder by day; raises TapeError where there is none."""
    if not folder.exists():
        raise TapeError(f"{folder}: no such file or folder; name a tape or a folder of tapes")
    if folder.is_file():
        return [folder]
    found = sorted(folder.glob(f"*{SUFFIX}"))
    if not found:
        raise TapeError(f"{folder}: holds no {SUFFIX} file; make some with: pankou tape import")
    return found
