"""Whether a function keeps to what a compiler must be able to take as it is: plain scalars, loops over range, one type.

Pure work on syntax trees; nothing of what is checked is run.
"""

import ast
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from common.strategies.rule_faults import Fault

SCALAR_CALLS = frozenset({"min", "max", "abs", "int", "bool", "range"})
REDUCTIONS = frozenset({"sum", "any", "all", "len", "sorted"})
_NO_TRY = ("先比较，再计算", "compare first, then compute")
_PLAIN = ("写成普通语句", "write plain statements")
_LOOP = ("写成 for i in range(...) 循环", "write a loop over range(...)")
_TUPLE = ("用 NamedTuple 或标量", "use a NamedTuple or scalars")
_OUTSIDE = ("移到模块层", "move it to module level")
BANNED: dict[type[ast.AST], tuple[str, tuple[str, str]]] = {
    ast.Try: ("try", _NO_TRY), ast.TryStar: ("try", _NO_TRY), ast.Raise: ("raise", _NO_TRY),
    ast.Assert: ("assert", _NO_TRY), ast.With: ("with", _PLAIN), ast.AsyncWith: ("async with", _PLAIN),
    ast.AsyncFor: ("async for", _PLAIN), ast.Await: ("await", _PLAIN), ast.Yield: ("yield", _PLAIN),
    ast.YieldFrom: ("yield", _PLAIN), ast.Match: ("match", ("写成 if", "write if")), ast.Delete: ("del", _PLAIN),
    ast.While: ("while", _LOOP), ast.Lambda: ("lambda", ("写成 @kernel 函数", "write a @kernel function")),
    ast.ListComp: ("[... for ...]", _LOOP), ast.SetComp: ("{... for ...}", _LOOP), ast.DictComp: ("{...: ... for ...}", _LOOP),
    ast.GeneratorExp: ("(... for ...)", _LOOP), ast.List: ("[...]", _TUPLE), ast.Set: ("{...}", _TUPLE),
    ast.Dict: ("{...: ...}", _TUPLE), ast.JoinedStr: ('f"..."', ("判断里没有文字", "a decision has no text")),
    ast.Global: ("global", ("要记的放进 Memory", "what is remembered goes into Memory")),
    ast.Nonlocal: ("nonlocal", ("要记的放进 Memory", "what is remembered goes into Memory")),
    ast.Starred: ("*", ("逐个写出参数", "write the arguments out")), ast.ClassDef: ("class", _OUTSIDE),
    ast.FunctionDef: ("def", _OUTSIDE), ast.AsyncFunctionDef: ("async def", _OUTSIDE),
}  # fmt: skip


class Known(NamedTuple):
    """What a name of the module is."""

    kind: str
    """constant, text, class, instance, kernel, function, enum or other."""
    fields: tuple[str, ...] = ()
    """Of a NamedTuple class or instance."""


def check_kernel(function: ast.FunctionDef, known: Mapping[str, Known]) -> list[Fault]:
    """Return what is wrong with a kernel, given what the names of its module are."""
    return sorted(set_of(_Kernel(function, known).faults()), key=lambda fault: (fault.line, fault.code))


def set_of(faults: Iterator[Fault]) -> list[Fault]:
    """Return faults without those that say the same of the same line."""
    found: dict[tuple[int, str], Fault] = {}
    for fault in faults:
        found.setdefault((fault.line, fault.text()), fault)
    return list(found.values())


