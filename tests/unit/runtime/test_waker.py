"""A sleeping loop wakes when another thread has put something where it looks."""

import select
import threading
from collections.abc import Iterator

import pytest

from common.runtime.waker import Waker


@pytest.fixture
def waker() -> Iterator[Waker]:
    found = Waker()
    yield found
    found.close()


def rung(waker: Waker, wait_s: float = 0) -> bool:
    return bool(select.select([waker.fileno()], [], [], wait_s)[0])


def test_a_ring_from_another_thread_is_heard_once(waker: Waker) -> None:
    assert not rung(waker)
    threading.Thread(target=waker.ring).start()
    assert rung(waker, 10)
    waker.hear()
    assert not rung(waker)


def test_a_thousand_rings_cost_one_byte_and_the_next_is_heard_again(waker: Waker) -> None:
    for _ in range(1_000):
        waker.ring()
    assert len(waker._near.recv(4096)) == 1
    waker.hear()
    waker.ring()
    assert rung(waker)


def test_ringing_what_is_closed_is_no_fault() -> None:
    waker = Waker()
    waker.close()
    waker.ring()
    waker.hear()
    assert waker.fileno() == -1, "it is closed, and stays so"
