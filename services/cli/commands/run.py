"""`run`: the whole system in the background, and what it does before our eyes."""

from typing import Any

import click

from services.cli.bilingual import command, option
from services.cli.check import parse_time
from services.cli.faults import BadInputError
from services.cli.session import Session, pass_session

DEFAULTS = {"stocks": 0, "interval": 0, "seed": 0}


@command("run", "cmd.run")
@option("--days", metavar="PATH", help_key="opt.days")
@option("--history", metavar="DIR", help_key="opt.history")
@option("--resume", is_flag=True, help_key="opt.resume")
@option(
    "--profile", type=click.Choice(["sim", "paper", "live"]), default="sim", show_default=True, help_key="opt.profile"
)
@option("--no-follow", is_flag=True, help_key="opt.no_follow")
@option("--pace", type=click.Choice(["lockstep", "real_time"]), help_key="opt.pace")
@option("--speed", type=click.FloatRange(0, 1000, min_open=True), help_key="opt.speed")
@option("--from", "start", metavar="HH:MM", help_key="opt.from")
@option("--to", "end", metavar="HH:MM", help_key="opt.to")
@option("--stocks", type=click.IntRange(40, 6000), help_key="opt.stocks")
@option("--interval", type=click.IntRange(1, 60), help_key="opt.interval")
@option("--seed", type=click.IntRange(0), help_key="opt.seed")
@option("--until-push", type=click.IntRange(1), default=None, help_key="opt.until_push")
@pass_session
def run(session: Session, /, **asked: Any) -> int:
    """Start, follow and report."""
    from services.cli.days import choose_days
    from services.cli.running import Wanted
    from services.cli.running import run as go
    from services.cli.waiting import WaitClock

    check_together(asked)
    wanted = Wanted(
        asked["resume"], not asked["no_follow"], asked["profile"], feed_of(asked), asked["until_push"] or 0, asked
    )
    market = {name: asked[name] for name in DEFAULTS if asked[name] is not None}
    return go(session, wanted, lambda: choose_days(session, asked["days"], asked["history"], market), WaitClock())


def check_together(asked: dict[str, Any]) -> None:
    """Refuse options that exclude one another."""
    fresh = [
        name
        for name in ("days", "history", "stocks", "interval", "seed", "pace", "speed", "start", "end")
        if asked[name] is not None
    ]
    if asked["resume"] and fresh:
        raise BadInputError("bad.resume_with", names=", ".join(f"--{NAMES.get(name, name)}" for name in fresh))
    if asked["speed"] is not None and asked["pace"] != "real_time":
        raise BadInputError("bad.speed_without_pace")


NAMES = {"start": "from", "end": "to"}


def feed_of(asked: dict[str, Any]) -> dict[str, object]:
    """Return the settings of the feed that were asked for."""
    feed: dict[str, object] = {}
    if asked["pace"] is not None:
        feed["pace"] = asked["pace"]
    if asked["speed"] is not None:
        feed["speed"] = float(asked["speed"])
    for name, field in (("start", "start_second"), ("end", "end_second")):
        if asked[name] is not None:
            feed[field] = parse_time(asked[name])
    return feed
