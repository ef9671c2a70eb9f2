"""What the reference page says beside what the code says itself: Chinese names, answers, who publishes what. Pure."""

from common.messages import topics

TITLES: dict[str, str] = {
    "InstrumentTable": "当日证券表",
    "DayOpened": "交易日开始",
    "QuoteBatch": "行情批次",
    "BarsClosed": "收成的 K 线",
    "HandOrder": "手工委托（随行情）",
    "PushEnd": "一次推送结束",
    "TapeHeader": "行情带头",
    "Signal": "策略决定",
    "SignalBatch": "一次推送的全部决定",
    "Verdict": "裁决",
    "SignalVerdicts": "对一批决定的裁决",
    "PoolRow": "股票池一行",
    "Pool": "股票池",
    "PoolRequest": "要股票池",
    "Condition": "一个条件或检查",
    "ExplainRequest": "问为什么",
    "Explanation": "解释",
    "VerdictsRequest": "要裁决清单",
    "Verdicts": "裁决清单",
    "SignalsRequest": "要决定清单",
    "SignalList": "决定清单",
    "SubmitOrder": "报单（风控 → 网关）",
    "CancelOrder": "撤单（风控 → 网关）",
    "Journalled": "已落盘",
    "Denied": "拒绝",
    "OpenRequest": "手工买入",
    "CloseRequest": "手工卖出",
    "CancelRequest": "手工撤单",
    "ResolveRequest": "人工核实存疑委托",
    "ServiceTrouble": "看门狗报告的服务故障",
    "ToldDeal": "对账单上的一笔成交",
    "OrderSentAgain": "证实未到柜台，再报一次",
    "OrderResolved": "已人工核实",
    "ExternalOrderSeen": "见到外部委托",
    "BooksCompared": "与柜台对账的结果",
    "PositionFound": "开户时已有的持仓",
    "DealsCounted": "开户时已计入的成交",
    "CancelExitRequest": "结束卖出计划",
    "PositionsRequest": "查持仓",
    "AccountRequest": "查账户",
    "OrdersRequest": "查委托",
    "FillsRequest": "查成交",
    "EventsRequest": "要事件",
    "PositionRow": "一个持仓",
    "Positions": "持仓",
    "DayResult": "日终结果",
    "Account": "账户",
    "OrderRow": "一笔委托",
    "Orders": "委托",
    "AccountOpened": "开户",
    "OrderSubmitted": "委托已落盘",
    "OrderAccepted": "柜台已接受",
    "OrderRejected": "废单",
    "OrderFilled": "成交",
    "CancelSubmitted": "撤单已落盘",
    "OrderCancelled": "已撤",
    "CancelRejected": "撤单被拒",
    "OrderExpired": "收盘失效",
    "OrderInDoubt": "状态不明",
    "IntentDenied": "网关拒绝",
    "VerdictGiven": "手工委托的裁决",
    "DayRolled": "换日",
    "CorporateAction": "除权除息",
    "PositionWrittenOff": "退市注销持仓",
    "DayClosed": "日终",
    "EventRow": "事件行",
    "MatchedThrough": "已撮合到",
    "Events": "事件清单",
    "Beat": "心跳",
    "StatusRequest": "问状态",
    "Status": "状态",
    "Fault": "无法应答",
    "StateRequest": "停止、只减仓、恢复",
    "TradingStateChanged": "交易状态",
    "PushAck": "推送确认",
    "FeedStateRequest": "要行情状态",
    "FeedState": "行情状态",
    "HoldRequest": "让播放停在某次推送",
    "HoldSet": "播放停点",
    "RecordHandOrder": "把手工委托排进行情",
    "HandOrderPlaced": "手工委托已排入",
    "KillSwitchSet": "总开关已设",
    "LimitRaised": "当日限额已设",
    "AccountArmed": "实盘账户已解锁",
    "KillRequest": "开关总开关",
    "LimitRequest": "设当日限额",
    "ArmRequest": "解锁实盘账户",
    "SafeguardsRequest": "问总开关、解锁与限额",
    "Safeguards": "总开关、解锁与限额",
    "SubmitJobs": "提交回测任务",
    "JobsTaken": "任务已落盘",
    "JobRow": "一个任务",
    "WorkerRow": "一个回测进程",
    "JobsRequest": "查任务",
    "JobList": "任务清单",
    "CancelJobs": "撤任务",
    "JobsCancelled": "任务已撤",
    "ResultRequest": "要回测结果",
    "JobResult": "回测结果的文件",
    "JobChanged": "任务有变化",
    "JobsWaiting": "有任务在等",
    "WorkRequest": "要活（回测进程 → 队列）",
    "Lease": "一份租约",
    "Work": "派活",
    "JobDone": "任务结束（回测进程 → 队列）",
    "JobStored": "任务的结局已落盘",
}
"""Chinese name of every message that travels."""

SECTIONS: tuple[tuple[str, str], ...] = (
    ("market", "行情 / Market"),
    ("signals", "决定与裁决 / Decisions and verdicts"),
    ("orders", "委托、查询、事件 / Orders, questions, events"),
    ("control", "控制 / Control"),
    ("backtests", "回测任务 / Backtest jobs"),
)
"""Modules of messages that travel, with their headings."""
KEPT = "kept"
"""The module of records that stay on disk."""

