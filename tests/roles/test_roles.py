"""Role x socket x verb: the code's table is the one written by hand, and every cell holds on real sockets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from common.bus.reference import rows
from common.bus.roles import VERBS, may_say
from common.messages.codec import MESSAGES
from common.messages.header import Role
from tests.roles.cells import Doors, questions, try_all, try_verbs
from tests.roles.matrix import COLUMNS, by_hand


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[Doors]:
    made = Doors(tmp_path)
    yield made
    made.close()


def test_the_code_says_what_the_hand_wrote() -> None:
    assert {(place, verb): roles for place, verb, roles in rows()} == by_hand()
    assert set(COLUMNS) == set(Role) - {Role.STRANGER}


def test_what_stands_in_no_row_nobody_may_say() -> None:
    hand = by_hand()
    kinds = {verb.partition(":")[0] for _, verb in hand}
    for place in {place for place, _ in hand if not place.endswith("/pub")}:
        service, link = place.split("/")
        for kind in MESSAGES:
            said = {role for role in Role if may_say(service, link, kind, role)}
            assert not said or any(place == at and kind == verb.partition(":")[0] for at, verb in hand), (place, kind)
    assert len(kinds) > 15


@pytest.mark.timeout(100)  # five services' doors, and one thread that answers at all of them
def test_every_cell_on_real_sockets(doors: Doors) -> None:
    done = try_all(doors)
    print(done.line())
    assert done.wrong == ()
    assert done.verbs == 7 * 2 * len(COLUMNS) * len(questions())
    assert len(questions()) > 20
    assert done.doors == 21 * (len(COLUMNS) + 2)
    assert done.dead == 20 * (len(COLUMNS) + 2)


def test_a_wrong_cell_is_found_out(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VERBS["order_gateway", "ask"], "SubmitOrder", frozenset({Role.READ_ONLY}))
    through = dict(try_verbs(doors, Role.READ_ONLY, "order_gateway", "ask"))
    assert through["SubmitOrder"]
    assert not dict(try_verbs(doors, Role.RISK, "order_gateway", "ask"))["SubmitOrder"]
