"""Dicts of the vendor as columns: units, rounding, junk, and damage of every kind."""

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.domain.calendar import hms, ts_of
from common.messages.columns import Quotes
from services.market_data.adapters.xt_columns import Settled, Units, read_push, settle
from tests.builders import DAY

ROWS = {"600000.SH": 0, "000001.SZ": 1, "920001.BJ": 2}
GROUPS = np.array([0, 2, 3], np.uint8)
DAY_MS = ts_of(DAY, 0) // 1_000_000
NOW_MS = DAY_MS + 12 * 3_600_000
LOTS, EXACT, SHARES, OPEN = Units(100, False), Units(100, True), Units(1, False), Units(0, False)
SAMPLE = {
    "time": DAY_MS + hms("10:00:03") * 1000, "lastPrice": 11.39, "open": 11.39, "high": 11.4, "low": 11.31,
    "lastClose": 11.38, "amount": 862127800.0, "volume": 758613, "pvolume": 75861284, "stockStatus": 3, "openInt": 13,
    "transactionNum": 37062, "lastSettlementPrice": 11.38, "settlementPrice": 0.0, "pe": 0.0,
    "askPrice": [11.4, 11.41, 11.42, 11.43, 11.44], "bidPrice": [11.39, 11.38, 11.370000000000001, 11.36, 11.35],
    "askVol": [10929, 12401, 6671, 4555, 6708], "bidVol": [2429, 7127, 7146, 9111, 12189],
    "volRatio": 0.0, "speed1Min": 0.0, "speed5Min": 0.0,
}  # fmt: skip
"""The sample of the vendor's own documentation, on another day."""


def settled(push: dict[str, Any], *units: Units) -> tuple[Settled, Counter[str]]:
    defects: Counter[str] = Counter()
    raw = read_push(push, ROWS, defects)
    return settle(raw, GROUPS, [*units, *[LOTS] * (4 - len(units))], DAY_MS, NOW_MS), defects


def test_the_vendor_s_sample_in_our_units() -> None:
    quotes = settled({"600000.SH": SAMPLE}, EXACT)[0].quotes
    scalars = (quotes.time_ms, quotes.last, quotes.prev_close, quotes.open, quotes.high, quotes.low, quotes.volume)
    assert [int(column[0]) for column in scalars] == [
        hms("10:00:03") * 1000, 11_390, 11_380, 11_390, 11_400, 11_310, 75_861_284,
    ]  # fmt: skip
    assert quotes.turnover.tolist() == [862_127_800_000]
    assert quotes.bid_price[:, 0].tolist() == [11_390, 11_380, 11_370, 11_360, 11_350]
    assert quotes.ask_volume[:, 0].tolist() == [1_092_900, 1_240_100, 667_100, 455_500, 670_800]


@pytest.mark.parametrize(
    ("units", "pvolume", "shares"),
    [(LOTS, 75_861_284, 75_861_300), (EXACT, 75_861_284, 75_861_284), (EXACT, 0, 75_861_300), (SHARES, 0, 758_613)],
)
def test_volume_in_shares_either_way(units: Units, pvolume: int, shares: int) -> None:
    found = settled({"600000.SH": SAMPLE | {"pvolume": pvolume}}, units)[0].quotes
    assert found.volume.tolist() == [shares]
    assert found.bid_volume[0, 0] == 2_429 * units.lots


def test_nothing_is_taken_of_a_group_whose_units_are_open() -> None:
    found, _ = settled({"600000.SH": SAMPLE, "000001.SZ": SAMPLE}, OPEN, LOTS, LOTS)
    assert found.quotes.index.tolist() == [1]
    assert found.refused == {"units": 1}


def test_junk_is_counted_and_cannot_hurt() -> None:
    push = {"000001.SH": {"lastPrice": 3000}, "600000.SH": SAMPLE, "IF00.IF": None, "000001.SZ": SAMPLE}
    found, defects = settled(push)
    assert found.quotes.index.tolist() == [0, 1]
    assert defects == {"junk": 2}
    assert settled({})[0].quotes.index.tolist() == []


DAMAGE: list[tuple[str, dict[str, Any], str]] = [
    ("no price", {"lastPrice": None}, "not finite"),
    ("no number has so many digits", {"volume": 10**400}, "unreadable"),
    ("text", {"lastPrice": "eleven"}, "unreadable"),
    ("text as long as a decimal", {"lastPrice": "a dozen!"}, "unreadable"),
    ("a whole number as long as a decimal", {"lastPrice": 2**40}, "too large"),
    ("the same in the book", {"askPrice": [2**40, 11.41, 11.42, 11.43, 11.44]}, "too large"),
    ("list", {"volume": [1]}, "unreadable"),
    ("nan", {"high": math.nan}, "not finite"),
    ("nan in the book", {"askPrice": [11.4, math.nan, 0, 0, 0]}, "not finite"),
    ("infinite", {"amount": math.inf}, "not finite"),
    ("negative", {"volume": -1}, "negative"),
    ("negative level", {"bidVol": [-5, 0, 0, 0, 0]}, "negative"),
    ("a price like no other", {"high": 5e6}, "too large"),
    ("a volume like no other", {"askVol": [10**9, 0, 0, 0, 0]}, "too large"),
    ("between ticks", {"lastPrice": 11.395}, "between ticks"),
    ("yesterday", {"time": DAY_MS - 1000}, "other day"),
    ("date only", {"time": DAY_MS}, "other day"),
    ("no time", {"time": 0}, "other day"),
    ("tomorrow", {"time": DAY_MS + 86_400_000}, "other day"),
    ("the future", {"time": NOW_MS + 1}, "from the future"),
    ("no close before", {"lastClose": 0.0}, "no price"),
    ("traded without a price", {"lastPrice": 0.0}, "no price"),
    ("not traded yet", {"lastPrice": 0.0, "volume": 0, "pvolume": 0, "amount": 0.0}, "no price"),
    ("in an auction while others trade", {"openInt": 12}, "auction"),
]


