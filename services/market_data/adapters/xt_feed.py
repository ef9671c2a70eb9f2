"""One live day of the vendor's quotes, push by push: numbers, the feed's clock, phases, gaps, who is silent. No thread.

The clock of the feed is the newest exchange time heard; without quotes it goes on with the machine's. All times of the
machine come in as `now_ns`.
"""

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from common.domain.calendar import NS, S0915, S0925, S0930, S1300, S1500, phase_at, second_of_day, ts_of
from common.domain.values import Pace, Phase, PushId, push_id, push_number
from common.messages.columns import I8, Instruments, Quotes, batch_of, quotes_of
from common.messages.market import QUOTES_PER_BATCH_MAX, DayOpened, InstrumentTable, PushEnd, QuoteBatch
from services.market_data.adapters.xt_columns import Push, Settled, read_push, settle
from services.market_data.adapters.xt_units import GROUPS, UnitCourt, Verdict, group_numbers
from services.market_data.calls import PushRead

MS = 1_000_000
INTERVAL_MS = 3_000
"""What a stock's quotes come apart at most while it trades; notes §2.2 [U]."""
SOURCE = "xt"
EMPTY_EVERY_NS = NS
"""Pushes without a quote of ours are said this often at most."""
SPOKEN = (Phase.OPEN_AUCTION, Phase.CONTINUOUS, Phase.CLOSE_AUCTION)
EXCHANGE_OF_GROUP = ("SH", "SH", "SZ", "BJ")
assert len(EXCHANGE_OF_GROUP) == len(GROUPS)


class FeedSettings(NamedTuple):
    """How a live feed is judged."""

    exchanges: tuple[str, ...] = ("SH", "SZ")
    """Those that must not fall silent."""
    stale_s: int = 6
    skew_s: int = 60
    """By how much exchange time may be ahead of the machine's before a quote is refused."""


def day_opened(table: InstrumentTable, prev_day: int) -> DayOpened:
    """Return the message that opens a live day; the player puts its pace and epoch in."""
    day = table.day
    opening_ns = ts_of(day, 9 * 3600)
    return DayOpened("", day, prev_day, push_id(day, 0), opening_ns, Pace.REAL_TIME, 1000, INTERVAL_MS, SOURCE, table)


