"""Bars of a QMT client as our rows. Pure.

Units as seen by users and held against amount / price on every row: prices in yuan as noisy floats (11.370000000000001),
volume in lots of 100 shares (whole lots: the odd rest is cut), amount in yuan, labels the end of the bar. Where a volume
turns out to be in shares it is taken so; where it is neither, the answer is refused.
"""

import math
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from common.domain.errors import SourceError
from common.domain.values import Board, Day, Symbol
from common.history import schema
from common.history.sources.cells import (
    PRICE_MAX,
    BadCellError,
    Defect,
    Findings,
    Made,
    Parsed,
    Row,
    as_rows,
    cell,
    check_bar,
    day,
    unique,
)
from common.rules.boards import board_of

LOT = 100
NUMBER_MAX = 1e15
"""Nothing of one stock is larger: neither a volume in shares nor an amount in yuan."""
NOISE = 0.02
"""Thousandths of a yuan that a float may be off; an adjusted price is off by more."""
SLACK = 0.01
"""Share by which an average price may lie outside its bar: amounts are rounded, volumes cut to lots."""
ODD_PERCENT = 5
"""More rows than this that cannot be used: the client's answers are not as assumed, and none of them is believed."""
ODD_MIN = 3
"""Fewer rows than this are single faults, whatever their share."""


class State(IntEnum):
    """What a row of a day says."""

    TRADED = 0
    SUSPENDED = 1
    """Told by the client's own flag."""
    EMPTY = 2
    """Cells without numbers: nothing is known."""
    HOLLOW = 3
    """Zeros, or a flat price without trades on a day that is not flagged: what a client gives for data it does not have."""
    BROKEN = 4
    """A row that makes no sense: counted and left out, and no suspension either."""


class DayBar(NamedTuple):
    """One stock on one day."""

    state: State
    prev_close: int
    """0.001 yuan; 0 = not told."""
    open: int = 0
    high: int = 0
    low: int = 0
    close: int = 0
    volume: int = 0
    turnover: int = 0


class DayBars(NamedTuple):
    """Daily bars by stock and day, and what was left out."""

    bars: dict[Symbol, dict[Day, DayBar]]
    found: Findings


def real(row: Row, name: str) -> float:
    """Return a cell as a number; NaN for an empty one."""
    if name not in row:
        raise BadCellError(Defect.MISSING_FIELD, name)
    value = row[name]
    if value is None:
        return math.nan
    if not isinstance(value, int | float):
        raise BadCellError(Defect.BAD_NUMBER, str(value)[:40])
    if abs(value) > NUMBER_MAX:
        raise BadCellError(Defect.OUT_OF_RANGE, str(value)[:40])
    return float(value)


def milli(value: float) -> int:
    """Return a noisy price in yuan as 0.001 yuan; one that lies between two of them is no traded price."""
    thousandths = value * 1000
    if not 0 <= thousandths <= PRICE_MAX:
        raise BadCellError(Defect.OUT_OF_RANGE, repr(value))
    whole = round(thousandths)
    if abs(thousandths - whole) > NOISE + thousandths * 1e-7:
        raise BadCellError(Defect.OFF_TICK, repr(value))
    return whole


def shares_of(volume: float, amount: float, low: int, high: int) -> int:
    """Return a volume in shares by the average price that it gives: lots first, else shares; neither is refused."""
    bottom, top = low * (1 - SLACK) / 1000, high * (1 + SLACK) / 1000
    lots = volume * LOT
    if bottom * lots <= amount <= top * (lots + LOT - 1):
        return round(lots)
    if bottom * volume <= amount <= top * volume:
        return round(volume)
    raise BadCellError(Defect.BAD_UNIT, f"volume {volume} amount {amount} low {low} high {high}")


