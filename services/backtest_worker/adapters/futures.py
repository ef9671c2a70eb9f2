"""A folder of history with another future: what was known at a moment stays, what came after it is changed."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from common.domain.values import Day
from common.history import schema
from common.history.store import read_table, table_names, write_manifest, write_table

TRUNCATED, SHIFTED, SHUFFLED = "truncated", "shifted", "shuffled"
KINDS = (TRUNCATED, SHIFTED, SHUFFLED)
"""Nothing trades after the moment; every later bar shows the one after it; later bars change places."""
_PRICES = ("open", "high", "low", "close", "volume", "turnover")
_DATED = {schema.NAMES_FILE, schema.EX_EVENTS_FILE, schema.SHARES_FILE}


class Moment(NamedTuple):
    """The close of a bar."""

    day: Day
    second: int


def write_future(source: Path, target: Path, moment: Moment, kind: str, interval: int, seed: int) -> None:
    """Write `source` to `target` as it could have been, had everything after `moment` come otherwise.

    Pre-open facts of the moment's day stay, later days are gone or mixed; facts that became known later are gone.
    """
    draw = np.random.default_rng(seed)
    minutes = schema.minutes_folder(interval)
    for name in table_names(source):
        table = name.split("/")[0]
        if table in schema.PARTED and table not in (schema.DAILY_FOLDER, minutes):
            continue
        frame = read_table(source, name)
        if table == schema.DAILY_FOLDER:
            frame = _daily(frame, moment, kind, draw)
        elif table == minutes:
            frame = _minutes(frame, moment, kind, draw)
        elif name in _DATED:
            frame = frame.filter(pl.col("known_at") <= schema.known_at_of(moment.day))
        elif name == schema.ST_FILE:
            frame = _spells(frame, moment.day)
        elif name == schema.BREAKS_FILE:
            frame = frame.filter(pl.col("day") <= moment.day)
        if len(frame) or table not in schema.PARTED:
            write_table(target, name, frame)
    write_manifest(target)


def _spells(frame: pl.DataFrame, day: Day) -> pl.DataFrame:
    now = schema.known_at_of(day)
    ended = (pl.col("end_known_at") > 0) & (pl.col("end_known_at") <= now)
    return frame.filter(pl.col("known_at") <= now).with_columns(
        last_day=pl.when(ended).then(pl.col("last_day")).otherwise(0).cast(pl.Int32),
        end_known_at=pl.when(ended).then(pl.col("end_known_at")).otherwise(0),
    )


def _daily(frame: pl.DataFrame, moment: Moment, kind: str, draw: np.random.Generator) -> pl.DataFrame:
    """Keep days before the moment's; of that day its pre-open facts; give other bars to it and to what comes after."""
    before, after = frame.filter(pl.col("day") < moment.day), frame.filter(pl.col("day") >= moment.day)
    if kind == TRUNCATED:
        after = after.filter(pl.col("day") == moment.day)
        return pl.concat(
            [before, after.with_columns(pl.lit(0).cast(frame.schema[name]).alias(name) for name in _PRICES)]
        )
    return pl.concat([before, _mixed(after, kind, draw)])


def _mixed(rows: pl.DataFrame, kind: str, draw: np.random.Generator) -> pl.DataFrame:
    count = len(rows)
    order = np.roll(np.arange(count), -1) if kind == SHIFTED else draw.permutation(count)
    return rows.with_columns(rows[name].gather(order).alias(name) for name in _PRICES)


def _minutes(frame: pl.DataFrame, moment: Moment, kind: str, draw: np.random.Generator) -> pl.DataFrame:
    known = (pl.col("day") < moment.day) | ((pl.col("day") == moment.day) & (pl.col("label_s") <= moment.second))
    before, after = frame.filter(known), frame.filter(~known)
    if kind != TRUNCATED:
        return pl.concat([before, _mixed(after, kind, draw)])
    # The rest of the day is there and nothing trades in it: a day with bars missing would not be played at all.
    last = before.filter(pl.col("day") == moment.day).group_by("symbol").agg(pl.col("close").last().alias("held"))
    rest = after.filter(pl.col("day") == moment.day).join(last, on="symbol", how="inner")
    prices = [pl.col("held").alias(name) for name in ("open", "high", "low", "close")]
    nothing = [pl.lit(0).cast(frame.schema[name]).alias(name) for name in ("volume", "turnover")]
    return pl.concat([before, rest.with_columns(*prices, *nothing).select(frame.columns)])
