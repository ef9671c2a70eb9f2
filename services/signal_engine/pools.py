"""The pools of the day: asked for when a day opens, one a rule; a pool that is not ready lets nothing be opened. Pure."""

from collections.abc import Mapping, Sequence

from common.domain.reasons import Reason
from common.domain.values import Day, Symbol
from common.messages.control import Fault
from common.messages.kept import RulePool
from common.messages.market import DayOpened
from common.messages.outputs import Message, Output, Request, Save
from common.messages.signals import Pool, PoolRequest

SCREENER = "screener"


class Pools:
    """What the screener says of each rule."""

    def __init__(self, rules: Sequence[str]) -> None:
        self._rules = tuple(rules)
        self._asked: dict[str, str] = {}
        self._answers: dict[str, Pool] = {}
        self.known: dict[str, RulePool] = {}
        """The pools of the day that was opened last, by rule."""

    def restore(self, record: RulePool) -> None:
        """Take back what was answered before a restart."""
        self.known[record.rule] = record

    @property
    def missing(self) -> list[str]:
        """Return the rules whose pool is still awaited."""
        return list(self._asked.values())

    def ask(self, day: DayOpened) -> list[Output]:
        """Ask for the pool of every rule; an injected pool of a tape replaces the screen."""
        self._asked, self._answers = {}, {}
        outputs: list[Output] = []
        for rule in self._rules:
            injected = day.pool_injected.get(rule)
            if injected is not None and not injected:
                self._answers[rule] = Pool(rule, day.day, (), 0, note="empty by the tape")
                continue
            key = f"pool|{rule}|{day.day}"
            self._asked[key] = rule
            outputs.append(Request(SCREENER, key, PoolRequest(rule, day.day, tuple(injected or ()))))
        return outputs

    def take(self, key: str, message: Message, day: Day) -> bool:
        """Take an answer; True when it was awaited."""
        rule = self._asked.get(key)
        if rule is None:
            return False
        if isinstance(message, Fault):
            message = Pool(rule, day, (), 0, note=f"{Reason(message.reason).name}: {message.text}", ready=False)
        if not isinstance(message, Pool) or (message.rule, message.day) != (rule, day):
            return False
        del self._asked[key]
        self._answers[rule] = message
        return True

    def rows(self, rule: str) -> Mapping[Symbol, Mapping[str, int]]:
        """Return the rows that a rule may enter today."""
        pool = self._answers[rule]
        return {row.symbol: row.context for row in pool.rows} if pool.ready else {}

    def settle(self, day: Day) -> list[Output]:
        """Keep what was answered, now that all of it is here."""
        self.known = {
            rule: RulePool(rule, day, len(pool.rows), pool.ready, pool.note) for rule, pool in self._answers.items()
        }
        return [Save(f"pool|{rule}", record) for rule, record in self.known.items()]

    def words(self) -> dict[str, str]:
        """Return the pools of the day in words."""
        return {
            f"pool_{rule}": f"{record.day}: "
            + (f"{record.rows}" if record.ready else f"not ready, no entries: {record.note}")
            for rule, record in self.known.items()
        }
