"""QMT or miniQMT (an account with a broker, on the machine of its client): bars, listings, ST, share capital, ex-days.

The client downloads onto its own disk and answers from there; so a download is first asked for (`prepare`), then read,
and what is read is held against what must be there before a row is kept (`xt_window.py`).
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from common.domain.calendar import S1500, day_of, from_date, second_of_day, to_date, ts_of
from common.domain.errors import SourceError
from common.domain.values import Day, Symbol
from common.history.schema import TRADED_COLUMNS
from common.history.sources import tables
from common.history.sources import xt_reference as reference
from common.history.sources.baostock import years_of
from common.history.sources.cells import Defect, Findings, Made, Parsed
from common.history.sources.coverage import XT
from common.history.sources.source import Answer, Ask, Heard, Kind, Pacer, answer_of
from common.history.sources.xt_line import DOWNLOAD_S, READ_S, Line, ProcessLine
from common.history.sources.xt_parse import DayBar, State, lacking, parse_days, parse_minutes
from common.history.sources.xt_window import judge, refuse, with_references

SECTORS = ("沪深A股", "京市A股", "沪深京A股")
"""Lists of stocks by their names in the client; what it does not have is empty."""
PAD_DAYS = 20
"""Calendar days read around a window: the close before it and the reference price after it tell suspensions from holes."""
SETTLED_S = S1500 + 1_800
"""Second of the day from which on a client's bar of today is whole."""
LISTS_S = 600.0
"""Longest wait for the lists of stocks, which the client brings without telling how far it is."""
LOADED_CODES = 1_000
"""Codes in one question for a download or for bars."""
Told = Callable[[str, int, int], None]


def silent(_what: str, _done: int, _of: int) -> None:
    """Tell nobody."""


