"""The configuration of a run: TOML, typed, frozen; everything wrong with it is said at once.

size: every key beside its choices and bounds; a reader looks for one of them, not through all.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from common.bus.endpoints import check_base_port
from common.domain.errors import ConfigError, UserError
from common.domain.values import Board
from common.runtime.feed import Feed, MarketData, live_feed_faults, market_data_faults
from common.runtime.limits import CEILINGS, KILL_BLOCKS, Limits, limit_faults
from common.runtime.rules import Rules, load_rules
from common.strategies.contract import Rule

Scalar = bool | int | float | str
PROFILES = ("sim", "paper", "live")
CHECKOUT = Path(__file__).resolve().parents[2]
CONFIG_DIR = CHECKOUT / "deploy" / "config"
SCREEN_KEY = "screen"
"""In a rule's table: the screen that makes its pools."""


class System(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the system lives."""

    base_port: int = 27100
    run_dir: str = ""
    keys_dir: str = ""
    screens_dir: str = ""
    rules_dir: str = ""
    log_level: str = "info"
    account: str = "paper"
    mode: str = "paper"
    kill_file: str = ""
    restart_at: str = ""


class History(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the daily data is."""

    dir: str = ""


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The account and its slots."""

    cash: int = 1_000_000
    """Yuan, of a new paper account."""
    positions_max: int = 5
    slot_bp: int = 2_000
    rule_slots: dict[str, int] = {}


class Boards(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Boards that may be traded."""

    allowed: tuple[str, ...] = ("main", "chinext")


class Risk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The risk manager."""

    reprice_s: int = 5
    resume_at_start: bool = False
    stale_s: int = 6


class Fees(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the broker charges; duties and transfer fees come from the dated table."""

    commission_e7: int = 1_500
    commission_min: int = 5_000


class Gateway(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The order gateway."""

    broker: str = "paper"
    settle_s: int = 0
    cash_tolerance: int = 0
    after_absence: str = "resend"
    fill_verdict: str = "expected"
    cancel_share_bp: int = 0
    participation_bp: int = 10_000
    client_path: str = ""
    session_first: int = 7_101
    sessions: int = 8


class Nightly(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The nightly cycle of the screener."""

    enabled: bool = False
    source: str = "baostock"
    pre_open: str = "source"
    close_at: str = "18:30"
    open_at: str = "08:50"
    sessions: int = 150
    dir: str = ""
    files: str = ""


class Backtests(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The queue of backtest jobs and its workers."""

    dir: str = ""
    workers: int = 1
    waiting_max: int = 20_000
    lease_s: int = 10
    listen: str = ""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a service is told."""

    system: System = System()
    feed: Feed = Feed()
    history: History = History()
    account: Account = Account()
    boards: Boards = Boards()
    risk: Risk = Risk()
    fees: Fees = Fees()
    gateway: Gateway = Gateway()
    limits: Limits = Limits()
    nightly: Nightly = Nightly()
    backtests: Backtests = Backtests()
    market_data: MarketData = MarketData()
    rules: dict[str, dict[str, Scalar]] = {}
    screens: dict[str, dict[str, Scalar]] = {}


CHOICES: dict[str, tuple[str, ...]] = {
    "system.mode": ("paper", "live"),
    "system.log_level": ("debug", "info", "warning", "error"),
    "feed.kind": ("replay", "xt"),
    "feed.pace": ("lockstep", "real_time"),
    "gateway.broker": ("paper", "xt"),
    "limits.kill_blocks": KILL_BLOCKS,
    "gateway.after_absence": ("resend", "park"),
    "gateway.fill_verdict": ("pessimistic", "expected", "optimistic"),
    "nightly.source": ("baostock", "tushare", "files", "xt"),
    "nightly.pre_open": ("source", "carried"),
}
RANGES: dict[str, tuple[int, int]] = {
    "feed.ring_s": (1, 600),
    "feed.start_second": (0, 86_400),
    "feed.end_second": (0, 86_400),
    "account.cash": (1, 10_000_000_000),
    "account.positions_max": (1, 100),
    "account.slot_bp": (1, 10_000),
    "risk.reprice_s": (1, 3_600),
    "risk.stale_s": (1, 3_600),
    "fees.commission_e7": (0, 30_000),
    "fees.commission_min": (0, 100_000),
    "gateway.settle_s": (0, 600),
    "gateway.cash_tolerance": (0, 100_000),
    "gateway.cancel_share_bp": (0, 10_000),
    "gateway.participation_bp": (1, 10_000),
    "gateway.session_first": (1, 2_000_000_000),
    "gateway.sessions": (2, 64),
    "nightly.sessions": (70, 2_500),
    "backtests.workers": (0, 64),
    "backtests.waiting_max": (1, 1_000_000),
    "backtests.lease_s": (2, 3_600),
}
LIMIT_RANGES = {f"limits.{key}": (1, ceiling) for key, ceiling in CEILINGS.items()}
CLOCKS: dict[str, tuple[str, str]] = {
    "system.restart_at": ("00:00", "08:30"),
    "nightly.close_at": ("15:30", "23:59"),
    "nightly.open_at": ("06:00", "09:14"),
}
"""Times of the Shanghai day, HH:MM, and from when to when they may be."""
NO_CLOCK = frozenset({"system.restart_at"})
"""Times that may be left empty: it then never happens."""


CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one table over another; tables inside are merged, everything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; raises ConfigError naming the file and the fault."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such configuration file; make one with: pankou init") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path}: not readable as TOML: {error}") from error


def profile_table(profile: str) -> dict[str, Any]:
    """Return base.toml with a profile laid over it."""
    if profile not in PROFILES:
        raise ConfigError(f"profile {profile!r}: not one of {', '.join(PROFILES)}")
    return merge(read_toml(CONFIG_DIR / "base.toml"), read_toml(CONFIG_DIR / f"{profile}.toml"))


def load_config(path: Path) -> Config:
    """Read a complete configuration; raises one ConfigError with everything that is wrong."""
    return parse_config(read_toml(path), str(path))


def parse_config(table: Mapping[str, Any], name: str) -> Config:
    """Check and type a table; `name` stands in front of every fault."""
    faults: list[str] = []
    sections: dict[str, Any] = {}
    hints = get_type_hints(Config)
    rules = load_rules(_rules_folder(table))
    faults += rules.faults
    for key, value in table.items():
        if key not in hints:
            faults.append(f"[{key}]: unknown section; known: {', '.join(hints)}")
        elif not isinstance(value, dict):
            faults.append(f"{key}: must be a section, write it as [{key}]")
        elif key in ("rules", "screens"):
            sections[key] = _named_tables(key, value, rules, faults)
        else:
            sections[key] = _section(key, value, hints[key], faults)
    config = Config(**sections)
    _check_values(config, faults)
    _check_rules(config, rules, faults)
    if faults:
        raise ConfigError(f"{name}: {len(faults)} 处错误 / fault(s):\n" + "\n".join(f"  - {fault}" for fault in faults))
    return config


def _section(section: str, table: Mapping[str, Any], kind: type[msgspec.Struct], faults: list[str]) -> Any:
    hints = get_type_hints(kind)
    good: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{section}.{key}"
        if key not in hints:
            faults.append(f"{name}: unknown key; known: {', '.join(hints)}")
            continue
        try:
            good[key] = msgspec.convert(value, hints[key], strict=True)
        except msgspec.ValidationError as error:
            faults.append(f"{name} = {value!r}: {error}")
    return kind(**good)


def _rules_folder(table: Mapping[str, Any]) -> Path | None:
    system = table.get("system")
    text = system.get("rules_dir", "") if isinstance(system, dict) else ""
    return Path(text).expanduser() if isinstance(text, str) and text else None


def _named_tables(
    section: str, table: Mapping[str, Any], rules: Rules, faults: list[str]
) -> dict[str, dict[str, Scalar]]:
    good: dict[str, dict[str, Scalar]] = {}
    for rule, values in table.items():
        if section == "rules" and rule in rules.broken:
            continue  # its faults are told
        if section == "rules" and rule not in rules.known:  # a screen may have any name: somebody's own is a file
            faults.append(f"[{section}.{rule}]: unknown rule; known: {', '.join(rules.known)}")
        elif not isinstance(values, dict):
            faults.append(f"{section}.{rule}: must be a section, write it as [{section}.{rule}]")
        else:
            good[rule] = {}
            for key, value in values.items():
                if isinstance(value, bool | int | float | str):
                    good[rule][key] = value
                else:
                    faults.append(f"{section}.{rule}.{key} = {value!r}: must be a number, a string or true/false")
    return good


def _check_values(config: Config, faults: list[str]) -> None:
    for name, choices in CHOICES.items():
        value = _at(config, name)
        if value not in choices:
            faults.append(f"{name} = {value!r}: must be one of {', '.join(choices)}")
    for name, (low, high) in RANGES.items():
        value = _at(config, name)
        if not low <= value <= high:
            faults.append(f"{name} = {value}: must be from {low} to {high}")
    faults += limit_faults(config.limits)
    for name, (begin, end) in CLOCKS.items():
        value = _at(config, name)
        if (value or name not in NO_CLOCK) and not (CLOCK.fullmatch(value) and begin <= value <= end):
            faults.append(f"{name} = {value!r}: must be a time HH:MM from {begin} to {end}")
    if config.gateway.broker == "xt":
        faults += _counter_faults(config)
    if config.nightly.enabled and not config.nightly.dir:
        faults.append("nightly.enabled = true: needs nightly.dir, the folder of history to look after")
    if config.nightly.enabled and config.nightly.source == "files" and not config.nightly.files:
        faults.append('nightly.source = "files": needs nightly.files, the folder of your files')
    known = {board.name.lower() for board in Board}
    faults.extend(f"boards.allowed: unknown board {name!r}" for name in config.boards.allowed if name not in known)
    if config.feed.kind == "xt":
        faults += live_feed_faults(config.feed)
    faults += market_data_faults(config.market_data)
    if config.feed.speed <= 0:
        faults.append(f"feed.speed = {config.feed.speed}: must be above 0")
    try:
        check_base_port(config.system.base_port)
    except UserError as error:
        faults.append(f"system.{error}")
    for rule, slots in config.account.rule_slots.items():
        if not 0 <= slots <= config.account.positions_max:
            faults.append(f"account.rule_slots.{rule} = {slots}: must be from 0 to positions_max")
    if config.screens:
        # Arrays come with it: whoever reads a configuration without screens of its own stays small.
        from common.screens.screen import params_problems
    for rule, values in config.screens.items():
        faults.extend(f"screens.{rule}.{fault}" for fault in params_problems(values))


def _counter_faults(config: Config) -> list[str]:
    """Return what does not go with a real counter: it cannot wait, and an order it lost is a person's to send again."""
    faults = []
    if config.system.mode != "live":
        faults.append(f'system.mode = {config.system.mode!r}: gateway.broker = "xt" needs "live"')
    if config.gateway.after_absence != "park":
        faults.append(f'gateway.after_absence = {config.gateway.after_absence!r}: gateway.broker = "xt" needs "park"')
    return faults


def history_dir(config: Config) -> str:
    """Return the folder of history: the run's own, else the one that the nightly cycle looks after."""
    return config.history.dir or config.nightly.dir


def _check_rules(config: Config, rules: Rules, faults: list[str]) -> None:
    faults.extend(
        f"account.rule_slots.{rule}: unknown rule; known: {', '.join(rules.known)}"
        for rule in config.account.rule_slots
        if rule not in rules.known and rule not in rules.broken
    )
    for rule, values in config.rules.items():
        faults.extend(f"rules.{rule}.{fault}" for fault in _rule_faults(rules.known[rule], values))


def _rule_faults(rule: Rule, values: Mapping[str, Scalar]) -> list[str]:
    kind = rule.Params
    hints = get_type_hints(kind)
    faults = []
    good: dict[str, Any] = {}
    words = rule.PARAM_WORDS
    for key, value in values.items():
        if key == SCREEN_KEY:
            if not isinstance(value, str):
                faults.append(f"{key} = {value!r}: must be the name of a screen")
        elif key not in hints:
            faults.append(f"{key}: unknown parameter; known: {', '.join(hints)}")
        elif isinstance(value, str) and value in words.get(key, {}):
            good[key] = words[key][value]
        elif type(value) is not hints[key]:
            allowed = " | ".join(words[key]) if key in words else hints[key].__name__
            faults.append(f"{key} = {value!r}: must be {allowed}")
        else:
            good[key] = value
    return faults or list(rule.check_params(kind(**good)))


def workers_of(path: Path, system: str = os.name) -> int:
    """Return how many workers of backtests a run has; none on Windows, where they do not run yet (ADR 0036)."""
    if system == "nt":
        return 0
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8")).get("backtests", {})
        return msgspec.convert(told, Backtests).workers
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError):
        return Backtests().workers


