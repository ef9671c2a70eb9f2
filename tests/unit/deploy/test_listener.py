"""The event protocol from supervisord's side, against the parser that the watchdog reads it with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.windows.runner.listener import Listener, ProtocolError
from deploy.windows.runner.program import Change, State
from services.watchdog.adapters.supervisord import EventParser
from services.watchdog.calls import ProcessChanged

FATAL = Change("risk_manager", "risk_manager", State.FATAL, State.BACKOFF, "tries:21")


def change(number: int) -> Change:
    return Change(f"p{number}", "p", State.STARTING, State.EXITED, f"tries:{number}")


def heard(raw: bytes | None) -> list[ProcessChanged | None]:
    assert raw is not None
    return EventParser().feed(raw)


def test_one_event_at_a_time_and_only_to_who_is_ready() -> None:
    listener = Listener("watchdog", ("PROCESS_STATE",), 10)
    listener.put(FATAL)
    listener.put(change(1))
    assert listener.take() is None
    listener.said(b"REA")
    assert listener.take() is None
    listener.said(b"DY\n")
    assert heard(listener.take()) == [ProcessChanged("risk_manager", "FATAL", "BACKOFF")]
    assert listener.take() is None
    listener.said(b"RESULT 2\nOKREADY\n")
    assert heard(listener.take()) == [ProcessChanged("p1", "STARTING", "EXITED")]
    for byte in b"RESULT 2\nOKREADY\n":
        listener.said(bytes([byte]))
    assert listener.take() is None


def test_a_refused_event_comes_again() -> None:
    listener = Listener("watchdog", ("PROCESS_STATE",), 10)
    listener.put(FATAL)
    listener.said(b"READY\n")
    first = listener.take()
    listener.said(b"RESULT 4\nFAILREADY\n")
    assert listener.take() == first


def test_a_listener_that_died_gets_what_it_did_not_answer() -> None:
    listener = Listener("watchdog", ("PROCESS_STATE",), 10)
    listener.put(FATAL)
    listener.said(b"READY\n")
    first = listener.take()
    listener.reset()
    assert listener.take() is None
    listener.said(b"READY\n")
    assert listener.take() == first


def test_the_oldest_goes_when_there_are_too_many() -> None:
    listener = Listener("watchdog", ("PROCESS_STATE",), 2)
    for number in range(4):
        listener.put(change(number))
    assert listener.dropped == 2
    listener.said(b"READY\n")
    assert heard(listener.take()) == [ProcessChanged("p2", "STARTING", "EXITED")]


def test_only_what_it_asked_for() -> None:
    listener = Listener("x", ("PROCESS_STATE_FATAL",), 10)
    listener.put(change(1))
    listener.put(FATAL)
    listener.said(b"READY\n")
    assert heard(listener.take()) == [ProcessChanged("risk_manager", "FATAL", "BACKOFF")]
    assert listener.take() is None


@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([b"READY\n", b"RESULT 2\nOK", b"RESULT 4\nFA"]))))
def test_whatever_a_listener_says_is_taken_or_refused(parts: list[bytes]) -> None:
    listener = Listener("watchdog", ("PROCESS_STATE",), 2)
    listener.put(FATAL)
    for part in parts:
        try:
            listener.said(part)
        except ProtocolError:
            return
        event = listener.take()
        assert event is None or heard(event) == [ProcessChanged("risk_manager", "FATAL", "BACKOFF")]


def test_an_answer_without_end_is_refused() -> None:
    listener = Listener("watchdog", ("PROCESS_STATE",), 2)
    listener.put(FATAL)
    listener.said(b"READY\n")
    assert listener.take() is not None
    with pytest.raises(ProtocolError):
        listener.said(b"RESULT 99999999999999999999\n")


@pytest.mark.parametrize(
    "said", [b"hello\n", b"RESULT 2\nOK", b"RESULT x\n", b"READY\nREADY\nRESULT 2\nOK", b"x" * 70_000]
)
def test_what_the_protocol_does_not_know_is_an_error(said: bytes) -> None:
    with pytest.raises(ProtocolError):
        Listener("watchdog", ("PROCESS_STATE",), 10).said(said)
