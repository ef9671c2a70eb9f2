"""Rules by name: the shipped ones, and those of a person's folder, checked before anything of them runs.

A rule file is code and runs with all rights of the services: only its owner puts files there. A file is loaded once for
each text it has; everything that needs a rule — signal engine, pipeline, compiled engine — gets the same module.
"""

import ast
import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, cast

from common.domain.errors import ConfigError
from common.strategies import RULES
from common.strategies.contract import NONE as NO_ACTION
from common.strategies.contract import Check, Rule
from common.strategies.rule_check import PACKAGES, check_source
from common.strategies.rule_faults import Fault
from common.strategies.rule_trial import trial

SUFFIX = ".py"
MODULES = "pankou_rule"
_TEXT = "__source__"


class Rules(NamedTuple):
    """What a folder holds, and what is wrong with it."""

    known: dict[str, Rule]
    """Shipped rules first, then those of the folder that are in order."""
    broken: frozenset[str]
    """Rules of the folder that are not."""
    faults: list[str]
    """One sentence each, beginning with file and line."""


def load_rules(folder: Path | None) -> Rules:
    """Load the rules of a folder beside the shipped ones; None = the shipped ones only."""
    known, broken, faults = dict(RULES), set[str](), list[str]()
    for path in rule_files(folder):
        found = load_rule(path)
        if isinstance(found, list):
            broken.add(path.stem)
            faults += [f"{path}:{fault.line}: {fault.text()}" for fault in found]
        else:
            known[path.stem] = found
    return Rules(known, frozenset(broken), faults)


def rule_files(folder: Path | None) -> list[Path]:
    """Return the rule files of a folder; names with _ in front are nobody's rules."""
    if folder is None or not folder.is_dir():
        return []
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if not path.name.startswith("_"))


def load_rule(path: Path) -> Rule | list[Fault]:
    """Load one rule, or return everything that is wrong with it."""
    name = path.stem
    if name in RULES:
        return [Fault(1, "shipped", {"name": name})]
    if not (name.isidentifier() and name.isascii() and name == name.lower()):
        return [Fault(1, "file_name", {"text": path.name})]
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return [Fault(1, "read", {"text": str(error)})]
    return _made(name, str(path), source)


def rule_of_source(name: str, source: str) -> Rule:
    """Load a rule out of its text alone, as a task brings it; raises `ConfigError` with everything wrong with it."""
    path = f"{name}{SUFFIX}"
    found = _made(name, path, source)
    if isinstance(found, list):
        raise ConfigError("; ".join(f"{path}:{fault.line}: {fault.text()}" for fault in found))
    return found


@lru_cache(maxsize=256)
def _made(name: str, path: str, source: str) -> Rule | list[Fault]:
    faults = check_source(source, name)
    if faults:
        return faults
    # Named after its text: two texts of one rule (the run's copy and today's) are two modules. Without a dot, because
    # compilers look a class up by the name of its module, and a package would have to be found first.
    module = ModuleType(f"{MODULES}_{name}_{_digest([source])[:12]}")
    module.__file__ = path
    setattr(module, _TEXT, source)
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, path, "exec"), vars(module))
    except Exception as error:  # whatever the person's own code raises is told with its line
        return [Fault(line_of(error, path), "load", {"text": f"{type(error).__name__}: {error}"})]
    rule = _completed(module)
    return [_placed(fault, source) for fault in trial(rule, lambda error: line_of(error, path))] or rule


def line_of(error: BaseException, path: str) -> int:
    """Return the line of a file in which an error was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno or 1 for frame in reversed(frames) if frame.filename == path), 1)


def _placed(fault: Fault, source: str) -> Fault:
    """Put a fault that names something of the module at the line where that stands."""
    if fault.line:
        return fault
    wanted = str(fault.facts.get("at", ""))
    for node in ast.parse(source).body:
        names = [node.name] if isinstance(node, ast.ClassDef | ast.FunctionDef) else []
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        names += [target.id for target in targets if isinstance(target, ast.Name)]
        if wanted in names:
            return fault._replace(line=node.lineno)
    return fault._replace(line=1)


def _completed(module: ModuleType) -> Rule:
    """Give a rule what it may leave out."""
    scope: dict[str, Any] = vars(module)
    scope.setdefault("CONTEXT_PRICES", ())
    scope.setdefault("PARAM_WORDS", {})
    scope.setdefault("check_params", lambda params: [])  # noqa: ARG005 - the contract's signature
    decide = scope["decide"]

    def explain(params: Any, memory: Any, context: Any, step: Any, position: Any) -> tuple[Check, ...]:
        numbers = {"last": step.last, "high": step.high, "low": step.low, "held": position.shares}
        wake = scope.get("wake")
        if wake is not None and not wake(params, context, step, position):
            return (Check("wakes", False, numbers),)
        _, said = decide(params, memory, context, step, position)
        return (Check("decides", said.action != NO_ACTION, numbers),)

    scope.setdefault("explain", explain)
    return cast("Rule", module)


# ------------------------------------------------------------------ hashes


def rule_source_hash(rule: Rule) -> str:
    """Return the hash of everything a rule's decisions are made of, as source: its file, and what it imports of ours.

    Whole modules are taken, so that a helper's constants count as well as its lines.
    """
    module = cast("ModuleType", rule)
    own = source_of(module)
    texts = {rule.NAME: own}
    waiting = list(_imports(own))
    while waiting:
        name = waiting.pop()
        if name not in texts:
            texts[name] = _source_of_name(name)
            waiting += _imports(texts[name])
    return _digest([f"{name}\n{texts[name]}" for name in sorted(texts)])


def source_of(module: ModuleType) -> str:
    """Return the source a module was made of; of a rule file that changed since, the text that is in force."""
    text = vars(module).get(_TEXT)
    return text if isinstance(text, str) else inspect.getsource(module)


def _source_of_name(name: str) -> str:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ConfigError(f"{name}: its source is not there; install the program anew")
    return Path(spec.origin).read_text(encoding="utf-8")


@lru_cache(maxsize=512)
def _imports(source: str) -> tuple[str, ...]:
    """Return the modules of ours that a source imports from."""
    return tuple(_imported(source))


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.module.startswith(PACKAGES):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if importlib.util.find_spec(node.module) and _is_module(inner) else node.module


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _digest(texts: list[str]) -> str:
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=16).hexdigest()
