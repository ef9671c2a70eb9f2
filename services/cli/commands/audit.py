"""`audit lookahead`: does a rule, or its screen, use what it could not know? `audit journal`: do the books add up?"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from services.cli import show
from services.cli.bilingual import Group, json_option, option
from services.cli.check import parse_day
from services.cli.faults import OK, REFUSED, BadInputError
from services.cli.session import Session, pass_session
from services.cli.show import day_text

if TYPE_CHECKING:
    from services.cli.journal.money import Rates

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


@audit.command_of("journal", "cmd.audit.journal")
@option("--run", "number", type=click.IntRange(1), help_key="opt.audit_run")
@option("--db", "file", metavar="FILE", type=click.Path(path_type=Path), help_key="opt.audit_db")
@option("--order", "wanted", metavar="COID|KEY|SYMBOL", help_key="opt.audit_order")
@option("--day", metavar="DATE", help_key="opt.audit_day")
@json_option
@pass_session
def journal(
    session: Session, number: int | None, file: Path | None, wanted: str | None, day: str | None, as_json: bool
) -> int:
    """Check a gateway's journal, running or not; with --order show the whole life of orders."""
    from services.cli.journal import text
    from services.cli.journal.audit import read_and_audit
    from services.cli.journal.life import lives

    if number is not None and file is not None:
        raise BadInputError("bad.run_and_db")
    if day is not None and wanted is None:
        raise BadInputError("bad.day_without_order")
    path = _journal_of(session, number) if file is None else file
    if not path.is_file():
        raise BadInputError("bad.no_journal", path=str(path))
    audited = read_and_audit(path, _rates_of(path))
    found = None
    if wanted is not None:
        found = lives(audited, _wanted(wanted), 0 if day is None else parse_day(day))
        if not found:
            raise BadInputError("bad.no_such_order", wanted=wanted, path=str(path))
    if as_json:
        show.echo_json(text.as_json(str(path), audited, found))
    else:
        lines = text.audit_lines(session.lang, str(path), audited)
        for life in found or ():
            lines += text.life_lines(session.lang, life)
        click.echo("\n".join(lines))
    return REFUSED if audited.broken else OK


def _journal_of(session: Session, number: int | None) -> Path:
    from services.cli.runs import run_folder

    return run_folder(session, number) / "order_gateway.db"


def _rates_of(path: Path) -> "Rates | None":
    """Return the fees of the run a journal lies in; None where its configuration does not lie beside it."""
    from common.domain.errors import ConfigError
    from common.runtime.config import load_config
    from services.cli.journal.money import Rates

    beside = path.with_name("config.toml")
    if not beside.is_file():
        return None
    try:
        fees = load_config(beside).fees
    except ConfigError:
        return None  # another version's: the journal can still be checked
    return Rates(fees.commission_e7, fees.commission_min)


def _wanted(text: str) -> str:
    """Return an id or a key as it is, a stock in its full form."""
    from services.cli.check import parse_symbol

    try:
        return parse_symbol(text)
    except BadInputError:
        return text.strip()
