"""The other side of QMT for trading: an account at a counter, and a client with every habit that users have reported.

The books are always right; what is said of them follows `Habits`. A venue belongs to a client folder, as the real one
does.
"""

import threading
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from common.domain.calendar import NS, day_of, hms, ts_of
from common.domain.values import Cash, Shares, Side, Symbol
from common.rules.boards import exchange_of
from common.rules.fees import fees
from tests.fakes.manners import COMMISSION_E7, COMMISSION_MIN, Held
from tests.fakes.xtquant.habits import (
    BUY,
    CANCELLED,
    CANCELLING,
    FILLED,
    JUNK,
    PART_CANCELLED,
    PART_FILLED,
    SELL,
    Deal,
    Entry,
    Habits,
)

VENUES: dict[str, "Venue"] = {}
"""By client folder."""


class Venue:
    """The counter with one account; lives through every session of ours."""

    def __init__(self, path: str, account: str, *, cash: Cash, now_ns: Callable[[], int]) -> None:
        self.path, self.account, self.cash, self.now_ns = path, account, cash, now_ns
        self.habits = Habits()
        self.orders: list[Entry] = []
        self.deals: list[Deal] = []
        self.positions: dict[Symbol, Held] = {}
        self.clients: list[Any] = []
        """Connected ones."""
        self.log: list[tuple[str, Any]] = []
        """Every native call with its request."""
        self.sessions: list[int] = []
        """The numbers of all sessions there were."""
        self.refuses: Callable[[Any], str] = lambda req: ""
        """Why the counter refuses an order or a cancel; empty = it does not."""
        self.trades_at_once: Callable[[Any], Shares] = lambda req: 0
        self.lock = threading.RLock()
        self._number = 1_000
        VENUES[path] = self

    # ------------------------------------------------------------------ native objects

    def time(self, ns: int) -> Any:
        """Return a time in the form this client uses."""
        day, second = day_of(ns), (ns // NS + 8 * 3600) % 86_400
        clock = second // 3600 * 10_000 + second // 60 % 60 * 100 + second % 60
        forms = {"seconds": ns // NS, "ms": ns // 1_000_000, "hhmmss": clock, "datetime": day * 1_000_000 + clock}
        return forms.get(self.habits.time_form, 0)

    def _base(self, entry: Entry) -> dict[str, Any]:
        kind = BUY if entry.side == Side.BUY else SELL
        return {
            "account_type": 2, "account_id": self.account, "stock_code": entry.symbol, "order_id": entry.order_id,
            "order_sysid": f"S{entry.order_id}", "order_type": kind, "strategy_name": "pankou",
            "order_remark": entry.remark, "direction": 0, "offset_flag": 48 if kind == BUY else 49,
            "secu_account": "A000000000", "instrument_name": "",
        }  # fmt: skip

    def xt_order(self, entry: Entry) -> Any:
        """Return an XtOrder (§1.4)."""
        habits = self.habits
        price = entry.price if habits.price_back is None else habits.price_back
        average = entry.turnover / entry.traded / 1000 if entry.traded else 0.0
        return SimpleNamespace(
            **self._base(entry), order_time=self.time(entry.at_ns), order_volume=entry.shares,
            price_type=habits.price_type_back, price=price, traded_volume=entry.traded, traded_price=average,
            order_status=entry.status, status_msg="",
        )  # fmt: skip

    def xt_trade(self, deal: Deal) -> Any:
        """Return an XtTrade (§1.4)."""
        return SimpleNamespace(
            **self._base(deal.entry), traded_id=deal.deal_id, traded_time=self.time(deal.at_ns),
            traded_price=deal.price / 1000, traded_volume=deal.shares, traded_amount=deal.price * deal.shares / 1000,
            commission=0.0,
        )  # fmt: skip

    def xt_position(self, symbol: Symbol) -> Any:
        """Return an XtPosition (§1.4)."""
        held = self.positions[symbol]
        frozen = sum(e.shares - e.traded for e in self.orders if e.alive and (e.symbol, e.side) == (symbol, Side.SELL))
        cost = held.cost / held.shares / 1000 if held.shares else 0.0
        return SimpleNamespace(
            account_type=2, account_id=self.account, stock_code=symbol, volume=held.shares,
            can_use_volume=max(0, held.shares - held.today - frozen), frozen_volume=frozen, on_road_volume=held.today,
            yesterday_volume=held.shares - held.today, open_price=cost, avg_price=cost, market_value=cost * held.shares,
            last_price=cost, direction=48, secu_account="A000000000", instrument_name="",
        )  # fmt: skip

    def xt_asset(self) -> Any:
        """Return an XtAsset (§1.4): what open buys hold is not in its cash."""
        frozen = sum(
            int((e.shares - e.traded) * round(e.price * 1000)) for e in self.orders if e.alive and e.side == Side.BUY
        )
        worth = sum(held.cost for held in self.positions.values() if held.shares)
        return SimpleNamespace(
            account_type=2, account_id=self.account, cash=(self.cash - frozen) / 1000, frozen_cash=frozen / 1000,
            market_value=worth / 1000, total_asset=(self.cash + worth) / 1000, fetch_balance=self.cash / 1000,
        )  # fmt: skip

    # ------------------------------------------------------------------ pushes

    def push(self, binder: str, *objects: Any) -> None:
        """Push to every client that subscribed."""
        if not self.habits.pushes and binder != "Disconnected":
            return
        for client in list(self.clients):
            for _ in range(2 if self.habits.twice else 1):
                client.later(binder, *objects)

    def show(self, entry: Entry) -> None:
        """Push an order as it stands."""
        self.push("StockOrder", self.xt_order(entry))

    def tell(self, deal: Deal) -> None:
        """Push a deal: order, trade, order, position, asset, as has been seen (§3.1)."""
        self.show(deal.entry)
        self.push("StockTrade", self.xt_trade(deal))
        self.show(deal.entry)
        self.push("StockPosition", self.xt_position(deal.entry.symbol))
        self.push("StockAsset", self.xt_asset())

    def connected(self, client: Any) -> None:
        """Note a client that is connected, and replay what this one replays."""
        self.clients.append(client)
        if self.habits.replays == "day":
            for entry in self.orders:
                client.later("StockOrder", self.xt_order(entry))
            for deal in self.deals:
                client.later("StockTrade", self.xt_trade(deal))
        elif self.habits.replays == "old":
            old = Entry(7, "", "251230AAAAAAAAAAAAAA", "600001.SH", Side.BUY, 100, 9.0, ts_of(20251230, hms("10:00")))
            for _ in range(24):
                client.later("StockTrade", self.xt_trade(Deal("old", old, 100, 9_000, old.at_ns)))

    def drop(self) -> None:
        """Lose the link to every client: they are told, nothing else happens by itself (§0.5, §1.1)."""
        clients, self.clients = self.clients, []
        for client in clients:
            client.later("Disconnected")

    # ------------------------------------------------------------------ orders

    def on_order(self, client: Any, seq: int, req: Any) -> None:
        """Take an order: answer, errors and pushes as the habits have it."""
        habits = self.habits
        with self.lock:
            self._number += 1
            remark = habits.remark(req.m_strOrderRemark)
            side = Side.BUY if req.m_nOrderType == BUY else Side.SELL
            entry = Entry(
                self._number, req.m_strOrderRemark, remark, req.m_strStockCode, side, req.m_nOrderVolume, req.m_dPrice,
                self.now_ns(), session=client.session,
            )  # fmt: skip
            why = self.refuses(req) or self._short(entry)
            if habits.minus_one_lives:
                self.orders.append(entry)
                self._answer(client, seq, -1, req, "timeout")
                self._begin(entry, req)
            elif why and habits.junk == "minus":
                self._error_and_answer(client, seq, -1, req, why, errors=habits.minus_one_error)
            elif why:
                entry.status = JUNK
                self.orders.append(entry)
                self._error_and_answer(client, seq, entry.order_id, req, why, errors=habits.junk == "after")
                self.show(entry)
            else:
                self.orders.append(entry)
                self._answer(client, seq, entry.order_id, req, "")
                self._begin(entry, req)

    def _error_and_answer(self, client: Any, seq: int, order_id: int, req: Any, why: str, *, errors: bool) -> None:
        error = SimpleNamespace(
            account_type=2, account_id=self.account, order_id=order_id, error_id=-59, error_msg=why,
            strategy_name="pankou", order_remark=self.habits.remark(req.m_strOrderRemark), seq=seq,
        )  # fmt: skip
        if errors and self.habits.errors == "before":
            client.fire("OrderError", error)
        self._answer(client, seq, order_id, req, why)
        if errors and self.habits.errors != "before":
            client.fire("OrderError", error)

    def _answer(self, client: Any, seq: int, order_id: int, req: Any, why: str) -> None:
        if "orderStockWithSeq" not in self.habits.silent:
            client.fire(
                "OrderStockResp", seq,
                SimpleNamespace(
                    m_strAccountID=self.account, m_nOrderID=order_id, m_strStrategyName="pankou",
                    m_strOrderRemark=self.habits.remark(req.m_strOrderRemark), m_strErrorMsg=why,
                ),
            )  # fmt: skip

    def _begin(self, entry: Entry, req: Any) -> None:
        self.show(entry)
        shares = self.trades_at_once(req)
        if shares:
            self.trade(entry, shares)

    def _short(self, entry: Entry) -> str:
        """Return what the account lacks for an order."""
        if entry.side == Side.BUY:
            return "" if entry.shares * round(entry.price * 1000) <= self.cash else "可用资金不足"
        held = self.positions.get(entry.symbol, Held())
        open_ = sum(
            e.shares - e.traded for e in self.orders if e.alive and (e.symbol, e.side) == (entry.symbol, Side.SELL)
        )
        return "" if entry.shares <= held.shares - held.today - open_ else "可用股份不足"

    def trade(self, entry: Entry, shares: Shares, price: float | None = None) -> Deal:
        """Let an order trade, whatever its state: counters do report deals of orders that had ended."""
        with self.lock:
            at = round((entry.price if price is None else price) * 1000)
            deal = Deal(f"D{len(self.deals) + 1}", entry, shares, at, self.now_ns())
            exchange = int(exchange_of(entry.symbol))
            charge = fees(
                entry.side, day_of(deal.at_ns), exchange, shares * at, entry.turnover, COMMISSION_E7, COMMISSION_MIN,
                shares, entry.traded,
            )  # fmt: skip
            entry.traded += shares
            entry.turnover += shares * at
            held = self.positions.setdefault(entry.symbol, Held())
            if entry.side == Side.BUY:
                self.cash -= shares * at + charge
                held.shares, held.today, held.cost = held.shares + shares, held.today + shares, held.cost + shares * at
            else:
                self.cash += shares * at - charge
                held.cost -= held.cost * shares // held.shares
                held.shares -= shares
            if entry.alive:
                entry.status = FILLED if entry.traded >= entry.shares else PART_FILLED
            self.deals.append(deal)
            self.tell(deal)
            return deal

    # ------------------------------------------------------------------ cancels

    def on_cancel(self, client: Any, seq: int, req: Any) -> None:
        """Take a cancel: 0 means the command was sent, nothing more (§1.2)."""
        with self.lock:
            sysid = req.m_strOrderSysID  # §1.2: an order is cancelled by the client's number or by the counter's
            entry = next(
                (e for e in self.orders if (f"S{e.order_id}" == sysid if sysid else e.order_id == req.m_nOrderID)), None
            )
            if "cancelOrderStockWithSeq" not in self.habits.silent:
                client.fire(
                    "CancelOrderStockResp", seq,
                    SimpleNamespace(
                        m_strAccountID=self.account, m_nCancelResult=self.habits.cancel_result,
                        m_nOrderID=req.m_nOrderID, m_strOrderSysID=sysid, m_strErrorMsg="",
                    ),
                )  # fmt: skip
            why = self.refuses(req) or ("" if entry is not None and entry.alive else "委托已结束")
            if self.habits.cancel_result != 0 or why or entry is None:
                if why:
                    error = SimpleNamespace(
                        account_type=2, account_id=self.account, order_id=req.m_nOrderID, market=0, order_sysid=sysid,
                        error_id=-61, error_msg=why,
                    )  # fmt: skip
                    client.fire("CancelError", error)
                return
            entry.status = CANCELLING
            if self.habits.cancels_pend:
                self.show(entry)
            else:
                self._end(entry)

    def finish_cancels(self) -> None:
        """Let every cancel that is pending succeed."""
        with self.lock:
            for entry in self.orders:
                if entry.status == CANCELLING:
                    self._end(entry)

    def _end(self, entry: Entry) -> None:
        entry.status = PART_CANCELLED if entry.traded else CANCELLED
        self.show(entry)

    # ------------------------------------------------------------------ questions

    def answers(self, name: str) -> tuple[bool, Any]:
        """Return whether a query is answered, and with what."""
        habits = self.habits
        with self.lock:
            if name == "queryStockAssetWithSeq":
                found: Any = None if habits.no_asset else [self.xt_asset()]
                return name not in habits.silent, found
            if name == "queryAccountStatusWithSeq":
                state = SimpleNamespace(account_id=self.account, account_type=2, status=habits.account_status)
                return name not in habits.silent, [state] if habits.lists_accounts else []
            today = day_of(self.now_ns())
            lists: dict[str, list[Any]] = {
                "queryStockOrdersWithSeq": [self.xt_order(e) for e in self.orders if day_of(e.at_ns) == today],
                "queryStockTradesWithSeq": [self.xt_trade(d) for d in self.deals if day_of(d.at_ns) == today],
                "queryStockPositionsWithSeq": [
                    self.xt_position(s) for s, held in self.positions.items() if held.shares or habits.zero_rows
                ],
            }
            rows = lists[name]
            if habits.none_lists or (habits.empty_positions and name == "queryStockPositionsWithSeq"):
                rows = []
            return name not in habits.silent, rows or (None if habits.none_is_empty else [])

    # ------------------------------------------------------------------ the world outside

    def roll(self) -> None:
        """Begin a day: what was bought yesterday may be sold."""
        for held in self.positions.values():
            held.today = 0

    def by_hand(
        self, symbol: Symbol, side: Side, shares: Shares, price: float, *, remark: str = "", traded: Shares = 0
    ) -> Entry:
        """Let somebody order in the client; every session hears of it (§1.3 [U])."""
        with self.lock:
            self._number += 1
            entry = Entry(self._number, "", remark, symbol, side, shares, price, self.now_ns())
            self.orders.append(entry)
            self.show(entry)
            if traded:
                self.trade(entry, traded)
            return entry

    def of(self, coid: str) -> list[Entry]:
        """Return the orders the counter holds for one of our ids: two are the worst that can happen."""
        return [entry for entry in self.orders if entry.coid == coid]

    def requests(self, name: str) -> Sequence[Any]:
        """Return every request of a kind."""
        return [req for called, req in self.log if called == name]
