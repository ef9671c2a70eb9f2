"""Each condition at its edges, on cross-sections of a stock or two written by hand."""

from typing import Any

import numpy as np
import pytest

from common.screens.conditions import CONDITIONS, Verdicts
from common.screens.cross import Bar, Cross, MergedPair, Span
from common.screens.params import read_params
from common.screens.screen import parse_screen, run_screen


def column(*values: int) -> np.ndarray:  # type: ignore[type-arg]
    return np.array(values, np.int64)


class Fixed:
    """Windows that are what a test says."""

    def __init__(self, span: Span, pair: MergedPair, st: int) -> None:
        self._span, self._pair, self._st = span, pair, st
        self.asked: list[int] = []

    def span(self, sessions: int) -> Span:
        self.asked.append(sessions)
        return self._span

    def merged(self, bars: int) -> MergedPair:
        self.asked.append(bars)
        return self._pair

    def recent_st(self, months: int) -> Any:
        self.asked.append(months)
        return column(self._st)


def one(**changes: Any) -> Cross:
    """Return a cross-section of one quiet stock."""
    span = changes.pop("span", Span(column(11_500), column(10_000), column(60), column(600_000_000)))
    pair = changes.pop("pair", MergedPair(np.array([True]), *(column(n) for n in (100, 90, 99, 89))))
    cross = Cross(
        day=20260105,
        symbols=("600000.SH",),
        names=("n",),
        listed=np.array([True]),
        board=column(1),
        bar=Bar(*(column(n) for n in (10_050, 10_100, 9_900, 10_050, 1_000_000))),
        last_close=column(10_050),
        float_shares=column(100_000_000),
        listed_sessions=column(60),
        suspended=np.array([False]),
        up_limit=column(11_060),
        lacking={},
        sessions=60,
        hole="",
        windows=Fixed(span, pair, changes.pop("st", 0)),
    )
    return cross._replace(**changes)


def judge(name: str, cross: Cross, **given: object) -> Verdicts:
    values, problems = read_params(CONDITIONS[name].params, given)
    assert problems == []
    return CONDITIONS[name].judge(cross, values)


def passes(name: str, cross: Cross, **given: object) -> bool:
    return bool(judge(name, cross, **given).passed[0])


def bar(*numbers: int) -> Bar:
    return Bar(*(column(n) for n in (*numbers, 1_000_000)))


