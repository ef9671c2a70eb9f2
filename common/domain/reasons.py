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
    Reason.KILL_SWITCH: Words("总开关已关", "kill switch is on"),
    Reason.TOO_MANY_ORDERS: Words("委托过于频繁；稍后再试", "too many orders in a second or a day; try later"),
    Reason.NOT_READY: Words("服务尚未就绪，稍后再试", "service not ready yet; try again"),
    Reason.DISK_FULL: Words("磁盘已满，不开新仓；清出空间后自动恢复", "the disk is full: no opening orders; make room, it clears by itself"),
    Reason.BAD_MESSAGE: Words("消息格式有误；见 docs/reference/protocol.md", "not a message; see docs/reference/protocol.md"),
}
# fmt: on
