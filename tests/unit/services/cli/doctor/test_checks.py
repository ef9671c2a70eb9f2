"""Every check, every verdict it can give: pure functions over facts."""

import re

import pytest

from common.domain.calendar import hms, ts_of
from services.cli.doctor import client, machine, market, system
from services.cli.doctor.client import Client
from services.cli.doctor.finding import Finding, Verdict, worst
from services.cli.doctor.machine import Machine
from services.cli.doctor.market import Market, quote_due_ns, quotes_are_due
from services.cli.doctor.registry import CHECKS, Facts, examine, red
from services.cli.doctor.system import Service, System
from services.cli.texts import TEXTS

OK, WARN, FAIL, UNKNOWN = Verdict.OK, Verdict.WARN, Verdict.FAIL, Verdict.UNKNOWN
DAY = 20261125
NINE_45 = ts_of(DAY, hms("09:45"))
S = 1_000_000_000
DOWN = (Service("order_gateway", "RUNNING", 900, True), Service("risk_manager", "BACKOFF", 0, None))
APART = (Service("order_gateway", "RUNNING", 900, True), Service("backtest_queue", "FATAL", 0, None))
STARTING = (Service("order_gateway", "STARTING", 2, True), Service("risk_manager", "RUNNING", 900, True))
SILENT = (Service("order_gateway", "RUNNING", 900, None),)
WAITING = (Service("order_gateway", "RUNNING", 900, False), Service("risk_manager", "RUNNING", 900, True))
YOUNG = (Service("order_gateway", "RUNNING", 5, True), Service("risk_manager", "RUNNING", 900, True))
MIXED = (Service("order_gateway", "RUNNING", 900, True, "a"), Service("risk_manager", "RUNNING", 900, True, "b"))
LIMITS = System(limits={"orders_per_s": 10}, ceilings={"orders_per_s": 100}, defaults={"orders_per_s": 10})


def at(now: str, quote: str | None) -> Market:
    quote_ns = None if quote is None else ts_of(DAY, hms(quote))
    return Market(today=DAY, now_ns=ts_of(DAY, hms(now)), quote_ns=quote_ns)


