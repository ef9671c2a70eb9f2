"""Run the signal engine: python -m services.signal_engine --config FILE."""

import sys

from common.messages.outputs import Adapter, Core
from common.messages.topics import EVENT, FEED, MATCHED
from common.runtime.config import Config, load_config, rule_params, rules_of
from common.runtime.rules import rule_source_hash
from common.runtime.run import config_argument, guarded
from common.runtime.service import ServiceSpec, host
from common.strategies.host import RuleHost
from services.signal_engine.core import SIGNAL, SignalCore

SPEC = ServiceSpec(
    SIGNAL,
    {"market_data": (FEED,), "order_gateway": (EVENT, MATCHED)},
    ("market_data", "order_gateway", "screener", "risk_manager"),
    full=True,
)


def hosts_of(config: Config) -> list[RuleHost]:
    """Return a host for every rule that has slots."""
    rules = rules_of(config)
    return [RuleHost(rules[rule], rule_params(config, rule)) for rule in config.account.rule_slots]


def parts_of(config: Config) -> tuple[Core, Adapter | None]:
    """Build the signal engine; it needs no adapter."""
    hosts = hosts_of(config)
    return SignalCore(hosts, {host.rule.NAME: rule_source_hash(host.rule) for host in hosts}), None


def main() -> int:
    """Run the rules that the configuration lists."""
    config = load_config(config_argument(SIGNAL))
    core, adapter = parts_of(config)
    return host(core, SPEC, config, adapter)


if __name__ == "__main__":
    sys.exit(guarded(main))
