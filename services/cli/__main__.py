"""`pankou` and `python -m services.cli`."""

import gc
import os

from services.cli.app import cli

COLLECT_AFTER = 50_000
"""Objects made before cycles are looked for. Loading our libraries makes some hundred thousand that stay."""


def main() -> None:
    """Run the command line; whatever a command writes is its owner's alone."""
    os.umask(0o077)
    gc.set_threshold(COLLECT_AFTER)
    cli(prog_name="pankou")


if __name__ == "__main__":
    main()
