"""Whether the books of a result add up: everything is checked before it is kept, counted or shown."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import lt
from typing import Any

import msgspec

from common.backtests.result import BacktestResult, BookEvent, Candle, EventKind, Fill, Refused, Unfilled, is_bare
from common.backtests.trades import happenings, trades_of
from common.domain.calendar import to_date
from common.domain.errors import InvariantError
from common.domain.values import Side

_DAY_S = 86_400
MUST_AGREE = (
    "rule",
    "params",
    "settings",
    "first",
    "last",
    "engine",
    "start_cash",
    "universe",
    "data_hash",
    "rulebook_hash",
)
"""Inputs in which the results of the three verdicts are the same."""
FAULTS_MAX = 20
"""Faults named at most; after the first, most are its echoes."""


def faults_of(result: BacktestResult) -> list[str]:
    """Return what is wrong with a result, in words; nothing when its books add up."""
    if found := list(_types(result)):
        return found
    for check in (_days, _rows, _coverage, _benchmark):
        found += list(check(result))
    if not found:
        found += list(_books(result))
    return found[:FAULTS_MAX]


def candles_fault(candles: Sequence[Candle]) -> str:
    """Return why bars cannot be kept or drawn; empty when they can. Bad prices are the data's and are shown as they are."""
    return next(_types(tuple(candles), tuple[Candle, ...]), "")


def others_fault(result: BacktestResult, others: Sequence[BacktestResult]) -> str:
    """Return why `others` are not the same backtest under the other fill verdicts; empty when they are."""
    verdicts = [each.inputs.verdict for each in (result, *others)]
    if len(set(verdicts)) < len(verdicts):
        return f"two results of one verdict: {', '.join(verdicts)}"
    for other in others:
        fields = [field for field in MUST_AGREE if getattr(other.inputs, field) != getattr(result.inputs, field)]
        if fields:
            return f"the {other.inputs.verdict} result is of another backtest: {', '.join(fields)} differ"
    return ""


def _types(value: Any, kind: Any = BacktestResult) -> Iterator[str]:
    """Refuse what is no plain integer or text (NaN, floats, numpy numbers): it would be kept as something else."""
    try:
        msgspec.json.decode(msgspec.json.encode(value), type=kind)
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError) as error:
        yield f"a value of the wrong kind: {error}"


def _days(result: BacktestResult) -> Iterator[str]:
    days = [row.day for row in result.equity]
    for day in (result.inputs.first, result.inputs.last, *days):
        try:
            to_date(day)
        except ValueError:
            yield f"{day} is no day"
            return
    if days != sorted(set(days)):
        yield "the sessions of the equity are not ascending"
    if days and not result.inputs.first <= days[0] <= days[-1] <= result.inputs.last:
        yield f"sessions {days[0]}..{days[-1]} lie outside {result.inputs.first}..{result.inputs.last}"
    known = set(days)
    rows: tuple[Fill | BookEvent | Unfilled, ...] = (*result.fills, *result.events, *result.unfilled)
    for row in rows:
        if row.day not in known:
            yield f"{row.day} {row.symbol}: a row of a day without equity"
        if not 0 <= row.second < _DAY_S:
            yield f"{row.day} {row.symbol}: {row.second} is no second of a day"
    for refused in result.refused:
        if refused.day not in known:
            yield f"{refused.day} {refused.reason.name}: refusals of a day without equity"


def _rows(result: BacktestResult) -> Iterator[str]:
    if result.inputs.start_cash <= 0:
        yield f"start cash {result.inputs.start_cash} is not above zero"
    for times in ([(row.day, row.second) for row in rows] for rows in (result.fills, result.events)):
        if times != sorted(times):
            yield "fills or events are not in the order they happened"
    for fill in result.fills:
        if fill.shares <= 0 or fill.price <= 0 or min(fill.commission, fill.stamp, fill.transfer) < 0:
            yield f"{fill.day} {fill.symbol}: a deal of {fill.shares} shares at {fill.price}, fees {fill.fees}"
    for event in result.events:
        taxed = event.kind is EventKind.DIVIDEND_TAX
        if min(event.shares_before, event.shares_after) < 0 or (taxed and event.shares_before != event.shares_after):
            yield f"{event.day} {event.symbol}: {event.shares_before} shares become {event.shares_after}"
    for row in result.equity:
        if row.equity != row.cash + row.market_value or row.equity <= 0 or min(row.cash, row.market_value) < 0:
            yield f"{row.day}: equity {row.equity}, cash {row.cash}, market value {row.market_value}"
    for left in result.unfilled:
        if min(left.shares, left.filled, left.price) < 0 or (left.shares and left.filled >= left.shares):
            yield f"{left.day} {left.symbol}: {left.filled} of {left.shares} shares at {left.price} unfilled"
        if is_bare(left):
            yield f"{left.day} {left.symbol}: a refusal without numbers stands among those that have some"
    yield from _refused(result.refused)


