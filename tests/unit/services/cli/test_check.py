"""What is refused before anything is sent."""

import pytest

from common.domain.values import Board
from services.cli import check
from services.cli.faults import BadInputError


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("600519", "600519.SH"),
        ("600519.sh", "600519.SH"),
        ("SH600519", "600519.SH"),
        ("sz.000001", "000001.SZ"),
        (" 300750.SZ ", "300750.SZ"),
        ("688981", "688981.SH"),
        ("920002", "920002.BJ"),
    ],
)
def test_symbols_are_taken_in_the_usual_spellings(text: str, symbol: str) -> None:
    assert check.parse_symbol(text) == symbol


@pytest.mark.parametrize(
    "text",
    ["510300", "000001.SH", "900901.SH", "113050.SH", "200011.SZ", "60051", "600519.SZ", "AAPL", "", "６００５１９"],
)
def test_what_is_no_a_share_is_refused(text: str) -> None:
    with pytest.raises(BadInputError) as caught:
        check.parse_symbol(text)
    assert caught.value.key == "bad.symbol"


def test_boards() -> None:
    found = [check.board_of(symbol) for symbol in ("600519.SH", "300750.SZ", "688981.SH", "920002.BJ")]
    assert found == [Board.MAIN, Board.CHINEXT, Board.STAR, Board.BSE]


@pytest.mark.parametrize(("text", "shares"), [("100", 100), ("1,200", 1200), (" 200 ", 200)])
def test_shares(text: str, shares: int) -> None:
    assert check.parse_shares(text) == shares


@pytest.mark.parametrize("text", ["1.5", "-100", "0", "one", "１００", "", "999999999999"])
def test_no_number_of_shares(text: str) -> None:
    with pytest.raises(BadInputError):
        check.parse_shares(text)


@pytest.mark.parametrize(
    ("symbol", "shares", "key", "facts"),
    [
        ("600519.SH", 150, "bad.lot", {"lower": 100, "upper": 200}),
        ("300750.SZ", 50, "bad.lot", {"lower": 100, "upper": 200}),
        ("688981.SH", 100, "bad.lot_least", {"least": 200}),
        ("920002.BJ", 99, "bad.lot_least", {"least": 100}),
    ],
)
def test_no_whole_lot(symbol: str, shares: int, key: str, facts: dict[str, int]) -> None:
    with pytest.raises(BadInputError) as caught:
        check.check_buy_lot(symbol, shares)
    assert caught.value.key == key
    assert facts.items() <= caught.value.facts.items()


def test_whole_lots() -> None:
    for symbol, shares in (("600519.SH", 100), ("688981.SH", 201), ("920002.BJ", 101)):
        check.check_buy_lot(symbol, shares)


@pytest.mark.parametrize(("text", "price"), [("12.34", 12340), ("12.3", 12300), ("12", 12000), ("12.340", 12340)])
def test_prices(text: str, price: int) -> None:
    assert check.parse_price(text) == price


def test_a_price_with_three_decimals_names_its_neighbours() -> None:
    with pytest.raises(BadInputError) as caught:
        check.parse_price("12.345")
    assert caught.value.key == "bad.tick"
    assert (caught.value.facts["lower"], caught.value.facts["upper"]) == ("12.34", "12.35")


@pytest.mark.parametrize("text", ["0", "-1", "0.00", "abc", "1e3", "12.", "1000000"])
def test_no_price(text: str) -> None:
    with pytest.raises(BadInputError) as caught:
        check.parse_price(text)
    assert caught.value.key == "bad.price"


def test_days() -> None:
    assert check.parse_day("2026-01-05") == check.parse_day("20260105") == 20260105


@pytest.mark.parametrize("text", ["2026-02-30", "2026", "tomorrow", "20261305", "2026-1-5-0"])
def test_no_day(text: str) -> None:
    with pytest.raises(BadInputError):
        check.parse_day(text)


def test_times() -> None:
    assert check.parse_time("09:30") == 34200
    assert check.parse_time("14:56:30") == 53790
    with pytest.raises(BadInputError):
        check.parse_time("25:00")


def test_order_ids() -> None:
    assert check.parse_coid("260105abcdefghjkmnpq") == "260105ABCDEFGHJKMNPQ"
    with pytest.raises(BadInputError):
        check.parse_coid("260105")
