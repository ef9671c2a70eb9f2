"""The client of `accept live` over the vendor's real Python layer and the fake venue: every call, every callback, every habit
that users have reported, and calls that never return."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from common.domain.errors import UserError
from common.domain.values import MILLI, Side
from common.runtime.config import Config, Gateway
from services.cli.accept.place import ACCEPT, DOCTOR, Place, place_of
from services.cli.accept.port import NATIVE, Heard
from services.cli.accept.recordings import read_rows
from services.cli.adapters.xt import CALLBACKS, VendorSilentError, XtVendor, fields_of, is_native, rows_of, within
from services.cli.app import cli
from services.cli.doctor.client_probe import look
from services.cli.home import Home
from services.cli.session import Session
from tests.fakes import xtquant as fakes
from tests.fakes.plain_client import ACCOUNT, StepClock

PATH = "D:/国金QMT/userdata_mini"
HOLDER = "A000000000"
REMARK = "261125ABCDEFGHJKMNPQ"
BANK = "601398.SH"
PRICE = 7.0


PATIENT_S = 20.0
"""A limit that no call meets, however busy the machine is; tests of hanging calls have a short one."""


class PacedClock(StepClock):
    """At each step the vendor's threads finish what they have."""

    settle: Callable[[], None] = staticmethod(lambda: None)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.settle()


class Met:
    """A vendor over the real layer, and the venue and the quote terminal behind it."""

    def __init__(self, natives: dict[str, ModuleType], home: Path) -> None:
        self.home, self.clock = home, PacedClock()
        venue = sys.modules["tests.fakes.xtquant.venue"]
        self.venue = venue.Venue(PATH, ACCOUNT, cash=100_000 * MILLI, now_ns=self.clock.now_ns)
        self.terminal = natives["datacenter"].terminal
        ms = self.clock.now_ns() // 1_000_000
        five = [PRICE, 0.0, 0.0, 0.0, 0.0]
        quote = {
            "time": ms, "lastPrice": PRICE, "lastClose": PRICE, "low": PRICE, "high": PRICE, "volume": 10_000,
            "amount": PRICE * 1_000_000, "askPrice": five, "bidPrice": five, "askVol": [1, 0, 0, 0, 0], "bidVol": [1, 0, 0, 0, 0],
        }  # fmt: skip
        self.terminal.ticks = {f"{600_000 + at}.SH": quote for at in range(1_200)} | {BANK: quote, "000001.SZ": quote}
        self.terminal.instruments = {
            BANK: {
                "UpStopPrice": 7.7,
                "DownStopPrice": 6.3,
                "FloatVolume": 2.7e11,
                "ExtendInfo": {"MinLimitOrderVolume": 100},
            }
        }
        self.vendor = XtVendor(Place(PATH, ACCOUNT), self.clock.now_ns, call_s=PATIENT_S)
        self.used = [self.vendor]
        self.call_s = PATIENT_S
        self.clock.settle = self.settle  # type: ignore[method-assign]  # a clock of this test's own

    def settle(self) -> None:
        """Wait until the native thread and the layer's executors have done what they were given."""
        trader = self.used[-1]._trader
        if trader is not None and trader.executor is not None:
            trader.async_client.jobs.join()
            for executor in (trader.executor, trader.relaxed_resp_executor):
                executor.submit(lambda: None).result(PATIENT_S)
        self.terminal.settle()

    def up(self) -> XtVendor:
        self.vendor.load()
        assert self.vendor.connect() == 0
        assert self.vendor.subscribe() == 0
        return self.vendor

    def heard(self, name: str, count: int = 1) -> list[Heard]:
        """Return what was told under a name once so much of it came."""
        found: list[Heard] = []
        for _ in range(500):
            found += [one for one in self.vendor.heard() if one.name == name]
            if len(found) >= count:
                break
            time.sleep(0.01)
        return found

    def accept(self, typed: str = f"{ACCOUNT}\nBUY 100 {BANK}\n") -> Result:
        """Run `pankou accept live --order` against it."""

        def meet(place: Place, now_ns: Callable[[], int]) -> XtVendor:
            self.used.append(XtVendor(place, now_ns, call_s=self.call_s))
            return self.used[-1]

        session = Session(
            "en", Home(self.home), {}, is_up=lambda _home: False, meet=meet, clock=lambda: self.clock, locks=self.home
        )
        args = ["accept", "live", "--client", PATH, "--account", ACCOUNT, "--seconds", "5", "--order"]
        return CliRunner().invoke(cli, args, obj=session, input=typed)

    @property
    def rows(self) -> list[dict[str, Any]]:
        (path,) = (self.home / "accept").glob("*.jsonl")
        return read_rows(path)

    def differs(self) -> set[str]:
        return {row["name"] for row in self.rows[-1]["results"] if row["seen"] == "differs"}

    def close(self) -> None:
        for vendor in self.used:
            vendor.stop()
        for thread in threading.enumerate():
            if thread.name.startswith("vendor-stop"):
                thread.join(5)