def _refused(refused: Sequence[Refused]) -> Iterator[str]:
    places = [(row.day, row.reason, row.rule) for row in refused]
    if places != sorted(set(places)):
        yield "refusals are not ascending by day and reason"
    for row in refused:
        name = f"{row.day} {row.reason.name}"
        if len(row.symbols) != len(row.seconds):
            yield f"{name}: {len(row.symbols)} stocks were refused at {len(row.seconds)} times"
            return
        if not row.seconds or min(row.seconds) < 0 or max(row.seconds) >= _DAY_S:
            yield f"{name}: a refusal at no second of a day"
        moments = list(zip(row.seconds, row.symbols, strict=True))
        if not all(map(lt, moments, moments[1:])):
            yield f"{name}: refusals are not in the order they happened"


def _coverage(result: BacktestResult) -> Iterator[str]:
    runs = result.coverage
    for run in runs:
        if run.first > run.last or not 0 <= run.stock_days_had <= run.stock_days:
            yield f"coverage {run.first}..{run.last}: {run.stock_days_had} of {run.stock_days} stock-days"
    if any(after.first <= before.last for before, after in pairwise(runs)):
        yield "the runs of the coverage are not ascending"
    bare = [row.day for row in result.equity if not any(run.first <= row.day <= run.last for run in runs)]
    if bare:
        yield f"nothing says what data session {bare[0]} had ({len(bare)} sessions)"


def _benchmark(result: BacktestResult) -> Iterator[str]:
    if (held := result.benchmark) is not None:
        if len(held.closes) != len(result.equity):
            yield f"benchmark {held.name}: {len(held.closes)} closes, {len(result.equity)} sessions"
        if min((held.base, *held.closes)) <= 0:
            yield f"benchmark {held.name}: a value that is not above zero"


def _books(result: BacktestResult) -> Iterator[str]:
    try:
        trades = trades_of(result)
    except InvariantError as error:
        yield str(error)
        return
    left = {trade.symbol: trade.shares_left for trade in trades if trade.open}
    told = {row.symbol: row.shares for row in result.open_positions}
    if left != told or len(told) != len(result.open_positions):
        yield f"open positions are {told}, the deals leave {left}"
    yield from _settlement(result)
    yield from _cash(result)
    last = result.equity[-1].market_value if result.equity else 0
    if (value := sum(row.shares * row.price for row in result.open_positions)) != last:
        yield f"open positions are worth {value}, the last session says {last}"


def _settlement(result: BacktestResult) -> Iterator[str]:
    """Find shares that were sold on the day they were bought (T+1)."""
    held: Counter[str] = Counter()
    today: Counter[str] = Counter()
    day = 0
    for row in happenings(result):
        if row.day != day:
            day, today = row.day, Counter()
        if isinstance(row, BookEvent):
            held[row.symbol] = held[row.symbol] if row.kind is EventKind.DIVIDEND_TAX else row.shares_after
        elif row.side is Side.BUY:
            held[row.symbol] += row.shares
            today[row.symbol] += row.shares
        elif row.shares > held[row.symbol] - today[row.symbol]:
            yield f"{row.day} {row.symbol}: {row.shares} sold, {held[row.symbol] - today[row.symbol]} are sellable (T+1)"
            return
        else:
            held[row.symbol] -= row.shares


def _cash(result: BacktestResult) -> Iterator[str]:
    """Compare the cash of every close with the deals and events up to it."""
    flows: dict[int, int] = {}
    for row in happenings(result):
        flows[row.day] = flows.get(row.day, 0) + row.flow
    cash = result.inputs.start_cash
    for close in result.equity:
        cash += flows.get(close.day, 0)
        if cash != close.cash:
            yield f"{close.day}: cash is {close.cash}, deals and events make it {cash}"
            return
