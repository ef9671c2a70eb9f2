"""Screens by name: the shipped files, a person's own over them, and what the configuration sets."""

from collections.abc import Mapping
from pathlib import Path

from common.domain.errors import ConfigError
from common.domain.values import Board
from common.rules.boards import BOARDS_BY_NAME
from common.runtime.config import Config, read_toml, rule_screen, rules_of
from common.screens.screen import Screen, parse_screen
from common.strategies.contract import Rule

SHIPPED = Path(__file__).resolve().parents[1] / "screens"
SUFFIX = ".toml"


def screen_files(own: Path | None) -> dict[str, Path]:
    """Return the file of every screen by its name; a file in the folder `own` goes before a shipped one."""
    folders = [SHIPPED] if own is None or not own.is_dir() else [SHIPPED, own]
    return {path.stem: path for folder in folders for path in sorted(folder.glob(f"*{SUFFIX}"))}


def load_screens(config: Config) -> dict[str, Screen]:
    """Return every screen; raises one `ConfigError` with everything wrong in all of them."""
    own = Path(config.system.screens_dir) if config.system.screens_dir else None
    boards = [BOARDS_BY_NAME[name] for name in config.boards.allowed]
    files = screen_files(own)
    rules = rules_of(config)
    screens: dict[str, Screen] = {}
    faults = [
        f"[screens.{name}]: there is no screen of this name; known: {', '.join(files)}"
        for name in config.screens
        if name not in files
    ]
    for name, path in files.items():
        try:
            screens[name] = _screen(name, path, config.screens.get(name, {}), boards)
            if name in rules and rule_screen(config, name) == name:
                _check_context(screens[name], rules[name])
        except ConfigError as error:
            faults += [line if line.startswith(str(path)) else f"{path}: {line}" for line in str(error).splitlines()]
    faults += _borrowed(config, rules, files, screens)
    if faults:
        raise ConfigError("\n".join(faults))
    return screens


def _screen(name: str, path: Path, overrides: Mapping[str, object], boards: list[Board]) -> Screen:
    if not name.isidentifier():
        raise ConfigError("the name of a screen's file must be letters, digits and _")
    return parse_screen(name, read_toml(path), overrides, boards)


def _check_context(screen: Screen, rule: Rule) -> None:
    missing = [field for field in rule.Context._fields if field not in screen.context]
    if missing:
        raise ConfigError(f"context: the rule {rule.NAME} also reads {', '.join(missing)}; add them")


def _borrowed(
    config: Config, rules: Mapping[str, Rule], files: Mapping[str, Path], screens: dict[str, Screen]
) -> list[str]:
    """Give rules that name another screen a copy of it under their own name; returns what is wrong with that."""
    faults = []
    own = dict(screens)
    for name, rule in rules.items():
        wanted = rule_screen(config, name)
        if wanted in own and wanted != name:
            screens[name] = own[wanted]._replace(name=name)
            try:
                _check_context(screens[name], rule)
            except ConfigError as error:
                faults.append(f"{files[wanted]}: {error}")
        elif wanted not in files and (name in config.rules or name in config.account.rule_slots):
            known = ", ".join(files)
            faults.append(
                f"rules.{name}.screen: there is no screen {wanted}; name one of {known}, or write {wanted}.toml"
            )
    return faults


def shipped_screens() -> dict[str, Screen]:
    """Return the shipped screens with nothing laid over them."""
    return load_screens(Config())
