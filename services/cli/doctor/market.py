"""Checks of what is known of the market: calendar, history, ST, quotes."""

from typing import NamedTuple

from common.domain.calendar import NS, S0915, S0925, S0930, S1130, S1300, S1500, second_of_day
from common.domain.values import Day
from services.cli.doctor.finding import Finding, Verdict, graded

AHEAD_WARN, AHEAD_FAIL = 10, 1
"""Trading days the calendar must know after today."""
QUOTE_AGE_S = 10
"""notes §5: a quote younger than 10 s after 09:15."""
SPANS = ((S0915, S0925), (S0930, S1130), (S1300, S1500))
"""When quotes are due."""


class Market(NamedTuple):
    """What was found; the defaults are a healthy trading day. None = nobody could look."""

    today: Day = 0
    is_open: bool | None = True
    """Whether today is a trading day; None = past the calendar."""
    days_ahead: int | None = 20
    """Trading days after today in the calendar; None = it cannot be read."""
    calendar_end: Day = 0
    history: str = "history"
    """Folder, "" = none is configured."""
    replay: bool = False
    """Tapes are played: their days are not today's."""
    history_last: Day | None = 0
    """Last trading day with prices; None = cannot be read."""
    history_behind: int = 0
    """Trading days before today that are missing."""
    st_spells: int | None = 1
    """Rows of the ST table; None = there is no such table."""
    now_ns: int = 0
    quote_ns: int | None = None
    """Exchange time of the newest quote; None = nobody to ask."""


def calendar(market: Market) -> Finding:
    """Check that the calendar holds today and enough days after it."""
    facts: dict[str, object] = {"until": market.calendar_end}
    if market.days_ahead is None:
        return Finding("calendar", Verdict.UNKNOWN, facts, "unknown")
    if market.is_open is None:
        return Finding("calendar", Verdict.FAIL, facts, "ended")
    verdict = graded(market.days_ahead, AHEAD_WARN, AHEAD_FAIL)
    return Finding("calendar", verdict, facts | {"count": market.days_ahead})


def trading_day(market: Market) -> Finding:
    """Tell whether anything can trade today."""
    if market.is_open is None:
        return Finding("trading_day", Verdict.UNKNOWN, {"day": market.today}, "unknown")
    if not market.is_open:
        return Finding("trading_day", Verdict.WARN, {"day": market.today}, "closed")
    return Finding("trading_day", Verdict.OK, {"day": market.today})


def history(market: Market) -> Finding:
    """Check that history holds every trading day before today: screens of today use the close of the one before."""
    facts: dict[str, object] = {"folder": market.history}
    if not market.history:
        return Finding("history", Verdict.UNKNOWN, facts, "unset")
    if market.history_last is None:
        return Finding("history", Verdict.FAIL, facts, "unreadable")
    facts |= {"last": market.history_last, "count": market.history_behind}
    if market.replay:
        return Finding("history", Verdict.OK, facts, "replay")
    if market.history_behind == 0:
        return Finding("history", Verdict.OK, facts)
    return Finding("history", Verdict.WARN if market.history_behind == 1 else Verdict.FAIL, facts, "behind")


def st_table(market: Market) -> Finding:
    """Check that history knows of ST at all; what is not known counts as ST and empties the pools."""
    if not market.history:
        return Finding("st_table", Verdict.UNKNOWN, {}, "unknown")
    if market.st_spells is None:
        return Finding("st_table", Verdict.FAIL, {}, "missing")
    verdict = Verdict.OK if market.st_spells else Verdict.WARN
    return Finding("st_table", verdict, {"rows": market.st_spells})


def quotes(market: Market) -> Finding:
    """Check that the newest quote is as young as it can be at this hour."""
    if market.is_open is not True:
        return Finding("quotes", Verdict.UNKNOWN, {}, "closed")
    due_ns = quote_due_ns(market.now_ns)
    if due_ns is None:
        return Finding("quotes", Verdict.UNKNOWN, {}, "early")
    if market.quote_ns is None:
        return Finding("quotes", Verdict.UNKNOWN, {}, "none")
    age_s = max(0, due_ns - market.quote_ns) / NS
    verdict = Verdict.OK if age_s <= QUOTE_AGE_S else Verdict.WARN if age_s <= 3 * QUOTE_AGE_S else Verdict.FAIL
    return Finding("quotes", verdict, {"seconds": f"{age_s:.0f}", "most": QUOTE_AGE_S})


def quote_due_ns(now_ns: int) -> int | None:
    """Return the last moment up to now at which quotes were due today; None before the opening auction."""
    second = second_of_day(now_ns)
    begun = [span for span in SPANS if span[0] <= second]
    if not begun:
        return None
    late_s = max(0, second - begun[-1][1])
    return now_ns - late_s * NS


def quotes_are_due(now_ns: int) -> bool:
    """Tell whether a quote of this very moment can be had, as a check of the clock needs it."""
    second = second_of_day(now_ns)
    return any(begin + QUOTE_AGE_S <= second < end for begin, end in SPANS)
