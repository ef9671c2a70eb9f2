"""What we rely on in the real xtdata Python layer: each of these fails if the vendor changes it (notes §0, §2)."""

import threading
from types import ModuleType
from typing import Any

import pytest

from tests.fakes.xtquant.terminal import Terminal, encode

MARKETS = ["SH", "SZ", "BJ"]
QUOTE = {"time": 1733118954000, "lastPrice": 11.370000000000001, "askPrice": [11.4, 0.0, 0.0, 0.0, 0.0]}


def test_no_client_is_an_exception_and_a_port_names_the_address(xtdata: ModuleType, terminal: Terminal) -> None:
    terminal.addresses.clear()
    with pytest.raises(Exception, match="xtquant"):
        xtdata.connect(port=58610)
    terminal.addresses.add("127.0.0.1:58611")
    xtdata.connect(port=58611)
    assert xtdata.get_client().get_peer_addr() == "127.0.0.1:58611"


def test_the_address_elsewhere_needs_a_port(xtdata: ModuleType) -> None:
    with pytest.raises(Exception, match="IP"):
        xtdata.connect("10.0.0.5")


def test_pushes_come_decoded_on_a_thread_that_is_not_ours(xtdata: ModuleType, terminal: Terminal) -> None:
    heard: list[tuple[dict[str, Any], int]] = []
    terminal.ticks = {"600000.SH": QUOTE}
    xtdata.connect(port=58610)
    number = xtdata.subscribe_whole_quote(MARKETS, lambda push: heard.append((push, threading.get_ident())))
    terminal.push({"000001.SZ": QUOTE, "10001234.SHO": QUOTE})
    assert number > 0
    assert [set(push) for push, _ in heard] == [{"600000.SH"}, {"000001.SZ"}]
    assert heard[0][0]["600000.SH"] == QUOTE
    assert {thread for _, thread in heard}.isdisjoint({threading.get_ident()})


