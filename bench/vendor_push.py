"""A whole-market push of QMT, 5,400 dicts with books, as columns: `python -m bench.vendor_push [--json]`.

Baseline: the plain comprehension one would write, one list a field, in the same run. Also a push of the 1,350 stocks
that changed, and the decoding of the push's BSON in the vendor's own layer, which nobody can avoid. Best of many.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.whole_market import make_day
from common.domain.calendar import ts_of
from services.market_data.adapters.xt_columns import Units, read_push, settle

STOCKS, CHANGED, ROUNDS = 5_400, 1_350, 40
BOUNDS = {"ratio": 2.0, "changed_ms": 1.0}
SECOND = 34_203


def make_push(symbols: list[str], day_ms: int) -> dict[str, dict[str, Any]]:
    """Return quotes as the vendor gives them, noise included."""
    rng = np.random.default_rng(7)
    push = {}
    for symbol in symbols:
        last = float(rng.integers(300, 20_000)) / 100
        ask = [round(last + 0.01 * level, 2) + 2e-15 for level in range(1, 6)]
        bid = [max(0.01, round(last - 0.01 * level, 2)) for level in range(1, 6)]
        volume = int(rng.integers(1_000, 900_000))
        push[symbol] = {
            "time": day_ms + SECOND * 1000, "lastPrice": last, "open": last, "high": last, "low": last,
            "lastClose": last, "amount": last * volume * 100, "volume": volume, "pvolume": volume * 100 + 36,
            "stockStatus": 3, "openInt": 13, "transactionNum": 37062, "lastSettlementPrice": last,
            "settlementPrice": 0.0, "pe": 0.0, "askPrice": ask, "bidPrice": bid,
            "askVol": [int(each) for each in rng.integers(1, 9_000, 5)],
            "bidVol": [int(each) for each in rng.integers(1, 9_000, 5)],
            "volRatio": 0.0, "speed1Min": 0.0, "speed5Min": 0.0,
        }  # fmt: skip
    return push


def plain(push: dict[str, dict[str, Any]], rows: dict[str, int]) -> list[Any]:
    """Do what one would write first: a comprehension a field."""
    known = [(rows[code], quote) for code, quote in push.items() if code in rows]
    columns: list[Any] = [np.array([row for row, _ in known], np.uint16)]
    columns += [np.array([quote["time"] for _, quote in known], np.int64)]
    for name in ("lastPrice", "lastClose", "open", "high", "low", "amount"):
        columns.append(np.array([round(quote[name] * 1000) for _, quote in known], np.int64))
    for name in ("volume", "pvolume"):
        columns.append(np.array([quote[name] for _, quote in known], np.int64))
    for name in ("bidPrice", "askPrice"):
        columns.append(np.array([[round(each * 1000) for each in quote[name]] for _, quote in known], np.int32).T)
    for name in ("bidVol", "askVol"):
        columns.append(np.array([[each * 100 for each in quote[name]] for _, quote in known], np.int32).T)
    return columns


def best(run: Callable[[], object], rounds: int) -> float:
    """Return the least milliseconds of some runs."""
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return min(found) * 1e3


def decoded_ms(push: dict[str, dict[str, Any]]) -> float | None:
    """Return what the vendor's layer needs to decode the push; None where it is not installed."""
    try:
        from xtquant import xtbson
    except ImportError:
        return None
    payload = xtbson.BSON.encode(push)
    return best(lambda: xtbson.BSON.decode(payload), 3)


def measure() -> dict[str, Any]:
    """Return the figures."""
    day, table = make_day(STOCKS)
    rows = {symbol: at for at, symbol in enumerate(table.symbols)}
    groups = np.zeros(STOCKS, np.uint8)
    day_ms = ts_of(day.day, 0) // 1_000_000
    whole = make_push(table.symbols, day_ms)
    changed = {symbol: whole[symbol] for symbol in table.symbols[::4]}

    def ours(push: dict[str, dict[str, Any]]) -> int:
        raw = read_push(push, rows, Counter())
        return len(settle(raw, groups, [Units(100, True)], day_ms, day_ms + 86_400_000).quotes.index)

    assert (ours(whole), ours(changed), len(changed)) == (STOCKS, CHANGED, CHANGED)
    # Alternating, so that what else runs on the machine hits both.
    pairs = [(best(lambda: plain(whole, rows), 1), best(lambda: ours(whole), 1)) for _ in range(ROUNDS)]
    base, own = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    decoding = decoded_ms(whole)
    return {
        "plain_ms": round(base, 2), "ours_ms": round(own, 2), "ratio": round(base / own, 2),
        "changed_ms": round(best(lambda: ours(changed), ROUNDS), 2), "bounds": BOUNDS,
        "vendor_bson_ms": round(decoding, 1) if decoding is not None else None,
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true")
    figures = measure()
    if options.parse_args().json:
        print(json.dumps(figures))
        return
    fast = figures["ratio"] >= BOUNDS["ratio"] and figures["changed_ms"] <= BOUNDS["changed_ms"]
    print(
        f"vendor push of {STOCKS} stocks: {figures['ours_ms']} ms, plain comprehension {figures['plain_ms']} ms, "
        f"{figures['ratio']} times as fast (at least {BOUNDS['ratio']:g}); {CHANGED} changed: {figures['changed_ms']} ms "
        f"(at most {BOUNDS['changed_ms']:g}): {'ok' if fast else 'slow'}; the vendor's own decoding: "
        f"{figures['vendor_bson_ms']} ms"
    )


if __name__ == "__main__":
    main()
