"""The synthetic market of a run: made once, kept under $PANKOU_HOME/markets."""

from collections.abc import Mapping

from common.history.synthetic.market import make_market
from common.history.synthetic.params import MarketParams
from services.cli.days import Days
from services.cli.progress import progress, silent
from services.cli.session import Session

NAMES = {"stocks": "stocks", "interval": "interval_s", "seed": "seed"}
"""Options of `run` to parameters of the market."""


def params_of(asked: Mapping[str, int]) -> MarketParams:
    """Return the parameters of the market asked for; what was not asked keeps its default."""
    return MarketParams(**{NAMES[name]: value for name, value in asked.items()})


def synthetic_days(session: Session, asked: Mapping[str, int], *, quiet: bool = False) -> Days:
    """Return the days of the market, making it where it is not kept yet."""
    params = params_of(asked)
    session.home.markets.mkdir(parents=True, exist_ok=True)
    if (session.home.markets / params.key()).is_dir():
        paths = make_market(session.home.markets, params)
    else:
        title = session.say("run.making", stocks=params.stocks, interval=params.interval_s)
        with silent() if quiet else progress(title) as told:
            paths = make_market(session.home.markets, params, told)
    source = session.say("run.synthetic", stocks=params.stocks, interval=params.interval_s, seed=params.seed)
    return Days(list(paths.tapes), str(paths.history), str(paths.hand_script), source)
