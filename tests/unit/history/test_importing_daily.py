"""Whatever the cut between two imports, history says what one import of everything says."""

import random
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from common.history import schema
from common.history.daily import History
from common.history.importing_daily import no_rows_before
from common.history.importing_history import import_path
from common.history.store import read_table
from tests.unit.history.shared import sessions, shared_row, write_shared

DAYS = sessions(date(2026, 1, 5), 40)
CODES = ("000001.SZ", "000002.SZ", "300001.SZ", "600000.SH")


def untold(_what: str, _done: int, _of: int) -> None:
    """Tell nobody."""


def market(rng: random.Random) -> list[dict[str, Any]]:
    """Return rows with ex-days, suspensions, ST and unknown states, sessions without a row, two series."""
    rows = []
    for code in CODES:
        price, factor, state = rng.randrange(500, 3_000), rng.random() + 0.5, rng.choice([True, False, None])
        for at, day in enumerate(DAYS):
            series = "A" if at < 20 else "C"
            if at not in (0, 19, 20, len(DAYS) - 1) and rng.random() < 0.04:
                continue
            reference = price
            if rng.random() < 0.05:
                reference = price * 10 // rng.choice([11, 13, 20])
                factor *= price / reference
            if rng.random() < 0.05:
                state = rng.choice([True, False, None])
            suspended = reference == price and rng.random() < 0.05
            price = reference if suspended else max(200, reference + rng.randrange(-20, 21))
            anchored = factor * (1 if series == "A" else 3)
            rows.append(shared_row(
                day, code, price / 100, series, pre_close=reference / 100, adj_factor=anchored, is_st=state,
                suspended=suspended, up_limit=reference / 90, down_limit=reference / 110,
            ))  # fmt: skip
    return rows


def states(folder: Path) -> dict[tuple[str, int], list[int]]:
    spells = History(folder).st_intervals(DAYS[-1]).select("symbol", "first_day", "last_day", "state").rows()
    return {
        (code, day): sorted(s for symbol, a, b, s in spells if symbol == code and a <= day and (b == 0 or day <= b))
        for code in CODES
        for day in DAYS
    }


@pytest.mark.parametrize("seed", range(10))
def test_in_two_parts_or_in_one(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    rows = market(rng)
    cut = DAYS[rng.randrange(5, 35)]
    early = [row for row in rows if row["date"].year * 10_000 + row["date"].month * 100 + row["date"].day < cut]
    listed = dict.fromkeys(CODES, DAYS[0])
    import_path(write_shared(tmp_path / "all", DAYS, rows, listed=listed), tmp_path / "one", None, untold)
    late = [row for row in rows if row not in early]
    for name, part in (("early", early), ("late", late), ("late", late)):
        # the last day must not be filled in as suspended before it is known not to be
        import_path(write_shared(tmp_path / name, DAYS, part, listed=listed), tmp_path / "two", None, untold)
    one, two = tmp_path / "one", tmp_path / "two"
    whole, parts = (read_table(folder, "daily/2026.parquet") for folder in (one, two))
    real = pl.DataFrame({"symbol": [row["code"] for row in rows], "day": [
        row["date"].year * 10_000 + row["date"].month * 100 + row["date"].day for row in rows]}, schema={"symbol": pl.String, "day": pl.Int32})  # fmt: skip
    left, right = (frame.join(real, on=["symbol", "day"], how="semi").drop("factor_e9") for frame in (whole, parts))
    assert left.equals(right)
    factors = whole.join(parts, on=["symbol", "day"], how="inner")
    assert (factors["factor_e9"] - factors["factor_e9_right"]).abs().max() <= 3, "but for roundings to 1e-9"
    assert read_table(one, schema.EX_EVENTS_FILE).equals(read_table(two, schema.EX_EVENTS_FILE))
    assert states(one) == states(two)


def test_an_empty_history_has_nothing_before() -> None:
    assert no_rows_before().columns == ["symbol", "day", "close", "factor_e9", "float_shares", "st"]
