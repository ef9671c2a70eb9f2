"""One backtest from its inputs to its results: days out of history, an engine, the three fill verdicts."""

import hashlib
import json
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from common.backtests.result import VERDICTS, BacktestResult, Candle, Coverage, Grain, Inputs, Remark, Verdict
from common.domain.errors import UserError
from common.domain.values import Day, Side, Symbol
from common.history.daily import History
from common.history.schema import MANIFEST
from common.rules.matching import FillVerdict
from common.runtime.rules import rule_source_hash
from common.screens.screen import Screen
from common.strategies.contract import Rule, wake_of
from services.backtest_worker.account import DeskSettings
from services.backtest_worker.adapters.days import DayHad, HistoryDays
from services.backtest_worker.bars import DayBars
from services.backtest_worker.desk import Desk

ENGINES = ("compiled", "backtrader")
CANDLE_STOCKS_MAX = 200
"""Traded stocks whose daily bars go into a report: more make it too large to open."""
GRAINS: dict[int, Grain] = {1: "minute1", 5: "minute5"}
RULES_FOLDER = Path(__file__).resolve().parents[2] / "common" / "rules"
Told = Callable[[str, int, int], None]


class Job(NamedTuple):
    """What to run."""

    rule: Rule
    params: Any
    screen: Screen
    history: Path
    first: Day
    last: Day
    engine: str
    interval: int
    """Minutes of a bar."""
    settings: DeskSettings
    verdicts: tuple[Verdict, ...] = VERDICTS
    """The first one is the main result."""
    cache: Path = Path("cache")
    """Where machine code is kept."""
    ahead: bool = True
    """Whether days to come are scanned meanwhile on another core: not where every core has a job of its own."""


class SomeDays(Protocol):
    """The sessions of a job, read as they are played or kept from before; as `HistoryDays`."""

    history: History
    symbols: list[Symbol]
    sessions: list[Day]
    had: list[DayHad]

    def __iter__(self) -> Iterator[DayBars]:
        """Yield the sessions."""


class Played(NamedTuple):
    """A job after its days were played."""

    days: SomeDays
    desks: dict[Verdict, Desk]
    repainted: int


def days_of(job: Job) -> HistoryDays:
    """Return the days of a job."""
    return HistoryDays(job.history, job.screen, job.rule.Context._fields, job.interval, job.first, job.last)


def play_job(job: Job, told: Told, days: SomeDays | None = None) -> Played:
    """Play the days of a job under every verdict asked for, in one pass; `days` where they have been read already."""
    days = days or days_of(job)
    desks = {verdict: Desk(job.rule.NAME, days.symbols, settings_of(job, verdict)) for verdict in job.verdicts}
    repainted = 0
    if job.engine == "compiled":
        repainted = _run_compiled(job, days, desks, told)
    elif job.engine == "backtrader":
        repainted = _run_backtrader(job, days, desks, told)
    else:
        raise UserError(f"there is no engine {job.engine}; known: {', '.join(ENGINES)}")
    return Played(days, desks, repainted)


def run_job(job: Job, told: Told, days: SomeDays | None = None) -> list[BacktestResult]:
    """Run a backtest under every verdict asked for; the first result is the main one."""
    days, desks, repainted = play_job(job, told, days)
    remarks = tuple(_remarks(job, days.had, repainted))
    names = dict(zip(days.symbols, days.history.names(days.sessions[-1]), strict=True))
    return [_result(job, verdict, desk, days, remarks, names) for verdict, desk in desks.items()]


def candles_of(history: History, result: BacktestResult) -> list[Candle]:
    """Return the daily bars of the stocks that a result traded, for the candles of its report; raw, as traded."""
    symbols = sorted({fill.symbol for fill in result.fills})[:CANDLE_STOCKS_MAX]
    calendar, last = history.calendar(), result.equity[-1].day if result.equity else result.inputs.last
    if not symbols or last >= calendar.last:
        return []
    rows = history.traded(calendar.next(last), max(result.equity[0].day, history.first_day()))
    wanted = np.isin(rows.symbol, [history.index[symbol] for symbol in symbols]) & (rows.columns["close"] > 0)
    kept = rows.take(wanted)
    columns = [kept.columns[name].tolist() for name in ("open", "high", "low", "close", "volume")]
    places = zip(kept.symbol.tolist(), kept.day.tolist(), *columns, strict=True)
    return [Candle(history.symbols[at], day, 0, *numbers) for at, day, *numbers in places]


