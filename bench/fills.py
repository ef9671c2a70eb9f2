"""What real days say about the assumptions of the paper exchange: python -m bench.fills FOLDER.

Prints aggregate numbers only, as JSON: when boards seal and when our touch fires, how large queues at the limit are
beside the turnover so far, how often the three verdicts fill, and how queues away from the limit move. FOLDER holds
minute1, daily, limit_list and ticks as Parquet; `docs/explanation/paper-exchange.md` explains the numbers.
"""

import argparse
import json
import os
import statistics
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import polars as pl

from bench.one_order import run_order
from common.domain.calendar import S0930, S1457, hms, ts_of
from common.domain.values import Day, Phase, Price, Shares, Side
from common.history.synthetic.actors import CAST
from common.history.tape import TapeReader
from common.messages.columns import Instruments, quotes_of
from common.rules.bar_matching import PARTICIPATION_BP, BarView, assumed_queue, queued_on_bar
from common.rules.book import Book, check_book, usable
from common.rules.matching import EXPECTED, OPTIMISTIC, PESSIMISTIC
from common.strategies.contract import ENTER, Position, Step
from common.strategies.limit_up import INITIAL_MEMORY, Context, Params, decide

MILLI = 1000
ORDER_YUAN = 200_000
"""Value of a tried order: a fifth of the standard account."""
TRIED_BP = (0, 1_000, 3_000, 5_000, 10_000)
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
CANCEL_SHARES = (0, 5_000, 10_000)
HORIZON = 100
"""Snapshots that an order away from the limit is followed: five minutes."""
EVERY = 60


class Seal(NamedTuple):
    """What the vendor's list says of a board that was sealed at the close."""

    first_second: int
    opened: int
    """How often it opened after its first seal."""
    amount: float
    """Yuan in the queue at the close."""


class StockDay(NamedTuple):
    """The minutes of a stock on a day."""

    day: Day
    code: str
    prev_close: Price
    seconds: list[int]
    """Ends of the bars."""
    bars: list[BarView]
    turnover: list[int]
    """0.001 yuan, of the day up to the end of each bar."""
    seal: Seal | None


class Touch(NamedTuple):
    """Where the rule's touch fires."""

    bar: int
    closed_at_limit: bool
    locked_next: bool
    """The bar after it traded at the limit only."""


# ------------------------------------------------------------------ reading


def milli(yuan: float) -> int:
    """Return a price in 0.001 yuan."""
    return round(yuan * MILLI)


def stock_days(folder: Path) -> Iterator[StockDay]:
    """Read every stock-day of minutes whose published limits are known."""
    limits = pl.read_parquet(folder / "daily.parquet", columns=["date", "code", "pre_close", "up_limit", "down_limit"])
    seals = {
        (row["date"], row["code"]): row for row in pl.read_parquet(folder / "limit_list.parquet").iter_rows(named=True)
    }
    minutes = pl.read_parquet(folder / "minute1.parquet").with_columns(pl.col("time").dt.date().alias("date"))
    joined = minutes.join(limits.drop_nulls(), on=["date", "code"]).sort("date", "code", "time")
    for (day, code), frame in joined.group_by(["date", "code"], maintain_order=True):
        assert isinstance(day, date)
        yield _stock_day(day, str(code), frame, seals.get((day, code)))


def _stock_day(day: date, code: str, frame: pl.DataFrame, row: dict[str, object] | None) -> StockDay:
    up, down = milli(frame["up_limit"][0]), milli(frame["down_limit"][0])
    times = frame["time"].dt.hour().cast(pl.Int32) * 3600 + frame["time"].dt.minute().cast(pl.Int32) * 60
    bars = [
        BarView(milli(o), milli(h), milli(low), milli(c), v, up, down)
        for o, h, low, c, v in frame.select("open", "high", "low", "close", "volume").iter_rows()
    ]
    seal = None
    if row is not None and row["first_time"] and row["seal_amount"]:
        text = str(row["first_time"])
        first = hms(f"{text[:2]}:{text[2:4]}:{text[4:]}")
        seal = Seal(first, int(str(row["open_times"])), float(str(row["seal_amount"])))
    turnover = [round(yuan * MILLI) for yuan in frame["amount"].cum_sum()]
    number = day.year * 10_000 + day.month * 100 + day.day
    return StockDay(number, code, milli(frame["pre_close"][0]), times.to_list(), bars, turnover, seal)


