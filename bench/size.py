"""What an installation weighs, and what it costs to ask for help. Baseline of the second: importing click alone."""

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path

VENV = Path(sys.executable).parent.parent
SIZE_BOUND_MB = 700
HELP_BOUND_S = 0.2
LARGEST = 10
TRIES = 5


def folder_mb(folder: Path) -> float:
    """Return the size of a folder's files in MB (2**20 bytes)."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 2**20


def cpu_seconds(*command: str) -> float:
    """Return the least CPU time of a few tries of a command."""
    best = float("inf")
    for _ in range(TRIES):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    (site,) = VENV.glob("lib/python*/site-packages")
    packages = sorted(((folder_mb(path), path.name) for path in site.iterdir() if path.is_dir()), reverse=True)[
        :LARGEST
    ]
    total = folder_mb(VENV)
    helped = cpu_seconds(str(VENV / "bin" / "pankou"), "--help")
    base = cpu_seconds(sys.executable, "-c", "import click")
    if chosen.json:
        print(
            json.dumps(
                {
                    "venv_mb": round(total),
                    "bound_mb": SIZE_BOUND_MB,
                    "help_cpu_s": round(helped, 3),
                    "click_cpu_s": round(base, 3),
                }
            )
        )
        return
    print(f"installation: {total:.0f} MB (bound {SIZE_BOUND_MB}: {'ok' if total <= SIZE_BOUND_MB else 'over'})")
    for size, name in packages:
        print(f"  {size:6.1f}  {name}")
    print(
        f"pankou --help: {helped:.3f} CPU-s, import click alone {base:.3f}, ratio {helped / base:.2f} (bound {HELP_BOUND_S} s: {'ok' if helped <= HELP_BOUND_S else 'over'})"
    )


if __name__ == "__main__":
    main()