def parse_days(
    fields: Sequence[str], records: Sequence[Sequence[object]], codes: frozenset[Symbol], first: Day, last: Day
) -> DayBars:
    """Return the daily bars of the codes asked for; raises `SourceError` when the answers are not as assumed.

    What is wrong is counted from `first` to `last`; the days around them are read for their neighbours only.
    """
    bars: dict[Symbol, dict[Day, DayBar]] = {}
    found, traded = Findings(), 0
    for row in as_rows(fields, records):
        code = str(row.get("code"))
        try:
            if code not in codes:
                raise BadCellError(Defect.OTHER_CODE, code[:40])
            label = day(cell(row, "label")[:8])
        except BadCellError as error:
            found.add(error, row)
            continue
        try:
            bar = _day(row)
            if bars.setdefault(code, {}).get(label, bar) != bar:
                raise BadCellError(Defect.DOUBLED, f"{code} {label}")
        except BadCellError as error:
            bar = DayBar(State.BROKEN, 0)
            if first <= label <= last:
                found.add(error, row)
        bars.setdefault(code, {})[label] = bar
        traded += bar.state is State.TRADED
    check_answer(found, traded)
    return DayBars(bars, found)


def check_answer(found: Findings, traded: int) -> None:
    """Refuse an answer of which too many rows cannot be used: other units, adjusted prices, other labels."""
    odd = sum(found.defects.values())
    if odd >= ODD_MIN and odd * 100 > (odd + traded) * ODD_PERCENT:
        example = found.examples[0][:160]
        raise SourceError(
            f"xt：{odd + traded} 行中有 {odd} 行不可用（{example}），一行也没有保存；请运行 pankou data probe xt / xt: {odd} of "
            f"{odd + traded} rows cannot be used ({example}); nothing of it is kept. Ask what it gives now: pankou data probe xt"
        )


def _day(row: Row) -> DayBar:
    prices = [real(row, name) for name in ("open", "high", "low", "close")]
    volume, amount = real(row, "volume"), real(row, "amount")
    flag, before = real(row, "suspendFlag"), real(row, "preClose")
    prev_close = 0 if math.isnan(before) else milli(before)
    if flag == 1 and not volume > 0:
        return DayBar(State.SUSPENDED, prev_close)
    if any(map(math.isnan, prices)) or math.isnan(volume):
        return DayBar(State.EMPTY, prev_close)
    if volume == 0 and not amount > 0:
        return DayBar(State.HOLLOW, prev_close)
    opened, high, low, close = (milli(value) for value in prices)
    check_bar(opened, high, low, close)
    if volume < 0 or not amount >= 0:
        raise BadCellError(Defect.OUT_OF_RANGE, f"volume {volume} amount {amount}")
    return DayBar(
        State.TRADED, prev_close, opened, high, low, close, shares_of(volume, amount, low, high), round(amount * 1000)
    )


# ---------------------------------------------------------------------- minutes

MORNING, NOON, AFTERNOON, CLOSE = 34_200, 41_400, 46_800, 54_000


AFTER_HOURS_PERCENT = 3
"""Share of a day that may have been traded at the fixed price after the close, which no minute shows (ChiNext, STAR)."""
TURNOVER_PER_MILLE = 1
"""Share of a day's turnover that its minutes may lack or have too much."""


class DaySum(NamedTuple):
    """The minute bars of a day added up; empty and hollow ones add nothing."""

    bars: int = 0
    volume: int = 0
    turnover: int = 0


class MinuteBars(NamedTuple):
    """Minute bars, and what they add up to."""

    parsed: Parsed
    days: dict[Day, DaySum]


