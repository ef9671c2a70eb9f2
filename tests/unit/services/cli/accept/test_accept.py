"""`pankou accept live` against a plain client: what is asked, what is never done, what is written down, what is told."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from common.runtime.live_lock import LiveLock
from services.cli.accept import recordings
from services.cli.accept.place import Place
from services.cli.accept.told import show_file
from services.cli.app import cli
from services.cli.faults import BadInputError
from services.cli.home import Home
from services.cli.session import Session
from tests.fakes.plain_client import ACCOUNT, HOLDER, PlainClient, StepClock
from tests.unit.services.cli.fakes import run

LOOK = f"accept live --client D:/QMT/userdata_mini --account {ACCOUNT} --seconds 20"
ORDER = f"{LOOK} --order"
YES = f"{ACCOUNT}\nBUY 100 601398.SH\n"


class Met:
    """A run of the command against a client with some manners."""

    def __init__(
        self, home: Path, args: str, typed: str, clock: StepClock | None = None, lang: str = "en", **manners: Any
    ) -> None:
        self.home, self.clock = home, clock or StepClock()
        self.client: PlainClient | None = None

        def meet(place: Place, _now_ns: Callable[[], int]) -> PlainClient:
            self.client = PlainClient(place, self.clock, **manners)
            return self.client

        session = Session(
            lang, Home(home), {}, is_up=lambda _home: False, meet=meet, clock=lambda: self.clock, locks=home
        )
        self.result: Result = CliRunner().invoke(cli, args.split(), obj=session, input=typed)

    @property
    def files(self) -> list[Path]:
        return sorted((self.home / "accept").glob("*.jsonl"))

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.files[0].read_text("utf-8").splitlines()]

    @property
    def placed(self) -> list[dict[str, Any]]:
        return self.client.placed if self.client is not None else []

    def seen(self) -> dict[str, str]:
        return {result["name"]: result["seen"] for result in self.rows[-1]["results"]}


# ------------------------------------------------------------------ looking


def test_looking_changes_nothing_and_asks_for_everything(tmp_path: Path) -> None:
    met = Met(tmp_path, LOOK, f"{ACCOUNT}\n")
    assert met.result.exit_code == 0, met.result.output
    assert met.client is not None
    assert {
        "connect",
        "subscribe",
        "asset",
        "positions",
        "orders",
        "trades",
        "instrument",
        "tick",
        "watch",
        "unwatch",
    } <= set(met.client.calls)
    assert {"order", "cancel"} & set(met.client.calls) == set()
    assert met.client.stopped
    assert "Never run against a broker" in met.result.stderr
    assert met.rows[0]["kind"] == "begin"
    assert met.rows[-1]["kind"] == "end"
    assert met.rows[-1]["whole"] is False, "no order was placed"
    assert set(met.seen().values()) == {"same", "not_seen"}


def test_the_recording_holds_no_secret_and_is_its_owner_s(tmp_path: Path) -> None:
    met = Met(tmp_path, ORDER, YES, raises=frozenset({"trades"}))
    text = met.files[0].read_text("utf-8")
    assert ACCOUNT not in text
    assert HOLDER not in text
    assert text.count("<account-1>") > 5
    assert "trades of account <account-1> broke" in text, "also where an error names it"
    assert len(set(re.findall(r"<secret-\d+>", text))) == 1, "the same holder is the same word"
    assert met.files[0].stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("typed", ["", "\n", "8888000002\n", "yes\n"])
def test_the_account_must_be_typed_first(tmp_path: Path, typed: str) -> None:
    met = Met(tmp_path, ORDER, typed)
    assert met.result.exit_code != 0
    assert met.client is None
    assert met.files == []


@pytest.mark.parametrize(
    ("args", "word"),
    [
        ("accept live --client x", "--account"),
        (f"accept live --account {ACCOUNT}", "--client"),
        (f"{LOOK} --symbol 12", "12"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, args: str, word: str) -> None:
    met = Met(tmp_path, args, YES)
    assert met.result.exit_code == 2
    assert word in met.result.stderr
    assert met.client is None


def test_a_client_that_is_not_there_ends_the_run(tmp_path: Path) -> None:
    met = Met(tmp_path, ORDER, YES, connect_code=-1)
    assert (met.result.exit_code, met.placed) == (1, [])
    assert met.seen()["connected"] == "differs"
    gone = Met(tmp_path / "b", ORDER, YES, missing="no natives")
    assert (gone.result.exit_code, gone.placed) == (1, [])
    assert "no natives" in gone.result.stderr


def test_an_account_that_is_traded_already_is_left_alone(tmp_path: Path) -> None:
    lock = LiveLock(ACCOUNT, tmp_path)
    assert lock.take("runs/3")
    met = Met(tmp_path, LOOK, f"{ACCOUNT}\n")
    lock.release()
    assert (met.result.exit_code, met.client) == (2, None)
    assert "runs/3" in met.result.stderr


# ------------------------------------------------------------------ the order


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_one_order_far_from_the_market_and_its_cancel(tmp_path: Path, lang: str) -> None:
    met = Met(tmp_path, ORDER, YES, lang=lang)
    assert met.result.exit_code == 0, met.result.output
    assert [(order["stock_code"], order["order_volume"], order["price"]) for order in met.placed] == [
        ("601398.SH", 100, 6.3)
    ]
    assert met.client is not None
    assert met.client.cancels == [1_001]
    assert met.placed[0]["order_status"] == 54
    assert len(met.placed[0]["order_remark"]) == 20
    end = met.rows[-1]
    assert (end["whole"], end["real"]) == (True, False)
    assert set(met.seen().values()) <= {"same", "not_seen"}
    assert end["delays"]["response_ms"] >= 20
    assert end["delays"]["visible_ms"] >= 900
    assert end["delays"]["misses"] > 0
    assert ("写 10" if lang == "zh" else "to 10") in met.result.stdout


@pytest.mark.parametrize("second", ["", "\n", f"{ACCOUNT}\n", "yes\n", "BUY 100 600000.SH\n", "buy 100 601398.SH\n"])
def test_without_the_second_typed_confirmation_nothing_is_placed(tmp_path: Path, second: str) -> None:
    met = Met(tmp_path, ORDER, f"{ACCOUNT}\n{second}")
    assert met.result.exit_code != 0
    assert met.placed == []


def test_without_order_it_is_not_even_asked(tmp_path: Path) -> None:
    met = Met(tmp_path, LOOK, YES)
    assert met.placed == []
    assert "BUY" not in met.result.output


OURS = {"order_remark": "261125ABCDEFGHJKMNPQ", "order_status": 50, "order_id": 5}


@pytest.mark.parametrize(
    ("manners", "clock", "word"),
    [
        ({"open_orders": [OURS]}, "10:00", "261125ABCDEFGHJKMNPQ"),
        ({"open_orders": [{**OURS, "order_status": 255}]}, "10:00", "open orders of ours"),
        ({"open_orders": [{"strategy_name": "pankou", "order_status": 55, "order_id": 5}]}, "10:00", "open orders"),
        ({}, "09:20", "continuous"),
        ({}, "11:29:40", "continuous"),
        ({}, "12:00", "continuous"),
        ({}, "15:10", "continuous"),
        ({"cash": 600.0}, "10:00", "600.00"),
        ({"down": 6.8}, "10:00", "6.80"),
        ({"down": 0.0}, "10:00", "no lower limit"),
        ({"raises": frozenset({"asset"})}, "10:00", "into the dark"),
    ],
)
def test_what_forbids_the_order(tmp_path: Path, manners: dict[str, Any], clock: str, word: str) -> None:
    met = Met(tmp_path, ORDER, YES, StepClock(clock), **manners)
    assert met.result.exit_code == 1
    assert met.placed == []
    assert word in met.result.stderr


def test_ended_orders_and_those_of_others_do_not_forbid_it(tmp_path: Path) -> None:
    rows = [{**OURS, "order_status": 54}, {"order_remark": "by hand", "order_status": 50, "order_id": 6}]
    assert len(Met(tmp_path, ORDER, YES, open_orders=rows).placed) == 1


def test_the_kill_switch_holds_it_back_too(tmp_path: Path) -> None:
    (tmp_path / "KILL").touch()
    met = Met(tmp_path, ORDER, YES)
    assert (met.result.exit_code, met.placed) == (1, [])
    assert "kill switch" in met.result.stderr


def test_another_hour_must_be_asked_for(tmp_path: Path) -> None:
    assert len(Met(tmp_path, f"{ORDER} --any-time", YES, StepClock("12:00")).placed) == 1


def test_star_takes_no_order_of_100(tmp_path: Path) -> None:
    met = Met(tmp_path, f"{ORDER} --symbol 688981", f"{ACCOUNT}\nBUY 100 688981.SH\n")
    assert (met.placed, "200" in met.result.stderr) == ([], True)


# ------------------------------------------------------------------ bad manners


def test_a_lost_response_is_found_by_the_remark_and_cancelled(tmp_path: Path) -> None:
    met = Met(tmp_path, ORDER, YES, lose_response=True)
    assert met.client is not None
    assert met.client.cancels == [1_001]
    assert met.placed[0]["order_status"] == 54
    assert met.seen()["async_response"] == "differs"
    assert met.rows[-1]["whole"] is True


def test_an_order_refused_that_lives_is_cancelled_all_the_same(tmp_path: Path) -> None:
    met = Met(tmp_path, ORDER, YES, refuse=True)
    assert met.placed[0]["order_status"] == 54
    assert met.result.exit_code == 1
    assert met.seen()["async_response"] == "differs"


def test_a_cut_remark_is_told_and_the_order_cancelled_by_its_number(tmp_path: Path) -> None:
    met = Met(tmp_path, ORDER, YES, cut_remark=12)
    assert met.placed[0]["order_status"] == 54
    assert met.seen()["remark_whole"] == "differs"


def test_a_refused_order_under_a_cut_remark_is_found_as_the_only_new_one(tmp_path: Path) -> None:
    old = {
        "order_id": 5,
        "stock_code": "601398.SH",
        "order_type": 23,
        "order_volume": 100,
        "order_remark": "",
        "order_status": 50,
    }
    met = Met(tmp_path, ORDER, YES, refuse=True, cut_remark=8, open_orders=[old])
    assert met.client is not None
    assert met.client.cancels == [1_001]
    assert met.placed[0]["order_status"] == 54


def test_an_order_is_cancelled_also_when_somebody_presses_ctrl_c(tmp_path: Path) -> None:
    met = Met(tmp_path, ORDER, YES, interrupt_at="after order")
    assert met.result.exit_code == 130
    assert met.placed[0]["order_status"] == 54
    assert met.client is not None
    assert met.client.stopped


def test_a_cancel_that_has_no_effect_is_said_out_loud(tmp_path: Path) -> None:
    met = Met(tmp_path, ORDER, YES, lose_cancel=True)
    assert met.result.exit_code == 1
    assert "cancel it by hand" in met.result.stderr
    assert "601398.SH" in met.result.stderr
    assert met.client is not None
    assert len(met.client.cancels) > 1, "asked for again"
    assert met.rows[-1]["whole"] is False


def test_a_fill_is_said_out_loud(tmp_path: Path) -> None:
    met = Met(tmp_path, ORDER, YES, fill=100)
    assert met.result.exit_code == 1
    assert "100 shares of 601398.SH were traded" in met.result.stderr
    assert met.seen()["cancelled"] == "differs"


def test_slow_to_be_seen_makes_settle_longer(tmp_path: Path) -> None:
    met = Met(tmp_path, ORDER, YES, visible_ms=9_000)
    delays = met.rows[-1]["delays"]
    assert 9_000 <= delays["visible_ms"] < 9_500
    assert f"to {-(-3 * delays['visible_ms'] // 1_000)} at least" in met.result.stdout


def test_json_is_json_and_the_questions_go_elsewhere(tmp_path: Path) -> None:
    met = Met(tmp_path, f"{ORDER} --json", YES)
    told = json.loads(met.result.stdout)
    assert told["recording"] == str(met.files[0])
    assert told["settle_s"] == 10
    assert told["never_run_against_a_broker"] is True


# ------------------------------------------------------------------ what a recording is worth


def test_only_a_whole_recording_of_a_real_client_counts(tmp_path: Path) -> None:
    fake = Met(tmp_path / "fake", ORDER, YES)
    assert fake.files
    assert recordings.own_recording(tmp_path / "fake") == ""
    looked = Met(tmp_path / "looked", LOOK, f"{ACCOUNT}\n", native=True)
    assert looked.files
    assert recordings.own_recording(tmp_path / "looked") == ""
    assert recordings.measured_settle(tmp_path / "looked") is None
    real = Met(tmp_path / "real", ORDER, YES, native=True, visible_ms=9_000)
    assert recordings.measured_settle(tmp_path / "real") == real.rows[-1]["settle_s"] > 20
    assert recordings.own_recording(tmp_path / "real") == real.files[0].name
    real.files[0].write_text("".join(real.files[0].read_text("utf-8").splitlines(keepends=True)[:-1]), "utf-8")
    assert recordings.own_recording(tmp_path / "real") == "", "cut before its end"


@pytest.mark.parametrize("manners", [{}, {"cut_remark": 12}, {"fill": 100}, {"visible_ms": 9_000}])
def test_a_recording_on_disk_says_what_the_run_said(tmp_path: Path, manners: dict[str, Any]) -> None:
    met = Met(tmp_path, f"{ORDER} --json", YES, **manners)
    told = json.loads(met.result.stdout)
    again, _ = run(tmp_path, ["accept", "show", str(met.files[0]), "--json"])
    shown = json.loads(again.stdout)
    assert [(row["name"], row["seen"]) for row in shown["results"]] == [
        (row["name"], row["seen"]) for row in told["results"]
    ]
    assert (shown["delays_ms"], shown["settle_s"], shown["whole"]) == (told["delays_ms"], told["settle_s"], True)
    assert again.exit_code == (1 if "differs" in {row["seen"] for row in told["results"]} else 0)


def test_what_is_no_recording_is_refused_and_a_cut_one_said(tmp_path: Path) -> None:
    met = Met(tmp_path, ORDER, YES)
    path = met.files[0]
    path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[:-1]), "utf-8")
    cut, _ = run(tmp_path, ["accept", "show", str(path)])
    assert "not written to its end" in cut.stderr
    path.write_text("time,price\n", "utf-8")
    odd, _ = run(tmp_path, ["accept", "show", str(path)])
    assert (odd.exit_code, "no recording" in odd.stderr) == (2, True)


def test_a_damaged_recording_is_never_a_traceback(tmp_path: Path) -> None:
    met = Met(tmp_path, ORDER, YES)
    rows, tried = met.rows, 0
    kinds = {(row["kind"], row.get("name")): at for at, row in enumerate(rows)}
    for at in kinds.values():
        for key in rows[at]:
            for odd in (None, [], {"a": 1}):
                damaged = [*rows[:at], {**rows[at], key: odd}, *rows[at + 1 :]]
                path = tmp_path / "damaged.jsonl"
                path.write_text("".join(json.dumps(row) + "\n" for row in damaged), "utf-8")
                session = Session("en", Home(tmp_path))
                try:
                    code = show_file(session, path, as_json=True)
                except BadInputError:
                    code = 2
                assert code in (0, 1, 2)
                tried += 1
    assert tried > 200


def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    out = tmp_path / "mine.jsonl"
    out.write_text("", "utf-8")
    met = Met(tmp_path, f"{LOOK} --out {out}", f"{ACCOUNT}\n")
    assert met.result.exit_code == 2
    assert "mine.jsonl" in met.result.stderr
