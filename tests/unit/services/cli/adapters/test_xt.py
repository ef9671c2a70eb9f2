"""The client of `accept live` over the vendor's real Python layer: every call, every callback, and calls that never return."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from common.domain.errors import UserError
from services.cli.accept.place import SESSION, Place
from services.cli.accept.port import NATIVE, Heard
from services.cli.accept.recordings import read_rows
from services.cli.adapters.xt import CALLBACKS, VendorSilentError, XtVendor, fields_of, is_native, rows_of, within
from services.cli.app import cli
from services.cli.doctor.client_probe import look
from services.cli.home import Home
from services.cli.session import Session
from tests.fakes import xtquant as fakes
from tests.fakes.plain_client import ACCOUNT, HOLDER, PlainClient, StepClock
from tests.unit.services.cli.adapters.small_native import Native, module_of

PATH = "D:/国金QMT/userdata_mini"
REMARK = "261125ABCDEFGHJKMNPQ"
BANK = "601398.SH"


class Met:
    """A vendor over the real layer, its native half and the client behind it."""

    def __init__(self, datacenter: ModuleType, **manners: Any) -> None:
        self.clock = StepClock()
        self.client = PlainClient(Place(PATH, ACCOUNT), self.clock, **manners)
        self.native = Native(self.client)
        sys.modules["xtquant.xtpythonclient"] = module_of(self.native)
        self.terminal = datacenter.terminal
        self.terminal.ticks = {BANK: {"time": 1, "lastPrice": 7.0}, "000001.SZ": {"time": 2, "lastPrice": 11.0}}
        self.terminal.instruments = {
            BANK: {
                "UpStopPrice": 7.7,
                "DownStopPrice": 6.3,
                "FloatVolume": 2.7e11,
                "ExtendInfo": {"MinLimitOrderVolume": 100},
            }
        }
        self.vendor = XtVendor(Place(PATH, ACCOUNT), self.clock.now_ns, call_s=0.3)

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


@pytest.fixture
def datacenter() -> Iterator[ModuleType]:
    if not fakes.available():
        pytest.skip("xtquant is not installed: pip install -r requirements-xt.lock")
    with fakes.installed() as installed:
        yield installed["datacenter"]


@pytest.fixture
def met(datacenter: ModuleType) -> Iterator[Met]:
    found = Met(datacenter)
    yield found
    found.vendor.stop()


def test_it_loads_and_says_that_these_modules_are_no_real_ones(met: Met) -> None:
    loaded = met.vendor.load()
    assert loaded["xtquant"] == "xtquant_250807"
    assert loaded[NATIVE] is False
    assert is_native(SimpleNamespace(__file__=r"D:\x\xtpythonclient.cp311-win_amd64.pyd"))
    assert not is_native(None)


@pytest.mark.skipif(sys.platform == "win32", reason="there they exist")
def test_without_native_modules_it_names_the_fix() -> None:
    with pytest.raises(UserError, match="Windows"):
        XtVendor(Place(PATH, ACCOUNT), lambda: 0).load()
    for name in [name for name in sys.modules if name.partition(".")[0] == "xtquant"]:
        del sys.modules[name]


def test_it_connects_as_the_client_wants_it(met: Met) -> None:
    met.up()
    assert met.native.made_with == (PATH.encode("gb18030"), "xtquant", SESSION)
    assert met.vendor.account_status() == [{"account_id": ACCOUNT, "account_type": 2, "status": 0}]


def test_questions_are_copied_field_by_field(met: Met) -> None:
    vendor = met.up()
    asset = vendor.asset()
    assert asset is not None
    assert (asset["cash"], asset["account_id"]) == (100_000.0, ACCOUNT)
    positions = vendor.positions()
    assert positions is not None
    assert positions[0]["secu_account"] == HOLDER
    assert vendor.orders() is None, "None is failed or empty: both stay None"
    assert vendor.trades() is None


def test_an_order_and_its_cancel_are_asynchronous_and_told_by_callbacks(met: Met) -> None:
    vendor = met.up()
    seq = vendor.order(BANK, 100, 6_300, REMARK)
    (response,) = met.heard("on_order_stock_async_response")
    assert (response.fields["order_id"], response.fields["seq"], response.fields["order_remark"]) == (
        1_001,
        seq,
        REMARK,
    )
    (request,) = [request for name, request in met.native.requests if name == "orderStockWithSeq"]
    assert (request.m_nOrderType, request.m_nPriceType, request.m_dPrice, request.m_nOrderVolume) == (23, 11, 6.3, 100)
    assert vendor.cancel(1_001) > seq
    (done,) = met.heard("on_cancel_order_stock_async_response")
    assert done.fields["cancel_result"] == 0
    met.clock.sleep(10)
    met.native._jobs.put(met.native.pushes)
    told = met.heard("on_stock_order", 2)
    assert [one.fields["order_status"] for one in told][-1] == 54
    assert {one.thread for one in told} == {response.thread}
    assert response.thread != threading.current_thread().name


def test_quotes_are_asked_for_and_pushed(met: Met) -> None:
    vendor = met.up()
    detail = vendor.instrument(BANK)
    assert detail is not None
    assert (detail["DownStopPrice"], detail["MinLimitOrderVolume"]) == (6.3, "100") or detail[
        "MinLimitOrderVolume"
    ] == 100
    assert vendor.instrument("600001.SH") is None
    tick = vendor.tick(BANK)
    assert tick is not None
    assert tick["lastPrice"] == 7.0
    assert vendor.tick("600001.SH") is None
    assert vendor.watch((BANK,)) > 0
    (push,) = met.heard("quotes")
    assert (push.fields["count"], push.fields["markets"]) == (2, {"SH": 1, "SZ": 1, "BJ": 0})
    assert list(push.fields["ticks"]) == [BANK], "of the market only those that were named are kept whole"
    vendor.unwatch()
    met.terminal.push({BANK: {"time": 3, "lastPrice": 7.1}})
    assert met.vendor.heard() == []


def test_an_answer_that_never_comes_is_given_up_on(met: Met) -> None:
    vendor = met.up()
    met.native.silent.add("queryStockAssetWithSeq")
    with pytest.raises(VendorSilentError) as told:
        vendor.asset()
    assert told.value.facts["call"] == "query_stock_asset"
    met.native.silent.clear()
    assert vendor.asset() is not None, "another question is answered"


def test_stop_returns_though_the_vendor_s_hangs(met: Met, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.cli.adapters.xt.STOP_S", 0.1)
    vendor = met.up()
    met.native.hang_stop.clear()
    vendor.stop()
    vendor.stop()
    met.native.hang_stop.set()
    for thread in threading.enumerate():
        if thread.name == "vendor-stop":
            thread.join(5)


def test_doctor_looks_through_it(datacenter: ModuleType) -> None:
    met = Met(datacenter)
    met.terminal.ticks["600000.SH"] = {"time": 1_795_000_000_000, "lastPrice": 10.0}
    said = look(met.vendor)
    assert (said["connect"], said["accounts"], said["status"]) == (0, [ACCOUNT], 0)
    assert said["quote_ns"] == 1_795_000_000_000_000_000
    met.vendor.stop()


class PacedClock(StepClock):
    """Gives the vendor's threads a moment at each step."""

    def sleep(self, seconds: float) -> None:
        time.sleep(0.002)
        super().sleep(seconds)