class LiveFeed:
    """Makes the pushes of one day."""

    def __init__(self, opened: DayOpened, settings: FeedSettings) -> None:
        self.opened = opened
        self.counts: Counter[str] = Counter()
        """Quotes refused or dropped, by why."""
        self.settled: list[tuple[str, Verdict]] = []
        """Groups whose units were settled since somebody looked."""
        self._settings = settings
        instruments = Instruments(opened.instruments)
        size = len(instruments)
        self._rows = instruments.index
        self._groups = group_numbers(instruments.symbols, instruments.board)
        self.court = UnitCourt(np.bincount(self._groups, minlength=len(GROUPS)).astype(I8))
        self._time_ms = np.zeros(size, np.int32)
        self._volume = np.zeros(size, np.int64)
        self._midnight_ns = ts_of(opened.day, 0)
        self.ts_ns = opened.ts_ns
        """The feed's clock."""
        self.last: PushId = opened.push
        self.closed = False
        self._made_ns = 0
        """When the last push was made."""
        self._heard_ns = dict.fromkeys(EXCHANGE_OF_GROUP, 0)
        self._gap = False
        self._held: dict[str, Any] = {}
        """Quotes stamped 15:00 or later: they belong to the last push."""

    # ------------------------------------------------------------------ life

    def opening(self) -> PushRead:
        """Return push number 0."""
        opened = self.opened
        end = PushEnd("", opened.day, opened.push, opened.ts_ns, Phase.PRE_OPEN, 0, 0)
        return PushRead(end, opened, (), -1)

    def take_back(self, end: PushEnd, batches: tuple[QuoteBatch, ...]) -> None:
        """Go on behind a push that was recorded before a restart."""
        for batch in batches:
            quotes = quotes_of(batch)
            self._time_ms[quotes.index], self._volume[quotes.index] = quotes.time_ms, quotes.volume
        self.last, self.ts_ns, self.closed = end.push, end.ts_ns, end.last_of_day

    def broken(self, said: PushId = 0) -> None:
        """Note that quotes may have been lost: the next push comes after a gap; `said` is the last number used."""
        self._gap = True
        self.last = max(self.last, said)

    def hear_before(self, push: Push) -> None:
        """Settle what volumes count by the quotes of the session before, ahead of the first push."""
        self._hear_units(read_push(push, self._rows, Counter()))

    # ------------------------------------------------------------------ pushes

    def make(self, push: Push, now_ns: int) -> PushRead | None:
        """Return the next push; None where there is nothing to say."""
        settled = self._settle(push, now_ns)
        if settled.time_ms_max >= S1500 * 1000:
            self._held.update(push)
            return None
        quotes = self._newer(settled)
        ts_ns = self._clock(quotes, now_ns)
        phase = phase_at(second_of_day(ts_ns))
        self._note_heard(settled, now_ns)
        if not len(quotes.index) and (phase not in SPOKEN or now_ns - self._made_ns < EMPTY_EVERY_NS):
            return None
        gap = self._gap or self._was_silent(ts_ns, now_ns, phase) or self._is_late(phase)
        return self._said(quotes, ts_ns, phase, gap, now_ns, last_of_day=False)

    def close(self, push: Push, now_ns: int) -> PushRead:
        """Return the day's last push: everything since 15:00."""
        quotes = self._newer(self._settle({**self._held, **push}, now_ns))
        self._held = {}
        closing_ns = self._midnight_ns + S1500 * NS
        newest_ns = self._midnight_ns + int(quotes.time_ms.max(initial=0)) * MS
        ts_ns = max(self.ts_ns, closing_ns, newest_ns)
        self.closed = True
        return self._said(quotes, ts_ns, Phase.CLOSED, self._gap, now_ns, last_of_day=True)

    def _settle(self, push: Push, now_ns: int) -> Settled:
        raw = read_push(push, self._rows, self.counts)
        self._hear_units(raw)
        latest_ms = now_ns // MS + self._settings.skew_s * 1000
        settled = settle(raw, self._groups, self.court.units, self._midnight_ns // MS, latest_ms)
        self.counts.update(settled.refused)
        return settled

    def _hear_units(self, raw: Any) -> None:
        if self.court.needs():
            self.settled += self.court.hear(raw, self._groups)

    def _newer(self, settled: Settled) -> Quotes:
        """Leave out quotes older than what is known: native threads may deliver out of order, a replay repeats."""
        quotes = settled.quotes
        at = quotes.index
        known_ms, known_volume = self._time_ms[at], self._volume[at]
        volume = quotes.volume
        # Units cut down to lots may fall behind exact ones by less than a lot: that is rounding, not time.
        rounded = (volume < known_volume) & (known_volume - volume < 100) & (quotes.time_ms >= known_ms)
        if rounded.any():
            quotes = quotes._replace(volume=np.where(rounded, known_volume, volume))
        older = (quotes.time_ms < known_ms) | (quotes.volume < known_volume)
        if older.any():
            self.counts["older"] += int(np.count_nonzero(older))
            quotes = Quotes(*(column[..., ~older] for column in quotes))  # type: ignore[arg-type]  # same dtypes
        self._time_ms[quotes.index], self._volume[quotes.index] = quotes.time_ms, quotes.volume
        return quotes

    def _clock(self, quotes: Quotes, now_ns: int) -> int:
        if len(quotes.index):
            return max(self.ts_ns, self._midnight_ns + int(quotes.time_ms.max()) * MS)
        passed_ns = now_ns - self._made_ns if self._made_ns else 0
        # Without quotes the clock never reaches the close: the last push is another's business.
        return max(self.ts_ns, min(self.ts_ns + passed_ns, self._midnight_ns + S1500 * NS - MS))

    def _note_heard(self, settled: Settled, now_ns: int) -> None:
        for group in np.unique(settled.groups).tolist():
            self._heard_ns[EXCHANGE_OF_GROUP[group]] = now_ns

    def _is_late(self, phase: Phase) -> bool:
        """Tell whether the day's first push comes when trading has begun: what was before is missed, not chased."""
        return push_number(self.last) == 0 and phase not in (Phase.PRE_OPEN, Phase.OPEN_AUCTION)

    def _was_silent(self, ts_ns: int, now_ns: int, phase: Phase) -> bool:
        if phase is not Phase.CONTINUOUS or not self._made_ns or phase_at(second_of_day(self.ts_ns)) is not phase:
            return False
        if second_of_day(self.ts_ns) < S1300 <= second_of_day(ts_ns):
            return False  # lunch is no gap
        return now_ns - self._made_ns > self._settings.stale_s * NS

    def silent(self, now_ns: int, limit_s: int = 0) -> tuple[str, ...]:
        """Return the exchanges of which nothing was heard for too long in continuous trading; 0 = the feed's limit."""
        second = second_of_day(now_ns)
        if phase_at(second) is not Phase.CONTINUOUS:
            return ()
        begin_ns = self._midnight_ns + (S1300 if second >= S1300 else S0930) * NS
        limit_ns = (limit_s or self._settings.stale_s) * NS
        return tuple(
            name for name in self._settings.exchanges if now_ns - max(self._heard_ns[name], begin_ns) > limit_ns
        )

    def _said(self, quotes: Quotes, ts_ns: int, phase: Phase, gap: bool, now_ns: int, *, last_of_day: bool) -> PushRead:
        push = self.last + 1
        starts = range(0, len(quotes.index), QUOTES_PER_BATCH_MAX)
        batches = tuple(
            batch_of(push, part, ts_ns, phase, quotes.cut(start, start + QUOTES_PER_BATCH_MAX))
            for part, start in enumerate(starts)
        )
        silent = () if last_of_day else self.silent(now_ns)
        end = PushEnd(
            "", self.opened.day, push, ts_ns, phase, len(batches), 0, last_of_day=last_of_day, gap=gap, silent=silent
        )
        self.last, self.ts_ns, self._made_ns, self._gap = push, ts_ns, now_ns, False
        return PushRead(end, None, batches, -1)


def takes_quotes(now_ns: int) -> bool:
    """Tell whether quotes are taken at this time of a trading day; before 09:15 there is nothing to trade on."""
    return S0915 <= second_of_day(now_ns) < S1500


def quiet_limit_s(now_ns: int, silence_s: int) -> int:
    """Return after how many seconds without any push the link is made anew; 0 = never at this time of the day."""
    match phase_at(second_of_day(now_ns)):
        case Phase.CONTINUOUS:
            return silence_s
        case Phase.OPEN_AUCTION | Phase.CLOSE_AUCTION:
            return 3 * silence_s
    return 0


def phase_began_ns(now_ns: int, midnight_ns: int) -> int:
    """Return when the phase of this moment began: silence before it does not count."""
    second = second_of_day(now_ns)
    begins = [begin for begin in (0, S0915, S0925, S0930, S1300, 53_820) if begin <= second]
    return midnight_ns + begins[-1] * NS