ANSWERS: dict[str, str] = {
    "FeedStateRequest": "FeedState",
    "PushAck": "",
    "RecordHandOrder": "HandOrderPlaced",
    "HoldRequest": "HoldSet",
    "PoolRequest": "Pool",
    "ExplainRequest": "Explanation",
    "SignalsRequest": "SignalList",
    "SignalBatch": "SignalVerdicts",
    "OpenRequest": "Verdict",
    "CloseRequest": "Verdict",
    "CancelExitRequest": "Verdict",
    "VerdictsRequest": "Verdicts",
    "StateRequest": "TradingStateChanged",
    "ServiceTrouble": "TradingStateChanged",
    "SubmitOrder": "Journalled | Denied",
    "CancelOrder": "Journalled | Denied",
    "CancelRequest": "Journalled | Denied",
    "ResolveRequest": "Journalled | Denied",
    "PositionsRequest": "Positions",
    "AccountRequest": "Account",
    "OrdersRequest": "Orders",
    "FillsRequest": "Events",
    "EventsRequest": "Events",
    "KillRequest": "Safeguards",
    "LimitRequest": "Safeguards",
    "ArmRequest": "Safeguards",
    "SafeguardsRequest": "Safeguards",
    "SubmitJobs": "JobsTaken",
    "JobsRequest": "JobList",
    "CancelJobs": "JobsCancelled",
    "ResultRequest": "JobResult",
    "WorkRequest": "Work",
    "JobDone": "JobStored",
}
"""Question to answer; "" = none is awaited. Every question may also be answered by a Fault."""

PUBLISHED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (topics.FEED, "market_data", ("DayOpened", "BarsClosed", "QuoteBatch", "PushEnd")),
    (topics.POOL, "screener", ("Pool",)),
    (topics.DECISION, "signal_engine", ("Signal",)),
    (topics.VERDICT, "risk_manager", ("Verdict",)),
    (topics.STATE, "risk_manager", ("TradingStateChanged",)),
    (topics.EVENT, "order_gateway", ("EventRow",)),
    (topics.MATCHED, "order_gateway", ("MatchedThrough",)),
    (topics.JOB, "backtest_queue", ("JobChanged",)),
    (topics.WORK, "backtest_queue", ("JobsWaiting",)),
    (topics.BEAT, "每个服务 / every service", ("Beat",)),
)
"""Topic, who publishes it, what it carries."""

LINKS: dict[str, tuple[str, str]] = {
    "pub": ("PUB", "事实，按主题订阅 / facts, by topic"),
    "ask": ("ROUTER", "提问与请求 / questions and requests"),
    "control": ("ROUTER", "状态、停止、恢复 / status, halt, resume"),
}
"""Socket to its kind and its use."""

INTRO = """\
一条消息由信封和正文两帧组成，都是 MessagePack；正文只有下面列出的种类。
A message is an envelope and a body, both MessagePack; there are no kinds of body but those below.

- 价格和金额是 0.001 元的整数，数量是股，时刻是纳秒；日期写成 `20260105`。Prices and amounts are integers in 0.001 yuan, quantities are shares, times are nanoseconds; a day is `20260105`.
- 推送编号 = 日期 × 100000 + 当日序号，0 号推送开始一天。The id of a push = day × 100000 + its number in the day; number 0 opens the day.
- 默认每种正文是映射，`type` 为种类名；标了“数组”的是数组，第一个元素是种类名，字段按表中顺序，新字段只加在末尾。A body is a map whose `type` is the kind; those marked *array* are arrays: the kind first, then the fields in the order shown. New fields come last, with a default.
- 不认识的字段、种类、版本一律拒收。Unknown fields, kinds and versions are refused."""

FRAMES = """\
| 方式 / pattern | 帧 / frames |
| --- | --- |
| PUB → SUB (CURVE) | 主题 topic, 信封 envelope, 正文 body |
| PUB → SUB (market_data) | 主题 topic, 信封 envelope, 正文 body, CRC32 (前三帧，4 字节小端 / of the three frames before it, 4 bytes little-endian) |
| DEALER → ROUTER | 信封 envelope, 正文 body |
| REQ → ROUTER | （空帧由 REQ 自己加 / REQ adds the empty frame itself） 信封 envelope, 正文 body |

应答的 `correlation_id` 等于提问的。没有应答就用新的插座、同一个键再问；同一个键只办一次，得到同一个裁决。
An answer carries the `correlation_id` of its question. Without an answer ask again with a fresh socket and the same key; a key is served once and gets the same verdict for ever."""

CLIENT = """\
只用 pyzmq 与 msgpack 完成四个调用：买入、卖出、持仓、账户。密钥在 `$PANKOU_HOME/keys`。
The four calls — open, close, positions, account — with only pyzmq and msgpack. Keys are in `$PANKOU_HOME/keys`.
文件 / file: [req_client.py](req_client.py)"""
