"""The questions to a QMT client through xtdata, answered as plain data. Runs in a process of its own (`xt_line.py`).

Nothing of the vendor's leaves this module: frames become columns and rows, faults become one of `Fault`'s kinds.
Facts about the package: reference notes on xtquant 250807.1.2; each that is used is held by a test on the real layer.
"""

import math
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

PORT = "PANKOU_XT_PORT"
"""Environment variable: the port of the client's data service where it is not the usual one."""
DAILY = ["open", "high", "low", "close", "volume", "amount", "preClose", "suspendFlag"]
MINUTE = ["open", "high", "low", "close", "volume", "amount"]
DETAIL = ["InstrumentName", "OpenDate", "ExpireDate", "InstrumentStatus", "FloatVolume"]
CAPITAL = ["m_timetag", "m_anntime", "total_capital", "circulating_capital"]
DIVIDEND = ["interest", "stockBonus", "stockGift", "allotNum", "allotPrice", "gugai", "dr"]
CAPITAL_CHUNK = 20
"""Codes in one question for share capital, as the package itself cuts them."""
ST_BYTES_MAX = 200_000_000
Told = Callable[[int, int], None]
Columns = tuple[list[str], list[list[object]]]
"""Columns, and rows below them."""


class Fault(Exception):  # noqa: N818 - a message to the other process, not an error class of ours
    """Something that the other process tells a person: `kind` is missing, no_client, dropped or refused."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind, self.text = kind, " ".join(text.split())


def load_xtdata() -> Any:
    """Import the package; raises `Fault` when it, or the native half of it, is not there."""
    # Its first import asks a package index for news, 10 s long, where `requests` can be imported; here nobody needs it.
    sys.modules["requests"] = None  # type: ignore[assignment]  # how an import is made to fail
    try:
        import xtquant
    except ImportError as error:
        raise Fault("no_package", str(error)) from error
    try:
        from xtquant import xtdata
    except ImportError as error:
        raise Fault("no_native", str(error)) from error
    del xtquant
    return xtdata


class Calls:
    """One connection to a client. Every method is one question; its name is what the other process asks for."""

    def __init__(self, xtdata: Any) -> None:
        xtdata.enable_hello = False
        self._xt = xtdata
        self._client: Any = None

    def connect(self) -> str:
        """Connect, and return the folder of the client's data."""
        port = os.environ.get(PORT, "")
        try:
            self._xt.connect(port=int(port) if port else None)
        except Exception as error:  # the package raises bare exceptions
            raise Fault("no_client", str(error)) from error
        self._client = self._xt.get_client()
        return str(self._xt.get_data_dir())

    def download(self, codes: list[str], period: str, first: str, last: str, more: bool, told: Told) -> None:
        """Have the client bring data onto this machine; raises `Fault` unless it says itself that all of it came.

        `more` = only what is newer than what is here already.
        The package returns without a word when the line breaks after its native half had said yes, and when a failure
        has no text. So its progress is followed here, and only finished = total counts.
        """
        seen = [0, 1]

        def progress(data: dict[str, Any]) -> None:
            seen[:] = int(data.get("finished", 0)), int(data.get("total", 1))
            told(*seen)

        client = self._same_client()
        try:
            self._xt.download_history_data2(codes, period, first, last, progress, more)
        except Exception as error:  # bare, as above
            raise Fault("refused" if client.is_connected() else "dropped", f"download {period}: {error}") from error
        if not client.is_connected() or self._xt.get_client() is not client:
            raise Fault("dropped", f"download {period}: the client went away at {seen[0]} of {seen[1]}")
        if seen[0] < seen[1]:
            raise Fault("refused", f"download {period}: it ended at {seen[0]} of {seen[1]} without saying why")

    def bars(self, codes: list[str], period: str, first: str, last: str) -> Columns:
        """Return raw bars from the client's files, nothing filled in: code, label and the fields of `DAILY` or `MINUTE`."""
        fields = DAILY if period == "1d" else MINUTE
        found = self._asked(
            lambda: self._xt.get_market_data_ex(
                ["time", *fields], codes, period, first, last, count=-1, dividend_type="none", fill_data=False
            )
        )
        rows: list[list[object]] = []
        for code, frame in found.items():
            missing = [name for name in fields if name not in frame.columns]
            if missing and len(frame):
                raise Fault("refused", f"get_market_data_ex {period} has no column {', '.join(missing)}")
            if len(frame):
                columns = [frame[name].tolist() for name in fields]
                rows += [[code, str(label), *cells] for label, *cells in zip(frame.index, *columns, strict=True)]
        return ["code", "label", *fields], rows

    def refresh_lists(self) -> None:
        """Have the client look for new lists of stocks, and for those that left the market."""
        self._tried(self._xt.download_sector_data)
        self._tried(self._xt.download_history_contracts)

    def sectors(self) -> list[str]:
        """Return the names of the lists of stocks."""
        return [str(name) for name in self._asked(self._xt.get_sector_list)]

    def sector(self, name: str, at_ms: int) -> list[str]:
        """Return the members of a list of stocks now (-1) or at a time; milliseconds, so that no time zone plays a part."""
        return [str(code) for code in self._asked(partial(self._xt.get_stock_list_in_sector, name, at_ms))]

    def details(self, codes: list[str], told: Told) -> Columns:
        """Return what the client knows of each code; one without a detail has empty cells."""
        rows: list[list[object]] = []
        for at, code in enumerate(codes, 1):
            found = self._asked(partial(self._xt.get_instrument_detail, code)) or {}
            rows.append([code, *(_plain(found.get(name)) for name in DETAIL)])
            if at % 200 == 0 or at == len(codes):
                told(at, len(codes))
        return ["code", *DETAIL], rows

    def trading_dates(self, market: str, first: str, last: str) -> list[int]:
        """Return the trading days so far, as milliseconds."""
        return [int(at) for at in self._asked(partial(self._xt.get_trading_dates, market, first, last, -1))]

    def holidays(self) -> list[int]:
        """Return the holidays that the client knows, yyyymmdd, after asking it to look for new ones."""
        self._tried(self._xt.download_holiday_data)
        return [int(day) for day in self._asked(self._xt.get_holidays)]

    def st_file(self) -> list[list[str]] | None:
        """Return code, day and flag of every line of the client's ST file; None where there is no such file.

        The package's own reader takes a missing file for "never ST" and reads all of it again for each code.
        """
        self._tried(self._xt.download_his_st_data)
        path = Path(self._xt.get_data_dir(), "..", "data", "SH_XXXXXX_2011_86400000.csv")
        try:
            if path.stat().st_size > ST_BYTES_MAX:
                raise Fault("refused", f"the ST file is larger than {ST_BYTES_MAX} bytes: {path}")
            lines = path.read_text("utf-8", errors="replace").splitlines()
        except OSError:
            return None
        cells = [line.split(",") for line in lines]
        return [[row[0].strip(), row[2].strip(), row[3].strip()] for row in cells if len(row) >= 4]

    def capital(self, codes: list[str], told: Told) -> Columns:
        """Return every row of the share capital tables. The raw reader: the other one fills in missing days and raises."""
        rows: list[list[object]] = []
        for start in range(0, len(codes), CAPITAL_CHUNK):
            chunk = codes[start : start + CAPITAL_CHUNK]
            found = self._asked(
                partial(self._xt.get_financial_data_ori, chunk, ["Capital"], report_type="announce_time")
            )
            for code, tables in found.items():
                table = next(iter(tables.values()), ())
                rows += [[code, *(_plain(row.get(name)) for name in CAPITAL)] for row in table]
            told(min(start + CAPITAL_CHUNK, len(codes)), len(codes))
        return ["code", *CAPITAL], rows

    def dividends(self, codes: list[str], told: Told) -> Columns:
        """Return the ex-days of each code with what was given on them; `at` is the index as it comes."""
        rows: list[list[object]] = []
        for at, code in enumerate(codes, 1):
            frame = self._asked(partial(self._xt.get_divid_factors, code))
            for label, row in frame.to_dict("index").items():
                rows.append([code, str(label), *(_plain(row.get(name)) for name in DIVIDEND)])
            if at % 200 == 0 or at == len(codes):
                told(at, len(codes))
        return ["code", "at", *DIVIDEND], rows

    # ------------------------------------------------------------------ the line

    def _same_client(self) -> Any:
        """Return the connection that `connect` made; the package would build another one in silence."""
        if self._client is None or not self._client.is_connected():
            raise Fault("dropped", "the client went away")
        return self._client

    def _tried(self, refresh: Callable[[], Any]) -> None:
        """Ask for newer data; a client that does not know how keeps what it has, which is looked at afterwards."""
        try:
            self._asked(refresh)
        except Fault as fault:
            if fault.kind != "refused":
                raise

    def _asked(self, ask: Callable[[], Any]) -> Any:
        client = self._same_client()
        try:
            return ask()
        except Exception as error:  # bare, as above
            raise Fault(
                "refused" if client.is_connected() else "dropped", f"{type(error).__name__}: {error}"
            ) from error


def _plain(value: object) -> object:
    """Return a cell as text or number; NaN as None."""
    if isinstance(value, bool | int | str) or value is None:
        return value
    number = float(value)  # type: ignore[arg-type]  # a numpy number
    return None if math.isnan(number) else number


def names_of(calls: type) -> Sequence[str]:
    """Return the questions that may be asked by name."""
    return [name for name in vars(calls) if not name.startswith("_")]
