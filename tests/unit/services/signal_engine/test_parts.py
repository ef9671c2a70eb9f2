"""The engine's parts by themselves: the outbox, the pools, what is written down, the composition."""

from common.domain.orders import Action, PriceKind
from common.domain.reasons import Reason
from common.messages.control import Fault
from common.messages.header import Trace
from common.messages.kept import CheckRecord
from common.messages.outputs import Append, Drop, Request, Save
from common.messages.signals import ExplainRequest, Pool, Signal
from common.runtime.config import Account, Config
from common.strategies import RULES
from common.strategies.contract import Position, Step
from common.strategies.host import RuleHost
from services.signal_engine.__main__ import hosts_of
from services.signal_engine.checks import NOTES_MAX, Checks
from services.signal_engine.evaluation import LAST_LABEL_S
from services.signal_engine.outbox import RETRY_NS, Outbox
from services.signal_engine.pools import Pools
from tests.builders import day_opened, table
from tests.signal_rig import pool

DAY, A = 20260105, "600001.SH"
SIGNAL = Signal("k", "limit_up", A, 7, 1, Action.ENTER, 0, PriceKind.AT_UP_LIMIT, 0, Reason.LIMIT_UP_TOUCH, 5)


def test_a_batch_is_kept_until_answered() -> None:
    outbox = Outbox()
    saved, asked = outbox.put(7, (SIGNAL,), Trace(decided_ns=3))
    assert isinstance(saved, Save)
    assert isinstance(asked, Request)
    assert (saved.key, asked.key, asked.trace) == ("outbox|7", "signals|7", Trace(decided_ns=3))
    assert outbox.holds(7)
    assert not outbox.holds(6)
    again = Outbox()
    again.restore(asked.message)  # type: ignore[arg-type]  # a batch
    assert again.resend() == [asked._replace(trace=Trace())]
    batch, outputs = outbox.answered("signals|7")
    assert batch == asked.message
    assert outputs == [Drop("outbox|7")]
    assert outbox.answered("signals|7") == (None, [])
    assert len(outbox) == 0


def test_a_refused_batch_comes_again_once() -> None:
    outbox = Outbox()
    outbox.put(7, (SIGNAL,), Trace())
    assert not outbox.failed("signals|8", 0)
    assert outbox.failed("signals|7", 100)
    assert outbox.next_retry_ns() == 100 + RETRY_NS
    assert outbox.retry(99 + RETRY_NS) == []
    assert [type(output) for output in outbox.retry(100 + RETRY_NS)] == [Request]
    assert outbox.next_retry_ns() is None
    outbox.failed("signals|7", 0)
    outbox.answered("signals|7")
    assert outbox.next_retry_ns() is None


def test_pools_are_taken_once_and_only_those_asked_for() -> None:
    pools = Pools(["limit_up", "bottom_fractal"])
    keys = [output.key for output in pools.ask(day_opened(table({A: 10.0}))) if isinstance(output, Request)]
    assert keys == [f"pool|limit_up|{DAY}", f"pool|bottom_fractal|{DAY}"]
    mine = pool("limit_up", DAY, {A: {"float_value": 5}})
    assert not pools.take("pool|limit_up|20260106", mine, DAY)
    assert not pools.take(keys[1], mine, DAY)
    assert pools.take(keys[0], mine, DAY)
    assert not pools.take(keys[0], mine, DAY)
    assert pools.missing == ["bottom_fractal"]
    assert pools.take(keys[1], Fault(Reason.NOT_READY, "no history"), DAY)
    assert pools.rows("limit_up") == {A: {"float_value": 5}}
    assert pools.rows("bottom_fractal") == {}
    records = [output.record for output in pools.settle(DAY) if isinstance(output, Save)]
    again = Pools(["limit_up", "bottom_fractal"])
    for record in records:
        again.restore(record)  # type: ignore[arg-type]  # RulePool
    assert again.words() == pools.words()
    assert pools.words()["pool_bottom_fractal"] == f"{DAY}: not ready, no entries: NOT_READY: no history"


def test_a_pool_that_is_not_ready_has_no_rows() -> None:
    pools = Pools(["limit_up"])
    pools.ask(day_opened(table({A: 10.0})))
    row = pool("limit_up", DAY, {A: {}}).rows
    pools.take(f"pool|limit_up|{DAY}", Pool("limit_up", DAY, row, 1, ready=False), DAY)
    assert pools.rows("limit_up") == {}


def test_what_stands_at_every_step_is_written_once_and_notes_have_an_end() -> None:
    host = RuleHost(RULES["limit_up"], RULES["limit_up"].Params())
    host.start_day(DAY, {A: {}}, {})
    host.sync([A])
    checks, held = Checks(), Position(1000, 1000, 10_000_000, 0, 1)
    stop = Step(0, 36_000, 9_000, 9_000, 9_000, 9_500, 9_500, 9_000, 10_000, 11_000, 9_000, 0, 0, True, False)
    assert host.on_step(A, stop, held) is not None
    first = checks.looked(host, A, "key")
    assert [(type(output), output.record.key) for output in first if isinstance(output, Append)] == [(Append, "key")]  # type: ignore[attr-defined]  # CheckRecord
    for second in range(36_003, 36_030, 3):
        host.on_step(A, stop._replace(second_of_day=second), held)
        checks.looked(host, A)
    told = checks.explain(ExplainRequest(A, DAY), [host], []).checks["limit_up"]
    seconds = sorted({check.second_of_day for check in told})
    assert seconds == [36_000, 36_003, 36_027]  # decided, held back, last seen
    assert {check.outcome for check in told} == {"", "EXIT STOP_LOSS", "EXIT STOP_LOSS (verdict_pending)"}
    written = sum(len(checks.looked(*flip(host, number))) for number in range(2 * NOTES_MAX))
    assert written == NOTES_MAX - 2


def flip(host: RuleHost, number: int) -> tuple[RuleHost, str]:
    """Step to the limit and back."""
    last = 11_000 if number % 2 == 0 else 10_900
    step = Step(0, 37_000 + number, last, last, last, 9_500, 9_500, 9_000, 10_000, 11_000, 9_000, 0, 0, False, False)
    host.on_step(A, step, Position(1000, 1000, 10_000_000, 0, 1))
    return host, A


def test_checks_come_back_from_the_journal() -> None:
    checks = Checks()
    record = CheckRecord("limit_up", A, DAY, 36_000, (), "ENTER LIMIT_UP_TOUCH", "k")
    checks.restore([SIGNAL, record])
    assert checks.signals == [SIGNAL]
    assert checks.explain(ExplainRequest(A, DAY), [], ["limit_up: late"]).note == "limit_up: late"


def test_every_rule_with_slots_is_hosted_with_its_parameters() -> None:
    config = Config(account=Account(rule_slots={"limit_up": 3}), rules={"limit_up": {"stop_bp": 300}})
    (host,) = hosts_of(config)
    assert (host.rule.NAME, host.params.stop_bp) == ("limit_up", 300)
    assert RULES["bottom_fractal"].Params().last_bar_s == LAST_LABEL_S
