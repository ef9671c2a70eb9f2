"""The line to the client through a process: deadlines, a child that dies, what it prints, its zone, what is missing."""

import os
import signal
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from common.domain.errors import SourceBusyError, SourceError
from common.history.sources.xt_calls import PORT, Calls, Fault, load_xtdata
from common.history.sources.xt_line import TEXTS, ZONE, ProcessLine, answer, check_zone, error_of, exchange_zone


class Client:
    """A package that lives in the child: what it does depends on what is asked. Only the parts that `Calls` uses."""

    def connect(self, port: int | None) -> None:
        print("welcome")  # as the package does
        self.port = port
        self.client = SimpleNamespace(is_connected=lambda: True)

    def get_client(self) -> Any:
        return self.client

    def get_data_dir(self) -> str:
        return "here"

    def get_sector_list(self) -> list[str]:
        return [time.strftime("%Y%m%d", time.localtime(1_719_676_800)), os.environ["TZ"], str(self.port)]

    def get_holidays(self) -> list[int]:
        time.sleep(3_600)
        return []

    def download_holiday_data(self) -> None:
        return

    def get_trading_dates(self, *_asked: object) -> list[int]:
        os.kill(os.getpid(), signal.SIGKILL)
        return []

    def get_stock_list_in_sector(self, name: str, at_ms: int) -> list[str]:
        raise RuntimeError(f"bare, about {name}")

    def download_history_data2(self, codes: list[str], *asked: Any) -> None:
        progress = asked[3]
        for at in range(1, 5):
            time.sleep(0.5)
            progress({"finished": at, "total": 4})


def load() -> Any:
    return Client()


def load_nothing() -> Any:
    raise Fault("no_native", "DLL load failed")


@pytest.fixture(scope="module")
def line() -> Any:
    made = ProcessLine(load)
    yield made
    made.close()


@pytest.mark.process
def test_a_child_answers_in_exchange_time_and_prints_nothing(
    line: ProcessLine, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv(PORT, "58611")
    line.close()
    assert line.call("sectors") == ["20240630", ZONE, "58611"]
    assert os.environ["TZ"] == "UTC"
    assert capfd.readouterr().out == ""


@pytest.mark.process
def test_a_question_that_hangs_is_given_up_and_the_next_one_answered(line: ProcessLine) -> None:
    with pytest.raises(SourceError, match=r"0 秒没有动静.*silent for 0 s.*holidays.*restart the client"):
        line.call("holidays", wait_s=0.3)
    assert len(line.call("sectors")) == 3


@pytest.mark.process
def test_a_deadline_is_a_silence_not_a_length(line: ProcessLine) -> None:
    told: list[tuple[int, int]] = []
    line.call("download", ["600000.SH"], "1d", "", "", False, told=lambda *each: told.append(each), wait_s=1.5)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]  # 2 s in all


@pytest.mark.process
def test_a_child_that_dies_is_a_broken_line(line: ProcessLine) -> None:
    with pytest.raises(SourceBusyError, match=r"连接断了.*broke"):
        line.call("trading_dates", "SH", "", "")
    with pytest.raises(SourceError, match="bare, about x") as error:
        line.call("sector", "x", -1)
    assert not isinstance(error.value, SourceBusyError)


@pytest.mark.process
def test_what_is_missing_is_said_by_the_child() -> None:
    with pytest.raises(SourceError, match=r"64 位 Windows.*64-bit Windows"):
        ProcessLine(load_nothing).call("sectors")


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="the native half is there")
def test_the_real_package_without_its_native_half_or_at_all() -> None:
    with pytest.raises(SourceError, match=r"pip install 'pankou|64-bit Windows"):
        ProcessLine().call("sectors")


def test_the_package_may_not_ask_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "requests", sys)
    monkeypatch.setitem(sys.modules, "xtquant", None)
    with pytest.raises(Fault) as fault:
        load_xtdata()
    assert fault.value.kind == "no_package"
    assert sys.modules["requests"] is None


def test_another_zone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    check_zone()
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    try:
        with pytest.raises(Fault, match="zone"):
            check_zone()
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("before", [None, "UTC"])
def test_a_child_is_born_in_exchange_time_and_our_own_zone_stays(
    monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    if before is None:
        monkeypatch.delenv("TZ")
    else:
        monkeypatch.setenv("TZ", before)
    with exchange_zone():
        assert os.environ["TZ"] == ZONE
    assert os.environ.get("TZ") == before


def test_only_questions_have_names() -> None:
    for name in ("_asked", "__class__", "nothing"):
        with pytest.raises(Fault, match="no question"):
            answer(Calls(SimpleNamespace()), name, [], lambda _done, _of: None)


@pytest.mark.parametrize("kind", sorted(TEXTS))
def test_every_fault_is_told_in_both_languages(kind: str) -> None:
    text = str(error_of(kind, "why", 1))
    chinese, _, english = text.partition(" / ") if " / " in text else text.partition("/ ")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)
    assert english
    assert not any("\u4e00" <= letter <= "\u9fff" for letter in english)
    assert "why" in text
