"""A result out of a journal: what the pipeline engine's gateway wrote, in the rows that every engine writes."""

from collections import Counter

from common.backtests.result import (
    BacktestResult,
    BookEvent,
    Coverage,
    EquityRow,
    EventKind,
    Fill,
    Inputs,
    OpenPosition,
    Outcome,
    Unfilled,
    is_bare,
    refused_of,
)
from common.domain.calendar import second_of_day
from common.domain.errors import InvariantError
from common.domain.reasons import Reason
from common.domain.values import Cash, Day, Price, Shares, Side, Symbol, day_of_push
from common.messages.orders import (
    CorporateAction,
    DayClosed,
    EventRow,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderSubmitted,
    PositionWrittenOff,
    SubmitOrder,
)
from common.rules.boards import exchange_of
from common.rules.fees import deal_fees
from services.backtest_worker.adapters.pipeline import PipelineResult


class Reader:
    """Folds a journal, row by row; what the broker charges tells the kinds of the fees apart."""

    def __init__(self, commission_e7: int, commission_min: Cash) -> None:
        self.fills: list[Fill] = []
        self.events: list[BookEvent] = []
        self.equity: list[EquityRow] = []
        self.unfilled: list[Unfilled] = []
        self.marks: dict[Symbol, Price] = {}
        self.held: Counter[Symbol] = Counter()
        self._commission = commission_e7, commission_min
        self._orders: dict[str, SubmitOrder] = {}
        self._done: Counter[str] = Counter()
        """Shares filled, by order."""
        self._turnover: Counter[str] = Counter()

    def take(self, row: EventRow) -> None:
        """Take one row in."""
        match row.event:
            case OrderSubmitted(order):
                self._orders[order.coid] = order
            case OrderFilled():
                self._filled(day_of_push(row.push), row.event)
            case OrderCancelled(coid, left, reason):
                self._ended(day_of_push(row.push), coid, left, reason)
            case OrderExpired(coid, left):
                self._ended(day_of_push(row.push), coid, left, Reason.DAY_END)
            case CorporateAction(day=day, symbol=symbol, shares_before=before, shares_after=after, cash=cash):
                self.events.append(BookEvent(day, 0, symbol, EventKind.EX_DAY, before, after, cash))
                self.held[symbol] = after
            case PositionWrittenOff(day=day, symbol=symbol, shares=shares, cash=cash):
                self.events.append(BookEvent(day, 0, symbol, EventKind.DELISTED, shares, 0, cash))
                del self.held[symbol]
            case DayClosed(result, marks):
                self.marks = dict(marks)
                positions = sum(1 for shares in self.held.values() if shares)
                self.equity.append(EquityRow(result.day, result.equity, result.cash, result.market_value, positions))

    def _filled(self, day: Day, deal: OrderFilled) -> None:
        amount, second = deal.shares * deal.price, second_of_day(deal.ts_ns)
        charge = deal_fees(
            deal.side,
            day,
            int(exchange_of(deal.symbol)),
            amount,
            self._turnover[deal.coid],
            *self._commission,
            deal.shares,
            self._done[deal.coid],
        )
        if charge.commission + charge.stamp + charge.transfer != deal.fees:
            raise InvariantError(f"deal {deal.deal_id} bore {deal.fees}, its fees by kind are {charge}")
        self._turnover[deal.coid] += amount
        self._done[deal.coid] += deal.shares
        self.held[deal.symbol] += deal.shares if deal.side == Side.BUY else -deal.shares
        self.fills.append(
            Fill(
                day,
                second,
                deal.symbol,
                Side(deal.side),
                deal.shares,
                deal.price,
                charge.commission,
                charge.stamp,
                charge.transfer,
                deal.cause,
                deal.rule,
            )
        )
        if deal.tax:
            held = self.held[deal.symbol]
            self.events.append(BookEvent(day, second, deal.symbol, EventKind.DIVIDEND_TAX, held, held, -deal.tax))

    def _ended(self, day: Day, coid: str, left: Shares, reason: Reason) -> None:
        order = self._orders[coid]
        if order.side == Side.BUY and left:
            self.unfilled.append(
                Unfilled(
                    day,
                    second_of_day(order.ts_ns),
                    order.symbol,
                    Side.BUY,
                    Outcome.MISSED,
                    order.shares,
                    order.shares - left,
                    order.price,
                    reason,
                    order.cause,
                    order.rule,
                )
            )


def result_of(made: PipelineResult, inputs: Inputs, commission_e7: int, commission_min: Cash) -> BacktestResult:
    """Return what a pipeline run left behind as a result."""
    reader = Reader(commission_e7, commission_min)
    for row in made.rows:
        reader.take(row)
    refused: dict[tuple[Day, Symbol, Reason], Unfilled] = {}
    times = {signal.key: signal.time_ms // 1000 for signal in made.signals}
    for denied in made.denied:
        day = day_of_push(denied.push)
        refused.setdefault(
            (day, denied.symbol, denied.reason),
            Unfilled(
                day,
                times.get(denied.key, 0),
                denied.symbol,
                Side(denied.side or Side.BUY),
                Outcome.REFUSED,
                denied.shares,
                0,
                denied.price,
                denied.reason,
                denied.cause,
                denied.rule,
                dict(denied.detail),
            ),
        )
    unfilled = sorted((*reader.unfilled, *refused.values()), key=lambda row: (row.day, row.second, row.symbol))
    held = sorted((symbol, shares) for symbol, shares in reader.held.items() if shares)
    return BacktestResult(
        inputs,
        (
            Coverage(
                made.days[0],
                made.days[-1],
                "snapshots",
                len(made.days),
                len(made.days),
                "行情带：每一天都有快照",
                "tapes: snapshots on every day",
            ),
        ),
        tuple(reader.equity),
        tuple(reader.fills),
        tuple(reader.events),
        tuple(row for row in unfilled if not is_bare(row)),
        refused_of(row for row in unfilled if is_bare(row)),
        tuple(OpenPosition(symbol, shares, reader.marks[symbol]) for symbol, shares in held),
    )
