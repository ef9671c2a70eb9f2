"""Where machine code is kept: found again, made anew when it is gone, bounded, and done without where nothing is kept."""

import os
import subprocess
import sys
from pathlib import Path

from common.strategies import RULES
from services.backtest_worker.account import DeskSettings
from services.backtest_worker.adapters.compiled import KEPT_MAX, compile_rule
from services.backtest_worker.desk import Desk
from services.backtest_worker.scanned import play_scanned
from tests.conftest import CHECKOUT
from tests.parity.made_bars import MadeBars

RULE = RULES["limit_up"]
PLAY = """
import sys
from pathlib import Path
from tests.unit.services.backtest_worker.adapters.test_compiled import fills_with
print(fills_with(Path(sys.argv[1])))
"""


def fills_with(folder: Path) -> int:
    made = MadeBars(0, stocks=6, days=3)
    desk = Desk(RULE.NAME, made.symbols, DeskSettings())
    days = made.days(RULE.Context._fields)
    list(play_scanned(RULE, RULE.Params(), compile_rule(RULE, folder), (desk,), made.symbols, days))
    return len(desk.fills)


def in_a_process(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", PLAY, str(folder)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)


def test_two_processes_that_compile_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    both = [in_a_process(tmp_path / "cache") for _ in range(2)]
    told = [each.communicate(timeout=50)[0].strip() for each in both]
    assert told[0] == told[1] == str(fills_with(tmp_path / "cache"))
    assert len(list((tmp_path / "cache").glob("scan_*.py"))) == 1
    assert list((tmp_path / "cache" / "__pycache__").glob("*.nbi"))


def test_a_folder_that_takes_nothing_only_costs_the_compiling(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    done = in_a_process(tmp_path / "cache")
    assert done.communicate(timeout=50)[0].strip() == str(fills_with(tmp_path / "other"))
    assert done.returncode == 0


def test_old_machine_code_is_let_go(tmp_path: Path) -> None:
    made = tmp_path / "__pycache__"
    made.mkdir()
    for at in range(KEPT_MAX + 10):
        source = tmp_path / f"scan_{at:03d}.py"
        source.write_text("")
        (made / f"{source.stem}.scan_pool-2.py311.nbi").write_text("")
        os.utime(source, (at + 1, at + 1))
    compile_rule(RULE, tmp_path)
    left = sorted(path.stem for path in tmp_path.glob("scan_*.py"))
    assert len(left) == KEPT_MAX
    assert "scan_000" not in left
    assert f"scan_{KEPT_MAX + 9:03d}" in left
    assert {path.name.split(".")[0] for path in made.glob("*.nbi")} <= set(left)
