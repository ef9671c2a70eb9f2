"""The root: languages, exit codes, and that help loads nothing it does not need."""

import resource
import subprocess
import sys
from pathlib import Path

import click
import pytest

from services.cli import app, bilingual, faults
from services.cli.commands import books, data, order, screens, setup, state, system, tape
from services.cli.commands import run as run_module
from services.cli.home import home_of
from tests.conftest import CHECKOUT
from tests.unit.services.cli.fakes import run


@pytest.mark.parametrize(
    ("environ", "lang"),
    [
        ({}, "zh"),
        ({"LANG": "C.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "PANKOU_LANG": "zh"}, "zh"),
        ({"LC_ALL": "zh_CN", "LANG": "en_US"}, "zh"),
    ],
)
def test_language_of_the_environment(environ: dict[str, str], lang: str) -> None:
    assert bilingual.language(environ) == lang


def test_lang_may_stand_anywhere() -> None:
    assert bilingual.take_language(["positions", "--lang", "en", "--json"]) == (["positions", "--json"], "en")
    assert bilingual.take_language(["--lang=zh", "fills"]) == (["fills"], "zh")
    assert bilingual.take_language(["halt", "--", "--lang", "en"]) == (["halt", "--", "--lang", "en"], "")
    with pytest.raises(click.UsageError):
        bilingual.take_language(["--lang", "fr"])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_command_has_help(tmp_path: Path, lang: str) -> None:
    for name in app.COMMANDS:
        result, link = run(tmp_path, [name, "--help"], lang=lang)
        assert result.exit_code == 0, (name, result.output)
        assert result.output.startswith("用法" if lang == "zh" else "Usage"), name
        assert link.asked == []


def test_the_table_of_commands_is_true() -> None:
    modules = {"books": books, "order": order, "run": run_module, "screens": screens}
    modules |= {"data": data, "setup": setup, "state": state, "system": system, "tape": tape}
    for name, (module, attribute, help_key) in app.COMMANDS.items():
        command = getattr(modules[module], attribute)
        assert isinstance(command, bilingual.Command | bilingual.Group), name
        assert (command.name, command.help_key) == (name, help_key)


def test_root_help_in_both_languages(tmp_path: Path) -> None:
    chinese, _ = run(tmp_path, "--help", lang="zh")
    english, _ = run(tmp_path, "--help --lang en", lang="zh")
    assert "退出码" in chinese.output
    assert "Exit codes" in english.output
    for name in app.COMMANDS:
        assert f"\n  {name} " in english.output


@pytest.mark.parametrize("args", ["nope", "positions --nope", "order buy", "--lang fr positions", "order"])
def test_typing_errors_are_one_line_and_exit_code_2(tmp_path: Path, args: str) -> None:
    result, link = run(tmp_path, args)
    assert result.exit_code == faults.BAD_INPUT
    assert args == "order" or len(result.stderr.strip().splitlines()) == 1
    assert link.asked == []


def test_interruption(tmp_path: Path) -> None:
    def interrupt(_message: object) -> None:
        raise KeyboardInterrupt

    result, _ = run(tmp_path, "positions", {("order_gateway", "PositionsRequest"): interrupt})  # type: ignore[dict-item]
    assert result.exit_code == faults.INTERRUPTED
    assert "goes on" in result.stderr


def test_silence_is_exit_code_3(tmp_path: Path) -> None:
    result, _ = run(tmp_path, "account")
    assert result.exit_code == faults.SILENT
    assert "order_gateway" in result.stderr


def test_home_is_under_the_checkout_unless_named(tmp_path: Path) -> None:
    assert home_of({}).root == CHECKOUT / "var"
    assert home_of({"PANKOU_HOME": str(tmp_path)}).root == tmp_path


def test_help_costs_little_and_loads_neither_rich_nor_the_wire() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    program = (
        "import sys; sys.argv = ['pankou', '--help']\n"
        "from services.cli.app import cli\n"
        "try:\n    cli(prog_name='pankou')\n"
        "finally:\n"
        "    heavy = {'rich', 'msgspec', 'zmq', 'numpy', 'polars', 'pandas'} & set(sys.modules)\n"
        "    assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, timeout=20, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr.decode()
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime <= 0.2