CASES: list[tuple[Finding, Verdict]] = [
    (machine.python(Machine()), OK),
    (machine.python(Machine(python=(3, 13, 1))), OK),
    (machine.python(Machine(python=(3, 13, 1), live=True)), WARN),
    (machine.python(Machine(python=(3, 10, 9))), FAIL),
    (machine.python(Machine(python=(3, 14, 0))), FAIL),
    (machine.bits(Machine()), OK),
    (machine.bits(Machine(bits=32)), FAIL),
    (machine.time_zone(Machine()), OK),
    (machine.time_zone(Machine(offset_s=0)), WARN),
    (machine.time_zone(Machine(offset_s=0, live=True)), WARN),
    (machine.time_zone(Machine(offset_s=0, live=True, windows=True)), FAIL),
    (machine.time_zone(Machine(offset_s=None)), UNKNOWN),
    (machine.clock(Machine()), UNKNOWN),
    (machine.clock(Machine(now_ns=NINE_45, quote_ns=NINE_45 - 3 * S)), OK),
    (machine.clock(Machine(now_ns=NINE_45, quote_ns=NINE_45 + 2 * S)), WARN),
    (machine.clock(Machine(now_ns=NINE_45, quote_ns=NINE_45 - 20 * S)), WARN),
    (machine.clock(Machine(now_ns=NINE_45, quote_ns=NINE_45 - 3_600 * S)), WARN),
    (machine.clock(Machine(now_ns=NINE_45, quote_ns=NINE_45 + 31 * S)), FAIL),
    (machine.clock(Machine(now_ns=NINE_45, file_ns=NINE_45)), OK),
    (machine.clock(Machine(now_ns=NINE_45, file_ns=NINE_45 - 2 * S)), WARN),
    (machine.clock(Machine(now_ns=NINE_45, file_ns=NINE_45 - 3_600 * S)), FAIL),
    (machine.disk(Machine()), OK),
    (machine.disk(Machine(free_mib=2_047)), WARN),
    (machine.disk(Machine(free_mib=255)), FAIL),
    (machine.disk(Machine(free_mib=None)), UNKNOWN),
    (machine.folders(Machine()), OK),
    (machine.folders(Machine(loose=("runs/1",))), FAIL),
    (machine.folders(Machine(loose=None)), UNKNOWN),
    (machine.keys(Machine()), OK),
    (machine.keys(Machine(keys=(("cli", "absent"),))), WARN),
    (machine.keys(Machine(keys=(("cli", "loose"), ("web", "absent")))), FAIL),
    (machine.keys(Machine(keys=None)), UNKNOWN),
    (machine.ports(Machine()), OK),
    (machine.ports(Machine(running=True)), OK),
    (machine.ports(Machine(taken=(27100,))), FAIL),
    (machine.ports(Machine(running=True, exposed=(27140,))), FAIL),
    (machine.ports(Machine(running=True, exposed=None)), UNKNOWN),
    (machine.session(Machine()), UNKNOWN),
    (machine.session(Machine(session=1)), OK),
    (machine.session(Machine(session=0)), FAIL),
    (machine.client_program(Machine()), UNKNOWN),
    (machine.client_program(Machine(programs=("XtMiniQmt.exe",))), OK),
    (machine.client_program(Machine(programs=())), FAIL),
    (machine.quote_port(Machine()), UNKNOWN),
    (machine.quote_port(Machine(vendor_exposed=False)), OK),
    (machine.quote_port(Machine(vendor_exposed=True)), WARN),
    (client.wheel(Client()), OK),
    (client.wheel(Client(wheel="240101.1.1")), WARN),
    (client.wheel(Client(wheel="")), FAIL),
    (client.wheel(Client(wheel=None)), UNKNOWN),
    (client.natives(Client()), OK),
    (client.natives(Client(natives="no module")), FAIL),
    (client.natives(Client(natives=None)), UNKNOWN),
    (client.client_path(Client(path=r"D:\国金QMT\userdata_mini")), OK),
    (client.client_path(Client(path=r"D:\QMT\userdata")), WARN),
    (client.client_path(Client(path="x/userdata_mini", path_is_folder=False)), FAIL),
    (client.client_path(Client(path="x/userdata_mini", path_writable=False)), FAIL),
    (client.client_path(Client(path="")), UNKNOWN),
    (client.login(Client()), OK),
    (client.login(Client(connect=-1)), FAIL),
    (client.login(Client(connect=None)), UNKNOWN),
    (client.account(Client()), OK),
    (client.account(Client(accounts=("other",))), FAIL),
    (client.account(Client(account_status=3)), FAIL),
    (client.account(Client(account_status=None)), UNKNOWN),
    (client.account(Client(accounts=None)), UNKNOWN),
    (client.boards(Client()), OK),
    (client.boards(Client(boards=("main", "star"), boards_seen=("star",))), OK),
    (client.boards(Client(boards=("main", "star"))), WARN),
    (client.boards(Client(boards=("main", "star"), boards_seen=None)), UNKNOWN),
    (client.st_file(Client()), OK),
    (client.st_file(Client(st_age_days=8)), WARN),
    (client.st_file(Client(st_rows=None)), FAIL),
    (client.st_file(Client(st_rows=0)), FAIL),
    (client.st_file(Client(st_file=None)), UNKNOWN),
    (client.queues(Client()), OK),
    (client.queues(Client(queues_mib=3_000)), WARN),
    (client.queues(Client(queues_mib=None)), UNKNOWN),
    (client.settle(Client()), UNKNOWN),
    (client.settle(Client(settle_measured_s=10)), OK),
    (client.settle(Client(settle_measured_s=11)), FAIL),
    (client.recording(Client()), WARN),
    (client.recording(Client(recording="20261125-100000.jsonl")), OK),
    (market.calendar(Market()), OK),
    (market.calendar(Market(days_ahead=9)), WARN),
    (market.calendar(Market(days_ahead=0)), FAIL),
    (market.calendar(Market(is_open=None, days_ahead=0)), FAIL),
    (market.calendar(Market(days_ahead=None)), UNKNOWN),
    (market.trading_day(Market()), OK),
    (market.trading_day(Market(is_open=False)), WARN),
    (market.trading_day(Market(is_open=None)), UNKNOWN),
    (market.history(Market()), OK),
    (market.history(Market(history_behind=1)), WARN),
    (market.history(Market(history_behind=2)), FAIL),
    (market.history(Market(history_behind=200, replay=True)), OK),
    (market.history(Market(history_last=None)), FAIL),
    (market.history(Market(history="")), UNKNOWN),
    (market.st_table(Market()), OK),
    (market.st_table(Market(st_spells=0)), WARN),
    (market.st_table(Market(st_spells=None)), FAIL),
    (market.st_table(Market(history="")), UNKNOWN),
    (market.quotes(at("09:45", "09:44:55")), OK),
    (market.quotes(at("12:10", "11:29:57")), OK),
    (market.quotes(at("09:28", "09:24:58")), OK),
    (market.quotes(at("09:45", "09:44:40")), WARN),
    (market.quotes(at("09:45", "09:30:00")), FAIL),
    (market.quotes(at("12:10", "11:20:00")), FAIL),
    (market.quotes(at("09:45", None)), UNKNOWN),
    (market.quotes(at("09:10", "09:09:59")), UNKNOWN),
    (market.quotes(Market(is_open=False)), UNKNOWN),
    (system.config(System()), OK),
    (system.config(System(live=True, wants_live=True)), OK),
    (system.config(System(wants_live=True)), WARN),
    (system.config(System(live=True, wants_live=True, names_account=False)), FAIL),
    (system.config(System(config_faults=("x: y",))), FAIL),
    (system.config(System(config_faults=None)), UNKNOWN),
    (system.limits(LIMITS), OK),
    (system.limits(LIMITS._replace(limits={"orders_per_s": 11})), WARN),
    (system.limits(LIMITS._replace(limits={"orders_per_s": 101})), FAIL),
    (system.limits(System()), UNKNOWN),
    (system.services(System()), OK),
    (system.services(System(services=WAITING)), WARN),
    (system.services(System(services=YOUNG)), WARN),
    (system.services(System(services=STARTING)), WARN),
    (system.services(System(services=APART)), WARN),
    (system.services(System(services=DOWN)), FAIL),
    (system.services(System(services=SILENT)), FAIL),
    (system.services(System(services=None)), UNKNOWN),
    (system.versions(System()), OK),
    (system.versions(System(services=MIXED)), FAIL),
    (system.versions(System(services=SILENT)), UNKNOWN),
    (system.versions(System(services=None)), UNKNOWN),
    (system.books(System()), OK),
    (system.books(System(causes=("NOT_RECONCILED",))), FAIL),
    (system.books(System(causes=None)), UNKNOWN),
    (system.kill_switch(System()), OK),
    (system.kill_switch(System(killed=True)), FAIL),
    (system.one_live(System()), OK),
    (system.one_live(System(holder="D:/other/runs/3 (process 12)")), FAIL),
    (system.one_live(System(holder=None)), UNKNOWN),
]


