"""Every module with something to get wrong is imported by a test: code that no test names is code nobody looks at."""

import ast
from pathlib import Path

from tests.tidy.tree import CODE, module, name, tree

BY_NAME = "loaded by the name of its command; tests/unit/services/cli run it through services.cli.app"
GATEWAY = "a part of the gateway's core; tests/unit/services/order_gateway and the broker contract run it through that"
PLAYER = "a part of the player's core; tests/simulation/test_player.py runs it through that"
ALLOWED = {
    "services.cli.commands.backtest": BY_NAME,
    "services.cli.commands.backtest_jobs": BY_NAME,
    "services.cli.commands.accept": BY_NAME,
    "services.cli.commands.audit": BY_NAME,
    "services.cli.commands.books": BY_NAME,
    "services.cli.commands.data": BY_NAME,
    "services.cli.commands.rules": BY_NAME,
    "services.cli.commands.doctor": BY_NAME,
    "services.cli.commands.keys": BY_NAME,
    "services.cli.commands.order": BY_NAME,
    "services.cli.commands.run": BY_NAME,
    "services.cli.commands.screens": BY_NAME,
    "services.cli.commands.setup": BY_NAME,
    "services.cli.commands.state": BY_NAME,
    "services.cli.commands.system": BY_NAME,
    "services.cli.commands.tape": BY_NAME,
    "services.market_data.lockstep": PLAYER,
    "services.market_data.values": PLAYER,
    "services.order_gateway.broker_desk": GATEWAY,
    "services.order_gateway.counter_books": GATEWAY,
    "services.order_gateway.market": GATEWAY,
    "services.order_gateway.pushes": GATEWAY,
    "services.order_gateway.queries": GATEWAY,
}
"""Modules that no test imports itself, and what runs them."""


def has_logic(path: Path) -> bool:
    """Tell whether a file does anything: a function whose body is more than a docstring, `...` or `pass`."""
    return any(
        not all(
            isinstance(step, ast.Pass) or (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant))
            for step in node.body
        )
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def named_by(path: Path) -> set[str]:
    """Return every dotted name that a test file imports, or spells as a whole string (`python -m`, import_module)."""
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        match node:
            case ast.Import():
                names |= {alias.name for alias in node.names}
            case ast.ImportFrom(module=str(package), level=0):
                names |= {package, *(f"{package}.{alias.name}" for alias in node.names)}
            case ast.Constant(value=str(spelt)) if spelt.startswith(("common.", "services.")):
                names.add(spelt)
    return names


def test_every_module_is_named_by_a_test() -> None:
    named = {each for path in CODE if name(path).startswith("tests/") for each in named_by(path)}
    ours = {
        module(path)
        for path in CODE
        # __main__ puts parts together by hand; the tests marked `process` start it.
        if name(path).startswith(("common/", "services/")) and path.stem != "__main__" and has_logic(path)
    }
    assert sorted(ours - named - set(ALLOWED)) == [], "no test imports these"
    assert sorted(set(ALLOWED) - ours) == [], "these are gone"
