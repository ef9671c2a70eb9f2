"""Whether the source of a rule keeps the contract (docs/how-to/add-a-rule.md): everything wrong with it, at once.

The source is only parsed. Nothing of it runs before it has passed, so a file full of mistakes does no harm.
"""

import ast
import importlib
from collections.abc import Generator, Iterable, Iterator
from enum import Enum
from types import FunctionType

from common.domain.reasons import Reason
from common.rules.kernel import is_kernel
from common.strategies.kernel_check import Known, check_kernel, set_of
from common.strategies.rule_faults import Fault

PACKAGES = ("common.domain", "common.rules", "common.strategies")
REQUIRED = ("NAME", "STEP", "Params", "Memory", "Context", "INITIAL_MEMORY", "decide")
DECIDE = ("params", "memory", "context", "step", "position")
WAKE = ("params", "context", "step", "position")
SIGNATURES = {"decide": DECIDE, "explain": DECIDE, "check_params": ("params",), "wake": WAKE}
PLAIN_PACKAGES = frozenset(
    {
        "bisect",
        "collections",
        "decimal",
        "fractions",
        "functools",
        "heapq",
        "itertools",
        "math",
        "operator",
        "statistics",
    }
)
"""What a rule with a wake-up may import besides: code whose answers follow from its arguments alone."""
STEPS = ("snapshot", "bar5")
SCALARS = {"int": int, "bool": bool}