def tick_books(path: Path) -> Iterator[tuple[str, list[Book]]]:
    """Read the snapshots of continuous trading of each stock of a file, with the limits of the rulebook (10 %)."""
    frame = pl.read_parquet(path).sort("code", "time", maintain_order=True)
    for (code,), rows in frame.group_by(["code"], maintain_order=True):
        books: list[Book] = []
        volume = turnover = 0
        for row in rows.iter_rows(named=True):
            second = row["time"].hour * 3600 + row["time"].minute * 60 + row["time"].second
            if not (S0930 <= second < hms("11:30") or hms("13:00") <= second < S1457):
                continue
            book = _book(row, volume, turnover)
            volume, turnover = row["volume"], milli(row["amount"])
            if not books or book.traded or book[4:8] != books[-1][4:8]:
                books.append(book)
        yield str(code), books[1:]  # what was traded before the first one is not known


def _book(row: dict[str, object], volume: Shares, turnover: int) -> Book:
    def five(name: str) -> tuple[int, ...]:
        price = "vol" not in name
        values = [row[f"{name}{level}"] or 0 for level in range(1, 6)]
        return tuple(milli(float(str(value))) if price else int(float(str(value))) for value in values)

    pre = milli(float(str(row["pre_close"])))
    up, down = (pre * 110 + 500) // 1000 * 10, (pre * 90 + 500) // 1000 * 10
    return Book(
        milli(float(str(row["last"]))), up, down, int(str(row["volume"])) - volume, five("bid"), five("bid_vol"),
        five("ask"), five("ask_vol"), milli(float(str(row["amount"]))) - turnover, False, int(str(row["volume"])),
    )  # type: ignore[arg-type]  # fmt: skip  # five of each


# ------------------------------------------------------------------ seals


def touch_of(day: StockDay) -> Touch | None:
    """Return the bar whose end fires the touch of `limit_up`, also for boards that open at the limit."""
    memory, params = INITIAL_MEMORY, Params(allow_sealed_open=True)
    highs, lows = 0, 10**9
    for number, (second, bar) in enumerate(zip(day.seconds, day.bars, strict=True)):
        highs, lows = max(highs, bar.high), min(lows, bar.low)
        if second <= S0930:
            continue  # the auction is no step
        step = Step(
            ts_of(day.day, second), second, bar.close, bar.high, bar.low, day.bars[0].open, highs, lows, day.prev_close,
            bar.up_limit, bar.down_limit, bar.volume, day.turnover[number], number == 1, False,
        )  # fmt: skip
        memory, decision = decide(params, memory, Context(0), step, Position(0, 0, 0, 0, 0))
        if decision.action == ENTER:
            later = day.bars[number + 1] if number + 1 < len(day.bars) else None
            locked = later is not None and later.volume > 0 and later.low >= bar.up_limit
            return Touch(number, bar.close == bar.up_limit, locked)
    return None


def first_seal_bar(day: StockDay) -> int:
    """Return the bar in which the vendor saw the first seal; sealed in the auction counts to the first minute."""
    assert day.seal is not None
    return next(n for n, second in enumerate(day.seconds) if second > S0930 and second >= day.seal.first_second)


def seal_agreement(days: Iterable[StockDay]) -> dict[str, float]:
    """Return how often the minute of our touch is that of the vendor's first seal."""
    listed = missed = closed = closed_same = at_once = at_once_same = elsewhere_later = elsewhere = 0
    for day in days:
        if day.seal is None:
            continue
        listed += 1
        touch = touch_of(day)
        if touch is None:
            missed += 1
            continue
        late = first_seal_bar(day) - touch.bar
        if touch.closed_at_limit:
            closed, closed_same = closed + 1, closed_same + (late == 0)
            if touch.locked_next:
                at_once, at_once_same = at_once + 1, at_once_same + (late == 0)
        else:
            elsewhere, elsewhere_later = elsewhere + 1, elsewhere_later + (late >= 0)
    return {
        "listed": listed, "never_touched": missed, "closed_at_limit": closed, "closed_at_limit_same": closed_same,
        "sealed_at_once": at_once, "sealed_at_once_same": at_once_same, "fell_back": elsewhere,
        "fell_back_vendor_same_or_later": elsewhere_later,
    }  # fmt: skip


