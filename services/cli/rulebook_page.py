"""docs/reference/ashare-rules.md: every row of the rulebook with its dates, how sure it is and where to check it."""

from services.cli import rulebook
from services.cli.texts import say

NOTICE = "<!-- 由 python -m docs.generate 生成，不要手改 / generated, do not edit -->"
LANGS = ("zh", "en")
_HEAD = (
    "| 规则 | rule | 自 / from | 至 / to | 把握 / confidence | 来源 / source | 编号 / id |",
    "| --- | --- | --- | --- | --- | --- | --- |",
)
_SOURCES_HEAD = (
    "| 来源 / source | 种类 / kind | 日期 / dated | 说明 | what it is |",
    "| --- | --- | --- | --- | --- |",
)


def rules_page() -> str:
    """Return the page."""
    lines = [NOTICE, "# A 股规则 / A-share rules", ""]
    youngest = rulebook.youngest_source().isoformat()
    for lang in LANGS:
        lines += [say(lang, "rulebook.intro", youngest=youngest), ""]
    for section in rulebook.sections():
        lines += [_title(f"ruled_title.{section}"), "", *_HEAD]
        lines += [*(_row_line(section, row) for row in rulebook.rows_of(section)), ""]
    lines += [_title("rulebook.sources"), "", *_SOURCES_HEAD]
    lines += [_source_line(key, source) for key, source in rulebook.sources().items()]
    return "\n".join(lines) + "\n"


def _title(key: str) -> str:
    return "## " + " / ".join(say(lang, key) for lang in LANGS)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _row_line(section: str, row: rulebook.Row) -> str:
    words = []
    for lang in LANGS:
        note = rulebook.note_words(lang, row)
        text = rulebook.rule_words(lang, section, row)
        noted = f"（{note}）" if lang == "zh" else f" ({note})"
        words.append(_cell(text + noted if note else text))
    sure = " / ".join(say(lang, f"sure.{row['confidence']}") for lang in LANGS)
    until = row["to"].isoformat() if "to" in row else ""
    keys = ", ".join(f"[{key}](#{key})" for key in row["source"])
    return f"| {words[0]} | {words[1]} | {row['from'].isoformat()} | {until} | {sure} | {keys} | `{row['id']}` |"


def _source_line(key: str, source: rulebook.Row) -> str:
    kind = " / ".join(say(lang, f"source_kind.{source['kind']}") for lang in LANGS)
    names = [_cell(source[lang]) for lang in LANGS]
    if "url" in source:
        names = [f"[{name}]({source['url']})" for name in names]
    return f'| <a id="{key}"></a>{key} | {kind} | {source["dated"].isoformat()} | {names[0]} | {names[1]} |'
