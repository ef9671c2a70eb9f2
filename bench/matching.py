"""Matching one (order, snapshot) pair after another: in plain Python, and compiled over arrays from the same kernels.

Baseline of the compiled loop, in the same run: a bare loop over the same arrays that only adds up what it reads. A
snapshot is checked (`check_book`) and then matched with four orders: a buy in the queue at the limit, one in the
queue at the best bid, one deeper, and a sell. Best of several rounds: the machine may be shared.
"""

import argparse
import json
import time
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from bench.kernels import compile_kernel
from common.domain.values import Side
from common.rules.book import Book, check_book, usable
from common.rules.matching import EXPECTED, NOTHING_TAKEN, match_resting
from common.rules.queue import NOWHERE, Place

PYTHON_BOUND = 50_000
COMPILED_BOUND = 20_000_000
ORDERS = 4
UP, DOWN = 11_000, 9_000
I32 = NDArray[np.int32]
BUY, SELL = int(Side.BUY), int(Side.SELL)


def make(count: int, seed: int = 7) -> tuple[I32, I32]:
    """Return (prices, sizes) of a day near its up limit, columns as a quote batch has them, a fifth of it sealed.

    Rows of prices: last, bid 1-5, ask 1-5. Rows of sizes: traded, bid 1-5, ask 1-5; 0.001 yuan and shares.
    """
    random = np.random.default_rng(seed)
    best = np.clip(10_900 + 10 * np.cumsum(random.integers(-1, 2, count)), 10_500, UP - 10)
    sealed = random.random(count) < 0.2
    prices, sizes = np.zeros((11, count), np.int32), np.zeros((11, count), np.int32)
    for level in range(5):
        ask = best + 10 + 10 * level
        prices[1 + level] = np.where(sealed, UP, best) - 10 * level
        prices[6 + level] = np.where(sealed | (ask > UP), 0, ask)
        sizes[1 + level] = random.integers(1, 200, count) * 100
        sizes[6 + level] = random.integers(1, 200, count) * 100 * (prices[6 + level] > 0)
    prices[0] = np.where(sealed, UP, best + 10 * random.integers(0, 2, count))
    sizes[0] = random.integers(0, 40, count) * 100
    return prices, sizes


def books_of(prices: I32, sizes: I32) -> list[Book]:
    """Return the same snapshots as the gateway hands them over."""
    p, v = prices.T.tolist(), sizes.T.tolist()
    return [
        Book(a[0], UP, DOWN, b[0], tuple(a[1:6]), tuple(b[1:6]), tuple(a[6:]), tuple(b[6:]), a[0] * b[0], False, 0)  # type: ignore[arg-type]  # five of each
        for a, b in zip(p, v, strict=True)
    ]


def plain(books: list[Book]) -> tuple[int, float]:
    """Match in plain Python; returns what was filled and the seconds."""
    filled = 0
    places = [NOWHERE] * ORDERS
    start = time.perf_counter()
    for book in books:
        if not usable(check_book(book)):
            continue
        for order in range(ORDERS):
            side, limit = (BUY, UP) if order == 0 else (BUY, 10_890 - 10 * order) if order < 3 else (SELL, 10_990)
            fill = match_resting(EXPECTED, 0, 10_000, side, limit, 1_000, places[order], book, NOTHING_TAKEN)
            places[order] = fill.place
            filled += fill.shares
    return filled, time.perf_counter() - start


def compiled_loop() -> Any:
    """Return the same loop over arrays as machine code."""
    done: dict[str, Any] = {}
    check, match, fine = (compile_kernel(each, done) for each in (check_book, match_resting, usable))
    nothing = NOTHING_TAKEN

    @numba.njit
    def loop(p: I32, v: I32) -> int:
        filled = 0
        first = second = third = fourth = Place(-1, -1)
        for i in range(p.shape[1]):
            last, traded = np.int64(p[0, i]), np.int64(v[0, i])
            book = Book(
                last, UP, DOWN, traded,
                (np.int64(p[1, i]), np.int64(p[2, i]), np.int64(p[3, i]), np.int64(p[4, i]), np.int64(p[5, i])),
                (np.int64(v[1, i]), np.int64(v[2, i]), np.int64(v[3, i]), np.int64(v[4, i]), np.int64(v[5, i])),
                (np.int64(p[6, i]), np.int64(p[7, i]), np.int64(p[8, i]), np.int64(p[9, i]), np.int64(p[10, i])),
                (np.int64(v[6, i]), np.int64(v[7, i]), np.int64(v[8, i]), np.int64(v[9, i]), np.int64(v[10, i])),
                last * traded, False, 0,
            )  # fmt: skip
            if not fine(check(book)):
                continue
            a = match(EXPECTED, 0, 10_000, BUY, UP, 1_000, first, book, nothing)
            b = match(EXPECTED, 0, 10_000, BUY, 10_880, 1_000, second, book, nothing)
            c = match(EXPECTED, 0, 10_000, BUY, 10_870, 1_000, third, book, nothing)
            d = match(EXPECTED, 0, 10_000, SELL, 10_990, 1_000, fourth, book, nothing)
            first, second, third, fourth = a.place, b.place, c.place, d.place
            filled += a.shares + b.shares + c.shares + d.shares
        return filled

    return loop


@numba.njit
def bare_loop(p: I32, v: I32) -> int:
    """Read every number once and add it up."""
    total = 0
    for i in range(p.shape[1]):
        for row in range(11):
            total += p[row, i]
            total += v[row, i]
    return total


def seconds_of(function: Any, *arguments: Any) -> float:
    """Return the seconds of one call."""
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def main() -> None:
    """Run it and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snapshots", type=int, default=500_000)
    parser.add_argument("--plain", type=int, default=20_000, help="snapshots for plain Python")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--check", action="store_true", help="fail below the bounds")
    arguments = parser.parse_args()
    prices, sizes = make(arguments.snapshots)
    books = books_of(prices[:, : arguments.plain], sizes[:, : arguments.plain])
    loop = compiled_loop()
    filled, _ = plain(books)
    same = int(
        loop(np.ascontiguousarray(prices[:, : arguments.plain]), np.ascontiguousarray(sizes[:, : arguments.plain]))
    )
    assert filled == same > 0, f"plain Python fills {filled}, machine code {same}"
    loop(prices, sizes)
    bare_loop(prices, sizes)
    best = {"plain": 9e9, "compiled": 9e9, "bare": 9e9}
    for _ in range(arguments.rounds):
        best["plain"] = min(best["plain"], plain(books)[1])
        best["compiled"] = min(best["compiled"], seconds_of(loop, prices, sizes))
        best["bare"] = min(best["bare"], seconds_of(bare_loop, prices, sizes))
    pairs = arguments.snapshots * ORDERS
    result = {
        "plain_pairs_per_s": round(arguments.plain * ORDERS / best["plain"]),
        "compiled_pairs_per_s": round(pairs / best["compiled"]),
        "compiled_to_bare": round(best["compiled"] / best["bare"], 1),
        "compiled_to_plain": round(pairs / best["compiled"] / (arguments.plain * ORDERS / best["plain"])),
        "bare_snapshots_per_s": round(arguments.snapshots / best["bare"]),
        "filled": filled,
    }
    print(json.dumps(result))
    if arguments.check:
        assert result["plain_pairs_per_s"] >= PYTHON_BOUND, result
        assert result["compiled_pairs_per_s"] >= COMPILED_BOUND, result


if __name__ == "__main__":
    main()
