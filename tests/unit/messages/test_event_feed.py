"""EventReader: rows once and in order, cut at the push, holes asked for."""

import pytest

from common.domain.errors import InvariantError
from common.messages.event_feed import EventReader, belongs
from common.messages.orders import AccountOpened, DayRolled, EventRow, Events, EventsRequest, MatchedThrough
from common.messages.outputs import Output, Request

P = 20260105 * 100_000


def row(seq: int, push: int, stage: int = 0) -> EventRow:
    return EventRow(seq, push, stage, DayRolled(seq, 0))


def asked(outputs: list[Output]) -> list[int]:
    found = []
    for output in outputs:
        assert isinstance(output, Request)
        assert isinstance(output.message, EventsRequest)
        found.append(output.message.from_seq)
    return found


def started(have: int = 0) -> EventReader:
    reader = EventReader(have)
    assert asked(reader.on_start()) == [have + 1]
    assert reader.on_message(Events((), have, None)) == []
    return reader


def test_a_push_is_ready_when_its_match_is_known_and_later_rows_wait() -> None:
    reader = started()
    for item in (row(1, P), row(2, P + 1), row(3, P + 1, 1)):
        assert reader.on_message(item) == []
    assert reader.ready(P + 1) is None
    reader.on_message(MatchedThrough(P + 1, 2))
    assert reader.ready(P + 1) == [row(1, P), row(2, P + 1)]
    assert reader.ready(P + 1) == []
    assert reader.ready(P + 2) is None
    reader.on_message(MatchedThrough(P + 2, 3))
    assert reader.ready(P + 2) == [row(3, P + 1, 1)]
    assert reader.have == 3
    assert reader.buffered == 0


def test_a_later_match_makes_earlier_pushes_ready_with_exactly_their_rows() -> None:
    reader = started()
    for item in (row(1, P), row(2, P + 1), row(3, P + 1, 1), row(4, P + 2)):
        reader.on_message(item)
    reader.on_message(MatchedThrough(P + 2, 4))
    assert reader.ready(P) == [row(1, P)]
    assert reader.ready(P + 1) == [row(2, P + 1)]
    assert reader.ready(P + 2) == [row(3, P + 1, 1), row(4, P + 2)]


def test_a_hole_is_asked_for_once_and_filled_by_pages() -> None:
    reader = started()
    assert asked(reader.on_message(row(3, P))) == [1]
    assert reader.repairs == 1
    assert reader.waiting
    assert reader.on_message(row(4, P)) == []
    assert asked(reader.on_message(Events((row(1, P),), 5, None))) == [2]
    assert reader.on_message(Events((row(2, P), row(3, P), row(4, P), row(5, P)), 5, MatchedThrough(P, 5))) == []
    assert reader.ready(P) == [row(n, P) for n in range(1, 6)]


def test_a_match_shows_that_rows_were_lost_at_the_end() -> None:
    reader = started()
    reader.on_message(row(1, P))
    assert asked(reader.on_message(MatchedThrough(P, 2))) == [2]
    assert reader.ready(P) is None
    reader.on_message(Events((row(2, P),), 2, None))
    assert reader.ready(P) == [row(1, P), row(2, P)]


def test_duplicates_and_old_rows_are_dropped() -> None:
    reader = started(2)
    for item in (row(1, P), row(2, P), row(3, P), row(3, P)):
        reader.on_message(item)
    reader.on_message(MatchedThrough(P, 3))
    reader.on_message(MatchedThrough(P - 1, 9))
    assert reader.ready(P) == [row(3, P)]


def test_start_asks_even_when_nothing_is_missing_and_live_rows_wait_for_the_answer() -> None:
    reader = EventReader(0)
    assert asked(reader.on_start()) == [1]
    assert reader.on_message(row(7, P)) == []
    assert asked(reader.on_message(Events((row(1, P), row(2, P)), 7, None))) == [3]


def test_a_journal_that_ends_before_what_was_applied_stops_the_process() -> None:
    reader = EventReader(5)
    reader.on_start()
    with pytest.raises(InvariantError, match="ends at row 4"):
        reader.on_message(Events((), 4, None))


def test_an_answer_that_was_overtaken_by_what_was_published_since_is_no_shorter_journal() -> None:
    reader = EventReader(0)
    reader.on_start()
    for item in (row(1, P), row(2, P), MatchedThrough(P, 2)):
        reader.on_message(item)
    assert reader.ready(P) == [row(1, P), row(2, P)]
    assert reader.on_message(Events((row(1, P),), 1, None)) == []
    assert not reader.waiting
    assert (reader.have, reader.buffered) == (2, 0)
    assert asked(reader.on_message(MatchedThrough(P + 1, 3))) == [3]
    with pytest.raises(InvariantError, match="ends at row 1, row 2 was applied"):
        reader.on_message(Events((row(1, P),), 1, None))


def test_other_messages_are_ignored_and_rows_before_any_push_belong_to_the_first() -> None:
    reader = started()
    assert reader.on_message(AccountOpened(1, "paper")) == []
    assert belongs(row(1, 0), P)
    assert not belongs(row(1, P, 1), P)
    assert belongs(row(1, P, 1), P + 1)
