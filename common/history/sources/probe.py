"""Fixed questions to a vendor on a user's machine: its real answers, recorded, beside what our parsers assume of them."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from common.domain.calendar import clock
from common.domain.errors import SourceError
from common.history.sources.source import Answer, Ask, Kind, Source

ROWS_KEPT = 200
"""Rows of an answer in the record: the first ones."""
SHAPES_TOLD = 3
"""Cells of one answer that are told when they look otherwise than assumed."""
STOCK = "600000.SH"
MARKET_DAY, OLD_DAY, CRASH_DAY = 20240102, 20100104, 20150708

QUESTIONS: tuple[tuple[str, Ask], ...] = (
    ("calendar", Ask(Kind.CALENDAR, 20240101, 20240131)),
    ("instruments", Ask(Kind.INSTRUMENTS)),
    ("names", Ask(Kind.NAMES)),
    ("market_day", Ask(Kind.BARS, MARKET_DAY, MARKET_DAY)),
    ("old_day", Ask(Kind.BARS, OLD_DAY, OLD_DAY)),
    ("crash_day", Ask(Kind.BARS, CRASH_DAY, CRASH_DAY)),
    ("stock_month", Ask(Kind.BARS, MARKET_DAY, 20240131, STOCK)),
    ("minutes", Ask(Kind.MINUTES, MARKET_DAY, MARKET_DAY, STOCK, 5)),
    ("dividends", Ask(Kind.DIVIDENDS, 20240101, 20241231, STOCK)),
    ("pre_open", Ask(Kind.PRE_OPEN, MARKET_DAY, MARKET_DAY)),
)
BY_STOCK = frozenset({"stock_month", "minutes", "dividends"})
"""Asked only of sources that are asked by the stock."""

_YUAN = r"\d+(\.\d+)?"
_FLOAT = r"None|nan|-?\d+(\.\d+)?(e[+-]?\d+)?"
_XT_CODE = r"\d{6}\.(SH|SZ|BJ)"
_HEAD = "[A-Za-z_]+"
"""A cell of a head line."""
_XT_BAR = {
    "code": _XT_CODE, "open": _FLOAT, "high": _FLOAT, "low": _FLOAT, "close": _FLOAT, "volume": _FLOAT, "amount": _FLOAT,
}  # fmt: skip
_DASHED, _PLAIN = r"\d{4}-\d{2}-\d{2}", r"\d{8}"
_BAO = {
    "date": _DASHED, "code": r"(sh|sz|bj)\.\d{6}", "open": _YUAN, "high": _YUAN, "low": _YUAN, "close": _YUAN,
    "preclose": _YUAN, "volume": r"|\d+", "amount": rf"|{_YUAN}", "adjustflag": "3", "turn": rf"|{_YUAN}",
    "tradestatus": "[01]", "isST": "[01]",
}  # fmt: skip
SHAPES: dict[str, dict[str, str]] = {
    "query_trade_dates": {"calendar_date": _DASHED, "is_trading_day": "[01]"},
    "query_stock_basic": {
        "code": r"(sh|sz|bj)\.\d{6}", "code_name": ".+", "ipoDate": _DASHED, "outDate": f"|{_DASHED}", "type": "[1-5]",
        "status": "[01]",
    },
    "query_daily_history_k_AStock": _BAO,
    "query_history_k_data_plus d": _BAO,
    "query_history_k_data_plus 5": {
        "date": _DASHED, "time": r"\d{17}", "code": r"(sh|sz)\.\d{6}", "open": _YUAN, "high": _YUAN, "low": _YUAN,
        "close": _YUAN, "volume": r"\d+", "amount": _YUAN, "adjustflag": "3",
    },
    "query_dividend_data": {
        "code": r"(sh|sz)\.\d{6}", "dividPlanDate": f"|{_DASHED}", "dividOperateDate": f"|{_DASHED}",
        "dividCashPsBeforeTax": r"|[\d.;；]+", "dividStocksPs": r"|[\d.;；]+", "dividReserveToStockPs": r"|[\d.;；]+",
    },
    "trade_cal": {"cal_date": _PLAIN, "is_open": "[01]"},
    "stock_basic": {"ts_code": r"[A-Z0-9]{6}\.(SH|SZ|BJ)", "name": ".+", "list_date": _PLAIN, "delist_date": f"|None|{_PLAIN}"},
    "namechange": {"ts_code": r"\w+\.(SH|SZ|BJ)", "name": ".+", "start_date": _PLAIN, "ann_date": f"|None|nan|{_PLAIN}"},
    "daily": {
        "ts_code": r"\d{6}\.(SH|SZ|BJ)", "trade_date": _PLAIN, "open": _YUAN, "high": _YUAN, "low": _YUAN,
        "close": _YUAN, "pre_close": _YUAN, "vol": _YUAN, "amount": _YUAN,
    },
    "daily_basic": {"ts_code": r"\d{6}\.(SH|SZ|BJ)", "trade_date": _PLAIN, "float_share": rf"None|nan|{_YUAN}"},
    "stk_limit": {
        "ts_code": r"\d{6}\.(SH|SZ|BJ)", "trade_date": _PLAIN, "pre_close": rf"None|nan|{_YUAN}", "up_limit": _YUAN,
        "down_limit": _YUAN,
    },
    "suspend_d": {"ts_code": r"\d{6}\.(SH|SZ|BJ)", "trade_date": _PLAIN, "suspend_timing": ".*", "suspend_type": "[SR]"},
    "dividend": {
        "ts_code": r"\d{6}\.(SH|SZ|BJ)", "div_proc": ".+", "stk_div": rf"None|nan|{_YUAN}",
        "cash_div_tax": rf"None|nan|{_YUAN}", "ex_date": f"None|{_PLAIN}", "ann_date": f"None|{_PLAIN}",
        "imp_ann_date": f"None|nan|{_PLAIN}",
    },
    "calendar": {"day": _PLAIN, "open": "True|False"},
    "details": {
        "code": r"\d{6}\.\w+", "InstrumentName": "None|.+", "OpenDate": rf"None|0|{_PLAIN}", "ExpireDate": rf"None|0|{_PLAIN}",
        "InstrumentStatus": r"None|-?\d+", "FloatVolume": _FLOAT,
    },
    "bars 1d": {**_XT_BAR, "label": _PLAIN, "preClose": _FLOAT, "suspendFlag": "-1|0|1"},
    "bars 5m": {**_XT_BAR, "label": r"\d{14}"},
    "dividends": {
        "code": _XT_CODE, "at": r"\d{8}|\d{12,13}(\.0)?", "interest": _FLOAT, "stockBonus": _FLOAT, "stockGift": _FLOAT,
        "allotNum": _FLOAT, "allotPrice": _FLOAT, "gugai": _FLOAT,
    },
    "capital": {"code": _XT_CODE, "m_timetag": _FLOAT, "m_anntime": _FLOAT, "circulating_capital": _FLOAT},
    "st_file": {"code": rf"{_XT_CODE}|{_HEAD}", "day": rf"{_PLAIN}|{_HEAD}", "flag": rf"\d|{_HEAD}"},
}  # fmt: skip
"""Columns of each call and how their cells look, as far as our parsers rely on it."""


class Raw(NamedTuple):
    """One answer as the vendor gave it."""

    question: str
    call: str
    columns: list[str]
    rows: list[list[object]]
    rows_in_all: int


class Difference(NamedTuple):
    """Something that is not as assumed: the key of its text, and the facts in it."""

    what: str
    facts: Mapping[str, object]


class Probed(NamedTuple):
    """What a probe found."""

    heard: list[Raw]
    differences: list[Difference]


def ask_all(source: Source, told: Callable[[str, int, int], None]) -> Probed:
    """Ask every question that the source says it can answer; a refusal is a difference and the next one is asked."""
    heard: list[Raw] = []
    differences: list[Difference] = []
    answers: dict[str, Answer] = {}
    asked = [(name, ask) for name, ask in QUESTIONS if ask.kind in source.coverage.kinds]
    if not source.coverage.by_stock:
        asked = [(name, ask) for name, ask in asked if name not in BY_STOCK]
    for at, (name, ask) in enumerate(asked, 1):

        def hear(call: str, columns: Sequence[str], rows: Sequence[Sequence[object]], name: str = name) -> None:
            heard.append(Raw(name, call, list(columns), [list(row) for row in rows[:ROWS_KEPT]], len(rows)))
            differences.extend(shape_differences(name, call, columns, rows))

        source.heard = hear
        try:
            answers[name] = source.fetch(ask)
        except SourceError as error:
            differences.append(Difference("refused", {"question": name, "text": str(error)}))
        told(name, at, len(asked))
    source.heard = None
    for name, answer in answers.items():
        differences += fact_differences(name, answer, answers)
    return Probed(heard, differences)


def shape_differences(
    question: str, call: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> list[Difference]:
    """Return how the columns and cells of an answer differ from what is assumed."""
    shapes = SHAPES.get(call, {})
    found: list[Difference] = []
    missing = sorted(set(shapes) - set(columns))
    if missing:
        extra = sorted(set(columns) - set(shapes))
        facts = {"question": question, "missing": ", ".join(missing), "extra": ", ".join(extra) or "-"}
        found.append(Difference("columns", facts))
    for at, column in enumerate(columns):
        pattern = re.compile(shapes.get(column, ".*"), re.DOTALL)
        odd = (str(row[at]) for row in rows if at < len(row) and not pattern.fullmatch(str(row[at])))
        value = next(odd, None)
        if value is not None:
            facts = {"question": question, "column": column, "value": value[:40], "pattern": shapes[column]}
            found.append(Difference("shape", facts))
    return found


def fact_differences(name: str, answer: Answer, answers: dict[str, Answer]) -> list[Difference]:
    """Return what an answer says otherwise than is known of these days."""
    found: list[Difference] = []
    if answer.defects:
        facts = {"question": name, "count": sum(answer.defects.values()), "example": answer.examples[0]}
        found.append(Difference("defect", facts))
    for wanted, true, shown in _facts(name, answer.frame, answers):
        if not true:
            found.append(Difference("fact", {"question": name, "wanted": wanted, "found": shown}))
    return found


Fact = tuple[str, bool, str]


def _facts(name: str, frame: pl.DataFrame, answers: dict[str, Answer]) -> list[Fact]:
    match name:
        case "calendar":
            days = dict(frame.iter_rows())
            return [
                ("2024-01-01 closed", days.get(20240101) is False, str(days.get(20240101))),
                ("2024-01-02 open", days.get(20240102) is True, str(days.get(20240102))),
            ]
        case "instruments":
            listed = frame.filter(pl.col("symbol") == STOCK)["listed_day"].to_list()
            return [
                ("4500 stocks or more", frame.height >= 4_500, str(frame.height)),
                (f"{STOCK} listed 1999-11-10", listed == [19991110], str(listed)),
            ]
        case "market_day":
            shares = frame.filter(pl.col("volume") > 0, pl.col("float_shares") == 0).height
            return [
                ("4500 stocks or more", frame.height >= 4_500, str(frame.height)),
                ("float shares wherever there are trades", shares == 0, f"none for {shares} stocks"),
                ("the ST state of every stock", frame.filter(pl.col("st") < 0).is_empty(), "some are not told"),
            ]
        case "old_day":
            return [("1000 stocks or more", frame.height >= 1_000, str(frame.height))]
        case "crash_day":
            count = frame.filter("suspended").height
            return [("1000 suspended stocks or more", count >= 1_000, str(count))]
        case "stock_month":
            return [_same_bar(frame, answers.get("market_day"))]
        case "minutes":
            return _minute_facts(frame, answers.get("stock_month"))
        case "dividends":
            return [("an ex-day in 2024", frame.height > 0, "none")]
        case "pre_open":
            return [("limits of 4500 stocks or more", frame.height >= 4_500, str(frame.height))]
    return []


def _same_bar(month: pl.DataFrame, market: Answer | None) -> Fact:
    wanted = "the same bar by the day and by the stock"
    if market is None:
        return wanted, True, ""
    mine = month.filter(pl.col("day") == MARKET_DAY)
    other = market.frame.filter(pl.col("symbol") == STOCK)
    return wanted, mine.equals(other), f"{mine.rows()} and {other.rows()}"


def _minute_facts(frame: pl.DataFrame, month: Answer | None) -> list[Fact]:
    labels = frame["label_s"].to_list()
    ends = f"{clock(labels[0])}..{clock(labels[-1])}" if labels else "none"
    facts = [("48 bars, 09:35..15:00", len(labels) == 48 and ends == "09:35:00..15:00:00", f"{len(labels)}, {ends}")]
    if month is not None:
        volume = month.frame.filter(pl.col("day") == MARKET_DAY)["volume"].sum()
        facts.append(("volumes that add up to the day's", frame["volume"].sum() == volume, str(frame["volume"].sum())))
    return facts


def record(path: Path, heard: Sequence[Raw], secrets: Sequence[str]) -> None:
    """Write the answers, one a line, with every secret taken out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(raw._asdict(), ensure_ascii=False, default=str) for raw in heard]
    text = "".join(f"{line}\n" for line in lines)
    for secret in secrets:
        text = text.replace(secret, "***")
    path.write_text(text, "utf-8")
