"""Watching a run: where the player is, and every fill as it happens, until the tapes are played."""

from typing import NamedTuple, Protocol

from common.domain.calendar import S0915, S1130, S1300, S1500, second_of_day
from common.domain.values import Day
from common.messages.control import Status, StatusRequest
from common.messages.orders import Events, EventsRequest
from services.cli.books import GATEWAY, PAGE_ROWS, Deal, deals_of, fills_in
from services.cli.faults import SilentError
from services.cli.session import Session

POLL_S = 0.25
SILENCE_S = 60.0
"""A service may be restarted while we watch; longer silence ends the watching, not the run."""
ENDS = frozenset({"finished", "held"})
"""States of the player in which nothing moves by itself."""


class Place(NamedTuple):
    """Where the player is."""

    state: str
    day: Day
    push: int
    """Number within the day."""
    pushes: int
    """Pushes of the day, -1 where not known."""
    ts_ns: int
    """Data time."""
    waiting_for: str


class Clock(Protocol):
    """Time and sleep; tests give their own."""

    def now_ns(self) -> int:
        """Return nanoseconds that never jump."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Screen(Protocol):
    """Where the watching is shown."""

    def place(self, place: Place, rate: float) -> None:
        """Show where the player is and how many times faster than real time it goes."""

    def deal(self, deal: Deal) -> None:
        """Show a deal."""

    def close(self) -> None:
        """Stop showing."""


class Follower:
    """Polls the player and the gateway's journal."""

    def __init__(self, session: Session, screen: Screen, clock: Clock, first_seq: int = 1) -> None:
        self._session = session
        self._screen = screen
        self._clock = clock
        self._next_seq = first_seq
        self._rate = Rate()
        self._silent_since = 0

    def run(self) -> str:
        """Watch until the tapes are played or held; returns the player's state."""
        try:
            while True:
                place = self._place()
                # Fills first: then the place shown below them is never older than they are.
                self._show_fills()
                if place is not None:
                    self._screen.place(place, self._rate.add(place, self._clock.now_ns()))
                    if place.state in ENDS:
                        return place.state
                self._check_silence(place)
                self._clock.sleep(POLL_S)
        finally:
            self._screen.close()

    def _place(self) -> Place | None:
        try:
            status = self._session.ask("market_data", StatusRequest(), Status, control=True)
        except SilentError:
            return None
        return place_of(status)

    def _show_fills(self) -> None:
        try:
            while True:
                answer = self._session.ask(GATEWAY, EventsRequest(self._next_seq, PAGE_ROWS), Events)
                for deal in deals_of(fills_in(list(answer.rows))):
                    self._screen.deal(deal)
                if not answer.rows:
                    return
                self._next_seq = answer.rows[-1].seq + 1
                if self._next_seq > answer.last_seq:
                    return
        except SilentError:
            return  # it is being restarted; its journal has what we miss

    def _check_silence(self, place: Place | None) -> None:
        now = self._clock.now_ns()
        if place is not None:
            self._silent_since = 0
        elif self._silent_since == 0:
            self._silent_since = now
        elif now - self._silent_since > SILENCE_S * 1e9:
            raise SilentError("err.silent", peer="market_data", seconds=SILENCE_S)


def place_of(status: Status) -> Place:
    """Return where the player says it is."""
    numbers = status.numbers
    return Place(
        status.state,
        numbers.get("day", 0),
        numbers.get("push_number", 0),
        numbers.get("pushes_of_day", -1),
        numbers.get("ts_ns", 0),
        status.words.get("waiting_for", ""),
    )


class Rate:
    """How many times faster than real time the data goes, nights and lunch left out."""

    def __init__(self) -> None:
        self._first: tuple[int, int] | None = None
        self._day: Day = 0
        self._days_before = 0

    def add(self, place: Place, now_ns: int) -> float:
        """Take a reading and return the rate since the first one."""
        if not place.day:
            return 0.0
        if self._day and place.day != self._day:
            self._days_before += 1
        self._day = place.day
        traded = self._days_before * session_second(S1500) + session_second(second_of_day(place.ts_ns))
        if self._first is None:
            self._first = (traded, now_ns)
        passed_ns = now_ns - self._first[1]
        return (traded - self._first[0]) * 1e9 / passed_ns if passed_ns > 0 else 0.0


def session_second(second: int) -> int:
    """Return how many seconds of a session (auctions included, lunch not) are over at a second of the day."""
    morning = min(max(second, S0915), S1130) - S0915
    return morning + min(max(second, S1300), S1500) - S1300
