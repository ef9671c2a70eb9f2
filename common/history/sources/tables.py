"""What every source gives beside the tables of `common.history.schema`, in the same units: what a vendor knows of a day.

`complete.py` makes schema rows of it: limits by the dated rules where a vendor has none, factors along the ex-days.
"""

from collections.abc import Sequence

import polars as pl

from common.history.schema import Table
from common.history.sources.cells import Made
from common.history.store import polars_schema

NOT_TOLD = -1
"""A limit or an ST state that the vendor does not give."""

BARS: Table = {
    "day": "day",
    "symbol": "text",
    "prev_close": "i4",  # ex-right reference price of the day; 0 = not told
    "up_limit": "i4",  # 0 = no limit that day, -1 = not told
    "down_limit": "i4",
    "suspended": "bool",
    "st": "i1",  # a state of schema.ST, 0 = neither ST nor delisting, -1 = not told of this day
    "float_shares": "i8",  # 0 = not told
    "open": "i4",  # 0 = did not trade
    "high": "i4",
    "low": "i4",
    "close": "i4",
    "volume": "i8",
    "turnover": "i8",
}
"""Daily bars as a vendor gives them."""
BARS_KEY = ("day", "symbol")

DIVIDENDS: Table = {
    "day": "day",  # the ex-day
    "symbol": "text",
    "cash_e6": "i8",  # before tax, a share, 0.000001 yuan
    "bonus_e6": "i8",  # new shares for one old share x 1,000,000
    "known_at": "i8",
}
DIVIDENDS_KEY = ("day", "symbol")

OPEN_DAYS: Table = {"day": "day", "open": "bool"}
"""Every calendar day of the range asked for, with whether the exchanges trade."""
OPEN_DAYS_KEY = ("day",)


def framed(rows: Sequence[Made], table: Table) -> pl.DataFrame:
    """Return rows as a frame of a table."""
    return pl.DataFrame(list(rows), schema=polars_schema(table), orient="row")
