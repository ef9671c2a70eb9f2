"""What supervisord calls before it starts anything: the lock of the run, also after a reload."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from supervisor import events

from common.domain.errors import SecondCopyError
from common.runtime import supervised
from common.runtime.runner_control import RunnerControl


@pytest.fixture(autouse=True)
def _let_go() -> Iterator[None]:
    yield
    events.clear()
    while supervised._held:
        supervised._held.pop().release()


def test_the_lock_is_held_signed_again_in_the_background_and_kept_over_a_reload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PANKOU_RUN", str(tmp_path))
    control = RunnerControl(tmp_path, sleep=lambda _s: None)
    supervised.take_lock(None)
    assert control.is_up()
    control.lock_path.write_text("17", encoding="utf-8")
    events.notify(events.SupervisorRunningEvent())
    assert supervised._held[0].holder() != "17"
    supervised.take_lock(None)
    assert control.is_up()
    assert len(supervised._held) == 1


def test_the_second_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PANKOU_RUN", str(tmp_path))
    lock = RunnerControl(tmp_path).take_lock()
    with pytest.raises(SecondCopyError):
        supervised.take_lock(None)
    assert "runs already" in capsys.readouterr().err
    lock.release()
