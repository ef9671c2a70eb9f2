"""What history knows of a day before its open, for the live feed, printed as one JSON object.

A process of its own, python -m services.market_data.day_facts --config FILE --day D, so that the feed's process stays
small: the data frames go with it.
"""

import argparse
import sys
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from common.domain.errors import UserError
from common.domain.values import Day
from common.history import schema
from common.history.daily import History
from common.runtime.config import history_dir, load_config
from common.runtime.run import guarded
from services.market_data.day_facts_form import DayFacts, Ex

SESSIONS_BACK = 60
"""How far back the last close of a suspended stock is looked for."""


def facts_of(folder: Path, day: Day) -> DayFacts:
    """Read the facts of a day; raises `UserError` where history does not reach the session before it."""
    history = History(folder)
    calendar = history.calendar()
    before = history.session_before(day)
    window = calendar.window(before, SESSIONS_BACK)
    rows = history.traded(day, window[0])
    if not len(rows.day) or int(rows.day.max()) < before:
        return DayFacts(
            day, before, fault=f"the history in {folder} has no daily bars of {before}; download them first"
        )
    traded = rows.take(rows.columns["close"] > 0)
    closes = np.zeros(len(history.symbols), np.int64)
    closes[traded.symbol] = traded.columns["close"]  # rows are in order of their days: the last one stays
    events = history.ex_events(day).filter(pl.col("day") == day)
    spells = history.st_intervals(day).filter((pl.col("last_day") == 0) | (pl.col("last_day") >= day))
    of_state = {
        state: spells.filter(pl.col("state") == state)["symbol"].unique().sort().to_list()
        for state in (schema.ST_STATE, schema.DELISTING_STATE)
    }
    living = history.living(day)
    listed = history.listed_days()
    return DayFacts(
        day,
        before,
        {symbol: int(closes[at]) for at, symbol in enumerate(history.symbols) if closes[at] > 0},
        {
            str(row["symbol"]): Ex(row["prev_close"], row["reference"], row["cash_e6"], row["bonus_e6"])
            for row in events.iter_rows(named=True)
        },
        of_state[schema.ST_STATE],
        of_state[schema.DELISTING_STATE],
        {symbol: int(listed[at]) for at, symbol in enumerate(history.symbols) if living[at]},
        [symbol for at, symbol in enumerate(history.symbols) if not living[at] and listed[at] <= day],
    )


def main() -> int:
    """Print the facts of the day named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m services.market_data.day_facts")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--day", type=int, required=True)
    asked = parser.parse_args()
    try:
        facts = facts_of(Path(history_dir(load_config(asked.config))).expanduser(), asked.day)
    except UserError as error:
        facts = DayFacts(asked.day, fault=str(error))
    sys.stdout.buffer.write(msgspec.json.encode(facts) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
