"""The feed reader: whole pushes in order, duplicates dropped, what is missing asked for."""

import pytest

from common.domain.values import push_id
from common.messages.codec import encode_body
from common.messages.control import FeedState, FeedStateRequest
from common.messages.feed import FeedReader
from common.messages.outputs import Message, Request
from tests.builders import DAY, Quote, batch, day_opened, push_end, table

TABLE = table({"600001.SH": 10.0, "600002.SH": 20.0})


def said(number: int, price: float = 10.0) -> list[Message]:
    """Return what the player says for one push."""
    if number == 0:
        return [day_opened(TABLE), push_end(DAY, 0, 9 * 3600, prev=0)]
    quotes = batch(TABLE, push_id(DAY, number), 34_200 + 3 * number, {"600001.SH": Quote(price)})
    return [quotes, push_end(DAY, number, 34_200 + 3 * number, parts=1, prev=push_id(DAY, number - 1))]


def synced() -> FeedReader:
    reader = FeedReader("risk_manager")
    reader.on_start()
    reader.on_message(FeedState(None, b"", 0, (), gap=False))
    return reader


def feed(reader: FeedReader, messages: list[Message]) -> tuple[list[int], list[object]]:
    pushes, outputs = [], []
    for message in messages:
        got, out = reader.on_message(message)
        for push in got:
            if not push.repeat:
                reader.apply(push)
            pushes.append(-push.push if push.repeat else push.push)
        outputs += out
    return pushes, outputs


def test_starts_by_asking_and_ignores_what_comes_before_the_answer() -> None:
    reader = FeedReader("risk_manager")
    (ask,) = reader.on_start()
    assert isinstance(ask, Request)
    assert ask.message == FeedStateRequest("risk_manager", 0, fresh=True)
    assert feed(reader, said(0)) == ([], [])


def test_pushes_in_order_and_repeats_marked() -> None:
    reader = synced()
    assert feed(reader, said(0) + said(1) + said(1)[-1:]) == ([push_id(DAY, 0), push_id(DAY, 1), -push_id(DAY, 1)], [])
    assert reader.table is not None
    assert list(reader.table.last) == [10_000, 0]


@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_message_is_asked_for_again(lost: int) -> None:
    reader = synced()
    feed(reader, said(0))
    hurt = said(1)
    del hurt[lost]
    pushes, outputs = feed(reader, hurt + said(2))
    assert pushes == []
    (ask,) = outputs
    assert isinstance(ask, Request)
    assert ask.message == FeedStateRequest("risk_manager", push_id(DAY, 0), fresh=False)
    frames = tuple(encode_body(message) for number in (1, 2) for message in said(number, 11.0))
    assert feed(reader, [FeedState(None, b"", 0, frames, gap=False)]) == ([push_id(DAY, 1), push_id(DAY, 2)], [])
    assert reader.repairs == 1


def test_restart_gets_the_values_before_the_current_push() -> None:
    old = synced()
    feed(old, said(0) + said(1, 9.5))
    assert old.table is not None
    before = encode_body(old.table.to_batch(0, push_end(DAY, 1, 34_203, prev=0).phase))
    reader = FeedReader("risk_manager", have=push_id(DAY, 2))
    reader.on_start()
    frames = tuple(encode_body(message) for message in said(2, 9.9))
    (push,), _ = reader.on_message(FeedState(day_opened(TABLE), before, push_id(DAY, 1), frames, gap=False))
    assert (push.push, push.first, push.gap) == (push_id(DAY, 2), True, False)
    reader.before(push)
    assert reader.table is not None
    assert reader.table.last[0] == 9_500
    reader.apply(push)
    assert reader.table.last[0] == 9_900


def test_a_gap_is_said() -> None:
    reader = synced()
    feed(reader, said(0))
    frames = tuple(encode_body(message) for message in said(5))
    reader.on_message(said(3)[-1])
    (push,), _ = reader.on_message(FeedState(day_opened(TABLE), b"", push_id(DAY, 4), frames, gap=True))
    assert push.gap
    assert push.push == push_id(DAY, 5)


def test_day_change_needs_its_day() -> None:
    reader = synced()
    feed(reader, said(0) + said(1))
    end = push_end(20260106, 0, 9 * 3600, prev=push_id(DAY, 1))
    pushes, outputs = feed(reader, [end])
    assert pushes == []
    assert len(outputs) == 1
