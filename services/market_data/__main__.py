"""Run the market-data publisher: python -m services.market_data --config FILE."""

import sys
from pathlib import Path

import msgspec

from common.domain.calendar import Calendar
from common.domain.errors import ConfigError
from common.domain.values import Board, Pace, PushId
from common.history.calendar_file import CALENDAR_TOML, days_with_file
from common.messages.kept import PlacedHandOrder
from common.messages.market import HandOrder
from common.messages.outputs import Adapter, Core
from common.rules.boards import BOARD_NAMES
from common.runtime.clock import SystemClock
from common.runtime.config import Config, history_dir, load_config
from common.runtime.run import config_argument, guarded
from common.runtime.service import ServiceSpec, host
from services.market_data.adapters.day_reader import read_day_facts
from services.market_data.adapters.replay import ReplayAdapter
from services.market_data.adapters.xt import XtAdapter, XtSettings
from services.market_data.adapters.xt_feed import FeedSettings
from services.market_data.adapters.xt_link import LinkSettings
from services.market_data.bars import BarBuilder
from services.market_data.core import PlayerCore
from services.market_data.settings import Settings

SPEC = ServiceSpec("market_data")


class _Scripted(msgspec.Struct, forbid_unknown_fields=True):
    push: PushId
    key: str
    side: int
    symbol: str
    shares: int
    price: int = 0
    wide_price: bool = False


def read_script(path: Path) -> tuple[PlacedHandOrder, ...]:
    """Read a script of hand orders; raises ConfigError naming the file and the fault."""
    try:
        rows = msgspec.json.decode(path.read_bytes(), type=list[_Scripted])
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{path}: not a script of hand orders ({error}); see docs/reference/config.md") from error
    return tuple(
        PlacedHandOrder(
            HandOrder(row.key, row.side, row.symbol, row.shares, row.price, row.wide_price, "script"), row.push
        )
        for row in rows
    )


def settings_of(config: Config) -> Settings:
    """Translate the configuration."""
    feed = config.feed
    return Settings(
        pace=Pace.LOCKSTEP if feed.pace == "lockstep" else Pace.REAL_TIME,
        speed_milli=max(1, round(feed.speed * 1000)),
        consumers=feed.consumers,
        ring_s=feed.ring_s,
        start_second=feed.start_second,
        end_second=feed.end_second,
        record=feed.record,
        script=read_script(Path(feed.hand_script)) if feed.hand_script else (),
        live=feed.kind == "xt",
    )


def xt_adapter(config: Config, path: Path) -> XtAdapter:
    """Build the live feed; `path` is the configuration that the reader of history is given."""
    if not history_dir(config):
        raise ConfigError(
            f'{path}: feed.kind = "xt" 需要 history.dir 或 nightly.dir（昨收、除权、ST 由历史库给出）/ needs history.dir or'
            " nightly.dir, the folder that knows closes, ex-days and ST; fill it with: pankou data download"
        )
    chosen, calendar_file = config.market_data, Path(history_dir(config)).expanduser() / CALENDAR_TOML
    bse = BOARD_NAMES[Board.BSE] in config.boards.allowed
    settings = XtSettings(
        LinkSettings(chosen.host, chosen.port, chosen.token_file, chosen.data_home),
        FeedSettings(("SH", "SZ", "BJ") if bse else ("SH", "SZ"), config.risk.stale_s, chosen.ahead_s),
        chosen.silence_s,
        Calendar(days_with_file(calendar_file)),
        Path(config.system.run_dir) / "tapes",
    )
    return XtAdapter(settings, SystemClock().now_ns, lambda day: read_day_facts(path, day))


def parts_of(config: Config, path: Path | None = None) -> tuple[Core, Adapter | None]:
    """Build the player and its tapes, or the live feed of the configuration that stands in `path`."""
    if config.feed.kind == "xt" and path is not None:
        return PlayerCore(settings_of(config), BarBuilder), xt_adapter(config, path)
    record_into = Path(config.system.run_dir) / "tapes" if config.feed.record else None
    adapter = ReplayAdapter([Path(tape) for tape in config.feed.tapes], record_into)
    return PlayerCore(settings_of(config), BarBuilder), adapter


def main() -> int:
    """Play what the configuration names."""
    path = config_argument("market_data")
    config = load_config(path)
    core, adapter = parts_of(config, path)
    return host(core, SPEC, config, adapter)


if __name__ == "__main__":
    sys.exit(guarded(main))
