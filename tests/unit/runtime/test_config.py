"""Configuration: typed, everything wrong said at once, and back to TOML without a loss."""

import re
import tomllib
from pathlib import Path

import pytest

from common.domain.errors import ConfigError
from common.runtime.config import Config, dump_toml, load_config, merge, parse_config, profile_table, rule_params
from common.strategies import RULES


@pytest.mark.parametrize("profile", ["sim", "paper", "live"])
def test_shipped_profiles_are_complete_and_round_trip(profile: str) -> None:
    config = parse_config(profile_table(profile), profile)
    assert parse_config(tomllib.loads(dump_toml(config)), "again") == config
    assert config.risk.resume_at_start is (profile == "sim")
    assert (config.account.positions_max, config.account.slot_bp) == (5, 2_000)


def test_base_toml_shows_every_key_with_its_default() -> None:
    shown = parse_config(profile_table("paper"), "paper")
    assert shown == Config(account=shown.account)
    assert shown.account.rule_slots == {"limit_up": 3, "bottom_fractal": 2}


def test_all_faults_at_once() -> None:
    table = tomllib.loads(
        '[system]\nbase_port = "x"\ncolour = 1\n[nope]\na = 1\n[feed]\npace = "slow"\nspeed = -1.0\n[account]\ncash = 0\n'
        '[account.rule_slots]\nmoon = 1\nlimit_up = 9\n[boards]\nallowed = ["mars"]\n'
        '[rules.limit_up]\nstop_bp = "wide"\nfoo = 1\n[rules.moon]\na = 1\n[limits]\norders_per_s = 1000\n[screens.limit_up]\nwidth = 1\n'
    )
    with pytest.raises(ConfigError) as told:
        parse_config(table, "my.toml")
    text = str(told.value)
    assert text.startswith("my.toml")
    for name in (
        "system.base_port", "system.colour", "[nope]", "feed.pace", "feed.speed", "account.cash", "account.rule_slots.moon",
        "account.rule_slots.limit_up", "mars", "rules.limit_up.stop_bp", "rules.limit_up.foo", "[rules.moon]", "limits.orders_per_s = 1000: above the hard ceiling 100", "screens.limit_up.width",
    ):  # fmt: skip
        assert name in text, name


@pytest.mark.parametrize(("text", "words"), [("a = ", "TOML"), ("system = 3", "section")])
def test_unreadable_files(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=words):
        load_config(path)
    with pytest.raises(ConfigError, match="no such configuration file"):
        load_config(tmp_path / "none.toml")


def test_rule_parameters_by_number_and_word() -> None:
    table = {"rules": {"limit_up": {"stop_bp": 300}, "bottom_fractal": {"confirm_at": "close"}}}
    config = parse_config(table, "x")
    assert rule_params(config, "limit_up").stop_bp == 300
    words = RULES["bottom_fractal"].PARAM_WORDS["confirm_at"]
    assert rule_params(config, "bottom_fractal").confirm_at == words["close"]
    assert rule_params(Config(), "limit_up") == RULES["limit_up"].Params()


def test_merge_goes_into_tables() -> None:
    assert merge({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": 9}, "d": [2]}) == {"a": {"b": 9, "c": 2}, "d": [2]}


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({"enabled": True}, "needs nightly.dir"),
        ({"close_at": "14:00"}, "nightly.close_at = '14:00': must be a time HH:MM from 15:30 to 23:59"),
        ({"close_at": "25:00"}, "nightly.close_at"),
        ({"open_at": "9:00"}, "nightly.open_at"),
        ({"source": "wind"}, "must be one of baostock, tushare, files"),
        ({"enabled": True, "dir": "x", "source": "files"}, "needs nightly.files"),
        ({"sessions": 10}, "nightly.sessions = 10"),
    ],
)
def test_the_nightly_cycle_is_checked_before_it_starts(table: dict[str, object], fault: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(fault)):
        parse_config({"nightly": table}, "test")
