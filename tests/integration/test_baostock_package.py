"""The real baostock package over a server of the test: pages, closed lines, silence, damage; it prints nothing.

The wire format is what the package's own source reads and writes (0.9.4). Skips where the package is not installed.
"""

import json
import socket
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.domain.errors import SourceBusyError
from common.history.sources import baostock as adapter
from common.history.sources.baostock import Baostock, load_package
from common.history.sources.pace import DayCount, PolitePacer, Retries
from common.history.sources.source import Ask, Kind, Rate
from tests.unit.history.sources.vendor import DAILY, Wall, bar

pytest.importorskip("baostock", reason="the optional package baostock is not installed (pip install baostock)")

SPLIT, END = "\1", b"<![CDATA[]]>\n"
DAY = 20260105
MINUTES = ["date", "time", "code", "open", "high", "low", "close", "volume", "amount", "adjustflag"]


def reply(kind: str, parts: list[str], compressed: bool) -> bytes:
    body = SPLIT.join(parts)
    packed = zlib.compress(body.encode()) if compressed else f"{body}{SPLIT}0".encode()
    return f"00.9.40{SPLIT}{kind}{SPLIT}{len(packed):010d}".encode() + packed + END


class Server(threading.Thread):
    """Serves one connection after another; `faults` = what goes wrong at each question in turn."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.faults: list[str] = []
        self.asked: list[list[str]] = []

    def run(self) -> None:
        while True:
            try:
                line, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line, line.makefile("rb") as reader:
            for raw in reader:
                question = raw[21:].decode().rstrip("\n").split(SPLIT)
                self.asked.append(question)
                if question[0] in ("login", "logout"):
                    line.sendall(reply("01", ["0", "success", question[0], "anonymous"], compressed=False))
                    continue
                fault = self.faults.pop(0) if self.faults else ""
                if fault == "silent":
                    continue
                answer = self._answer(question)
                if fault == "closed":
                    line.sendall(answer[: len(answer) // 2])
                    return
                if fault == "damaged":
                    answer = answer[:40] + b"\0\1\2" + answer[43:]
                line.sendall(answer)

    def _answer(self, question: list[str]) -> bytes:
        name, user = question[:2]
        if name == "query_trade_dates":
            rows = json.dumps({"record": [["2026-01-05", "1"], ["2026-01-10", "0"]]})
            parts = ["0", "success", name, user, "1", "2000", rows, *question[4:6], "calendar_date,is_trading_day"]
            return reply("34", parts, compressed=False)
        if name == "query_daily_history_k_AStock":
            record = [bar("2026-01-05", f"sh.{600000 + at}", "10.0000", "10.0000") for at in range(2_000)]
            parts = ["0", "success", name, user, json.dumps({"record": record}), ",".join(DAILY)]
            return reply("99", parts, compressed=True)
        page = int(question[2])
        times = [f"2026010509{second // 60:02d}{second % 60:02d}000" for second in range(1800, 3600)]
        every = [["2026-01-05", time, "sh.600000", *["10.00"] * 4, "100", "1000.00", "3"] for time in times * 2]
        record = every[(page - 1) * 2_000 : page * 2_000]
        parts = ["0", "success", name, user, str(page), "2000", json.dumps({"record": record}), question[4],
                 ",".join(MINUTES), *question[6:10]]  # fmt: skip
        return reply("96", parts, compressed=True)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    load_package()
    from baostock.common import contants

    made = Server()
    made.start()
    monkeypatch.setattr(contants, "BAOSTOCK_SERVER_IP", "127.0.0.1")
    monkeypatch.setattr(contants, "BAOSTOCK_SERVER_PORT", made.port)
    monkeypatch.setattr(adapter, "TIMEOUT_S", 0.3)
    yield made
    made.listener.close()


@pytest.fixture
def source(server: Server, tmp_path: Path) -> Iterator[Baostock]:
    pacer = PolitePacer("baostock", Rate(60_000), Wall(), DayCount(tmp_path / "calls.json", 0), Retries(times=2))
    made = Baostock(pacer)
    yield made
    made.close()


def fetch(source: Baostock, kind: Kind, symbol: str = "", minutes: int = 0) -> int:
    return source.fetch(Ask(kind, DAY, DAY, symbol, minutes)).frame.height


def test_a_plain_answer(source: Baostock, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch(source, Kind.CALENDAR) == 2
    assert capsys.readouterr().out == ""


def test_a_whole_market_of_exactly_one_page_is_not_asked_for_a_second(source: Baostock, server: Server) -> None:
    assert fetch(source, Kind.BARS) > 1_000
    assert [question[0] for question in server.asked].count("query_daily_history_k_AStock") == 1


def test_pages_are_followed(source: Baostock, server: Server) -> None:
    # Each second stands twice with the same numbers: 1800 bars out of two pages.
    assert fetch(source, Kind.MINUTES, "600000.SH", 5) == 1_800
    assert [question[2] for question in server.asked if question[0] == "query_history_k_data_plus"] == ["1", "2"]


@pytest.mark.parametrize("fault", ["closed", "silent", "damaged"])
def test_a_broken_line_is_opened_anew(
    source: Baostock, server: Server, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server.faults = [fault]
    assert fetch(source, Kind.MINUTES, "600000.SH", 5) == 1_800
    assert source.pacer.repeated == 1
    assert [question[0] for question in server.asked].count("login") == 2
    assert capsys.readouterr().out == ""


def test_a_page_that_breaks_is_no_end_of_the_rows(source: Baostock, server: Server) -> None:
    server.faults = ["", "closed"]
    assert fetch(source, Kind.MINUTES, "600000.SH", 5) == 1_800


def test_a_line_that_stays_broken_is_busy(source: Baostock, server: Server) -> None:
    server.faults = ["closed"] * 3
    with pytest.raises(SourceBusyError, match="asked 3 times"):
        fetch(source, Kind.CALENDAR)


def test_no_server_is_busy(source: Baostock, monkeypatch: pytest.MonkeyPatch) -> None:
    from baostock.common import contants

    with socket.create_server(("127.0.0.1", 0)) as free:
        monkeypatch.setattr(contants, "BAOSTOCK_SERVER_PORT", free.getsockname()[1])
    with pytest.raises(SourceBusyError, match="login"):
        fetch(source, Kind.CALENDAR)
