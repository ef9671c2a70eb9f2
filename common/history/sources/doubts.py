"""What is looked at before completed sessions are appended: units refuse them, single rows are told and kept. Pure."""

import polars as pl

from common.domain.errors import SourceError
from common.history import check_rules as rules
from common.history.check_rules import Rule

UNITS_PERCENT = 5
"""More traded rows than this with volumes in lots or turnovers in thousands: the vendor changed its units."""
UNITS: dict[str, Rule] = {
    "its volume looks like lots of 100 shares": rules.lots_for_shares,
    "its turnover looks like thousands of yuan": rules.turnover_unit,
}
SINGLE: dict[str, Rule] = {
    "prices beyond the day's limits (kept)": rules.outside_limits,
    "average prices outside low and high (kept)": rules.average_outside,
}


def doubts(daily: pl.DataFrame, source: str) -> dict[str, int]:
    """Return how many rows look odd, by what is odd; raises `SourceError` when a vendor's units are not as assumed."""
    rows = daily.filter(pl.col("volume") > 0).with_columns(ord=pl.lit(0, pl.Int64))
    for words, rule in UNITS.items():
        count = rule(rows).height
        if count * 100 > rows.height * UNITS_PERCENT:
            raise SourceError(
                f"{source}: {words} on {count} of {rows.height} rows; nothing of it is kept. "
                f"Ask it what it gives now: pankou data probe {source}"
            )
    return {words: count for words, rule in SINGLE.items() if (count := rule(rows).height)}
