"""The `pipeline` engine: all live cores in one thread over tapes, so that a backtest is the live path and nothing else.

Each service is built by its own `parts_of` and hears what its own `SPEC` says; between them stand neither sockets nor
disks nor a clock. The player goes in lockstep, so the order inside a push is the one of the live processes.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, TypeAlias, TypeVar

from msgspec.structs import replace

from common.domain.errors import InvariantError, UserError
from common.domain.values import Day, PushId, day_of_push, push_number
from common.messages.market import DayOpened, PushEnd
from common.messages.orders import (
    Account,
    AccountRequest,
    EventRow,
    OrderFilled,
    OrderRow,
    Orders,
    OrdersRequest,
    PositionRow,
    Positions,
    PositionsRequest,
)
from common.messages.outputs import Adapter, Core, Log, Message
from common.messages.signals import Pool, Signal, Verdict, Verdicts, VerdictsRequest, VerdictStatus
from common.messages.topics import DECISION, EVENT, FEED, POOL
from common.runtime.config import Config
from common.runtime.service import ServiceSpec
from common.runtime.world import Node, NoDisk, World
from services.market_data import __main__ as market_data
from services.order_gateway import __main__ as order_gateway
from services.risk_manager import __main__ as risk_manager
from services.screener import __main__ as screener
from services.signal_engine import __main__ as signal_engine

Answer = TypeVar("Answer", bound=Message)

Parts: TypeAlias = tuple[Core, Adapter | None]
SERVICES = (market_data, screener, order_gateway, risk_manager, signal_engine)
TICKS_MAX = 1_000
"""Times the clock may move before the next push; in lockstep it has to move only while something waits."""


def live_services(
    config: Config, instead: Mapping[str, Callable[[], Parts]] = MappingProxyType({})
) -> list[tuple[ServiceSpec, Callable[[], Parts]]]:
    """Return every service of the order path with the way it is built; `instead` puts others in their places."""
    return [(service.SPEC, instead.get(service.SPEC.name, partial(service.parts_of, config))) for service in SERVICES]


class PipelineResult(NamedTuple):
    """What the cores did, in the words they would have said it in."""

    rows: tuple[EventRow, ...]
    """The gateway's journal."""
    orders: tuple[OrderRow, ...]
    positions: tuple[PositionRow, ...]
    account: Account
    verdicts: tuple[Verdict, ...]
    """By push, then in the order given; hand orders among them."""
    signals: tuple[Signal, ...]
    pools: tuple[Pool, ...]
    """What was published; a pool that was not ready is among the warnings."""
    days: tuple[Day, ...]
    pushes: int
    last_push: PushId
    warnings: tuple[str, ...]
    """What the cores would have logged as a warning or an error."""

    @property
    def fills(self) -> list[OrderFilled]:
        """Return every deal, oldest first."""
        return [row.event for row in self.rows if isinstance(row.event, OrderFilled)]

    @property
    def denied(self) -> list[Verdict]:
        """Return what risk denied."""
        return [verdict for verdict in self.verdicts if verdict.status is VerdictStatus.DENIED]


