"""The link to the client: hand-over between threads, and the token mode."""

import sys
import threading
import time
from pathlib import Path
from types import ModuleType

import pytest

from common.domain.errors import UserError
from services.market_data.adapters.xt_link import Handover, Link, LinkSettings, read_token, token_service
from tests.fakes.xtquant.terminal import Terminal


def wait_for(link: Link, state: str) -> None:
    for _ in range(1_000):
        if link.state == state:
            return
        time.sleep(0.005)
    raise TimeoutError(f"the link is {link.state} ({link.why}), not {state}")


def test_the_newest_quote_of_a_code_wins_and_what_it_replaced_is_counted() -> None:
    rung: list[int] = []
    handover = Handover(lambda: 7, lambda: rung.append(1))
    assert handover.take() is None
    handover.put({"a": 1, "b": 1})
    handover.put({"b": 2})
    handover.put({})
    handover.put(b"no dict")
    assert handover.look() == {"a": 1, "b": 2}
    heard = handover.take()
    assert heard is not None
    assert (heard.quotes, heard.pushes) == ({"a": 1, "b": 2}, 3)
    assert (handover.overwritten, handover.bad, handover.heard_ns, handover.pushes) == (1, 1, 7, 3)
    assert len(rung) == 3, "the loop is woken for every push"
    assert handover.take() is None


def test_eight_threads_of_the_vendor_lose_nothing() -> None:
    handover = Handover(lambda: 0)
    taken: dict[str, int] = {}

    def put(number: int) -> None:
        for at in range(200):
            handover.put({f"{number}-{at}": at})

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken.update((handover.take() or (({}), 0))[0])
    taken.update((handover.take() or (({}), 0))[0])
    assert len(taken) == 1_600
    assert handover.overwritten == 0


def test_the_token_mode_needs_no_client(native: ModuleType, tmp_path: Path) -> None:
    native.terminal.addresses.clear()
    token = tmp_path / "token"
    token.write_text("secret\n", "utf-8")
    token.chmod(0o600)
    settings = LinkSettings(token_file=str(token), data_home=str(tmp_path))
    handover = Handover(lambda: 1)
    link = Link(settings, handover)
    wait_for(link, "up")
    assert (native.local.token, native.local.home, native.local.watched) == (
        "secret",
        str(tmp_path),
        ["SH", "SZ", "BJ"],
    )
    assert native.terminal.addresses == {"127.0.0.1:58620"}, "loopback only, and nothing that was not asked for"
    assert token_service(settings) == ("127.0.0.1", 58620), "one service a process, however often it is asked"
    native.terminal.push({"600000.SH": {"time": 1}})
    assert handover.pushes == 1
    link.give_up()
    native.terminal.push({"600000.SH": {"time": 2}})
    assert handover.pushes == 1


def test_a_token_login_that_hangs_is_not_begun_twice(native: ModuleType, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret", "utf-8")
    token.chmod(0o600)
    settings = LinkSettings(token_file=str(token))
    native.local.polls = 3  # half a second each
    first, second = Link(settings, Handover(lambda: 1)), None
    for _ in range(400):
        if native.local.started:
            second = Link(settings, Handover(lambda: 1))
            break
        time.sleep(0.005)
    assert second is not None
    wait_for(second, "down")
    assert "still running" in second.why
    wait_for(first, "up")
    first.give_up()


def test_a_token_without_rights_is_a_lost_link_with_the_vendor_s_reason(native: ModuleType, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret", "utf-8")
    token.chmod(0o600)
    native.local.markets = []
    link = Link(LinkSettings(token_file=str(token)), Handover(lambda: 1))
    wait_for(link, "down")
    assert "no right" in link.why


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_token_that_others_can_read_is_refused(tmp_path: Path) -> None:
    token = tmp_path / "token"
    with pytest.raises(UserError, match="cannot be read"):
        read_token(token)
    token.write_text("", "utf-8")
    with pytest.raises(UserError, match="empty"):
        read_token(token)
    token.write_text("secret", "utf-8")
    token.chmod(0o644)
    with pytest.raises(UserError, match="chmod 600"):
        read_token(token)


def test_a_refused_subscription_is_a_lost_link(
    native: ModuleType,
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(terminal, "subscribe", lambda *_asked: -1)
    link = Link(LinkSettings(), Handover(lambda: 1))
    wait_for(link, "down")
    assert link.why == "the client refused the subscription"


def test_details_of_all_stocks_and_of_nothing_else(native: ModuleType, terminal: Terminal) -> None:
    terminal.ticks = {"600000.SH": {"time": 5, "lastClose": 10.0}, "000001.SH": {}, "510300.SH": {}}
    terminal.sectors = {"京市A股": ["920001.BJ"]}
    terminal.instruments = {"600000.SH": {"InstrumentID": "600000"}, "000001.SH": {"InstrumentID": "000001"}}
    link = Link(LinkSettings(), Handover(lambda: 1))
    wait_for(link, "up")
    link.ask_details()
    for _ in range(1_000):
        if link.details is not None:
            break
        time.sleep(0.005)
    assert link.details is not None
    assert set(link.details.instruments) == {"600000.SH"}
    assert (link.details.closes, link.details.times_ms) == ({"600000.SH": 10.0}, {"600000.SH": 5})
    assert link.progress == (2, 2)
    link.give_up()


def test_without_the_package_the_fix_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xtquant", None)
    link = Link(LinkSettings(), Handover(lambda: 1))
    wait_for(link, "down")
    assert "xtquant" in link.why
    assert link.fault is not None
