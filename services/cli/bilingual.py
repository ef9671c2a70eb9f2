"""Click classes that take their words from `texts.py` when they print, so that one process speaks both languages."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from services.cli.faults import BadInputError
from services.cli.texts import LANGS, say

LANG_OPTION = "--lang"
NEGATIVE = re.compile(r"-\d")


def language(environ: Mapping[str, str]) -> str:
    """Return zh or en from PANKOU_LANG, then the locale; Chinese unless the locale names another language."""
    for name in ("PANKOU_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = environ.get(name, "").lower()
        if value[:2] in LANGS:
            return value[:2]
        if value and value[:2] not in ("c", "c.", "po"):
            return "en"
    return "zh"


def take_language(args: Sequence[str]) -> tuple[list[str], str]:
    """Split `--lang XX` off, wherever it stands before `--`; returns the rest and the language ("" = not given)."""
    rest: list[str] = []
    chosen = ""
    waiting = False
    for at, word in enumerate(args):
        if waiting:
            chosen, waiting = word, False
        elif word == "--":
            rest.extend(args[at:])
            break
        elif word == LANG_OPTION:
            waiting = True
        elif word.startswith(LANG_OPTION + "="):
            chosen = word.partition("=")[2]
        else:
            rest.append(word)
    if waiting or (chosen and chosen not in LANGS):
        raise click.UsageError(f"--lang: zh | en, not {chosen!r}")
    return rest, chosen


def lang_of(ctx: click.Context) -> str:
    """Return the language of this invocation."""
    found = getattr(ctx.find_root().obj, "lang", None)
    return found if isinstance(found, str) else language(os.environ)


class Option(click.Option):
    """An option whose help is the text `help_key`."""

    def __init__(self, *args: Any, help_key: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.help_key = help_key

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the words and the help of this option in the language of the context."""
        self.help = say(lang_of(ctx), self.help_key)
        return super().get_help_record(ctx)


class _Speaks:
    """What commands and groups share."""

    help_key: str
    _help: click.Option | None = None

    def _words(self, ctx: click.Context, key: str) -> str:
        return say(lang_of(ctx), key)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the usage line."""
        pieces = self.collect_usage_pieces(ctx)  # type: ignore[attr-defined]  # mixed into click commands
        formatter.write_usage(ctx.command_path, " ".join(pieces), self._words(ctx, "help.usage"))

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does."""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(self._words(ctx, self.help_key))

    def _format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]  # type: ignore[attr-defined]  # as above
        records = [param.get_help_record(ctx) for param in options]
        rows = [record for record in records if record is not None]
        if rows:
            with formatter.section(self._words(ctx, "help.options")):
                formatter.write_dl(rows)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the `--help` option, the same one each time."""
        if self._help is None:
            self._help = Option(
                ["--help"], is_flag=True, is_eager=True, expose_value=False, callback=_show_help, help_key="help.help"
            )
        return self._help


def _show_help(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


class Command(_Speaks, click.Command):
    """A command with bilingual help."""

    def __init__(self, *args: Any, help_key: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.help_key = help_key

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; a negative number is no option but a bad number."""
        words = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption:
            for word in words:
                if NEGATIVE.match(word):
                    raise BadInputError("bad.negative", text=word) from None
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options."""
        self._format_options(ctx, formatter)


class Group(_Speaks, click.Group):
    """A group with bilingual help."""

    def __init__(self, *args: Any, help_key: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.help_key = help_key

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the commands."""
        self._format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def help_key_of(self, ctx: click.Context, name: str) -> str:
        """Return the key of a command's help without loading more than needed."""
        command = self.get_command(ctx, name)
        return command.help_key if isinstance(command, Command | Group) else ""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands and the first sentence of what each does."""
        rows = []
        for name in self.list_commands(ctx):
            text = self._words(ctx, self.help_key_of(ctx, name))
            rows.append((name, text.split("\n")[0]))
        with formatter.section(self._words(ctx, "help.commands")):
            formatter.write_dl(rows)

    def command_of(self, name: str, help_key: str) -> Callable[[Callable[..., Any]], click.Command]:
        """Return the decorator that makes a function a command of this group."""
        return self.command(name, cls=Command, help_key=help_key)


def command(name: str, help_key: str) -> Callable[[Callable[..., Any]], click.Command]:
    """Return the decorator that makes a function a command."""
    return click.command(name, cls=Command, help_key=help_key)


def option(*names: str, help_key: str, **kwargs: Any) -> Callable[[Any], Any]:
    """Return the decorator of an option with bilingual help."""
    return click.option(*names, cls=Option, help_key=help_key, **kwargs)


json_option = option("--json", "as_json", is_flag=True, help_key="opt.json")
"""Every command that reads has it."""
