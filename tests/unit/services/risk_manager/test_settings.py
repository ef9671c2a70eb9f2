"""From the configuration to the settings."""

from common.domain.values import Board
from common.rules.boards import board_mask
from common.runtime.config import Account, Boards, Config, Fees, Risk
from common.runtime.limits import Limits
from services.risk_manager.__main__ import SPEC, settings_of
from services.risk_manager.settings import Settings


def test_the_defaults_are_the_configuration_s_defaults() -> None:
    assert settings_of(Config()) == Settings()


def test_every_setting_comes_from_the_configuration() -> None:
    config = Config(
        account=Account(positions_max=7, slot_bp=1_000, rule_slots={"limit_up": 4}),
        boards=Boards(allowed=("star",)),
        risk=Risk(reprice_s=9, resume_at_start=True, stale_s=8),
        fees=Fees(commission_e7=2_500, commission_min=1),
        limits=Limits(name_share_bp=1, day_loss_bp=2, drawdown_bp=3, stop_losses=4, stop_sessions=5, lock_sessions=6),
    )
    wanted = Settings(
        7, 1_000, (("limit_up", 4),), board_mask([Board.STAR]), 9, 8, 2_500, 1, True, 1, 2, 3, 4, 5, 6
    )  # fmt: skip
    assert settings_of(config) == wanted


def test_it_listens_to_the_feed_and_the_journal() -> None:
    assert SPEC.subscriptions["market_data"] == ("feed/",)
    assert SPEC.subscriptions["order_gateway"] == ("event/", "matched/")
    assert SPEC.peers == ("market_data", "order_gateway")
