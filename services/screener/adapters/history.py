"""Screens performed on the history folder; what it cannot serve comes back as a sentence, never as an exception."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from common.domain.errors import BadSymbolError, UserError
from common.domain.values import Day
from common.history.cross import cross_of
from common.history.daily import History
from common.history.schema import MANIFEST
from common.messages.outputs import Message
from common.messages.signals import Condition, Explanation, Pool, PoolRow
from common.rules.boards import board_of
from common.screens.cross import Cross
from common.screens.screen import SCREENS, Screened, ScreenParams
from services.screener.calls import DayScreened, ExplainStock, ScreenDay, ScreenFailed, StockExplained

CROSSES_KEPT = 4
"""Cross-sections held in memory: both rules of a day, and the day before."""
_WITHOUT_HISTORY = {"float_value": 0}


def numbers_of(screened: Screened, at: int) -> dict[str, int]:
    """Return the numbers of all conditions of one stock."""
    numbers: dict[str, int] = {}
    for check in screened.conditions:
        numbers |= {name: int(values[at]) for name, values in check.numbers.items()}
    return numbers


def row_of(screened: Screened, at: int) -> PoolRow:
    """Return the pool row of one stock."""
    context = {name: int(values[at]) for name, values in screened.context.items()}
    return PoolRow(screened.symbols[at], screened.names[at], context, numbers_of(screened, at))


def pool_of(screened: Screened) -> Pool:
    """Return the pool of everything that passed, by symbol."""
    rows = tuple(row_of(screened, int(at)) for at in np.flatnonzero(screened.passed))
    return Pool(
        screened.rule,
        screened.day,
        tuple(sorted(rows, key=lambda row: row.symbol)),
        len(screened.symbols),
        screened.unknown_st,
        note="unknown ST state allowed" if _allows_unknown(screened) else "",
    )


def _allows_unknown(screened: Screened) -> bool:
    return any(
        check.name == "no_recent_st" and bool((check.passed & (check.numbers["recent_st"] > 0)).any())
        for check in screened.conditions
    )


def conditions_of(screened: Screened, at: int) -> tuple[Condition, ...]:
    """Return every condition of one stock with its numbers and verdict."""
    return tuple(
        Condition(
            check.name,
            bool(check.passed[at]),
            {name: int(values[at]) for name, values in check.numbers.items()},
        )
        for check in screened.conditions
    )


class HistoryScreens:
    """Performs ScreenDay and ExplainStock."""

    def __init__(self, folder: Path, params: Mapping[str, ScreenParams]) -> None:
        self._folder = folder
        self._params = dict(params)
        self._history: History | None = None
        self._opened: tuple[int, int] = (0, 0)
        self._crosses: dict[tuple[Day, int, int], Cross] = {}

    def perform(self, call: Message) -> Sequence[Message]:
        """Do one call."""
        return [self._guarded(call)] if isinstance(call, ScreenDay | ExplainStock) else []

    def _guarded(self, call: ScreenDay | ExplainStock) -> Message:
        try:
            return self._screen(call) if isinstance(call, ScreenDay) else self._explain(call)
        except BadSymbolError as error:
            return ScreenFailed(call, str(error), unknown_symbol=True)
        except UserError as error:
            return ScreenFailed(call, str(error))

    def _screen(self, call: ScreenDay) -> Message:
        if call.symbols:
            return DayScreened(call, self._injected(call))
        return DayScreened(call, pool_of(self._run(call.rule, call.day)))

    def _injected(self, call: ScreenDay) -> Pool:
        """Return a pool of given symbols, whether they pass or not; without history their numbers are 0."""
        for symbol in call.symbols:
            board_of(symbol, call.day)
        note = "injected symbols, not screened"
        rows: dict[str, PoolRow] = {}
        try:
            screened = self._run(call.rule, call.day)
            at_of = {symbol: at for at, symbol in enumerate(screened.symbols)}
            rows = {symbol: row_of(screened, at_of[symbol]) for symbol in call.symbols if symbol in at_of}
        except UserError as error:
            note = f"{note}; no history: {error}"
        bare = [PoolRow(symbol, "", _WITHOUT_HISTORY, {}) for symbol in call.symbols if symbol not in rows]
        both = sorted((*rows.values(), *bare), key=lambda row: row.symbol)
        return Pool(call.rule, call.day, tuple(both), len(call.symbols), note=note)

    def _explain(self, call: ExplainStock) -> Message:
        board_of(call.symbol, call.day)
        checks: dict[str, tuple[Condition, ...]] = {}
        for rule in self._params:
            screened = self._run(rule, call.day)
            if call.symbol not in screened.symbols:
                raise BadSymbolError(
                    f"{call.symbol} is not in the history of {call.day}: not listed then, or not imported"
                )
            checks[rule] = conditions_of(screened, screened.symbols.index(call.symbol))
        return StockExplained(call, Explanation(call.symbol, call.day, checks))

    def _run(self, rule: str, day: Day) -> Screened:
        params = self._params[rule]
        return SCREENS[rule](self._cross(day, params), params)

    def _cross(self, day: Day, params: ScreenParams) -> Cross:
        history = self._open()
        key = (day, params.sessions, params.st_months)
        if key not in self._crosses:
            while len(self._crosses) >= CROSSES_KEPT:
                del self._crosses[next(iter(self._crosses))]
            self._crosses[key] = cross_of(history, day, params.sessions, params.st_months)
        return self._crosses[key]

    def _open(self) -> History:
        """Open the history, again when it was imported anew since."""
        manifest = self._folder / MANIFEST
        try:
            stat = manifest.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino)
        except OSError:
            stamp = (0, 0)
        if self._history is None or stamp != self._opened:
            self._crosses.clear()
            self._history = None
            self._history = History(self._folder)
            self._opened = stamp
        return self._history
