"""From the configuration to the gateway's settings."""

from common.runtime.config import Account, Config, Fees, Gateway, System
from services.order_gateway.__main__ import SPEC, settings_of
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


def test_the_gateway_waits_for_the_disk() -> None:
    assert SPEC.full