def test_a_whole_acceptance_run_over_the_vendor_s_own_layer(datacenter: ModuleType, tmp_path: Path) -> None:
    met = Met(datacenter)
    met.clock = PacedClock()
    met.client.clock = met.clock
    quote = met.client.tick(BANK)
    assert quote is not None
    met.terminal.ticks = {f"{600_000 + at}.SH": quote for at in range(2_000)} | {BANK: quote}

    def meet(place: Place, now_ns: Callable[[], int]) -> XtVendor:
        return XtVendor(place, now_ns)

    session = Session(
        "en", Home(tmp_path), {}, is_up=lambda _home: False, meet=meet, clock=lambda: met.clock, locks=tmp_path
    )
    args = ["accept", "live", "--client", PATH, "--account", ACCOUNT, "--seconds", "5", "--order"]
    result = CliRunner().invoke(cli, args, obj=session, input=f"{ACCOUNT}\nBUY 100 {BANK}\n")
    assert result.exit_code == 0, result.output
    assert [(order["order_volume"], order["order_status"]) for order in met.client.placed] == [(100, 54)]
    (path,) = (tmp_path / "accept").glob("*.jsonl")
    text = path.read_text("utf-8")
    assert ACCOUNT not in text
    assert HOLDER not in text
    end = read_rows(path)[-1]
    assert (end["whole"], end["real"]) == (True, False), "the layer is real, what is below it is not"
    assert {row["name"] for row in end["results"] if row["seen"] == "not_seen"} <= {
        "cadence",
        "limit_prices",
        "float_shares",
    }


def test_every_callback_of_the_layer_is_heard(met: Met) -> None:
    met.vendor.load()
    base = sys.modules["xtquant.xttrader"].XtQuantTraderCallback
    trading = {
        name
        for name in dir(base)
        if name.startswith("on_") and "smt" not in name and "smart" not in name and "transfer" not in name
    }
    assert trading <= set(CALLBACKS)


def test_parts() -> None:
    assert fields_of(SimpleNamespace(a=1, b="x", c=[1], _d=2)) == {"a": 1, "b": "x"}
    assert rows_of(None) is None
    assert rows_of([SimpleNamespace(a=1)]) == [{"a": 1}]
    assert within("x", 1.0, lambda: None) is None
    with pytest.raises(ZeroDivisionError):
        within("x", 1.0, lambda: 1 // 0)
    with pytest.raises(VendorSilentError):
        within("x", 0.01, lambda: threading.Event().wait(0.2))