def test_an_exception_in_the_callback_is_printed_and_the_feed_goes_on(
    xtdata: ModuleType, terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = []

    def callback(push: dict[str, Any]) -> None:
        heard.append(push)
        raise ValueError("ours")

    xtdata.connect(port=58610)
    xtdata.subscribe_whole_quote(MARKETS, callback)
    terminal.push({"600000.SH": QUOTE})
    terminal.push({"600000.SH": QUOTE})
    assert len(heard) == 2
    assert "callback error" in capsys.readouterr().out


def test_a_new_connection_comes_silently_and_has_no_subscription(xtdata: ModuleType, terminal: Terminal) -> None:
    heard: list[dict[str, Any]] = []
    xtdata.connect(port=58610)
    xtdata.subscribe_whole_quote(MARKETS, heard.append)
    first = xtdata.get_client()
    terminal.drop()
    assert not first.is_connected()
    second = xtdata.get_client()  # no question, no exception: another connection
    assert second is not first
    assert second.is_connected()
    terminal.push({"600000.SH": QUOTE})
    assert heard == []
    assert xtdata.get_current_connect_sub_info() == []


def test_reconnect_closes_the_old_link_and_a_subscription_brings_the_snapshot(
    xtdata: ModuleType, terminal: Terminal
) -> None:
    heard: list[dict[str, Any]] = []
    terminal.ticks = {"600000.SH": QUOTE}
    xtdata.connect(port=58610)
    xtdata.subscribe_whole_quote(MARKETS, heard.append)
    old = xtdata.get_client()
    xtdata.reconnect(port=58610)
    assert not old.is_connected()
    xtdata.subscribe_whole_quote(MARKETS, heard.append)
    terminal.settle()
    assert [set(push) for push in heard] == [{"600000.SH"}, {"600000.SH"}]
    assert [each["code"] for each in xtdata.get_current_connect_sub_info()] == MARKETS


def test_a_feed_can_die_while_the_link_stands(xtdata: ModuleType, terminal: Terminal) -> None:
    heard: list[dict[str, Any]] = []
    xtdata.connect(port=58610)
    xtdata.subscribe_whole_quote(MARKETS, heard.append)
    terminal.mute = True
    terminal.push({"600000.SH": QUOTE})
    assert heard == []
    assert xtdata.get_client().is_connected()


def test_the_state_of_the_link_is_told_when_asked_before_connecting(xtdata: ModuleType, terminal: Terminal) -> None:
    told: list[dict[str, str]] = []
    xtdata.watch_xtquant_status(told.append)
    xtdata.connect(port=58610)
    terminal.drop()
    assert [(each["address"], each["status"]) for each in told] == [
        ("127.0.0.1:58610", "connected"),
        ("127.0.0.1:58610", "disconnected"),
    ]


def test_only_plain_bytes_are_decoded(xtdata: ModuleType, terminal: Terminal) -> None:
    from xtquant import xtbson

    heard: list[object] = []
    xtdata.connect(port=58610)
    xtdata.subscribe_whole_quote(MARKETS, heard.append)
    terminal.push_raw(xtbson.BSON(encode({"a": 1})))
    terminal.push_raw(encode({"a": 1}))
    assert [type(push) for push in heard] == [xtbson.BSON, dict]


def test_instrument_details_are_dicts_with_days_as_text_or_none(xtdata: ModuleType, terminal: Terminal) -> None:
    terminal.instruments["600000.SH"] = {
        "ExchangeID": "SH", "InstrumentID": "600000", "InstrumentName": "浦发银行", "OpenDate": 19991110,
        "UpStopPrice": 12.51, "DownStopPrice": 10.23, "PreClose": 11.37, "FloatVolumn": 29352080000.0,
        "InstrumentStatus": 0, "IsTrading": True,
    }  # fmt: skip
    xtdata.connect(port=58610)
    found = xtdata.get_instrument_detail("600000.SH")
    assert (found["OpenDate"], found["FloatVolume"], found["UpStopPrice"]) == ("19991110", 29352080000.0, 12.51)
    assert xtdata.get_instrument_detail("600001.SH") is None


def test_a_list_of_details_is_one_question_a_code(xtdata: ModuleType, terminal: Terminal) -> None:
    xtdata.connect(port=58610)
    codes = [f"60000{digit}.SH" for digit in range(5)]
    xtdata.get_instrument_detail_list(codes)
    assert [code for name, code in terminal.calls if name == "get_instrument_detail"] == codes


def test_the_token_mode_opens_a_service_in_this_process(xtdata: ModuleType, native: ModuleType) -> None:
    from xtquant import xtdatacenter

    with pytest.raises(Exception, match="init"):
        xtdatacenter.listen("127.0.0.1", 58620)
    with pytest.raises(ConnectionError, match="no right"):
        xtdatacenter.init(False)
    xtdatacenter.set_token("t")
    xtdatacenter.set_data_home_dir("d")
    xtdatacenter.set_init_markets(MARKETS)
    xtdatacenter.init(False)
    native.terminal.addresses.add("127.0.0.1:58620")
    assert xtdatacenter.listen("127.0.0.1", (58620, 58630)) == ("127.0.0.1", 58621)
    with pytest.raises(OSError, match="58620"):
        xtdatacenter.listen("127.0.0.1", 58620)
    assert (native.local.token, native.local.home, native.local.watched) == ("t", "d", MARKETS)
    xtdata.connect(port=58621)
    assert xtdata.get_client().is_connected()


def test_the_token_mode_listens_where_nobody_asked_unless_told_not_to(native: ModuleType) -> None:
    from xtquant import xtdatacenter

    native.terminal.addresses.clear()
    xtdatacenter.set_token("t")
    xtdatacenter.init()
    assert native.terminal.addresses == {"127.0.0.1:58609"}


def test_the_token_login_is_waited_for_without_a_limit(native: ModuleType) -> None:
    from xtquant import xtdatacenter

    xtdatacenter.set_token("t")
    native.local.polls = 1
    xtdatacenter.init(False)
    assert native.local.polls < 0


def test_the_banner_can_be_turned_off(
    xtdata: ModuleType, terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    xtdata.connect(port=58610)
    xtdata.subscribe_whole_quote(MARKETS, lambda _push: None)
    assert capsys.readouterr().out == ""
    xtdata.enable_hello = True
    xtdata.reconnect(port=58610)
    assert capsys.readouterr().out != ""


def test_last_quotes_come_by_code_and_by_market(xtdata: ModuleType, terminal: Terminal) -> None:
    terminal.ticks = {"600000.SH": QUOTE, "000001.SZ": QUOTE}
    xtdata.connect(port=58610)
    assert set(xtdata.get_full_tick(["SH"])) == {"600000.SH"}
    assert set(xtdata.get_full_tick(["000001.SZ", "SH"])) == {"600000.SH", "000001.SZ"}
    assert xtdata.get_full_tick(["BJ"]) == {}


def test_an_unknown_sector_is_empty(xtdata: ModuleType, terminal: Terminal) -> None:
    terminal.sectors = {"沪深A股": ["600000.SH"]}
    xtdata.connect(port=58610)
    assert xtdata.get_stock_list_in_sector("沪深A股") == ["600000.SH"]
    assert xtdata.get_stock_list_in_sector("no such") == []


def test_a_whole_market_is_decoded_on_the_vendor_s_thread(xtdata: ModuleType, terminal: Terminal) -> None:
    threads: list[int] = []
    decode = xtdata._BSON_.BSON.decode
    xtdata.connect(port=58610)

    def noting(payload: bytes) -> Any:
        threads.append(threading.get_ident())
        return decode(payload)

    xtdata._BSON_.BSON.decode = noting
    try:
        xtdata.subscribe_whole_quote(MARKETS, lambda _push: None)
        terminal.push({f"{600000 + at}.SH": QUOTE for at in range(300)})
    finally:
        xtdata._BSON_.BSON.decode = decode
    assert threads
    assert threading.get_ident() not in threads, "the loop is held up by the interpreter's lock only"


def test_the_import_asks_no_network(native: ModuleType) -> None:
    import sys

    assert native is sys.modules["xtquant.datacenter"]
    assert sys.modules.get("requests", "absent") is not None, "the block is lifted after the import"