def check_source(source: str, name: str) -> list[Fault]:
    """Return everything that is wrong with the source of the rule `name`, by line."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        return [Fault(line, "syntax", {"text": getattr(error, "msg", None) or str(error)})]
    module = _Module(name)
    faults = set_of(module.faults(tree))
    return sorted(faults, key=lambda fault: (fault.line, fault.code))


class _Module:
    """The names of a rule's module as they are met, and the faults found on the way."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._known: dict[str, Known] = {}
        self._lines: dict[str, int] = {}
        self._texts: dict[str, object] = {}
        self._kernels: list[ast.FunctionDef] = []
        self._plain = False
        """The rule has a wake-up: its `decide` is plain Python."""

    def faults(self, tree: ast.Module) -> Iterator[Fault]:
        """Yield every fault of the module and of its kernels."""
        self._plain = any(isinstance(node, ast.FunctionDef) and node.name == "wake" for node in tree.body)
        for at, node in enumerate(tree.body):
            if at == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                continue
            yield from self._statement(node)
        for kernel in self._kernels:
            yield from check_kernel(kernel, self._known)
        for name in REQUIRED:
            if name not in self._lines:
                yield Fault(1, "missing", {"name": name})
        if "NAME" in self._lines and self._texts.get("NAME") != self._name:
            yield Fault(self._lines["NAME"], "name", {"wanted": self._name})
        if "STEP" in self._lines and self._texts.get("STEP") not in STEPS:
            yield Fault(self._lines["STEP"], "step")
        context = self._known.get("Context", Known("other"))
        if context.fields and "float_value" not in context.fields:
            yield Fault(self._lines["Context"], "float_value")

    def _statement(self, node: ast.stmt) -> Iterator[Fault]:
        match node:
            case ast.Import():
                for alias in node.names:
                    if self._plain and alias.name in PLAIN_PACKAGES:
                        self._know(alias.asname or alias.name, Known("other"), node.lineno)
                    else:
                        yield Fault(node.lineno, "import", {"name": alias.name})
            case ast.ImportFrom():
                yield from self._import_from(node)
            case ast.Assign(targets=[target], value=value):
                yield from self._assign(target, value)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                yield from _annotations([node.annotation])
                yield from self._assign(target, value)
            case ast.ClassDef():
                yield from self._class(node)
            case ast.FunctionDef():
                yield from self._function(node)
            case _:
                construct = ast.unparse(node).splitlines()[0]
                yield Fault(node.lineno, "statement", {"construct": construct})

    def _import_from(self, node: ast.ImportFrom) -> Iterator[Fault]:
        module = node.module or ""
        names = [alias.name for alias in node.names]
        if "*" in names:
            yield Fault(node.lineno, "import_star")
            return
        ours = any(module == package or module.startswith(f"{package}.") for package in PACKAGES)
        plain = (module == "typing" and set(names) == {"NamedTuple"}) or (
            module == "__future__" and set(names) == {"annotations"}
        )
        if self._plain and module in PLAIN_PACKAGES and not node.level:
            for alias in node.names:
                self._know(alias.asname or alias.name, Known("other"), node.lineno)
            return
        if plain:
            return
        if node.level or not ours:
            yield Fault(node.lineno, "import", {"name": module or "."})
            return
        for alias in node.names:
            found = _imported(module, alias.name)
            if found is None:
                yield Fault(node.lineno, "import_unknown", {"module": module, "name": alias.name})
            else:
                self._know(alias.asname or alias.name, found, node.lineno)

    def _know(self, name: str, known: Known, line: int) -> None:
        self._known[name] = known
        self._lines[name] = line

    def _assign(self, target: ast.expr, value: ast.expr) -> Iterator[Fault]:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            for each, its in zip(target.elts, value.elts, strict=True):
                yield from self._assign(each, its)
            return
        if not isinstance(target, ast.Name):
            yield Fault(target.lineno, "statement", {"construct": ast.unparse(target)})
            return
        name = target.id
        if name == "PARAM_WORDS":
            self._know(name, Known("other"), target.lineno)
            if not _is_words(value):
                yield Fault(target.lineno, "param_words", {"name": name})
            return
        found = yield from self._constant(name, value)
        self._know(name, found, target.lineno)
        if isinstance(value, ast.Constant):
            self._texts[name] = value.value

    def _constant(self, name: str, value: ast.expr) -> Generator[Fault, None, Known]:
        """Give the faults of a constant's value and return what it is."""
        match value:
            case ast.Constant(value=bool() | int()):
                return Known("constant")
            case ast.Constant(value=float() | complex()):
                yield Fault(value.lineno, "float", {"text": ast.unparse(value)})
                return Known("constant")
            case ast.Constant(value=str()):
                return Known("text")
            case ast.Name(id=other) if other in self._known and self._known[other].kind in _CONSTANTS:
                return self._known[other]
            case ast.UnaryOp(operand=inner):
                return (yield from self._constant(name, inner))
            case ast.BinOp(left=left, right=right, op=op) if not isinstance(op, ast.Div):
                yield from self._constant(name, left)
                return (yield from self._constant(name, right))
            case ast.Tuple(elts=elements):
                for element in elements:
                    yield from self._constant(name, element)
                return Known("constant")
            case ast.Call(func=ast.Name(id="int"), args=[ast.Attribute() as member], keywords=[]):
                yield from self._member(member)
                return Known("constant")
            case ast.Call(func=ast.Name(id=made), args=arguments, keywords=keywords) if self._is_class(made):
                for argument in [*arguments, *(keyword.value for keyword in keywords)]:
                    yield from self._constant(name, argument)
                return Known("instance", self._known[made].fields)
        yield Fault(value.lineno, "global", {"name": name})
        return Known("constant")

    def _is_class(self, name: str) -> bool:
        return name in self._known and self._known[name].kind == "class"

    def _member(self, node: ast.Attribute) -> Iterator[Fault]:
        """Check a member of an enum: int(Reason.STOP_LOSS)."""
        owner = ast.unparse(node.value)
        found = self._known.get(owner)
        if found is None:
            yield Fault(node.lineno, "unknown", {"name": owner})
        elif found.kind != "enum":
            yield Fault(node.lineno, "global", {"name": ast.unparse(node)})
        elif node.attr not in found.fields:
            code = "reason" if owner == Reason.__name__ else "import_unknown"
            yield Fault(node.lineno, code, {"name": node.attr, "module": owner})

    def _class(self, node: ast.ClassDef) -> Iterator[Fault]:
        plain = [ast.unparse(base) for base in node.bases] == ["NamedTuple"] and not node.decorator_list
        if not plain or node.keywords:
            yield Fault(node.lineno, "class", {"name": node.name})
        fields: list[str] = []
        for entry in node.body:
            if isinstance(entry, ast.AnnAssign) and isinstance(entry.target, ast.Name):
                fields.append(entry.target.id)
                yield from _field(node.name, entry, entry.target.id)
                if entry.value is not None:
                    yield from self._constant(f"{node.name}.{entry.target.id}", entry.value)
            elif not (isinstance(entry, ast.Expr) and isinstance(entry.value, ast.Constant)):
                yield Fault(entry.lineno, "class", {"name": node.name})
        self._know(node.name, Known("class", tuple(fields)), node.lineno)

    def _function(self, node: ast.FunctionDef) -> Iterator[Fault]:
        decorators = [ast.unparse(each) for each in node.decorator_list]
        if decorators not in ([], ["kernel"]):
            yield Fault(node.lineno, "decorator", {"name": node.name})
        wanted = SIGNATURES.get(node.name)
        given = node.args
        arguments = (*given.posonlyargs, *given.args, *given.kwonlyargs)
        names = tuple(each.arg for each in arguments)
        # Both are worked out while the file is loaded.
        yield from _annotations([node.returns, *(each.annotation for each in arguments)])
        for default in (*given.defaults, *given.kw_defaults):
            if default is not None:
                yield from self._constant(f"{node.name}(...)", default)
        if wanted is not None and (names != wanted or given.vararg or given.kwarg or given.defaults):
            yield Fault(node.lineno, "signature", {"name": node.name, "wanted": ", ".join(wanted)})
        marked = "kernel" in decorators
        self._know(node.name, Known("kernel" if marked else "function"), node.lineno)
        if node.name == "decide":
            yield from self._decide(node, marked or self._plain)
        if node.name == "wake" and not marked:
            yield Fault(node.lineno, "wake_kernel")
        if marked or (node.name == "decide" and not self._plain):
            self._kernels.append(node)
        else:
            inside = [each for each in ast.walk(node) if isinstance(each, ast.Import | ast.ImportFrom)]
            yield from (Fault(each.lineno, "import_inside") for each in inside)

    @staticmethod
    def _decide(node: ast.FunctionDef, marked: bool) -> Iterator[Fault]:
        if not marked:
            yield Fault(node.lineno, "not_kernel", {"name": node.name})
        for each in ast.walk(node):
            if isinstance(each, ast.Return) and isinstance(each.value, ast.Tuple) and len(each.value.elts) != 2:
                yield Fault(each.lineno, "return_pair")