@pytest.mark.parametrize(("finding", "verdict"), CASES, ids=[f"{f.name}-{f.kind or 'plain'}-{v}" for f, v in CASES])
def test_a_verdict_and_its_words(finding: Finding, verdict: Verdict) -> None:
    assert finding.verdict is verdict
    for text in (TEXTS[finding.found_key], TEXTS[finding.fix_key], TEXTS[f"exam.{finding.name}"]):
        assert text.zh.format(**finding.facts)
        assert text.en.format(**finding.facts)


def test_every_check_is_tested_and_none_of_its_words_is_left_over() -> None:
    assert {finding.name for finding, _ in CASES} == set(CHECKS)
    assert len(CHECKS) >= 15
    said = {finding.found_key for finding, _ in CASES}
    assert {key for key in TEXTS if key.startswith("found.")} == said
    assert {key.partition(".")[2] for key in TEXTS if re.match(r"(fix|exam)\.", key)} == set(CHECKS)


def test_each_verdict_of_a_check_is_given_by_some_case() -> None:
    given = {name: {verdict for finding, verdict in CASES if finding.name == name} for name in CHECKS}
    assert all(OK in verdicts and len(verdicts) >= 2 for verdicts in given.values())
    never = {name: set(Verdict) - verdicts for name, verdicts in given.items()}
    # What is looked at by ourselves is never unknown; what others may decide is no fault.
    assert {name for name, verdicts in never.items() if UNKNOWN in verdicts} == {
        "python",
        "bits",
        "kill_switch",
        "recording",
    }
    assert {name for name, verdicts in never.items() if FAIL in verdicts} == {
        "quote_port",
        "boards",
        "trading_day",
        "recording",
        "queues",
    }


def test_arming_takes_no_failure_and_names_what_is_red() -> None:
    assert all(FAIL not in check.arming for check in CHECKS.values())
    green = Facts(market=at("09:45", "09:44:55"), system=LIMITS._replace(live=True, wants_live=True), live=True)
    assert red(examine(green)) == []
    ill = green._replace(client=Client(connect=-1), market=at("09:45", None))
    assert [finding.name for finding in red(examine(ill))] == ["login", "quotes"]
    assert [finding.name for finding in red(examine(green._replace(system=green.system._replace(live=False))))] == [
        "config"
    ]


def test_paper_is_not_asked_about_a_client() -> None:
    names = {finding.name for finding in examine(Facts())}
    assert "login" not in names
    assert {"python", "config", "disk"} <= names
    assert {finding.name for finding in examine(Facts(live=True))} == set(CHECKS)


def test_when_quotes_are_due() -> None:
    def due(now: str) -> int | None:
        return quote_due_ns(ts_of(DAY, hms(now)))

    assert due("09:14:59") is None
    assert due("09:15") == ts_of(DAY, hms("09:15"))
    assert due("09:28") == ts_of(DAY, hms("09:25"))
    assert due("12:00") == ts_of(DAY, hms("11:30"))
    assert due("16:00") == ts_of(DAY, hms("15:00"))
    assert [quotes_are_due(ts_of(DAY, hms(now))) for now in ("09:15:05", "09:15:10", "09:27", "11:31", "14:59")] == [
        False, True, False, False, True,
    ]  # fmt: skip


def test_the_worst_of_several() -> None:
    assert worst() is OK
    assert worst(OK, WARN, UNKNOWN) is UNKNOWN
    assert worst(WARN, FAIL, UNKNOWN) is FAIL
