"""What people set at the gateway itself, so that it works while risk is dead: kill switch, arming, limits of the day."""

from common.domain.calendar import S1500, second_of_day
from common.domain.reasons import Reason
from common.messages.control import ArmRequest, Fault, KillRequest, LimitRequest, Safeguards, SafeguardsRequest
from common.messages.header import Role
from common.messages.orders import AccountArmed, Event, KillSwitchSet, LimitRaised
from common.messages.outputs import Log, Origin, Output, Reply
from services.order_gateway.books import Books
from services.order_gateway.limits import armed_until_s
from services.order_gateway.market import Market
from services.order_gateway.settings import Settings

Request = KillRequest | LimitRequest | ArmRequest | SafeguardsRequest
MAY_KILL = frozenset({Role.OPERATOR, Role.WEB, Role.RISK})
MAY_LOOSEN = frozenset({Role.OPERATOR})
"""Who may turn the kill switch off, raise a limit, arm."""


class SafeguardDesk:
    """Journals what is set; setting the same again writes nothing."""

    def __init__(self, books: Books, market: Market, settings: Settings) -> None:
        self._books, self._market, self._settings = books, market, settings

    def on_request(self, request: Request, origin: Origin) -> list[Output]:
        """Do what is asked, or say why not."""
        match request:
            case KillRequest():
                fault, event = self._kill(request, origin)
            case LimitRequest():
                fault, event = self._limit(request, origin)
            case ArmRequest():
                fault, event = self._arm(request, origin)
            case SafeguardsRequest():
                fault, event = None, None
        outputs: list[Output] = []
        if event is not None:
            push = max(self._market.push, self._books.last_push)
            facts: dict[str, object] = {"what": type(event).__name__, "by": origin.sender}
            outputs = [*self._books.write(event, push, 1), Log("warning", "safeguard set", facts)]
        if origin.token is None:
            return outputs
        return [*outputs, Reply(origin.token, self.said() if fault is None else fault)]

    # ------------------------------------------------------------------ what may be set

    def _kill(self, request: KillRequest, origin: Origin) -> tuple[Fault | None, Event | None]:
        if origin.role not in (MAY_KILL if request.on else MAY_LOOSEN):
            return Fault(Reason.NOT_ALLOWED, "only an operator's key may turn the kill switch off"), None
        if not request.why.strip():
            return Fault(Reason.NOT_ALLOWED, "say why: the kill switch needs a reason"), None
        row = self._books.counters.killed
        if (row is not None and row.on) == request.on:
            return None, None
        return None, KillSwitchSet(request.on, request.why.strip(), origin.sender)

    def _limit(self, request: LimitRequest, origin: Origin) -> tuple[Fault | None, Event | None]:
        ceilings, day = self._settings.ceilings, self._market.day
        if origin.role not in MAY_LOOSEN:
            return Fault(Reason.NOT_ALLOWED, "only an operator's key may set a limit"), None
        if not request.why.strip():
            return Fault(Reason.NOT_ALLOWED, "say why: a limit of the day needs a reason"), None
        if request.name not in ceilings:
            known = ", ".join(ceilings)
            return Fault(Reason.NOT_ALLOWED, f"limits.{request.name}: not set by the day; there are {known}"), None
        if not 1 <= request.value <= ceilings[request.name]:
            line = (
                f"limits.{request.name} = {request.value}: must be from 1 to the hard ceiling {ceilings[request.name]}"
            )
            return Fault(Reason.ABOVE_CEILING, line), None
        if not day:
            return Fault(Reason.NOT_READY, "no trading day is open yet: a raised limit belongs to one"), None
        if self._books.counters.raised.get(request.name) == request.value:
            return None, None
        return None, LimitRaised(day, request.name, request.value, request.why.strip(), origin.sender)

    def _arm(self, request: ArmRequest, origin: Origin) -> tuple[Fault | None, Event | None]:
        market, account = self._market, self._settings.account
        if origin.role not in MAY_LOOSEN:
            return Fault(Reason.NOT_ALLOWED, "only an operator's key may arm an account"), None
        if not self._settings.live:
            return Fault(Reason.NOT_ALLOWED, f"{account} is a paper account: it needs no arming"), None
        if request.account != account:
            return Fault(Reason.NOT_ALLOWED, f"{request.account}: this system trades account {account}"), None
        if not market.day:
            return Fault(Reason.NOT_READY, "no trading day is open yet: arming belongs to one"), None
        if request.until_s and not second_of_day(market.ts_ns) < request.until_s <= S1500:
            return Fault(Reason.BAD_TIME, "arm until a time of today that is not past, 15:00 at most"), None
        if armed_until_s(market, self._books) == request.until_s:
            return None, None
        return None, AccountArmed(account, market.day, request.until_s, origin.sender)

    # ------------------------------------------------------------------ telling

    def said(self) -> Safeguards:
        """Return what is in force."""
        counters, row = self._books.counters, self._books.counters.killed
        until_s = armed_until_s(self._market, self._books) if self._settings.live else 0
        return Safeguards(
            account=self._settings.account,
            live=self._settings.live,
            killed=row is not None and row.on,
            kill_why=row.why if row is not None and row.on else "",
            kill_file=self._market.guard.kill_file(),
            armed_until_s=until_s if second_of_day(self._market.ts_ns) < until_s else 0,
            limits=counters.limits(self._settings),
            raised=dict(counters.raised),
            used=counters.used(),
        )

    def words(self) -> dict[str, str]:
        """Return what `pankou status` shows; empty words are not shown."""
        said = self.said()
        kill = [f"on: {said.kill_why}"] if said.killed else []
        kill += ["on: the kill file is there"] if said.kill_file else []
        armed = ""
        if said.live:
            hour, second = divmod(said.armed_until_s, 3600)
            armed = f"until {hour:02d}:{second // 60:02d}" if said.armed_until_s else "no: no opening orders"
        ratio = self._books.counters.cancel_ratio_bp
        return {
            "kill_switch": "; ".join(kill),
            "armed": armed,
            "raised_limits": ", ".join(f"{name} = {value}" for name, value in sorted(said.raised.items())),
            "no_buys": ", ".join(reason.name for reason in self._market.guard.forbidden),
            "cancel_ratio": f"{ratio} bp of the day's orders" if ratio > self._settings.cancel_ratio_bp else "",
        }
