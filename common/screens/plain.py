"""The windows of one day in plain NumPy: what the live screener uses, and what the compiled ones are held against."""

import numpy as np

from common.domain.values import Day
from common.screens.cross import I64, Bars, MergedPair, Span, adjusted
from common.screens.fractals import merge
from common.screens.st import Spells, recent_st

_FAR = np.iinfo(np.int64).max


class PlainWindows:
    """Answers from whole tables of bars, sessions x stocks."""

    def __init__(self, day: Day, sessions: Bars, traded: Bars, factor_now: I64, spells: Spells) -> None:
        self._day = day
        self._sessions = sessions
        """The last exchange sessions up to D-1."""
        self._traded = traded
        """The last bars each stock traded up to D-1, the newest in the last row, padded with 0 in front."""
        self._factor_now = factor_now
        """Factor at D-1."""
        self._spells = spells
        self._spans: dict[int, Span] = {}
        self._pairs: dict[int, MergedPair] = {}

    def span(self, sessions: int) -> Span:
        """Return the last exchange sessions up to D-1."""
        if sessions not in self._spans:
            bars = Bars(*(table[-sessions:] for table in self._sessions))
            low = adjusted(bars.low, bars.factor, self._factor_now)
            lowest = np.where(low > 0, low, _FAR).min(axis=0, initial=_FAR)
            self._spans[sessions] = Span(
                high=adjusted(bars.high, bars.factor, self._factor_now).max(axis=0, initial=0),
                low=np.where(lowest < _FAR, lowest, 0),
                traded=(bars.close > 0).sum(axis=0).astype(np.int64),
                turnover=bars.turnover.sum(axis=0),
            )
        return self._spans[sessions]

    def merged(self, bars: int) -> MergedPair:
        """Return the last two merged bars out of the last traded bars up to D-1."""
        if bars not in self._pairs:
            kept = Bars(*(table[-bars:] for table in self._traded))
            self._pairs[bars] = merge(
                adjusted(kept.high, kept.factor, self._factor_now), adjusted(kept.low, kept.factor, self._factor_now)
            )
        return self._pairs[bars]

    def recent_st(self, months: int) -> I64:
        """Return the ST state of the months up to D."""
        return recent_st(self._spells, len(self._factor_now), self._day, months)
