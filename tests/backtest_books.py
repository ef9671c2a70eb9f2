"""Books of backtests for tests: an account kept by hand, and random ones from a seed. Amounts in 0.001 yuan."""

import random
from collections.abc import Mapping

from common.backtests.result import (
    BacktestResult,
    Benchmark,
    BookEvent,
    Candle,
    Coverage,
    EquityRow,
    EventKind,
    Fill,
    Inputs,
    OpenPosition,
    Outcome,
    Remark,
    Unfilled,
    Verdict,
    refused_of,
)
from common.domain.reasons import Reason
from common.domain.values import Side

START = 1_000_000_000
"""A million yuan."""
S0935, S1000, S1430 = 9 * 3600 + 35 * 60, 36_000, 14 * 3600 + 30 * 60


def days_from(year: int, count: int) -> list[int]:
    """Return `count` days: the 1st to the 20th of each month, from January of `year` on."""
    return [(year + at // 240) * 10_000 + (at // 20 % 12 + 1) * 100 + at % 20 + 1 for at in range(count)]


class Books:
    """An account that writes down what happens to it; `close` ends a session."""

    def __init__(self, cash: int = START) -> None:
        self.start = self.cash = cash
        self.held: dict[str, int] = {}
        self.fills: list[Fill] = []
        self.events: list[BookEvent] = []
        self.equity: list[EquityRow] = []
        self.unfilled: list[Unfilled] = []
        self.refused: dict[tuple[int, str], Unfilled] = {}
        self.prices: dict[str, int] = {}

    def buy(
        self, day: int, symbol: str, shares: int, price: int, fees: tuple[int, int, int] = (0, 0, 0),
        second: int = S0935, reason: Reason = Reason.LIMIT_UP_TOUCH,
    ) -> None:  # fmt: skip
        self._fill(Fill(day, second, symbol, Side.BUY, shares, price, *fees, reason, "limit_up"))

    def sell(
        self, day: int, symbol: str, shares: int, price: int, fees: tuple[int, int, int] = (0, 0, 0),
        second: int = S1000, reason: Reason = Reason.STOP_LOSS,
    ) -> None:  # fmt: skip
        self._fill(Fill(day, second, symbol, Side.SELL, shares, price, *fees, reason, "limit_up"))

    def _fill(self, fill: Fill) -> None:
        buying = fill.side is Side.BUY
        self.held[fill.symbol] = self.held.get(fill.symbol, 0) + (fill.shares if buying else -fill.shares)
        self.cash += (-fill.amount if buying else fill.amount) - fill.fees
        self.fills.append(fill)

    def event(
        self, day: int, symbol: str, after: int, cash: int, kind: EventKind = EventKind.EX_DAY, second: int = 0
    ) -> None:
        self.events.append(BookEvent(day, second, symbol, kind, self.held[symbol], after, cash))
        self.held[symbol] = after
        self.cash += cash

    def event_after_flat(self, day: int, symbol: str, cash: int, second: int = 0) -> None:
        """Charge the dividend tax of shares that were sold before."""
        self.events.append(BookEvent(day, second, symbol, EventKind.DIVIDEND_TAX, 0, 0, cash))
        self.cash += cash

    def close(self, day: int, prices: Mapping[str, int] | None = None) -> None:
        self.held = {symbol: shares for symbol, shares in self.held.items() if shares}
        self.prices.update(prices or {})
        value = sum(shares * self.prices[symbol] for symbol, shares in self.held.items())
        self.equity.append(EquityRow(day, self.cash + value, self.cash, value, len(self.held)))

    def result(
        self, verdict: Verdict = "expected", benchmark: Benchmark | None = None, **more: object
    ) -> BacktestResult:
        days = [row.day for row in self.equity] or [20260105]
        inputs = Inputs(
            "limit_up", {"stop_bp": 400, "weak_bp": -200}, {"slots_max": 5, "participation_bp": 1000}, days[0], days[-1], "compiled", verdict, self.start,
            "main, chinext", "d" * 64, "c" * 64, "a" * 64,
        )  # fmt: skip
        fields = {
            "coverage": (Coverage(days[0], days[-1], "minute5", 100, 90, "测试数据", "data of a test"),),
            "open_positions": tuple(OpenPosition(s, n, self.prices.get(s, 0)) for s, n in self.held.items() if n),
            **more,
        }
        return BacktestResult(
            inputs, equity=tuple(self.equity), fills=tuple(self.fills), events=tuple(self.events),
            unfilled=tuple(self.unfilled), refused=refused_of(self.refused.values()), benchmark=benchmark, **fields,
        )  # type: ignore[arg-type]  # fmt: skip


EXITS = (Reason.STOP_LOSS, Reason.WEAK_AT_0950, Reason.NOT_SEALED_AT_1430, Reason.TRAILING_STOP)


def random_books(seed: int, sessions: int = 60, trades: int = 40, stocks: int = 30, year: int = 2026) -> Books:
    """Return the books of a market that never was: buys, partial exits, ex-days, taxes, refusals; some stay open."""
    rng = random.Random(seed)
    books, days = Books(), days_from(year, sessions)
    prices = {f"{600000 + at:06d}.SH": rng.randrange(3_000, 60_000, 10) for at in range(stocks)}
    made = 0
    for at, day in enumerate(days):
        for symbol, held in sorted(books.held.items()):
            _live_through(books, rng, day, symbol, held, prices)
        while made < trades * (at + 1) / sessions and (free := sorted(prices.keys() - books.held.keys())):
            symbol = rng.choice(free)
            shares = max(100, books.cash // 8 // prices[symbol] // 100 * 100)
            if shares * prices[symbol] + 30_000 > books.cash:
                break
            for part in (shares,) if shares < 300 or rng.random() < 0.7 else (shares - 200, 200):
                books.buy(day, symbol, part, prices[symbol], (5_000, 0, rng.randrange(0, 2_000, 10)))
            made += 1
        for _ in range(rng.randrange(3)):
            _refuse(books, rng, day, rng.choice(sorted(prices)), prices)
        for symbol in prices:
            prices[symbol] = max(1_000, prices[symbol] * rng.randrange(920, 1_085) // 1000 // 10 * 10)
        books.fills.sort(key=lambda fill: (fill.day, fill.second))
        books.events.sort(key=lambda event: (event.day, event.second))
        books.close(day, prices)
    return books


def _live_through(books: Books, rng: random.Random, day: int, symbol: str, held: int, prices: dict[str, int]) -> None:
    if rng.random() < 0.05:
        books.event(day, symbol, held * 13 // 10, held * 50)
        prices[symbol] = max(1_000, prices[symbol] * 10 // 13 // 10 * 10)
        held = held * 13 // 10
    if rng.random() < 0.45:
        sold = held if rng.random() < 0.7 or held < 200 else held // 200 * 100
        fees = (5_000, sold * prices[symbol] // 2_000_000 * 1_000, 10)
        books.sell(day, symbol, sold, prices[symbol], fees, S0935 - 300, rng.choice(EXITS))
        if rng.random() < 0.1:
            left = held - sold
            books.events.append(BookEvent(day, S1430, symbol, EventKind.DIVIDEND_TAX, left, left, -1_230))
            books.cash -= 1_230
        books.held = {name: shares for name, shares in books.held.items() if shares}


def _refuse(books: Books, rng: random.Random, day: int, symbol: str, prices: dict[str, int]) -> None:
    if rng.random() < 0.3:
        row = Unfilled(
            day, S1000 + 60 * rng.randrange(9), symbol, Side.BUY, Outcome.REFUSED, 0, 0, 0, Reason.SLOTS_FULL,
            Reason.NONE, "limit_up",
        )  # fmt: skip
        books.refused[day, symbol] = row
        return
    missed = rng.random() < 0.4
    books.unfilled.append(
        Unfilled(
            day, S1000, symbol, Side.BUY, Outcome.MISSED if missed else Outcome.REFUSED,
            1000 if missed else 0, rng.choice((0, 300)) if missed else 0, prices[symbol],
            Reason.CANCEL_AT_TIME if missed else rng.choice((Reason.SLOTS_FULL, Reason.BELOW_ONE_LOT)),
            Reason.LIMIT_UP_TOUCH, "limit_up", {"slots_used": 5, "slots_max": 5},
        )
    )  # fmt: skip


def benchmark_of(books: Books, seed: int = 7) -> Benchmark:
    """Return a random index beside the sessions of the books."""
    rng = random.Random(seed)
    level, closes = 4_000_000, []
    for _ in books.equity:
        level = level * rng.randrange(9_880, 10_125) // 10_000
        closes.append(level)
    return Benchmark("CSI 300", 4_000_000, tuple(closes))


def candles_of(books: Books, seed: int = 5) -> list[Candle]:
    """Return daily bars of every traded stock that hold the prices of its deals."""
    rng = random.Random(seed)
    dealt: dict[tuple[str, int], list[int]] = {}
    for fill in books.fills:
        dealt.setdefault((fill.symbol, fill.day), []).append(fill.price)
    found = []
    for symbol in sorted({fill.symbol for fill in books.fills}):
        close = next(fill.price for fill in books.fills if fill.symbol == symbol)
        for row in books.equity:
            start = close
            close = dealt.get((symbol, row.day), [close * rng.randrange(950, 1055) // 1000 // 10 * 10])[-1]
            spread = [start, close, *dealt.get((symbol, row.day), [])]
            high, low = max(spread) + rng.randrange(0, 200, 10), max(10, min(spread) - rng.randrange(0, 200, 10))
            found.append(Candle(symbol, row.day, 0, start, high, low, close, rng.randrange(10**5, 10**7)))
    return found


def full_result(seed: int = 1, sessions: int = 120, trades: int = 60) -> tuple[BacktestResult, list[Candle]]:
    """Return a result that has everything a report shows, with its candles."""
    books = random_books(seed, sessions, trades)
    days = [row.day for row in books.equity]
    third = len(days) // 3
    coverage = (
        Coverage(days[0], days[third - 1], "daily", 900, 900, "没有分钟线：数据源从后一段才开始", "No minutes: the source starts later."),
        Coverage(days[third], days[2 * third], "minute5", 1800, 1620, "当日股票池有 5 分钟线的部分", "Those of the pool that had 5-minute bars."),
        Coverage(days[2 * third + 1], days[-1], "minute1", 700, 700, "全部有 1 分钟线", "All had 1-minute bars."),
    )  # fmt: skip
    names = {fill.symbol: f"示例{fill.symbol[3:6]}" for fill in books.fills}
    remarks = (
        Remark(
            "ST 状态未知的股票被允许（st_unknown=allow）。",
            "Stocks of unknown ST state were allowed (st_unknown=allow).",
        ),
    )
    result = books.result(benchmark=benchmark_of(books), coverage=coverage, names=names, remarks=remarks)
    return result, candles_of(books)
