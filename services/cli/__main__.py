"""`pankou` and `python -m services.cli`."""

from services.cli.app import cli


def main() -> None:
    """Run the command line."""
    cli(prog_name="pankou")


if __name__ == "__main__":
    main()
