"""docs/reference/cli.md, config.md and doctor.md, made from the code, and samples of output in the documents: --write, --check."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import click

from services.cli import samples
from services.cli.app import cli
from services.cli.bilingual import Command, Group, Option
from services.cli.home import CHECKOUT
from services.cli.texts import say

if TYPE_CHECKING:
    from common.screens.screen import Screen

REFERENCE = CHECKOUT / "docs" / "reference"
NOTICE = "<!-- 由 python -m services.cli.docs --write 生成，不要手改 / generated, do not edit -->"


def walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with the words that reach it, groups before their members."""
    yield path, command
    if isinstance(command, click.Group):
        ctx = click.Context(command, info_name=path)
        for name in command.list_commands(ctx):
            found = command.get_command(ctx, name)
            if found is not None:
                yield from walk(found, f"{path} {name}")


def command_lines(path: str, command: click.Command) -> list[str]:
    """Return the section of one command."""
    ctx = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(ctx)])
    lines = ["", f"## `{path}`", "", "```text", usage, "```", ""]
    if isinstance(command, Command | Group):
        for lang in ("zh", "en"):
            lines += [*(part for part in say(lang, command.help_key).split("\n") if part), ""]
    options = [param for param in command.params if isinstance(param, Option)]
    if options:
        lines += ["| 选项 / option | 说明 | meaning |", "| --- | --- | --- |"]
        for option in options:
            names = ", ".join(f"`{name}`" for name in option.opts) + value_text(option, ctx)
            texts = [say(lang, option.help_key).replace("|", "\\|") for lang in ("zh", "en")]
            lines.append(f"| {names} | {texts[0]} | {texts[1]} |")
    return lines


def value_text(option: Option, ctx: click.Context) -> str:
    """Return how an option's value is written."""
    if option.is_flag:
        return ""
    return f" `{option.make_metavar(ctx)}`".replace("|", "\\|")


def cli_page() -> str:
    """Return docs/reference/cli.md."""
    lines = [NOTICE, "# 命令行参考 / Command line reference"]
    for path, command in walk(cli, "pankou"):
        lines += command_lines(path, command)
    return tidy(lines)


def config_page() -> str:
    """Return docs/reference/config.md."""
    from common.runtime.config import CHOICES, CONFIG_DIR, LIMIT_RANGES, RANGES, Config
    from common.runtime.screens import shipped_screens
    from common.strategies import RULES

    comments = comments_of((CONFIG_DIR / "base.toml").read_text(encoding="utf-8"))
    lines = [NOTICE, "# 配置参考 / Configuration reference", ""]
    lines += [say(lang, "docs.config_head") + "\n" for lang in ("zh", "en")]
    defaults = Config()
    for section, kind in get_type_hints(Config).items():
        if section in ("rules", "screens"):
            continue
        lines += [
            "",
            f"## `[{section}]`",
            "",
            "| 项 / key | 默认 / default | 取值 / values | 说明 / meaning |",
            "| --- | --- | --- | --- |",
        ]
        for key in get_type_hints(kind):
            name = f"{section}.{key}"
            value = getattr(getattr(defaults, section), key)
            lines.append(
                f"| `{key}` | `{literal(value)}` | {allowed(name, CHOICES, RANGES | LIMIT_RANGES)} | {comments.get(name, '')} |"
            )
    for rule, module in RULES.items():
        lines += [
            "",
            f"## `[rules.{rule}]`",
            "",
            "| 参数 / parameter | 默认 / default | 取值 / values |",
            "| --- | --- | --- |",
        ]
        words = getattr(module, "PARAM_WORDS", {})
        for key, value in module.Params()._asdict().items():
            named = {number: word for word, number in words.get(key, {}).items()}
            values = " \\| ".join(f"`{word}`" for word in words.get(key, {}))
            lines.append(f"| `{key}` | `{literal(named.get(value, value))}` | {values} |")
    for name, screen in shipped_screens().items():
        lines += [
            "",
            f"## `[screens.{name}]`",
            "",
            "| 参数 / parameter | 默认 / default | 单位 / unit |",
            "| --- | --- | --- |",
            *(f"| `{key}` | `{literal(value)}` | {unit} |" for key, value, unit in screen_rows(screen)),
        ]
    return tidy(lines)


