"""What the worker's loop and the process that runs jobs say to each other, over a pipe."""

import msgspec

FRAME_BYTES_MAX = 64 << 20
"""Of one message on the pipe; a length beyond it is no length."""
LENGTH_BYTES = 4


class RunTask(msgspec.Struct, frozen=True, tag=True):
    """Run a task."""

    key: str
    task: bytes


class StopTask(msgspec.Struct, frozen=True, tag=True):
    """End what is running; the process goes with it."""

    key: str


class TaskMoved(msgspec.Struct, frozen=True, tag=True):
    """So many of its sessions have been played."""

    key: str
    done: int
    total: int
    bars: int = 0


class TaskRan(msgspec.Struct, frozen=True, tag=True):
    """It has ended."""

    key: str
    files: dict[str, bytes]
    fault: str = ""
    died: bool = False
    """The process died of it."""
    bars: int = 0
    seconds: float = 0.0


_encoder = msgspec.msgpack.Encoder()
_orders = msgspec.msgpack.Decoder(RunTask)
_told: msgspec.msgpack.Decoder[TaskMoved | TaskRan] = msgspec.msgpack.Decoder(TaskMoved | TaskRan)


def frame_of(message: msgspec.Struct) -> bytes:
    """Return a message as it goes over the pipe: its length, then its bytes."""
    body = _encoder.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "little") + body


class Frames:
    """Cuts what comes over a pipe into whole messages."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, raw: bytes) -> list[bytes]:
        """Return the bodies of the messages that are whole by now."""
        self._rest += raw
        found = []
        while len(self._rest) >= LENGTH_BYTES:
            size = int.from_bytes(self._rest[:LENGTH_BYTES], "little")
            if size > FRAME_BYTES_MAX:
                raise ValueError(f"a message of {size} bytes on the pipe")
            if len(self._rest) < LENGTH_BYTES + size:
                break
            found.append(bytes(self._rest[LENGTH_BYTES : LENGTH_BYTES + size]))
            del self._rest[: LENGTH_BYTES + size]
        return found


def order_of(body: bytes) -> RunTask:
    """Return an order to the process."""
    return _orders.decode(body)


def told_of(body: bytes) -> TaskMoved | TaskRan:
    """Return what the process says."""
    return _told.decode(body)
