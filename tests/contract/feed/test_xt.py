"""The live feed by what the vendor does to it, over the real xtdata layer: every [U] and [?] both ways."""

from collections.abc import Callable

import pytest

from common.domain.calendar import hms, second_of_day, ts_of
from common.domain.values import Phase
from services.market_data.adapters.xt import XtAdapter
from tests.builders import DAY, PREV_DAY, Quote
from tests.contract.feed.live import A, begun, numbers, tick_at, values
from tests.contract.feed.sources import CLOSES, Moment, Replay, Xt, quote
from tests.fakes.xtquant.quotes import vendor_tick
from tests.fakes.xtquant.terminal import Switches

# ---------------------------------------------------------------------- what comes through


def test_the_day_is_that_of_a_tape_with_the_same_quotes(xt: Xt, tmp_path_factory: pytest.TempPathFactory) -> None:
    live = xt.rig()
    xt.play(live)
    tape = Replay(tmp_path_factory.mktemp("tape"))
    played = tape.rig()
    tape.play(played)
    tape.close()
    assert [(second_of_day(push.end.ts_ns), push.end.phase) for push in live.heard] == [
        (second_of_day(push.end.ts_ns), push.end.phase) for push in played.heard
    ]
    ours = {symbol: at for at, symbol in enumerate(sorted(CLOSES))}
    theirs = {symbol: at for at, symbol in enumerate(CLOSES)}
    for name in ("last", "open", "high", "low", "volume", "turnover", "time_ms"):
        one, other = getattr(values(live), name), getattr(values(played), name)
        assert [one[ours[symbol]] for symbol in CLOSES] == [other[theirs[symbol]] for symbol in CLOSES], name
    for name in ("bid_price", "bid_volume", "ask_price", "ask_volume"):
        one, other = getattr(values(live), name), getattr(values(played), name)
        assert all((one[:, ours[symbol]] == other[:, theirs[symbol]]).all() for symbol in CLOSES), name


def _shares(switches: Switches) -> None:
    switches.lots_of = dict.fromkeys(switches.lots_of, 1)


def _star_in_shares(switches: Switches) -> None:
    switches.lots_of["STAR"] = switches.lots_of["BJ"] = 1


def _no_pvolume(switches: Switches) -> None:
    switches.pvolume = False


def _one_level(switches: Switches) -> None:
    switches.levels = 1


def _parts(switches: Switches) -> None:
    switches.snapshot_pushes = 5


def _no_snapshot(switches: Switches) -> None:
    switches.snapshot_pushes = 0


def _no_noise(switches: Switches) -> None:
    switches.noise = False


WAYS: list[Callable[[Switches], None]] = [
    _shares, _star_in_shares, _no_pvolume, _one_level, _parts, _no_snapshot, _no_noise,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.strip("_"))
