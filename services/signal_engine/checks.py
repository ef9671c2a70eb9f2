"""What the rules looked at, kept for people: at every decision and memory change, and at the last step of a day. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

from common.domain.orders import Action
from common.domain.reasons import Reason
from common.domain.values import Day, Symbol
from common.messages.codec import decode_body, encode_body
from common.messages.kept import CheckRecord
from common.messages.outputs import Append, Message, Output
from common.messages.signals import Condition, ExplainRequest, Explanation, Signal, SignalVerdicts, Verdict
from common.strategies.contract import NONE, Check
from common.strategies.host import Look, RuleHost

NOTES_MAX = 60
"""Records of one stock, rule and day that no decision followed; later ones are left out."""


class Checks:
    """Decisions, verdicts and what stood behind them, by stock and day."""

    def __init__(self) -> None:
        self.signals: list[Signal] = []
        self.verdicts: dict[str, Verdict] = {}
        self._records: dict[tuple[Day, str, Symbol], list[CheckRecord]] = {}
        self._said: dict[tuple[str, Symbol], str] = {}
        """Outcome of the last record: a level that stands at every step is written down once."""

    def restore(self, rows: Iterable[Message]) -> None:
        """Take back the journal."""
        for row in rows:
            if isinstance(row, Signal):
                self.signals.append(row)
            elif isinstance(row, SignalVerdicts):
                self.verdicts.update((verdict.key, verdict) for verdict in row.verdicts)
            elif isinstance(row, CheckRecord):
                self._keep(row)

    def counts(self) -> dict[str, int]:
        """Return how many decisions there were and what became of them."""
        by_status = Counter(verdict.status.name.lower() for verdict in self.verdicts.values())
        return {"signals": len(self.signals), **by_status}

    # ------------------------------------------------------------------ writing down

    def decided(self, signal: Signal) -> list[Output]:
        """Write down a decision."""
        self.signals.append(signal)
        return [Append(signal, signal.key)]

    def answered(self, verdicts: SignalVerdicts) -> list[Output]:
        """Write down the verdicts on decisions."""
        self.verdicts.update((verdict.key, verdict) for verdict in verdicts.verdicts)
        return [Append(verdicts)] if verdicts.verdicts else []

    def looked(self, host: RuleHost, symbol: Symbol, key: str = "") -> list[Output]:
        """Write down the last step of a stock where it matters: a decision, one held back, a changed memory."""
        look = host.last[symbol]
        outcome = outcome_of(look)
        place = (host.rule.NAME, symbol)
        held_back = bool(look.blocked) and self._said.get(place) != outcome
        if not (key or held_back or look.remembered):
            return []
        if not key and len(self._records.get((host.day, *place), ())) >= NOTES_MAX:
            return []
        self._said[place] = outcome
        return self._write(host, symbol, outcome, key)

    def close_day(self, host: RuleHost) -> list[Output]:
        """Write down the last step of every stock that was watched."""
        outputs: list[Output] = []
        for symbol in sorted(host.last):
            records = self._records.get((host.day, host.rule.NAME, symbol), ())
            if not records or records[-1].second_of_day != host.last[symbol].step.second_of_day:
                outputs += self._write(host, symbol, outcome_of(host.last[symbol]), "")
        return outputs

    def _write(self, host: RuleHost, symbol: Symbol, outcome: str, key: str) -> list[Output]:
        record = record_of(host, symbol, outcome, key)
        self._keep(record)
        return [Append(record)]

    def _keep(self, record: CheckRecord) -> None:
        self._records.setdefault((record.day, record.rule, record.symbol), []).append(record)

    # ------------------------------------------------------------------ telling

    def explain(self, request: ExplainRequest, hosts: Sequence[RuleHost], notes: Sequence[str]) -> Explanation:
        """Return every check of a stock on a day, by rule; of today also those of the last step seen."""
        checks: dict[str, tuple[Condition, ...]] = {}
        for host in hosts:
            records = list(self._records.get((request.day, host.rule.NAME, request.symbol), ()))
            if host.day == request.day and request.symbol in host.last:
                last = record_of(host, request.symbol, outcome_of(host.last[request.symbol]), "")
                if not records or records[-1].second_of_day != last.second_of_day:
                    records.append(last)
            if records:
                checks[host.rule.NAME] = tuple(line for record in records for line in self._lines(record))
        return Explanation(request.symbol, request.day, checks, "; ".join(notes))

    def _lines(self, record: CheckRecord) -> list[Condition]:
        """Return the conditions of a record; what followed stands behind the last."""
        if not record.checks:
            return []
        verdict = self.verdicts.get(record.key)
        followed = [record.outcome] if record.outcome else []
        if verdict is not None:
            reason = f" {verdict.reason.name}" if verdict.reason is not Reason.NONE else ""
            followed.append(f"{verdict.status.name}{reason}")
        *lines, last = record.checks
        end = Condition(last.name, last.passed, last.numbers, last.text, last.second_of_day, " → ".join(followed))
        return [*lines, end]


def outcome_of(look: Look) -> str:
    """Return what a step led to: the decision, and why it was held back where it was."""
    if look.said.action == NONE:
        return ""
    text = f"{Action(look.said.action).name} {Reason(look.said.reason).name}"
    return f"{text} ({look.blocked})" if look.blocked else text


def record_of(host: RuleHost, symbol: Symbol, outcome: str, key: str) -> CheckRecord:
    """Return the record of a stock's last step."""
    second = host.last[symbol].step.second_of_day
    checks = tuple(_condition(check, second) for check in host.explain(symbol))
    return CheckRecord(host.rule.NAME, symbol, host.day, second, checks, outcome, key)


def _condition(check: Check, second: int) -> Condition:
    """Return a check as it is kept; what a rule's own words would make unreadable after a restart is left out."""
    try:
        made = Condition(check.name, check.passed, check.numbers, "", second)
        decode_body(encode_body(made))
    except Exception:  # somebody's own code: names too long, numbers that are none
        return Condition("explain failed: no check", False, {}, "", second)
    return made
