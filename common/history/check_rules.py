"""Faults in rows of history: each rule gets rows and returns the hits as symbol, day, ord (number of the session), detail."""

from collections.abc import Callable, Sequence

import polars as pl

from common.history.schema import TRADED_COLUMNS

Rule = Callable[[pl.DataFrame], pl.DataFrame]

PADDED_DAYS, PADDED_BARS = 3, 6
"""So many equal days, or minute bars, in a row, all with volume, are no accident."""
STILL_S = 3_600
"""So long without a trade inside the day's range, or longer: rather a gap that was filled in."""
LOT = (50, 200)
"""Average price / close when the volume is in lots of 100."""
THOUSAND = 50
"""Close / average price when the turnover is in thousands of yuan or more; between the two nothing is wrong by units."""
STEP = 1e-4
"""Part by which a factor's step may differ from previous close / reference price beside the rounding to 0.01 yuan."""
BARS_A_DAY = {48: {300}, 16: {900}, 241: {60}, 240: {60}}
PRICES = ("open", "high", "low", "close")


def _yuan(name: str) -> pl.Expr:
    return (pl.col(name) / 1000).round(3).cast(pl.String)


def _named(**values: pl.Expr) -> pl.Expr:
    """Return name=value name=value as text."""
    words = [pl.concat_str(pl.lit(f"{name}="), value.cast(pl.String)) for name, value in values.items()]
    return pl.concat_str(words, separator=" ")


