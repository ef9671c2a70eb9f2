"""Private folders on Windows: an access list of one user and the system where other systems have the mode 0700.

What is made in such a folder inherits the list, so every file in it is born private. Standard library only; who may do
what is read as SDDL, whose words are the same in every language of Windows.
"""

import contextlib
import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePath

from common.domain.errors import ConfigError

SYSTEM = "S-1-5-18"
OURS = frozenset({SYSTEM, "SY", "S-1-5-32-544", "BA", "CO", "S-1-3-0", "OW", "S-1-3-4"})
"""The system, the administrators (they may take what they like anyway), and the two that stand for the owner."""
ADMINISTRATOR = "LA"
"""SDDL's word for the account that ends in -500."""
ALLOWS = frozenset({"A", "OA", "XA"})
ENTRY = re.compile(r"\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
"""One entry of a list; the condition at its end has brackets of its own."""
LIST = re.compile(r"D:(?!\\)")
EVERYBODY = "Everyone"
TIMEOUT_S = 60
Run = Callable[[list[str]], bytes]

_checked: set[Path] = set()
"""Folders that this process has looked at; nobody else can change a list that shuts everybody else out."""


def whoami_command() -> list[str]:
    """Return what prints the name and the id (SID) of the user."""
    return ["whoami", "/user", "/fo", "csv", "/nh"]


def restrict_command(path: PurePath, sid: str, *, folder: bool) -> list[str]:
    """Return what gives a path to one user and the system, and cuts it off from what it would inherit."""
    right = "(OI)(CI)F" if folder else "F"
    return ["icacls", str(path), "/inheritance:r", "/grant:r", f"*{sid}:{right}", f"*{SYSTEM}:{right}", "/q"]


def save_command(path: Path, into: Path) -> list[str]:
    """Return what writes down the access lists of a folder and all that is in it."""
    return ["icacls", str(path), "/save", str(into), "/t", "/c", "/q"]


def parse_sid(printed: bytes) -> str:
    """Return the id in what `whoami` prints; the name before it is in the code page of the machine."""
    found = re.findall(rb"S-1-[0-9-]+", printed)
    if not found:
        raise ConfigError("whoami /user prints no SID; run it in a terminal to see why")
    return str(found[-1].decode())


def trustees(sddl: str) -> set[str]:
    """Return whom an access list lets in, as it names them; no list at all lets in everybody."""
    begin = sddl.find("D:")
    if begin < 0 or "NO_ACCESS_CONTROL" in sddl:
        return {EVERYBODY}
    entries = [entry.split(";") for entry in ENTRY.findall(sddl[begin:])]
    return {entry[5] for entry in entries if len(entry) > 5 and entry[0] in ALLOWS}


def strangers(sddl: str, sid: str) -> set[str]:
    """Return whom an access list lets in besides the user, the system and the administrators."""
    mine = {sid, *([ADMINISTRATOR] if sid.endswith("-500") else [])}
    return trustees(sddl) - mine - OURS


def parse_saved(raw: bytes) -> dict[str, str]:
    """Return name to access list of what `icacls /save` wrote: lines in pairs, UTF-16."""
    lines = [line for line in raw.decode("utf-16").splitlines() if line.strip()]
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        if LIST.match(line):
            found[name] = line
        else:
            found[line] = ""  # until its list comes: none is a list that lets in everybody
            name = line
    return found


def current_sid(run: Run | None = None) -> str:
    """Return the id of the user."""
    return parse_sid((run or _run)(whoami_command()))


def restrict(path: Path, run: Run | None = None) -> None:
    """Make a path private; raises ConfigError where its disk cannot."""
    (run or _run)(restrict_command(path, current_sid(run), folder=path.is_dir()))


def check_private(folder: Path, run: Run | None = None) -> None:
    """Raise ConfigError when somebody else can get at a folder or what is in it; looks once in a process."""
    if folder in _checked:
        return
    for path, others in open_to_others(folder, run).items():
        fix = subprocess.list2cmdline(restrict_command(folder, current_sid(run), folder=True))
        raise ConfigError(
            f"{path}: 别人也能读写（{', '.join(others)}），请运行 / open to others, run: "
            f'icacls "{folder}" /reset /t & {fix}'
        )
    _checked.add(folder)


def open_to_others(folder: Path, run: Run | None = None) -> dict[str, tuple[str, ...]]:
    """Return what of a folder, itself included, somebody else can get at, and who; raises ConfigError as `restrict`."""
    run = run or _run
    sid = current_sid(run)
    lists = read_lists(folder, run)
    found = {str(folder.parent / name): tuple(sorted(strangers(sddl, sid))) for name, sddl in lists.items()}
    return {path: others for path, others in found.items() if others}


def read_lists(folder: Path, run: Run) -> dict[str, str]:
    """Return the access lists of a folder and all that is in it."""
    with tempfile.TemporaryDirectory() as scratch:
        into = Path(scratch) / "lists"
        run(save_command(folder, into))
        try:
            found = parse_saved(into.read_bytes())
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{folder}: icacls does not tell who may read it ({error})") from error
    if not found:
        raise ConfigError(f"{folder}: icacls tells nothing of it; put it on an NTFS disk")
    return found


def _run(command: list[str]) -> bytes:
    """Run a program of Windows; raises ConfigError with what it said."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=True, stdin=subprocess.DEVNULL)
    except subprocess.CalledProcessError as error:
        said = _text(error.stdout + error.stderr)
        raise ConfigError(f"{subprocess.list2cmdline(command)}: {said}; put it on an NTFS disk of yours") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"{subprocess.list2cmdline(command)}: {error}") from error
    return done.stdout


def _text(raw: bytes) -> str:
    """Read what a program of Windows printed: it uses the code page of the machine."""
    for encoding in ("utf-8", "gbk"):
        with contextlib.suppress(UnicodeDecodeError):
            return " ".join(raw.decode(encoding).split())
    return " ".join(raw.decode("utf-8", "replace").split())
