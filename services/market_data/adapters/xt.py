"""The live feed from QMT: what the market pushes becomes pushes of ours, one day after another.

`perform` and `poll` are called by the service's loop and never wait. A restart reads back what was recorded today and
goes on behind it, after a gap.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from common.domain.calendar import NS, S1500, Calendar, clock, day_of, hms, second_of_day, ts_of
from common.domain.errors import PastCalendarError, TapeError
from common.domain.values import Day, PushId
from common.history.tape import SUFFIX, TapeReader
from common.messages.outputs import Message
from common.runtime.waker import Waker
from services.market_data.adapters.recorder import Recorder
from services.market_data.adapters.xt_day import DayTable, is_fresh
from services.market_data.adapters.xt_feed import (
    FeedSettings,
    LiveFeed,
    day_opened,
    phase_began_ns,
    quiet_limit_s,
    takes_quotes,
)
from services.market_data.adapters.xt_link import NOTHING, Handover, Link, LinkSettings
from services.market_data.calls import FeedNote, FeedStatus, PushRead, ReadPush, RecordPush, SeekDay
from services.market_data.day_facts_form import DayFacts

PREPARE_AT = hms("08:55")
OPEN_AT = hms("09:00")
OPEN_LATEST = hms("09:14")
"""From then on the day is opened with details that may not be fresh; what differs is not bought."""
CLOSE_WAIT_S = 90
"""Results of the closing auction take this long at most; then the day's last push is said."""
PUSH_EVERY_NS = 200_000_000
"""Pushes at least this far apart: a day's numbers hold 100,000, and a session's 15,400 s need 77,000."""
CONNECT_LIMIT_S = 180
"""A try that takes longer hangs for good: the vendor's own limit is 150 s."""
RETRY_FIRST_S, RETRY_LAST_S = 1, 15
DETAILS_EVERY_S = 30
STATUS_EVERY_NS = NS
GOING_ON_NS = 2 * NS
"""Others go on when something was taken this short a time ago."""


class XtSettings(NamedTuple):
    """How the live feed is run."""

    link: LinkSettings
    feed: FeedSettings
    silence_s: int
    calendar: Calendar
    record_into: Path


FactsOf = Callable[[Day], DayFacts]
LinkMaker = Callable[[LinkSettings, Handover], Link]