def test_right_whatever_the_client_turns_out_to_do(xt: Xt, way: Callable[[Switches], None]) -> None:
    switches = xt.terminal.switches
    way(switches)
    for symbol, close in CLOSES.items():
        before = Quote(close, high=close + 0.1, low=close - 0.1, volume=200_000)
        xt.terminal.ticks[symbol] = vendor_tick(symbol, before, PREV_DAY, hms("15:00:00"), switches)
    rig = begun(xt)
    for at in ("09:30:03", "09:30:06", "09:30:09", "09:30:12"):
        tick_at(xt, rig, at)
    at = sorted(CLOSES).index(A)
    told = quote(A, 3, 60_000 + hms("09:30:12"))
    assert values(rig).last[at] == told.last
    exact = switches.pvolume or switches.lots_of["SH"] == 1
    assert values(rig).volume[at] == (told.volume if exact else told.volume // 100 * 100)
    assert values(rig).turnover[at] == told.turnover
    assert values(rig).ask_volume[0, at] == 1_000
    assert (values(rig).ask_price[:, at] > 0).sum() == switches.levels
    assert set(values(rig).time_ms.tolist()) == {hms("09:30:12") * 1000}


def test_an_exchange_whose_units_cannot_be_told_is_refused(xt: Xt) -> None:
    for symbol in CLOSES:
        if symbol.endswith("SZ"):
            xt.terminal.ticks[symbol]["amount"] *= 37
    rig = begun(xt)
    xt.terminal.switches.lots_of["SZ"] = 37
    tick_at(xt, rig, "09:30:03")
    quoted = {symbol for symbol, time in zip(sorted(CLOSES), values(rig).time_ms, strict=True) if time}
    assert quoted == {symbol for symbol in CLOSES if not symbol.endswith("SZ")}
    assert numbers(rig)["refused_units"] == 4
    tick_at(xt, rig, "09:30:12")
    assert rig.heard[-1].end.silent == ("SZ",)


def test_junk_and_pushes_without_news_count_but_change_nothing(xt: Xt) -> None:
    rig = begun(xt)
    tick_at(xt, rig, "09:30:03")
    heard = len(rig.heard)
    xt.push(rig, Moment(hms("09:30:06"), {}))
    assert len(rig.heard) == heard + 1
    assert (rig.heard[-1].end.parts, rig.heard[-1].end.phase) == (0, Phase.CONTINUOUS)
    xt.push(rig, Moment(hms("12:10:00"), {}))
    assert len(rig.heard) == heard + 1, "nobody waits for anything at lunch"


def test_the_trace_carries_the_exchange_s_time(xt: Xt) -> None:
    rig = begun(xt)
    tick_at(xt, rig, "09:30:03")
    assert rig.traces[-1].feed_ns == ts_of(DAY, hms("09:30:03"))


def test_quotes_that_come_late_or_twice_never_turn_a_stock_back(xt: Xt) -> None:
    rig = begun(xt)
    tick_at(xt, rig, "09:30:06", A)
    tick_at(xt, rig, "09:30:09", A)
    late = {A: vendor_tick(A, quote(A, 1, 50_000), DAY, hms("09:30:06"), xt.terminal.switches)}
    xt.clock.at_ns += 500_000_000
    xt.terminal.push(late)
    rig.turn()
    assert values(rig).time_ms[sorted(CLOSES).index(A)] == hms("09:30:09") * 1000
    xt.clock.at_ns += 1_000_000_000
    rig.turn()
    assert numbers(rig)["refused_older"] == 1


def test_two_pushes_between_two_looks_become_one_of_the_newest(xt: Xt) -> None:
    rig = begun(xt)
    tick_at(xt, rig, "09:30:03")
    heard = len(rig.heard)
    for volume in (200_000, 210_000):
        told = {A: vendor_tick(A, quote(A, 2, volume), DAY, hms("09:30:04"), xt.terminal.switches)}
        xt.terminal.push(told)
    rig.turn()  # within 200 ms of the push before
    assert len(rig.heard) == heard
    xt.clock.at_ns += 1_000_000_000
    rig.turn()
    assert len(rig.heard) == heard + 1
    assert values(rig).volume[sorted(CLOSES).index(A)] == 210_000
    xt.clock.at_ns += 2_000_000_000
    rig.turn()
    assert numbers(rig)["overwritten"] > 0


# ---------------------------------------------------------------------- the link


def test_a_link_that_drops_is_made_anew_and_the_next_push_comes_after_a_gap(xt: Xt) -> None:
    rig = begun(xt)
    tick_at(xt, rig, "09:30:03")
    xt.terminal.drop()
    rig.turn_until(lambda: "feed lost" in xt.word(rig), "the loss is seen")
    xt.clock.at_ns += 2_000_000_000
    rig.turn_until(lambda: numbers(rig)["links"] == 2 and xt.word(rig) == "live", "the new link")
    tick_at(xt, rig, "09:30:07")
    after = [push for push in rig.heard if second_of_day(push.end.ts_ns) >= hms("09:30:07") or push.end.gap]
    assert after[0].end.gap
    tick_at(xt, rig, "09:30:10")
    assert not rig.heard[-1].end.gap
    assert values(rig).time_ms.max() == hms("09:30:10") * 1000


def test_a_feed_that_dies_behind_a_link_that_stands_is_found_and_replaced(xt: Xt) -> None:
    rig = begun(xt)
    tick_at(xt, rig, "09:30:03")
    xt.terminal.mute = True
    tick_at(xt, rig, "09:30:06")
    xt.at("09:30:12")
    rig.turn()
    assert numbers(rig)["links"] == 1
    xt.at("09:30:14")
    rig.turn()
    assert xt.word(rig) == "feed lost: no push although the link stands"
    xt.terminal.mute = False
    xt.clock.at_ns += 1_500_000_000
    rig.turn_until(lambda: numbers(rig)["links"] == 2 and xt.word(rig) == "live", "the new link")
    tick_at(xt, rig, "09:30:18")
    assert any(push.end.gap for push in rig.heard[2:])


def test_one_exchange_that_falls_silent_is_named_and_the_link_made_anew(xt: Xt) -> None:
    rig = begun(xt)
    shanghai = [symbol for symbol in CLOSES if symbol.endswith("SH")]
    tick_at(xt, rig, "09:30:03")
    for at in ("09:30:06", "09:30:09"):
        tick_at(xt, rig, at, *shanghai)
    assert rig.heard[-1].end.silent == ()
    tick_at(xt, rig, "09:30:10", *shanghai)
    assert rig.heard[-1].end.silent == ("SZ", "BJ")
    tick_at(xt, rig, "09:30:15", *shanghai)
    rig.turn()
    assert "feed lost" in xt.word(rig)
    xt.clock.at_ns += 1_500_000_000
    rig.turn_until(lambda: numbers(rig)["links"] == 2 and xt.word(rig) == "live", "the new link")
    tick_at(xt, rig, "09:30:18")
    tick_at(xt, rig, "09:30:21")
    assert rig.heard[-1].end.silent == ()


def test_a_client_that_is_away_is_asked_again_and_again(xt: Xt) -> None:
    xt.terminal.addresses.clear()
    rig = xt.rig()
    xt.at("08:55:01")
    rig.turn_until(lambda: "feed lost" in xt.word(rig), "the failure")
    assert not rig.heard
    xt.terminal.addresses.add("127.0.0.1:58610")
    xt.at("09:00:30")
    rig.turn_until(lambda: bool(rig.heard), "the day opens")
    assert rig.heard[0].day is not None


def test_a_try_that_hangs_is_given_up_and_what_it_still_says_is_not_heard(xt: Xt) -> None:
    rig = begun(xt)
    adapter = rig.adapter
    assert isinstance(adapter, XtAdapter)
    assert adapter._link is not None
    old = adapter._link
    old.state = "connecting"
    xt.at("09:10:00")
    rig.turn()
    assert "no answer within" in xt.word(rig)
    before = adapter._handover.pushes
    old._on_push({A: {}})
    assert adapter._handover.pushes == before