def quantiles(values: Sequence[float]) -> list[float]:
    """Return the quantiles of `QUANTILES`."""
    ordered = sorted(values)
    return [round(ordered[min(len(ordered) - 1, int(q * len(ordered)))], 3) for q in QUANTILES] if ordered else []


def queue_ratios(days: Iterable[StockDay]) -> dict[str, object]:
    """Return what bounds the queue that forms at a seal, beside the turnover up to the touch.

    A board that never opened: the queue at its close, and what was traded after the touch. A board that opened: what
    was traded from the touch until it did, which together with cancellations is all that had stood there.
    """
    never: list[float] = []
    again: list[float] = []
    after: list[float] = []
    until: list[float] = []
    for day in days:
        touch = touch_of(day)
        if touch is None or not touch.locked_next:
            continue
        sofar = day.turnover[touch.bar] / MILLI
        end = opening_bar(day, touch)
        if end is not None:
            until.append((day.turnover[end - 1] / MILLI - sofar) / sofar)
        if day.seal is None:
            continue
        (never if day.seal.opened == 0 else again).append(day.seal.amount / sofar)
        if day.seal.opened == 0:
            after.append((day.turnover[-1] / MILLI - sofar) / sofar)
    return {
        "quantiles": QUANTILES, "never_opened": len(never), "queue_to_turnover": quantiles(never),
        "turnover_after_to_before": quantiles(after), "opened_again": len(again),
        "queue_to_turnover_opened_again": quantiles(again), "broke": len(until),
        "turnover_from_touch_until_it_broke": quantiles(until),
    }  # fmt: skip


def opening_bar(day: StockDay, touch: Touch) -> int | None:
    """Return the first bar after the touch that traded below the limit in continuous trading."""
    for number in range(touch.bar + 1, len(day.bars)):
        bar = day.bars[number]
        if day.seconds[number] <= hms("14:57") and bar.volume > 0 and bar.low < bar.up_limit:
            return number
    return None


