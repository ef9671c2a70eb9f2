"""Checks of the QMT client: the wheel, its modules, the folder, the login, the account, whether we ever met a real one."""

from typing import NamedTuple

from services.cli.doctor.finding import Finding, Verdict

WHEEL = "250807.1.2"
"""The version the notes and the fakes are about."""
STATUS_OK = 0
QUEUES_WARN_MIB = 2_048
"""Each session number leaves about 75 MB in the client's folder (notes §1.5): more than two dozen are nobody's."""
ST_DAYS_WARN = 7
ASKS_THE_BROKER = frozenset({"chinext", "star", "bse"})
"""Boards that an account needs a permission for; the vendor's interface does not tell who has it."""


class Client(NamedTuple):
    """What was found of the client; the defaults are a healthy one. None = nobody could look."""

    wheel: str | None = WHEEL
    """"" = not installed."""
    natives: str | None = ""
    """What went wrong on importing the native modules, "" = nothing."""
    path: str = "userdata_mini"
    """As configured."""
    path_is_folder: bool = True
    path_writable: bool = True
    connect: int | None = 0
    """What `connect` returned."""
    account: str = "real"
    accounts: tuple[str, ...] | None = ("real",)
    """Accounts the client knows, masked where they are not ours."""
    account_status: int | None = STATUS_OK
    boards: tuple[str, ...] = ("main",)
    """That the configuration trades."""
    boards_seen: tuple[str, ...] | None = ("main",)
    """That the account holds or has traded something of."""
    queues_mib: int | None = 0
    """Size of the session files in its folder."""
    st_file: str | None = "SH_XXXXXX_2011_86400000.csv"
    """The file of ST history; None = not known where it would be."""
    st_rows: int | None = 1_000
    """Rows in it that are ST or *ST; None = no such file."""
    st_age_days: int = 0
    settle_s: int = 10
    """As configured."""
    settle_measured_s: int | None = None
    """What the newest recording of a real client asks for; None = there is none, or it measured nothing."""
    recording: str = ""
    """Name of a complete recording of `pankou accept live` with a real client, "" = none."""


def wheel(client: Client) -> Finding:
    """Check that the vendor's package is installed, in the version that was looked at."""
    if client.wheel is None:
        return Finding("wheel", Verdict.UNKNOWN, {"wanted": WHEEL}, "unknown")
    if not client.wheel:
        return Finding("wheel", Verdict.FAIL, {"wanted": WHEEL}, "none")
    verdict = Verdict.OK if client.wheel == WHEEL else Verdict.WARN
    return Finding("wheel", verdict, {"version": client.wheel, "wanted": WHEEL})


def natives(client: Client) -> Finding:
    """Check that the native modules load: they exist for Windows only."""
    if client.natives is None:
        return Finding("natives", Verdict.UNKNOWN, {}, "unknown")
    if client.natives:
        return Finding("natives", Verdict.FAIL, {"error": client.natives}, "error")
    return Finding("natives", Verdict.OK, {})


def client_path(client: Client) -> Finding:
    """Check the client's folder: configured, there, writable, and the one of the mini client."""
    facts: dict[str, object] = {"path": client.path}
    if not client.path:
        return Finding("client_path", Verdict.UNKNOWN, facts, "unset")
    if not client.path_is_folder:
        return Finding("client_path", Verdict.FAIL, facts, "missing")
    if not client.path_writable:
        return Finding("client_path", Verdict.FAIL, facts, "readonly")
    name = client.path.replace("\\", "/").rstrip("/").rpartition("/")[2].lower()
    if name != "userdata_mini":
        return Finding("client_path", Verdict.WARN, facts, "odd")
    return Finding("client_path", Verdict.OK, facts)


def login(client: Client) -> Finding:
    """Check that the client is up and lets us in."""
    if client.connect is None:
        return Finding("login", Verdict.UNKNOWN, {}, "unknown")
    verdict = Verdict.OK if client.connect == 0 else Verdict.FAIL
    return Finding("login", verdict, {"code": client.connect})


def account(client: Client) -> Finding:
    """Check that the client knows the configured account and is logged in to it."""
    facts: dict[str, object] = {"account": client.account}
    if client.accounts is None or client.account_status is None:
        return Finding("account", Verdict.UNKNOWN, facts, "unknown")
    if client.account not in client.accounts:
        return Finding("account", Verdict.FAIL, facts | {"count": len(client.accounts)}, "other")
    if client.account_status != STATUS_OK:
        return Finding("account", Verdict.FAIL, facts | {"status": client.account_status}, "status")
    return Finding("account", Verdict.OK, facts)


def boards(client: Client) -> Finding:
    """Check that the account may trade the configured boards, as far as its positions and orders prove it."""
    needing = [board for board in client.boards if board in ASKS_THE_BROKER]
    if not needing:
        return Finding("boards", Verdict.OK, {"boards": ", ".join(client.boards)})
    if client.boards_seen is None:
        return Finding("boards", Verdict.UNKNOWN, {"boards": ", ".join(needing)}, "unknown")
    unseen = [board for board in needing if board not in client.boards_seen]
    if unseen:
        return Finding("boards", Verdict.WARN, {"boards": ", ".join(unseen)}, "unseen")
    return Finding("boards", Verdict.OK, {"boards": ", ".join(client.boards)})


def st_file(client: Client) -> Finding:
    """Check the client's file of ST history: a missing one reads like "never ST" (notes §2.4)."""
    if client.st_file is None:
        return Finding("st_file", Verdict.UNKNOWN, {}, "unknown")
    facts: dict[str, object] = {"path": client.st_file}
    if client.st_rows is None:
        return Finding("st_file", Verdict.FAIL, facts, "missing")
    if client.st_rows == 0:
        return Finding("st_file", Verdict.FAIL, facts, "empty")
    verdict = Verdict.WARN if client.st_age_days > ST_DAYS_WARN else Verdict.OK
    return Finding("st_file", verdict, facts | {"rows": client.st_rows, "days": client.st_age_days})


def queues(client: Client) -> Finding:
    """Check the session files in the client's folder: session numbers made up anew each time fill the disk."""
    if client.queues_mib is None:
        return Finding("queues", Verdict.UNKNOWN, {}, "unknown")
    verdict = Verdict.WARN if client.queues_mib > QUEUES_WARN_MIB else Verdict.OK
    return Finding("queues", verdict, {"mib": client.queues_mib})


def settle(client: Client) -> Finding:
    """Check that an order is given as long to be seen as it was measured to need: too short gives orders twice."""
    facts: dict[str, object] = {"seconds": client.settle_s}
    if client.settle_measured_s is None:
        return Finding("settle", Verdict.UNKNOWN, facts, "unknown")
    verdict = Verdict.OK if client.settle_s >= client.settle_measured_s else Verdict.FAIL
    return Finding("settle", verdict, facts | {"measured": client.settle_measured_s})


def recording(client: Client) -> Finding:
    """Tell whether what we believe of a client was ever compared with a real one."""
    if not client.recording:
        return Finding("recording", Verdict.WARN, {}, "none")
    return Finding("recording", Verdict.OK, {"name": client.recording})
