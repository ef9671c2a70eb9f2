"""The synthetic market of a run is made once and kept; other tapes leave it alone."""

from pathlib import Path

import pytest

from common.history.synthetic.market import MarketPaths, paths_of
from common.history.synthetic.params import MarketParams
from services.cli import market
from services.cli.days import choose_days
from services.cli.faults import BadInputError
from services.cli.home import Home
from services.cli.session import Session
from tests.unit.services.cli.test_run import make_tape


def test_options_become_parameters() -> None:
    assert market.params_of({}) == MarketParams()
    assert market.params_of({"stocks": 60, "interval": 15}) == MarketParams(stocks=60, interval_s=15)


def test_a_market_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[bool] = []

    def make(markets: Path, params: MarketParams, told: object = None) -> MarketPaths:
        made.append(told is not None)
        (markets / params.key()).mkdir(parents=True, exist_ok=True)
        return paths_of(markets / params.key())

    monkeypatch.setattr(market, "make_market", make)
    session = Session("en", Home(tmp_path))
    days = [choose_days(session, None, None, {"stocks": 60}) for _ in range(2)]
    assert made == [True, False]
    assert days[0] == days[1]
    assert len(days[0].tapes) == 3
    assert days[0].history.endswith("history")
    assert days[0].hand_script.endswith("hand_orders.json")
    assert capsys.readouterr().out.count("Making the synthetic market (60 stocks") == 1


def test_pankou_days_names_other_tapes(tmp_path: Path) -> None:
    folder = tmp_path / "market"
    tape = make_tape(folder / "tapes" / "a.tape")
    (folder / "history").mkdir()
    session = Session("en", Home(tmp_path / "home"), {"PANKOU_DAYS": str(folder)})
    days = choose_days(session, None, None, {})
    assert days.tapes == [tape]
    assert days.history == str(folder / "history")
    other = tmp_path / "other"
    other.mkdir()
    assert choose_days(session, None, str(other), {}).history == str(other)
    with pytest.raises(BadInputError):
        choose_days(session, None, str(tmp_path / "nowhere"), {})
    with pytest.raises(BadInputError):
        choose_days(Session("en", Home(tmp_path)), None, str(other), {})