class Xt:
    """One client."""

    coverage = XT

    def __init__(self, pacer: Pacer, now_ns: Callable[[], int], line: Line | None = None) -> None:
        self.pacer = pacer
        self.heard: Heard | None = None
        self._now_ns = now_ns
        self._line = line if line is not None else ProcessLine()
        self._stocks = reference.Stocks({}, Findings())
        self._listed_on: set[Day] = set()
        self._ex_days: dict[Symbol, Any] = {}
        self._capital: dict[Symbol, tuple[list[Day], list[int]]] = {}
        self._st: reference.StKnown | None = None
        self._window: dict[Symbol, dict[Day, DayBar]] = {}
        self._span = (1, 0, False)
        """First and last day of the window, and whether it is the whole market's."""
        self._minutes_here: dict[tuple[Symbol, int], tuple[Day, Day]] = {}
        """Minute bars that were downloaded, by stock and length."""
        self._found = Findings()

    def asks(self, kind: Kind, first: Day, last: Day, symbols: tuple[Symbol, ...], minutes: int = 0) -> list[Ask]:
        """Return the reads: bars by the day for the whole market, by the stock and year for named ones."""
        if kind is Kind.MINUTES and minutes not in self.coverage.minutes:
            raise SourceError(
                f"数据来源 xt 有 1 分钟与 5 分钟线，没有 {minutes} 分钟的 / source xt has bars of 1 and 5 minutes, not of {minutes}"
            )
        if kind not in self.coverage.kinds:
            raise SourceError(f"数据来源 xt 没有 {kind.value} / source xt has no {kind.value}")
        if kind in (Kind.CALENDAR, Kind.INSTRUMENTS) or (kind is Kind.BARS and not symbols):
            return [Ask(kind, first, last)]
        if not symbols:
            raise SourceError(
                f"数据来源 xt 的 {kind.value} 按股票读取：请用 --codes 指定 / source xt reads {kind.value} by the stock; name some with --codes"
            )
        return [Ask(kind, begin, end, symbol, minutes) for symbol in symbols for begin, end in years_of(first, last)]

    def prepare(self, asks: Sequence[Ask], told: Told = silent) -> None:
        """Have the client download what the reads need, and hold it against what must be there."""
        daily = [ask for ask in asks if ask.kind in (Kind.BARS, Kind.MINUTES)]
        if not daily:
            return
        first, last = min(ask.first for ask in daily), min(max(ask.last for ask in daily), self._settled())
        self._list_stocks(first, last, told)
        symbols = sorted({ask.symbol for ask in daily} if daily[0].symbol else self._stocks.by_symbol)
        unknown = [symbol for symbol in symbols if symbol not in self._stocks.by_symbol]
        if unknown:
            raise SourceError(
                f"QMT 客户端没有 {', '.join(unknown[:5])} / the QMT client does not know {', '.join(unknown[:5])}"
            )
        if first > last:
            return
        self._load(symbols, first, last, told)
        self._span = (first, last, not daily[0].symbol)
        for minutes in sorted({ask.minutes for ask in daily if ask.minutes}):
            self._download(symbols, f"{minutes}m", first, last, told)
            self._minutes_here.update({(symbol, minutes): (first, last) for symbol in symbols})

    def fetch(self, ask: Ask) -> Answer:
        """Do one read; one that was not prepared is prepared first."""
        match ask.kind:
            case Kind.CALENDAR:
                return answer_of(ask.kind, self._calendar(ask.first, ask.last))
            case Kind.INSTRUMENTS:
                self._list_stocks(ask.first, ask.last, silent)
                return answer_of(ask.kind, reference.instruments_of(self._stocks))
            case Kind.BARS:
                return answer_of(ask.kind, self._bars(ask))
            case Kind.MINUTES:
                return answer_of(ask.kind, self._minutes(ask))
            case Kind.DIVIDENDS:
                self._read_ex_days([ask.symbol], silent)
                days = self._ex_days
                return answer_of(ask.kind, reference.dividends_of(days, ask.symbol, ask.first, ask.last, Findings()))
        raise SourceError(f"数据来源 xt 没有 {ask.kind.value} / source xt has no {ask.kind.value}")

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    # ------------------------------------------------------------------ the line

    def _call(self, name: str, *args: object, told: Told = silent, wait_s: float = READ_S) -> Any:
        ask = partial(self._line.call, name, *args, told=partial(told, f"xt {name}"), wait_s=wait_s)
        return self.pacer.call(ask)

    def _table(self, name: str, *args: object, told: Told = silent, shown: str = "") -> tuple[list[str], list[Any]]:
        fields, rows = self._call(name, *args, told=told)
        if self.heard is not None:
            self.heard(shown or name, fields, rows)
        return fields, rows

    def _download(self, symbols: Sequence[Symbol], period: str, first: Day | str, last: Day | str, told: Told) -> None:
        for chunk in chunks(symbols):
            self._call("download", chunk, period, str(first), str(last), False, told=told, wait_s=DOWNLOAD_S)

    def _settled(self) -> Day:
        """Return the last day whose bar is whole by now."""
        now = self._now_ns()
        today = day_of(now)
        return today if second_of_day(now) >= SETTLED_S else moved(today, -1)

    # ------------------------------------------------------------------ reference data

    def _calendar(self, first: Day, last: Day) -> Parsed:
        past = self._call("trading_dates", "SH", "", "")
        holidays = self._call("holidays")
        if not past or not holidays:
            raise SourceError(
                "QMT 客户端没有交易日历或节假日：请在客户端下载节假日数据 / the QMT client has no trading days or no holidays: "
                "download holiday data in the client"
            )
        # Past the year of the last holiday the package refuses: which weekdays are closed is not announced yet.
        end = min(last, max(holidays) // 10_000 * 10_000 + 1231)
        if first > end:
            raise SourceError(
                f"QMT 客户端的节假日只到 {end}，问的是 {first} 起：请下载节假日数据 / the holidays of the QMT client end on {end}, "
                f"asked from {first}: download holiday data in the client"
            )
        parsed = reference.open_days(past, holidays, max(first, reference.day_of_ms(past[0])), end)
        if self.heard is not None:
            self.heard("calendar", ["day", "open"], [[row["day"], row["open"]] for row in parsed.rows])
        return parsed

    def _list_stocks(self, first: Day, last: Day, told: Told) -> None:
        """Read the lists of stocks of now and of the turns of the quarters in a range: who left is in the old ones."""
        wanted = {0, *quarters(first, last)} - self._listed_on
        if not wanted:
            return
        if not self._listed_on:
            self._call("refresh_lists", wait_s=LISTS_S)
        known = set(self._call("sectors"))
        codes = {
            code
            for name in SECTORS
            if name in known
            for day in sorted(wanted)
            for code in self._call("sector", name, ts_of(day, 0) // 1_000_000 if day else -1)
        }
        new = sorted(codes - self._stocks.by_symbol.keys())
        if not new and not self._stocks.by_symbol:
            raise SourceError(
                "QMT 客户端没有沪深A股板块：请在客户端下载板块数据 / the QMT client has no list 沪深A股: download sector data in the client"
            )
        listed = reference.parse_details(*self._table("details", new, told=told)) if new else None
        if listed is not None:
            both = {**self._stocks.by_symbol, **listed.by_symbol}
            self._stocks = reference.Stocks(both, listed.found)
        self._listed_on |= wanted

    def _read_ex_days(self, symbols: Sequence[Symbol], told: Told) -> None:
        missing = [symbol for symbol in symbols if symbol not in self._ex_days]
        if missing:
            days, found = reference.parse_ex_days(*self._table("dividends", missing, told=told))
            self._ex_days.update({symbol: days.get(symbol, {}) for symbol in missing})
            self._note(found)

    def _read_capital(self, symbols: Sequence[Symbol], told: Told) -> None:
        missing = [symbol for symbol in symbols if symbol not in self._capital]
        if missing:
            for chunk in chunks(missing):
                self._call("download", chunk, "Capital", "", "", True, told=told, wait_s=DOWNLOAD_S)
            rows = self._table("capital", missing, told=told)
            capital, found = reference.parse_capital(*rows, self._stocks.by_symbol)
            self._capital.update({symbol: capital.get(symbol, ([], [])) for symbol in missing})
            self._note(found)

    def _read_st(self) -> reference.StKnown:
        if self._st is None:
            lines = self._call("st_file", wait_s=DOWNLOAD_S)
            if lines is not None and self.heard is not None:
                self.heard("st_file", ["code", "day", "flag"], lines)
            self._st = reference.parse_st(lines, self._stocks.by_symbol)
            unknown = len(self._stocks.by_symbol) if self._st.changes is None else len(self._st.unknown)
            self._count(Defect.ST_UNKNOWN, unknown, self._st.why or "named ST, not in the ST file")
        return self._st

    # ------------------------------------------------------------------ bars

    def _load(self, symbols: Sequence[Symbol], first: Day, last: Day, told: Told) -> None:
        """Download a window, read it and hold it against the listings; raises naming stocks and days that lack bars."""
        begin, end = moved(first, -PAD_DAYS), min(moved(last, PAD_DAYS), self._settled())
        sessions = [reference.day_of_ms(at) for at in self._call("trading_dates", "SH", str(first), str(last))]
        stocks = self._stocks.by_symbol
        alive = [symbol for symbol in symbols if _overlaps(stocks[symbol], first, last)]
        self._read_ex_days(alive, told)
        self._read_capital(alive, told)
        self._read_st()
        self._download(alive, "1d", begin, end, told)
        bars = self._read_days(alive, (begin, end), (first, last))
        doubtful = [symbol for symbol in alive if self._judge(symbol, sessions, bars, False).holes]
        if doubtful:
            # All that the client has of them: the neighbours of a gap may lie further away than the padding.
            self._download(doubtful, "1d", "", "", told)
            bars |= self._read_days(doubtful, ("", self._settled()), (first, last))
        judged = {symbol: self._judge(symbol, sessions, bars, True) for symbol in alive}
        holes = {symbol: one.holes for symbol, one in judged.items() if one.holes}
        refuse({symbol: days for symbol, days in holes.items() if not self._absent(symbol, bars)})
        self._window = {symbol: one.bars for symbol, one in judged.items() if symbol not in holes}

    def _judge(self, symbol: Symbol, sessions: list[Day], bars: dict[Symbol, dict[Day, DayBar]], whole: bool) -> Any:
        days, ex_days = bars.get(symbol, {}), self._ex_days.get(symbol, {})
        return judge(self._stocks.by_symbol[symbol], sessions, with_references(days, ex_days), ex_days, whole)

    def _absent(self, symbol: Symbol, bars: dict[Symbol, dict[Day, DayBar]]) -> bool:
        """Tell whether the client has nothing of a stock for a reason that can be told instead of refused."""
        if _traded(bars.get(symbol, {})):
            return False
        if self._stocks.by_symbol[symbol].listing.delisted:
            self._count(Defect.NO_BARS, 1, symbol)
            return True
        if symbol.endswith(".BJ") and not any(_traded(days) for code, days in bars.items() if code.endswith(".BJ")):
            self._count(Defect.NO_EXCHANGE, 1, symbol)
            return True
        return False

    def _read_days(
        self, symbols: Sequence[Symbol], read: tuple[Day | str, Day], window: tuple[Day, Day]
    ) -> dict[Symbol, dict[Day, DayBar]]:
        bars: dict[Symbol, dict[Day, DayBar]] = {}
        for chunk in chunks(symbols):
            fields, rows = self._table("bars", chunk, "1d", str(read[0]), str(read[1]), shown="bars 1d")
            days = parse_days(fields, rows, frozenset(chunk), *window)
            bars |= days.bars
            self._note(days.found)
        return bars

    def _bars(self, ask: Ask) -> Parsed:
        settled = self._settled()
        if ask.first > settled:
            return Parsed([])  # not over yet: no bars of it, as with every other source
        if not self._has(ask):
            self.prepare([ask])
        window = {ask.symbol: self._window.get(ask.symbol, {})} if ask.symbol else self._window
        rows = [
            self._row(symbol, day, bar)
            for symbol, days in sorted(window.items())
            for day, bar in sorted(days.items())
            if ask.first <= day <= min(ask.last, settled)
        ]
        found, self._found = self._found, Findings()
        return found.parsed(rows)

    def _has(self, ask: Ask) -> bool:
        first, last, market = self._span
        if ask.minutes:
            begin, end = self._minutes_here.get((ask.symbol, ask.minutes), (1, 0))
            first, last = max(first, begin), min(last, end)
        covered = first <= ask.first and min(ask.last, self._settled()) <= last
        return covered and (ask.symbol in self._window if ask.symbol else market)

    def _row(self, symbol: Symbol, day: Day, bar: DayBar) -> Made:
        return {
            "day": day,
            "symbol": symbol,
            "prev_close": bar.prev_close,
            "up_limit": tables.NOT_TOLD,
            "down_limit": tables.NOT_TOLD,
            "suspended": bar.state is State.SUSPENDED,
            "st": reference.st_at(self._read_st(), symbol, day),
            "float_shares": reference.float_shares_at(self._capital, symbol, day),
            **{name: getattr(bar, name) for name in TRADED_COLUMNS},
        }

    def _minutes(self, ask: Ask) -> Parsed:
        if not self._has(ask):
            self.prepare([ask])
        last = min(ask.last, self._settled())
        fields, rows = self._table(
            "bars", [ask.symbol], f"{ask.minutes}m", f"{ask.first}000000", f"{last}235959", shown=f"bars {ask.minutes}m"
        )
        found = parse_minutes(fields, rows, ask.symbol, ask.minutes, ask.first, last)
        days = {
            day: bar
            for day, bar in self._window.get(ask.symbol, {}).items()
            if ask.first <= day <= last and bar.state is State.TRADED
        }
        short = {day: text for day, bar in days.items() if (text := lacking(found, ask.symbol, day, bar))}
        if short:
            raise SourceError(_short_text(ask, short))
        quiet = {day for day, bar in self._window.get(ask.symbol, {}).items() if bar.state is not State.TRADED}
        return found.parsed._replace(rows=[row for row in found.parsed.rows if row["day"] not in quiet])

    # ------------------------------------------------------------------ what is told

    def _note(self, found: Findings) -> None:
        for defect, count in found.defects.items():
            self._count(defect, count, found.examples[0])

    def _count(self, defect: Defect, count: int, example: str) -> None:
        if count:
            self._found.defects[defect] = self._found.defects.get(defect, 0) + count
            self._found.examples = [*self._found.examples, example][:3]


def _short_text(ask: Ask, short: dict[Day, str]) -> str:
    named = ", ".join(f"{day} ({facts})" for day, facts in sorted(short.items())[:5])
    return (
        f"xt：{ask.symbol} 的 {ask.minutes} 分钟线不全，成交量合计与日线不符：{named}，共 {len(short)} 天。一行也没有保存；请在客户端"
        f"“数据管理”里补充 {ask.minutes} 分钟数据，再运行同一条命令 / xt: the {ask.minutes}-minute bars of {ask.symbol} are not "
        f"whole, their volumes do not add up to the day's: {named}, {len(short)} days. Nothing of it was kept; download "
        f"{ask.minutes}-minute data in the client's data page and run the same command again"
    )


def _traded(days: dict[Day, DayBar]) -> bool:
    return any(bar.state is State.TRADED for bar in days.values())


def _overlaps(stock: reference.Stock, first: Day, last: Day) -> bool:
    listed, gone = stock.listing
    return listed <= last and not (gone and gone <= first)


def chunks(symbols: Sequence[Symbol]) -> list[list[Symbol]]:
    """Return codes in pieces of one question."""
    return [list(symbols[at : at + LOADED_CODES]) for at in range(0, len(symbols), LOADED_CODES)]


def quarters(first: Day, last: Day) -> list[Day]:
    """Return the first days of the quarters from that of `first` on, up to `last`."""
    found = [
        year * 10_000 + month * 100 + 1
        for year in range(first // 10_000, last // 10_000 + 1)
        for month in (1, 4, 7, 10)
    ]
    return [day for day in found if first // 100 - 2 <= day // 100 and day <= last]


def moved(day: Day, days: int) -> Day:
    """Return the calendar day some days later, or earlier."""
    return from_date(to_date(day) + timedelta(days=days))
