"""supervisord takes the lock of its run, as the runner does: of two that would act on one run, the second does not start.

Named in supervisord.conf as an RPC interface without methods: the only place where supervisord calls foreign code before
it starts the first program.
"""

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

from supervisor import events

from common.domain.errors import SecondCopyError
from common.runtime.lock import CopyLock
from common.runtime.runner_control import RunnerControl

_held: list[CopyLock] = []
"""supervisord makes its interfaces anew when it reloads; its fork into the background keeps what is held."""


class NoMethods:
    """An RPC interface that answers nothing."""


def take_lock(_supervisord: Any, **_settings: str) -> NoMethods:
    """Take the lock of the run, or raise SecondCopyError, on which supervisord ends before it starts anything."""
    while _held:
        with contextlib.suppress(OSError):  # a reload has closed all files already
            _held.pop().release()
    try:
        lock = RunnerControl(Path(os.environ["PANKOU_RUN"])).take_lock()
    except SecondCopyError as error:
        print(f"pankou: {error}", file=sys.stderr, flush=True)  # supervisord says only that it could not call us
        raise
    _held.append(lock)
    events.subscribe(events.SupervisorRunningEvent, lambda _event: lock.sign())  # in the background by then
    return NoMethods()
