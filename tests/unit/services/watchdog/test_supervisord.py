"""The event protocol, and the kill of whoever holds a lock."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from services.watchdog.adapters.supervisord import EventParser, Supervisord, table_reader
from services.watchdog.calls import Killed, KillHung, ProcessChanged, ReadTable

BODY = b"processname:risk_manager groupname:risk_manager from_state:BACKOFF tries:2"
HEAD = b"ver:3.0 server:supervisor serial:21 pool:watchdog poolserial:10 eventname:PROCESS_STATE_FATAL len:%d\n"
EVENT = HEAD % len(BODY) + BODY


def test_events_are_cut_out_of_the_stream_wherever_it_is_cut() -> None:
    wanted = [ProcessChanged("risk_manager", "FATAL", "BACKOFF")] * 2
    for cut in range(len(EVENT)):
        parser = EventParser()
        assert [*parser.feed(EVENT + EVENT[:cut]), *parser.feed(EVENT[cut:])] == wanted
    assert EventParser().feed(b"ver:3.0 eventname:TICK_5 len:15\nwhen:1201063880") == [None]


def adapter_on(folder: Path, ended: list[bool]) -> tuple[Supervisord, int, int]:
    (their_out, our_in), (our_out, their_in) = os.pipe(), os.pipe()
    made = Supervisord(
        table_reader({"PANKOU_SOCKET": str(folder / "no.sock")}, folder),
        folder,
        lambda: ended.append(True),
        (their_out, their_in),
    )
    return made, our_in, our_out


def test_every_event_is_answered_and_the_end_of_input_ends_us(tmp_path: Path) -> None:
    ended: list[bool] = []
    made, into, out = adapter_on(tmp_path, ended)
    assert os.read(out, 100) == b"READY\n"
    assert list(made.poll()) == []
    os.write(into, EVENT)
    assert list(made.poll()) == [ProcessChanged("risk_manager", "FATAL", "BACKOFF")]
    assert os.read(out, 100) == b"RESULT 2\nOKREADY\n"
    os.close(into)
    assert list(made.poll()) == []
    assert ended == [True]
    assert list(made.perform(ReadTable())) == [], "no supervisord answers"
    os.close(out)


HOLDS = """
import sys, time
from pathlib import Path
from common.runtime.lock import CopyLock
lock = CopyLock(Path(sys.argv[1]))
lock.take_or_fail()
print("held", flush=True)
time.sleep(60)
"""


def test_who_holds_the_lock_is_killed_and_nobody_else(tmp_path: Path) -> None:
    made, into, out = adapter_on(tmp_path, [])
    lock = tmp_path / "locks" / "order_gateway.lock"
    process = subprocess.Popen([sys.executable, "-c", HOLDS, str(lock)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    assert list(made.perform(KillHung("order_gateway"))) == [Killed("order_gateway", process.pid)]
    assert process.wait(10) == -signal.SIGKILL
    process.stdout.close()
    assert list(made.perform(KillHung("order_gateway"))) == [Killed("order_gateway", 0)]
    os.close(into)
    os.close(out)
