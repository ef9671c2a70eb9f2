"""The limits of 5,400 stocks as arrays: a whole market before the open.

Baseline: the one multiplication that no rule can do without, prices x rates over the same arrays in bare numpy,
alternating with ours in one run; and the same stocks one by one through the kernel, in plain Python.
"""

import argparse
import json
import time
from collections.abc import Callable

import numpy as np

from common.domain.values import Board
from common.rules.bands import bands
from common.rules.price_limits import price_band

STOCKS = 5_400
DAY = 20260706
BOUND_MS = 1.0
ROUNDS = 300


def best_ms(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the best of several runs, in milliseconds."""
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best * 1000


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    rng = np.random.default_rng(1)
    board = rng.choice([int(board) for board in Board], STOCKS, p=[0.58, 0.25, 0.11, 0.06])
    prev_close = rng.integers(100, 30_000, STOCKS) * 10
    st = rng.random(STOCKS) < 0.04
    session = np.where(rng.random(STOCKS) < 0.002, rng.integers(1, 6, STOCKS), 0)
    rates = np.full(STOCKS, 11_000)

    def ours() -> object:
        return bands(board, DAY, prev_close, st, 0, session)

    def bare() -> object:
        return (prev_close * rates, prev_close * (20_000 - rates))

    def one_by_one() -> object:
        rows = zip(board.tolist(), prev_close.tolist(), st.tolist(), session.tolist(), strict=True)
        return [price_band(b, DAY, p, s, 0, n) for b, p, s, n in rows]

    array_ms, bare_ms = best_ms(ours), best_ms(bare)
    array_ms, bare_ms = min(array_ms, best_ms(ours)), min(bare_ms, best_ms(bare))
    loop_ms = best_ms(one_by_one, 5)
    figures = {
        "stocks": STOCKS,
        "array_ms": round(array_ms, 4),
        "multiply_ms": round(bare_ms, 4),
        "array_to_multiply": round(array_ms / bare_ms, 1),
        "loop_ms": round(loop_ms, 2),
        "loop_to_array": round(loop_ms / array_ms, 1),
        "bound_ms": BOUND_MS,
    }
    if chosen.json:
        print(json.dumps(figures))
        return
    print(f"{STOCKS} stocks: {array_ms:.3f} ms (bound {BOUND_MS:g}: {'ok' if array_ms <= BOUND_MS else 'over'})")
    print(f"  the multiplications alone in numpy: {bare_ms:.4f} ms, ratio {array_ms / bare_ms:.1f}")
    print(f"  one by one in plain Python: {loop_ms:.1f} ms, ratio {loop_ms / array_ms:.0f}")


if __name__ == "__main__":
    main()
