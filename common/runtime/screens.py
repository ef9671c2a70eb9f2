"""Screens by name: the shipped files, a person's own over them, and what the configuration sets."""

from collections.abc import Mapping
from pathlib import Path

from common.domain.errors import ConfigError
from common.domain.values import Board
from common.rules.boards import BOARDS_BY_NAME
from common.runtime.config import Config, read_toml
from common.screens.screen import Screen, parse_screen
from common.strategies import RULES

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
    screens: dict[str, Screen] = {}
    faults = [
        f"[screens.{name}]: there is no screen of this name; known: {', '.join(files)}"
        for name in config.screens
        if name not in files
    ]
    for name, path in files.items():
        try:
            screens[name] = _screen(name, path, config.screens.get(name, {}), boards)
        except ConfigError as error:
            faults += [line if line.startswith(str(path)) else f"{path}: {line}" for line in str(error).splitlines()]
    if faults:
        raise ConfigError("\n".join(faults))
    return screens


def _screen(name: str, path: Path, overrides: Mapping[str, object], boards: list[Board]) -> Screen:
    if not name.isidentifier():
        raise ConfigError("the name of a screen's file must be letters, digits and _")
    screen = parse_screen(name, read_toml(path), overrides, boards)
    fields = RULES[name].Context._fields if name in RULES else ()
    missing = [field for field in fields if field not in screen.context]
    if missing:
        raise ConfigError(f"context: the rule {name} also reads {', '.join(missing)}; add them")
    return screen


def shipped_screens() -> dict[str, Screen]:
    """Return the shipped screens with nothing laid over them."""
    return load_screens(Config())
