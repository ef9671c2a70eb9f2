"""What is looked at before sessions are appended."""

import polars as pl
import pytest

from common.domain.errors import SourceError
from common.history import schema
from common.history.sources.doubts import doubts
from common.history.store import polars_schema


def rows(volume: int, turnover: int, high: int = 10_100, count: int = 40) -> list[dict[str, object]]:
    return [
        {**dict.fromkeys(schema.DAILY, 0), "day": 20260105, "symbol": f"{600000 + at}.SH", "prev_close": 10_000,
         "up_limit": 11_000, "down_limit": 9_000, "suspended": False, "open": 10_000, "high": high, "low": 9_990,
         "close": 10_000, "volume": volume, "turnover": turnover}
        for at in range(count)
    ]  # fmt: skip


def frame(made: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(made, schema=polars_schema(schema.DAILY))


def test_sound_rows_raise_no_doubt() -> None:
    assert doubts(frame(rows(1_000, 10_000_000)), "vendor") == {}


@pytest.mark.parametrize(("volume", "turnover", "words"), [(10, 10_000_000, "lots"), (1_000, 10_000, "thousands")])
def test_other_units_are_refused(volume: int, turnover: int, words: str) -> None:
    with pytest.raises(SourceError, match=rf"vendor: its .* looks like {words}.*pankou data probe vendor"):
        doubts(frame(rows(volume, turnover)), "vendor")


def test_single_odd_rows_are_counted() -> None:
    odd = rows(1_000, 10_000_000, high=12_000, count=1) + rows(10, 10_000_000, count=1)
    made = rows(1_000, 10_000_000) + [{**row, "symbol": f"00000{at}.SZ"} for at, row in enumerate(odd, 1)]
    assert doubts(frame(made), "vendor") == {"prices beyond the day's limits (kept)": 1}