@pytest.fixture
def met(tmp_path: Path) -> Iterator[Met]:
    if not fakes.available():
        pytest.skip("xtquant is not installed: pip install -r requirements-xt.lock")
    with fakes.installed() as installed:
        found = Met(installed, tmp_path)
        yield found
        found.close()


# ------------------------------------------------------------------ loading and asking


def test_it_loads_and_says_that_these_modules_are_no_real_ones(met: Met) -> None:
    loaded = met.vendor.load()
    assert loaded["xtquant"] == "xtquant_250807"
    assert loaded[NATIVE] is False
    assert is_native(SimpleNamespace(__file__=r"D:\x\xtpythonclient.cp311-win_amd64.pyd"))
    assert not is_native(None)


@pytest.mark.skipif(sys.platform == "win32", reason="there they exist")
def test_without_native_modules_it_names_the_fix() -> None:
    with pytest.raises(UserError, match=r"Windows|pip install"):
        XtVendor(Place(PATH, ACCOUNT), lambda: 0).load()
    for name in [name for name in sys.modules if name.partition(".")[0] == "xtquant"]:
        del sys.modules[name]


def test_it_connects_with_its_own_number_and_asks(met: Met) -> None:
    vendor = met.up()
    assert met.venue.sessions == [Place().session]
    assert vendor.account_status() == [{"account_id": ACCOUNT, "account_type": 2, "status": 0}]
    asset = vendor.asset()
    assert asset is not None
    assert (asset["cash"], asset["account_id"]) == (100_000.0, ACCOUNT)
    assert vendor.orders() is None, "None is failed or empty: both stay None"
    assert vendor.trades() is None
    assert vendor.positions() is None


@pytest.mark.parametrize("first", [1, 2, 3, 7_101, 2_000_000_000])
def test_its_number_is_none_of_the_gateway_s(first: int) -> None:
    config = Config(gateway=Gateway(session_first=first, sessions=64))
    numbers = {place_of(config, tool).session for tool in (ACCEPT, DOCTOR)}
    assert len(numbers) == 2
    assert not numbers & set(range(first, first + 64))
    assert min(numbers) > 0


def test_an_order_and_its_cancel_are_asynchronous_and_told_by_callbacks(met: Met) -> None:
    vendor = met.up()
    seq = vendor.order(BANK, 100, 6_300, REMARK)
    (response,) = met.heard("on_order_stock_async_response")
    number = response.fields["order_id"]
    assert (response.fields["seq"], response.fields["order_remark"]) == (seq, REMARK)
    (request,) = met.venue.requests("orderStockWithSeq")
    assert (request.m_nOrderType, request.m_nPriceType, request.m_dPrice, request.m_nOrderVolume) == (23, 11, 6.3, 100)
    vendor.cancel(number)
    told = met.heard("on_stock_order")
    assert told[-1].fields["order_status"] == 54
    assert {one.thread for one in told} == {response.thread}
    assert response.thread != threading.current_thread().name
    assert [entry.status for entry in met.venue.orders] == [54]


