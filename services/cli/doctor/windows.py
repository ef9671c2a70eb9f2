"""What only Windows can tell: the session of this process, and whether a client runs."""

import csv
import io
import os
import subprocess
import sys

from services.cli.doctor.machine import CLIENT_PROGRAMS

TASKLIST_S = 10.0


def client_programs() -> tuple[str, ...] | None:
    """Return the client's programs that run; None where there is no list of tasks."""
    try:
        done = subprocess.run(
            ["tasklist", "/FO", "CSV", "/NH"], capture_output=True, timeout=TASKLIST_S, check=True, text=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return programs_in(done.stdout.decode(errors="replace"))


def programs_in(text: str) -> tuple[str, ...]:
    """Return which of the client's programs a list of tasks names: the first column of each row is the program."""
    names = {row[0].lower() for row in csv.reader(io.StringIO(text)) if row}
    return tuple(name for name in CLIENT_PROGRAMS if name.lower() in names)


if sys.platform == "win32":
    import ctypes

    def session_number() -> int | None:
        """Return the session of this process; services are in session 0."""
        number = ctypes.c_ulong()
        if not ctypes.windll.kernel32.ProcessIdToSessionId(os.getpid(), ctypes.byref(number)):
            return None
        return number.value
else:

    def session_number() -> int | None:
        """Return None: there are no such sessions here."""
        return None
