"""ST spells of an import beside those that are there: within its days the new ones count, around them the old ones."""

import polars as pl

from common.history import schema
from common.history.store import polars_schema


def _morning(day: str) -> pl.Expr:
    """Return 08:00 of a day: before its open."""
    return pl.col(day).cast(pl.Int64) * 10_000 + 800


def merged_spells(old: pl.DataFrame, new: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """Return all spells.

    Args:
        old: `schema.ST` as it is.
        new: `schema.ST` of the import; a spell that lasts to its end is open.
        spans: symbol, first, last (days of the import), ended (last day of history before it, null = none), next_old
            (first day of history after it, null = none).
    """
    marked = old.join(spans, on="symbol", how="left")
    untouched = marked.filter(pl.col("first").is_null() | (pl.col("first_day") > pl.col("last")))
    overlaps = (pl.col("last_day") == 0) | (pl.col("last_day") >= pl.col("first"))
    before = marked.filter(pl.col("first_day") < pl.col("first")).with_columns(
        last_day=pl.when(overlaps).then(pl.coalesce("ended", pl.col("first") - 1)).otherwise("last_day"),
        end_known_at=pl.when(overlaps).then(_morning("first")).otherwise("end_known_at"),
    )
    goes_on = (pl.col("last_day") == 0) | (pl.col("last_day") >= pl.col("next_old"))
    after = marked.filter(
        pl.col("next_old").is_not_null() & (pl.col("first_day") <= pl.col("last")) & goes_on
    ).with_columns(first_day="next_old", known_at=_morning("next_old"))
    ends = new.join(spans, on="symbol", how="left").with_columns(
        cut=(pl.col("last_day") == 0) & pl.col("next_old").is_not_null()
    )
    closed = ends.with_columns(
        last_day=pl.when("cut").then("last").otherwise("last_day"),
        end_known_at=pl.when("cut").then(_morning("next_old")).otherwise("end_known_at"),
    )
    kinds = polars_schema(schema.ST)
    parts = [
        part.select(pl.col(name).cast(kind) for name, kind in kinds.items())
        for part in (closed, after, untouched, before)
    ]
    return pl.concat(parts).unique(["symbol", "first_day"], keep="first", maintain_order=True)
