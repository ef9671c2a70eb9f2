"""From the configuration to the gateway's settings."""

import pytest

from common.domain.errors import ConfigError
from common.rules.matching import FillVerdict
from common.runtime.config import Account, Config, Fees, Gateway, System, parse_config
from services.order_gateway.__main__ import SPEC, paper_of, settings_of
from services.order_gateway.adapters.paper import PaperSettings
from services.order_gateway.settings import Settings


def test_the_defaults_agree() -> None:
    assert settings_of(Config()) == Settings()


def test_every_value_arrives() -> None:
    config = Config(
        system=System(account="mine"),
        account=Account(cash=250_000),
        fees=Fees(2_500, 0),
        gateway=Gateway(orders_per_s=5, orders_per_day=100, after_absence="park"),
    )
    assert settings_of(config) == Settings("mine", 250_000_000, 2_500, 0, 5, 100, park=True)


def test_the_paper_exchange_believes_what_it_is_told() -> None:
    assert paper_of(Config()) == PaperSettings()
    gateway = Gateway(fill_verdict="pessimistic", cancel_share_bp=2_500, participation_bp=5_000)
    assert paper_of(Config(gateway=gateway)) == PaperSettings(FillVerdict.PESSIMISTIC, 2_500, 5_000)


def test_an_unknown_verdict_is_named_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="fill_verdict = 'hopeful': must be one of pessimistic, expected, optimistic"):
        parse_config({"gateway": {"fill_verdict": "hopeful"}}, "test")


def test_the_gateway_waits_for_the_disk() -> None:
    assert SPEC.full
