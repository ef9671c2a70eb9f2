"""Hand orders by the push they enter with."""

from common.messages.kept import PlacedHandOrder
from common.messages.market import HandOrder
from services.market_data.hand import HandBook


def test_the_script_s_orders_come_first_and_a_key_is_known() -> None:
    scripted, placed = HandOrder("s", 1, "600001.SH", 100, 0), HandOrder("p", 1, "600002.SH", 100, 0)
    book = HandBook([PlacedHandOrder(scripted, 7)])
    book.take(PlacedHandOrder(placed, 7))
    assert book.of(7) == [scripted, placed]
    assert book.of(8) == []
    assert book.placed("p") == PlacedHandOrder(placed, 7)
    assert book.placed("s") is None
