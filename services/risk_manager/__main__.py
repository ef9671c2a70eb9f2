"""Run the risk manager: python -m services.risk_manager --config FILE."""

import sys

from common.messages.outputs import Adapter, Core
from common.messages.topics import EVENT, FEED, MATCHED
from common.rules.boards import BOARDS_BY_NAME, board_mask
from common.runtime.config import Config, load_config
from common.runtime.run import config_argument, guarded
from common.runtime.service import ServiceSpec, host
from services.risk_manager.core import RiskCore
from services.risk_manager.settings import GATEWAY, MARKET, RISK, SIGNAL, Settings

SPEC = ServiceSpec(RISK, {MARKET: (FEED,), GATEWAY: (EVENT, MATCHED), SIGNAL: ()}, (MARKET, GATEWAY), full=True)


def settings_of(config: Config) -> Settings:
    """Translate the configuration."""
    return Settings(
        positions_max=config.account.positions_max,
        slot_bp=config.account.slot_bp,
        rule_slots=tuple(config.account.rule_slots.items()),
        boards_mask=board_mask(BOARDS_BY_NAME[name] for name in config.boards.allowed),
        reprice_s=config.risk.reprice_s,
        stale_s=config.risk.stale_s,
        commission_e7=config.fees.commission_e7,
        commission_min=config.fees.commission_min,
        resume_at_start=config.risk.resume_at_start,
        name_share_bp=config.limits.name_share_bp,
        day_loss_bp=config.limits.day_loss_bp,
        drawdown_bp=config.limits.drawdown_bp,
        stop_losses=config.limits.stop_losses,
        stop_sessions=config.limits.stop_sessions,
        lock_sessions=config.limits.lock_sessions,
    )


def parts_of(config: Config) -> tuple[Core, Adapter | None]:
    """Build the risk manager; it needs no adapter."""
    return RiskCore(settings_of(config)), None


def main() -> int:
    """Judge intents and work exits."""
    config = load_config(config_argument(RISK))
    core, adapter = parts_of(config)
    return host(core, SPEC, config, adapter)


if __name__ == "__main__":
    sys.exit(guarded(main))
