"""`pankou audit journal` on a run made in one thread: the undamaged journal holds, every damage done by hand is caught."""

import json
import re
import shutil
import sqlite3
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from common.domain.reasons import Reason
from common.domain.values import push_id
from common.history.synthetic.market import make_market
from common.history.synthetic.params import MarketParams
from common.messages.codec import decode_body, encode_body
from common.messages.header import Trace
from common.messages.orders import (
    CancelRequest,
    CancelSubmitted,
    EventRow,
    OpenRequest,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderInDoubt,
    OrderSubmitted,
)
from common.messages.signals import Signal
from common.runtime.config import Account, Config, Feed, Risk
from common.runtime.store import StoredRow, read_rows
from common.runtime.world import World
from services.cli.home import Home
from services.cli.journal import audit as auditing
from services.cli.journal.evidence import evidence_of
from services.cli.journal.findings import Findings
from services.cli.journal.life import spans_ms, stations
from services.cli.journal.money import Money
from services.cli.journal.text import wall_text
from services.cli.journal.trails import Trails
from services.cli.runs import run_folder
from services.cli.session import Session
from services.cli.texts import TEXTS
from tests.recorded_run import record_run
from tests.simulation.system import SLOTS
from tests.unit.services.cli.fakes import run
from tests.unit.services.cli.journal_damage import DAMAGES, Journal

FIRST, SECOND = 20260105, 20260106
BUY_KEY, DENIED_KEY, CANCEL_KEY = "hand-buy-1", "hand-buy-2", "hand-cancel-1"


def by_hand(world: World) -> None:
    instruments = world.nodes["order_gateway"].core._market.reader.instruments  # type: ignore[union-attr]  # a GatewayCore
    symbol = next(symbol for symbol in instruments.symbols if symbol.startswith("600"))
    world.ask("order_gateway", OpenRequest(BUY_KEY, symbol, 100), BUY_KEY)
    world.ask("order_gateway", OpenRequest(DENIED_KEY, symbol, 150), DENIED_KEY)


def cancel_something(world: World) -> None:
    ledger = world.nodes["order_gateway"].core.books.ledger  # type: ignore[union-attr]  # a GatewayCore
    world.ask("order_gateway", CancelRequest(CANCEL_KEY, next(ledger.open_orders()).coid), CANCEL_KEY)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    market = make_market(tmp_path_factory.mktemp("market"), MarketParams(stocks=60, interval_s=15))
    config = Config(
        feed=Feed(hand_script=str(market.hand_script)),
        account=Account(rule_slots=dict(SLOTS)),
        risk=Risk(resume_at_start=True),
    )
    root = tmp_path_factory.mktemp("home")
    meddle = {push_id(FIRST, 300): by_hand, push_id(FIRST, 400): cancel_something}
    record_run(root / "runs" / "1", config, list(market.tapes[:2]), market.history, meddle)
    return root


@pytest.fixture
def journal(home: Path, tmp_path: Path) -> Journal:
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("order_gateway.db", "risk_manager.db", "signal_engine.db", "config.toml"):
        shutil.copy(home / "runs" / "1" / name, folder / name)
    return Journal(folder / "order_gateway.db")


def checks(found: dict) -> set[str]:
    return {each["check"] for each in found["broken"]}


def test_an_undamaged_journal_holds(home: Path) -> None:
    result, _ = run(home, "audit journal --json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["broken"]) == (0, []), found["broken"]
    assert found["orders"] >= 8
    assert found["fills"] >= 20
    assert found["rows"] == len(read_rows(home / "runs" / "1" / "order_gateway.db").rows)
    assert "All of it holds" in run(home, "audit journal --run 1")[0].stdout
    assert "全部成立" in run(home, "audit journal", lang="zh")[0].stdout


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda name: name.replace(" ", "-"))
def test_every_damage_is_caught(journal: Journal, damage: str) -> None:
    check, harm = DAMAGES[damage]
    before = read_rows(journal.path).rows
    harm(journal)
    assert read_rows(journal.path).rows != before
    code, found = journal.audit()
    assert code == 1
    assert check in checks(found), found["broken"]
    for each in found["broken"]:
        assert each["rows"] or each["check"] in ("frozen_shares",)
    said, _ = run(journal.path.parent, ["audit", "journal", "--db", str(journal.path)])
    assert said.exit_code == 1
    assert TEXTS[f"broken.{check}"].en in said.stdout


