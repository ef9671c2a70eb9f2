"""The sources that the contract is tried on, each with a day of its own: a tape, a synthetic market, a QMT client."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from common.domain.calendar import S1500, Calendar, hms, ts_of
from common.domain.values import Day, Phase, push_id
from common.history.synthetic.market import make_market
from common.history.synthetic.params import MarketParams
from common.history.tape import VERSION, TapeReader, TapeWriter
from common.messages.market import PushEnd, TapeHeader
from common.runtime.clock import SimClock
from services.market_data.adapters.replay import ReplayAdapter
from services.market_data.adapters.xt import XtAdapter, XtSettings
from services.market_data.adapters.xt_feed import FeedSettings
from services.market_data.adapters.xt_link import LinkSettings
from services.market_data.day_facts_form import DayFacts
from tests.builders import DAY, PREV_DAY, Quote, batch, day_opened, phase_at, table
from tests.contract.feed.rig import Rig
from tests.fakes.xtquant.quotes import vendor_detail, vendor_tick
from tests.fakes.xtquant.terminal import Terminal

CLOSES = {
    **{f"60000{n}.SH": 10.0 + n for n in range(4)},
    **{f"68800{n}.SH": 40.0 + n for n in range(1, 4)},
    **{f"00000{n}.SZ": 8.0 + n for n in range(1, 5)},
    **{f"92000{n}.BJ": 20.0 + n for n in range(1, 4)},
}
WATCHED = ("SH", "SZ", "BJ")
JUNK = {"000001.SH": 3000.0, "510300.SH": 4.0, "113050.SH": 110.0}
"""An index, a fund, a bond: they come in the pushes of their markets."""


GAP_AT = 40
"""Before this push something is lost."""


class Moment(NamedTuple):
    """One push of the plan."""

    second: int
    quotes: Mapping[str, Quote]


def quote(symbol: str, rise: int, volume: int) -> Quote:
    """Return a quote `rise` ticks above the close before, with a book of five levels around it."""
    last = round(CLOSES[symbol] + rise / 100, 2)
    bid = [(round(last - level / 100, 2), 1_000 * (level + 1)) for level in range(5)]
    ask = [(round(last + level / 100, 2), 1_000 * level) for level in range(1, 6)]
    low = min(last, CLOSES[symbol])
    average = round((last + low) / 2, 2)
    return Quote(
        last, bid=bid, ask=ask, open_=CLOSES[symbol], high=max(last, CLOSES[symbol]), low=low, volume=volume,
        turnover=average * volume,
    )  # fmt: skip


def plan() -> list[Moment]:
    """Return a small day: auction, match, trading, a push without news, lunch, the close."""
    every = list(CLOSES)
    by_exchange = [[symbol for symbol in every if symbol.endswith(suffix)] for suffix in WATCHED]
    moments = [
        Moment(hms("09:20:00"), {symbol: quote(symbol, 1, 0) for symbol in every[:5]}),
        Moment(hms("09:25:00"), {symbol: quote(symbol, 2, 40_000) for symbol in every}),
    ]
    for number, second in enumerate(range(hms("09:30:00"), hms("09:35:10"), 3)):
        some = [names[number % len(names)] for names in by_exchange] if number != 5 else []
        moments.append(Moment(second, {symbol: quote(symbol, number % 7, 50_000 + 1_000 * number) for symbol in some}))
    for second in ("11:29:59", "13:00:02", "14:56:59", "14:58:00"):
        at = hms(second)
        moments.append(Moment(at, {symbol: quote(symbol, 4, 300_000 + at) for symbol in every}))
    return [*moments, Moment(S1500, {symbol: quote(symbol, 5, 900_000) for symbol in every})]


def crash(adapters: Sequence[ReplayAdapter | XtAdapter]) -> None:
    """End the last adapter as a crash does: what was not handed to the system is lost, threads speak no more."""
    for adapter in adapters[-1:]:
        writer = adapter._recorder._writer if adapter._recorder is not None else None
        if writer is not None:
            writer._file.close()
        if isinstance(adapter, XtAdapter) and adapter._link is not None:
            adapter._link.give_up()
        if isinstance(adapter, XtAdapter):
            adapter._waker.close()


class Replay:
    """A tape of the plan."""

    live = False
    day = DAY

    def __init__(self, folder: Path, markets: Path | None = None) -> None:
        self.folder, self.clock = folder, SimClock(ts_of(DAY, hms("09:00")))
        self.markets = markets or folder
        """Where the synthetic market is kept, made once for all tests."""
        self.tape = folder / f"{DAY}.tape"
        self.adapters: list[ReplayAdapter] = []
        self.write()

    def write(self) -> None:
        moments = plan()
        instruments = table(CLOSES)
        writer = TapeWriter(self.tape, TapeHeader(VERSION, DAY, PREV_DAY, 3000, "test", len(moments)))
        writer.write(day_opened(instruments, source="test"))
        writer.write(PushEnd("", DAY, push_id(DAY, 0), ts_of(DAY, hms("09:00")), Phase.PRE_OPEN, 0, 0))
        for number, moment in enumerate(moments, start=1):
            push = push_id(DAY, number)
            if moment.quotes:
                writer.write(batch(instruments, push, moment.second, moment.quotes))
            last = moment.second == S1500
            end = PushEnd(
                "", DAY, push, ts_of(DAY, moment.second), phase_at(moment.second), int(bool(moment.quotes)), 0,
                last_of_day=last, gap=number == GAP_AT,
            )  # fmt: skip
            writer.write(end)
        writer.close()

    def open(self) -> ReplayAdapter:
        crash(self.adapters)
        self.adapters.append(ReplayAdapter([self.tape], self.folder / "recorded"))
        return self.adapters[-1]

    def rig(self) -> Rig:
        return Rig(self.open, self.clock, live=False)

    def play(self, rig: Rig, until: int = 0) -> None:
        """Play up to push number `until`, or the whole day; a tape is played as fast as it is read."""
        rig.go_on(push_id(self.day, until) if until else 0)
        rig.turn_until(lambda: self._is_done(rig, until), "the tape is played")
        rig.stop_at = 0

    def _is_done(self, rig: Rig, until: int) -> bool:
        return rig.last_push >= push_id(self.day, until) if until else bool(rig.heard) and rig.heard[-1].end.last_of_day

    def interrupt(self, rig: Rig) -> None:
        """The gap stands on the tape."""

    def close(self) -> None:
        self.adapters[-1].close()


class Synthetic(Replay):
    """A tape of the synthetic market."""

    def write(self) -> None:
        made = make_market(self.markets, MarketParams(seed=3, stocks=40, sessions=90, interval_s=60))
        self.tape = made.tapes[0]
        self.day = TapeReader(self.tape).header.day


class Xt:
    """A QMT client: the plan comes as pushes of the vendor through the real xtdata layer."""

    live = True
    day = DAY

    def __init__(self, folder: Path, native: ModuleType) -> None:
        self.folder, self.clock = folder, SimClock(ts_of(DAY, hms("08:50")))
        self.terminal: Terminal = native.terminal
        self.settings = XtSettings(
            LinkSettings(), FeedSettings(WATCHED, stale_s=6, skew_s=10), 10, Calendar([PREV_DAY, DAY, 20260106]), folder
        )
        self.moments = plan()
        self.played = 0
        self.facts = DayFacts(DAY, PREV_DAY, {symbol: round(close * 1000) for symbol, close in CLOSES.items()})
        switches = self.terminal.switches
        for symbol, close in CLOSES.items():
            self.terminal.instruments[symbol] = vendor_detail(symbol, round(close * 1000), DAY)
            before = Quote(close, high=close + 0.1, low=close - 0.1, volume=200_000)
            self.terminal.ticks[symbol] = vendor_tick(symbol, before, PREV_DAY, hms("15:00:00"), switches)
        self.adapters: list[XtAdapter] = []

    def open(self) -> XtAdapter:
        crash(self.adapters)
        adapter = XtAdapter(self.settings, self.clock.now_ns, lambda _day: self.facts)
        self.adapters.append(adapter)
        return adapter

    def rig(self) -> Rig:
        return Rig(self.open, self.clock, live=True)

    def begin(self, rig: Rig) -> None:
        """Go through the morning until the day is open."""
        self.at("08:55:01")
        rig.turn_until(lambda: "reading" not in self.word(rig) and self.word(rig).startswith("opens at"), "ready")
        self.at("09:00:01")
        rig.turn_until(lambda: bool(rig.heard), "the day opens")
        self.terminal.settle()  # the snapshot of the subscription is there
        rig.turn()

    def word(self, rig: Rig) -> str:
        return str(rig.core.status()[3].get("source", ""))

    def at(self, text: str) -> None:
        """Set the clock."""
        self.clock.at_ns = ts_of(DAY, hms(text))

    def push(self, rig: Rig, moment: Moment) -> None:
        """Have the client push a moment's quotes, junk among them, and go round."""
        switches = self.terminal.switches
        self.clock.at_ns = ts_of(DAY, moment.second) + 50_000_000
        state = 13 if moment.second >= hms("09:30") else 12
        ticks = {
            symbol: vendor_tick(symbol, quote, DAY, moment.second, switches, state)
            for symbol, quote in moment.quotes.items()
        }
        junk = {code: {"time": 0, "lastPrice": price} for code, price in JUNK.items()}
        self.terminal.push(junk | ticks)
        rig.turn()

    def play(self, rig: Rig, until: int = 0) -> None:
        if not rig.heard:
            self.begin(rig)
        rig.turn_until(lambda: self.word(rig) == "live", "the link")
        for moment in self.moments[self.played : until or None]:
            self.push(rig, moment)
            self.played += 1
        if not until:
            self.at("15:01:31")
            rig.turn()

    def interrupt(self, rig: Rig) -> None:
        """Cut the link and wait until it is made anew."""
        self.terminal.drop()
        rig.turn_until(lambda: "feed lost" in self.word(rig), "the loss is seen")
        self.clock.at_ns += 2_000_000_000
        rig.turn_until(lambda: self.word(rig) == "live", "the new link")

    def close(self) -> None:
        if self.adapters:
            self.adapters[-1].close()


SOURCES: dict[str, Callable[..., Replay | Xt]] = {"replay": Replay, "synthetic": Synthetic, "xt": Xt}
__all__ = ["CLOSES", "SOURCES", "Day", "Moment", "Replay", "Synthetic", "Xt", "plan", "quote"]
