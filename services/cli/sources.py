"""`data sources|download|probe` at work: the coverage table, a download with its report, a probe."""

from pathlib import Path
from typing import Any

import click

from common.domain.values import Day, Symbol
from common.history.sources.coverage import COVERAGE
from common.history.sources.source import Coverage
from services.cli import faults, show
from services.cli.progress import progress, silent
from services.cli.render import heads
from services.cli.session import Session
from services.cli.texts import LANGS, say
from services.cli.waiting import WaitClock

NOTES = ("cost", "missing", "licence")
"""Sentences of a source in `texts.py`: source.NAME.cost ..."""


def coverage_rows() -> list[dict[str, Any]]:
    """Return the coverage of every source for a program, its sentences in both languages."""
    return [
        {
            "name": found.name,
            "first_year": found.first_year,
            "st_history": found.st_history,
            "float_shares": found.float_shares,
            "minutes": list(found.minutes),
            "minutes_first_year": found.minutes_first_year,
            "pre_open": found.pre_open,
            "account": found.account,
            "package": found.package,
            "kinds": [kind.value for kind in found.kinds],
            "calls_per_minute": found.rate.per_minute,
            "calls_per_day": found.rate.per_day,
            **{note: {lang: say(lang, f"source.{found.name}.{note}") for lang in LANGS} for note in NOTES},
        }
        for found in COVERAGE.values()
    ]


def coverage_lines(session: Session) -> list[str]:
    """Return the coverage table, and below it a few sentences on each source."""
    titles = heads(
        session.lang, "source", "daily_since", "st", "float", "minutes", "depth", "pre_open", "account", "package",
        "cost_of",
    )  # fmt: skip
    lines = [show.table(titles, [_cells(session, found) for found in COVERAGE.values()])]
    for found in COVERAGE.values():
        lines += ["", found.name]
        lines += [f"  {session.say(f'source.{found.name}.{note}')}" for note in NOTES if note != "cost"]
    return lines


def _cells(session: Session, found: Coverage) -> tuple[str, ...]:
    def word(true: bool) -> str:
        return session.say("word.yes" if true else "word.no")

    minutes = ", ".join(map(str, found.minutes)) or word(False)
    since = str(found.minutes_first_year) if found.minutes_first_year else "-"
    return (
        found.name,
        str(found.first_year) if found.first_year else session.say("source.own"),
        word(found.st_history),
        word(found.float_shares),
        minutes,
        since,
        word(found.pre_open),
        word(found.account),
        found.package or "-",
        session.say(f"source.{found.name}.cost"),
    )


def wanted(first: Day, last: Day, symbols: tuple[Symbol, ...], minutes: int, *, dividends: bool, fresh: bool) -> Any:
    """Return what to download."""
    from common.history.sources.download import Wanted

    return Wanted(first, last, symbols, minutes, dividends, fresh)


def download(session: Session, name: str, asked: Any, folder: Path, as_json: bool, files: Path | None = None) -> int:
    """Download and report; what was fetched before a fault is kept, and the same command goes on."""
    from common.history.sources.cells import KEPT
    from common.history.sources.download import Download
    from common.history.sources.registry import Place, open_source

    place = Place(folder, session.home.root, session.environ, files)
    source = open_source(name, place, WaitClock())
    try:
        title = session.say("data.downloading", source=name, path=str(folder))
        with silent() if as_json else progress(title) as told:
            done = Download(folder, source, told).run(asked)
    finally:
        source.close()
    if as_json:
        show.echo_json({"history": str(folder), "source": name, **done._asdict()})
        return faults.OK
    session.tell("data.downloaded", days=len(done.days), rows=done.rows + done.minute_rows, events=done.events)
    if done.already:
        session.tell("data.already", count=done.already)
    if done.repeated:
        session.tell("data.repeated", count=done.repeated)
    kept = {defect.name for defect in KEPT}
    for defect, count in sorted(done.defects.items()):
        session.tell(
            "data.doubt" if defect in kept else "data.defect", what=session.say(f"defect.{defect}"), count=count
        )
    for what, count in sorted(done.left_out.items()):
        click.echo(f"  {what}: {count}")
    for day, text in sorted(done.thin.items()):
        session.tell("data.thin", day=show.day_text(day), text=text)
    session.tell("data.done", path=str(folder))
    return faults.OK


def probe(session: Session, name: str, out: Path | None, as_json: bool) -> int:
    """Ask the fixed questions, keep the answers, tell what differs; exit code 1 when something does."""
    from common.history.sources.probe import ask_all, record
    from common.history.sources.registry import Place, open_source, secrets_of

    place = Place(session.home.root / "probe", session.home.root, session.environ)
    source = open_source(name, place, WaitClock())
    try:
        with silent() if as_json else progress(session.say("probe.asking", source=name)) as told:
            found = ask_all(source, told)
    finally:
        source.close()
    path = out or session.home.root / "probe" / f"{name}.jsonl"
    record(path, found.heard, secrets_of(place))
    if as_json:
        show.echo_json({"record": str(path), "differences": [{**d.facts, "what": d.what} for d in found.differences]})
        return faults.REFUSED if found.differences else faults.OK
    session.tell("probe.recorded", count=len(found.heard), path=str(path))
    session.tell("probe.differs" if found.differences else "probe.same", count=len(found.differences))
    for difference in found.differences:
        click.echo("  " + session.say(f"probe.{difference.what}", **difference.facts))
    return faults.REFUSED if found.differences else faults.OK
