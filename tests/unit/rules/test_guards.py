"""Lines of programme trading by date."""

import pytest

from common.rules.guards import is_high_frequency, messages_left, must_report


@pytest.mark.parametrize(
    ("per_second", "per_day", "day", "reached"),
    [
        (299, 19_999, 20250707, False),
        (300, 1, 20250707, True),
        (1, 20_000, 20250707, True),
        (300, 20_000, 20250704, False),  # the exchanges' rules begin on 2025-07-07
        (300, 0, 20261125, True),
    ],
)
def test_either_number_makes_an_account_high_frequency(per_second: int, per_day: int, day: int, reached: bool) -> None:
    assert is_high_frequency(per_second, per_day, day) is reached


def test_what_is_left_keeps_below_both_lines() -> None:
    assert messages_left(0, 0, 20260105) == 299
    assert messages_left(0, 19_950, 20260105) == 49
    assert messages_left(299, 500, 20260105) == 0
    assert messages_left(400, 500, 20260105) == 0
    assert messages_left(0, 0, 20250704) == -1
    left = messages_left(120, 19_800, 20260105)
    assert not is_high_frequency(120 + left, 19_800 + left, 20260105)
    assert is_high_frequency(120 + left + 1, 19_800 + left + 1, 20260105)


def test_programme_traders_report_first_since_the_provisions_of_2024() -> None:
    assert not must_report(20240930)
    assert must_report(20241008)
    assert must_report()
