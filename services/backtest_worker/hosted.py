"""A rule stepped bar by bar through the same host as live, over the desk: what backtrader drives, and the plain engine."""

from collections.abc import Iterable, Sequence
from typing import Any

from common.domain.calendar import NS, clock, ts_of
from common.domain.errors import UserError
from common.domain.reasons import Reason
from common.domain.values import Symbol
from common.strategies.contract import ENTER, Decision, Position, Rule, Step
from common.strategies.host import ExRatio, RuleHost
from services.backtest_worker.bars import LAST_LABEL_S, Bar, DayBars, context_of
from services.backtest_worker.desk import Desk


class Hosted:
    """One rule, one desk."""

    def __init__(self, rule: Rule, params: Any, desk: Desk, symbols: Sequence[Symbol]) -> None:
        self.host = RuleHost(rule, params)
        self.desk = desk
        self._symbols = symbols
        self._index = {symbol: at for at, symbol in enumerate(symbols)}
        self._at = -1
        """The bar in work."""
        self._running: dict[int, tuple[int, int, int]] = {}
        """Open, high and low of the day so far, by stock; from the first bar that traded."""

    def open_day(self, day: DayBars) -> None:
        """Begin a session."""
        self.desk.open_day(day)
        self._running.clear()
        self._sync()
        fields = self.host.rule.Context._fields
        rows = {self._symbols[stock]: context_of(day, at, fields) for at, stock in enumerate(day.pool.stocks.tolist())}
        raw, reference = day.facts.raw_prev_close, day.facts.prev_close
        moved = ((raw != reference) & (raw > 0) & (reference > 0)).nonzero()[0].tolist()
        ratios = {self._symbols[at]: ExRatio(int(reference[at]), int(raw[at])) for at in moved}
        self.host.start_day(day.day, rows, ratios)

    def trade(self, at: int) -> None:
        """Let the orders decided before meet bar `at`."""
        self.desk.cancel_due(at)
        self.desk.match(at)

    def decide(self, at: int, bars: Iterable[tuple[int, Bar]]) -> None:
        """Step the rule through the closed bar `at`; `bars` of every stock that has one, in the order of stocks."""
        desk = self.desk
        self._sync()
        desk.work(at)
        label = desk.day.labels[at]
        self._at = at
        made: list[tuple[int, Decision]] = []
        for stock, bar in bars:
            self._run(stock, bar)
            symbol = self._symbols[stock]
            if label <= LAST_LABEL_S and self.host.knows(symbol):
                decision = self._asked(symbol, self._step(stock, bar, at), desk.position(stock, 0))
                if decision is not None:
                    made.append((stock, decision))
        for stock, decision in [each for each in made if each[1].action != ENTER]:
            self._verdict(stock, decision, label, desk.exit(stock, decision, at))
        entries = [each for each in made if each[1].action == ENTER]
        for stock, decision in sorted(entries, key=lambda each: (self._float_value(each[0]), each[0])):
            self._verdict(stock, decision, label, desk.enter(stock, decision, at) is Reason.NONE)

    def _asked(self, symbol: Symbol, step: Step, position: Position) -> Decision | None:
        try:
            return self.host.on_step(symbol, step, position)
        except Exception as error:  # whatever a rule raises is the rule's, and the bar is what its author needs
            raise UserError(
                f"the rule {self.host.rule.NAME} fails on {symbol}, {self.desk.day.day} {clock(step.second_of_day)}: "
                f"{type(error).__name__}: {error}"
            ) from error

    def close_day(self) -> None:
        """End a session."""
        self.desk.close_day()

    def _sync(self) -> None:
        self.host.sync(self.desk.ledger.positions)

    def _verdict(self, stock: int, decision: Decision, second: int, accepted: bool) -> None:
        day = self.desk.day.day
        self.host.on_verdict(self._symbols[stock], day, decision.action, decision.reason, second, accepted=accepted)

    def _run(self, stock: int, bar: Bar) -> None:
        if bar.volume <= 0:
            return
        auction = int(self.desk.day.facts.auction[stock])
        opened, high, low = self._running.get(stock, (auction or bar.open, auction or bar.high, auction or bar.low))
        self._running[stock] = (opened, max(high, bar.high), min(low, bar.low))

    def _step(self, stock: int, bar: Bar, at: int) -> Step:
        day = self.desk.day
        label, facts = day.labels[at], day.facts
        auction = int(facts.auction[stock])
        opened, high, low = self._running.get(stock, (auction, auction, auction))
        return Step(
            ts_of(day.day, 0) + label * NS, label, bar.close, bar.high, bar.low, opened, high, low,
            int(facts.prev_close[stock]), int(facts.up_limit[stock]), int(facts.down_limit[stock]),
            bar.volume, bar.turnover, at == 0, False,
        )  # fmt: skip

    def _float_value(self, stock: int) -> int:
        return float_value(self.desk.day, stock)


def float_value(day: DayBars, stock: int) -> int:
    """Return what decides between entries of one bar: reference price x float shares, 0.001 yuan."""
    return int(day.facts.prev_close[stock]) * int(day.facts.float_shares[stock])