_CONSTANTS = ("constant", "text", "instance")


def _annotations(found: Iterable[ast.expr | None]) -> Iterator[Fault]:
    """Yield annotations that do something: they are names, and names in brackets."""
    for annotation in found:
        if annotation is None:
            continue
        for each in ast.walk(annotation):
            if isinstance(each, ast.Call | ast.NamedExpr | ast.Await | ast.comprehension | ast.Lambda):
                yield Fault(annotation.lineno, "statement", {"construct": ast.unparse(annotation)})
                break


def _field(owner: str, entry: ast.AnnAssign, name: str) -> Iterator[Fault]:
    wanted = ast.unparse(entry.annotation).strip("\"'")
    if wanted not in SCALARS:
        yield Fault(entry.lineno, "field", {"name": f"{owner}.{name}"})
    if entry.value is None:
        if owner == "Params":
            yield Fault(entry.lineno, "default", {"name": name})
        return
    value = entry.value.operand if isinstance(entry.value, ast.UnaryOp) else entry.value
    if isinstance(value, ast.Constant) and wanted in SCALARS and type(value.value) is not SCALARS[wanted]:
        yield Fault(entry.lineno, "default_type", {"name": f"{owner}.{name}", "wanted": wanted})


def _is_words(value: ast.expr) -> bool:
    """Tell whether a value is written {"parameter": {"word": number}}; a number may be a constant of the module."""
    if not isinstance(value, ast.Dict):
        return False
    return all(
        isinstance(key, ast.Constant)
        and isinstance(words, ast.Dict)
        and all(isinstance(word, ast.Constant) for word in words.keys)
        and all(isinstance(number, ast.Constant | ast.Name) for number in words.values)
        for key, words in zip(value.keys, value.values, strict=True)
    )


def _imported(module: str, name: str) -> Known | None:
    """Return what a name of our own code is; it is shipped code, so it may be imported to look at it."""
    try:
        value = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        return None
    return _kind(value)


def _kind(value: object) -> Known:
    if isinstance(value, type):
        if issubclass(value, Enum):
            return Known("enum", tuple(value.__members__))
        fields = getattr(value, "_fields", ())
        return Known("class", tuple(fields)) if fields else Known("other")
    if isinstance(value, bool | int):
        return Known("constant")
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return Known("instance", tuple(value._fields))
    if isinstance(value, FunctionType) and is_kernel(value):
        return Known("kernel")
    if callable(value):
        return Known("function")
    return Known("text" if isinstance(value, str) else "other")
