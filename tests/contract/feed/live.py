"""What tests of the live feed share."""

from common.domain.calendar import hms
from common.messages.columns import QuoteTable
from tests.contract.feed.rig import Rig
from tests.contract.feed.sources import CLOSES, Moment, Xt, quote

A = "600000.SH"


def values(rig: Rig) -> QuoteTable:
    assert rig.reader.table is not None
    return rig.reader.table


def begun(xt: Xt) -> Rig:
    rig = xt.rig()
    xt.begin(rig)
    return rig


def tick_at(xt: Xt, rig: Rig, at: str, *symbols: str) -> None:
    xt.push(rig, Moment(hms(at), {symbol: quote(symbol, 3, 60_000 + hms(at)) for symbol in symbols or CLOSES}))


def numbers(rig: Rig) -> dict[str, int]:
    found: dict[str, int] = rig.core.status()[2]
    return found
