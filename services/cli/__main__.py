"""`pankou` and `python -m services.cli`."""

import os

from services.cli.app import cli


def main() -> None:
    """Run the command line; whatever a command writes is its owner's alone."""
    os.umask(0o077)
    cli(prog_name="pankou")


if __name__ == "__main__":
    main()
