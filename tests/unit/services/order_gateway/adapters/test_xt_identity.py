"""Whose an order is: by request, by number, by remark whole or cut, and by its looks only when nothing else can tell."""

from typing import Any

import pytest

from common.domain.values import Side
from services.order_gateway.adapters.xt_identity import Echo, Identity, Sent, Verdict
from services.order_gateway.calls import CounterDeal, CounterOrder, CounterStatus

DAY, A = 20260105, "600001.SH"
MINE, OTHER = "260105AAAAAAAAAAAAAA", "260105BBBBBBBBBBBBBB"
NOW, LATER = 1_000, 10_000
"""Before and after the answer was due."""


def sent(coid: str = MINE, shares: int = 1_000, **changes: Any) -> Sent:
    fields: dict[str, Any] = {"symbol": A, "side": Side.BUY, "day": DAY, "at_ns": 0, "until_ns": 5_000}
    return Sent(coid, shares=shares, **(fields | changes))


def order(remark: str = "", number: str = "1001", shares: int = 1_000, **changes: Any) -> CounterOrder:
    fields: dict[str, Any] = {"day": DAY, "symbol": A, "side": Side.BUY, "price": 0, "status": CounterStatus.WORKING}
    return CounterOrder(number, remark, shares=shares, **(fields | changes))


def deal(remark: str = "", number: str = "1001") -> CounterDeal:
    return CounterDeal("D1", number, remark, DAY, A, Side.BUY, 300, 9_990)


def identity(*orders: Sent) -> Identity:
    found = Identity()
    for each in orders:
        found.note(each)
    return found


def test_a_whole_remark_names_the_order_and_shows_that_remarks_come_back() -> None:
    ours = identity(sent())
    assert ours.order(order(MINE), NOW) == (Verdict.PASS, order(MINE))
    assert ours.of_number(DAY, "1001") == MINE
    assert ours.echo is Echo.WHOLE


@pytest.mark.parametrize("length", [12, 15, 19])
def test_a_cut_remark_names_the_only_order_it_can_mean(length: int) -> None:
    ours = identity(sent())
    assert ours.order(order(MINE[:length]), NOW) == (Verdict.PASS, order(MINE))
    assert ours.echo is Echo.CUT
    two = identity(sent("260105AAAAAAA1AAAAAA"), sent("260105AAAAAAA2AAAAAA"))
    assert two.order(order("260105AAAAAAA"), NOW)[0] is Verdict.HOLD, "it means either: the answers tell"


def test_an_answer_is_known_by_its_request_before_its_remark() -> None:
    ours = identity(sent(), sent(OTHER))
    ours.numbered(MINE, 5)
    assert ours.of_request(5, "") == MINE
    assert ours.of_request(5, OTHER) == MINE
    assert ours.of_request(6, OTHER) == OTHER
    assert ours.of_request(7, "rewritten") == ""
    ours.forget_requests()
    assert ours.of_request(5, "") == "", "a new session counts anew"


def test_a_number_outlives_a_remark_that_was_rewritten() -> None:
    ours = identity(sent())
    ours.tie(MINE, DAY, "1001")
    assert ours.order(order("rewritten"), NOW) == (Verdict.PASS, order(MINE))
    assert ours.deal(deal(""), NOW) == (Verdict.PASS, deal(MINE))
    assert ours.of_number(20260106, "1001") == "", "numbers begin anew each day"


def test_what_may_be_ours_waits_for_the_answer() -> None:
    ours = identity(sent())
    assert ours.order(order("rewritten"), NOW)[0] is Verdict.HOLD
    assert ours.deal(deal(""), NOW)[0] is Verdict.HOLD
    assert ours.listed([order("rewritten")], NOW)[0] is False
    ours.tie(MINE, DAY, "1001")
    assert ours.order(order("rewritten"), NOW) == (Verdict.PASS, order(MINE))


def test_without_an_answer_the_whole_list_tells_when_it_can_mean_one_only() -> None:
    ours = identity(sent())
    assert ours.order(order("rewritten"), LATER)[0] is Verdict.LEAVE, "a push alone proves nothing"
    assert ours.listed([order("rewritten"), order("", "1002", 500)], LATER) == (
        True, [order(MINE), order("", "1002", 500)],
    )  # fmt: skip
    assert ours.of_number(DAY, "1001") == MINE


def test_two_that_look_alike_are_nobodys() -> None:
    ours = identity(sent())
    alike = [order("x"), order("y", "1002")]
    assert ours.listed(alike, LATER) == (True, alike)
    assert ours.listed(alike[:1], LATER) == (True, alike[:1]), "and stay so"
    two = identity(sent(), sent(OTHER))
    assert two.listed([order("x")], LATER) == (True, [order("x")])


def test_what_was_there_before_ours_was_sent_is_not_ours() -> None:
    ours = Identity()
    by_hand = order("", "900")
    assert ours.order(by_hand, NOW) == (Verdict.PASS, by_hand)
    ours.note(sent())
    assert ours.listed([by_hand, order("x")], LATER) == (True, [by_hand, order(MINE)])


def test_once_remarks_were_seen_whole_looks_count_for_nothing() -> None:
    ours = identity(sent(OTHER), sent())
    ours.order(order(OTHER, "1"), NOW)
    assert ours.order(order("", "2"), NOW) == (Verdict.PASS, order("", "2"))
    assert ours.listed([order("", "2")], LATER) == (True, [order("", "2")])


def test_a_second_order_under_one_remark_is_told_as_it_is() -> None:
    ours = identity(sent())
    ours.order(order(MINE), NOW)
    assert ours.order(order(MINE, "1002"), NOW) == (Verdict.PASS, order(MINE, "1002"))
    assert ours.of_number(DAY, "1002") == ""


def test_a_new_day_forgets_the_old_one() -> None:
    ours = identity(sent())
    ours.tie(MINE, DAY, "1001")
    ours.note(sent("260106AAAAAAAAAAAAAA", day=20260106))
    assert set(ours.sent) == {"260106AAAAAAAAAAAAAA"}
    assert ours.tied == frozenset()


def test_an_error_of_another_session_with_a_number_like_ours_is_not_ours() -> None:
    ours = identity(sent())
    ours.numbered(MINE, 5)
    assert ours.of_error(DAY, "", 5, "") == MINE
    assert ours.of_error(DAY, "2002", 5, "") == MINE, "its own number may come with the error"
    ours.tie(MINE, DAY, "1001")
    assert ours.of_error(DAY, "2002", 5, "") == ""
    assert ours.of_error(DAY, "1001", 9, "by hand") == MINE
    ours.order(order(MINE), NOW)
    assert ours.of_error(DAY, "", 5, "") == "", "remarks come back whole, and this one has none"
    assert ours.of_error(DAY, "", 5, MINE) == MINE


def test_an_id_of_ours_from_before_a_start_shows_that_remarks_come_back() -> None:
    ours = Identity()
    assert ours.listed([order("by hand"), order(OTHER, "2")], NOW)[0]
    assert ours.echo is Echo.WHOLE
