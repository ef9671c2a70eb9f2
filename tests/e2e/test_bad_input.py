"""Bad input at the command line: one clear line, the right exit code, nothing half-done."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from common.bus.endpoints import port
from common.history.synthetic.market import make_market
from common.history.synthetic.params import MarketParams
from tests.e2e.rig import System

pytestmark = [pytest.mark.process, pytest.mark.timeout(100)]


def only_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line]
    assert len(lines) == 1, text
    return lines[0]


def no_run(system: System) -> bool:
    runs = system.home / "runs"
    return not runs.exists() or not list(runs.iterdir())


def test_days_that_are_not_there(system: System, tmp_path: Path) -> None:
    done = system.pankou("run", PANKOU_DAYS=str(tmp_path / "nowhere"))
    assert done.returncode == 2
    assert "nowhere" in only_line(done.stderr)
    assert no_run(system)


def test_a_tape_cut_in_the_middle(system: System, markets: Path, tmp_path: Path) -> None:
    market = make_market(markets, MarketParams(stocks=60, interval_s=15))
    cut = tmp_path / "20260105.tape"
    cut.write_bytes(market.tapes[0].read_bytes()[:500_000])
    done = system.pankou("run", PANKOU_DAYS=str(cut))
    assert done.returncode == 2
    line = only_line(done.stderr)
    assert "20260105.tape" in line
    assert "cut in the middle" in line
    assert no_run(system)


def test_unknown_keys_and_wrong_types_all_at_once(system: System) -> None:
    config = system.home / "config.toml"
    config.write_text('[system]\nbase_port = "x"\n[account]\nslots = 3\n[rules.limit_up]\nstop = 1\n', encoding="utf-8")
    done = system.pankou("config", "check")
    assert done.returncode == 2
    for name in ("system.base_port", "account.slots", "rules.limit_up.stop"):
        assert name in done.stderr + done.stdout
    config.write_text(f"[system]\nbase_port = {system.base_port}\n", encoding="utf-8")
    assert system.pankou("config", "check").returncode == 0


def test_a_port_in_use(system: System, size: tuple[str, ...]) -> None:
    taken = port(system.base_port, "risk_manager", "ask")
    with socket.socket() as other:
        other.bind(("127.0.0.1", taken))
        other.listen()
        done = system.pankou("run", *size)
    assert done.returncode == 2
    assert str(taken) in done.stderr
    assert "base_port" in only_line(done.stderr)
    assert no_run(system)
    assert system.pankou("status").returncode == 3, "nothing is left running"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("order", "buy", "60000", "100"), "60000"),
        (("order", "buy", "000001.SH", "100"), "000001.SH"),
        (("order", "buy", "600112.SH", "150"), "150"),
        (("order", "buy", "600112.SH", "100", "--price", "5.001"), "5.001"),
        (("order", "buy", "600112.SH", "0"), "0"),
        (("pool", "20991231"), "2099"),
        (("explain", "600112.SH", "--date", "2099-12-31"), "2099"),
    ],
)
def test_orders_and_dates_refused_before_anything_is_sent(
    running: System, arguments: tuple[str, ...], words: str
) -> None:
    done = running.pankou(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, markets: Path):  # type: ignore[no-untyped-def]  # yields a System
    """A system held in the middle of the first morning, trading as always."""
    system = System(tmp_path_factory.mktemp("running") / "home", markets)
    try:
        system.start("--until-push", "2026010500100", "--stocks", "60", "--interval", "15")
        system.wait_for_push(2026010500100)
        yield system
    finally:
        system.stop()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("order", "buy", "600112.SH", "100", "--price", "9.99"), ("OUTSIDE_BAND", "5.5")),
        (("order", "buy", "600999.SH", "100"), ("UNKNOWN_SYMBOL",)),
        (("order", "sell", "600112.SH"), ("NO_POSITION",)),
        (("order", "sell", "600110.SH"), ("T1_UNSELLABLE",)),
        (("order", "cancel", "260105ABCDEFGHJKMNPQ"), ("NO_SUCH_ORDER",)),
    ],
)
def test_orders_denied_with_reason_and_numbers(
    running: System, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    before = running.books()["orders"]
    done = running.pankou(*arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    for word in words:
        assert word in done.stdout + done.stderr
    assert running.books()["orders"] == before


def test_a_second_copy_waits_and_touches_nothing(running: System) -> None:
    """supervisord killed and started again starts second copies: they must neither bind nor write."""
    before = running.books()
    second = subprocess.Popen(
        [sys.executable, "-m", "services.order_gateway", "--config", str(running.run_folder() / "config.toml")],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert second.stderr is not None
        line = second.stderr.readline()
        assert "order_gateway runs already" in line
        assert second.poll() is None
    finally:
        second.terminate()
        out, _ = second.communicate(timeout=10)
    assert second.returncode == 0
    assert "service started" not in out
    assert running.books() == before


def test_a_client_of_twenty_lines_does_the_four_calls(running: System) -> None:
    """Plain pyzmq and msgpack: open, close, positions, account, while the player goes on."""
    client = Path(__file__).parents[2] / "docs" / "reference" / "req_client.py"
    names = {**os.environ, "PANKOU_HOME": str(running.home), "PANKOU_PORT": str(running.base_port)}
    process = subprocess.Popen(
        [sys.executable, str(client)], env=names, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    running.hold(0)  # a hand order enters with the next push, so there has to be one
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    for word in ("Verdict", "Positions", "Account"):
        assert word in out, out