def settings_of(job: Job, verdict: Verdict) -> DeskSettings:
    """Return the account's settings under a verdict."""
    return job.settings._replace(fill=job.settings.fill._replace(verdict=int(FillVerdict[verdict.upper()])))


def _run_compiled(job: Job, days: SomeDays, desks: dict[Verdict, Desk], told: Told) -> int:
    main = desks[job.verdicts[0]]
    repainted = 0
    play = _woken if wake_of(job.rule) is not None else _scanned
    for number, day in enumerate(play(job, days, desks), 1):
        repainted += _repainted(job, day, main, days)
        told(str(day.day), number, len(days.sessions))
    return repainted


def _woken(job: Job, days: SomeDays, desks: dict[Verdict, Desk]) -> Iterator[DayBars]:
    """Play the days of a rule that decides in plain Python; yield each when every desk is through with it."""
    from services.backtest_worker.adapters.compiled import compile_wake
    from services.backtest_worker.woken import Woken

    wakes = compile_wake(job.rule, job.cache)
    engines = [Woken(job.rule, job.params, wakes, desk, days.symbols) for desk in desks.values()]
    for day in days:
        for engine in engines:
            engine.run_day(day)
        yield day


def _scanned(job: Job, days: SomeDays, desks: dict[Verdict, Desk]) -> Iterator[DayBars]:
    """Play the days of a compiled rule; yield each when every desk is through with it."""
    from services.backtest_worker.adapters.compiled import compile_rule
    from services.backtest_worker.scanned import play_scanned

    scans = compile_rule(job.rule, job.cache)
    yield from play_scanned(job.rule, job.params, scans, list(desks.values()), days.symbols, days, ahead=job.ahead)


def _run_backtrader(job: Job, days: SomeDays, desks: dict[Verdict, Desk], told: Told) -> int:
    from services.backtest_worker.adapters.bt import run_backtrader

    played = []
    for number, day in enumerate(days, 1):
        played.append(day)
        told(str(day.day), number, len(days.sessions))
    for verdict in job.verdicts:
        desks[verdict], _ = run_backtrader(job.rule, job.params, days.symbols, played, settings_of(job, verdict))
    main = desks[job.verdicts[0]]
    return sum(_repainted(job, day, main, days) for day in played)


def _repainted(job: Job, day: DayBars, desk: Desk, days: SomeDays) -> int:
    """Count the entries of a day whose bottom bar the day broke after all: they would not be made at its close."""
    if "k2_low" not in job.rule.Context._fields:
        return 0
    k2_low = day.pool.context[:, job.rule.Context._fields.index("k2_low")]
    begin, end = (bisect_left(desk.fills, at, key=lambda fill: fill.day) for at in (day.day, day.day + 1))
    count = 0
    for symbol in {fill.symbol for fill in desk.fills[begin:end] if fill.side is Side.BUY}:
        stock = days.history.index[symbol]
        row, place = int(day.first_row[stock]), int(np.searchsorted(day.pool.stocks, stock))
        lowest = int(np.min(day.columns.low[row : row + len(day.labels)]))
        pooled = place < len(k2_low) and day.pool.stocks[place] == stock
        count += bool(pooled and lowest <= k2_low[place])
    return count


# ---------------------------------------------------------------------- the result


