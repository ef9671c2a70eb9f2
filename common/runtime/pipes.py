"""What waits in a pipe, without ever waiting for it: how a process hears from whoever started it.

A thread that sits in a read would do on Linux. On Windows a pending read holds the pipe, and everything else that looks
at it (a child that inherits it, the C library at its start) waits as well; so there the pipe is asked first.
"""

import os
import sys

READ_BYTES = 65_536
ENDED = b""


class Pipe:
    """The reading end of a pipe by its number."""

    def __init__(self, number: int) -> None:
        self._number = number
        if sys.platform != "win32":
            os.set_blocking(number, False)

    def read(self) -> bytes | None:
        """Return what is there: None = nothing yet, ENDED = the other end is closed."""
        if not _waiting(self._number):
            return None
        try:
            return os.read(self._number, READ_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            return ENDED


if sys.platform == "win32":
    import ctypes
    import msvcrt

    _BROKEN_PIPE = 109
    _KERNEL = ctypes.WinDLL("kernel32", use_last_error=True)

    def _waiting(number: int) -> bool:
        """Tell whether a read would come back at once: something is there, or the other end is closed."""
        there = ctypes.c_ulong(0)
        handle = ctypes.c_void_p(msvcrt.get_osfhandle(number))
        if _KERNEL.PeekNamedPipe(handle, None, 0, None, ctypes.byref(there), None):
            return there.value > 0
        return ctypes.get_last_error() == _BROKEN_PIPE
else:

    def _waiting(_number: int) -> bool:
        """A read never waits here."""
        return True
