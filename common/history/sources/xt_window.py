"""Whether a client's bars of some days are whole. Pure.

A client gives nothing, zeros or a flat price for data that it has not downloaded, and the same for suspensions. So every
listed stock must account for every session: traded, flagged as suspended, or proved suspended by its neighbours (the
reference price after the gap follows from the close before it). What is left is a hole, and holes are refused.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from common.domain.errors import SourceError
from common.domain.values import Day, Symbol
from common.history.sources.xt_parse import DayBar, State
from common.history.sources.xt_reference import ExDay, Stock, reference_of

TICK = 10
NAMED = 5
"""Stocks that a refusal names."""
QUIET = DayBar(State.SUSPENDED, 0)


class Judged(NamedTuple):
    """The sessions of one stock."""

    bars: dict[Day, DayBar]
    """Traded and suspended sessions, those that are proved suspended among them."""
    holes: list[Day]


def judge(
    stock: Stock, sessions: Sequence[Day], bars: Mapping[Day, DayBar], ex_days: Mapping[Day, ExDay], whole: bool
) -> Judged:
    """Return what is known of each session of a window in which a stock is listed.

    Args:
        stock: its first and last day, and for how many days it is suspended now.
        sessions: the trading days of the window, ascending.
        bars: its bars, of days outside the window too.
        ex_days: its ex-days.
        whole: the bars are all that the client has, freshly downloaded: a missing end is the client's word.
    """
    traded = sorted(day for day, bar in bars.items() if bar.state is State.TRADED)
    known: dict[Day, DayBar] = {}
    holes: list[Day] = []
    gone = stock.listing.delisted
    for day in sessions:
        if day < stock.listing.listed or (gone and day >= gone):
            continue
        bar = bars.get(day)
        if bar is not None and bar.state in (State.TRADED, State.SUSPENDED):
            known[day] = bar
        elif bar is not None and bar.state is State.BROKEN:
            continue  # told as a defect by whoever read it
        elif (bar is None or bar.state is State.EMPTY) and _quiet(stock, day, bars, traded, ex_days, whole):
            known[day] = QUIET
        else:
            holes.append(day)
    return Judged(known, holes)


def _quiet(
    stock: Stock,
    day: Day,
    bars: Mapping[Day, DayBar],
    traded: Sequence[Day],
    ex_days: Mapping[Day, ExDay],
    whole: bool,
) -> bool:
    """Tell whether a session without a bar is proved to have been a suspension."""
    at = bisect_left(traded, day)
    if at == 0:
        return False
    before = traded[at - 1]
    if at == len(traded):
        return whole and bool(stock.days_suspended or stock.listing.delisted)
    after = traded[at]
    return _follows(bars[before].close, bars[after].prev_close, between(ex_days, before, after))


def between(ex_days: Mapping[Day, ExDay], before: Day, until: Day) -> list[ExDay]:
    """Return the ex-days after a day up to another one, in order."""
    return [ex_days[on] for on in sorted(ex_days) if before < on <= until]


def _follows(close: int, prev_close: int, events: Iterable[ExDay]) -> bool:
    """Tell whether a reference price follows from an earlier close, with or without the ex-days between them."""
    if prev_close == close:
        return True
    reference = close
    for event in events:
        reference = reference_of(reference, event)
        if reference == 0:
            return True  # a reform, whose price is announced: the ex-day itself says that something happened
    return reference != close and abs(reference - prev_close) <= TICK


def with_references(bars: Mapping[Day, DayBar], ex_days: Mapping[Day, ExDay]) -> dict[Day, DayBar]:
    """Return the bars with the ex-right reference price wherever the client gives the plain close before an ex-day."""
    fitted = dict(bars)
    traded = sorted(day for day, bar in bars.items() if bar.state is State.TRADED)
    for on in ex_days:
        bar = bars.get(on)
        at = bisect_left(traded, on)
        if bar is None or at == 0:
            continue
        close = bars[traded[at - 1]].close
        reference = reference_of(close, ex_days[on])
        if bar.prev_close in (0, close) and reference:
            fitted[on] = bar._replace(prev_close=reference)
    return fitted


def refuse(holes: Mapping[Symbol, Sequence[Day]]) -> None:
    """Raise `SourceError` naming stocks and days that have holes."""
    if not holes:
        return
    named = "; ".join(f"{symbol} {spans(days)}" for symbol, days in sorted(holes.items())[:NAMED])
    more = len(holes) - NAMED
    zh, en = (f"，另有 {more} 只", f", and {more} stocks more") if more > 0 else ("", "")
    raise SourceError(
        f"xt：QMT 客户端里没有这些日线（空、零或无成交的平价）：{named}{zh}。这一段一行也没有保存；请在客户端“数据管理”里"
        f"补充日线，再运行同一条命令；某只确实没有数据时用 --codes 指定其余各只 / xt: the QMT client does not have these daily "
        f"bars (empty, zero or flat without trades): {named}{en}. Nothing of this span was kept; download daily data in "
        "the client's data page and run the same command again, or name the other stocks with --codes"
    )


def spans(days: Sequence[Day]) -> str:
    """Write days as first..last with their number."""
    return str(days[0]) if len(days) == 1 else f"{days[0]}..{days[-1]} ({len(days)})"
