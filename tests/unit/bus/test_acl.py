"""Access lists of Windows: commands as they are built, lists as they are read, and who is let in by them."""

from pathlib import Path

import pytest

from common.bus import acl
from common.domain.errors import ConfigError
from services.cli.doctor.gather import open_paths

ME = "S-1-5-21-1004336348-1177238915-682003330-1001"
OTHER = "S-1-5-21-1004336348-1177238915-682003330-1002"
WHOAMI = f'"电脑\\张三","{ME}"\r\n'.encode("gbk")
PRIVATE = f"D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;{ME})"


class FakeWindows:
    """Answers the commands as Windows prints, and keeps what it was asked."""

    def __init__(self, lists: dict[str, str]) -> None:
        self.lists = lists
        self.asked: list[list[str]] = []

    def __call__(self, command: list[str]) -> bytes:
        self.asked.append(command)
        if command[0] == "whoami":
            return WHOAMI
        if "/save" in command:
            pairs = "".join(f"{name}\r\n{sddl}\r\n" if sddl else f"{name}\r\n" for name, sddl in self.lists.items())
            Path(command[command.index("/save") + 1]).write_bytes(pairs.encode("utf-16"))
        return b""


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acl, "_checked", set())


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    made = tmp_path / "盘口 数据" / "keys"
    made.mkdir(parents=True)
    return made


def test_a_folder_is_given_to_its_user_and_the_system_and_to_what_is_made_in_it(keys: Path) -> None:
    windows = FakeWindows({})
    acl.restrict(keys, windows)
    (keys / "cli.key").touch()
    acl.restrict(keys / "cli.key", windows)
    assert windows.asked == [
        ["whoami", "/user", "/fo", "csv", "/nh"],
        ["icacls", str(keys), "/inheritance:r", "/grant:r", f"*{ME}:(OI)(CI)F", "*S-1-5-18:(OI)(CI)F", "/q"],
        ["whoami", "/user", "/fo", "csv", "/nh"],
        ["icacls", str(keys / "cli.key"), "/inheritance:r", "/grant:r", f"*{ME}:F", "*S-1-5-18:F", "/q"],
    ]


def test_a_private_folder_is_looked_at_once(keys: Path) -> None:
    windows = FakeWindows({"keys": PRIVATE, "keys\\cli.key": PRIVATE.replace("OICI", "ID")})
    acl.check_private(keys, windows)
    acl.check_private(keys, windows)
    assert [command[0] for command in windows.asked] == ["whoami", "icacls"]
    assert windows.asked[1][:3] == ["icacls", str(keys), "/save"]
    assert windows.asked[1][4:] == ["/t", "/c", "/q"]


@pytest.mark.parametrize(
    ("name", "sddl", "who"),
    [
        ("keys", "D:AI(A;OICIID;FA;;;SY)(A;OICIID;0x1301bf;;;AU)", "AU"),  # as a new folder on a second disk
        ("keys\\cli.key", f"D:P(A;;FA;;;{ME})(A;;FR;;;{OTHER})", OTHER),
        ("keys\\cli.key", f"D:P(A;;FA;;;{ME})(XA;;FR;;;WD;(@User.Title==\"x\"))", "WD"),
        ("keys\\cli.key", "D:NO_ACCESS_CONTROL", "Everyone"),
        ("keys\\cli.key", "", "Everyone"),
    ],
)  # fmt: skip
def test_who_else_is_let_in_is_named_with_the_fix(keys: Path, name: str, sddl: str, who: str) -> None:
    windows = FakeWindows({"keys": PRIVATE, name: sddl})
    with pytest.raises(ConfigError) as caught:
        acl.check_private(keys, windows)
    told = str(caught.value)
    assert all(word in told for word in (name, who, "/inheritance:r", f'icacls "{keys}" /reset /t'))
    with pytest.raises(ConfigError):
        acl.check_private(keys, windows)  # what is open is not remembered as good


@pytest.mark.parametrize(
    ("sddl", "sid", "others"),
    [
        (PRIVATE, ME, set()),
        (f"D:PAI(A;OICI;FA;;;BA)(A;OICIIO;FA;;;CO)(A;;FA;;;OW)(A;;FA;;;{ME})", ME, set()),
        (f"D:P(D;;FA;;;WD)(A;;FA;;;{ME})", ME, set()),  # shut out, not let in
        (f"D:P(A;;FA;;;{ME})S:(ML;;NW;;;LW)(AU;FA;FA;;;WD)", ME, set()),  # labels and audits let nobody in
        ("D:P", ME, set()),
        ("D:P(A;;FA;;;LA)", "S-1-5-21-1-2-3-500", set()),
        ("D:P(A;;FA;;;LA)", ME, {"LA"}),
        ("D:P(A;;FA;;;BU)(A;;FR;;;WD)", ME, {"BU", "WD"}),
        ("O:BAG:SY", ME, {"Everyone"}),
    ],
)
def test_whom_a_list_lets_in(sddl: str, sid: str, others: set[str]) -> None:
    assert acl.strangers(sddl, sid) == others


def test_what_windows_prints_is_read_in_any_code_page_or_refused(keys: Path) -> None:
    assert acl.parse_sid(WHOAMI) == ME
    with pytest.raises(ConfigError, match="no SID"):
        acl.parse_sid("错误".encode("gbk"))
    with pytest.raises(ConfigError, match="NTFS"):
        acl.check_private(keys, FakeWindows({}))
    with pytest.raises(ConfigError, match="does not tell"):
        acl.check_private(keys, lambda command: WHOAMI if command[0] == "whoami" else b"")


def test_a_command_that_fails_says_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no-such-program-of-windows"):
        acl._run(["no-such-program-of-windows"])
    with pytest.raises(ConfigError, match="NTFS"):
        acl._run(["false"])


def test_doctor_names_what_of_the_runs_is_open(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    (runs / "1").mkdir(parents=True)
    shut = FakeWindows({"1": PRIVATE})
    assert open_paths(runs, shut) == ()
    left_open = FakeWindows({"1": PRIVATE, "1\\order_gateway.db": f"D:AI(A;ID;FA;;;{ME})(A;ID;FR;;;BU)"})
    assert open_paths(runs, left_open) == (str(runs / "1\\order_gateway.db"),)
    assert open_paths(tmp_path / "nowhere", shut) == ()
    assert open_paths(runs, FakeWindows({})) is None, "nobody can tell"