def _hits(rows: pl.DataFrame, wrong: pl.Expr, *named: str) -> pl.DataFrame:
    """Return the rows where `wrong` holds with the named prices as detail."""
    found = rows.filter(wrong)
    values = {name: _yuan(name) for name in named}
    if "label_s" in rows.columns:
        minute = pl.col("label_s") // 60
        values = {"at": minute // 60 * 100 + minute % 60} | values
    return found.select("symbol", "day", "ord", detail=_named(**values))


def no_session(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows on days that the calendar does not have."""
    found = rows.filter(pl.col("ord").is_null()).with_columns(ord=pl.col("day").cast(pl.Int64))
    return found.select("symbol", "day", "ord", detail=pl.lit(""))


def _traded() -> pl.Expr:
    return (pl.col("close") > 0) & (pl.col("open") > 0) & (pl.col("high") > 0) & (pl.col("low") > 0)


def bar_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Bars whose high and low do not hold open and close."""
    high, low = pl.col("high"), pl.col("low")
    inside = (high >= pl.max_horizontal("open", "close")) & (low <= pl.min_horizontal("open", "close"))
    return _hits(rows, _traded() & ~inside, *PRICES)


def outside_limits(rows: pl.DataFrame) -> pl.DataFrame:
    """Days that traded beyond their limits."""
    above = (pl.col("up_limit") > 0) & (pl.col("high") > pl.col("up_limit"))
    below = (pl.col("down_limit") > 0) & (pl.col("low") > 0) & (pl.col("low") < pl.col("down_limit"))
    return _hits(rows, above | below, "high", "low", "up_limit", "down_limit")


def zero_filled(rows: pl.DataFrame) -> pl.DataFrame:
    """Days that traded, by their own account, or bars, with a price of 0."""
    zero = pl.min_horizontal(PRICES) <= 0
    some = pl.max_horizontal(TRADED_COLUMNS) > 0
    wrong = (~pl.col("suspended") | some) & zero if "suspended" in rows.columns else zero
    return _hits(rows, wrong, *PRICES)


def flat_padded(rows: pl.DataFrame) -> pl.DataFrame:
    """Bars that were made by repeating: equal ones with volume, or still ones without any where nothing was sealed."""
    minutes = "label_s" in rows.columns
    within = ["symbol", "day"] if minutes else ["symbol"]
    order = rows.sort("symbol", "day", "label_s") if minutes else rows.sort("symbol", "day")
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift() for name in (*TRADED_COLUMNS, *within))
    order = order.with_columns(same=same.fill_null(value=False)).with_columns(run=(~pl.col("same")).cum_sum())
    order = order.with_columns(length=pl.len().over("run"))
    equal = pl.col("same") & (pl.col("volume") > 0)
    if not minutes:
        still = _traded() & (pl.col("volume") == 0) & ~pl.col("suspended")
        return _hits(order, ((pl.col("length") >= PADDED_DAYS) & equal) | still, "close")
    top, bottom = pl.col("high").max().over(within), pl.col("low").filter(pl.col("low") > 0).min().over(within)
    step = pl.col("label_s").diff().over(within).min()
    inside = (pl.col("close") < top) & (pl.col("close") > bottom) & (pl.col("volume") == 0)
    still = pl.col("same") & inside & (pl.col("length") * step >= STILL_S)
    return _hits(order, ((pl.col("length") >= PADDED_BARS) & equal) | still, "close")


def _average() -> pl.Expr:
    """Average price in 0.001 yuan."""
    return pl.col("turnover") / pl.col("volume")


def _priced() -> pl.Expr:
    return _traded() & (pl.col("volume") > 0) & (pl.col("turnover") > 0)


def lots_for_shares(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows whose volume is in lots."""
    ratio = _average() / pl.col("close")
    wrong = _priced() & ratio.is_between(*LOT)
    return _hits(rows.with_columns(average=_average().round().fill_nan(0)), wrong, "average", "close")


def turnover_unit(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows whose turnover is in thousands or ten thousands of yuan."""
    wrong = _priced() & (_average() * THOUSAND < pl.col("close"))
    return _hits(rows.with_columns(average=_average().fill_nan(0)), wrong, "average", "close")


def average_outside(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows whose average price lies outside low and high by more than a tick, but is of their size."""
    average = _average()
    outside = (average < pl.min_horizontal(PRICES) - 10) | (average > pl.max_horizontal(PRICES) + 10)
    units = (average / pl.col("close") >= LOT[0]) | (average * THOUSAND < pl.col("close"))
    return _hits(
        rows.with_columns(average=average.round().fill_nan(0)), _priced() & outside & ~units, "average", "low", "high"
    )


def no_turnover(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with a volume and no turnover, or the other way round."""
    found = rows.filter((pl.col("volume") > 0) != (pl.col("turnover") > 0))
    return found.select("symbol", "day", "ord", detail=_named(volume=pl.col("volume"), turnover=pl.col("turnover")))


def incomplete_minutes(rows: pl.DataFrame) -> pl.DataFrame:
    """Stock-days of minute bars that lack bars of the day."""
    days = rows.group_by("symbol", "day", "ord").agg(bars=pl.len(), step=pl.col("label_s").sort().diff().min())
    whole = pl.any_horizontal(
        (pl.col("bars") == count) & pl.col("step").is_in(list(steps)) for count, steps in BARS_A_DAY.items()
    )
    found = days.filter(~whole.fill_null(value=False))
    return found.select("symbol", "day", "ord", detail=_named(bars=pl.col("bars")))


BARS: dict[str, Rule] = {
    "no_session": no_session,
    "bar_order": bar_order,
    "zero_filled": zero_filled,
    "flat_padded": flat_padded,
    "lots_for_shares": lots_for_shares,
    "turnover_unit": turnover_unit,
    "no_turnover": no_turnover,
}
"""Rules for bars of any length."""
DAILY: dict[str, Rule] = BARS | {"outside_limits": outside_limits, "average_outside": average_outside}
"""Rules for daily bars; vendors cut the money of single minutes otherwise than their prices."""


# ---------------- over all years


def gaps(rows: pl.DataFrame, gone: Sequence[str]) -> pl.DataFrame:
    """Return symbol, first missing session and the session after the last missing one; rows by symbol and session."""
    end = rows["ord"].max()
    last = (pl.col("symbol") != pl.col("symbol").shift(-1)).fill_null(value=True)
    alive = ~pl.col("symbol").is_in(pl.Series(gone, dtype=pl.String).implode())
    stop = pl.when(~last).then(pl.col("ord").shift(-1)).when(alive).then(pl.lit(end) + 1)
    holes = rows.select("symbol", start=pl.col("ord") + 1, stop=stop)
    return holes.filter(pl.col("stop") > pl.col("start"))


def unadjusted(rows: pl.DataFrame) -> pl.DataFrame:
    """Ex-days on which factor and reference price disagree, and days that lie whole below an unadjusted band."""
    same = (pl.col("symbol") == pl.col("symbol").shift()) & (pl.col("ord") - pl.col("ord").shift() == 1)
    rows = rows.with_columns(follows=same.fill_null(value=False)).with_columns(run=(~pl.col("follows")).cum_sum())
    last = [
        pl.when(pl.col("close") > 0).then(name).forward_fill().over("run").shift() for name in ("close", "factor_e9")
    ]
    rows = rows.with_columns(before=last[0], step=pl.col("factor_e9") / last[1])
    off = (pl.col("before") / pl.col("prev_close") / pl.col("step") - 1).abs()
    rounding = 10 / pl.col("prev_close") + STEP
    known = pl.col("follows") & (pl.col("before") > 0) & (pl.col("prev_close") > 0)
    disagree = known & (off > rounding)
    below = (pl.col("high") > 0) & (pl.col("high") < pl.col("down_limit")) & (pl.col("before") == pl.col("prev_close"))
    found = rows.filter((disagree | (known & below)).fill_null(value=False))
    words = _named(prev_close=_yuan("before"), reference=_yuan("prev_close"), factor_step=pl.col("step").round(6))
    return found.select("symbol", "day", "ord", detail=words)
