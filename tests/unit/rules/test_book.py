"""What is wrong with a snapshot: every defect, and what is none."""

import pytest

from common.rules.book import Book, Defect, check_book, crossed, price_defect, usable
from tests.builders import DOWN, UP, book, five

GOOD = book(10_000, [(9_990, 300), (9_980, 400)], [(10_000, 300), (10_010, 400)], traded=100, turnover=1_000_000)
SEALED = book(UP, [(UP, 900_000), (UP - 10, 500)], [], traded=100, turnover=100 * UP)


@pytest.mark.parametrize(
    ("seen", "defect"),
    [
        (GOOD, Defect.NONE),
        (SEALED, Defect.NONE),
        (SEALED._replace(ask_volume=five([700])), Defect.NONE),  # some feeds leave a volume beside the price 0
        (book(DOWN, [], [(DOWN, 900_000)]), Defect.NONE),
        (GOOD._replace(last=0), Defect.NONE),  # not traded yet
        (book(10_000, traded=100), Defect.NO_LEVELS),
        (book(0), Defect.NO_LEVELS),
        (book(10_000, [(10_010, 500)], [(10_000, 500)]), Defect.CROSSED),
        (book(10_000, [(10_000, 500)], [(10_000, 500)]), Defect.CROSSED),
        (book(10_005, [(9_990, 300)]), Defect.OFF_TICK),
        (book(10_000, [(9_995, 300)]), Defect.OFF_TICK),
        (book(10_000, [(9_990, 300)], [(10_001, 300)]), Defect.OFF_TICK),
        (book(UP + 10, [(9_990, 300)]), Defect.OUTSIDE_BAND),
        (book(10_000, [(9_990, 300)], [(UP + 10, 5)]), Defect.OUTSIDE_BAND),
        (book(10_000, [(DOWN - 10, 300)]), Defect.OUTSIDE_BAND),
        (book(-10, [(9_990, 300)]), Defect.NEGATIVE),
        (book(10_000, [(9_990, -300)]), Defect.NEGATIVE),
        (book(10_000, [(9_990, 300)], [(-10, 300)]), Defect.NEGATIVE),
        (SEALED._replace(ask_volume=five([-1])), Defect.NEGATIVE),
        (book(10_000, [(9_980, 300), (9_990, 300)]), Defect.DISORDERED),
        (book(10_000, [], [(10_010, 300), (10_010, 300)]), Defect.DISORDERED),
        (GOOD._replace(traded=-1), Defect.VOLUME_FELL),
        (GOOD._replace(turnover=-1), Defect.VOLUME_FELL),
        (GOOD._replace(turnover=100 * (UP + 20)), Defect.TURNOVER),
        (GOOD._replace(turnover=100 * (DOWN - 20)), Defect.TURNOVER),
        (GOOD._replace(traded=0), Defect.TURNOVER),
        (GOOD._replace(turnover=0), Defect.NONE),  # not known
    ],
)
def test_every_defect(seen: Book, defect: Defect) -> None:
    assert Defect(check_book(seen)) is defect
    assert usable(check_book(seen)) is (defect <= Defect.NO_LEVELS)


def test_without_limits_no_price_is_outside() -> None:
    free = Book(99_990, 0, 0, 5, five([99_990]), five([100]), turnover=5 * 99_990)
    assert check_book(free) == Defect.NONE
    assert price_defect(10, 0, 0) == Defect.NONE


def test_crossed_needs_both_sides() -> None:
    assert not crossed(SEALED)
    assert not crossed(GOOD)
    assert crossed(book(10_000, [(10_010, 1)], [(10_000, 1)]))
