"""A sweep on disk: one JSON with everything, one CSV for spreadsheets, one offline HTML page for people."""

import base64
import csv
import hashlib
import io
import os
import shutil
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import msgspec

from common.backtests.metrics import METRICS, Value
from common.backtests.report.markup import both, cell, esc, head, number, row, table
from common.backtests.report.page import static
from common.backtests.report.sections import COLOURED
from common.backtests.report.words import WORDS
from common.backtests.sweep_words import SWEEP_WORDS
from common.backtests.sweeps import Heat, SetRow, Sweep, agreement_of, heat_of, luck_of
from common.backtests.text import UNDEFINED, day_text, metric_text
from common.domain.errors import ResultError

SHOWN = ("total_return", "max_drawdown", "sharpe", "win_rate", "profit_loss_ratio", "trades", "costs")
"""Metrics in the columns of a table of sets, beside the one that ranks them."""
ROWS_MAX = 1_000
HEATS_MAX = 6
CELLS_MAX = 60
"""Values of a parameter in a heat map; one with more has none."""
JSON_NAME, CSV_NAME, PAGE_NAME = "sweep.json", "sets.csv", "sweep.html"
SCRIPT = (
    "for(const b of document.querySelectorAll('.langs button'))"
    "b.addEventListener('click',()=>{document.documentElement.lang=b.dataset.lang==='en'?'en':'zh-CN'});"
    "if(location.hash==='#en')document.documentElement.lang='en';"
)


class Told(NamedTuple):
    """What must stand beside the best set."""

    trials: int
    """Sets that were tried: all that the rule allows, also those that failed."""
    failed: int
    refused: int
    """Sets that the rule refuses; they were not run."""
    luck_sharpe: float | None
    """The best Sharpe ratio that as many sets without merit would show."""
    agreement: float | None
    """Rank correlation of the metric before and after the split."""


def told_of(sweep: Sweep) -> Told:
    """Return what a reader has to know before believing the best set."""
    tried = [row for row in sweep.rows if row.key]
    sharpes = [value for row in tried if (value := row.metrics.get("sharpe")) is not None]
    agreement = agreement_of(tried, sweep.by) if sweep.split else None
    failed = sum(bool(row.fault or row.fault_after) for row in tried)
    return Told(len(tried), failed, len(sweep.rows) - len(tried), luck_of(sharpes), agreement)


def columns_of(sweep: Sweep) -> list[str]:
    """Return the metrics of a table of sets: the one that ranks them first."""
    return [sweep.by, *(name for name in SHOWN if name != sweep.by)]


def heats_of(sweep: Sweep) -> list[Heat]:
    """Return the heat maps of the pairs of parameters that have few enough values."""
    names = [name for name, values in sweep.axes.items() if 1 < len(values) <= CELLS_MAX]
    pairs = list(combinations(names, 2))[:HEATS_MAX]
    return [heat_of(sweep.rows, sweep.axes, sweep.by, across, down) for down, across in pairs]


def span_of(heat: Heat) -> tuple[float, float]:
    """Return the least and the greatest number of a heat map; (0, 0) where it has none."""
    values = [value for line in heat.cells for value in line if value is not None]
    return (min(values), max(values)) if values else (0.0, 0.0)


def write_sweep(folder: Path, sweep: Sweep) -> None:
    """Write the folder of a sweep, by one rename."""
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    (part / JSON_NAME).write_bytes(msgspec.json.format(msgspec.json.encode(sweep), indent=1) + b"\n")
    (part / CSV_NAME).write_text(sets_csv(sweep), encoding="utf-8", newline="")
    (part / PAGE_NAME).write_text(sweep_html(sweep), encoding="utf-8", newline="\n")
    try:
        part.rename(folder)
    except OSError:
        shutil.rmtree(part, ignore_errors=True)
        raise