def filled_on_bars(day: StockDay, touch: Touch, verdict: int, queue_turnover_bp: int) -> float:
    """Return the share of an order at the limit that the bars after the touch fill by 14:56."""
    limit = day.bars[touch.bar].up_limit
    shares = max(ORDER_YUAN * MILLI // limit // 100 * 100, 100)
    left, ahead = shares, assumed_queue(day.turnover[touch.bar], limit, queue_turnover_bp)
    for second, bar in zip(day.seconds[touch.bar + 1 :], day.bars[touch.bar + 1 :], strict=True):
        if second > hms("14:56"):
            break
        deal = queued_on_bar(verdict, Side.BUY, left, ahead, bar, PARTICIPATION_BP, 0)
        left, ahead = left - deal.shares, deal.ahead
    return 1 - left / shares


def bar_fills(days: Sequence[StockDay]) -> dict[str, object]:
    """Return the mean filled share of orders at the limit, for boards that end sealed and for those that do not."""
    found: dict[str, object] = {}
    touched = [(day, touch) for day in days if (touch := touch_of(day)) is not None]
    ended: dict[bool, list[tuple[StockDay, Touch]]] = {True: [], False: []}
    for day, touch in touched:
        ended[day.bars[-1].close == day.bars[-1].up_limit].append((day, touch))
    for sealed, chosen in ended.items():
        rows: dict[str, float] = {"stock_days": len(chosen)}
        for name, verdict in (("pessimistic", PESSIMISTIC), ("optimistic", OPTIMISTIC)):
            rows[name] = round(statistics.fmean(filled_on_bars(d, t, verdict, 0) for d, t in chosen), 3)
        for bp in TRIED_BP:
            rows[f"expected_{bp}"] = round(statistics.fmean(filled_on_bars(d, t, EXPECTED, bp) for d, t in chosen), 3)
        found["ended_sealed" if sealed else "ended_open"] = rows
    return found


# ------------------------------------------------------------------ books away from the limit


def book_fills(stocks: Iterable[tuple[str, list[Book]]]) -> dict[str, object]:
    """Return how orders at the best price of their side fare within `HORIZON` snapshots."""
    ahead: list[float] = []
    filled: dict[str, list[float]] = {f"cancel_share_{bp}": [] for bp in CANCEL_SHARES}
    filled["nobody_ahead"] = []
    explained = shrunk = defects = count = 0
    for _, books in stocks:
        good = [book for book in books if usable(check_book(book))]
        defects, count = defects + len(books) - len(good), count + len(books)
        for start in range(0, len(good) - HORIZON, EVERY):
            tape = good[start : start + HORIZON]
            for side in (Side.BUY, Side.SELL):
                price = tape[0].bid_price[0] if side == Side.BUY else tape[0].ask_price[0]
                shown = tape[0].bid_volume[0] if side == Side.BUY else tape[0].ask_volume[0]
                if not price or not shown:
                    continue
                shares = max(ORDER_YUAN * MILLI // price // 100 * 100, 100)
                ahead.append(shown * price / MILLI)
                for bp in CANCEL_SHARES:
                    run = run_order(tape, EXPECTED, price, side, shares, bp)
                    filled[f"cancel_share_{bp}"].append(run.filled[-1] / shares)
                run = run_order(tape, EXPECTED, price, side, shares, ahead=0)
                filled["nobody_ahead"].append(run.filled[-1] / shares)
                gone, traded = run_order(tape, EXPECTED, price, side, 10**9).left_ahead
                shrunk, explained = shrunk + gone, explained + traded
    return {
        "snapshots": count, "passed_over": defects, "orders": len(ahead),
        "ahead_yuan_median": round(statistics.median(ahead)),
        "filled": {name: round(statistics.fmean(values), 3) for name, values in filled.items()},
        "left_the_queue_by_trades": round(explained / shrunk, 3) if shrunk else 0.0,
    }  # fmt: skip


# ------------------------------------------------------------------ the synthetic market


def synthetic_queues(tapes: Iterable[Path]) -> dict[str, object]:
    """Return the queue of the first sealed snapshot of each board beside the turnover so far; the cast left out."""
    cast = {actor.symbol for actor in CAST}
    ratios: list[float] = []
    for path in tapes:
        seen: set[int] = set()
        for push in TapeReader(path).pushes():
            if push.day is not None:
                table = Instruments(push.day.instruments)
                seen = {number for number, symbol in enumerate(table.symbols) if symbol in cast}
            if push.end.phase is not Phase.CONTINUOUS:
                continue
            for batch in push.batches:
                quotes = quotes_of(batch)
                up = table.up_limit[quotes.index]
                sealed = (up > 0) & (quotes.last == up) & (quotes.ask_volume[0] == 0) & (quotes.turnover > 0)
                for at in sealed.nonzero()[0].tolist():
                    number = int(quotes.index[at])
                    if number not in seen:
                        seen.add(number)
                        queue = int(quotes.bid_volume[0, at]) * int(up[at])
                        ratios.append(queue / int(quotes.turnover[at]))
    return {"boards": len(ratios), "queue_to_turnover": quantiles(ratios)}


def main() -> None:
    """Read the folder and print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(os.environ.get("PANKOU_SHARED", "../shared")))
    parser.add_argument("--tapes", type=Path, default=None, help="folder of a synthetic market, for its queues")
    arguments = parser.parse_args()
    folder = next(
        (each for each in (arguments.folder, arguments.folder / "data") if (each / "minute1.parquet").is_file()), None
    )
    if folder is None:
        print(json.dumps({"skipped": f"no minute1.parquet in {arguments.folder} or its data/"}))
        return
    days = list(stock_days(folder))
    ticks = [stock for path in sorted((folder / "ticks").glob("*.parquet")) for stock in tick_books(path)]
    result: dict[str, object] = {
        "seals": seal_agreement(days), "queues": queue_ratios(days), "bars": bar_fills(days), "books": book_fills(ticks),
    }  # fmt: skip
    if arguments.tapes is not None:
        result["synthetic"] = synthetic_queues(sorted(arguments.tapes.glob("*.tape")))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
