"""Daily rows of other people into the tables of history; pure: frames in, frames out.

Suspended days are filled in, limits come from the rulebook where none were published, and ST spells, ex-days, share
capital and breaks are found.

Factors: `factor_e9` is 1 on the first row after each break and grows with every ex-day, so that no row knows of a later
event. Its steps are those of the source's own factor within one series; between series, and where a source has none,
previous close / reference price. Where neither is known, or sessions are missing, the rows do not go on: a break.
"""

from typing import NamedTuple

import polars as pl

from common.history import schema
from common.history.limits import boards, rule_limits
from common.history.store import polars_schema

NO_ST, IN_ST, UNKNOWN_ST = 0, 1, 2
LONG_AGO = 19900101

RAW: dict[str, pl.DataType] = {
    "day": pl.Int32(),
    "symbol": pl.String(),
    "open": pl.Int32(),  # prices in 0.001 yuan, null or 0 = none; a suspended day carries the last close or none
    "high": pl.Int32(),
    "low": pl.Int32(),
    "close": pl.Int32(),
    "prev_close": pl.Int32(),  # reference price after ex-rights; null = unknown
    "volume": pl.Int64(),
    "turnover": pl.Int64(),  # 0.001 yuan; null = unknown
    "float_shares": pl.Int64(),  # null = unknown
    "float_published": pl.Boolean(),  # false: worked out of the day's own volume and turnover rate
    "total_shares": pl.Int64(),
    "up_limit": pl.Int32(),
    "down_limit": pl.Int32(),
    "limits_published": pl.Boolean(),  # true and null = no limit that day
    "factor": pl.Float64(),  # the source's adjustment factor, any anchor; null = unknown
    "st": pl.Int8(),  # NO_ST, IN_ST or UNKNOWN_ST
    "suspended": pl.Boolean(),
    "series": pl.Int16(),  # rows of different series share no anchor of their factors
}
"""Rows as readers of files give them: our units, one row a stock and day."""


BEFORE = ("symbol", "day", "close", "factor_e9", "float_shares", "st")


class Facts(NamedTuple):
    """What is known beside the rows."""

    calendar: pl.DataFrame
    """day, ord: trading days and their number."""
    listings: pl.DataFrame
    """symbol, listed_day, listed_ord (session of the listing), through_ord (last session to have rows, null = any)."""
    covered: pl.DataFrame
    """suffix, ord: sessions on which the source has rows of an exchange and leaves suspended stocks out."""
    before: pl.DataFrame
    """symbol, day, close, factor_e9, float_shares, st: the last row of history before the first new one."""


class Tables(NamedTuple):
    """Rows for the tables of history."""

    daily: pl.DataFrame
    ex_events: pl.DataFrame
    st: pl.DataFrame
    shares: pl.DataFrame
    breaks: pl.DataFrame


def no_rows_before() -> pl.DataFrame:
    """Return `Facts.before` of an empty history."""
    kinds = polars_schema(schema.DAILY) | {"st": pl.Int8()}
    return pl.DataFrame(schema={name: kinds[name] for name in BEFORE})


def tables_of(raw: pl.DataFrame, facts: Facts) -> Tables:
    """Return the tables that raw rows of some stocks make, every stock with all its rows."""
    rows = _chained(_filled(raw, facts), facts)
    rows = _limits(rows)
    return Tables(_daily(rows), _ex_events(rows), _spells(rows, facts), _capital(rows), _breaks(rows))


# ---------------- suspended days that a source leaves out


