"""The commands that make backtests take the same rule, days and settings."""

import pytest

from services.cli.commands.backtest import backtest
from services.cli.commands.backtest_options import VERDICTS, asked_of
from services.cli.faults import BadInputError

SHARED = {
    "rule", "first", "last", "sets", "screen_sets", "verdict", "minutes", "cash", "slots", "history", "st_unknown",
}  # fmt: skip


@pytest.mark.parametrize("name", ["run", "sweep", "submit"])
def test_each_takes_the_shared_options(name: str) -> None:
    found = {option.name: option for option in backtest.commands[name].params}
    assert found.keys() >= SHARED
    assert tuple(found["verdict"].type.choices) == VERDICTS  # type: ignore[attr-defined]  # a click.Choice


def test_days_are_checked_and_minutes_are_a_number() -> None:
    asked = asked_of("2025-03-27", "20260330", "5", rule="limit_up", sets=("stop_bp=300",))
    assert (asked.rule, asked.first, asked.last, asked.interval) == ("limit_up", 20250327, 20260330, 5)
    assert asked_of("2025-03-27", "2025-03-27", None, rule="limit_up").interval is None
    with pytest.raises(BadInputError) as caught:
        asked_of("2026-03-30", "2025-03-27", None, rule="limit_up")
    assert caught.value.key == "bad.backwards"
