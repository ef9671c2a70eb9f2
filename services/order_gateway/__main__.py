"""Run the order gateway: python -m services.order_gateway --config FILE."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from common.domain.calendar import NS
from common.domain.errors import ConfigError
from common.domain.values import MILLI
from common.messages.outputs import Adapter, Core
from common.messages.topics import FEED
from common.rules.matching import FillVerdict
from common.runtime.clock import SystemClock
from common.runtime.config import Config, load_config
from common.runtime.live_lock import LiveLock
from common.runtime.logs import make_logger
from common.runtime.run import config_argument, guarded
from common.runtime.service import ServiceSpec, host
from services.order_gateway.adapters.paper import PaperBroker, PaperSettings
from services.order_gateway.core import GatewayCore
from services.order_gateway.settings import GATEWAY, MARKET, RISK, SETTLE_FLOOR_S, Settings

SPEC = ServiceSpec(GATEWAY, {MARKET: (FEED,), RISK: ()}, (MARKET, RISK), full=True)


def settings_of(config: Config) -> Settings:
    """Translate the configuration."""
    return Settings(
        account=config.system.account,
        cash=config.account.cash * MILLI,
        commission_e7=config.fees.commission_e7,
        commission_min=config.fees.commission_min,
        orders_per_s=config.limits.orders_per_s,
        orders_per_day=config.limits.orders_per_day,
        park=config.gateway.after_absence == "park",
        fill_verdict=config.gateway.fill_verdict,
        order_value_max=config.limits.order_value_max,
        day_value_max=config.limits.day_value_max,
        cancel_ratio_bp=config.limits.cancel_ratio_bp,
        kill_blocks=config.limits.kill_blocks,
        live=config.system.mode == "live",
        stale_s=config.risk.stale_s,
        counter=config.gateway.broker != "paper",
        settle_ns=max(config.gateway.settle_s, SETTLE_FLOOR_S) * NS,
        cash_tolerance=config.gateway.cash_tolerance * MILLI,
    )


def kill_file_of(config: Config) -> Callable[[], bool]:
    """Return what tells whether the file is there that is the kill switch; without a name there is none."""
    name = config.system.kill_file
    return partial(_is_there, Path(name)) if name else lambda: False


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # who cannot look must not send
    return True


def paper_of(config: Config) -> PaperSettings:
    """Translate what the paper exchange believes."""
    gateway = config.gateway
    verdict = FillVerdict[gateway.fill_verdict.upper()]
    return PaperSettings(verdict, gateway.cancel_share_bp, gateway.participation_bp)


def parts_of(config: Config) -> tuple[Core, Adapter | None]:
    """Build the gateway and its broker."""
    return GatewayCore(settings_of(config), kill_file_of(config)), broker_of(config)


def broker_of(config: Config) -> Adapter:
    """Build the broker that is configured; raises UserError where QMT cannot be had."""
    if config.gateway.broker == "paper":
        return PaperBroker(paper_of(config))
    from services.order_gateway.adapters.xt import XtBroker
    from services.order_gateway.adapters.xt_session import XtSettings

    gateway, logger = config.gateway, make_logger(GATEWAY, config.system.log_level)
    if not gateway.client_path or not Path(gateway.client_path).is_dir():
        raise ConfigError(
            f"gateway.client_path = {gateway.client_path!r}: 请填 QMT 安装目录下的 userdata_mini 目录 / must be QMT's "
            "folder userdata_mini"
        )

    def log(level: str, event: str, facts: dict[str, object]) -> None:
        getattr(logger, level)(event, **facts)

    settings = XtSettings(gateway.client_path, config.system.account, gateway.session_first, gateway.sessions)
    return XtBroker(settings, SystemClock().now_ns, log)


def main() -> int:
    """Keep the journal and the paper exchange."""
    config = load_config(config_argument(GATEWAY))
    lock = live_lock(config)
    try:
        core, broker = parts_of(config)
        return host(core, SPEC, config, broker)
    finally:
        if lock is not None:
            lock.release()


def live_lock(config: Config, folder: Path | None = None) -> LiveLock | None:
    """Take the right to trade a live account on this machine; a paper account needs none."""
    if config.system.mode != "live":
        return None
    lock = LiveLock(config.system.account, folder)
    lock.take_or_fail(config.system.account, config.system.run_dir)
    return lock


if __name__ == "__main__":
    sys.exit(guarded(main))