def _filled(raw: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Add a suspended row where a source that leaves these out has other stocks of the exchange."""
    rows = raw.select(list(RAW)).join(facts.calendar, on="day", how="left").sort("symbol", "day")
    rows = rows.join(facts.listings, on="symbol", how="left", maintain_order="left")
    last = (pl.col("symbol") != pl.col("symbol").shift(-1)).fill_null(value=True)
    stop = (
        pl.when(last)
        .then(pl.col("through_ord") + 1)
        .when(pl.col("series") == pl.col("series").shift(-1))
        .then(pl.col("ord").shift(-1))
    )
    holes = rows.select("symbol", "series", start=pl.col("ord") + 1, stop=stop)
    begins = rows.group_by("symbol", maintain_order=True).agg(pl.col("series").first(), stop=pl.col("ord").first())
    begins = begins.join(facts.before.join(facts.calendar, on="day"), on="symbol")
    ahead = begins.select("symbol", "series", "stop", start=pl.col("ord") + 1, old_st="st")
    both = pl.concat([holes.cast({"stop": pl.Int32}), ahead], how="diagonal")
    return _inserted(rows, both.filter(pl.col("stop") > pl.col("start")), facts)


def _inserted(rows: pl.DataFrame, holes: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Insert suspended rows into holes (symbol, series, sessions from `start` to before `stop`, ST state before)."""
    missing = (
        holes.with_columns(ord=pl.int_ranges("start", "stop"), suffix=pl.col("symbol").str.slice(-2))
        .explode("ord")
        .with_columns(pl.col("ord").cast(pl.Int32))
        .join(facts.covered, on=["suffix", "ord"], how="semi")
        .join(facts.calendar, on="ord", how="left")
    )
    if not len(missing):
        return rows
    added = missing.select(
        "symbol", "series", "ord", "day", "old_st", suspended=pl.lit(value=True), added=pl.lit(value=True)
    )
    both = pl.concat([rows.with_columns(added=False), added], how="diagonal").sort("symbol", "day")
    both = both.with_columns(real=pl.when(~pl.col("added")).then(pl.int_range(pl.len())))
    before = pl.col("real").forward_fill().over("symbol")
    both = both.with_columns(before=before).with_columns(near=pl.col("before").backward_fill().over("symbol"))
    return both.with_columns(
        *(pl.col(name).gather(pl.col("before")) for name in ("total_shares", "factor")),
        *(pl.col(name).gather(pl.col("near")) for name in ("limits_published", "listed_day", "listed_ord")),
        pl.col("float_published").gather(pl.col("near")),
        pl.coalesce("old_st", pl.col("st").gather(pl.col("near"))).alias("st"),
    )


# ---------------- where rows go on, and by what factor


def _chained(rows: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Add `raw_before` (raw close before), `break` and `factor_e9`; fill float shares and reference prices onward."""
    first = (pl.col("symbol") != pl.col("symbol").shift()).fill_null(value=True)
    before = facts.before.join(facts.calendar, on="day", how="left").select(
        "symbol", old_ord="ord", old_close="close", old_factor="factor_e9", old_shares="float_shares"
    )
    rows = rows.join(before, on="symbol", how="left", maintain_order="left").with_columns(first=first)
    goes_on = pl.when(pl.col("first") & (pl.col("old_ord") == pl.col("ord") - 1)).then("old_close")
    close = pl.when(pl.col("close") > 0).then("close").otherwise(goes_on)
    rows = rows.with_columns(
        raw_before=pl.when("first").then(goes_on).otherwise(close.forward_fill().over("symbol").shift()),
        known=pl.when("first").then(pl.col("old_ord").is_not_null()).otherwise(statement=True),
        gap=pl.when("first").then(pl.col("ord") - pl.col("old_ord") > 1).otherwise(pl.col("ord").diff() > 1),
    )
    own = pl.when(~pl.col("first") & (pl.col("series") == pl.col("series").shift())).then(
        pl.col("factor") / pl.col("factor").shift()
    )
    priced = (pl.col("prev_close") > 0) & (pl.col("raw_before") > 0)
    stays = pl.col("suspended") & pl.col("prev_close").is_null()
    by_price = pl.when(priced).then(pl.col("raw_before") / pl.col("prev_close")).when(stays).then(1.0)
    rows = rows.with_columns(step=pl.coalesce(own, by_price))
    rows = rows.with_columns(
        **{"break": (pl.col("known") & (pl.col("gap") | pl.col("step").is_null())).fill_null(value=False)}
    )
    anew = pl.col("first") | pl.col("break")
    from_old = pl.col("first") & pl.col("known") & ~pl.col("break")
    base = pl.when(from_old).then(pl.col("step") * pl.col("old_factor") / 1e9)
    rows = rows.with_columns(run=anew.cum_sum(), grows=pl.when(anew).then(base.fill_null(1.0)).otherwise("step"))
    shares = pl.when(from_old & pl.col("float_shares").is_null()).then("old_shares").otherwise("float_shares")
    return rows.with_columns(
        factor_e9=(pl.col("grows").cum_prod().over("run") * 1e9).round().cast(pl.Int64),
        prev_close=pl.coalesce(
            pl.when(pl.col("prev_close") > 0).then("prev_close"),
            pl.when(~anew | from_old).then(
                (pl.col("raw_before") / pl.col("step") / 10 + 0.5).floor().cast(pl.Int32) * 10
            ),
            pl.lit(0, pl.Int32),
        ),
        float_shares=shares.forward_fill().over("run").fill_null(0),
    )


# ---------------- limits


def _limits(rows: pl.DataFrame) -> pl.DataFrame:
    """Take published limits, else those of the rulebook; unknown ST counts as none, whose band is the wider one."""
    spans = rows.group_by("symbol").agg(begin=pl.col("day").min(), end=pl.col("day").max())
    spans = spans.with_columns(board=pl.Series(boards(spans["symbol"], spans["begin"], spans["end"]), dtype=pl.Int8))
    rows = rows.join(spans.select("symbol", "board"), on="symbol", how="left", maintain_order="left")
    rows = rows.with_columns(at=pl.int_range(pl.len()), session=pl.col("ord") - pl.col("listed_ord") + 1)
    asked = rows.filter(~pl.col("limits_published")).select(
        "at", "symbol", "board", "day", "prev_close", "session", "listed_day", st=pl.col("st") == IN_ST
    )
    ruled = pl.concat([asked.select("at"), rule_limits(asked)], how="horizontal")
    rows = rows.join(ruled, on="at", how="left", suffix="_ruled", maintain_order="left")
    return rows.with_columns(
        pl.coalesce(pl.when("limits_published").then(pl.col(name).fill_null(0)), f"{name}_ruled").alias(name)
        for name in ("up_limit", "down_limit")
    )


# ---------------- the tables


def _daily(rows: pl.DataFrame) -> pl.DataFrame:
    traded = ~pl.col("suspended")
    values = {name: pl.when(traded).then(name).otherwise(0).fill_null(0) for name in schema.TRADED_COLUMNS}
    kinds = polars_schema(schema.DAILY)
    return rows.with_columns(**values).select(pl.col(name).cast(kind) for name, kind in kinds.items())


def _ex_events(rows: pl.DataFrame) -> pl.DataFrame:
    """An ex-day is where the reference price is not the close before; dividends and new shares are not known."""
    ex = (pl.col("raw_before") > 0) & (pl.col("prev_close") > 0) & (pl.col("raw_before") != pl.col("prev_close"))
    found = rows.filter(ex & ~pl.col("break")).select(
        "day",
        "symbol",
        prev_close="raw_before",
        reference="prev_close",
        cash_e6=pl.lit(0),
        bonus_e6=pl.lit(0),
        known_at=pl.col("day").cast(pl.Int64) * 10_000 + 900,
    )
    return found.cast(pl.Schema(polars_schema(schema.EX_EVENTS)))


def _breaks(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter("break").select("symbol", "day").cast(pl.Schema(polars_schema(schema.BREAKS)))


def _capital(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the published share capital, a row for every change; the vendor tells it after the close."""
    published = pl.when("float_published").then("float_shares").otherwise(0)
    known = rows.select("symbol", "day", total=pl.col("total_shares").fill_null(0), floating=published)
    known = known.filter((pl.col("total") > 0) | (pl.col("floating") > 0))
    moved = ((pl.col("total") - pl.col("total").shift()).abs() > 1) | (pl.col("floating") != pl.col("floating").shift())
    first = (pl.col("symbol") != pl.col("symbol").shift()).fill_null(value=True)
    return known.filter(first | moved).select(
        "symbol",
        pl.col("day").alias("first_day"),
        pl.col("total").alias("total_shares"),
        pl.col("floating").alias("float_shares"),
        known_at=pl.col("day").cast(pl.Int64) * 10_000 + 1800,
    )


def _spells(rows: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Return the ST spells, and the unknown ones: what the source does not say, before its first row, within breaks.

    A state is known on the morning of its first day, and over on the morning of the first day without it.
    """
    new = (pl.col("symbol") != pl.col("symbol").shift()).fill_null(value=True) | pl.col("break")
    changed = (new | (pl.col("st") != pl.col("st").shift())).cum_sum()
    runs = rows.group_by(changed.alias("run"), maintain_order=True).agg(
        pl.col("symbol", "st", "listed_day", "day", "ord", "break", "known", "old_ord").first(),
        last_day=pl.col("day").last(),
        last_ord=pl.col("ord").last(),
    )
    first = (pl.col("symbol") != pl.col("symbol").shift()).fill_null(value=True)
    runs = runs.with_columns(first=first, next_day=pl.col("day").shift(-1).over("symbol"))
    told = runs.filter(pl.col("st") != NO_ST).select(
        "symbol",
        first_day="day",
        last_day=pl.when(pl.col("next_day").is_null()).then(0).otherwise("last_day"),
        state=pl.when(pl.col("st") == IN_ST).then(schema.ST_STATE).otherwise(schema.UNKNOWN_STATE),
        next_day="next_day",
    )
    dark = _untold(runs, facts)
    both = pl.concat([told, dark], how="vertical_relaxed")
    return both.select(
        "symbol",
        "first_day",
        "last_day",
        "state",
        known_at=pl.col("first_day").cast(pl.Int64) * 10_000 + 800,
        end_known_at=pl.when(pl.col("last_day") > 0)
        .then(pl.col("next_day").cast(pl.Int64) * 10_000 + 800)
        .otherwise(0),
    ).cast(pl.Schema(polars_schema(schema.ST)))


def _untold(runs: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Return the spells of which no row tells: between the listing and the first row ever, and within breaks."""
    days = facts.calendar.select("ord", found="day")
    gone = pl.when("first").then("old_ord").otherwise(pl.col("last_ord").shift()) + 1
    runs = runs.with_columns(gone=gone, eve=pl.col("ord") - 1)
    runs = runs.join(days.rename({"ord": "gone", "found": "gone_day"}), on="gone", how="left", maintain_order="left")
    runs = runs.join(days.rename({"ord": "eve", "found": "eve_day"}), on="eve", how="left", maintain_order="left")
    begins = runs.filter((pl.col("first") & ~pl.col("known")) | pl.col("break"))
    return begins.select(
        "symbol",
        first_day=pl.when("known").then("gone_day").otherwise("listed_day"),
        last_day=pl.col("eve_day").fill_null(pl.col("day") - 1),
        state=pl.lit(schema.UNKNOWN_STATE),
        next_day="day",
    ).filter(pl.col("first_day") <= pl.col("last_day"))
