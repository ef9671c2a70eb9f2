"""The error tree. A refusal is a value with a reason (`reasons.py`); an exception here is a fault.

PankouError
+-- UserError            somebody gave us something wrong: one message, the fix in it, exit code 2
|   +-- BadSymbolError       not an A-share code
|   +-- ConfigError          configuration file: all its errors at once
|   +-- KeyChangeError       a key that cannot be added, rotated or revoked
|   +-- PastCalendarError    a date outside the trading calendar
|   +-- TapeError            a tape that is missing, cut or not a tape
|   +-- HistoryError         history data missing or unusable
|   +-- ResultError          a backtest result that is missing, cut, changed or of another version
|   +-- SourceError          a data vendor refuses, or its package, account or answer is not usable
|   |   `-- SourceBusyError      silent, cut off or over its rate limit: asking again later may help
|   +-- AddressInUseError    a port somebody else holds
|   `-- SecondCopyError      this service runs already
+-- CodecError           bytes that are no message (counted and dropped)
+-- PeerSilentError      a peer did not answer in time
+-- DiskError            a journal could not be written or read: the process stops and reads again what is on disk
`-- InvariantError       our own books do not add up: the process stops
"""


class PankouError(Exception):
    """Root of everything this project raises on purpose."""


class UserError(PankouError):
    """A fault in what somebody gave us; the text names the thing and the fix."""


class BadSymbolError(UserError):
    """Not the code of an A share in scope."""


class ConfigError(UserError):
    """A configuration that cannot be used."""


class KeyChangeError(UserError):
    """A change of keys that cannot be made: `fault` is name, exists, unknown, waiting, service or no_old."""

    def __init__(self, fault: str, identity: str) -> None:
        super().__init__(f"{identity}: {fault}")
        self.fault, self.identity = fault, identity


class PastCalendarError(UserError):
    """A date outside the trading calendar."""


class TapeError(UserError):
    """A tape that is missing, cut or not a tape."""


class HistoryError(UserError):
    """History data that is missing or cannot be used."""


class ResultError(UserError):
    """A stored backtest result that cannot be used: `fault` is missing, corrupt or version."""

    def __init__(self, fault: str, detail: str) -> None:
        super().__init__(f"{fault}: {detail}")
        self.fault = fault
        self.detail = " ".join(detail.split())
        """One line."""


class SourceError(UserError):
    """A data vendor that refuses, or whose package, account or answer cannot be used; asking again does not help."""


class SourceBusyError(SourceError):
    """A data vendor that is silent, cut the line or is over its rate limit; asking again later may help."""

    def __init__(self, text: str, wait_s: int = 0) -> None:
        super().__init__(text)
        self.wait_s = wait_s
        """Seconds to wait at least before asking again; 0 = as the back-off says."""


class AddressInUseError(UserError):
    """A port that another program holds."""


class SecondCopyError(UserError):
    """A second copy of a service that must be alone."""


class CodecError(PankouError):
    """Bytes that are not one of our messages."""


class PeerSilentError(PankouError):
    """A peer that did not answer in time."""


class InvariantError(PankouError):
    """Books that do not add up; the process stops and recovers by starting again."""


class DiskError(PankouError):
    """A disk that failed in the middle of a write or a read: nobody knows what is on it until it is read again."""
