"""The root of the command line: a table of commands, each imported only when it is used."""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from common.domain.errors import PankouError, UserError
from services.cli import faults
from services.cli.bilingual import Group, language, option, take_language
from services.cli.texts import say

COMMANDS: dict[str, tuple[str, str, str]] = {
    "init": ("setup", "init", "cmd.init"),
    "config": ("setup", "config", "cmd.config"),
    "doctor": ("doctor", "doctor", "cmd.doctor"),
    "run": ("run", "run", "cmd.run"),
    "stop": ("system", "stop", "cmd.stop"),
    "status": ("system", "status", "cmd.status"),
    "screen": ("screens", "screen", "cmd.screen"),
    "pool": ("screens", "pool", "cmd.pool"),
    "explain": ("screens", "explain", "cmd.explain"),
    "order": ("order", "order", "cmd.order"),
    "positions": ("books", "positions", "cmd.positions"),
    "account": ("books", "account", "cmd.account"),
    "fills": ("books", "fills", "cmd.fills"),
    "halt": ("state", "halt", "cmd.halt"),
    "reduce": ("state", "reduce", "cmd.reduce"),
    "resume": ("state", "resume", "cmd.resume"),
    "accept": ("accept", "accept", "cmd.accept"),
    "arm": ("safeguards", "arm", "cmd.arm"),
    "kill": ("safeguards", "kill", "cmd.kill"),
    "limits": ("safeguards", "limits", "cmd.limits"),
    "data": ("data", "data", "cmd.data"),
    "tape": ("tape", "tape", "cmd.tape"),
    "backtest": ("backtest", "backtest", "cmd.backtest"),
    "audit": ("audit", "audit", "cmd.audit"),
    "rules": ("rules", "rules", "cmd.rules"),
    "keys": ("keys", "keys", "cmd.keys"),
}
"""Command to (module of services.cli.commands, name in it, key of its help)."""
LIVE_BANNER = frozenset(COMMANDS) - {"init", "config", "accept", "data", "tape", "backtest", "audit", "rules", "keys"}
"""Commands about the running system: each says in one line which live account it trades, if it trades one."""
URGENT = frozenset({"kill", "halt", "reduce", "stop"})
"""They stop something first and tell of the account afterwards: a silent gateway must not hold them up."""


class Root(Group):
    """`pankou`: loads a command when it is asked for, and turns every fault into one line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        found = getattr(importlib.import_module(f"services.cli.commands.{module}"), name)
        return found if isinstance(found, click.Command) else None

    def help_key_of(self, ctx: click.Context, name: str) -> str:
        """Return the key of a command's help without importing it."""
        return COMMANDS[name][2]

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Find the language before anything is parsed, because help and errors need it."""
        rest, chosen = take_language(args)
        session = extra.pop("obj", None)
        if session is None:
            from services.cli.session import Session

            session = Session.of_environment(os.environ)
        session.lang = chosen or session.lang
        return super().make_context(info_name, rest, parent=parent, obj=session, **extra)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Run, and leave with the documented exit code."""
        extra["standalone_mode"] = False
        words = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(words, *rest, **extra)
        except (click.ClickException, click.Abort, PankouError, KeyboardInterrupt, BrokenPipeError) as error:
            code = complain(error, self._lang(words, extra.get("obj")))
        sys.exit(code if isinstance(code, int) else 0)

    def _lang(self, args: Sequence[str], session: Any) -> str:
        try:
            chosen = take_language(args)[1]
        except click.UsageError:
            chosen = ""
        return chosen or getattr(session, "lang", "") or language(os.environ)


def complain(error: BaseException, lang: str) -> int:
    """Print one line about a fault and return the exit code."""
    if isinstance(error, click.Abort | KeyboardInterrupt):
        click.echo(say(lang, "err.interrupted"), err=True)
        return faults.INTERRUPTED
    if isinstance(error, BrokenPipeError):
        # The reader of our output went away (`pankou fills | head`); what it wanted it has.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return faults.OK
    click.echo(say(lang, "err.prefix") + one_line(error, lang), err=True)
    if isinstance(error, faults.CliError):
        return error.exit_code
    return faults.BAD_INPUT if isinstance(error, UserError | click.ClickException) else faults.REFUSED


def one_line(error: BaseException, lang: str) -> str:
    """Return what went wrong in words."""
    if isinstance(error, faults.CliError):
        return say(lang, error.key, **error.facts)
    if isinstance(error, click.MissingParameter):
        return say(lang, "err.missing", name=parameter_text(error))
    if isinstance(error, click.NoSuchOption):
        return say(lang, "err.no_option", name=error.option_name)
    if isinstance(error, click.exceptions.NoSuchCommand):
        return say(lang, "err.no_command", name=error.command_name)
    if isinstance(error, click.ClickException):
        return error.format_message()
    return str(error)


def parameter_text(error: click.MissingParameter) -> str:
    """Return the parameter that is missing as it is typed."""
    if isinstance(error.param, click.Option):
        return error.param.opts[0]
    return error.param.make_metavar(error.ctx) if error.param and error.ctx else "?"


@click.group(cls=Root, help_key="cmd.root", invoke_without_command=True)
@option("--lang", metavar="zh|en", expose_value=False, help_key="opt.lang")
@option("--version", is_flag=True, help_key="opt.version")
@click.pass_context
def cli(ctx: click.Context, version: bool) -> None:
    """Stand at the root: without a command, show the help."""
    if version:
        from importlib import metadata

        click.echo(metadata.version("pankou"))
    elif ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
    elif ctx.invoked_subcommand in LIVE_BANNER:
        from services.cli.banner import show_banner

        if ctx.invoked_subcommand in URGENT:
            ctx.call_on_close(lambda: show_banner(ctx.obj))
        else:
            show_banner(ctx.obj)
