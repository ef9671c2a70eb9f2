"""What a session does to a holding before its first bar: ex-days and delistings."""

from common.backtests.result import BookEvent, EventKind
from common.domain.positions import Ledger
from common.domain.values import Symbol
from common.rules.corporate import dividend, rescale_cost, shares_after
from common.rules.dividend import taxable_dividend
from services.backtest_worker.bars import DayBars


def corporate_action(ledger: Ledger, day: DayBars, stock: int, symbol: Symbol) -> BookEvent | None:
    """Change a holding that goes ex, or write off one whose stock left the exchange; None where nothing happens."""
    facts, holding = day.facts, ledger.positions[symbol]
    before = holding.shares
    if facts.gone[stock]:
        ledger.written_off(symbol, before, 0)
        return BookEvent(day.day, 0, symbol, EventKind.DELISTED, before, 0, 0)
    if not facts.ex_day[stock]:
        return None
    raw, reference = int(facts.raw_prev_close[stock]), int(facts.prev_close[stock])
    cash_e6, bonus_e6 = int(facts.ex_cash_e6[stock]), int(facts.ex_bonus_e6[stock])
    after, cash = shares_after(before, bonus_e6), dividend(before, cash_e6)
    cost = rescale_cost(holding.cost, reference, raw, before, after)
    ledger.corporate_action(symbol, before, after, cash, cost, reference, taxable_dividend(before, cash_e6))
    return BookEvent(day.day, 0, symbol, EventKind.EX_DAY, before, after, cash)
