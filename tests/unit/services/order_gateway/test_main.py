"""From the configuration to the gateway's settings."""

from pathlib import Path

import pytest

from common.domain.errors import ConfigError
from common.rules.matching import FillVerdict
from common.runtime.config import Account, Config, Fees, Gateway, Risk, System, parse_config
from common.runtime.limits import Limits
from services.order_gateway.__main__ import SPEC, broker_of, kill_file_of, paper_of, settings_of
from services.order_gateway.adapters.paper import PaperBroker, PaperSettings
from services.order_gateway.adapters.xt import XtBroker
from services.order_gateway.adapters.xt_session import XtSettings
from services.order_gateway.settings import Settings
from tests.fakes.xtquant import installed
from tests.xt_rig import NEEDS_WHEEL


def test_the_defaults_agree() -> None:
    assert settings_of(Config()) == Settings()


def test_every_value_arrives() -> None:
    config = Config(
        system=System(account="mine", mode="live"),
        risk=Risk(stale_s=9),
        account=Account(cash=250_000),
        fees=Fees(2_500, 0),
        gateway=Gateway(after_absence="park"),
        limits=Limits(5, 100, 3_000, 4_000, 7_000, "all"),
    )
    assert settings_of(config) == Settings(
        "mine", 250_000_000, 2_500, 0, 5, 100, park=True, order_value_max=3_000, day_value_max=4_000,
        cancel_ratio_bp=7_000, kill_blocks="all", live=True, stale_s=9,
    )  # fmt: skip


def test_the_kill_file_is_the_one_of_the_settings(tmp_path: Path) -> None:
    asked = kill_file_of(Config(system=System(kill_file=str(tmp_path / "KILL"))))
    assert not asked()
    (tmp_path / "KILL").touch()
    assert asked()
    (tmp_path / "KILL").unlink()
    (tmp_path / "KILL").symlink_to(tmp_path / "nowhere")
    assert asked(), "whoever put it there meant it"
    assert kill_file_of(Config(system=System(kill_file="x" * 5_000)))(), "who cannot look must not send"
    assert not kill_file_of(Config(system=System(run_dir=str(tmp_path))))(), "without a name there is none"


def test_the_paper_exchange_believes_what_it_is_told() -> None:
    assert paper_of(Config()) == PaperSettings()
    gateway = Gateway(fill_verdict="pessimistic", cancel_share_bp=2_500, participation_bp=5_000)
    assert paper_of(Config(gateway=gateway)) == PaperSettings(FillVerdict.PESSIMISTIC, 2_500, 5_000)


def test_an_unknown_verdict_is_named_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="fill_verdict = 'hopeful': must be one of pessimistic, expected, optimistic"):
        parse_config({"gateway": {"fill_verdict": "hopeful"}}, "test")


def test_the_gateway_waits_for_the_disk() -> None:
    assert SPEC.full


def test_a_counter_is_given_ten_seconds_to_settle_at_least() -> None:
    assert settings_of(Config(gateway=Gateway(settle_s=3))).settle_ns == 10_000_000_000
    settings = settings_of(Config(gateway=Gateway(settle_s=25, cash_tolerance=2)))
    assert (settings.settle_ns, settings.cash_tolerance, settings.counter) == (25_000_000_000, 2_000, False)


XT = {
    "system": {"mode": "live", "account": "8888"},
    "gateway": {"broker": "xt", "after_absence": "park", "client_path": "C:/QMT/userdata_mini"},
}


@NEEDS_WHEEL
def test_qmt_gets_its_client_its_account_and_its_session_numbers(tmp_path: Path) -> None:
    gateway = XT["gateway"] | {"client_path": str(tmp_path), "session_first": 500, "sessions": 3}
    config = parse_config(XT | {"gateway": gateway}, "test")
    with installed():
        broker = broker_of(config)
    assert isinstance(broker, XtBroker)
    assert broker.settings == XtSettings(str(tmp_path), "8888", 500, 3)
    broker.close()
    assert isinstance(broker_of(Config()), PaperBroker)
    assert settings_of(config).counter
    assert settings_of(config).park
    assert settings_of(config).settle_ns == 10_000_000_000


@pytest.mark.parametrize("path", ["", "C:/nowhere/userdata_mini"])
def test_a_client_that_is_not_there_is_named_with_the_key(path: str) -> None:
    gateway = XT["gateway"] | {"client_path": path}
    with pytest.raises(ConfigError, match=r"gateway.client_path = .*userdata_mini"):
        broker_of(parse_config(XT | {"gateway": gateway}, "test"))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"system": {"mode": "paper"}}, r"system.mode = 'paper': .* needs \"live\""),
        ({"gateway": {"broker": "xt", "after_absence": "resend"}}, r"after_absence = 'resend': .* needs \"park\""),
        ({"gateway": XT["gateway"] | {"sessions": 1}}, r"gateway.sessions = 1: must be from 2 to 64"),
    ],
)
def test_what_does_not_go_with_real_orders_is_refused(change: dict[str, dict[str, object]], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        parse_config(XT | change, "test")