def screen_rows(screen: "Screen") -> list[tuple[str, Any, str]]:
    """Return the parameters of a screen that the configuration can set: name, value, unit."""
    from common.runtime.config import read_toml
    from common.runtime.screens import SHIPPED

    given = {entry["use"]: entry for entry in read_toml(SHIPPED / f"{screen.name}.toml")["condition"]}
    rows = {}
    for check in screen.checks:
        for key, param in check.condition.params.items():
            value = given[check.condition.name].get(key, param.default)
            if value is not None:
                rows[key] = (key, value, f"{param.kind.unit_zh} / {param.kind.unit_en}")
    return list(rows.values())


def allowed(name: str, choices: dict[str, tuple[str, ...]], ranges: dict[str, tuple[int, int]]) -> str:
    """Return the values a setting may have."""
    if name in choices:
        return " \\| ".join(f"`{choice}`" for choice in choices[name])
    return f"{ranges[name][0]}–{ranges[name][1]}" if name in ranges else ""


def literal(value: Any) -> str:
    """Return a default as it is written in TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def comments_of(toml: str) -> dict[str, str]:
    """Return the comment behind each key of a TOML text, by section.key."""
    found: dict[str, str] = {}
    section = ""
    for line in toml.splitlines():
        if head := re.match(r"\[([\w.]+)\]", line):
            section = head.group(1)
            if "#" in line:
                found[section] = line.partition("#")[2].strip()
        elif key := re.match(r"(\w+)\s*=", line):
            found[f"{section}.{key.group(1)}"] = line.rpartition("  # ")[2].strip() if "# " in line else ""
    return {name: text.replace("|", "\\|") for name, text in found.items()}


def tidy(lines: list[str]) -> str:
    """Join lines, with one empty line at most between them and one line end at the end."""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def doctor_page() -> str:
    """Return docs/reference/doctor.md."""
    from services.cli.doctor.registry import CHECKS

    lines = [NOTICE, "# 体检 / `pankou doctor`", ""]
    lines += [say(lang, "docs.doctor_head") + "\n" for lang in ("zh", "en")]
    lines += [
        "| 检查 / check | | 何时 / when | 解锁允许 / arming allows | 怎么办 | what to do |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, check in CHECKS.items():
        titles = " / ".join(say(lang, f"exam.{name}") for lang in ("zh", "en"))
        when = "live" if check.live_only else ""
        allows = ", ".join(sorted(verdict.value for verdict in check.arming))
        fixes = " | ".join(say(lang, f"fix.{name}").replace("|", "\\|") for lang in ("zh", "en"))
        lines.append(f"| `{name}` | {titles} | {when} | {allows} | {fixes} |")
    return tidy(lines)


PAGES = {"cli.md": cli_page, "config.md": config_page, "doctor.md": doctor_page}


def stale(folder: Path = REFERENCE) -> list[str]:
    """Return the pages that differ from what the code says."""
    return [
        name
        for name, page in PAGES.items()
        if not (folder / name).is_file() or (folder / name).read_text("utf-8") != page()
    ]


def main(args: list[str]) -> int:
    """Write or check the pages."""
    if args == ["--write"]:
        REFERENCE.mkdir(parents=True, exist_ok=True)
        for name, page in PAGES.items():
            (REFERENCE / name).write_text(page(), encoding="utf-8")
        samples.write()
        return 0
    if args != ["--check"]:
        print("usage: python -m services.cli.docs --check|--write", file=sys.stderr)
        return 2
    old = [*(f"docs/reference/{name}" for name in stale()), *samples.stale()]
    for name in old:
        print(f"{name} is not what the code says; run: python -m services.cli.docs --write", file=sys.stderr)
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