def _result(
    job: Job, verdict: Verdict, desk: Desk, days: SomeDays, remarks: tuple[Remark, ...], names: dict[str, str]
) -> BacktestResult:
    unfilled, refused = tuple(desk.unfilled()), desk.refused()
    touched = {row.symbol for rows in (desk.fills, desk.events, unfilled) for row in rows}
    touched.update(*(row.symbols for row in refused))
    fill = job.settings.fill
    settings = {
        "positions_max": job.settings.positions_max, "slot_bp": job.settings.slot_bp, "interval_min": job.interval,
        "commission_e7": job.settings.commission_e7, "commission_min": job.settings.commission_min,
        "participation_bp": fill.participation_bp, "queue_turnover_bp": fill.queue_turnover_bp,
    }  # fmt: skip
    return BacktestResult(
        Inputs(
            rule=job.rule.NAME,
            params={name: int(value) for name, value in job.params._asdict().items()},
            settings=settings,
            first=job.first,
            last=job.last,
            engine=job.engine,
            verdict=verdict,
            start_cash=job.settings.cash,
            universe=f"screen {job.screen.name}",
            data_hash=data_hash(job.history),
            code_hash=rule_source_hash(job.rule),
            rulebook_hash=rulebook_hash(),
        ),
        coverage=tuple(coverage_of(days.had, GRAINS[job.interval])),
        equity=tuple(desk.equity_rows),
        fills=tuple(desk.fills),
        events=tuple(desk.events),
        unfilled=unfilled,
        refused=refused,
        open_positions=desk.open_positions(),
        names={symbol: name for symbol, name in names.items() if symbol in touched},
        remarks=remarks,
    )


def tapes_hash(tapes: Sequence[Path]) -> str:
    """Return the hash of what tapes hold."""
    digest = hashlib.sha256()
    for path in tapes:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:20]


def data_hash(folder: Path) -> str:
    """Return the hash of everything a folder of history holds."""
    files = json.loads((folder / MANIFEST).read_text("utf-8"))["files"]
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:20]


def rulebook_hash() -> str:
    """Return the hash of the market's rules as this program has them."""
    digest = hashlib.sha256()
    for path in sorted(RULES_FOLDER.glob("*.py")):
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:20]


class _Told(NamedTuple):
    """What can be said of a session's data."""

    grain: Grain
    zh: str
    en: str


def coverage_of(had: Sequence[DayHad], grain: Grain) -> Iterator[Coverage]:
    """Yield the runs of sessions that had the same data for the same reason."""
    run: list[DayHad] = []
    before: _Told | None = None
    for day in had:
        told = _tell(day, grain)
        if before is not None and told != before:
            yield _covered(run, before)
            run = []
        run.append(day)
        before = told
    if before is not None:
        yield _covered(run, before)


def _covered(run: Sequence[DayHad], told: _Told) -> Coverage:
    asked, got = sum(day.asked for day in run), sum(day.had for day in run)
    return Coverage(run[0].day, run[-1].day, told.grain, asked, got, told.zh, told.en)


def _tell(day: DayHad, grain: Grain) -> _Told:
    if day.lacks:
        return _Told(
            "daily", f"选股的数据不全，没有股票池：{day.lacks}", f"no pool, the screen lacks data: {day.lacks}"
        )
    if day.asked == 0:
        return _Told("daily", "没有股票通过选股", "no stock passed the screen")
    if day.had == 0:
        return _Told(
            "daily",
            "股票池里没有一只有完整的分钟线，当日不交易",
            "no stock of the pool has whole minutes, nothing is traded",
        )
    if day.had < day.asked:
        return _Told(
            grain,
            "股票池里只有一部分有完整的分钟线，其余不交易",
            "only a part of the pool has whole minutes, the others are not traded",
        )
    return _Told(grain, "股票池里每一只都有完整的分钟线", "every stock of the pool has whole minutes")


def _remarks(job: Job, had: Sequence[DayHad], repainted: int) -> Iterator[Remark]:
    unknown = sum(day.unknown_st_in for day in had)
    if job.screen.allows_unknown_st:
        yield Remark(
            f"不知道是否 ST 的股票也放进股票池（{unknown} 个股票日），只能用于研究。",
            f"Stocks of unknown ST state were let in ({unknown} stock-days): for research only.",
        )
    if repainted:
        yield Remark(
            f"{repainted} 次买入当日后来又跌破底分型的低点（盘中确认会重绘）。",
            f"{repainted} entries were made on a day that later broke the low of its bottom bar (intraday confirmation repaints).",
        )
    if any(day.asked > day.had for day in had):
        yield Remark(
            "有的股票日缺分钟线，结果取决于有哪些；见数据覆盖。",
            "Some stock-days lack minutes, and the result depends on which ones: see the coverage.",
        )
