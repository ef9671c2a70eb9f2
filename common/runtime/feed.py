"""What is configured of the feed: what is played, or where the live source is."""

from collections.abc import Iterator

import msgspec


class Feed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is played and how."""

    kind: str = "replay"
    tapes: tuple[str, ...] = ()
    pace: str = "lockstep"
    speed: float = 1.0
    consumers: tuple[str, ...] = ("order_gateway", "signal_engine", "risk_manager")
    hand_script: str = ""
    ring_s: int = 60
    start_second: int = 0
    end_second: int = 86_400
    record: bool = True


class MarketData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The live source of quotes, where feed.kind is xt."""

    host: str = "127.0.0.1"
    port: int = 58_610
    token_file: str = ""
    data_home: str = ""
    silence_s: int = 10
    ahead_s: int = 10


RANGES: dict[str, tuple[int, int]] = {"port": (1, 65_535), "silence_s": (6, 300), "ahead_s": (1, 60)}


def market_data_faults(chosen: MarketData) -> list[str]:
    """Return what is out of bounds."""
    return [
        f"market_data.{name} = {getattr(chosen, name)}: must be from {low} to {high}"
        for name, (low, high) in RANGES.items()
        if not low <= getattr(chosen, name) <= high
    ]


def live_feed_faults(feed: Feed) -> Iterator[str]:
    """Return what does not go with quotes from the market: they cannot wait, and nothing of them is on a tape yet."""
    if feed.pace != "real_time" or feed.speed != 1.0:
        yield f'feed.pace = {feed.pace!r}, speed {feed.speed:g}: feed.kind = "xt" needs "real_time" and 1.0'
    if feed.tapes or feed.hand_script:
        yield 'feed.kind = "xt" plays no tapes and no hand_script: leave both empty'
    if (feed.start_second, feed.end_second) != (0, 86_400):
        yield 'feed.start_second, feed.end_second: feed.kind = "xt" takes whole days only'
    if not feed.record:
        yield 'feed.record = false: feed.kind = "xt" needs the recording to go on after a restart'
