"""The report: gathered from answers, every denial with its reason and numbers, kept as text and JSON."""

import json
from pathlib import Path

from common.domain.calendar import ts_of
from common.domain.orders import Action, OrderState, PriceKind
from common.domain.reasons import Reason
from common.domain.values import Side, push_id
from common.messages.control import Status
from common.messages.orders import (
    CorporateAction,
    EventRow,
    Events,
    EventsRequest,
    IntentDenied,
    OrderRejected,
    OrderRow,
    Orders,
    Positions,
    PositionWrittenOff,
    VerdictGiven,
)
from common.messages.outputs import Message
from common.messages.signals import Pool, PoolRequest, PoolRow, Signal, SignalList, Verdict, Verdicts, VerdictStatus
from services.cli import report
from services.cli.books import deals_of, fills_in
from services.cli.home import Home
from services.cli.report_text import denials_table, report_text
from services.cli.session import Session
from tests.unit.services.cli.fakes import Answer, FakeLink, made_run
from tests.unit.services.cli.test_books import ACCOUNT, DAY, ROW, fill

PUSH = push_id(DAY, 42)
COID = "260105ABCDEFGHJKMNPQ"
SIGNALS = (
    Verdict(
        "limit_up|1", VerdictStatus.APPROVED, Reason.NONE, {}, COID, "600519.SH", Side.BUY, 300, 12_200, PUSH, "limit_up",
        Action.ENTER, Reason.LIMIT_UP_TOUCH,
    ),
    Verdict(
        "limit_up|2", VerdictStatus.DENIED, Reason.SLOTS_FULL, {"positions": 5}, "", "600000.SH", Side.BUY, 0, 0, PUSH,
        "limit_up", Action.ENTER, Reason.LIMIT_UP_TOUCH,
    ),
    Verdict(
        "hand-1", VerdictStatus.DENIED, Reason.T1_UNSELLABLE, {"sellable": 0}, "", "600519.SH", Side.SELL, 300, 0, PUSH + 1,
        "hand", 0, Reason.HAND_CLOSE,
    ),
)  # fmt: skip
SIGNALLED = (
    Signal(
        "limit_up|1", "limit_up", "600519.SH", PUSH, ts_of(DAY, 34_500), Action.ENTER, 0, PriceKind.AT_UP_LIMIT, 53_790,
        Reason.LIMIT_UP_TOUCH, 1,
    ),
)  # fmt: skip
SILENT = Verdict(
    "hand-2",
    VerdictStatus.DENIED,
    Reason.RISK_SILENT,
    {},
    "",
    "000001.SZ",
    Side.BUY,
    100,
    0,
    0,
    "hand",
    0,
    Reason.HAND_OPEN,
)


def rows() -> tuple[EventRow, ...]:
    return (
        fill(1),
        EventRow(2, PUSH, 1, VerdictGiven(SIGNALS[2])),
        EventRow(3, PUSH + 2, 1, VerdictGiven(SILENT)),
        EventRow(4, PUSH + 3, 1, IntentDenied("k", COID, Reason.OUTSIDE_CAGE, {"price": 12_990, "cage_high": 12_450})),
        EventRow(5, PUSH + 4, 1, OrderRejected(COID, Reason.BROKER_REJECTED)),
        EventRow(
            6,
            push_id(DAY + 1, 0),
            0,
            CorporateAction(DAY + 1, "600519.SH", 12_340, 12_140, 300, 300, 60_000, 3_600_000, taxable=61_110),
        ),
        EventRow(7, push_id(DAY + 1, 0), 0, PositionWrittenOff(DAY + 1, "000009.SZ", 900, 2_221_110, 480, 0)),
    )


def order() -> OrderRow:
    return OrderRow(
        COID, "k", "600519.SH", Side.BUY, 600, 12_200, 300, OrderState.CANCELLED, "limit_up", Reason.LIMIT_UP_TOUCH, PUSH, 0,
        Reason.CANCEL_AT_TIME,
    )  # fmt: skip


def pool(message: Message) -> Message:
    assert isinstance(message, PoolRequest)
    return Pool(message.rule, message.day, (PoolRow("600519.SH", "贵州茅台", {"float_value": 1}, {}),), 400)


def events(message: Message) -> Message:
    assert isinstance(message, EventsRequest)
    return Events(rows() if message.from_seq == 1 else (), 7)


ANSWERS: dict[tuple[str, str], Answer] = {
    ("order_gateway", "EventsRequest"): events,
    ("order_gateway", "AccountRequest"): ACCOUNT,
    ("order_gateway", "OrdersRequest"): Orders((order(),)),
    ("order_gateway", "PositionsRequest"): Positions((ROW,)),
    ("risk_manager", "VerdictsRequest"): Verdicts(SIGNALS),
    ("screener", "PoolRequest"): pool,
    ("market_data", "StatusRequest"): Status(
        "market_data", True, "finished", "0", "r", 0, {"late_risk_manager": 3, "late_x": 0}
    ),
    ("signal_engine", "SignalsRequest"): SignalList(SIGNALLED),
}


def gathered(tmp_path: Path) -> report.Report:
    session = Session("zh", Home(tmp_path), connect=lambda _home: FakeLink(ANSWERS))
    return report.gather(session, made_run(tmp_path), ["limit_up"])


