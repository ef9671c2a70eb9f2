"""Watching a run: places, fills once each, restarts in the middle, silence, what a screen prints."""

import pytest

from common.domain.calendar import ts_of
from common.domain.values import push_id
from common.messages.control import Status
from common.messages.orders import Events, EventsRequest
from common.messages.outputs import Message
from services.cli import screen
from services.cli.books import Deal, deals_of, fills_in
from services.cli.faults import SilentError
from services.cli.follow import Follower, Place, Rate, place_of, session_second
from services.cli.home import Home
from services.cli.session import Session
from tests.conftest import CHECKOUT
from tests.unit.services.cli.fakes import FakeLink
from tests.unit.services.cli.test_books import DAY, fill


class Clock:
    """Time passes by sleeping only."""

    def __init__(self) -> None:
        self.at_ns = 1

    def now_ns(self) -> int:
        return self.at_ns

    def sleep(self, seconds: float) -> None:
        self.at_ns += int(seconds * 1e9)


class Board:
    """Remembers what it was shown."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.fills: list[str] = []
        self.closed = False

    def place(self, place: Place, rate: float) -> None:
        self.places.append(place)

    def deal(self, deal: Deal) -> None:
        self.fills.append(deal.first.fill.deal_id)

    def close(self) -> None:
        self.closed = True


def player(state: str, number: int) -> Status:
    numbers = {
        "day": DAY,
        "push": push_id(DAY, number),
        "push_number": number,
        "pushes_of_day": 100,
        "ts_ns": ts_of(DAY, 34_200 + number),
    }
    return Status("market_data", True, state, "0", "r", 0, numbers, {"waiting_for": "risk_manager"})


def follow(statuses: list[Message | None], pages: list[Message | None]) -> tuple[str, Board, FakeLink]:
    """Follow a run that gives these answers in turn; None is silence."""

    def turn(answers: list[Message | None]) -> object:
        left = list(answers)

        def answer(_message: Message) -> Message:
            found = left.pop(0) if len(left) > 1 else left[0]
            if found is None:
                raise SilentError("err.silent", peer="x", seconds=1)
            return found

        return answer

    link = FakeLink({("market_data", "StatusRequest"): turn(statuses), ("order_gateway", "EventsRequest"): turn(pages)})  # type: ignore[dict-item]
    session = Session("en", Home(CHECKOUT / "var"), connect=lambda _home: link)
    board = Board()
    return Follower(session, board, Clock()).run(), board, link


def test_each_fill_is_shown_once_and_the_end_is_seen() -> None:
    pages = [Events((fill(1), fill(2)), 2), Events((), 2), Events((fill(3),), 3)]
    state, board, link = follow([player("playing", 10), player("playing", 50), player("finished", 100)], pages)
    assert state == "finished"
    assert board.fills == ["d1", "d2", "d3"]
    assert [place.push for place in board.places] == [10, 50, 100]
    assert board.closed
    asked = [message.from_seq for _, message, _ in link.asked if isinstance(message, EventsRequest)]
    assert asked == [1, 3, 3]


def test_a_restart_in_the_middle_is_waited_out() -> None:
    state, board, _ = follow(
        [player("playing", 1), None, None, player("held", 2)], [None, Events((fill(1),), 1), Events((), 1)]
    )
    assert state == "held"
    assert board.fills == ["d1"]


def test_long_silence_ends_the_watching() -> None:
    with pytest.raises(SilentError):
        follow([player("playing", 1), None], [Events((), 0)])


def test_place() -> None:
    place = place_of(player("playing", 7))
    assert place == Place("playing", DAY, 7, 100, ts_of(DAY, 34_207), "risk_manager")


def test_rate_leaves_out_nights_and_lunch() -> None:
    rate = Rate()
    start = Place("playing", DAY, 1, 100, ts_of(DAY, 41_100), "")
    assert rate.add(Place("waiting", 0, 0, -1, 0, ""), 0) == 0.0
    assert rate.add(start, 1) == 0.0
    assert rate.add(start._replace(ts_ns=ts_of(DAY, 41_400)), 1_000_000_001) == pytest.approx(300)
    assert rate.add(start._replace(ts_ns=ts_of(DAY, 46_800)), 2_000_000_001) == pytest.approx(150)
    next_day = start._replace(day=DAY + 1, ts_ns=ts_of(DAY + 1, 9 * 3600))
    assert rate.add(next_day, 10_000_000_001) == pytest.approx(750)
    assert session_second(15 * 3600) == 4.25 * 3600


def test_plain_screen_prints_lines_without_control_codes(capsys: pytest.CaptureFixture[str]) -> None:
    shown = screen.choose("en")  # the test's output is no terminal
    for number in range(0, 101, 2):
        shown.place(place_of(player("playing", number)), 12.3)
    shown.place(place_of(player("finished", 100)), 12.3)
    shown.deal(deals_of(fills_in([fill(1)]))[0])
    shown.close()
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert 10 <= len(out.splitlines()) <= 14
    assert "push 100/100 12x finished" in out
    assert "fill 2026-01-05 09:35:00 buy 600519.SH 300 @ 12.20" in out


def test_progress_bar_shows_fills_above_itself(capsys: pytest.CaptureFixture[str]) -> None:
    shown = screen.BarScreen("zh")
    shown.place(Place("waiting", 0, 0, -1, 0, ""), 0.0)
    shown.place(place_of(player("playing", 7)), 300.0)
    shown.deal(deals_of(fills_in([fill(1)]))[0])
    shown.close()
    out = capsys.readouterr().out
    assert "成交 2026-01-05 09:35:00 买入 600519.SH 300 股 @ 12.20" in out
    assert "推送 7/100" in out
