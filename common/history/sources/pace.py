"""Asking politely: a token bucket on a clock that is passed in, a count a day, repetitions with back-off."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from common.domain.calendar import NS, day_of
from common.domain.errors import SourceBusyError, SourceError
from common.domain.values import Day
from common.history.sources.source import Rate

T = TypeVar("T")
MINUTE_NS = 60 * NS
SHARE_OF_DAY = 90
"""Per cent of a vendor's calls a day that we use; the rest is for a person."""


class Clock(Protocol):
    """A clock that can wait."""

    def now_ns(self) -> int:
        """Return the time in ns since 1970."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class TokenBucket:
    """Allows `per_minute` calls a minute, `burst` of them at once."""

    def __init__(self, per_minute: int, burst: int = 1) -> None:
        self._step_ns = MINUTE_NS // per_minute
        self._depth_ns = self._step_ns * burst
        self._full_ns = 0
        """When the bucket is full again."""

    def take(self, now_ns: int) -> int:
        """Take a token and return how many ns to wait before using it."""
        begin = max(self._full_ns, now_ns)
        self._full_ns = begin + self._step_ns
        return max(0, self._full_ns - self._depth_ns - now_ns)


class Calls(NamedTuple):
    """How often a vendor was asked on a day."""

    day: Day
    made: int


class DayCount:
    """Counts the calls of a day on disk, so that a restart does not forget them."""

    def __init__(self, path: Path, per_day: int) -> None:
        self._path = path
        self._limit = per_day * SHARE_OF_DAY // 100
        self._calls = self._load()

    def _load(self) -> Calls:
        try:
            found = json.loads(self._path.read_text("utf-8"))
            return Calls(int(found["day"]), int(found["made"]))
        except (OSError, ValueError, KeyError, TypeError):
            return Calls(0, 0)  # a lost count starts anew; the vendor's own answer still stops us

    def add(self, now_ns: int, name: str) -> None:
        """Count a call; raises `SourceError` when the day's share is used up."""
        today = day_of(now_ns)
        made = self._calls.made if self._calls.day == today else 0
        if self._limit and made >= self._limit:
            raise SourceError(
                f"{name}: {made} calls today, of {self._limit} that are used at most; what is downloaded is kept, "
                "go on tomorrow with the same command"
            )
        self._calls = Calls(today, made + 1)
        part = self._path.with_suffix(".part")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(self._calls._asdict()), "utf-8")
        part.replace(self._path)


class Retries(NamedTuple):
    """How often and after what waits a read is repeated."""

    times: int = 4
    first_s: int = 2
    most_s: int = 60

    def wait_s(self, tried: int) -> int:
        """Return the wait after the `tried`th failure (1 = first)."""
        doubled: int = self.first_s << (tried - 1)
        return min(doubled, self.most_s)


class PolitePacer:
    """Performs reads within a vendor's limits; only reads come here, so a repetition is harmless."""

    def __init__(self, name: str, rate: Rate, clock: Clock, count: DayCount, retries: Retries = Retries()) -> None:  # noqa: B008 - a frozen tuple
        self._name = name
        self._clock = clock
        self._count = count
        self._retries = retries
        self._bucket = TokenBucket(rate.per_minute)
        self.repeated = 0

    def call(self, read: Callable[[], T]) -> T:
        """Do a read, again where the vendor is busy; a refusal is passed on at once."""
        tried = 0
        while True:
            self._wait(self._bucket.take(self._clock.now_ns()) / NS)
            self._count.add(self._clock.now_ns(), self._name)
            try:
                return read()
            except SourceBusyError as error:
                tried += 1
                if tried > self._retries.times:
                    raise SourceBusyError(f"{error} (asked {tried} times)", error.wait_s) from error
                self.repeated += 1
                self._wait(max(self._retries.wait_s(tried), error.wait_s))

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self._clock.sleep(seconds)
