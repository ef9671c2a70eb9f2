"""Rules of a person's own at the command line: checked by `config check`, copied into a run, their sources noted."""

import json
import shutil
from pathlib import Path

import pytest

from common.runtime.config import load_config, parse_config, rule_params, rule_screen, rules_of
from common.runtime.rules import rule_source_hash
from common.runtime.screens import load_screens
from common.strategies import RULES
from services.cli import settings, tape_diff
from services.cli.days import Days
from services.cli.home import Home
from services.cli.session import Session
from tests.conftest import CHECKOUT
from tests.unit.services.cli.fakes import run

EXAMPLE = CHECKOUT / "docs" / "examples" / "early_strength.py"
SLOTS = '[account.rule_slots]\nearly_strength = 2\n\n[rules.early_strength]\nscreen = "limit_up"\nrise_bp = 500\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    shutil.copy(EXAMPLE, tmp_path / "rules")
    (tmp_path / "config.toml").write_text(SLOTS, encoding="utf-8")
    return tmp_path


def write(home: Path) -> Path:
    folder = home / "runs" / "1"
    folder.mkdir(parents=True)
    days = Days([], "", "", "test")
    settings.write_run_config(Session("en", Home(home)), folder, "sim", days, {})
    return folder


def test_config_check_passes_a_good_rule(home: Path) -> None:
    result, _ = run(home, "config check")
    assert result.exit_code == 0, result.stderr


def test_config_check_lists_every_fault_of_every_file(home: Path) -> None:
    bad = home / "rules" / "early_strength.py"
    text = bad.read_text("utf-8").replace("import NamedTuple\n", "import NamedTuple\nimport numpy\n")
    bad.write_text(text.replace("    risen =", "    quick = sum((1, 2)) / 0.5\n    risen ="), encoding="utf-8")
    (home / "rules" / "other.py").write_text("", encoding="utf-8")
    result, _ = run(home, "config check")
    assert result.exit_code == 2
    lines = text.splitlines()
    for said in (f"{bad}:{lines.index('import numpy') + 1}: import numpy", "sum(...)", "the decimal 0.5", "use //",
                 f"{home / 'rules' / 'other.py'}:1: ", "decide is missing"):  # fmt: skip
        assert said in result.stderr, said
    assert "unknown rule" not in result.stderr, "a rule that cannot be read is not unknown as well"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (SLOTS.replace("limit_up", "nothing"), "there is no screen nothing; name one of"),
        (SLOTS.replace('"limit_up"', "3"), "rules.early_strength.screen = 3: must be the name of a screen"),
        (SLOTS.replace("rise_bp", "rise_pb"), "rise_pb: unknown parameter; known: rise_bp, until_s"),
        (SLOTS.replace("= 500", "= 0.5"), "rise_bp = 0.5: must be int"),
        (
            SLOTS.replace("early_strength", "late_strength"),
            "unknown rule; known: limit_up, bottom_fractal, early_strength",
        ),
        (SLOTS.replace('screen = "limit_up"\n', ""), "rules.early_strength.screen: there is no screen early_strength"),
    ],
)
def test_config_check_names_what_is_wrong_with_a_rules_table(home: Path, config: str, said: str) -> None:
    (home / "config.toml").write_text(config, encoding="utf-8")
    result, _ = run(home, "config check")
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_screen_of_ones_own_serves_the_rule_of_its_name(home: Path) -> None:
    (home / "config.toml").write_text(SLOTS.replace('screen = "limit_up"\n', ""), encoding="utf-8")
    shutil.copytree(CHECKOUT / "common" / "screens", home / "screens", ignore=shutil.ignore_patterns("*.py", "bottom*"))
    (home / "screens" / "limit_up.toml").rename(home / "screens" / "early_strength.toml")
    result, _ = run(home, "config check")
    assert result.exit_code == 0, result.stderr


def test_a_run_keeps_its_own_copy_and_the_hashes(home: Path) -> None:
    folder = write(home)
    config = load_config(folder / "config.toml")
    (home / "rules" / "early_strength.py").write_text("edited while the run is up", encoding="utf-8")
    assert Path(config.system.rules_dir) == folder / "rules"
    known = rules_of(config)
    assert set(known) == {*RULES, "early_strength"}
    assert rule_params(config, "early_strength").rise_bp == 500
    assert rule_screen(config, "early_strength") == "limit_up"
    assert load_screens(config)["early_strength"].checks == load_screens(config)["limit_up"].checks
    hashes = json.loads((folder / "rules.json").read_text("utf-8"))
    assert hashes == {name: rule_source_hash(rule) for name, rule in known.items()}
    assert tape_diff.changed_rules(folder, config) == frozenset()
    (folder / "rules.json").write_text(json.dumps({**hashes, "limit_up": "of another day"}), encoding="utf-8")
    assert tape_diff.changed_rules(folder, config) == {"limit_up"}
    (folder / "rules.json").unlink()
    assert tape_diff.changed_rules(folder, config) == frozenset()


def test_a_folder_that_is_named_goes_before_the_usual_one(home: Path) -> None:
    elsewhere = home / "elsewhere"
    (home / "rules").rename(elsewhere)
    (home / "config.toml").write_text(f'[system]\nrules_dir = "{elsewhere}"\n\n{SLOTS}', encoding="utf-8")
    assert run(home, "config check")[0].exit_code == 0
    assert (write(home) / "rules" / "early_strength.py").is_file()


def test_a_broken_rule_stops_every_service_with_the_same_words(home: Path) -> None:
    (home / "rules" / "early_strength.py").write_text("import numba\n", encoding="utf-8")
    with pytest.raises(Exception, match="import numba"):
        parse_config({"system": {"rules_dir": str(home / "rules")}}, "x")