def test_quotes_are_asked_for_and_pushed(met: Met) -> None:
    vendor = met.up()
    detail = vendor.instrument(BANK)
    assert detail is not None
    assert (detail["DownStopPrice"], str(detail["MinLimitOrderVolume"])) == (6.3, "100")
    assert vendor.instrument("600001.SH") is None
    tick = vendor.tick(BANK)
    assert tick is not None
    assert tick["lastPrice"] == PRICE
    assert vendor.tick("688001.SH") is None
    assert vendor.watch((BANK,)) > 0
    (push,) = met.heard("quotes")
    assert (push.fields["count"], push.fields["markets"]) == (1_202, {"SH": 1_201, "SZ": 1, "BJ": 0})
    assert list(push.fields["ticks"]) == [BANK]
    assert len(push.fields["market"]) == 1_202, "the first push is kept whole"
    met.terminal.push({BANK: tick, "000001.SZ": tick})
    (push,) = met.heard("quotes")
    assert (list(push.fields["ticks"]), push.fields["market"]) == ([BANK], {}), (
        "later ones only as numbers and names asked for"
    )
    vendor.unwatch()
    met.terminal.push({BANK: tick})
    assert met.vendor.heard() == []


def test_doctor_looks_through_it_and_orders_nothing(met: Met) -> None:
    met.venue.by_hand("300750.SZ", Side.BUY, 100, 100.0)
    met.terminal.data_dir = str(met.home / "国金QMT" / "userdata_mini" / "datadir")
    said = look(met.vendor, met.clock.sleep)
    assert said["data_dir"] == met.terminal.data_dir
    assert (said["connect"], said["accounts"], said["status"], said["boards"]) == (0, [ACCOUNT], 0, ["chinext"])
    assert said["quote_ns"] == met.clock.now_ns() // 1_000_000 * 1_000_000
    assert met.venue.requests("orderStockWithSeq") == []


def test_every_callback_of_the_layer_is_heard(met: Met) -> None:
    met.vendor.load()
    base = sys.modules["xtquant.xttrader"].XtQuantTraderCallback
    others = ("smt", "smart", "transfer")
    trading = {name for name in dir(base) if name.startswith("on_") and not any(part in name for part in others)}
    assert trading <= set(CALLBACKS)


# ------------------------------------------------------------------ calls that never return


def test_an_answer_that_never_comes_is_given_up_on(met: Met) -> None:
    vendor = met.up()
    vendor._call_s = 0.3
    met.venue.habits.silent.add("queryStockAssetWithSeq")
    with pytest.raises(VendorSilentError) as told:
        vendor.asset()
    assert told.value.facts["call"] == "query_stock_asset"
    met.venue.habits.silent.clear()
    vendor._call_s = PATIENT_S
    assert vendor.asset() is not None, "another question is answered"


def test_a_client_that_hangs_on_connect_or_stop_holds_nobody(met: Met, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.cli.adapters.xt.STOP_S", 0.1)
    monkeypatch.setattr("services.cli.adapters.xt.CONNECT_S", 0.1)
    released = threading.Event()
    met.vendor.load()
    native = sys.modules["xtquant.xtpythonclient"].XtQuantAsyncClient
    stop = native.stop
    monkeypatch.setattr(native, "connect", lambda _self: released.wait())
    monkeypatch.setattr(native, "stop", lambda self: released.wait() and stop(self))
    with pytest.raises(VendorSilentError):
        met.vendor.connect()
    met.vendor.stop()
    met.vendor.stop()
    released.set()


# ------------------------------------------------------------------ whole runs, one habit each


def test_a_whole_acceptance_run(met: Met) -> None:
    result = met.accept()
    assert result.exit_code == 0, result.output
    assert [(entry.shares, entry.price, entry.status) for entry in met.venue.orders] == [(100, 6.3, 54)]
    assert (met.rows[-1]["whole"], met.rows[-1]["real"]) == (True, False), "the layer is real, what is below it is not"
    text = next((met.home / "accept").glob("*.jsonl")).read_text("utf-8")
    assert ACCOUNT not in text
    assert HOLDER not in text
    assert met.venue.requests("orderStockWithSeq")[0].m_strAccountID == ACCOUNT


HABITS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "the answer comes before the number of the request": ({"answer_first": True}, set()),
    "the answer to the order is lost": ({"silent": {"orderStockWithSeq"}}, {"async_response"}),
    "the answer to the cancel is lost": ({"silent": {"cancelOrderStockWithSeq"}}, {"cancelled"}),
    "answered with -1 and lives": ({"minus_one_lives": True}, {"async_response"}),
    "the remark is cut": ({"remark": lambda text: text[:8]}, {"remark_whole"}),
    "the remark is lost": ({"remark": lambda text: ""}, {"remark_whole"}),
    "answered with -1, lives, and the remark is lost": (
        {"minus_one_lives": True, "remark": lambda text: ""},
        {"async_response", "remark_whole"},
    ),
    "pushes are doubled": ({"twice": True}, set()),
    "nothing is pushed": ({"pushes": False}, set()),
    "the day is replayed": ({"replays": "day"}, set()),
    "old deals are replayed": ({"replays": "old"}, set()),
    "another price comes back": ({"price_back": 9.9, "price_type_back": 88}, set()),
    "times as HHMMSS": ({"time_form": "hhmmss"}, {"order_time"}),
    "empty lists": ({"none_is_empty": False}, set()),
    "errors come first": ({"errors": "before"}, set()),
}


