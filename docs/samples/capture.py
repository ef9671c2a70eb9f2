"""Capture real terminal output for the documents: python docs/samples/capture.py [run|test]...

`run` plays the default market in a home folder of its own, asks around, and stops; `test` runs the whole suite.
Afterwards `python -m services.cli.docs --write` fills the marked blocks. Only the folder of the home is replaced in
what was printed: by var, as a user sees it.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
BASE_PORT = 29_100


def shown(command: str, home: Path, lang: str) -> str:
    """Run a command and return it with everything it printed."""
    names = {**os.environ, "PANKOU_HOME": str(home), "PANKOU_LANG": lang}
    names.pop("MAKEFLAGS", None)
    done = subprocess.run(
        ["bash", "-c", f"{command} 2>&1"], cwd=CHECKOUT, env=names, capture_output=True, text=True, check=False
    )
    text = done.stdout.replace(str(home), "var").replace(str(CHECKOUT) + "/", "")
    return f"$ {command}\n{re.sub(r' +$', '', text, flags=re.MULTILINE).rstrip()}\n"


def without_dots(text: str) -> str:
    """Leave out the rows of dots but the last one of each run of tests: nobody reads eighty of them."""
    lines = text.splitlines()
    rows = [bool(re.fullmatch(r"[.s]+ +\[ *\d+%\]", line)) for line in lines]
    kept = [line for at, line in enumerate(lines) if not rows[at] or not rows[min(at + 1, len(lines) - 1)]]
    kept = [line for line in kept if line and not line.startswith("bringing up nodes")]
    return "\n".join(kept) + "\n"


def keep(name: str, *texts: str) -> None:
    """Write one sample."""
    (HERE / f"{name}.txt").write_text("\n".join(texts), encoding="utf-8")


def capture_run(home: Path, lang: str) -> None:
    """Capture a run and the questions people ask after it."""
    keep(f"make-run.{lang}", shown("make run", home, lang))
    folder = max((home / "runs").iterdir(), key=lambda path: int(path.name))
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    sold = next(fill for fill in report["fills"] if fill["side"] == 2 and fill["rule"] == "limit_up")
    day = f"{sold['day'] // 10_000}-{sold['day'] // 100 % 100:02d}-{sold['day'] % 100:02d}"
    pankou = ".venv/bin/pankou"
    keep(f"look.{lang}", shown(f"{pankou} status", home, lang), shown(f"{pankou} positions", home, lang))
    keep(f"explain.{lang}", shown(f"{pankou} explain {sold['symbol']} --date {day}", home, lang))
    keep(f"closed.{lang}", shown(f"{pankou} order buy {sold['symbol']} 100", home, lang))
    keep(f"make-stop.{lang}", shown("make stop", home, lang))


def main(wanted: list[str]) -> None:
    """Capture what is wanted, everything by default."""
    if "run" in wanted:
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder) / "var"
            home.mkdir()
            (home / "config.toml").write_text(f"[system]\nbase_port = {BASE_PORT}\n", encoding="utf-8")
            for lang in ("zh", "en"):
                capture_run(home, lang)
        fill()
    if "test" in wanted:
        # The suite compares documents and samples: the blocks of the run are filled before it starts.
        keep("make-test", without_dots(shown("make test", CHECKOUT / "var", "zh")))
        fill()


def fill() -> None:
    """Fill the marked blocks of the documents."""
    subprocess.run([sys.executable, "-m", "services.cli.docs", "--write"], cwd=CHECKOUT, check=True)


if __name__ == "__main__":
    main(sys.argv[1:] or ["run", "test"])