def test_causes_are_looked_for_on_the_other_disks(journal: Journal) -> None:
    order = journal.first(OrderSubmitted).event.order  # type: ignore[union-attr]  # an order
    signals = journal.path.with_name("signal_engine.db")
    with sqlite3.connect(signals) as db:
        for seq, body in db.execute("SELECT seq, body FROM journal").fetchall():
            record = decode_body(body)
            if isinstance(record, Signal) and record.key == order.key:
                other = replace(record, reason=Reason.STOP_LOSS)
                db.execute("UPDATE journal SET body=? WHERE seq=?", (encode_body(other), seq))
    db.close()
    assert checks(journal.audit()[1]) == {"signal_of_another"}
    with sqlite3.connect(signals) as db:
        for seq, body in db.execute("SELECT seq, body FROM journal").fetchall():
            if isinstance(decode_body(body), Signal) and decode_body(body).key == order.key:  # type: ignore[attr-defined]  # a signal
                db.execute("DELETE FROM journal WHERE seq=?", (seq,))
    db.close()
    assert checks(journal.audit()[1]) == {"no_signal"}
    signals.unlink()
    journal.path.with_name("risk_manager.db").unlink()
    code, found = journal.audit()
    assert (code, found["broken"]) == (0, []), "without the other disks the journal alone is checked"


def test_fees_are_only_added_up_without_the_configuration(journal: Journal) -> None:
    journal.path.with_name("config.toml").unlink()
    code, found = journal.audit()
    assert (code, [note["check"] for note in found["notes"]]) == (0, ["fees_unchecked"])
    journal.path.with_name("config.toml").write_text("[no_such_table]\n", encoding="utf-8")
    assert journal.audit()[0] == 0
    journal.change(journal.first(OrderFilled), fees=1)
    assert "close_differs" in checks(journal.audit()[1])


def test_the_life_of_an_order(home: Path, journal: Journal) -> None:
    order = journal.first(OrderCancelled).event
    assert isinstance(order, OrderCancelled)
    result, _ = run(home, ["audit", "journal", "--order", order.coid, "--json"])
    (life,) = json.loads(result.stdout)["lives"]
    kinds = [step["kind"] for step in life["steps"]]
    assert life["state"] == "CANCELLED"
    wanted = ["submitted", "accepted", "cancel_asked", "cancelled"]
    assert [kind for kind in kinds if kind in wanted] == wanted
    assert "decided" in kinds or "hand" in kinds
    assert all(step["ts_ns"] for step in life["steps"] if step["kind"] in ("submitted", "filled"))
    rule = next(row.event.order for row in journal.rows() if isinstance(row.event, OrderSubmitted) and row.event.order.rule != "hand")  # fmt: skip
    by_key = json.loads(run(home, ["audit", "journal", "--order", rule.key, "--json"])[0].stdout)["lives"]
    assert [each["coid"] for each in by_key] == [rule.coid]
    kinds = [step["kind"] for step in by_key[0]["steps"]]
    assert kinds.index("decided") < kinds.index("risk") < kinds.index("submitted") < kinds.index("accepted")
    by_symbol = json.loads(
        run(home, ["audit", "journal", "--order", rule.symbol[:6], "--day", "2026-01-05", "--json"])[0].stdout
    )["lives"]
    assert rule.coid in [each["coid"] for each in by_symbol]
    assert all(each["symbol"] == rule.symbol for each in by_symbol)
    text = run(home, ["audit", "journal", "--order", rule.coid])[0].stdout
    assert "journalled, sent" in text
    assert rule.coid in text
    assert "柜台已接受" in run(home, ["audit", "journal", "--order", rule.coid], lang="zh")[0].stdout


