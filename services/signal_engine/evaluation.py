"""What happens inside one push: events into the books, the day's opening, bars, quotes, decisions. Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from common.domain.ids import order_key
from common.domain.orders import Action, PriceKind
from common.domain.positions import Ledger
from common.domain.reasons import Reason
from common.domain.values import Day, Phase, PushId, Symbol
from common.messages.columns import Instruments
from common.messages.feed import FeedReader, PushData
from common.messages.fold import fold
from common.messages.header import Trace
from common.messages.market import BarsClosed
from common.messages.orders import EventRow
from common.messages.outputs import Drop, Output, Publish, Save
from common.messages.signals import Signal
from common.messages.topics import DECISION
from common.strategies.contract import ENTER, Decision, Position
from common.strategies.host import ExRatio, RuleHost, check_name
from services.signal_engine.broken import Broken
from services.signal_engine.checks import Checks
from services.signal_engine.pools import Pools
from services.signal_engine.wake import FIVE_MINUTES, Woken, mask_of, wake_bars, wake_quotes

LAST_LABEL_S = 53_700
"""14:55: no bar that ends later is decided on."""
SIGNALS_MAX = 150
"""Decisions of one push: what fits into one message of an order socket, and far more than there are slots."""
NOT_HELD = Position(0, 0, 0, 0, 0)
_STEPS = {"snapshot": False, "bar5": True}


class Evaluation:
    """The books and the rules, moved forward push by push."""

    def __init__(self, hosts: Sequence[RuleHost], reader: FeedReader, checks: Checks, broken: Broken) -> None:
        self.ledger = Ledger()
        self.put_off: list[BarsClosed] = []
        """Bars that closed in the lunch break, decided on when trading continues."""
        self.given_up = 0
        """Decisions that were too many for one push."""
        self._hosts = tuple(hosts)
        self._bar_hosts = tuple(host for host in hosts if _STEPS[host.rule.STEP])
        self._quote_hosts = tuple(host for host in hosts if not _STEPS[host.rule.STEP])
        self._reader = reader
        self._checks = checks
        self._broken = broken
        self._masks: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None = None
        self._masks_of: tuple[int, ...] = ()

    @property
    def gap(self) -> PushId:
        """Return the push of today before which steps were lost; 0 = none."""
        return max((host.gap for host in self._hosts), default=0)

    def take_in(self, data: PushData, rows: Sequence[EventRow]) -> None:
        """Make a push the current one: its day, the events up to it. Its quotes are taken in by `decide`."""
        # The table of all stocks is the player's; here only the rows that are watched are kept up.
        self._reader.apply(data._replace(batches=()))
        for row in rows:
            if row.push < data.push:
                fold(self.ledger, row.event)
        # What was filled in this very push was not held yet when its bars closed.
        self._sync()
        for row in rows:
            if row.push >= data.push:
                fold(self.ledger, row.event)

    def _sync(self) -> None:
        for host in self._hosts:
            host.sync(s for s, holding in self.ledger.positions.items() if holding.rule == host.rule.NAME)

    # ------------------------------------------------------------------ days

    def open_day(self, day: Day, pools: Pools) -> list[Output]:
        """Begin a day with its pools and ex-days."""
        instruments = self._instruments()
        ratios = _ex_ratios(instruments)
        outputs: list[Output] = []
        for host in self._hosts:
            rule = host.rule.NAME
            outputs += [Drop(f"memory|{rule}|{symbol}") for symbol in host.start_day(day, pools.rows(rule), ratios)]
        outputs += [Drop(f"bars|{at}") for at in range(len(self.put_off))]
        self.put_off.clear()
        self._masks = None
        return [*outputs, *pools.settle(day)]

    def _instruments(self) -> Instruments:
        assert self._reader.instruments is not None, "the feed gives no push before its day"
        return self._reader.instruments

    # ------------------------------------------------------------------ steps

    def decide(self, data: PushData, trace: Trace) -> tuple[list[Output], list[Signal], list[Output]]:
        """Return what is to be written, the decisions (exits first), and what is said of them."""
        end, writes = data.end, list[Output]()
        trading = end.phase is Phase.CONTINUOUS
        if data.gap and end.phase >= Phase.CONTINUOUS:
            for host in self._hosts:
                host.on_gap(end.push)
        made: list[Signal] = []
        for host, woken in self._woken(data, trading, writes):
            signal = self._step(host, woken, end.push, writes)
            if signal is not None:
                made.append(signal)
        if end.last_of_day:
            for host in self._hosts:
                writes += self._checks.close_day(host)
        made.sort(key=lambda s: (s.action is Action.ENTER, s.time_ms, s.float_value, s.symbol))
        self._give_up(made[SIGNALS_MAX:])
        del made[SIGNALS_MAX:]
        for signal in made:
            writes += self._checks.decided(signal)
        return writes, made, [Publish(DECISION, signal, signal.key, trace) for signal in made]

    def _give_up(self, surplus: Sequence[Signal]) -> None:
        """Count decisions behind the last place as denied: they may be made again at the next touch."""
        self.given_up += len(surplus)
        for signal in surplus:
            host = next(host for host in self._hosts if signal.rule == host.rule.NAME)
            second = signal.time_ms // 1000
            host.on_verdict(signal.symbol, host.day, signal.action, signal.reason, second, accepted=False)

    def _woken(self, data: PushData, trading: bool, writes: list[Output]) -> list[tuple[RuleHost, Woken]]:
        """Return the steps of a push, bars first; outside of continuous trading there is none."""
        quotes, bars = self._watch()
        instruments, table = self._instruments(), self._reader.table
        assert table is not None, "the feed gives no push before its day"
        found: list[tuple[RuleHost, Woken]] = []
        for closed in self._bars(data, trading, writes):
            steps = wake_bars(closed, bars, instruments)
            found += [(host, woken) for woken in steps for host in self._bar_hosts if host.knows(woken.symbol)]
        steps = wake_quotes(data.batches, quotes, instruments, table, steps=trading)
        found += [(host, woken) for woken in steps for host in self._quote_hosts if host.knows(woken.symbol)]
        return found

    def _bars(self, data: PushData, trading: bool, writes: list[Output]) -> list[BarsClosed]:
        """Return the bars to decide on; those of the lunch break are put off until trading continues."""
        mine = [bars for bars in data.bars if bars.period_s == FIVE_MINUTES and bars.label_s <= LAST_LABEL_S]
        if not self._bar_hosts or not (mine or self.put_off):
            return []
        if trading:
            due = [*self.put_off, *mine]
            writes += [Drop(f"bars|{at}") for at in range(len(self.put_off))]
            self.put_off.clear()
            return due
        if data.end.phase is Phase.LUNCH:
            writes += [Save(f"bars|{at}", bars) for at, bars in enumerate(mine, len(self.put_off))]
            self.put_off += mine
        return []

    def _watch(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return the masks of watched stocks for quotes and for bars."""
        versions = (self._instruments().day, *(host.version for host in self._hosts))
        if self._masks is None or versions != self._masks_of:
            instruments = self._instruments()
            quotes = mask_of(instruments, (s for host in self._quote_hosts for s in host.watched()))
            bars = mask_of(instruments, (s for host in self._bar_hosts for s in host.watched()))
            self._masks, self._masks_of = (quotes, bars), versions
        return self._masks

    def _step(self, host: RuleHost, woken: Woken, push: PushId, writes: list[Output]) -> Signal | None:
        symbol = woken.symbol
        holding = self.ledger.positions.get(symbol)
        position, taken = NOT_HELD, holding is not None
        if holding is not None and holding.rule == host.rule.NAME:
            position = Position(holding.shares, holding.sellable, holding.cost, 0, holding.sessions_held)
            taken = False
        try:
            decision = host.on_step(symbol, woken.step, position, taken=taken)
        except Exception as error:  # whatever a rule raises is the rule's: the others go on
            writes += self._broken.failed(host, symbol, woken.step, error)
            return None
        self._broken.worked(host, symbol)
        signal = self._signal(host, woken, push, decision) if decision is not None else None
        writes += self._checks.looked(host, symbol, signal.key if signal is not None else "")
        return signal

    def _signal(self, host: RuleHost, woken: Woken, push: PushId, decision: Decision) -> Signal:
        day = self._instruments().day
        return Signal(
            key=order_key(host.rule.NAME, day, woken.symbol, check_name(decision), host.attempt(woken.symbol)),
            rule=host.rule.NAME,
            symbol=woken.symbol,
            push=push,
            ts_ns=woken.step.ts_ns,
            action=Action(decision.action),
            fraction_bp=decision.fraction_bp,
            price=PriceKind(decision.price),
            cancel_at_s=decision.cancel_at_s if decision.action == ENTER else 0,
            reason=Reason(decision.reason),
            float_value=self._float_value(host, woken),
            time_ms=woken.time_ms,
        )

    def _float_value(self, host: RuleHost, woken: Woken) -> int:
        instruments = self._instruments()
        shares = int(instruments.float_shares[woken.at])
        # Where today's table does not know the float, the pool row does.
        return int(instruments.prev_close[woken.at]) * shares or int(host.last[woken.symbol].context.float_value)


def _ex_ratios(instruments: Instruments) -> dict[Symbol, ExRatio]:
    """Return what today does to prices of before, by stock that goes ex."""
    raw, reference = instruments.raw_prev_close, instruments.prev_close
    rows = np.flatnonzero((raw != reference) & (raw > 0) & (reference > 0)).tolist()
    return {instruments.symbols[row]: ExRatio(int(reference[row]), int(raw[row])) for row in rows}
