"""What the gateway knows of the market at the push in work."""

from typing import NamedTuple

from common.domain.values import Day, Pace, Phase, Price, PushId, Shares, Symbol
from common.messages.columns import index_of
from common.messages.feed import FeedReader, PushData
from common.messages.market import InstrumentFlag, PushEnd
from common.rules.boards import exchange_of
from common.rules.book import LEVELS, Book, Five
from common.rules.corporate import dividend, rescale_cost, shares_after
from common.rules.dividend import taxable_dividend
from services.order_gateway.guard import Guard


class Facts(NamedTuple):
    """One stock of the day."""

    board: int
    exchange: int
    prev_close: Price
    up_limit: Price
    down_limit: Price
    last: Price
    bid: Price
    ask: Price
    suspended: bool


class Totals(NamedTuple):
    """What was traded of a stock today up to a snapshot."""

    volume: Shares
    turnover: int
    """0.001 yuan."""


class ExRight(NamedTuple):
    """What an ex-day does to a holding."""

    prev_close_raw: Price
    reference: Price
    shares: Shares
    cash: int
    cost: int
    taxable: int


class Market:
    """The feed's last values and the push they belong to."""

    def __init__(self, reader: FeedReader) -> None:
        self.reader = reader
        self.end: PushEnd | None = None
        """The push that was matched last; None before the first."""
        self.closed = True
        """No order is taken: nothing came yet, or the day's last push did."""
        self.guard = Guard()

    @property
    def push(self) -> PushId:
        """Return the push that was matched last, 0 = none."""
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
        """Return its phase; closed after the day's last push."""
        return self.end.phase if self.end is not None and not self.closed else Phase.CLOSED

    @property
    def lockstep(self) -> bool:
        """Tell whether the player waits for us."""
        return self.reader.day is not None and self.reader.day.pace is Pace.LOCKSTEP

    @property
    def interval_ns(self) -> int:
        """Return the declared time between pushes."""
        return self.reader.day.interval_ms * 1_000_000 if self.reader.day is not None else 0

    def finish(self, end: PushEnd) -> None:
        """Make a push the current one."""
        self.end, self.closed = end, end.last_of_day

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
        )

    def last_of(self, symbol: Symbol) -> Price:
        """Return the last price; the day's reference where the stock has not traded, 0 where it is unknown."""
        facts = self.facts(symbol)
        if facts is None:
            return 0
        return facts.last if facts.last > 0 else facts.prev_close

    def close_before(self, symbol: Symbol) -> Price:
        """Return the close of the session before the current table's, as traded; 0 where it is unknown."""
        instruments = self.reader.instruments
        at = instruments.index.get(symbol) if instruments is not None else None
        return int(instruments.raw_prev_close[at]) if instruments is not None and at is not None else 0

    def book(self, symbol: Symbol, before: Totals | None = None) -> Book:
        """Return the last snapshot of a stock that the day has; `before` are the totals of the one before it.

        Without them nothing counts as traded: a total of which nobody saw the beginning says nothing about a while.
        """
        instruments, table = self.reader.instruments, self.reader.table
        assert instruments is not None, "a book is asked for before the day opened"
        assert table is not None, "a book is asked for before the day opened"
        at = instruments.index[symbol]

        def five(name: str) -> Five:
            column = getattr(table, name)
            values = [int(column[level, at]) for level in range(LEVELS)]
            return (values[0], values[1], values[2], values[3], values[4])

        traded = int(table.volume[at]) - before.volume if before is not None else 0
        turnover = int(table.turnover[at]) - before.turnover if before is not None else 0
        return Book(
            int(table.last[at]), int(instruments.up_limit[at]), int(instruments.down_limit[at]), traded,
            five("bid_price"), five("bid_volume"), five("ask_price"), five("ask_volume"), turnover,
            bool(instruments.flags[at] & InstrumentFlag.SUSPENDED), int(table.volume[at]),
        )  # fmt: skip

    def totals(self, symbol: Symbol) -> Totals | None:
        """Return what was traded of a stock so far; None before its first trade of the day, and where a total is lost."""
        instruments, table = self.reader.instruments, self.reader.table
        at = instruments.index.get(symbol) if instruments is not None else None
        if table is None or at is None or int(table.volume[at]) <= 0:
            return None
        return Totals(int(table.volume[at]), int(table.turnover[at]))

    def came_with(self, data: PushData, symbol: Symbol) -> bool:
        """Tell whether a push brought a snapshot of the stock."""
        instruments = self.reader.instruments
        at = instruments.index.get(symbol) if instruments is not None else None
        return at is not None and any(bool((index_of(batch) == at).any()) for batch in data.batches)

    def ex_right(self, symbol: Symbol, shares: Shares, cost: int) -> ExRight | None:
        """Return what today does to a holding of `shares` that cost `cost`; None when the stock does not go ex."""
        table = self.reader.instruments
        at = table.index.get(symbol) if table is not None else None
        if table is None or at is None:
            return None
        cash_e6, bonus_e6 = int(table.ex_cash_e6[at]), int(table.ex_bonus_e6[at])
        if not (cash_e6 or bonus_e6 or table.flags[at] & InstrumentFlag.EX_DAY):
            return None
        raw, reference = int(table.raw_prev_close[at]), int(table.prev_close[at])
        after = shares_after(shares, bonus_e6)
        return ExRight(
            raw, reference, after, dividend(shares, cash_e6), rescale_cost(cost, reference, raw, shares, after),
            taxable_dividend(shares, cash_e6, int(table.ex_profit_e6[at])),
        )  # fmt: skip

    def delisted(self, symbol: Symbol) -> bool:
        """Tell whether today's table names the stock as gone for good; a stock that is only missing stays."""
        table = self.reader.instruments
        return table is not None and symbol in table.delisted and symbol not in table.index
