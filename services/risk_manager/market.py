"""What the risk manager knows of the market at the push in work. Time here is data time."""

from typing import NamedTuple

from common.domain.calendar import NS, S0930, S1130, S1300, second_of_day
from common.domain.values import Day, Pace, Phase, Price, PushId, Side, Symbol
from common.messages.feed import FeedReader, PushData
from common.messages.kept import KeptGap
from common.messages.market import InstrumentFlag, PushEnd
from common.messages.outputs import Message
from common.rules.boards import exchange_of
from common.rules.phases import may_cancel
from common.rules.pricing import marketable_buy_price, marketable_sell_price

MS = 1_000_000
SPEED_ONE = 1_000
_CONTINUOUS_MS = S0930 * 1000
_LUNCH_NS = (S1300 - S1130) * NS


class Facts(NamedTuple):
    """One stock of the day; prices in 0.001 yuan, limits of 0 = none."""

    board: int
    exchange: int
    prev_close: Price
    up_limit: Price
    down_limit: Price
    last: Price
    bid: Price
    ask: Price
    suspended: bool
    quoted: bool
    """It has been quoted in continuous trading today: what the auctions show is virtual."""
    before_gap: bool
    """Its last quote is older than the last gap of the feed."""
    feed_up_limit: Price
    """What a live feed says; the same as `up_limit` where nobody was asked."""
    feed_down_limit: Price


class Market:
    """The feed's last values and the push they belong to."""

    def __init__(self, reader: FeedReader, stale_s: int) -> None:
        self.reader = reader
        self.end: PushEnd | None = None
        self.gap = KeptGap(0, 0)
        self._stale_s = stale_s

    def restore(self, kept: dict[str, Message]) -> None:
        """Take back the last gap."""
        for record in kept.values():
            if isinstance(record, KeptGap):
                self.gap = record

    def note_gap(self, data: PushData) -> bool:
        """Note that pushes before this one are lost to everybody, not only to us: call it before they are applied."""
        self.reader.before(data)
        table = self.reader.table
        if not data.end.gap or data.day is not None or table is None:
            return False
        gap = KeptGap(data.end.day, int(table.time_ms.max(initial=0)))
        known, self.gap = self.gap, gap
        return gap != known

    @property
    def push(self) -> PushId:
        """Return the push in work, 0 = none yet."""
        return self.end.push if self.end is not None else 0

    @property
    def ts_ns(self) -> int:
        """Return its data time."""
        return self.end.ts_ns if self.end is not None else 0

    @property
    def day(self) -> Day:
        """Return its trading day."""
        return self.end.day if self.end is not None else 0

    @property
    def phase(self) -> Phase:
        """Return its phase; closed before the first push and after the day's last."""
        return self.end.phase if self.end is not None and not self.end.last_of_day else Phase.CLOSED

    @property
    def lockstep(self) -> bool:
        """Tell whether the player waits for us."""
        return self.reader.day is not None and self.reader.day.pace is Pace.LOCKSTEP

    @property
    def stale_ns(self) -> int:
        """Return the age in data time beyond which a feed or an opening order is stale."""
        day = self.reader.day
        if day is None:
            return self._stale_s * NS
        quiet_ns = max(self._stale_s * NS, 2 * day.interval_ms * MS)
        return quiet_ns * max(SPEED_ONE, day.speed_milli) // SPEED_ONE

    @property
    def stale_wall_ns(self) -> int:
        """Return the same limit in wall time."""
        day = self.reader.day
        speed_milli = day.speed_milli if day is not None and day.speed_milli > 0 else SPEED_ONE
        return self.stale_ns * SPEED_ONE // speed_milli

    def age_ns(self, push: PushId, ts_ns: int) -> int:
        """Return how old a decision made on `push` is; none at all on the push in work, and lunch does not count."""
        if push >= self.push:
            return 0
        age_ns = self.ts_ns - ts_ns
        if second_of_day(ts_ns) < S1300 <= second_of_day(self.ts_ns):
            age_ns -= _LUNCH_NS
        return age_ns

    def facts(self, symbol: Symbol) -> Facts | None:
        """Return what is known of a stock; None when the day has no such stock."""
        instruments, table = self.reader.instruments, self.reader.table
        at = instruments.index.get(symbol) if instruments is not None else None
        if instruments is None or table is None or at is None:
            return None
        return Facts(
            int(instruments.board[at]),
            int(exchange_of(symbol)),
            int(instruments.prev_close[at]),
            int(instruments.up_limit[at]),
            int(instruments.down_limit[at]),
            int(table.last[at]),
            int(table.bid_price[0, at]),
            int(table.ask_price[0, at]),
            bool(instruments.flags[at] & InstrumentFlag.SUSPENDED),
            bool(table.time_ms[at] >= _CONTINUOUS_MS and table.last[at] > 0),
            instruments.day == self.gap.day and int(table.time_ms[at]) <= self.gap.time_ms,
            int(instruments.feed_up_limit[at]),
            int(instruments.feed_down_limit[at]),
        )

    def last_of(self, symbol: Symbol) -> Price:
        """Return the last price; the day's reference where the stock has not traded, 0 where it is unknown."""
        facts = self.facts(symbol)
        if facts is None:
            return 0
        return facts.last if facts.last > 0 else facts.prev_close

    def mark_of(self, symbol: Symbol) -> Price:
        """Return what a stock is worth: the last price of continuous trading, before it the day's reference."""
        facts = self.facts(symbol)
        if facts is None:
            return 0
        return facts.last if facts.quoted else facts.prev_close

    def tradable(self, symbol: Symbol) -> Facts | None:
        """Return what is known of a stock that can be ordered now, None otherwise."""
        facts = self.facts(symbol) if self.phase is Phase.CONTINUOUS else None
        return facts if facts is not None and facts.quoted and not facts.suspended else None

    def marketable(self, side: int, facts: Facts) -> Price:
        """Return the price of an order that should trade at once, inside band, cage and 2 % of last."""
        price_of = marketable_buy_price if side == Side.BUY else marketable_sell_price
        up, down = facts.up_limit, facts.down_limit
        if facts.feed_up_limit > 0 and facts.feed_down_limit > 0:
            # Where feed and rulebook differ nothing is bought, and a sell has a price that both let through.
            up, down = min(up or facts.feed_up_limit, facts.feed_up_limit), max(down, facts.feed_down_limit)
        return price_of(facts.board, self.day, facts.last, facts.bid, facts.ask, facts.prev_close, up, down)

    def may_cancel(self, symbol: Symbol) -> bool:
        """Tell whether the exchange takes a cancel of the stock's orders now."""
        return self.phase is not Phase.CLOSED and may_cancel(exchange_of(symbol), second_of_day(self.ts_ns), self.day)

    def cancel_due(self, symbol: Symbol, cancel_at_s: int) -> bool:
        """Tell whether an order that is to be cancelled at a second of the day is to be cancelled now.

        Where the exchange takes no cancels at that second any more (14:57), it is done two pushes earlier.
        """
        if not cancel_at_s:
            return False
        if not may_cancel(exchange_of(symbol), cancel_at_s, self.day):
            interval_ms = self.reader.day.interval_ms if self.reader.day is not None else 0
            cancel_at_s -= max(self._stale_s, 2 * interval_ms // 1000)
        return second_of_day(self.ts_ns) >= cancel_at_s
