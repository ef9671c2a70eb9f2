"""Numbers of statistics as people read them, in Chinese and English; the command line and the report share it."""

from typing import Literal

from common.backtests.metrics import METRICS, Unit, Value
from common.domain.reasons import WORDS, Reason
from common.domain.values import Cash, Day, format_price

Lang = Literal["zh", "en"]
UNDEFINED = {"zh": "未定义", "en": "undefined"}
OUTCOMES = {"REFUSED": ("被拒", "refused"), "MISSED": ("未全成", "missed")}
VERDICT_WORDS = {
    "pessimistic": ("悲观：板上不成交，开板才成交", "pessimistic: only if the board opens"),
    "expected": ("预期：按排队位置", "expected: by the place in the queue"),
    "optimistic": ("乐观：触及即成交", "optimistic: at the touch"),
}
GRAIN_WORDS = {
    "snapshots": ("五档快照", "five-level snapshots"),
    "minute1": ("1 分钟线", "1-minute bars"),
    "minute5": ("5 分钟线", "5-minute bars"),
    "daily": ("只有日线", "daily bars only"),
}


def yuan(amount: Cash) -> str:
    """Write an amount with separators: -1,234,567.89; the third decimal only where it is not zero."""
    whole, _, decimals = format_price(abs(amount)).partition(".")
    return f"{'-' if amount < 0 else ''}{int(whole):,}.{decimals}"


def signed_yuan(amount: Cash) -> str:
    """Write a gain or loss with its sign."""
    return f"+{yuan(amount)}" if amount > 0 else yuan(amount)


def percent(value: float | None, lang: str = "zh", signed: bool = False) -> str:
    """Write a ratio in percent."""
    if value is None:
        return UNDEFINED[lang]
    text = f"{value * 100:{'+' if signed else ''},.2f}%"
    return text.replace("+0.00%", "0.00%").replace("-0.00%", "0.00%") if text in ("+0.00%", "-0.00%") else text


def day_text(day: Day) -> str:
    """Write a day as 2026-01-05."""
    text = f"{day:08d}"
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"


def metric_text(lang: str, name: str, value: Value) -> str:
    """Write a metric's value in its unit; what is undefined says so."""
    unit = METRICS[name].unit
    if value is None:
        return UNDEFINED[lang]
    if unit is Unit.CASH:
        return signed_yuan(int(value)) if name == "pnl" else yuan(int(value))
    if unit is Unit.PERCENT:
        return percent(value, lang)
    return f"{value:,.2f}" if unit is Unit.RATIO else f"{value:,}"


def metric_name(lang: str, name: str) -> str:
    """Return a metric's name."""
    metric = METRICS[name]
    return metric.zh if lang == "zh" else metric.en


def reason_words(lang: str, reason: Reason) -> str:
    """Return a reason's words."""
    return WORDS[reason].zh if lang == "zh" else WORDS[reason].en
