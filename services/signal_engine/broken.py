"""Rules that failed: locked out of opening, named with stock, time and error, while every other rule goes on. Pure.

A rule that raised is still asked about what it holds: an exit it can still decide is better than none, and one that
was decided stands with risk. Where it fails on a held stock a person is told to look after that position by hand.
"""

from collections.abc import Iterable, Mapping

from common.domain.calendar import clock
from common.domain.values import Symbol
from common.messages.kept import BrokenRule
from common.messages.outputs import Drop, Log, Output, Save
from common.strategies.contract import Step
from common.strategies.host import RuleHost

ERROR_LENGTH = 300


class Broken:
    """The first failure of each rule, kept until its source or its parameters change."""

    def __init__(self, hosts: Iterable[RuleHost], sources: Mapping[str, str]) -> None:
        self._hosts = {host.rule.NAME: host for host in hosts}
        self._sources = sources
        """Hash of each rule's source: the same rule fails the same way again."""
        self._kept: dict[str, BrokenRule] = {}
        self._failing: dict[str, set[Symbol]] = {}
        """Stocks on which the last step failed."""
        self._mended: list[BrokenRule] = []
        self.failures = 0
        """Steps that failed since the start."""

    def restore(self, record: BrokenRule) -> None:
        """Take back a failure; a rule that was changed since may try again."""
        host = self._hosts.get(record.rule)
        if host is not None and record.made_of == self._made_of(host):
            self._kept[record.rule] = record
            host.locked = True
        else:
            self._mended.append(record)

    def on_start(self) -> list[Output]:
        """Forget the failures of rules that were changed."""
        outputs: list[Output] = []
        for record in self._mended:
            outputs += [
                Drop(_name(record.rule)),
                Log("info", "rule was changed and may open again", {"rule": record.rule}),
            ]
        self._mended.clear()
        return outputs

    def failed(self, host: RuleHost, symbol: Symbol, step: Step, error: Exception) -> list[Output]:
        """Note that a rule failed on a step of a stock; the first time it is locked out of opening."""
        rule = host.rule.NAME
        self.failures += 1
        first = symbol not in self._failing.setdefault(rule, set())
        self._failing[rule].add(symbol)
        outputs: list[Output] = []
        if rule not in self._kept:
            made = BrokenRule(rule, self._made_of(host), symbol, host.day, step.second_of_day, _text_of(error))
            self._kept[rule], host.locked = made, True
            outputs.append(Save(_name(rule), made))
        if first:
            facts: dict[str, object] = {
                "rule": rule, "symbol": symbol, "day": host.day, "time": clock(step.second_of_day),
                "error": _text_of(error),
                "held": symbol in host.held(),
            }  # fmt: skip
            outputs.append(Log("error", "rule failed and opens nothing more", facts))
        return outputs

    def worked(self, host: RuleHost, symbol: Symbol) -> None:
        """Note that a step of a stock did not fail."""
        failing = self._failing.get(host.rule.NAME)
        if failing:
            failing.discard(symbol)

    def words(self) -> dict[str, str]:
        """Return what `pankou status` shows: which rule, where and how, and which positions it does not look after."""
        unguarded = sorted(
            f"{symbol} ({rule})"
            for rule, symbols in self._failing.items()
            for symbol in symbols & set(self._hosts[rule].held())
        )
        return {
            "broken_rules": "; ".join(_told(record) for _, record in sorted(self._kept.items())),
            "close_by_hand": ", ".join(unguarded),
        }

    def __len__(self) -> int:
        return len(self._kept)

    def _made_of(self, host: RuleHost) -> str:
        return f"{self._sources.get(host.rule.NAME, '')}|{host.params!r}"


def _text_of(error: Exception) -> str:
    """Return an error on one line, whatever somebody's code put into it."""
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:  # even telling may fail
        text = type(error).__name__
    return " ".join(text.encode("utf-8", "replace").decode().split())[:ERROR_LENGTH]


def _name(rule: str) -> str:
    return f"broken|{rule}"


def _told(record: BrokenRule) -> str:
    return f"{record.rule} failed on {record.symbol}, {record.day} {clock(record.second_of_day)}: {record.error}"
