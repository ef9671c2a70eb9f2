"""`audit lookahead`: does a rule, or its screen, use what it could not know?"""

from typing import Any

import click

from services.cli import show
from services.cli.bilingual import Group, json_option, option
from services.cli.check import parse_day
from services.cli.session import Session, pass_session
from services.cli.show import day_text

audit = Group("audit", help_key="cmd.audit")


@audit.command_of("lookahead", "cmd.audit.lookahead")
@click.argument("rule")
@option("--from", "first", metavar="DAY", required=True, help_key="opt.backtest_from")
@option("--to", "last", metavar="DAY", required=True, help_key="opt.backtest_to")
@option("--moments", type=click.IntRange(1, 1000), default=6, help_key="opt.moments")
@option("--set", "sets", metavar="K=V", multiple=True, help_key="opt.set")
@option("--screen-set", "screen_sets", metavar="K=V", multiple=True, help_key="opt.screen_set")
@option("--minutes", type=click.Choice(["1", "5"]), default=None, help_key="opt.bar_minutes")
@option("--history", metavar="DIR", default=None, help_key="opt.backtest_history")
@option("--st-unknown", type=click.Choice(["deny", "allow"]), default=None, help_key="opt.st_unknown")
@json_option
@pass_session
def lookahead(
    session: Session, /, as_json: bool, first: str, last: str, moments: int, minutes: str | None, **asked: Any
) -> None:
    """Replay a backtest with other futures; exit code 1 when an order depended on one."""
    from services.backtest_worker.audit import audit_lookahead
    from services.cli.backtest_run import Asked, make_job
    from services.cli.progress import progress, silent

    interval = int(minutes) if minutes else None
    job = make_job(session, Asked(first=parse_day(first), last=parse_day(last), interval=interval, **asked))
    with silent() if as_json else progress(session.say("audit.running", rule=job.rule.NAME)) as told:
        found = audit_lookahead(job, moments, told)
    if as_json:
        show.echo_json(show.plain(found))
    else:
        session.tell("audit.looked", orders=found.orders, moments=len(found.moments))
        for finding in found.findings:
            session.tell(
                "audit.finding", kind=finding.kind, day=day_text(finding.moment.day), gone=len(finding.gone),
                new=len(finding.new), symbols=", ".join(sorted({s.symbol for s in (*finding.gone, *finding.new)})[:5]),
            )  # fmt: skip
        session.tell("audit.clean" if not found.findings else "audit.found", count=len(found.findings))
    if found.findings:
        raise SystemExit(1)