@pytest.mark.parametrize(
    ("name", "given", "inside", "outside"),
    [
        ("float_value", {"float_value_min": 1_005_000_000}, one(), one(float_shares=column(99_999_999))),
        ("float_value", {"float_value_max": 1_005_000_000}, one(), one(last_close=column(10_051))),
        ("float_value", {}, one(), one(float_shares=column(0))),
        ("no_recent_st", {}, one(), one(st=2)),
        ("no_recent_st", {"st_unknown": "allow"}, one(st=2), one(st=1)),
        ("not_suspended", {}, one(), one(suspended=np.array([True]))),
        ("has_limit", {}, one(), one(up_limit=column(0))),
        ("listed_sessions", {"listed_min": 60}, one(), one(listed_sessions=column(59))),
        ("traded_sessions", {"traded_min": 40}, one(), one(span=Span(*(column(n) for n in (2, 1, 39, 1))))),
        ("price", {"price_min": 10.05, "price_max": 10.05}, one(), one(last_close=column(10_049))),
        ("price", {"price_max": 10.05}, one(), one(last_close=column(10_051))),
        ("price", {}, one(), one(last_close=column(0))),
        ("turnover", {"sessions": 60, "turnover_min": 10_000}, one(), one(span=Span(*(column(n) for n in (2, 1, 60, 599_999_999))))),
        ("turnover", {"sessions": 60, "turnover_max": 10_000}, one(), one(span=Span(*(column(n) for n in (2, 1, 60, 600_000_001))))),
        ("turnover_rate", {"turnover_rate_bp_min": 100}, one(), one(float_shares=column(100_000_001))),
        ("turnover_rate", {"turnover_rate_bp_max": 100}, one(), one(float_shares=column(99_999_999))),
        ("turnover_rate", {}, one(), one(float_shares=column(0))),
        ("amplitude", {"amplitude_bp_max": 1_500}, one(), one(span=Span(*(column(n) for n in (11_501, 10_000, 60, 1))))),
        ("amplitude", {"amplitude_bp_min": 1_500}, one(), one(span=Span(*(column(n) for n in (11_499, 10_000, 60, 1))))),
        ("amplitude", {}, one(), one(span=Span(*(column(n) for n in (0, 0, 0, 0))))),
        ("board", {"boards": ["main"]}, one(), one(board=column(2))),
        # the shadow is twice the body and half of the whole bar, exactly; then a little less of each
        ("long_lower_shadow", {}, one(bar=bar(10_100, 10_200, 10_000, 10_150)), one(bar=bar(10_100, 10_200, 10_000, 10_160))),
        ("long_lower_shadow", {}, one(bar=bar(10_100, 10_200, 10_000, 10_100)), one(bar=bar(10_100, 10_210, 10_000, 10_100))),
        ("long_lower_shadow", {"body_times": 3}, one(bar=bar(10_150, 10_200, 10_000, 10_200)), one(bar=bar(10_140, 10_200, 10_000, 10_190))),
        ("long_lower_shadow", {"shadow_bp_min": 0}, one(bar=bar(10_100, 10_900, 10_000, 10_100)), one(bar=bar(10_000, 10_000, 10_000, 10_000))),
        ("long_lower_shadow", {}, one(bar=bar(10_100, 10_200, 10_000, 10_100)), one(bar=bar(0, 0, 0, 0))),
        ("bottom_below", {}, one(), one(pair=MergedPair(np.array([True]), *(column(n) for n in (100, 90, 100, 89))))),
        ("bottom_below", {}, one(), one(pair=MergedPair(np.array([True]), *(column(n) for n in (100, 90, 99, 90))))),
        ("bottom_below", {}, one(), one(pair=MergedPair(np.array([False]), *(column(n) for n in (100, 90, 99, 89))))),
        ("bottom_below", {}, one(), one(bar=bar(0, 0, 0, 0))),
    ],
)  # fmt: skip
def test_edges(name: str, given: dict[str, object], inside: Cross, outside: Cross) -> None:
    assert passes(name, inside, **given)
    assert not passes(name, outside, **given)


def test_every_condition_gives_the_numbers_it_says_it_gives() -> None:
    for name, condition in CONDITIONS.items():
        given = {"boards": ["main"]} if name == "board" else {}
        assert tuple(judge(name, one(), **given).numbers) == condition.numbers, name


def test_windows_are_asked_for_what_the_parameters_say() -> None:
    cross = one()
    for name, given in (
        ("amplitude", {"sessions": 7}),
        ("traded_sessions", {"sessions": 8}),
        ("turnover", {"sessions": 9}),
        ("bottom_below", {"sessions": 10}),
        ("no_recent_st", {"st_months": 11}),
    ):
        judge(name, cross, **given)
    assert cross.windows.asked == [7, 8, 9, 10, 11]  # type: ignore[attr-defined]


def test_a_condition_used_twice_keeps_both_numbers_apart() -> None:
    twice = [{"use": "price", "price_min": 1}, {"use": "price", "as": "cheap", "price_max": 50}]
    result = run_screen(parse_screen("mine", {"condition": twice, "context": ["cheap_close"]}), one())
    assert set(result.numbers) == {"float_value", "close", "cheap_close"}
    assert {name: int(values[0]) for name, values in result.context().items()}["cheap_close"] == 10_050
    assert [verdict.check.limits() for verdict in result.verdicts] == [
        {"price_min": 1_000},
        {"cheap_price_max": 50_000},
    ]


def test_half_a_market_is_no_pool_unless_its_board_does_not_matter() -> None:
    cross = one(lacking={1: "half of it is missing"})
    main, other = (
        parse_screen("mine", {"condition": [{"use": "board", "boards": boards}]}) for boards in (["main"], ["star"])
    )
    assert run_screen(main, cross).lacks == "half of it is missing"
    assert run_screen(other, cross).lacks == ""
    long = parse_screen("mine", {"condition": [{"use": "amplitude", "sessions": 61}]})
    assert run_screen(long, one(hole="history begins later")).lacks == "history begins later"
