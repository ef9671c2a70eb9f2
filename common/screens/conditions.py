"""One function a condition: a verdict for every stock, with the numbers it rests on. All comparisons are exact."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from common.screens.cross import I64, Bools, Cross
from common.screens.params import BOARDS, BP, COUNT, FAR, MONTHS, SESSIONS, ST, YUAN, Param
from common.screens.st import ST_NO, ST_UNKNOWN

Values = Mapping[str, int]
"""Parameters of a condition by name, as integers: money and prices in 0.001 yuan, boards as bits."""


class Verdicts(NamedTuple):
    """A condition over all stocks."""

    passed: Bools
    numbers: dict[str, I64]


class Condition(NamedTuple):
    """A condition that a screen can use."""

    name: str
    judge: Callable[[Cross, Values], Verdicts]
    zh: str
    en: str
    params: dict[str, Param]
    numbers: tuple[str, ...]
    """Names of the numbers it gives."""


def on_board(cross: Cross, values: Values) -> Verdicts:
    """The board is among the allowed ones."""
    return Verdicts((values["boards"] >> cross.board & 1).astype(bool), {"board": cross.board})


def float_value(cross: Cross) -> I64:
    """Return close x listed float shares, 0.001 yuan; 0 = unknown."""
    return cross.last_close * cross.float_shares


def float_value_between(cross: Cross, values: Values) -> Verdicts:
    """The float market value lies in a range, both ends included; unknown does not."""
    value = float_value(cross)
    passed = (value >= max(values["float_value_min"], 1)) & (value <= values["float_value_max"])
    return Verdicts(passed, {"float_value": value, "close": cross.last_close, "float_shares": cross.float_shares})


def no_recent_st(cross: Cross, values: Values) -> Verdicts:
    """Never ST, *ST or in a delisting period within the months that count; unknown counts as ST unless allowed."""
    states = cross.windows.recent_st(values["st_months"])
    passed = states == ST_NO
    if values["st_unknown"]:
        passed = passed | (states == ST_UNKNOWN)
    return Verdicts(passed, {"recent_st": states})


def amplitude_within(cross: Cross, values: Values) -> Verdicts:
    """(H - L) x 10000 lies between two multiples of L; H and L as of D-1 over the sessions."""
    span = cross.windows.span(values["sessions"])
    width = (span.high - span.low) * 10_000
    low = np.where(span.low > 0, span.low, 1)
    passed = (span.low > 0) & (width >= values["amplitude_bp_min"] * low)
    if values["amplitude_bp_max"] != FAR:
        passed &= width <= values["amplitude_bp_max"] * low
    return Verdicts(passed, {"amplitude_bp": width // low, "high": span.high, "low": span.low})


def traded_sessions(cross: Cross, values: Values) -> Verdicts:
    """At least so many of the sessions were traded."""
    traded = cross.windows.span(values["sessions"]).traded
    return Verdicts(traded >= values["traded_min"], {"traded": traded})


def average_turnover(cross: Cross, values: Values) -> Verdicts:
    """Turnover a session lies in a range; sessions without a trade count as 0."""
    total, sessions = cross.windows.span(values["sessions"]).turnover, values["sessions"]
    passed = total >= values["turnover_min"] * sessions
    if values["turnover_max"] != FAR:
        passed &= total <= values["turnover_max"] * sessions
    return Verdicts(passed, {"turnover": total // sessions})


def listed_long(cross: Cross, values: Values) -> Verdicts:
    """Listed for at least so many sessions."""
    return Verdicts(cross.listed_sessions >= values["listed_min"], {"listed": cross.listed_sessions})


def not_suspended(cross: Cross, _values: Values) -> Verdicts:
    """Not suspended on D."""
    return Verdicts(~cross.suspended, {"suspended": cross.suspended.astype(np.int64)})


def has_limit(cross: Cross, _values: Values) -> Verdicts:
    """D has a price limit."""
    return Verdicts(cross.up_limit > 0, {"up_limit": cross.up_limit})


def price_between(cross: Cross, values: Values) -> Verdicts:
    """The raw close of the last traded bar lies in a range."""
    close = cross.last_close
    return Verdicts((close >= max(values["price_min"], 1)) & (close <= values["price_max"]), {"close": close})


def turnover_rate(cross: Cross, values: Values) -> Verdicts:
    """Volume of D-1 over the listed float shares lies in a range; unknown shares do not."""
    volume = cross.bar.volume * 10_000
    shares = np.where(cross.float_shares > 0, cross.float_shares, 1)
    passed = (cross.float_shares > 0) & (volume >= values["turnover_rate_bp_min"] * shares)
    if values["turnover_rate_bp_max"] != FAR:
        passed &= volume <= values["turnover_rate_bp_max"] * shares
    return Verdicts(passed, {"turnover_rate_bp": volume // shares})


def long_lower_shadow(cross: Cross, values: Values) -> Verdicts:
    """The raw bar of D-1 stands on a shadow of at least so many times its body, and of such a part of its range."""
    bar = cross.bar
    shadow = np.minimum(bar.open, bar.close) - bar.low
    body, whole = np.abs(bar.close - bar.open), bar.high - bar.low
    passed = (bar.close > 0) & (values["body_times"] * body <= shadow) & (whole > 0)
    passed &= shadow * 10_000 >= values["shadow_bp_min"] * whole
    return Verdicts(passed, {"open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close})


def bottom_below(cross: Cross, values: Values) -> Verdicts:
    """The merged bar of D-1 lies below the merged bar before it, in high and in low."""
    pair = cross.windows.merged(values["sessions"])
    passed = (cross.bar.close > 0) & pair.known & (pair.k2_high < pair.k1_high) & (pair.k2_low < pair.k1_low)
    numbers = {"k1_high": pair.k1_high, "k1_low": pair.k1_low, "k2_high": pair.k2_high, "k2_low": pair.k2_low}
    return Verdicts(passed, numbers)


_SESSIONS = Param("sessions", SESSIONS, 60, "看多少个交易日", "exchange sessions looked at", least=1)
_BARS = Param("sessions", SESSIONS, 60, "参与合并的有成交 K 线根数", "traded bars that are merged", least=2)


def _condition(
    name: str, judge: Callable[[Cross, Values], Verdicts], numbers: str, words: tuple[str, str], *params: Param
) -> Condition:
    return Condition(name, judge, *words, {param.name: param for param in params}, tuple(numbers.split()))


CONDITIONS: dict[str, Condition] = {
    condition.name: condition
    for condition in (
        _condition(
            "board", on_board, "board", ("板块在允许之列", "the board is among the allowed ones"),
            Param("boards", BOARDS, None, "允许的板块；不写则用配置 [boards] allowed", "allowed boards; [boards] allowed of the configuration where left out"),
        ),
        _condition(
            "float_value", float_value_between, "float_value close float_shares",
            ("流通市值（最近收盘价 × 流通股）在区间内，含两端；未知不算", "float market value (last close x float shares) in a range, ends included; unknown fails"),
            Param("float_value_min", YUAN, 0, "至少", "at least"),
            Param("float_value_max", YUAN, None, "至多", "at most"),
        ),
        _condition(
            "no_recent_st", no_recent_st, "recent_st",
            ("近几个月内从未 ST、*ST 或退市整理", "never ST, *ST or in a delisting period within the months"),
            Param("st_months", MONTHS, 6, "看几个日历月：D 减去这些月之后直到 D", "calendar months: after D minus them, up to D"),
            Param("st_unknown", ST, "deny", "状态未知时：deny 视为 ST，allow 放行（仅供研究）", "unknown state: deny counts it as ST, allow lets it in (research only)"),
        ),
        _condition("not_suspended", not_suspended, "suspended", ("D 日不停牌", "not suspended on D")),
        _condition("has_limit", has_limit, "up_limit", ("D 日有涨跌停限制", "D has a price limit")),
        _condition(
            "listed_sessions", listed_long, "listed",
            ("上市已满若干交易日，首日算第 1 日", "listed for so many sessions, the first one is number 1"),
            Param("listed_min", SESSIONS, 60, "至少", "at least"),
        ),
        _condition(
            "amplitude", amplitude_within, "amplitude_bp high low",
            ("(最高 − 最低) ÷ 最低，复权到 D−1，在区间内，含两端", "(highest - lowest) / lowest, adjusted as of D-1, in a range, ends included"),
            _SESSIONS,
            Param("amplitude_bp_min", BP, 0, "至少", "at least"),
            Param("amplitude_bp_max", BP, None, "至多", "at most"),
        ),
        _condition(
            "traded_sessions", traded_sessions, "traded",
            ("这些交易日里至少有若干日成交", "traded on so many of the sessions"),
            _SESSIONS,
            Param("traded_min", COUNT, 40, "至少", "at least"),
        ),
        _condition(
            "price", price_between, "close",
            ("最近收盘价（不复权）在区间内，含两端", "the last close (raw) in a range, ends included"),
            Param("price_min", YUAN, 0, "至少", "at least"),
            Param("price_max", YUAN, None, "至多", "at most"),
        ),
        _condition(
            "turnover", average_turnover, "turnover",
            ("日均成交额在区间内，含两端；无成交的日子按 0 计", "average turnover a session in a range, ends included; no trade counts as 0"),
            _SESSIONS._replace(default=20),
            Param("turnover_min", YUAN, 0, "至少", "at least"),
            Param("turnover_max", YUAN, None, "至多", "at most"),
        ),
        _condition(
            "turnover_rate", turnover_rate, "turnover_rate_bp",
            ("D−1 的换手率在区间内，含两端；流通股未知不算", "turnover rate of D-1 in a range, ends included; unknown float shares fail"),
            Param("turnover_rate_bp_min", BP, 0, "至少", "at least"),
            Param("turnover_rate_bp_max", BP, None, "至多", "at most"),
        ),
        _condition(
            "long_lower_shadow", long_lower_shadow, "open high low close",
            ("D−1 的 K 线（不复权）有长下影线", "the raw bar of D-1 has a long lower shadow"),
            Param("body_times", COUNT, 2, "下影线至少是实体的几倍", "the shadow is at least so many times the body"),
            Param("shadow_bp_min", BP, 5_000, "下影线至少占全长的几分之几", "the shadow is at least such a part of the whole bar"),
        ),
        _condition(
            "bottom_below", bottom_below, "k1_high k1_low k2_high k2_low",
            ("包含合并后，含 D−1 的 K2 高低都低于前一根 K1", "after merging inclusion, K2 (holds D-1) is below K1 in high and in low"),
            _BARS,
        ),
    )
}  # fmt: skip
"""Every condition by name."""
