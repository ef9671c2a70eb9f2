"""What the units are settled by, held against real daily bars."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from services.market_data.adapters.xt_units import SLACK

ROWS_MIN = 1_000_000


@pytest.mark.real_data
def test_the_average_price_of_real_days_fits_one_reading_only(shared_data: Path) -> None:
    bars = pl.read_parquet(shared_data / "daily.parquet", columns=["high", "low", "volume", "amount"])
    bars = bars.filter((pl.col("volume") >= 20_000) & (pl.col("amount") > 0) & (pl.col("low") > 0))
    high, low, volume, amount = (bars[name].to_numpy().astype(np.float64) for name in bars.columns)
    fits = {}
    for reading in (0.01, 1, 100):
        average = amount / (volume * reading)
        fits[reading] = float(((average >= low * (1 - SLACK)) & (average <= high * (1 + SLACK))).mean())
    assert len(bars) > ROWS_MIN
    assert fits[1] > 0.999
    assert fits[0.01] == fits[100] == 0