def parse_minutes(
    fields: Sequence[str], records: Sequence[Sequence[object]], symbol: Symbol, minutes: int, first: Day, last: Day
) -> MinuteBars:
    """Return the minute bars of a stock; raises `SourceError` when they are not as assumed."""
    rows: list[Made] = []
    sums: dict[Day, DaySum] = {}
    found, traded = Findings(), 0
    for row in as_rows(fields, records):
        try:
            label = cell(row, "label")
            on, second = day(label[:8]), second_of(label)
            if cell(row, "code") != symbol:
                raise BadCellError(Defect.OTHER_CODE, cell(row, "code")[:40])
            if not first <= on <= last:
                raise BadCellError(Defect.OTHER_DAY, label[:20])
            check_label(second, minutes, label)
            made = _minute(row, on, symbol, second)
        except BadCellError as error:
            found.add(error, row)
            continue
        bars, volume, turnover = sums.get(on, DaySum())
        sums[on] = DaySum(bars + 1, volume, turnover)
        if made:
            rows.append(made)
            sums[on] = DaySum(bars + 1, volume + int(made["volume"]), turnover + int(made["turnover"]))
            traded += bool(made["volume"])
    check_answer(found, traded)
    kept = unique(rows, schema.KEYS["minute5"], found)
    return MinuteBars(found.parsed(kept), sums)


def lacking(found: MinuteBars, symbol: Symbol, on: Day, bar: DayBar) -> str:
    """Return how the minutes of a traded day do not add up to its bar, minutes/day; "" where they do.

    Every volume may have been cut to whole lots, so the turnover is held against too.
    """
    sums = found.days.get(on, DaySum())
    late = board_of(symbol, on) in (Board.CHINEXT, Board.STAR)
    spare = AFTER_HOURS_PERCENT * 10 if late else 0
    volume, turnover = bar.volume - sums.volume, bar.turnover - sums.turnover
    cut = LOT * (sums.bars + 1)
    if not -cut <= volume <= cut + bar.volume * spare // 1000:
        return f"volume {sums.volume}/{bar.volume}"
    most = bar.turnover * TURNOVER_PER_MILLE // 1000
    if not -most <= turnover <= most + bar.turnover * spare // 1000:
        return f"turnover {sums.turnover // 1000}/{bar.turnover // 1000}"
    return ""


def second_of(label: str) -> int:
    """Return the second of the day of a label yyyymmddhhmmss."""
    if len(label) != 14 or not (label.isascii() and label.isdigit()):
        raise BadCellError(Defect.BAD_DAY, label[:20])
    return int(label[8:10]) * 3600 + int(label[10:12]) * 60 + int(label[12:14])


def check_label(second: int, minutes: int, label: str) -> None:
    """Refuse labels that are not the end of a bar; 09:30 of 1 minute is the opening auction alone."""
    auction = minutes == 1 and second == MORNING
    inside = MORNING < second <= NOON or AFTERNOON < second <= CLOSE
    if second % (minutes * 60) == 0 and (auction or inside):
        return
    if second in (MORNING, AFTERNOON):
        raise SourceError(
            f"xt：{minutes} 分钟线的时间 {label} 是一根的开头而不是结尾，不合假定，一行也没有保存 / "
            f"xt: the label {label} of {minutes}-minute bars is the beginning of a bar, not its end as assumed; nothing is kept"
        )
    raise BadCellError(Defect.OUT_OF_RANGE, f"time {label}")


def _minute(row: Row, on: Day, symbol: Symbol, second: int) -> Made:
    """Return a row of ours; {} for one without numbers."""
    prices = [real(row, name) for name in ("open", "high", "low", "close")]
    volume, amount = real(row, "volume"), real(row, "amount")
    if any(map(math.isnan, prices)) or math.isnan(volume) or not any(prices):
        return {}
    opened, high, low, close = (milli(value) for value in prices)
    check_bar(opened, high, low, close)
    if volume < 0 or not amount >= 0:
        raise BadCellError(Defect.OUT_OF_RANGE, f"volume {volume} amount {amount}")
    shares = shares_of(volume, amount, low, high) if volume else 0
    return {
        "day": on, "symbol": symbol, "label_s": second, "open": opened, "high": high, "low": low, "close": close,
        "volume": shares, "turnover": round(amount * 1000),
    }  # fmt: skip