class Pipeline:
    """The services of one configuration in one world."""

    def __init__(self, config: Config, told: Callable[[Day, int], None] | None) -> None:
        self.world = World()
        self._told = told
        self._rows: list[EventRow] = []
        self._signals: list[Signal] = []
        self._pools: list[Pool] = []
        self._verdicts: list[Verdict] = []
        self._warnings: list[str] = []
        self._days: list[Day] = []
        self._pushes = 0
        self._last_push = 0
        self._ticks = 0
        self.world.on_publish, self.world.on_log = self._on_publish, self._on_log
        for spec, make in live_services(config):
            self.world.add(Node(spec.name, make, spec.subscriptions, NoDisk()))

    def play(self) -> PipelineResult:
        """Play everything to its end."""
        self.world.start()
        while self._go_on():
            pass
        self._check_finished()
        if not self._days:
            raise UserError("no tapes: nothing was played; name at least one")
        self._ask_verdicts()
        orders, positions = self._ask(OrdersRequest(), Orders), self._ask(PositionsRequest(), Positions)
        account = self._ask(AccountRequest(), Account)
        self._take_verdicts()
        return PipelineResult(
            tuple(self._rows), orders.rows, positions.rows, account, tuple(self._verdicts), tuple(self._signals),
            tuple(self._pools), tuple(self._days), self._pushes, self._last_push, tuple(self._warnings),
        )  # fmt: skip

    def _go_on(self) -> bool:
        if self.world.deliver():
            return True
        self._ticks += 1
        return self._ticks <= TICKS_MAX and self.world.tick()

    def _check_finished(self) -> None:
        """Refuse books of half a run: in lockstep the player ends only when everybody has done the last push."""
        player = self.world.nodes["market_data"].core
        _, state, _, words = player.status()  # type: ignore[union-attr]  # a PlayerCore
        if state != "finished":
            where = f"push {push_number(self._last_push)} of {day_of_push(self._last_push)}"
            raise InvariantError(f"the pipeline stands still in {where}: waits for {words['waiting_for'] or 'nobody'}")

    # ------------------------------------------------------------------ hearing

    def _on_publish(self, topic: str, message: Message) -> None:
        if topic == FEED:
            self._on_feed(message)
        elif topic == EVENT and isinstance(message, EventRow):
            self._rows.append(message)
        elif topic == DECISION and isinstance(message, Signal):
            self._signals.append(message)
        elif topic == POOL and isinstance(message, Pool):
            self._pools.append(message)

    def _on_feed(self, message: Message) -> None:
        if isinstance(message, PushEnd) and message.push > self._last_push:
            self._pushes += 1
            self._last_push, self._ticks = message.push, 0
        elif isinstance(message, DayOpened) and message.day not in self._days:
            # Everybody has done the last push of the day before. Risk forgets old verdicts: they are asked for now.
            if self._days:
                self._ask_verdicts()
            self._days.append(message.day)
            if self._told is not None:
                self._told(message.day, len(self._days))

    def _on_log(self, sender: str, log: Log) -> None:
        if log.level in ("warning", "error"):
            facts = ", ".join(f"{name}={value}" for name, value in log.facts.items())
            self._warnings.append(f"{sender}: {log.event} ({facts})")

    # ------------------------------------------------------------------ asking

    def _ask_verdicts(self) -> None:
        self.world.ask("risk_manager", VerdictsRequest(self._days[-1]), f"verdicts|{self._days[-1]}")

    def _take_verdicts(self) -> None:
        for day in self._days:
            for answer in self.world.answers[f"verdicts|{day}"]:
                assert isinstance(answer, Verdicts)
                self._verdicts += answer.rows

    def _ask(self, message: Message, kind: type[Answer]) -> Answer:
        key = kind.__name__
        self.world.ask("order_gateway", message, key)
        while key not in self.world.answers and self.world.deliver():
            pass
        answer = self.world.answers[key][0]
        assert isinstance(answer, kind)
        return answer


def pipeline_config(tapes: Sequence[Path], history: Path | None, config: Config) -> Config:
    """Return a configuration as the pipeline needs it: these tapes in lockstep, nothing recorded, trading allowed."""
    feed = replace(config.feed, tapes=tuple(str(tape) for tape in tapes), pace="lockstep", record=False)
    place = config.history if history is None else replace(config.history, dir=str(history))
    # Nobody is there to resume or to arm the account by hand, and whoever stopped the live one did not mean this.
    system, risk = replace(config.system, mode="paper", kill_file=""), replace(config.risk, resume_at_start=True)
    return replace(config, system=system, feed=feed, history=place, risk=risk)


def run_pipeline(
    tapes: Sequence[Path],
    history: Path | None,
    config: Config,
    told: Callable[[Day, int], None] | None = None,
) -> PipelineResult:
    """Play tapes through the live cores and return everything they did.

    `history` None: what the configuration names. Hand orders are those on the tapes and in `config.feed.hand_script`.
    `told` hears of each day as it opens, with its number. Raises TapeError and ConfigError as the services do.
    """
    return Pipeline(pipeline_config(tapes, history, config), told).play()
