"""A Tushare client that lives in the test: tables by call. Shape from docs, not recorded.

Columns, units and error texts are as in the package's documentation and its users' notes (1.4.29).
"""

from typing import Any

import pandas as pd

DAYS = ["20260107", "20260108", "20260109"]
OPENS = "20260112"
COLUMNS = {
    "trade_cal": ["cal_date", "is_open"],
    "stock_basic": ["ts_code", "name", "list_date", "delist_date"],
    "namechange": ["ts_code", "name", "start_date", "ann_date"],
    "daily": ["ts_code", "trade_date", "open", "high", "low", "close", "pre_close", "vol", "amount"],
    "daily_basic": ["ts_code", "trade_date", "float_share"],
    "stk_limit": ["ts_code", "trade_date", "pre_close", "up_limit", "down_limit"],
    "suspend_d": ["ts_code", "trade_date", "suspend_timing", "suspend_type"],
    "dividend": ["ts_code", "div_proc", "stk_div", "cash_div_tax", "ex_date", "ann_date", "imp_ann_date"],
}
Row = list[object]


def tables() -> dict[str, list[Row]]:
    """Four stocks; 600000 goes ex on the day that opens, 600001 is ST since the 8th, 000001 suspended on the opening day."""
    made: dict[str, list[Row]] = {name: [] for name in COLUMNS}
    made["trade_cal"] = [[day, 1] for day in [*DAYS, OPENS]] + [["20260110", 0], ["20260111", 0]]
    made["stock_basic"] = [
        ["600000.SH", "浦发银行", "19991110", None],
        ["600001.SH", "ST邯钢", "19980122", None],
        ["000001.SZ", "平安银行", "19910403", None],
        ["920002.BJ", "万达轴承", "20240530", None],
    ]
    made["namechange"] = [
        ["600000.SH", "浦发银行", "19991110", None],
        ["600001.SH", "邯郸钢铁", "19980122", None],
        ["600001.SH", "ST邯钢", "20260108", "20260107"],
        ["000001.SZ", "平安银行", "20120802", "20120801"],
        ["920002.BJ", "万达轴承", "20240530", None],
    ]
    for day in DAYS:
        made["daily"] += [
            ["600000.SH", day, 10.0, 10.01, 9.99, 10.0, 10.0, 1000.0, 1000.5],
            ["600001.SH", day, 4.99, 5.0, 4.98, 5.0, 5.0, 10.0, 5.0],
            ["000001.SZ", day, 11.25, 11.35, 11.2, 11.3, 11.3, 883210.55, 1000000.123],
            ["920002.BJ", day, 90.0, 90.0, 90.0, 90.0, 90.0, 0.03, 0.27],
        ]
        made["daily_basic"] += [
            ["600000.SH", day, 10000.0],
            ["600001.SH", day, 281645.6001],
            ["000001.SZ", day, 1940559.18],
        ]
        made["stk_limit"] += [
            ["600000.SH", day, 10.0, 11.0, 9.0],
            ["600001.SH", day, 5.0, 5.5, 4.5],
            ["000001.SZ", day, 11.3, 12.43, 10.17],
            ["920002.BJ", day, 90.0, 117.0, 63.0],
        ]
    made["stk_limit"] += [
        ["600000.SH", OPENS, 10.0, 10.45, 8.55],  # around the ex-right price, beside the close of the day before
        ["600001.SH", OPENS, 5.0, 5.5, 4.5],
        ["000001.SZ", OPENS, 11.3, 12.43, 10.17],
        ["920002.BJ", OPENS, 90.0, 99999.0, 0.01],
    ]
    made["suspend_d"] = [["000001.SZ", OPENS, None, "S"], ["600001.SH", OPENS, "09:30-10:00", "S"]]
    made["dividend"] = [
        ["600000.SH", "实施", 0.0, 0.5, OPENS, "20251101", "20260106"],
        ["600000.SH", "预案", 0.0, 0.9, OPENS, "20251001", None],
    ]
    return made


class Client:
    """Answers `query` from tables, page by page; `fail` = what to raise, one a call; `hide` = a table that is empty."""

    def __init__(self) -> None:
        self.tables = tables()
        self.calls: list[str] = []
        self.fail: list[Exception | None] = []
        self.hide = ""
        self.broken = ""
        self.page_most = 6_000

    def query(self, api: str, fields: str = "", **params: Any) -> pd.DataFrame:
        self.calls.append(api)
        wrong = self.fail.pop(0) if self.fail else None
        if wrong is not None:
            raise wrong
        if api == self.broken:
            return pd.DataFrame()
        columns = COLUMNS[api]
        rows = [] if api == self.hide else self.tables[api]
        for name, column in (("trade_date", "trade_date"), ("ex_date", "ex_date")):
            if name in params and column in columns:
                rows = [row for row in rows if row[columns.index(column)] == params[name]]
        if api == "stock_basic" and params.get("list_status") != "L":
            rows = []
        begin = int(params.get("offset", 0))
        rows = rows[begin : begin + min(int(params.get("limit", 6_000)), self.page_most)]
        frame = pd.DataFrame(rows, columns=columns)
        return frame[fields.split(",")]