def jobs_folder(config: Config) -> Path:
    """Return where the queue of backtests has its disk: beside the runs, because jobs outlive them."""
    return _backtests_folder(config) / "queue"


def results_folder(config: Config) -> Path:
    """Return where results lie by the key of their task."""
    return _backtests_folder(config) / "results"


def _backtests_folder(config: Config) -> Path:
    return Path(config.backtests.dir) if config.backtests.dir else Path(config.system.run_dir) / "backtests"


def load_system(path: Path) -> System:
    """Read only where the system lives, for a program that needs no more than that (rules are not run)."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(table.get("system", {}), System)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path}: {error}; look at it with: pankou config check") from error


def rules_of(config: Config) -> dict[str, Rule]:
    """Return every rule by name: the shipped ones and those of `system.rules_dir`; raises ConfigError with all faults."""
    found = load_rules(Path(config.system.rules_dir).expanduser() if config.system.rules_dir else None)
    if found.faults:
        raise ConfigError("\n".join(found.faults))
    return found.known


def rule_params(config: Config, rule: str) -> Any:
    """Return a rule's parameters: its defaults with the configuration's overrides."""
    module = rules_of(config)[rule]
    values = {
        key: module.PARAM_WORDS[key][value] if isinstance(value, str) and key in module.PARAM_WORDS else value
        for key, value in config.rules.get(rule, {}).items()
        if key != SCREEN_KEY
    }
    return module.Params(**values)


def rule_screen(config: Config, rule: str) -> str:
    """Return the name of the screen that makes a rule's pools: its own name unless the configuration says another."""
    return str(config.rules.get(rule, {}).get(SCREEN_KEY, rule))


def _at(config: Config, name: str) -> Any:
    section, key = name.split(".")
    return getattr(getattr(config, section), key)


def dump_toml(config: Config) -> str:
    """Write a complete configuration as TOML."""
    lines: list[str] = []
    for section, table in msgspec.to_builtins(config).items():
        plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
        inner = {key: value for key, value in table.items() if isinstance(value, dict)}
        if plain:
            lines += [f"[{section}]", *(f"{key} = {_toml(value)}" for key, value in plain.items()), ""]
        for key, values in inner.items():
            lines += [f"[{section}.{key}]", *(f"{name} = {_toml(value)}" for name, value in values.items()), ""]
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return msgspec.json.encode(str(value)).decode()