@pytest.mark.parametrize(("change", "why"), [case[1:] for case in DAMAGE], ids=[case[0] for case in DAMAGE])
def test_a_damaged_quote_is_refused_by_name_and_the_others_stay(change: dict[str, Any], why: str) -> None:
    push = {"600000.SH": SAMPLE, "000001.SZ": SAMPLE | change, "920001.BJ": SAMPLE}
    found, defects = settled(push)
    assert found.quotes.index.tolist() == [0, 2]
    assert Counter(found.refused) + defects == {why: 1}
    assert found.quotes.bid_price[:, 1].tolist() == [11_390, 11_380, 11_370, 11_360, 11_350]


def test_books_of_other_lengths_do_not_shift_those_of_others() -> None:
    push = {
        "600000.SH": SAMPLE | {"bidPrice": [11.39, 11.38, 11.37, 11.36, 11.35, 11.34]},
        "000001.SZ": SAMPLE | {"bidPrice": [11.39, 11.38, 11.37, 11.36]},
        "920001.BJ": {key: value for key, value in SAMPLE.items() if key not in ("pvolume", "bidPrice", "bidVol")},
    }
    found, _ = settled(push)
    assert found.quotes.bid_price[:, 0].tolist() == [11_390, 11_380, 11_370, 11_360, 11_350]
    assert found.quotes.bid_price[:, 1].tolist() == [11_390, 11_380, 11_370, 11_360, 0]
    assert found.quotes.bid_price[:, 2].tolist() == [0] * 5
    assert (found.quotes.ask_price[0] == 11_400).all()


def test_a_book_too_long_on_one_side_and_too_short_on_the_other_is_not_read_across() -> None:
    crooked = {"bidPrice": [11.39, 11.38, 11.37, 11.36, 11.35, 11.34], "askPrice": [11.4, 11.41, 11.42, 11.43]}
    quotes = settled({"600000.SH": SAMPLE | crooked, "000001.SZ": SAMPLE})[0].quotes
    assert quotes.bid_price[:, 0].tolist() == [11_390, 11_380, 11_370, 11_360, 11_350]
    assert quotes.ask_price[:, 0].tolist() == [11_400, 11_410, 11_420, 11_430, 0]
    assert quotes.ask_price[:, 1].tolist() == [11_400, 11_410, 11_420, 11_430, 11_440]


KINDS: tuple[Callable[[Any], Any], ...] = (float, int, np.float64, np.int64)


@settings(max_examples=100)
@given(st.lists(st.sampled_from(KINDS), min_size=30, max_size=30))
def test_the_kind_of_a_number_changes_nothing(kinds: list[Callable[[Any], Any]]) -> None:
    round_yuan = {
        key: value if key in ("time", "volume", "pvolume", "openInt") or "Vol" in key else np.rint(value).tolist()
        for key, value in SAMPLE.items()
    } | {"amount": 758613 * 1100.0, "askPrice": [12.0, 13.0, 14.0, 15.0, 16.0]}
    kind = iter(kinds)
    other = dict(round_yuan)
    for name in ("time", "lastPrice", "open", "high", "low", "lastClose", "amount", "volume", "pvolume", "openInt"):
        other[name] = next(kind)(other[name])
    for name in ("bidPrice", "bidVol", "askPrice", "askVol"):
        other[name] = [next(kind)(level) for level in other[name]]
    plain, defects = settled({"600000.SH": round_yuan, "000001.SZ": round_yuan}, EXACT)
    found, also = settled({"600000.SH": other, "000001.SZ": round_yuan}, EXACT)
    assert plain.quotes.index.tolist() == [0, 1]
    assert (found.refused, also) == (plain.refused, defects)
    for name in Quotes._fields:
        assert np.array_equal(getattr(found.quotes, name), getattr(plain.quotes, name))


def test_auction_prices_are_taken_while_the_auction_lasts() -> None:
    quote = SAMPLE | {"time": DAY_MS + hms("09:20:00") * 1000, "openInt": 12}
    assert settled({"600000.SH": quote})[0].quotes.index.tolist() == [0]


anything = st.one_of(
    st.none(), st.floats(), st.integers(-(2**70), 2**70), st.text(max_size=3), st.lists(st.floats(), max_size=7),
    st.binary(max_size=3), st.booleans(), st.lists(st.none(), max_size=5),
)  # fmt: skip


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(sorted(SAMPLE)), anything, max_size=6), st.booleans())
def test_whatever_comes_nothing_breaks_and_the_sound_stay(change: dict[str, Any], whole: bool) -> None:
    damaged: Any = change if whole else SAMPLE | change
    with np.errstate(all="ignore"):
        found, _ = settled({"600000.SH": damaged, "000001.SZ": SAMPLE})
    rows = found.quotes.index.tolist()
    assert rows in ([1], [0, 1])
    assert found.quotes.last[rows.index(1)] == 11_390
    assert (found.quotes.last >= 0).all()


@settings(max_examples=50)
@given(st.integers(1, 200_000), st.integers(-3, 3))
def test_every_price_in_ticks_survives_its_float(ticks: int, noise: int) -> None:
    price = ticks / 100
    for _ in range(abs(noise)):
        price = math.nextafter(price, math.inf if noise > 0 else 0)
    quote = SAMPLE | {"lastPrice": price}
    assert settled({"600000.SH": quote})[0].quotes.last.tolist() == [ticks * 10]
