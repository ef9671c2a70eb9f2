"""One live instance an account on this machine, whoever started it and from whichever folder.

Two systems that trade one account do not know of each other's orders: both would take the same cash and the same
slots. The lock of a run (`lock.py`) keeps two copies of one run apart; this one keeps two runs, two checkouts and
`pankou accept live` apart. The system lets go of it when the process dies, however it dies.
"""

import hashlib
import os
import sys
import tempfile
import time
from pathlib import Path

from common.domain.errors import SecondCopyError
from common.runtime.lock import WAIT_S, CopyLock


def lock_folder() -> Path:
    """Return where the locks of this machine are: a place that every user reaches and that nothing sweeps."""
    if sys.platform == "win32":
        return Path(os.environ.get("PROGRAMDATA") or tempfile.gettempdir()) / "pankou"
    swept_by_nobody = Path("/run/lock")
    return swept_by_nobody if os.access(swept_by_nobody, os.W_OK) else Path(tempfile.gettempdir())


def lock_path(account: str, folder: Path | None = None) -> Path:
    """Return the lock file of an account; its name does not tell the account's number."""
    mark = hashlib.blake2b(account.strip().encode(), digest_size=8).hexdigest()
    return (folder or lock_folder()) / f"pankou-live-{mark}.lock"


class LiveLock:
    """The right to trade one live account on this machine."""

    def __init__(self, account: str, folder: Path | None = None) -> None:
        self._lock = CopyLock(lock_path(account, folder))
        self._note = self._lock.path.with_suffix(".by")

    def take(self, who: str) -> bool:
        """Try once; `who` is told to whoever comes second."""
        try:
            if not self._lock.take():
                return False
            self._note.write_text(f"{who} (process {os.getpid()})", encoding="utf-8")
        except OSError:  # the file is another user's: so is the account, until somebody looks
            self._lock.release()
            return False
        return True

    def holder(self) -> str:
        """Return who holds it, as it said."""
        try:
            return self._note.read_text(encoding="utf-8").strip() or "?"
        except OSError:
            return "?"

    def is_free(self) -> bool:
        """Tell whether nobody holds it now."""
        if not self._lock.path.exists():
            return True
        free = self.take("pankou doctor")
        if free:
            self.release()
        return free

    def take_or_fail(self, account: str, who: str) -> None:
        """Take it, waiting for another copy of the same `who` to end; anybody else raises SecondCopyError."""
        while not self.take(who):
            if self.holder().startswith(f"{who} ("):
                time.sleep(WAIT_S)
                continue
            raise SecondCopyError(
                f"账户 {account} 已由 {self.holder()} 在本机实盘交易，先停掉它：pankou stop / "
                f"account {account} is traded live on this machine by {self.holder()}; stop that first: pankou stop"
            )

    def release(self) -> None:
        """Let go."""
        self._lock.release()
