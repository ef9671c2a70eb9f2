"""Vendor quotes and instrument details made from ours, with everything the switches say about units, noise and rights."""

from typing import Any

from common.domain.calendar import ts_of
from common.domain.values import Board, Day
from common.rules.boards import board_of
from tests.builders import Quote
from tests.fakes.xtquant.terminal import Switches, Tick

NOISE = 4e-15
"""What a float of 11.37 is off by at times. notes §2.2 [U]."""
LEVELS = 5


def vendor_tick(symbol: str, quote: Quote, day: Day, second: int, switches: Switches, state: int = 13) -> Tick:
    """Return a quote as whole-market pushes carry it (notes §2.2)."""
    exchange = "STAR" if board_of(symbol, day) is Board.STAR else symbol.rpartition(".")[2]
    lots = switches.lots_of[exchange]

    def yuan(milli: int) -> float:
        return milli / 1000 * (1 + (NOISE if switches.noise else 0))

    def side(levels: Any, which: int) -> list[Any]:
        told = [(yuan(round(level[0] * 1000)), level[1] // lots) for level in levels[: switches.levels]]
        return [level[which] for level in told] + [0.0 if which == 0 else 0] * (LEVELS - len(told))

    return {
        "time": ts_of(day, quote.second or second) // 1_000_000,
        "lastPrice": yuan(quote.last), "open": yuan(quote.open), "high": yuan(quote.high), "low": yuan(quote.low),
        "lastClose": yuan(quote.last), "amount": quote.turnover / 1000, "volume": quote.volume // lots,
        "pvolume": quote.volume if switches.pvolume else 0, "stockStatus": 3, "openInt": state,
        "transactionNum": 7, "lastSettlementPrice": 0.0, "settlementPrice": 0.0, "pe": 0.0,
        "askPrice": side(quote.ask, 0), "bidPrice": side(quote.bid, 0), "askVol": side(quote.ask, 1),
        "bidVol": side(quote.bid, 1), "volRatio": 0.0, "speed1Min": 0.0, "speed5Min": 0.0,
    }  # fmt: skip


def vendor_detail(symbol: str, prev_close: int, day: Day, **changes: Any) -> dict[str, Any]:
    """Return the details of an instrument with limits of 10 % (notes §2.4)."""
    detail: dict[str, Any] = {
        "ExchangeID": symbol[-2:], "InstrumentID": symbol[:6], "InstrumentName": f"N{symbol[:6]}",
        "OpenDate": 20100104, "ExpireDate": 99999999, "TradingDay": day, "PreClose": prev_close / 1000,
        "UpStopPrice": (prev_close * 110 + 500) // 1000 * 10 / 1000,
        "DownStopPrice": (prev_close * 90 + 500) // 1000 * 10 / 1000,
        "FloatVolume": 500_000_000.0, "TotalVolume": 600_000_000.0, "PriceTick": 0.01, "InstrumentStatus": 0,
        "IsTrading": True,
    }  # fmt: skip
    return detail | changes
