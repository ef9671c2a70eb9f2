"""Why something was decided, denied or cancelled: one enum, with its words in Chinese and English."""

from enum import IntEnum
from typing import NamedTuple


class Reason(IntEnum):
    """Numbers on the wire never change and are never reused."""

    NONE = 0
    # why a rule enters
    LIMIT_UP_TOUCH = 1
    BOTTOM_FRACTAL_CONFIRMED = 2
    RULE_ENTRY = 3
    # exits of rules
    STOP_LOSS = 10
    WEAK_AT_0950 = 11
    NOT_SEALED_AT_1430 = 12
    TAKE_PROFIT_HALF = 13
    TRAILING_STOP = 14
    RULE_EXIT = 15
    RULE_REDUCE = 16
    # people
    HAND_OPEN = 20
    HAND_CLOSE = 21
    HAND_CANCEL = 22
    # cancels and ends by the machine
    CANCEL_AT_TIME = 30
    REPRICE = 31
    DAY_END = 32
    REPLACED_BY_EXIT = 33
    DELISTED = 34
    # denials by the risk manager
    BELOW_ONE_LOT = 40
    SLOTS_FULL = 41
    RULE_SLOTS_FULL = 42
    ALREADY_HELD = 43
    ALREADY_WORKING = 44
    NO_POSITION = 45
    T1_UNSELLABLE = 46
    EXIT_STANDING = 47
    STALE = 48
    STATE_HALTED = 49
    STATE_REDUCING = 50
    NO_QUOTE = 51
    BOARD_NOT_ALLOWED = 52
    DATA_GAP = 53
    ALREADY_DONE = 54
    # denials: market rules, asked by risk and gateway alike
    UNKNOWN_SYMBOL = 60
    SUSPENDED = 61
    PHASE_CLOSED = 62
    OFF_TICK = 63
    OUTSIDE_BAND = 64
    OUTSIDE_CAGE = 65
    ODD_LOT = 66
    ORDER_TOO_LARGE = 67
    INSUFFICIENT_CASH = 68
    INSUFFICIENT_SHARES = 69
    FAR_FROM_LAST = 70
    BAD_QUANTITY = 71
    CANCEL_REFUSED_BY_PHASE = 72
    NO_SUCH_ORDER = 73
    ORDER_ENDED = 74
    # denials by the protocol
    KEY_CONFLICT = 80
    EXPIRED = 81
    RISK_SILENT = 82
    NOT_ALLOWED = 83
    BROKER_REJECTED = 84
    IN_DOUBT = 85
    KILL_SWITCH = 86
    NOT_READY = 87
    TOO_MANY_ORDERS = 88
    DISK_FULL = 130
    # questions that are none
    BAD_MESSAGE = 120
    # limits and locks
    DUPLICATE_ORDER = 100
    SELF_TRADE = 101
    ORDER_VALUE = 102
    DAY_VALUE = 103
    OVER_ORDERED = 104
    NOT_ARMED = 105
    FEED_DEAD = 106
    NOT_RECONCILED = 107
    MIXED_VERSIONS = 108
    NAME_SHARE = 109
    DAY_LOSS = 110
    DRAWDOWN = 111
    STOP_LOSS_CLUSTER = 112
    QUOTE_BEFORE_GAP = 113
    ABOVE_CEILING = 114
    BAD_TIME = 115
    # a live feed
    LIMITS_DIFFER = 145
    # a broker with books of its own
    EXTERNAL = 90
    RESOLVED_ABSENT = 92
    RESOLVED_ADOPTED = 93
    ENDED_AT_BROKER = 94
    NOT_IN_DOUBT = 95
    NO_SUCH_BROKER_ORDER = 96
    WHY_MISSING = 97


class Words(NamedTuple):
    """A reason in Chinese and English; a denial says the fix after the semicolon."""

    zh: str
    en: str


