"""Fuzz as long as one likes: python -m tests.fuzz.run [--decodes N] [--wire M] [--seed S]; ends with one line of figures."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.e2e.rig import System
from tests.fuzz.assault import HELD_AT, SMALLEST, attack
from tests.fuzz.decoding import fuzz_decoders


def main() -> int:
    """Run both kinds, of the size asked for."""
    parser = argparse.ArgumentParser(prog="nox -s fuzz --")
    parser.add_argument("--decodes", type=int, default=10_000_000, help="damaged messages into the decoders; 0 = none")
    parser.add_argument("--wire", type=int, default=1_000_000, help="hostile messages into a running system; 0 = none")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    asked = parser.parse_args()
    lines = [f"seed {asked.seed}"]
    if asked.decodes:
        lines.append(fuzz_decoders(asked.decodes, asked.seed).line())
    if asked.wire:
        with tempfile.TemporaryDirectory() as folder:
            system = System(Path(folder) / "home")
            try:
                system.start(*SMALLEST)
                system.wait_for_push(HELD_AT)
                lines.append(attack(system, asked.wire, asked.seed).line())
            finally:
                system.stop()
    print("; ".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
