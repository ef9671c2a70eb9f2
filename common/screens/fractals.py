"""Merging of inclusion (包含) over bars, for all stocks at once, one bar after the other."""

import numpy as np

from common.screens.cross import I64, MergedPair


def merge(high: I64, low: I64) -> MergedPair:
    """Merge bars (bars x stocks, 0 = none) and return the last two merged ones.

    Everything before the first pair that does not include is dropped. A bar that includes the last merged one, or is
    included by it, is merged into it: with the higher high and low when the pair before rose, the lower ones when it
    fell.
    """
    stocks = high.shape[1]
    k1_high, k1_low, k2_high, k2_low = (np.zeros(stocks, np.int64) for _ in range(4))
    paired = np.zeros(stocks, bool)
    for bar_high, bar_low in zip(high, low, strict=True):
        real = bar_high > 0
        includes = ((bar_high >= k2_high) & (bar_low <= k2_low)) | ((bar_high <= k2_high) & (bar_low >= k2_low))
        merges = real & includes & paired
        rose = k2_high > k1_high
        opens = real & ~includes & (k2_high > 0)
        k1_high, k1_low = np.where(opens, k2_high, k1_high), np.where(opens, k2_low, k1_low)
        merged_high = np.where(rose, np.maximum(k2_high, bar_high), np.minimum(k2_high, bar_high))
        merged_low = np.where(rose, np.maximum(k2_low, bar_low), np.minimum(k2_low, bar_low))
        k2_high = np.where(merges, merged_high, np.where(real, bar_high, k2_high))
        k2_low = np.where(merges, merged_low, np.where(real, bar_low, k2_low))
        paired |= opens
    return MergedPair(paired, k1_high, k1_low, k2_high, k2_low)