@pytest.mark.parametrize("name", HABITS)
def test_whatever_the_habit_the_order_is_cancelled_and_the_difference_named(met: Met, name: str) -> None:
    habits, differs = HABITS[name]
    for habit, value in habits.items():
        setattr(met.venue.habits, habit, value)
    result = met.accept()
    assert [(entry.shares, entry.status) for entry in met.venue.orders] == [(100, 54)], result.output
    assert met.differs() == differs
    assert result.exit_code == (1 if differs else 0)
    assert met.rows[-1]["whole"] is True


@pytest.mark.parametrize("call", ["orderStockWithSeq", "cancelOrderStockWithSeq"])
def test_a_call_that_does_its_work_and_never_returns_leaves_no_order(
    met: Met, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    released = threading.Event()
    native = sys.modules["xtquant.xtpythonclient"].XtQuantAsyncClient
    does = getattr(native, call)

    def hang(self: Any, seq: int, req: Any) -> None:
        does(self, seq, req)
        released.wait()

    monkeypatch.setattr(native, call, hang)
    met.call_s = 1.5
    result = met.accept()
    released.set()
    assert [entry.status for entry in met.venue.orders] == [54], result.output
    assert "did not come back" in result.stderr or "err.vendor_silent" in result.stderr


def test_an_order_that_is_traded_is_said_out_loud(met: Met) -> None:
    met.venue.trades_at_once = lambda _req: 100
    result = met.accept()
    assert result.exit_code == 1
    assert "100 shares of 601398.SH were traded" in result.stderr
    assert {"cancelled", "no_deals"} <= met.differs() | {"cancelled"}


def test_a_counter_that_refuses_leaves_nothing_behind(met: Met) -> None:
    met.venue.refuses = lambda _req: "非交易时间"
    result = met.accept()
    assert result.exit_code == 1
    assert [entry.status for entry in met.venue.orders] == [57]
    assert "cancel it by hand" not in result.stderr, "57 is an end"


def test_orders_of_others_are_never_cancelled(met: Met) -> None:
    other = met.venue.by_hand(BANK, Side.BUY, 100, 6.3)
    met.venue.habits.remark = lambda text: ""
    met.accept()
    assert other.status == 50


@pytest.mark.parametrize(("parts", "differs"), [(1, set()), (3, {"first_push"})])
def test_a_snapshot_in_parts_is_named(met: Met, parts: int, differs: set[str]) -> None:
    met.terminal.switches.snapshot_pushes = parts
    met.accept()
    assert met.differs() == differs


def test_a_feed_that_is_silent_is_said_and_the_recording_is_not_whole(met: Met) -> None:
    met.terminal.switches.silent_snapshot = True
    result = met.accept()
    assert result.exit_code == 1
    assert "Not one quote came" in result.stderr
    assert met.rows[-1]["whole"] is False
    assert [entry.status for entry in met.venue.orders] == [54]


def test_a_client_that_refuses_the_login_ends_the_run(met: Met) -> None:
    met.venue.habits.connect_code = -1
    result = met.accept()
    assert result.exit_code == 1
    assert met.venue.orders == []
    assert met.differs() == {"connected"}


# ------------------------------------------------------------------ parts


def test_parts() -> None:
    assert fields_of(SimpleNamespace(a=1, b="x", c=[1], _d=2)) == {"a": 1, "b": "x"}
    assert rows_of(None) is None
    assert rows_of([SimpleNamespace(a=1)]) == [{"a": 1}]
    assert within("x", 1.0, lambda: None) is None
    with pytest.raises(ZeroDivisionError):
        within("x", 1.0, lambda: 1 // 0)
    with pytest.raises(VendorSilentError):
        within("x", 0.01, lambda: threading.Event().wait(0.2))
