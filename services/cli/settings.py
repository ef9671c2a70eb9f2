"""The configuration of a run: shipped defaults, a profile, the user's own file, what the run adds."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.domain.errors import ConfigError
from common.runtime.config import (
    Config,
    dump_toml,
    load_config,
    merge,
    parse_config,
    profile_table,
    read_toml,
    rules_of,
)
from services.cli.days import Days
from services.cli.home import Home
from services.cli.link import run_config
from services.cli.session import Session

HASHES = "rules.json"
"""In a run's folder: the hash of each rule's source."""


def user_table(home: Home) -> dict[str, Any]:
    """Return the user's own settings, empty where there are none."""
    return read_toml(home.config) if home.config.is_file() else {}


def merged_config(home: Home, profile: str, added: Mapping[str, Any]) -> Config:
    """Return the complete configuration; raises one `ConfigError` with everything wrong in it."""
    place = {"system": {"screens_dir": str(home.screens), "rules_dir": str(home.rules)}}
    table = merge(merge(merge(profile_table(profile), place), user_table(home)), added)
    if not any(_named(table, section) for section in ("history", "nightly")) and home.history.is_dir():
        table = merge(table, {"history": {"dir": str(home.history)}})
    name = f"{home.config} + {profile}.toml"
    return check_screens(parse_config(table, name), name)


def _named(table: Mapping[str, Any], section: str) -> object:
    """Return the folder of history that a section names; a section that is no table is told by `parse_config`."""
    found = table.get(section, {})
    return found.get("dir") if isinstance(found, dict) else None


def check_screens(config: Config, name: str) -> Config:
    """Refuse screens that cannot be read, and parameters that a screen does not have."""
    from common.runtime.screens import load_screens

    try:
        load_screens(config)
    except ConfigError as error:
        raise ConfigError("\n".join([f"{name}:", *(f"  - {line}" for line in str(error).splitlines())])) from error
    return config


def rules_folder(home: Home) -> Path:
    """Return the folder of the user's own rules: what the settings say, by default `rules/` of $PANKOU_HOME."""
    system = user_table(home).get("system", {})
    named = system.get("rules_dir", "") if isinstance(system, dict) else ""
    return Path(str(named)).expanduser() if named else home.rules


def run_table(session: Session, folder: Path, days: Days, feed: Mapping[str, object]) -> dict[str, Any]:
    """Return what a run adds to the settings: where it lives and what it plays."""
    return {
        "system": {
            "run_dir": str(folder),
            "keys_dir": str(session.home.keys),
            "kill_file": str(session.home.kill_file),
            "screens_dir": str(folder / session.home.screens.name),
            "rules_dir": str(folder / session.home.rules.name),
        },
        "feed": {"tapes": [str(tape) for tape in days.tapes], "hand_script": days.hand_script, **feed},
        "history": {"dir": days.history},
        "backtests": {"dir": str(session.home.backtests)},
    }


def write_run_config(session: Session, folder: Path, profile: str, days: Days, feed: Mapping[str, object]) -> Config:
    """Write the complete configuration of a run (0600) and return it; it keeps its own copy of screens and rules.

    Nobody who edits one of them while a run is up changes what a restarted service does.
    """
    copy_rules(rules_folder(session.home), folder / session.home.rules.name)
    copied = folder / session.home.screens.name
    copied.mkdir(exist_ok=True)
    for path in sorted(session.home.screens.glob("*.toml")):
        (copied / path.name).write_bytes(path.read_bytes())
    config = merged_config(session.home, profile, run_table(session, folder, days, feed))
    path = folder / "config.toml"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(dump_toml(config))
    write_hashes(config, folder)
    return config


def copy_rules(folder: Path, to: Path) -> None:
    """Copy the rule files of a folder, which need not be there."""
    from common.runtime.rules import rule_files

    to.mkdir(exist_ok=True)
    for path in rule_files(folder):
        (to / path.name).write_bytes(path.read_bytes())


def write_hashes(config: Config, folder: Path) -> None:
    """Write down of which sources the rules of a run were made, for `tape diff`."""
    from common.runtime.rules import rule_source_hash

    hashes = {name: rule_source_hash(rule) for name, rule in rules_of(config).items()}
    (folder / HASHES).write_text(json.dumps(hashes, indent=1) + "\n", encoding="utf-8")


def load_run(home: Home) -> Config:
    """Return the configuration of the newest run."""
    return load_config(run_config(home))


def keys_dir(config: Config, home: Home) -> Path:
    """Return the folder of the keys."""
    return Path(config.system.keys_dir) if config.system.keys_dir else home.keys
