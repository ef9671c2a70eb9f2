"""The acceptance run as a person meets it: what is asked, what is told, what is left on disk."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import click

from common.domain.calendar import day_of
from common.domain.errors import ConfigError
from common.domain.values import MILLI, Symbol
from common.runtime.live_lock import LiveLock
from services.cli import faults, show
from services.cli.accept import told
from services.cli.accept.assumptions import Result, Seen, compare
from services.cli.accept.mask import Mask
from services.cli.accept.place import Place, place_of
from services.cli.accept.plan import Forbidden, Plan
from services.cli.accept.port import NATIVE, Fields, Vendor
from services.cli.accept.recorder import SCHEMA, Recorder
from services.cli.accept.recordings import FOLDER, never_run
from services.cli.accept.run import Acceptance, Agreed, Clock, Looked, Placed, Wanted, ended_well
from services.cli.accept.settle import Delays, delays
from services.cli.doctor.gather import read_calendar
from services.cli.faults import BadInputError
from services.cli.session import Session
from services.cli.settings import merged_config

OTHER_EXCHANGES: tuple[Symbol, ...] = ("600000.SH", "000001.SZ", "300750.SZ", "688981.SH", "430047.BJ")
"""Quotes of these tell the units of each board (notes §2.2 [?])."""
NO_ACCOUNT = "paper"


class Asked(NamedTuple):
    """What was typed after `pankou accept live`."""

    client: str
    account: str
    symbol: Symbol
    seconds: int
    order: bool
    any_time: bool
    out: Path | None
    as_json: bool


class Desk:
    """Leads one person through one run."""

    def __init__(self, session: Session, asked: Asked) -> None:
        self._session, self._asked = session, asked
        self._clock: Clock = session.clock()

    def run(self) -> int:
        """Ask, look, ask once more, order and cancel, compare; returns the exit code."""
        place = self.place()
        if never_run():
            self._session.warn("live.never")
        self._confirm("accept.confirm", place.account, account=place.account)
        lock = LiveLock(place.account, self._session.locks)
        lock.take_or_fail(place.account, "pankou accept live")
        vendor = self._session.meet(place, self._clock.now_ns)
        try:
            with self._recorder(place) as book:
                return self._with(vendor, book)
        finally:
            vendor.stop()
            lock.release()

    def place(self) -> Place:
        """Return the client and the account: as typed, else as configured."""
        try:
            known = place_of(merged_config(self._session.home, "live", {}))
        except ConfigError:
            known = Place()  # a configuration with faults must not keep anybody from looking
        account = self._asked.account.strip() or known.account
        path = self._asked.client.strip() or known.path
        if not account or account == NO_ACCOUNT:
            raise BadInputError("bad.accept_account")
        if not path:
            raise BadInputError("bad.accept_client")
        return known._replace(path=path, account=account)

    def _confirm(self, key: str, wanted: str, /, **facts: object) -> None:
        typed = click.prompt(self._session.say(key, **facts), err=True)
        if str(typed).strip() != wanted:
            raise BadInputError("bad.accept_typed", wanted=wanted)

    def _recorder(self, place: Place) -> Recorder:
        now_ns = self._clock.now_ns()
        name = datetime.fromtimestamp(now_ns // 1_000_000_000, UTC).strftime("%Y%m%d-%H%M%S") + ".jsonl"
        path = self._asked.out or self._session.home.root / FOLDER / name
        if path.exists():
            raise BadInputError("bad.accept_out", path=str(path))
        return Recorder(path, Mask(place.account), now_ns)

    # ------------------------------------------------------------------ the run

    def _with(self, vendor: Vendor, book: Recorder) -> int:
        asked, session = self._asked, self._session
        book.write(
            "begin", self._clock.now_ns(), schema=SCHEMA, symbol=asked.symbol, seconds=asked.seconds, order=asked.order
        )
        wanted = Wanted(asked.symbol, tuple(code for code in OTHER_EXCHANGES if code != asked.symbol), asked.seconds,
                        asked.any_time, self._is_trading_day(), session.home.kill_file.exists)  # fmt: skip
        acceptance = Acceptance(vendor, self._clock, book, wanted, session.warn)
        looked = acceptance.look()
        placed = self._order(acceptance, looked.plan) if asked.order else None
        results, measured = compare(book.rows), delays(book.rows)
        whole = looked.connected and isinstance(placed, Placed) and placed.is_over and bool(book.heard("quotes"))
        loaded: Fields = next((row["answer"] for row in book.answers("load") if row["answer"]), {})
        book.write(
            "end",
            self._clock.now_ns(),
            whole=whole,
            real=bool(loaded.get(NATIVE)),
            placed=None if not isinstance(placed, Placed) else placed._asdict(),
            results=[result._asdict() for result in results],
            delays=measured._asdict(),
            settle_s=measured.settle_s,
        )
        self._tell(looked, results, measured, placed, book.path)
        if looked.connected and not book.heard("quotes"):
            session.warn("accept.no_quotes", seconds=asked.seconds)
        good = looked.connected and bool(book.heard("quotes"))
        good = good and all(result.seen is not Seen.DIFFERS for result in results)
        if asked.order:
            good = good and isinstance(placed, Placed) and ended_well(placed)
        return faults.OK if good else faults.REFUSED

    def _is_trading_day(self) -> bool:
        calendar, today = read_calendar(self._session), day_of(self._clock.now_ns())
        return calendar is not None and calendar.first <= today <= calendar.last and calendar.is_open(today)

    def _order(self, acceptance: Acceptance, plan: Plan | Forbidden) -> Placed | Forbidden:
        if isinstance(plan, Forbidden):
            self._session.warn("accept.no_order", why=self._why(plan))
            return plan
        words = f"BUY {plan.shares} {plan.symbol}"
        price, last = f"{plan.price / MILLI:.2f}", f"{plan.last / MILLI:.2f}"
        typed = click.prompt(
            self._session.say("accept.confirm_order", shares=plan.shares, symbol=plan.symbol, price=price, last=last, words=words),
            err=True,
        )  # fmt: skip
        if str(typed).strip() != words:
            self._session.warn("accept.not_agreed", words=words)
            return Forbidden("not_agreed", {})
        placed = acceptance.place(plan, Agreed(str(typed)))
        if isinstance(placed, Forbidden):
            self._session.warn("accept.no_order", why=self._why(placed))
        elif placed.filled:
            self._session.warn("accept.filled", shares=placed.filled, symbol=plan.symbol)
        if isinstance(placed, Placed) and not placed.is_over:
            self._session.warn(
                "accept.left", remark=placed.remark, order_id=placed.order_id, symbol=plan.symbol, price=price
            )
        return placed

    def _why(self, found: Forbidden) -> str:
        return self._session.say(f"no_order.{found.key}", **found.facts)

    # ------------------------------------------------------------------ telling

    def _tell(
        self, looked: Looked, results: list[Result], measured: Delays, placed: Placed | Forbidden | None, path: Path
    ) -> None:
        if self._asked.as_json:
            ours = placed._asdict() if isinstance(placed, Placed) else None
            head = {"recording": str(path), "never_run_against_a_broker": never_run(), "placed": ours}
            show.echo_json({**head, **told.plain(results, measured)})
            return
        told.tell(self._session, results, measured, all_of_them=looked.connected)
        self._session.tell("accept.recorded", path=str(path))
