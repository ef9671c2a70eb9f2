"""Rules of a folder: loaded by name beside the shipped ones, refused with every fault, hashed with all they contain."""

import shutil
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from common.rules.kernel import KERNELS, is_kernel
from common.runtime import rules
from common.runtime.rules import load_rule, load_rules, rule_source_hash
from common.strategies import RULES
from common.strategies.contract import Position, Rule
from common.strategies.rule_faults import Fault
from common.strategies.rule_trial import steps
from tests.conftest import CHECKOUT
from tests.unit.strategies.test_rule_check import GOOD

EXAMPLES = CHECKOUT / "docs" / "examples"


def loaded(folder: Any, name: str, source: str) -> Rule | list[Fault]:
    path = Path(folder) / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    return load_rule(path)


def good(folder: Path, name: str = "mine", source: str = GOOD) -> Rule:
    found = loaded(folder, name, source.replace('"mine"', f'"{name}"'))
    assert not isinstance(found, list), [fault.text() for fault in found]
    return found


def test_without_a_folder_there_are_the_shipped_rules(tmp_path: Path) -> None:
    for folder in (None, tmp_path / "none", tmp_path):
        found = load_rules(folder)
        assert found.known == RULES
        assert (found.broken, found.faults) == (frozenset(), [])


def test_a_rule_of_a_folder_keeps_the_contract(tmp_path: Path) -> None:
    rule = good(tmp_path)
    assert rule.NAME == "mine"
    assert (rule.CONTEXT_PRICES, rule.PARAM_WORDS) == ((), {})
    assert rule.check_params(rule.Params()) == []
    assert get_type_hints(rule.Params) == {"stop_bp": int}
    assert KERNELS[f"{rule.decide.__module__}.decide"] is rule.decide
    (check,) = rule.explain(rule.Params(), rule.INITIAL_MEMORY, rule.Context(1), steps()[3], Position(0, 0, 0, 0, 0))
    assert check.name == "decides"
    assert check.passed


def test_the_same_text_is_the_same_module_and_another_text_another_one(tmp_path: Path) -> None:
    first, again = good(tmp_path), good(tmp_path)
    assert first is again
    other = good(tmp_path, source=GOOD.replace("400", "500"))
    assert other is not first
    assert (first.Params().stop_bp, other.Params().stop_bp) == (400, 500)
    assert KERNELS[f"{first.decide.__module__}.decide"] is first.decide, "both stay registered"


def test_a_text_loaded_from_two_places_keeps_its_kernels_in_both(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    rules = good(tmp_path), good(tmp_path / "elsewhere")
    assert rules[0].decide is not rules[1].decide
    assert all(is_kernel(rule.decide) for rule in rules)
    assert not is_kernel(rules[0].check_params)


def test_all_faults_of_all_files_come_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(GOOD, encoding="utf-8")
    (tmp_path / "two.py").write_text("import numba\n", encoding="utf-8")
    (tmp_path / "limit_up.py").write_text(GOOD, encoding="utf-8")
    (tmp_path / "Bad-Name.py").write_text(GOOD, encoding="utf-8")
    (tmp_path / "bytes.py").write_bytes(b"\xff\xfe")
    (tmp_path / "_notes.py").write_text("not python", encoding="utf-8")
    good(tmp_path, "fine")
    found = load_rules(tmp_path)
    assert set(found.known) == {*RULES, "fine"}
    assert found.broken == {"one", "two", "limit_up", "Bad-Name", "bytes"}
    text = "\n".join(found.faults)
    assert f"{tmp_path / 'two.py'}:1: import numba" in text
    assert "NAME must be 'one'" in text
    assert "limit_up is a shipped rule" in text
    assert "'Bad-Name.py' is no name of a rule" in text
    assert "bytes.py:1: 读不了" in text
    assert len(found.faults) == 4 + 1 + 7, "seven things are missing in two.py"


def test_nothing_of_a_faulty_file_runs(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    source = GOOD + f"\nopen({str(mark)!r}, 'w').close()\n"
    assert isinstance(loaded(tmp_path, "mine", source), list)
    assert not mark.exists()


def test_the_hash_covers_the_file_and_what_it_contains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = good(tmp_path), good(tmp_path, source=GOOD.replace("400", "401"))
    assert rule_source_hash(one) == rule_source_hash(one)
    assert rule_source_hash(one) != rule_source_hash(two)
    (tmp_path / "elsewhere").mkdir()
    assert rule_source_hash(good(tmp_path / "elsewhere")) == rule_source_hash(one), "the folder is no part of it"
    plain = rules._source_of_name
    touched: list[str] = []

    def changed(name: str) -> str:
        touched.append(name)
        return plain(name) + ("\n# changed\n" if name == "common.rules.kernel" else "")

    before = rule_source_hash(one)
    monkeypatch.setattr(rules, "_source_of_name", changed)
    assert rule_source_hash(one) != before
    assert {"common.rules.kernel", "common.domain.reasons", "common.strategies.contract"} <= set(touched)


def test_the_hash_follows_helpers_of_helpers(tmp_path: Path) -> None:
    """Contract imports orders, which the rule itself does not name."""
    names: list[str] = []
    waiting = list(rules._imports(GOOD))
    while waiting:
        name = waiting.pop()
        if name not in names:
            names.append(name)
            waiting += rules._imports(rules._source_of_name(name))
    assert "common.domain.orders" in names
    assert len({rule_source_hash(rule) for rule in RULES.values()}) == len(RULES)


def test_the_hash_is_of_the_text_in_force(tmp_path: Path) -> None:
    rule = good(tmp_path)
    before = rule_source_hash(rule)
    (tmp_path / "mine.py").write_text("changed since", encoding="utf-8")
    assert rule_source_hash(rule) == before


def test_the_example_of_the_docs_is_loaded(tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "early_strength.py", tmp_path)
    found = load_rules(tmp_path)
    assert found.faults == []
    assert "early_strength" in found.known


def test_postponed_annotations_are_fine(tmp_path: Path) -> None:
    rule = good(tmp_path, source=f"from __future__ import annotations\n{GOOD}")
    assert get_type_hints(rule.Memory) == {"seen": bool}