def test_everything_is_gathered(tmp_path: Path) -> None:
    found = gathered(tmp_path)
    assert found.days == [DAY, DAY + 1]
    assert [(pool.rule, pool.day) for pool in found.pools] == [("limit_up", DAY), ("limit_up", DAY + 1)]
    assert [verdict.key for verdict in found.signals] == ["limit_up|1", "limit_up|2"]
    assert {verdict.key for verdict in found.hand} == {"hand-1", "hand-2"}
    assert found.counts() == {
        "days": 2, "signals": 2, "hand": 2, "denials": 5, "orders": 1, "fills": 1, "unfilled": 1, "positions": 1,
    }  # fmt: skip


def test_every_denial_is_there_once_with_who_said_it(tmp_path: Path) -> None:
    found = gathered(tmp_path).denials
    assert [(denial.by, denial.reason) for denial in found] == [
        ("risk", Reason.SLOTS_FULL),
        ("risk", Reason.T1_UNSELLABLE),
        ("gateway", Reason.RISK_SILENT),
        ("gateway", Reason.OUTSIDE_CAGE),
        ("broker", Reason.BROKER_REJECTED),
    ]
    assert found[2].day == DAY
    assert found[3].symbol == "600519.SH"


def test_the_text_says_it_in_both_languages(tmp_path: Path) -> None:
    found = gathered(tmp_path)
    chinese, english = report_text("zh", found), report_text("en", found)
    for text in (chinese, english):
        assert all(
            word in text
            for word in (
                "贵州茅台",
                "T1_UNSELLABLE",
                "SLOTS_FULL",
                "12.99",
                "12.45",
                "300/600",
                "999,702.00",
                "-298.00",
                "12.14",
            )
        )
    assert all(word in chinese for word in ("股票池", "T+1：今日买入不可卖", "可卖", "每日", "到时撤单", "触及涨停"))
    assert "was late: risk_manager 3" in english
    assert all(
        word in chinese for word in ("应税红利", "61.11", "退市注销的持仓", "000009.SZ", "2,221.11", "红利税 7.65 元")
    )
    assert all(word in english for word in ("taxable", "61.11", "written off", "000009.SZ", "dividend tax 7.65"))
    assert all(word in english for word in ("frozen", "tax due", "withdrawable 996,000.00"))
    assert all(word in english for word in ("Pools", "bought today", "sellable", "cancelled at its time"))


def test_what_says_the_same_is_one_line_with_its_span(tmp_path: Path) -> None:
    found = gathered(tmp_path)
    denial = found.denials[0]
    again = [denial._replace(push=denial.push + step) for step in (0, 20, 40)]
    times = {denial.push: ts_of(DAY, 34_500), denial.push + 40: ts_of(DAY, 34_800)}
    lines = denials_table("en", [*again, denial._replace(symbol="000001.SZ")], times).splitlines()
    assert len(lines) == 3
    assert "09:35:00–09:40:00" in lines[1]
    assert lines[1].split()[2] == "3"
    assert "#43" in denials_table("en", [denial._replace(push=PUSH + 1)], times)


def test_fills_of_one_order_in_one_push_are_one_line(tmp_path: Path) -> None:
    rows = fills_in([fill(1, tax=120), fill(2)])
    deals = deals_of([rows[0], rows[0], rows[1]])
    assert [(deal.shares, deal.fills, deal.price) for deal in deals] == [(600, 2, 12_200), (300, 1, 12_200)]
    assert deals[0].fees == 10_000
    assert [deal.taxes for deal in deals] == [240, 0]


def test_it_is_kept_as_text_and_json(tmp_path: Path) -> None:
    found = gathered(tmp_path)
    folder = tmp_path / "runs" / "1"
    path = report.write(found, report_text("en", found), folder)
    assert path.read_text("utf-8").endswith("\n")
    data = json.loads((folder / "report.json").read_text("utf-8"))
    assert data["counts"]["denials"] == 5
    assert data["denials"][3]["detail"] == {"price": 12_990, "cage_high": 12_450}
    assert data["fills"][0]["price"] == 12_200
    assert data["account"]["equity"] == 999_702_000
    assert data["account"]["taxes_total"] == 7_650
    assert data["corporate"][0]["taxable"] == 61_110
    assert data["written_off"][0]["shares"] == 900
    assert sorted(file.name for file in folder.iterdir()) == ["config.toml", "report.json", "report.txt"]


def test_a_run_in_which_nothing_happened(tmp_path: Path) -> None:
    answers = {
        **ANSWERS,
        ("order_gateway", "EventsRequest"): Events((), 0),
        ("order_gateway", "OrdersRequest"): Orders(()),
        ("order_gateway", "PositionsRequest"): Positions(()),
        ("risk_manager", "VerdictsRequest"): Verdicts(()),
        ("signal_engine", "SignalsRequest"): SignalList(()),
    }
    session = Session("en", Home(tmp_path), connect=lambda _home: FakeLink(answers))
    text = report_text("en", report.gather(session, made_run(tmp_path), ["limit_up"]))
    assert all(words in text for words in ("No signals.", "No denials.", "No fills.", "No positions."))
