"""`doctor`: look at everything a trading day needs, and say what to do about what is not as it must be."""

from pathlib import Path

import click

from services.cli import faults, show
from services.cli.bilingual import command, json_option, option
from services.cli.session import Session, pass_session
from services.cli.waiting import WaitClock


@command("doctor", "cmd.doctor")
@option("--live", is_flag=True, help_key="opt.doctor_live")
@option(
    "--time-folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help_key="opt.time_folder",
)
@json_option
@pass_session
def doctor(session: Session, live: bool, time_folder: Path | None, as_json: bool) -> int:
    """Gather, examine, tell; exit code 1 when a check fails."""
    from services.cli.accept.recordings import never_run
    from services.cli.doctor import report
    from services.cli.doctor.finding import Verdict
    from services.cli.doctor.gather import gather
    from services.cli.doctor.registry import examine, red

    facts = gather(session, WaitClock().now_ns(), live=live, time_folder=time_folder)
    findings = examine(facts)
    if as_json:
        show.echo_json(report.plain(session, findings, live=facts.live))
    else:
        click.echo("\n".join(report.lines(session, findings)))
        if facts.live:
            reds = red(findings)
            session.tell("doctor.red" if reds else "doctor.green", count=len(reds))
        if facts.live and never_run():
            session.warn("live.never")
    return faults.REFUSED if any(finding.verdict is Verdict.FAIL for finding in findings) else faults.OK
