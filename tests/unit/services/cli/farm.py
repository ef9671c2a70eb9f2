"""A queue and one worker behind a link, in this thread: the real core, real backtests, nothing started."""

from pathlib import Path

from msgspec import json

from common.backtests.tasks import Task
from common.domain.errors import PankouError
from common.messages.backtests import JobDone
from common.messages.outputs import Message
from services.backtest_worker.tasks import Warm
from tests.unit.services.backtest_queue.desk import Desk, Hand


class FarmLink:
    """Whoever asks lets the worker do one job first, unless it rests."""

    def __init__(self, cache: Path) -> None:
        self.desk = Desk()
        self.warm = Warm(cache)
        self.rests = False
        self.ran = 0
        self._hand = Hand("backtest_worker_00")

    def ask(self, peer: str, message: Message, control: bool = False, timeout_s: float = 5.0) -> Message:
        assert (peer, control) == ("backtest_queue", False)
        if not self.rests:
            self.work()
        return self.desk.ask(message)

    def work(self) -> None:
        leases = self.desk.work(self._hand)
        for lease in leases:
            self.ran += 1
            task = json.decode(lease.task, type=Task)
            try:
                told = JobDone("backtest_worker_00", "s1", lease.key, self.warm.run(task), bars=480)
            except PankouError as error:
                told = JobDone("backtest_worker_00", "s1", lease.key, {}, str(error))
            self.desk.ask(told)

    def close(self) -> None:
        pass