# fmt: off
WORDS: dict[Reason, Words] = {
    Reason.NONE: Words("无", "none"),
    Reason.LIMIT_UP_TOUCH: Words("触及涨停", "touched its up limit"),
    Reason.BOTTOM_FRACTAL_CONFIRMED: Words("底分型确认", "bottom fractal confirmed"),
    Reason.STOP_LOSS: Words("止损", "stop loss"),
    Reason.WEAK_AT_0950: Words("09:50 弱势", "weak at 09:50"),
    Reason.NOT_SEALED_AT_1430: Words("14:30 未封板", "not sealed at 14:30"),
    Reason.TAKE_PROFIT_HALF: Words("止盈一半", "take profit on half"),
    Reason.TRAILING_STOP: Words("移动止盈", "trailing stop"),
    Reason.RULE_ENTRY: Words("自写策略买入", "a rule of your own enters"),
    Reason.RULE_EXIT: Words("自写策略清仓", "a rule of your own exits"),
    Reason.RULE_REDUCE: Words("自写策略减仓", "a rule of your own reduces"),
    Reason.HAND_OPEN: Words("手工买入", "bought by hand"),
    Reason.HAND_CLOSE: Words("手工卖出", "sold by hand"),
    Reason.HAND_CANCEL: Words("手工撤单", "cancelled by hand"),
    Reason.CANCEL_AT_TIME: Words("到时撤单", "cancelled at its time"),
    Reason.REPRICE: Words("改价重报", "repriced"),
    Reason.DAY_END: Words("收盘失效", "expired at the close"),
    Reason.REPLACED_BY_EXIT: Words("被清仓取代", "replaced by a full exit"),
    Reason.DELISTED: Words("退市核销", "written off: the stock left the exchange"),
    Reason.BELOW_ONE_LOT: Words("不足一手；增加资金或放宽仓位", "below one lot; add cash or raise the slot size"),
    Reason.SLOTS_FULL: Words("持仓数已满；先平掉一只", "all position slots are taken; close one first"),
    Reason.RULE_SLOTS_FULL: Words("该策略的仓位已满", "the rule's own slots are taken"),
    Reason.ALREADY_HELD: Words("已持有该股", "the stock is held already"),
    Reason.ALREADY_WORKING: Words("已有在途委托", "an order in the stock is working already"),
    Reason.NO_POSITION: Words("没有该股持仓", "no position in the stock"),
    Reason.T1_UNSELLABLE: Words("T+1：今日买入不可卖；下一交易日再卖", "T+1: bought today; sell on the next trading day"),
    Reason.EXIT_STANDING: Words("已有卖出计划在执行", "an exit of this position stands already"),
    Reason.STALE: Words("行情或信号过时", "quote or signal too old"),
    Reason.STATE_HALTED: Words("已停止交易；用 pankou resume 恢复", "trading is halted; pankou resume"),
    Reason.STATE_REDUCING: Words("只减仓状态，不开新仓；用 pankou status 看原因", "reducing: no opening orders; see pankou status"),
    Reason.NO_QUOTE: Words("没有该股行情", "no quote of the stock yet"),
    Reason.BOARD_NOT_ALLOWED: Words("配置不允许该板块；改 boards", "board not allowed by the configuration; see boards"),
    Reason.DATA_GAP: Words("行情有缺口", "the feed has a gap"),
    Reason.ALREADY_DONE: Words("目标已完成", "the target is reached already"),
    Reason.UNKNOWN_SYMBOL: Words("当日证券表里没有该代码", "not in the day's instrument table"),
    Reason.SUSPENDED: Words("停牌", "suspended"),
    Reason.PHASE_CLOSED: Words("当前时段不接受；在连续竞价时段再下", "not accepted in this phase; try in continuous trading"),
    Reason.OFF_TICK: Words("价格不在 0.01 元的整数倍上", "price is off the 0.01 yuan tick"),
    Reason.OUTSIDE_BAND: Words("价格超出当日涨跌停", "price outside the day's limits"),
    Reason.OUTSIDE_CAGE: Words("价格超出价格笼子", "price outside the price cage"),
    Reason.ODD_LOT: Words("股数不是整手；买入须为 100 股的整数倍（科创板 200 股起）", "not a whole lot; buy multiples of 100 (STAR: 200 and more)"),
    Reason.ORDER_TOO_LARGE: Words("超过单笔上限；拆单", "above the size limit of one order; split it"),
    Reason.INSUFFICIENT_CASH: Words("可用资金不足", "not enough free cash"),
    Reason.INSUFFICIENT_SHARES: Words("可卖数量不足", "not enough sellable shares"),
    Reason.FAR_FROM_LAST: Words("偏离最新价超过 2%；确认后加 --wide-price", "over 2 % from the last price; add --wide-price if meant"),
    Reason.BAD_QUANTITY: Words("股数必须是正整数", "shares must be a positive whole number"),
    Reason.CANCEL_REFUSED_BY_PHASE: Words("该时段不可撤单", "no cancels in this phase"),
    Reason.NO_SUCH_ORDER: Words("没有这笔委托", "no such order"),
    Reason.ORDER_ENDED: Words("委托已结束", "the order has ended"),
    Reason.KEY_CONFLICT: Words("同一编号内容不同；换一个编号", "same key, different content; use a new key"),
    Reason.EXPIRED: Words("已过有效时间", "past its valid time"),
    Reason.RISK_SILENT: Words("风控无应答，不开新仓", "risk manager is silent: no opening orders"),
    Reason.NOT_ALLOWED: Words("该密钥无此权限", "this key may not do that"),
    Reason.BROKER_REJECTED: Words("柜台拒单", "rejected by the broker"),
    Reason.IN_DOUBT: Words("状态不明，等待核实", "in doubt, waiting to be settled"),
    Reason.KILL_SWITCH: Words("总开关已关；查明后用 pankou kill --off", "the kill switch is on; pankou kill --off when the cause is found"),
    Reason.TOO_MANY_ORDERS: Words("委托过于频繁；稍后再试", "too many orders in a second or a day; try later"),
    Reason.NOT_READY: Words("服务尚未就绪，稍后再试", "service not ready yet; try again"),
    Reason.DISK_FULL: Words("磁盘已满，不开新仓；清出空间后自动恢复", "the disk is full: no opening orders; make room, it clears by itself"),
    Reason.BAD_MESSAGE: Words("消息格式有误；见 docs/reference/protocol.md", "not a message; see docs/reference/protocol.md"),
    Reason.DUPLICATE_ORDER: Words("一秒内同股同向同价同量的委托已有一笔；确要再下，过一秒重报", "the same order (stock, side, shares, price) came less than a second ago; send it again later if meant"),
    Reason.SELF_TRADE: Words("同一只股票有反方向的委托在途；先撤掉它", "an order of ours on the other side of the stock is working; cancel it first"),
    Reason.ORDER_VALUE: Words("超过单笔金额上限；拆单或用 pankou limits raise 临时放宽", "above the value limit of one order; split it, or pankou limits raise for today"),
    Reason.DAY_VALUE: Words("超过当日买入金额上限；用 pankou limits raise 临时放宽", "above the value of buys a day; pankou limits raise for today"),
    Reason.OVER_ORDERED: Words("该编号已经报过；不会报出比原委托更多的股数", "this key was sent already: never more shares than were ordered under it"),
    Reason.NOT_ARMED: Words("实盘账户未解锁，不开新仓；用 pankou arm 解锁", "the live account is not armed: no opening orders; pankou arm"),
    Reason.LIMITS_DIFFER: Words(
        "行情给出的涨跌停价与规则库不同，不买入；核对 ST、除权与交易所公告",
        "the feed's price limits differ from the rulebook: not bought; check ST, ex-day and the exchange's notice",
    ),
    Reason.FEED_DEAD: Words("行情中断，不买入；等行情恢复", "the feed is dead: no buys until it is back"),
    Reason.NOT_RECONCILED: Words("账目与柜台未对平，不买入；用 pankou status 看差额，对上后自动恢复", "books and broker do not agree: no buys; see pankou status, clears itself when equal"),
    Reason.MIXED_VERSIONS: Words("各进程代码版本不一致，不买入；重启整个系统", "processes run different code: no buys; restart the whole system"),
    Reason.NAME_SHARE: Words("超过单只股票占权益的上限；减少股数", "above one stock's share of equity; fewer shares"),
    Reason.DAY_LOSS: Words("当日亏损达到上限，今日不开新仓；确要继续用 pankou resume", "the day's loss limit is reached: no opening orders today; pankou resume if meant"),
    Reason.DRAWDOWN: Words("回撤达到上限，不开新仓；检查后用 pankou resume", "the drawdown limit is reached: no opening orders; pankou resume after a look"),
    Reason.STOP_LOSS_CLUSTER: Words("短期内止损过多，暂停开仓；检查后用 pankou resume", "too many stop losses in a few sessions: no opening orders for a while; pankou resume after a look"),
    Reason.QUOTE_BEFORE_GAP: Words("行情缺口之后该股还没有新行情；等下一笔", "no quote of the stock since the gap of the feed; wait for the next one"),
    Reason.ABOVE_CEILING: Words("超过程序写死的上限", "above the hard ceiling"),
    Reason.BAD_TIME: Words("时间不对；给出今天还没到的 HH:MM，至多 15:00", "not a time that works; give HH:MM of today, not past, 15:00 at most"),
    Reason.EXTERNAL: Words("外部委托：不是本系统报的，只记账，不代为撤单", "external: not an order of this system; booked, never touched"),
    Reason.RESOLVED_ABSENT: Words("人工核实：未到柜台", "resolved by a person: it never reached the broker"),
    Reason.RESOLVED_ADOPTED: Words("人工核实：就是柜台的另一笔委托", "resolved by a person: it is another order the broker shows"),
    Reason.ENDED_AT_BROKER: Words("柜台已结束该委托", "ended at the broker, not by us"),
    Reason.NOT_IN_DOUBT: Words("该委托不在待核实状态；用 pankou order list 看", "the order is not in doubt; see pankou order list"),
    Reason.WHY_MISSING: Words("要写明依据", "say how you know"),
    Reason.NO_SUCH_BROKER_ORDER: Words("柜台没有这笔可认领的委托", "the broker shows no such order to adopt"),
}
# fmt: on
