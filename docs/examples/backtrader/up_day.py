"""自己写的 backtrader 策略，交给 A 股规则下的经纪商。/ A plain backtrader strategy on a broker that keeps A-share rules.

python docs/examples/backtrader/up_day.py HISTORY SYMBOL FROM TO
"""

import sys
from pathlib import Path

import backtrader as bt

from services.backtest_worker.adapters.bt_plain import cerebro_of


class BuyAfterAnUpDay(bt.Strategy):
    """昨日收涨，早盘买一手；第二天起，收盘前卖出。/ Buys a lot after a day that rose, sells before a later close."""

    params = (("symbol", ""),)

    def __init__(self):
        self.bars = self.getdatabyname(self.p.symbol)
        self.days = self.getdatabyname(f"{self.p.symbol}/day")

    def prenext(self):
        self.next()

    def next(self):
        if len(self.bars) == 0 or len(self.days) < 2:
            return
        now = self.bars.datetime.time(0).replace(second=0, microsecond=0)
        held = self.getposition(self.bars).size
        # 15:00 之前，days[0] 是昨天 / until 15:00 days[0] is yesterday
        rose = self.days.adj_close[0] > self.days.adj_close[-1]
        if not held and rose and (now.hour, now.minute) == (9, 40):
            self.buy(self.bars, size=100)
        elif held and (now.hour, now.minute) >= (14, 30):
            self.sell(self.bars, size=held)  # 买入当天被拒：T+1 / refused on the day of the buy: T+1

    def notify_order(self, order):
        if order.status == order.Rejected:
            print(self.bars.datetime.date(0), order.info.reason, order.info.en)
        elif order.status == order.Completed:
            side = "buy" if order.isbuy() else "sell"
            print(self.bars.datetime.date(0), side, order.executed.size, order.executed.price)


def main(history: str, symbol: str, first: str, last: str) -> float:
    """Run and return the final value in yuan."""
    cerebro = cerebro_of(Path(history), [symbol], int(first), int(last), warm_up=2)
    cerebro.addstrategy(BuyAfterAnUpDay, symbol=symbol)
    cerebro.run()
    print(f"{cerebro.broker.getvalue():.2f}")
    return cerebro.broker.getvalue()


if __name__ == "__main__":
    main(*sys.argv[1:])
