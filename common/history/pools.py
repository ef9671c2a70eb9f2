"""Pools and explanations out of a folder of history: the running screener and the command line ask here."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from common.domain.errors import BadSymbolError, HistoryError, UserError
from common.domain.values import Day, Symbol
from common.history.cross import cross_of
from common.history.daily import History
from common.history.schema import MANIFEST
from common.messages.signals import Condition, Explanation, Pool, PoolRow
from common.rules.boards import board_of
from common.screens.cross import Cross
from common.screens.screen import FLOAT_VALUE, Screen, Screened, run_screen

CROSSES_KEPT = 4
"""Cross-sections held in memory: all rules of a day, and the days before."""


def row_of(screened: Screened, at: int) -> PoolRow:
    """Return the pool row of one stock."""
    context = {name: int(values[at]) for name, values in screened.context().items()}
    numbers = {name: int(values[at]) for name, values in screened.numbers.items()}
    return PoolRow(screened.symbols[at], screened.names[at], context, numbers)


def pool_of(screened: Screened) -> Pool:
    """Return the pool of everything that passed, by symbol; one that is not ready where the day's data has a hole."""
    if screened.lacks:
        return Pool(screened.screen.name, screened.day, (), screened.universe, note=screened.lacks, ready=False)
    rows = tuple(row_of(screened, int(at)) for at in np.flatnonzero(screened.passed))
    return Pool(
        screened.screen.name,
        screened.day,
        tuple(sorted(rows, key=lambda row: row.symbol)),
        screened.universe,
        screened.unknown_st,
        unknown_st_allowed=screened.screen.allows_unknown_st,
        unknown_st_in=screened.unknown_st_in,
    )


def conditions_of(screened: Screened, at: int) -> tuple[Condition, ...]:
    """Return every condition of one stock with its numbers, its limits and its verdict."""
    return tuple(
        Condition(
            verdict.check.label,
            bool(verdict.passed[at]),
            {name: int(values[at]) for name, values in verdict.numbers.items()} | verdict.check.limits(),
        )
        for verdict in screened.verdicts
    )


class Pools:
    """The screens over one folder, opened when first asked and again when it was imported anew."""

    def __init__(self, folder: Path, screens: Mapping[str, Screen]) -> None:
        self._folder = folder
        self._screens = dict(screens)
        self._history: History | None = None
        self._opened: tuple[int, int] = (0, 0)
        self._crosses: dict[Day, Cross] = {}

    def pool(self, rule: str, day: Day) -> Pool:
        """Return the pool of a day; raises `UserError` where history cannot serve it."""
        return pool_of(self._run(rule, day))

    def injected(self, rule: str, day: Day, symbols: Sequence[Symbol]) -> Pool:
        """Return a pool of given symbols, whether they pass or not; without history their numbers are 0."""
        for symbol in symbols:
            board_of(symbol, day)
        note = "injected symbols, not screened"
        rows: dict[str, PoolRow] = {}
        try:
            screened = self._run(rule, day)
            at_of = {symbol: at for at, symbol in enumerate(screened.symbols)}
            rows = {symbol: row_of(screened, at_of[symbol]) for symbol in symbols if symbol in at_of}
        except UserError as error:
            note = f"{note}; no history: {error}"
        bare = [PoolRow(symbol, "", {FLOAT_VALUE: 0}, {}) for symbol in symbols if symbol not in rows]
        both = sorted((*rows.values(), *bare), key=lambda row: row.symbol)
        return Pool(rule, day, tuple(both), len(symbols), note=note)

    def explain(self, symbol: Symbol, day: Day) -> Explanation:
        """Return every condition of every screen for one stock; raises `BadSymbolError` where it was not listed."""
        board_of(symbol, day)
        checks: dict[str, tuple[Condition, ...]] = {}
        lacks = ""
        for rule in self._screens:
            screened = self._run(rule, day)
            if symbol not in screened.symbols:
                raise BadSymbolError(f"{symbol} is not in the history of {day}: not listed then, or not imported")
            checks[rule] = conditions_of(screened, screened.symbols.index(symbol))
            lacks = lacks or screened.lacks
        return Explanation(symbol, day, checks, f"no pool was published: {lacks}" if lacks else "")

    def history(self) -> History:
        """Return the history, opened again when it was imported anew since."""
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

    def _run(self, rule: str, day: Day) -> Screened:
        screen, cross = self._screens[rule], self._cross(day)
        if screen.sessions > cross.sessions:
            raise HistoryError(cross.hole)
        return run_screen(screen, cross)

    def _cross(self, day: Day) -> Cross:
        history = self.history()
        if day not in self._crosses:
            while len(self._crosses) >= CROSSES_KEPT:
                del self._crosses[next(iter(self._crosses))]
            sessions = max(screen.sessions for screen in self._screens.values())
            self._crosses[day] = cross_of(history, day, sessions, least=1)
        return self._crosses[day]