class XtAdapter:
    """Follows the trading days and keeps the link alive."""

    def __init__(
        self, settings: XtSettings, now_ns: Callable[[], int], facts_of: FactsOf, make_link: LinkMaker = Link
    ) -> None:
        self._settings, self._now_ns, self._facts_of, self._make_link = settings, now_ns, facts_of, make_link
        self._recorder = Recorder(settings.record_into)
        self._waker = Waker()
        self._handover = Handover(now_ns, self._waker.ring)
        self._link: Link | None = None
        self._linked_ns = 0
        self._retry_s = RETRY_FIRST_S
        self._retry_ns = 0
        self._links = 0
        self._feed: LiveFeed | None = None
        self._ready: PushRead | None = None
        """Push number 0, waiting to be asked for."""
        self._recorded: Iterator[PushRead] | None = None
        self._said: PushId = 0
        self._wanted = False
        self._made_ns = 0
        self._looked = 0
        self._facts: DayFacts | None = None
        self._facts_thread: threading.Thread | None = None
        self._retry_facts_ns = 0
        self._asked_ns = 0
        self._notes: list[Message] = []
        self._word = "waiting for a trading day"
        self._told: tuple[str, int] = ("", 0)

    # ------------------------------------------------------------------ what the core asks

    def perform(self, call: Message) -> Sequence[Message]:
        """Do what the player asks."""
        if isinstance(call, SeekDay):
            self._seek(call)
        elif isinstance(call, RecordPush):
            self._recorder.record(call)
        elif isinstance(call, ReadPush):
            self._wanted = True
            return self._next(self._now_ns())
        return []

    def poll(self) -> Sequence[Message]:
        """Look after the link and the day; hand over the push that was asked for, when there is one."""
        self._waker.hear()
        now_ns = self._now_ns()
        found = self._next(now_ns)  # first: what has come is no silence
        self._follow(now_ns)
        notes, self._notes = self._notes, []
        return [*notes, *self._status(now_ns), *found]

    def close(self) -> None:
        """Let go of the link and finish the recording."""
        if self._link is not None:
            self._link.give_up()
        self._recorder.close()
        self._waker.close()

    def fileno(self) -> int:
        """Return what becomes readable when the vendor pushed."""
        return self._waker.fileno()

    # ------------------------------------------------------------------ after a restart

    def _seek(self, call: SeekDay) -> None:
        self._said = call.said
        if call.day == 0:
            return
        path = self._settings.record_into / f"{call.day}{SUFFIX}"
        if not path.exists():
            raise TapeError(f"{path}: the recording of this day is gone; move the run away and start a new one")
        self._recorded = self._read_back(path, call.said)

    def _read_back(self, path: Path, said: PushId) -> Iterator[PushRead]:
        try:
            for push in TapeReader(path).pushes():
                if push.end.push > said:
                    break
                if push.day is not None:
                    self._feed = LiveFeed(push.day, self._settings.feed)
                if self._feed is not None:
                    self._feed.take_back(push.end, push.batches)
                yield PushRead(push.end, push.day, push.batches, -1)
        except TapeError as error:
            # The end that the dead process did not finish; everything before it has been read.
            self._note("warning", "recording is cut", error=str(error))
        if self._feed is not None:
            self._feed.broken(said)

    # ------------------------------------------------------------------ pushes

    def _next(self, now_ns: int) -> list[Message]:
        if not self._wanted:
            return []
        found = self._make(now_ns)
        if found is None:
            return []
        self._wanted = False
        return [found]

    def _make(self, now_ns: int) -> PushRead | None:
        if self._recorded is not None:
            read = next(self._recorded, None)
            if read is not None:
                return read
            self._recorded = None
        if self._ready is not None:
            ready, self._ready = self._ready, None
            return ready
        feed = self._feed
        if feed is None or feed.closed or day_of(now_ns) != feed.opened.day:
            return self._close_old(feed, now_ns)
        if second_of_day(now_ns) >= S1500 + CLOSE_WAIT_S:
            return self._close(feed, now_ns)
        if not takes_quotes(now_ns) or now_ns - self._made_ns < PUSH_EVERY_NS:
            return None
        heard = self._handover.take()
        if heard is None:
            return None
        self._made_ns = now_ns
        read = feed.make(heard.quotes, now_ns)
        self._tell_units(feed)
        return read

    def _close_old(self, feed: LiveFeed | None, now_ns: int) -> PushRead | None:
        """End a day that nobody ended: the process slept over its close."""
        if feed is None or feed.closed or day_of(now_ns) <= feed.opened.day:
            return None
        feed.broken()
        return feed.close(NOTHING, ts_of(feed.opened.day, S1500))

    def _close(self, feed: LiveFeed, now_ns: int) -> PushRead:
        heard = self._handover.take()
        return feed.close(heard.quotes if heard is not None else NOTHING, now_ns)

    def _tell_units(self, feed: LiveFeed) -> None:
        while feed.settled:
            name, verdict = feed.settled.pop()
            facts = {"shares_in_one": verdict.units.lots, "exact": verdict.units.exact}
            self._note("info", "volume units settled", group=name, **facts, **verdict.votes)

    # ------------------------------------------------------------------ days

    def _follow(self, now_ns: int) -> None:
        today, second = day_of(now_ns), second_of_day(now_ns)
        try:
            trading = self._settings.calendar.is_open(today)
        except PastCalendarError as error:
            self._say(str(error))
            return
        done = self._feed is not None and self._feed.opened.day == today and self._feed.closed
        if self._recorded is not None:
            return
        if not trading or second < PREPARE_AT or done or second >= S1500 + CLOSE_WAIT_S:
            self._rest("waiting for a trading day")
            return
        self._keep_link(now_ns)
        if self._feed is None or self._feed.opened.day != today:
            self._prepare(today, now_ns)
        elif self._link is not None and self._link.state == "up":
            self._say("live")
            self._hear_before(now_ns)

    def _hear_before(self, now_ns: int) -> None:
        """Settle units by what comes between the opening of the day and 09:15: the snapshot may come late."""
        feed, pushes = self._feed, self._handover.pushes
        if feed is None or takes_quotes(now_ns) or pushes == self._looked or not feed.court.needs():
            return
        self._looked = pushes
        feed.hear_before(self._handover.look())
        self._tell_units(feed)

    def _rest(self, word: str) -> None:
        """Hold no link outside of trading: the client restarts at night, and a link over it is a dead one."""
        if self._feed is not None and not self._feed.closed:
            return  # its last push is still to come
        self._say(word)
        if self._link is not None:
            self._link.hang_up()
            self._link = None
        self._facts = None

    def _prepare(self, today: Day, now_ns: int) -> None:
        """Bring together what opens the day: facts of history, details of the client."""
        self._read_facts(today)
        facts, link = self._facts, self._link
        if facts is None or facts.day != today:
            self._say("reading the facts of the day from history")
            return
        if facts.fault:
            self._say(facts.fault)
            return
        if link is None or link.state != "up":
            return
        if link.details is None:
            self._say(f"reading instrument details {link.progress[0]}/{link.progress[1]}")
            if now_ns - self._asked_ns > DETAILS_EVERY_S * NS and link.progress[0] == link.progress[1]:
                self._asked_ns = now_ns
                link.ask_details()
            return
        second, details = second_of_day(now_ns), link.details
        midnight_ms = ts_of(today, 0) // 1_000_000
        closes = {code: close for code, close in details.closes.items() if details.times_ms[code] >= midnight_ms}
        fresh = is_fresh(details.instruments, closes, today)
        if second < OPEN_AT or (not fresh and second < OPEN_LATEST):
            self._say("instrument details are not of today yet" if not fresh else f"opens at {clock(OPEN_AT)}")
            if not fresh and now_ns - self._asked_ns > DETAILS_EVERY_S * NS:
                self._asked_ns = now_ns
                link.ask_details()
            return
        self._open(today, facts, fresh)

    def _open(self, today: Day, facts: DayFacts, fresh: bool) -> None:
        assert self._link is not None
        assert self._link.details is not None
        try:
            opened = DayTable(today, self._settings.calendar, facts).open(self._link.details.instruments)
        except ValueError as error:
            self._say(str(error))
            self._link.details = None
            return
        feed = LiveFeed(day_opened(opened.table, facts.prev_day), self._settings.feed)
        feed.hear_before(self._handover.look())
        self._note("info", "day opened", day=today, fresh=fresh, **opened.counts)
        for text in opened.differ[:20]:
            self._note("warning", "limits differ, not bought today", stock=text)
        self._tell_units(feed)
        self._feed, self._ready = feed, feed.opening()

    def _read_facts(self, today: Day) -> None:
        """Start to read the facts of the day, and again every half minute while they cannot be had."""
        if self._facts_thread is not None:
            if self._facts_thread.is_alive():
                return
            self._facts_thread = None
        now_ns = self._now_ns()
        have = self._facts is not None and self._facts.day == today
        if have and not (self._facts is not None and self._facts.fault and now_ns > self._retry_facts_ns):
            return
        self._retry_facts_ns = now_ns + DETAILS_EVERY_S * NS

        def read() -> None:
            self._facts = self._facts_of(today)

        self._facts_thread = threading.Thread(target=read, name="day facts", daemon=True)
        self._facts_thread.start()

    # ------------------------------------------------------------------ the link

    def _keep_link(self, now_ns: int) -> None:
        link = self._link
        if link is None:
            if now_ns >= self._retry_ns:
                self._connect(now_ns)
            return
        if link.state == "down":
            self._lost(now_ns, link.why)
        elif link.state == "connecting":
            self._say("connecting to the client")
            if now_ns - self._linked_ns > CONNECT_LIMIT_S * NS:
                self._lost(now_ns, f"no answer within {CONNECT_LIMIT_S} s")
        elif self._is_quiet(now_ns):
            self._lost(now_ns, "no push although the link stands")
        elif self._handover.heard_ns > self._linked_ns:
            self._retry_s = RETRY_FIRST_S

    def _is_quiet(self, now_ns: int) -> bool:
        """Tell whether the feed has died behind a link that stands (notes §2.1), as a whole or one exchange of it."""
        limit_s = quiet_limit_s(now_ns, self._settings.silence_s)
        if not limit_s or self._feed is None:
            return False
        since_ns = max(self._linked_ns, phase_began_ns(now_ns, ts_of(day_of(now_ns), 0)))
        if now_ns - since_ns <= limit_s * NS:
            return False
        if now_ns - self._handover.heard_ns > limit_s * NS:
            return True
        return now_ns - self._made_ns < GOING_ON_NS and bool(self._feed.silent(now_ns, limit_s))

    def _connect(self, now_ns: int) -> None:
        self._links += 1
        self._linked_ns = now_ns
        self._link = self._make_link(self._settings.link, self._handover)
        self._asked_ns = 0
        if self._feed is not None and self._links > 1 and not self._feed.closed:
            self._feed.broken()

    def _lost(self, now_ns: int, why: str) -> None:
        assert self._link is not None
        self._link.give_up()
        self._link = None
        self._retry_ns = now_ns + self._retry_s * NS
        self._note("warning", "feed lost, connecting anew", why=why, in_s=self._retry_s)
        self._say(f"feed lost: {why}")
        self._retry_s = min(2 * self._retry_s, RETRY_LAST_S)

    # ------------------------------------------------------------------ telling

    def _note(self, level: str, event: str, **facts: object) -> None:
        self._notes.append(FeedNote(level, event, facts))

    def _say(self, word: str) -> None:
        self._word = word

    def _status(self, now_ns: int) -> list[Message]:
        word, at_ns = self._told
        if word == self._word and now_ns - at_ns < STATUS_EVERY_NS:
            return []
        if word != self._word:
            self._note_word()
        self._told = (self._word, now_ns)
        heard_ns = self._handover.heard_ns
        numbers = {
            "links": self._links,
            "vendor_pushes": self._handover.pushes,
            "vendor_bad": self._handover.bad,
            "overwritten": self._handover.overwritten,
            "quote_age_ms": (now_ns - heard_ns) // 1_000_000 if heard_ns else -1,
        }
        if self._feed is not None:
            numbers |= {f"refused_{why.replace(' ', '_')}": count for why, count in self._feed.counts.items()}
        silent = ",".join(self._feed.silent(now_ns)) if self._feed is not None and not self._feed.closed else ""
        return [FeedStatus(numbers, {"source": self._word, "silent": silent})]

    def _note_word(self) -> None:
        if not self._word.startswith("reading instrument details"):
            self._notes.append(FeedNote("info", "feed", {"state": self._word}))