def read_sweep(folder: Path) -> Sweep:
    """Read a sweep; raises `ResultError` where there is none or it cannot be used."""
    try:
        return msgspec.json.decode((folder / JSON_NAME).read_bytes(), type=Sweep)
    except OSError as error:
        raise ResultError("missing", f"{folder} has no {JSON_NAME}") from error
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise ResultError("corrupt", f"{folder / JSON_NAME}: {error}") from error


def sets_csv(sweep: Sweep) -> str:
    """Return every set as a line: parameters, all metrics, those after the split, the key of its result, its fault."""
    out = io.StringIO()
    writer = csv.writer(out)
    metrics = list(METRICS)
    after = [f"{name}_after" for name in metrics] if sweep.split else []
    writer.writerow([*sweep.axes, *metrics, *after, "key", "key_after", "fault", "fault_after"])
    for line in sweep.rows:
        here = [line.metrics.get(name) for name in metrics]
        there = [line.after.get(name) for name in metrics] if sweep.split else []
        params = [line.params[name] for name in sweep.axes]
        writer.writerow([*params, *here, *there, line.key, line.key_after, line.fault, line.fault_after])
    return out.getvalue()


# ------------------------------------------------------------------ the page


def sweep_html(sweep: Sweep) -> str:
    """Return the report of a sweep: nothing is fetched, and it reads without scripts."""
    body = "\n".join([_header(sweep), _warning(sweep), *_heats(sweep), _table(sweep), _inputs(sweep)])
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    title = f"{esc(sweep.rule)} {day_text(sweep.first)} – {day_text(sweep.last)} · Pankou 盘口"
    return (
        '<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{static('report.css')}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n"
        f"<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def _say(key: str, **facts: object) -> str:
    zh, en = SWEEP_WORDS.get(key) or WORDS[key]
    return both(zh.format(**facts), en.format(**facts))


def _section(key: str, *parts: str, note: str = "") -> str:
    told = f'<p class="note">{note}</p>' if note else ""
    return f'<section id="{key}"><h2>{_say("title." + key)}</h2>{told}{"".join(parts)}</section>'


def _metric(name: str) -> str:
    return both(METRICS[name].zh, METRICS[name].en)


def _value(name: str, value: Value) -> str:
    return both(*(metric_text(lang, name, value) for lang in ("zh", "en")))


def _header(sweep: Sweep) -> str:
    span = _say("sweep.span", first=day_text(sweep.first), last=day_text(sweep.last))
    split = f" · {_say('sweep.split', split=day_text(sweep.split))}" if sweep.split else ""
    return (
        f"<header><div><h1>{esc(sweep.rule)} <small>{_say('sweep.head')}</small></h1><p>{span}{split} · "
        f"{_say('sweep.by')} {_metric(sweep.by)}</p></div>"
        '<div class="langs"><button type="button" data-lang="zh">中文</button>'
        '<button type="button" data-lang="en">English</button></div></header>'
    )


def _warning(sweep: Sweep) -> str:
    """Return the best set with what takes the shine off it, in one box."""
    told = told_of(sweep)
    best = next((line for line in sweep.rows if line.metrics.get(sweep.by) is not None), None)
    lines = [_say("sweep.trials", trials=told.trials, failed=told.failed, refused=told.refused)]
    if best is not None:
        lines.insert(
            0, f"{_say('sweep.best')} <b>{esc(params_text(best))}</b>: {_value(sweep.by, best.metrics[sweep.by])}"
        )
        if sweep.split:
            lines.append(f"{_say('sweep.after')} {_value(sweep.by, best.after.get(sweep.by))}")
    if told.luck_sharpe is not None:
        lines.append(_say("sweep.luck", trials=told.trials, luck=f"{told.luck_sharpe:.2f}"))
    if told.agreement is not None:
        lines.append(_say("sweep.agreement", agreement=f"{told.agreement:+.2f}"))
    lines.append(_say("sweep.honest"))
    return _section("sweep_best", "<ul>" + "".join(f"<li>{line}</li>" for line in lines) + "</ul>")


def params_text(line: SetRow) -> str:
    """Write a set of parameters."""
    return " ".join(f"{name}={value}" for name, value in line.params.items())


def _heats(sweep: Sweep) -> Iterator[str]:
    maps = heats_of(sweep)
    if maps:
        several = len([values for values in sweep.axes.values() if len(values) > 1]) > 2
        note = _say("sweep.heat_median" if several else "sweep.heat")
        yield _section("sweep_heat", *(_heat(sweep, heat) for heat in maps), note=note)


def _heat(sweep: Sweep, heat: Heat) -> str:
    least, most = span_of(heat)
    corner = head(f"{esc(heat.down)} \\ {esc(heat.across)}")
    heads = [corner, *(head(str(value), True) for value in sweep.axes[heat.across])]
    rows = []
    for value, line in zip(sweep.axes[heat.down], heat.cells, strict=True):
        cells = (_heat_cell(sweep.by, each, least, most) for each in line)
        rows.append(row([f'<th scope="row">{value}</th>', *cells]))
    return f"<h3>{_metric(sweep.by)}</h3>" + table(heads, rows, "heat")


def _heat_cell(by: str, value: float | None, least: float, most: float) -> str:
    if value is None:
        return "<td>–</td>"
    share = (value - least) / (most - least) if most > least else 0.5
    return f'<td style="background:rgba(31,95,168,{0.05 + 0.6 * share:.2f})">{_value(by, value)}</td>'


def _table(sweep: Sweep) -> str:
    names = columns_of(sweep)
    sides = ["", "after"] if sweep.split else [""]
    heads = [head("#", True), *(head(esc(name), True) for name in sweep.axes)]
    for side in sides:
        mark = f" <small>{_say('sweep.side_after' if side else 'sweep.side_before')}</small>" if sweep.split else ""
        heads += [head(_metric(name) + mark, True) for name in names]
    rows = [row(_cells(place, line, names, sides)) for place, line in enumerate(sweep.rows[:ROWS_MAX], 1)]
    cut = _say("sweep.cut", shown=ROWS_MAX, total=len(sweep.rows), name=CSV_NAME) if len(sweep.rows) > ROWS_MAX else ""
    return _section("sweep_sets", table(heads, rows, "tall"), note=cut)


def _cells(place: int, line: SetRow, names: Sequence[str], sides: Sequence[str]) -> list[str]:
    cells = [number(str(place)), *(number(str(value)) for value in line.params.values())]
    for side in sides:
        metrics, fault = (line.after, line.fault_after) if side else (line.metrics, line.fault)
        if fault:
            cells += [f'<td class="wrap" colspan="{len(names)}">{esc(fault)}</td>']
        else:
            cells += [number(_value(name, metrics.get(name)), metrics.get(name), name in COLOURED) for name in names]
    return cells


def _inputs(sweep: Sweep) -> str:
    told = {
        "in.rule": esc(sweep.rule), "in.verdict": _say("v." + sweep.verdict), "sweep.search": esc(sweep.search),
        "in.params": esc("; ".join(f"{name}: {_axis_text(values)}" for name, values in sweep.axes.items())),
        "in.data": esc(sweep.data_hash), "in.code": esc(sweep.code_hash), "in.rulebook": esc(sweep.rulebook_hash),
    }  # fmt: skip
    rows = (row([f'<th scope="row">{_say(key)}</th>', cell(text)]) for key, text in told.items())
    return _section("inputs", table([], rows, "facts"))


def _axis_text(values: Sequence[int]) -> str:
    shown = ", ".join(str(value) for value in values[:20])
    return shown if len(values) <= 20 else f"{shown} … ({len(values)})"


def cell_text(lang: str, by: str, value: float | None) -> str:
    """Write a number of a heat map or a table; what is undefined says so."""
    return UNDEFINED[lang] if value is None else metric_text(lang, by, value)
