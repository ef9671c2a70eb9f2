"""How findings are told: a table of verdicts with their fixes, JSON, and what keeps an account from being armed."""

from services.cli import show
from services.cli.accept.recordings import never_run
from services.cli.doctor.finding import Finding, Verdict
from services.cli.doctor.registry import CHECKS
from services.cli.render import heads
from services.cli.session import Session

DAYS = frozenset({"until", "last", "day"})
"""Facts that are days."""


def found_text(session: Session, finding: Finding) -> str:
    """Return what was found, in words."""
    facts = {
        name: show.day_text(value) if name in DAYS and isinstance(value, int) else value
        for name, value in finding.facts.items()
    }
    return session.say(finding.found_key, **facts)


def fix_text(session: Session, finding: Finding) -> str:
    """Return what to do about a finding, "" where all is well."""
    return "" if finding.verdict is Verdict.OK else session.say(finding.fix_key)


def lines(session: Session, findings: list[Finding]) -> list[str]:
    """Return the table, and below it what to do."""
    rows = [
        (
            session.say(f"verdict.{finding.verdict.value}"),
            session.say(f"exam.{finding.name}"),
            found_text(session, finding),
        )
        for finding in findings
    ]
    told = [show.table(heads(session.lang, "verdict", "check", "found"), rows)]
    todo = [finding for finding in findings if finding.verdict is not Verdict.OK]
    if todo:
        told += ["", session.say("doctor.todo")]
        told += [f"- {session.say(f'exam.{finding.name}')}: {fix_text(session, finding)}" for finding in todo]
    counts = {verdict.value: sum(1 for finding in findings if finding.verdict is verdict) for verdict in Verdict}
    return [*told, "", session.say("doctor.counts", **counts)]


def red_lines(session: Session, reds: list[Finding]) -> list[str]:
    """Return one line for each finding that keeps an account from being armed."""
    return [
        f"- {session.say(f'exam.{finding.name}')}: {found_text(session, finding)} → {session.say(finding.fix_key)}"
        for finding in reds
    ]


def plain(session: Session, findings: list[Finding], *, live: bool) -> dict[str, object]:
    """Return findings as `--json` shows them."""
    return {
        "live": live,
        "never_run_against_a_broker": never_run(),
        "checks": [
            {
                "check": finding.name,
                "verdict": finding.verdict.value,
                "found": found_text(session, finding),
                "fix": fix_text(session, finding),
                "facts": finding.facts,
                "keeps_from_arming": live and finding.verdict not in CHECKS[finding.name].arming,
            }
            for finding in findings
        ],
    }