def test_a_denied_hand_order_has_a_life_too(home: Path) -> None:
    result, _ = run(home, ["audit", "journal", "--order", DENIED_KEY, "--json"])
    (life,) = json.loads(result.stdout)["lives"]
    assert life["state"] == "DENIED"
    assert life["symbol"].startswith("600")
    assert [step["kind"] for step in life["steps"]] == ["hand", "answered"]
    assert life["steps"][-1]["reason"] == "ODD_LOT"
    bought = json.loads(run(home, ["audit", "journal", "--order", BUY_KEY, "--json"])[0].stdout)["lives"]
    kinds = [step["kind"] for step in bought[0]["steps"]]
    assert kinds[:3] == ["hand", "risk", "submitted"]
    assert "answered" in kinds


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("audit journal --run 7", "no run 7"),
        ("audit journal --db nowhere.db", "no journal nowhere.db"),
        ("audit journal --run 1 --db x.db", "not both"),
        ("audit journal --day 2026-01-05", "--day goes with --order"),
        ("audit journal --order 260105ZZZZZZZZZZZZZZ", "no order of 260105ZZZZZZZZZZZZZZ"),
        ("audit journal --order 600519 --day yesterday", "yesterday"),
    ],
)
def test_bad_input_is_one_line(home: Path, args: str, said: str) -> None:
    result, _ = run(home, args)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert said in line


def test_a_file_that_is_no_journal_is_one_line(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"hello, this is no database at all" * 40)
    result, _ = run(home, ["audit", "journal", "--db", str(path)])
    assert result.exit_code == 2
    assert "x.db" in result.stderr


def test_doubt_late_fills_and_open_cancels_are_notes(journal: Journal) -> None:
    rows = journal.rows()
    sent = journal.first(OrderSubmitted)
    cut = rows[: sent.seq]
    coid = sent.event.order.coid  # type: ignore[union-attr]  # an order
    cut.append(replace(sent, event=OrderInDoubt(coid)))
    cut.append(replace(sent, event=CancelSubmitted("c1", coid, Reason.HAND_CANCEL)))
    journal.rewrite(cut)
    code, found = journal.audit()
    assert (code, [note["check"] for note in found["notes"]]) == (0, ["in_doubt", "cancel_open"])


def test_times_beside_a_row_are_shown() -> None:
    passed = stations(Trace(0, 5_000_000, 7_000_000, 7_500_000, 9_000_000))
    assert passed == [
        ("published", 5_000_000),
        ("decided", 7_000_000),
        ("approved", 7_500_000),
        ("journalled", 9_000_000),
    ]
    assert spans_ms(passed) == [("decided", 2.0), ("approved", 0.5), ("journalled", 1.5)]
    assert wall_text(1_767_576_903_123_456_789) == "2026-01-05 09:35:03.123"
    assert wall_text(0) == ""


def test_a_clock_that_was_set_back_is_a_note() -> None:
    found = Findings()
    event = msgspec.convert({"type": "OrderInDoubt", "coid": "x"}, OrderInDoubt)
    rows = [StoredRow(seq, EventRow(seq, 1, 1, event), at, Trace()) for seq, at in ((1, 9), (2, 0), (3, 8))]
    assert len(auditing.numbered(rows, found)) == 3
    assert [(note.check, note.rows) for note in found.notes] == [("clock_back", (3,))]


def test_an_audit_goes_on_after_a_broken_row() -> None:
    found = Findings()
    trails, money = Trails(found), Money(found, None)
    for seq in (1, 2, 3):
        row = EventRow(seq, 1, 1, OrderAccepted(f"nobody{seq}", "b"))
        trails.take(row)
        money.take(row)
    assert [each.rows for each in found.broken if each.check == "unknown_order"] == [(1,), (2,), (3,)]
    assert [each.rows for each in found.broken if each.check == "ledger_refuses"] == [(1,)], "once is enough"
    assert evidence_of([], [], []).has_signals is False


def test_the_newest_run_is_the_default(home: Path) -> None:
    session = Session("en", Home(home))
    assert run_folder(session, None) == run_folder(session, 1) == home / "runs" / "1"


def test_every_finding_has_its_words() -> None:
    folder = Path(auditing.__file__).parent
    code = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    named = set(re.findall(r'\.(?:add|note)\(\s*"([a-z_]+)"', code)) | set(re.findall(r'seq, "([a-z_]+_twice)"', code))
    assert len(named) > 40
    said = {key.removeprefix("broken.") for key in TEXTS if key.startswith("broken.")}
    assert named == said
