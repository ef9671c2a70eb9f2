"""Three sessions of 400 stocks and 3-s pushes through the pipeline engine: how many times real time.

Baseline, in the same run: the same sessions through the supervised processes in lockstep (`bench.lockstep`). Both give
the same journal; what is measured is what sockets, disks and five processes cost.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

from msgspec.structs import replace

from bench.lockstep import SESSION_S, SESSIONS, play
from common.history.synthetic.market import MarketPaths, make_market
from common.history.synthetic.params import MarketParams
from common.runtime.config import Config, parse_config, profile_table
from services.backtest_worker.adapters.pipeline import PipelineResult, run_pipeline

RATIO_BOUND = 1.5
"""The pipeline must be so many times as fast as the processes; below it nobody needs it for its speed."""


def config_of(market: MarketPaths) -> Config:
    """Return the standard settings with the market's hand orders."""
    config = parse_config(profile_table("sim"), "sim.toml")
    return replace(config, feed=replace(config.feed, hand_script=str(market.hand_script)))


def timed(market: MarketPaths, times: int) -> tuple[float, PipelineResult]:
    """Return the best of `times` runs in seconds, and what came of it."""
    best, made = float("inf"), None
    for _ in range(times):
        start = time.perf_counter()
        made = run_pipeline(market.tapes, market.history, config_of(market))
        best = min(best, time.perf_counter() - start)
    assert made is not None
    return best, made


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--home", type=Path, help="keep the market here for the next time")
    options.add_argument("--times", type=int, default=3, help="runs of the pipeline, of which the best counts")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = chosen.home or Path(scratch)
        (home / "markets").mkdir(parents=True, exist_ok=True)
        market = make_market(home / "markets", MarketParams())
        seconds, made = timed(market, chosen.times)
        live, _ = play(home)
    speed, live_speed = SESSIONS * SESSION_S / seconds, SESSIONS * SESSION_S / live
    figures = {
        "x_real_time": round(speed), "lockstep_x_real_time": round(live_speed), "ratio": round(live / seconds, 2),
        "bound": RATIO_BOUND, "ms_a_push": round(1e3 * seconds / made.pushes, 3), "pushes": made.pushes,
        "fills": len(made.fills), "best_of": chosen.times,
    }  # fmt: skip
    if chosen.json:
        print(json.dumps(figures))
        return
    verdict = "ok" if live / seconds >= RATIO_BOUND else "under"
    print(
        f"pipeline, 400 stocks, 3-s pushes, {SESSIONS} sessions: {speed:.0f} x real time, "
        f"{1e3 * seconds / made.pushes:.2f} ms a push, {len(made.fills)} fills (best of {chosen.times})"
    )
    print(
        f"the same through the processes in lockstep: {live_speed:.0f} x real time; "
        f"the pipeline is {live / seconds:.2f} times as fast (bound {RATIO_BOUND}: {verdict})"
    )


if __name__ == "__main__":
    main()
