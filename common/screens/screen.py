"""A screen: conditions with their parameters, as a TOML table says, over the cross-section of a day."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from common.domain.errors import ConfigError
from common.rules.boards import BOARD_NAMES
from common.screens.conditions import CONDITIONS, Condition, float_value
from common.screens.cross import I64, Bools, Cross
from common.screens.params import FAR, read_param, read_params
from common.screens.st import ST_UNKNOWN

KEYS = ("zh", "en", "context", "condition")
FLOAT_VALUE = "float_value"
"""Every pool row carries it: slots are given in its order."""
_ST = "no_recent_st"


class Check(NamedTuple):
    """A condition as a screen uses it."""

    label: str
    """Its name, or what `as` says where a condition stands twice; then also in front of its numbers."""
    condition: Condition
    values: dict[str, int]

    def number_name(self, name: str) -> str:
        """Return the name of one of its numbers in a pool row."""
        return name if self.label == self.condition.name else f"{self.label}_{name}"

    def limits(self) -> dict[str, int]:
        """Return the parameters that bound something, for people: none that is off."""
        off = (FAR, 0)
        return {
            self.number_name(name): value
            for name, value in self.values.items()
            if name != "boards" and not (value in off and name.endswith(("_min", "_max")))
        }


class Screen(NamedTuple):
    """What a stock must be to get into a pool."""

    name: str
    checks: tuple[Check, ...]
    context: tuple[str, ...]
    """Names of the numbers that the rule reads from its pool row."""
    zh: str = ""
    en: str = ""

    @property
    def sessions(self) -> int:
        """How many sessions before D it looks at."""
        return max([check.values.get("sessions", 1) for check in self.checks], default=1)

    def asking(self, unknown_st_allowed: bool) -> "Screen":
        """Return the screen with another answer to unknown ST states."""
        given = {"st_unknown": int(unknown_st_allowed)}
        checks = (
            check._replace(values=check.values | given) if check.condition.name == _ST else check
            for check in self.checks
        )
        return self._replace(checks=tuple(checks))

    def lacks(self, cross: Cross) -> str:
        """Return what the data of the day lacks for this screen, "" = nothing: a pool of half a market is no pool."""
        if self.sessions > cross.sessions:
            return cross.hole
        mask = -1
        for check in self.checks:
            mask &= check.values.get("boards", -1)
        return next((text for board, text in cross.lacking.items() if mask >> board & 1), "")

    @property
    def allows_unknown_st(self) -> bool:
        """Whether a stock of unknown ST state can get in."""
        return all(check.values["st_unknown"] for check in self.checks if check.condition.name == _ST)


class Verdict(NamedTuple):
    """One check over all stocks."""

    check: Check
    passed: Bools
    numbers: dict[str, I64]


class Screened(NamedTuple):
    """A screen of a day: every condition for every stock."""

    screen: Screen
    day: int
    symbols: tuple[str, ...]
    names: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    passed: Bools
    numbers: dict[str, I64]
    """All numbers of all conditions, by the name they have in a pool row."""
    universe: int
    """Stocks looked at."""
    unknown_st: int
    """Stocks left out only because their ST state is unknown."""
    unknown_st_in: int
    """Stocks of unknown ST state that were let in."""
    lacks: str
    """What the data of the day lacks, "" = nothing; otherwise this is no pool."""

    def context(self) -> dict[str, I64]:
        """Return what the rule reads."""
        return {name: self.numbers[name] for name in self.screen.context}


def run_screen(screen: Screen, cross: Cross) -> Screened:
    """Judge every stock of a day."""
    numbers: dict[str, I64] = {FLOAT_VALUE: float_value(cross)}
    verdicts = []
    passed, others, unknown = cross.listed.copy(), cross.listed.copy(), np.zeros(len(cross.listed), bool)
    for check in screen.checks:
        found = check.condition.judge(cross, check.values)
        passed &= found.passed
        if check.condition.name == _ST:
            unknown |= found.numbers["recent_st"] == ST_UNKNOWN
        else:
            others &= found.passed
        named = {check.number_name(name): values for name, values in found.numbers.items()}
        verdicts.append(Verdict(check, found.passed, named))
        numbers |= named
    return Screened(
        screen,
        cross.day,
        cross.symbols,
        cross.names,
        tuple(verdicts),
        passed,
        numbers,
        int(cross.listed.sum()),
        int((others & ~passed & unknown).sum()),
        int((passed & unknown).sum()),
        screen.lacks(cross),
    )


def no_screen(screen: Screen, day: int, lacks: str) -> Screened:
    """Return the screen of a day that history cannot serve."""
    return Screened(screen, day, (), (), (), np.zeros(0, bool), {}, 0, 0, 0, lacks)


# ---------------------------------------------------------------------- out of a TOML table


def parse_screen(
    name: str, table: Mapping[str, Any], overrides: Mapping[str, object] | None = None, boards: Iterable[int] = ()
) -> Screen:
    """Return the screen of a TOML table; raises one `ConfigError` with everything wrong, a line each.

    `overrides` set a parameter in every condition that has it; `boards` stand where the table names none.
    """
    faults = [f"{key}: unknown key; known: {', '.join(KEYS)}" for key in table if key not in KEYS]
    faults += [f"{key} = {table[key]!r}: must be a text" for key in ("zh", "en") if not _is_text(table.get(key, ""))]
    entries = table.get("condition", [])
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, Mapping) for entry in entries):
        faults.append("condition: there must be at least one, written as [[condition]]")
        raise ConfigError("\n".join(faults))
    given = dict(overrides or {})
    checks = [_check(number, entry, given, faults) for number, entry in enumerate(entries, 1)]
    found = [check for check in checks if check is not None]
    faults += _override_faults(given, entries)
    faults += _doubled([check.label for check in found])
    _set_boards(found, boards)
    screen = Screen(name, tuple(found), _context(table, found, faults), table.get("zh", ""), table.get("en", ""))
    if faults:
        raise ConfigError("\n".join(faults))
    return screen


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _check(number: int, entry: Mapping[str, Any], given: Mapping[str, object], faults: list[str]) -> Check | None:
    use, label = entry.get("use"), entry.get("as", entry.get("use"))
    if not isinstance(use, str) or use not in CONDITIONS:
        faults.append(f"condition {number}: use = {use!r}: unknown condition; known: {', '.join(CONDITIONS)}")
        return None
    if not isinstance(label, str) or not label.isidentifier():
        faults.append(f"condition {number}: as = {label!r}: must be a word of letters, digits and _")
        label = use
    condition = CONDITIONS[use]
    own = {key: value for key, value in entry.items() if key not in ("use", "as")}
    over = {key: value for key, value in given.items() if key in condition.params}
    values, problems = read_params(condition.params, own | over)
    faults += [f"condition {number} ({use}): {problem}" for problem in problems]
    return Check(label, condition, values)


def _override_faults(given: Mapping[str, object], entries: list[Mapping[str, Any]]) -> list[str]:
    """Return what is wrong with overrides: unknown to all conditions, or not clear because they differ in the table."""
    used = [(entry, CONDITIONS[entry["use"]]) for entry in entries if entry.get("use") in CONDITIONS]
    known = sorted({name for _, condition in used for name in condition.params} - {"boards"})
    faults = []
    for name in given:
        if name not in known:
            faults.append(f"{name}: unknown parameter of this screen; known: {', '.join(known)}")
            continue
        values = {
            repr(entry.get(name, condition.params[name].default))
            for entry, condition in used
            if name in condition.params
        }
        if len(values) > 1:
            faults.append(f"{name}: conditions of this screen have different values of it; edit the screen's file")
    return faults


def _doubled(labels: list[str]) -> list[str]:
    return [
        f'condition {label}: stands twice; give one of them a name of its own: as = "..."'
        for label in sorted({label for label in labels if labels.count(label) > 1})
    ]


def _set_boards(checks: list[Check], boards: Iterable[int]) -> None:
    mask = sum(1 << int(board) for board in set(boards))
    for check in checks:
        if check.values.get("boards") == FAR:
            check.values["boards"] = mask or sum(1 << int(board) for board in BOARD_NAMES)


def _context(table: Mapping[str, Any], checks: list[Check], faults: list[str]) -> tuple[str, ...]:
    names = table.get("context", [FLOAT_VALUE])
    known = [FLOAT_VALUE, *(check.number_name(name) for check in checks for name in check.condition.numbers)]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        faults.append(f"context = {names!r}: must be a list of names")
        return ()
    faults += [
        f"context: {name!r} is no number of this screen's conditions; known: {', '.join(dict.fromkeys(known))}"
        for name in names
        if name not in known
    ]
    return tuple(dict.fromkeys([FLOAT_VALUE, *names]))


def params_problems(values: Mapping[str, object]) -> list[str]:
    """Return what is wrong with a [screens.NAME] table of a configuration, whatever the screen is."""
    known = {name: param for condition in CONDITIONS.values() for name, param in condition.params.items()}
    del known["boards"]
    problems = []
    for name, value in values.items():
        if name not in known:
            problems.append(f"{name}: unknown parameter; known: {', '.join(known)}")
        elif problem := read_param(known[name], value)[1]:
            problems.append(problem)
    return problems
