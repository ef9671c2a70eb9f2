"""Making what is missing in $PANKOU_HOME: folders, keys, the user's own settings."""

import os
from typing import NamedTuple

from common.bus import acl
from common.bus.curve import make_missing_keys
from services.cli.session import Session

CONFIG = """\
# 盘口：你自己的设置，覆盖自带的默认值。只写要改的，例如去掉下面行首的 #。
# Pankou: your own settings; they go over the shipped ones. Write only what differs.
# 全部设置见 docs/reference/config.md；写完用 pankou config check 检查。
# All settings: docs/reference/config.md; check with pankou config check.

# [account]
# cash = 1000000          # 元 / yuan
# [account.rule_slots]
# limit_up = 3
# bottom_fractal = 2
# [boards]
# allowed = ["main", "chinext"]
"""


class Made(NamedTuple):
    """What had to be made."""

    keys: list[str]
    config: bool


def copy_screens(session: Session) -> list[str]:
    """Copy the shipped screens that $PANKOU_HOME has no file of, for the user to edit; returns their names."""
    from common.runtime.screens import SHIPPED

    folder = session.home.screens
    folder.mkdir(parents=True, exist_ok=True)
    missing = [path for path in sorted(SHIPPED.glob("*.toml")) if not (folder / path.name).exists()]
    for path in missing:
        (folder / path.name).write_bytes(path.read_bytes())
    return [path.stem for path in missing]


def prepare(session: Session) -> Made:
    """Make what is missing; what is there stays as it is."""
    home = session.home
    os.umask(0o077)
    new = not home.root.exists()
    home.root.mkdir(parents=True, exist_ok=True)
    if new and os.name != "posix":
        acl.restrict(home.root)  # there is no umask: what is made in it inherits this
    keys = make_missing_keys(home.keys)
    missing = not home.config.exists()
    if missing:
        home.config.write_text(CONFIG, encoding="utf-8")
    return Made(keys, missing)
