"""Within the days of an import its ST spells count, around them the old ones."""

from typing import Any

import polars as pl
import pytest

from common.history import schema
from common.history.importing_spells import merged_spells
from common.history.store import polars_schema

A, B = "000001.SZ", "600000.SH"


def spells(*rows: tuple[str, int, int]) -> pl.DataFrame:
    made = [
        {
            "symbol": symbol,
            "first_day": first,
            "last_day": last,
            "state": 1,
            "known_at": first * 10_000 + 800,
            "end_known_at": last,
        }
        for symbol, first, last in rows
    ]
    return pl.DataFrame(made, schema=polars_schema(schema.ST))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([(A, 20260105, 0)], [(A, 20260203, 0)], [(A, 20260105, 20260130), (A, 20260203, 20260227), (A, 20260302, 0)]),
        ([(A, 20260105, 0)], [], [(A, 20260105, 20260130), (A, 20260302, 0)]),
        ([(A, 20260210, 20260212)], [], []),
        ([(A, 20260210, 20260310)], [], [(A, 20260302, 20260310)]),
        ([(A, 20260105, 20260120)], [(A, 20260203, 20260205)], [(A, 20260105, 20260120), (A, 20260203, 20260205)]),
        ([(A, 20260401, 0), (B, 20260105, 0)], [], [(A, 20260401, 0), (B, 20260105, 0)]),
    ],
)
def test_an_import_of_february(old: list[Any], new: list[Any], expected: list[Any]) -> None:
    spans = pl.DataFrame(
        {"symbol": [A], "first": [20260202], "last": [20260227], "ended": [20260130], "next_old": [20260302]},
        schema_overrides={"first": pl.Int32, "last": pl.Int32, "ended": pl.Int32, "next_old": pl.Int32},
    )
    made = merged_spells(spells(*old), spells(*new), spans)
    assert sorted(made.select("symbol", "first_day", "last_day").rows()) == expected
    ends = dict(made.filter(pl.col("symbol") == A).select("first_day", "end_known_at").rows())
    if (A, 20260105, 20260130) in expected:
        assert ends[20260105] == 202602020800, "known to be over on the first morning of the import"
