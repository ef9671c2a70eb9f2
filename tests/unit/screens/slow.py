"""Both screens once more, one stock at a time in plain integers and lists: what the fast ones are held against."""

from typing import NamedTuple


class Stock(NamedTuple):
    """One stock as a screen of a day meets it; bars are (open, high, low, close, factor) or None for no trade."""

    board: int
    sessions: list[tuple[int, int, int, int, int] | None]
    """Exchange sessions, oldest first, the last one is D-1."""
    factor_now: int
    float_shares: int
    listed: int
    st: int
    suspended: bool
    up_limit: int


def scale(price: int, factor: int, now: int) -> int:
    whole, rest = divmod(price * factor, now)
    return whole + (1 if 2 * rest >= now else 0)


def value_of(stock: Stock) -> int:
    traded = [bar for bar in stock.sessions if bar]
    return traded[-1][3] * stock.float_shares if traded else 0


def same_conditions(stock: Stock, least: int, most: int, boards: set[int]) -> bool:
    value = value_of(stock)
    return (
        stock.board in boards
        and value > 0
        and least * 1000 <= value <= most * 1000
        and stock.st == 0
        and not stock.suspended
    )


def limit_up(stock: Stock, least: int, most: int, boards: set[int], window: int, bp_max: int = 1500) -> bool:
    if not same_conditions(stock, least, most, boards):
        return False
    traded = [bar for bar in stock.sessions[-window:] if bar]
    if len(traded) < 40 or stock.listed < 60 or stock.up_limit == 0:
        return False
    high = max(scale(bar[1], bar[4], stock.factor_now) for bar in traded)
    low = min(scale(bar[2], bar[4], stock.factor_now) for bar in traded)
    return (high - low) * 10_000 <= bp_max * low


def merged_bars(bars: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Merge (high, low) bars in a list: the textbook way."""

    def includes(one: tuple[int, int], other: tuple[int, int]) -> bool:
        return (one[0] >= other[0] and one[1] <= other[1]) or (other[0] >= one[0] and other[1] <= one[1])

    start = next((at for at in range(len(bars) - 1) if not includes(bars[at], bars[at + 1])), None)
    if start is None:
        return []
    merged = [bars[start], bars[start + 1]]
    for bar in bars[start + 2 :]:
        last = merged[-1]
        if not includes(last, bar):
            merged.append(bar)
        elif last[0] > merged[-2][0]:
            merged[-1] = (max(last[0], bar[0]), max(last[1], bar[1]))
        else:
            merged[-1] = (min(last[0], bar[0]), min(last[1], bar[1]))
    return merged


def bottom_fractal(
    stock: Stock, least: int, most: int, boards: set[int], window: int
) -> tuple[int, int, int, int] | None:
    """Return k1_high, k1_low, k2_high, k2_low of a stock that passes."""
    if not same_conditions(stock, least, most, boards) or not stock.sessions or stock.sessions[-1] is None:
        return None
    opened, high, low, close, _ = stock.sessions[-1]
    shadow = min(opened, close) - low
    if not (2 * abs(close - opened) <= shadow and shadow * 2 >= high - low > 0):
        return None
    traded = [bar for bar in stock.sessions if bar][-window:]
    scaled = [(scale(bar[1], bar[4], stock.factor_now), scale(bar[2], bar[4], stock.factor_now)) for bar in traded]
    merged = merged_bars(scaled)
    if len(merged) < 2:
        return None
    one, two = merged[-2], merged[-1]
    return (*one, *two) if two[0] < one[0] and two[1] < one[1] else None
