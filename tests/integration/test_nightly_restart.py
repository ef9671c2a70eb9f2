"""A hosted service ends cleanly at its time of rest, for its supervisor to start it again."""

import signal
from pathlib import Path

import pytest

from common.bus.curve import make_missing_keys
from common.domain.calendar import hms
from common.runtime.config import Config, System
from common.runtime.run import EXIT_OK
from common.runtime.service import ServiceSpec, host
from tests.e2e.rig import free_base_port
from tests.integration.test_doors_and_shell import Echo

ROUNDS = 3


def test_it_ends_at_its_time_and_lets_go_of_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int | None] = []

    def due(started_ns: int, now_ns: int, at_s: int | None) -> bool:  # when is told in tests/unit/runtime/test_rest.py
        assert 0 < started_ns <= now_ns
        asked.append(at_s)
        return len(asked) == ROUNDS

    make_missing_keys(tmp_path / "keys")
    system = System(
        base_port=free_base_port(), run_dir=str(tmp_path / "run"), keys_dir=str(tmp_path / "keys"), log_level="error",
        restart_at="06:30",
    )  # fmt: skip
    monkeypatch.setattr("common.runtime.service.rest_due", due)
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for _ in range(2):  # the second start finds the lock and the ports free
            asked.clear()
            assert host(Echo(), ServiceSpec("order_gateway"), Config(system=system)) == EXIT_OK
            assert asked == [hms("06:30")] * ROUNDS
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
