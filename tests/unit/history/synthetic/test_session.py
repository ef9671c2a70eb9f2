"""What a made tape shows: auctions that hide the open, a close that stands still, boards that seal."""

from collections import Counter

import numpy as np
import pytest

from bench.fills import synthetic_queues
from common.domain.calendar import S1457, S1500, second_of_day
from common.domain.values import Phase
from common.history.synthetic.actors import CAST
from common.history.synthetic.market import MarketPaths, make_market
from common.history.synthetic.params import MarketParams
from common.history.synthetic.session import SEAL_E3, SEAL_TIMES
from common.history.tape import TapeReader
from common.messages.columns import Instruments, QuoteTable, quotes_of

ROLES = {actor.role: actor.symbol for actor in CAST}


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> MarketPaths:
    return make_market(tmp_path_factory.mktemp("market"), MarketParams(stocks=60, interval_s=15))


def test_auctions_hide_the_open(market: MarketPaths) -> None:
    phases: Counter[Phase] = Counter()
    moved = 0
    for push in TapeReader(market.tapes[0]).pushes():
        second = second_of_day(push.end.ts_ns)
        phases[push.end.phase] += 1
        for batch in push.batches:
            quotes = quotes_of(batch)
            if push.end.phase is Phase.OPEN_AUCTION:
                assert not quotes.volume.any()
                assert not np.stack([quotes.open, quotes.high, quotes.low]).any()
                assert (quotes.bid_price[0] == quotes.ask_price[0]).all()
                moved += len(quotes.index)
            elif push.end.phase is not Phase.PRE_OPEN:
                assert (quotes.open > 0).all()
                assert (quotes.low <= quotes.last).all()
                assert (quotes.last <= quotes.high).all()
            if S1457 < second < S1500:
                assert (quotes.bid_price[0] == quotes.ask_price[0]).all()
    assert moved > 500
    assert phases[Phase.CONTINUOUS] == 948
    assert (phases[Phase.PRE_OPEN], phases[Phase.CLOSED]) == (1, 1)


def test_the_close_stands_still_in_the_closing_auction(market: MarketPaths) -> None:
    table: QuoteTable | None = None
    before = None
    for push in TapeReader(market.tapes[0]).pushes():
        if push.day is not None:
            table = QuoteTable(len(push.day.instruments.symbols))
        assert table is not None
        for batch in push.batches:
            table.apply(batch)
        second = second_of_day(push.end.ts_ns)
        if second == S1457:
            before = table.last.copy(), table.volume.copy()
        elif S1457 < second < S1500 and before is not None:
            np.testing.assert_array_equal(table.last, before[0])
            np.testing.assert_array_equal(table.volume, before[1])
    assert before is not None
    assert table is not None
    assert (table.volume > before[1]).sum() > 50
    assert push.end.last_of_day


def test_a_sealed_board_shows_a_queue_and_nothing_for_sale(market: MarketPaths) -> None:
    sealed = offered = 0
    seal = next(actor.seal for actor in CAST if actor.role == "QUEUE")
    for push in TapeReader(market.tapes[1]).pushes():
        if push.day is not None:
            instruments = Instruments(push.day.instruments)
        if push.end.phase is not Phase.CONTINUOUS:
            continue
        for batch in push.batches:
            quotes = quotes_of(batch)
            up = instruments.up_limit[quotes.index]
            at_limit = (up > 0) & (quotes.last == up)
            full = at_limit & (quotes.bid_price[0] == up)
            assert not quotes.ask_price[:, full].any()
            some = at_limit & ~full
            assert (quotes.ask_price[0, some] == up[some]).all()
            offered += int(some.sum())
            queue = quotes.index == instruments.index[ROLES["QUEUE"]]
            assert (quotes.bid_volume[0, queue & full] == seal).all()
            sealed += int((queue & full).sum())
    assert sealed > 300
    assert offered >= 3


def test_queues_at_the_limit_are_as_thick_beside_the_turnover_as_real_ones(market: MarketPaths) -> None:
    found = synthetic_queues(market.tapes)
    assert found["boards"] >= 2
    low, *_, high = found["queue_to_turnover"]
    assert SEAL_E3[0] * 0.9 <= low * 1000
    assert high * 1000 <= max(SEAL_E3[-1], SEAL_TIMES * 1000)
