"""Chance in whole numbers: the same seed gives the same market on every platform and with every version of numpy.

Only the generator's own integers are drawn. Logarithms, exponentials and normal draws differ in their last bit between
builds; here the bell is a sum of dice, and money is never a float.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
E6 = 1_000_000
_DICE = 4
_DIE = 1 << 20
_BELL_SPREAD = 605_416
"""Standard deviation of the sum of four dice: 2^20 x sqrt(4 / 12)."""


class Draws:
    """A stream of random whole numbers."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.Generator(np.random.PCG64(seed))

    def whole(self, low: int, high: int) -> int:
        """Draw a number from `low` up to, not including, `high`."""
        return int(self._generator.integers(low, high))

    def wholes(self, low: int, high: int, shape: int | tuple[int, ...]) -> I64:
        """Draw an array of numbers from `low` up to, not including, `high`."""
        return self._generator.integers(low, high, shape, dtype=np.int64)

    def happens(self, chance_e6: int) -> bool:
        """Draw whether something of this chance (in millionths) happens."""
        return self.whole(0, E6) < chance_e6

    def bell(self) -> int:
        """Draw from a bell around 0 with a standard deviation of 1,000,000; never beyond 3.5 of them."""
        return int(self.bells(1)[0])

    def bells(self, shape: int | tuple[int, ...]) -> I64:
        """Draw an array of such numbers."""
        sizes = (shape,) if isinstance(shape, int) else shape
        dice = self._generator.integers(0, _DIE, (_DICE, *sizes), dtype=np.int64).sum(axis=0)
        scaled: I64 = (dice - _DICE * _DIE // 2) * E6 // _BELL_SPREAD
        return scaled

    def quantile(self, table: Sequence[int]) -> int:
        """Draw from a distribution given by equally spaced quantiles, straight lines between them."""
        at, part = divmod(self.whole(0, (len(table) - 1) * E6), E6)
        return table[at] + (table[at + 1] - table[at]) * part // E6

    def sizes(self, shape: int | tuple[int, ...]) -> I64:
        """Draw sizes of trades, x 1,000: many small ones, a few large ones, 1,000 on average."""
        return _SIZES[self.wholes(0, len(_SIZES), shape)]


_SIZES = np.array([100, 150, 200, 250, 320, 400, 480, 560, 660, 780, 920, 1_100, 1_350, 1_750, 2_500, 4_480], np.int64)
