"""Pools on request, each screened once and kept; a day that history cannot serve gives a pool that is not ready. Pure."""

from collections.abc import Sequence

from common.domain.reasons import Reason
from common.domain.values import Day
from common.messages.control import Fault
from common.messages.outputs import Drop, Effect, Log, Message, Origin, Output, Publish, Reply, Save, Token
from common.messages.signals import ExplainRequest, Explanation, Pool, PoolRequest
from common.messages.topics import POOL
from services.screener.calls import DayScreened, ExplainStock, ScreenDay, ScreenFailed, StockExplained

POOLS_KEPT_MAX = 500
"""Pools on disk; the oldest days go first."""

Call = ScreenDay | ExplainStock


def pool_key(call: ScreenDay) -> str:
    """Return the key a pool is kept under; an injected one has its symbols in it."""
    return f"pool|{call.day}|{call.rule}|{','.join(call.symbols)}"


def _call_of(key: str) -> ScreenDay:
    _, day, rule, symbols = key.split("|")
    return ScreenDay(rule, int(day), tuple(symbols.split(",")) if symbols else ())


class ScreenerCore:
    """Answers PoolRequest and ExplainRequest."""

    def __init__(self, rules: Sequence[str], pools_max: int = POOLS_KEPT_MAX) -> None:
        self._rules = tuple(rules)
        self._pools_max = pools_max
        self._pools: dict[ScreenDay, Pool] = {}
        self._waiting: dict[Call, list[Token]] = {}
        self._screened = 0
        self._failed = 0
        self._last_day: Day = 0

    def restore(self, rows: Sequence[Message], kept: dict[str, Message]) -> None:
        """Take back the pools of earlier runs."""
        for key, pool in sorted(kept.items()):
            if isinstance(pool, Pool):
                self._pools[_call_of(key)] = pool
                self._last_day = max(self._last_day, pool.day)

    def on_start(self, now_ns: int) -> Sequence[Output]:
        """Nothing is missing at a start: whoever needs a pool asks for it."""
        return ()

    def on_message(self, message: Message, origin: Origin, now_ns: int) -> Sequence[Output]:
        """Answer a request, or take what the adapter found."""
        if isinstance(message, PoolRequest):
            return self._on_pool_request(message, origin)
        if isinstance(message, ExplainRequest):
            return self._ask(ExplainStock(message.symbol, message.day), origin)
        if isinstance(message, DayScreened):
            return self._on_screened(message)
        if isinstance(message, StockExplained):
            return self._answer(message.call, message.explanation)
        if isinstance(message, ScreenFailed):
            return self._on_failed(message)
        return ()

    def on_deadline(self, now_ns: int) -> Sequence[Output]:
        """Nothing is ever due."""
        return ()

    def next_deadline_ns(self) -> int | None:
        """Nothing is ever due."""
        return None

    def status(self) -> tuple[bool, str, dict[str, int], dict[str, str]]:
        """Tell how the service is."""
        numbers = {
            "pools": len(self._pools),
            "screened": self._screened,
            "failed": self._failed,
            "last_day": self._last_day,
        }
        return True, "ready", numbers, {"rules": ", ".join(self._rules)}

    def _on_pool_request(self, request: PoolRequest, origin: Origin) -> Sequence[Output]:
        if request.rule not in self._rules:
            text = f"no screen for the rule {request.rule!r}; there are {', '.join(self._rules)}"
            return self._reply(origin.token, Fault(Reason.NOT_READY, text))
        call = ScreenDay(request.rule, request.day, tuple(sorted(set(request.symbols))))
        if call in self._pools and not request.fresh:
            return self._reply(origin.token, self._pools[call])
        return self._ask(call, origin)

    def _ask(self, call: Call, origin: Origin) -> Sequence[Output]:
        asked = call in self._waiting
        tokens = self._waiting.setdefault(call, [])
        if origin.token is not None:
            tokens.append(origin.token)
        return () if asked else (Effect(call),)

    @staticmethod
    def _reply(token: Token | None, message: Message) -> Sequence[Output]:
        return () if token is None else (Reply(token, message),)

    def _answer(self, call: Call, message: Message) -> list[Output]:
        return [Reply(token, message) for token in self._waiting.pop(call, [])]

    def _on_screened(self, found: DayScreened) -> Sequence[Output]:
        pool = found.pool
        self._screened += 1
        if not pool.ready:
            return [self._log("screen not possible", pool), *self._answer(found.call, pool)]
        self._pools[found.call] = pool
        self._last_day = max(self._last_day, pool.day)
        return [
            Save(pool_key(found.call), pool),
            *self._prune(),
            Publish(POOL, pool),
            self._log("pool published", pool),
            *self._answer(found.call, pool),
        ]

    @staticmethod
    def _log(event: str, pool: Pool) -> Log:
        level = "info" if pool.ready else "warning"
        return Log(level, event, {"rule": pool.rule, "day": pool.day, "rows": len(pool.rows), "note": pool.note})

    def _prune(self) -> list[Output]:
        surplus = len(self._pools) - self._pools_max
        oldest = sorted(self._pools, key=lambda call: (call.day, call.rule))[: max(0, surplus)]
        for call in oldest:
            del self._pools[call]
        return [Drop(pool_key(call)) for call in oldest]

    def _on_failed(self, failed: ScreenFailed) -> Sequence[Output]:
        self._failed += 1
        call = failed.call
        log = Log("warning", "history cannot serve", {"day": call.day, "note": failed.text})
        if isinstance(call, ScreenDay):
            pool = Pool(call.rule, call.day, (), 0, note=failed.text, ready=False)
            return [log, *self._answer(call, pool)]
        if failed.unknown_symbol:
            return [log, *self._answer(call, Fault(Reason.UNKNOWN_SYMBOL, failed.text))]
        return [log, *self._answer(call, Explanation(call.symbol, call.day, {}, failed.text))]