class _Kernel:
    def __init__(self, function: ast.FunctionDef, known: Mapping[str, Known]) -> None:
        self._function, self._known = function, known
        arguments = function.args
        self._arguments = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        self._owners = {each.arg: self._fields_of(each.annotation) for each in self._arguments}
        self._locals = {each.arg for each in self._arguments} | {
            node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }

    def _fields_of(self, annotation: ast.expr | None) -> tuple[str, ...]:
        if not isinstance(annotation, ast.Name):
            return ()
        found = self._known.get(annotation.id)
        return found.fields if found is not None and found.kind == "class" else ()

    def faults(self) -> Iterator[Fault]:
        """Yield every fault, those of a construct that is banned as a whole only once."""
        arguments = self._function.args
        if arguments.vararg or arguments.kwarg or arguments.defaults or any(arguments.kw_defaults):
            wanted = ", ".join(each.arg for each in self._arguments)
            yield Fault(self._function.lineno, "signature", {"name": self._function.name, "wanted": wanted})
        body = self._function.body
        documented = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
        for statement in body[1:] if documented else body:
            yield from self._walk(statement)
        if not returns(body):
            yield Fault(self._function.lineno, "return_nothing", {"name": self._function.name})

    def _walk(self, node: ast.AST) -> Iterator[Fault]:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield Fault(node.lineno, "import_inside")
            return
        banned = BANNED.get(type(node))
        if banned is not None:
            construct, (zh, en) = banned
            line = getattr(node, "lineno", self._function.lineno)
            yield Fault(line, "construct", {"construct": construct, "fix_zh": zh, "fix_en": en})
            return
        yield from self._one(node)
        for child in self._children(node):
            yield from self._walk(child)

    def _children(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what is inside, without what `_one` has looked at itself."""
        if isinstance(node, ast.Call):
            yield from node.args
            yield from (keyword.value for keyword in node.keywords)
        elif isinstance(node, ast.AnnAssign):
            yield from [node.target, *([node.value] if node.value is not None else [])]
        elif not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
            yield from ast.iter_child_nodes(node)

    def _one(self, node: ast.AST) -> Iterator[Fault]:
        match node:
            case ast.Call():
                yield from self._call(node)
            case ast.Constant():
                yield from _constant(node)
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                yield Fault(node.lineno, "division")
            case ast.For(iter=each) if not _is_range(each):
                yield Fault(node.lineno, "loop")
            case ast.Return(value=None):
                yield Fault(node.lineno, "return_nothing", {"name": self._function.name})
            case ast.Attribute():
                yield from self._attribute(node)
            case ast.Name(ctx=ast.Load()):
                yield from self._name(node)

    def _name(self, node: ast.Name) -> Iterator[Fault]:
        if node.id in self._locals:
            return
        found = self._known.get(node.id)
        if found is None:
            yield Fault(node.lineno, "unknown", {"name": node.id})
        elif found.kind not in ("constant", "instance"):
            yield Fault(node.lineno, "global", {"name": node.id})

    def _attribute(self, node: ast.Attribute) -> Iterator[Fault]:
        if not isinstance(node.value, ast.Name):
            return
        owner = node.value.id
        found = self._known.get(owner)
        fields = self._owners.get(owner, ())
        if owner not in self._locals:
            if found is None:
                yield Fault(node.lineno, "unknown", {"name": owner})
                return
            if found.kind == "enum":
                yield Fault(node.lineno, "enum", {"text": f"{owner}.{node.attr}"})
                return
            fields = found.fields
        if fields and node.attr not in fields:
            facts: dict[str, object] = {"owner": owner, "name": node.attr, "known": ", ".join(fields)}
            yield Fault(node.lineno, "attribute", facts)

    def _call(self, node: ast.Call) -> Iterator[Fault]:
        if not isinstance(node.func, ast.Name):
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
            if method == "_replace":
                yield Fault(node.lineno, "replace")
            else:
                yield Fault(node.lineno, "call", {"name": ast.unparse(node.func)})
            return
        name = node.func.id
        found = self._known.get(name)
        single = name in ("min", "max") and len(node.args) < 2
        if found is None and name in self._locals:
            yield Fault(node.lineno, "call", {"name": name})
        elif found is None and (name in REDUCTIONS or single):
            yield Fault(node.lineno, "reduction", {"name": name})
        elif found is None and name not in SCALAR_CALLS:
            yield Fault(node.lineno, "call", {"name": name})
        elif found is not None and found.kind == "function":
            yield Fault(node.lineno, "not_kernel", {"name": name})
        elif found is not None and found.kind not in ("class", "kernel"):
            yield Fault(node.lineno, "call", {"name": name})


def _constant(node: ast.Constant) -> Iterator[Fault]:
    value = node.value
    if isinstance(value, float | complex):
        yield Fault(node.lineno, "float", {"text": ast.unparse(node)})
    elif isinstance(value, str | bytes):
        yield Fault(node.lineno, "text_const", {"text": value})
    elif not isinstance(value, int):
        yield Fault(node.lineno, "none", {"text": ast.unparse(node)})


def _is_range(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range"


def returns(body: list[ast.stmt]) -> bool:
    """Tell whether every way through statements ends in a return."""
    last = body[-1]
    if isinstance(last, ast.Return):
        return True
    return isinstance(last, ast.If) and bool(last.orelse) and returns(last.body) and returns(last.orelse)
