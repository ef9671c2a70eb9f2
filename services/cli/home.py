"""Where everything of one user lives: $PANKOU_HOME with its config, keys, markets and runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[2]
"""The root of the source tree."""


class Home(NamedTuple):
    """The folder of $PANKOU_HOME and what is where inside it."""

    root: Path

    @property
    def config(self) -> Path:
        """The user's own settings; they go over the shipped ones."""
        return self.root / "config.toml"

    @property
    def keys(self) -> Path:
        """Key pairs of the services and of the operator."""
        return self.root / "keys"

    @property
    def markets(self) -> Path:
        """Synthetic markets, one folder a recipe."""
        return self.root / "markets"

    @property
    def screens(self) -> Path:
        """The user's own screens, one TOML file each; they go over the shipped ones."""
        return self.root / "screens"

    @property
    def rules(self) -> Path:
        """The user's own rules, one Python file each, beside the shipped ones."""
        return self.root / "rules"

    @property
    def history(self) -> Path:
        """Imported history."""
        return self.root / "history"

    @property
    def calendar(self) -> Path:
        """The operator's extension of the trading calendar."""
        return self.root / "calendar.toml"

    @property
    def tapes(self) -> Path:
        """Imported tapes."""
        return self.root / "tapes"

    @property
    def backtests(self) -> Path:
        """Backtests: those run at once by number, the queue's jobs and results."""
        return self.root / "backtests"

    @property
    def runs(self) -> Path:
        """One folder a run: runs/1, runs/2 ..."""
        return self.root / "runs"

    @property
    def kill_file(self) -> Path:
        """While this file is there no order leaves the gateway of any run."""
        return self.root / "KILL"

    @property
    def hand_orders(self) -> Path:
        """Keys of hand orders that have no answer yet."""
        return self.root / "hand_orders.json"

    def run_numbers(self) -> list[int]:
        """Return the numbers of the runs, oldest first."""
        if not self.runs.is_dir():
            return []
        return sorted(int(path.name) for path in self.runs.iterdir() if path.name.isdigit() and path.is_dir())

    def last_run(self) -> Path | None:
        """Return the folder of the newest run that has a configuration."""
        for number in reversed(self.run_numbers()):
            folder = self.runs / str(number)
            if (folder / "config.toml").is_file():
                return folder
        return None

    def new_run(self) -> Path:
        """Make and return the folder of the next run (0700: journals and logs are private)."""
        self.runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = max(self.run_numbers(), default=0) + 1
        while True:
            folder = self.runs / str(number)
            try:
                folder.mkdir(mode=0o700)
            except FileExistsError:  # somebody else started a run at the same moment
                number += 1
            else:
                return folder


def home_of(environ: Mapping[str, str]) -> Home:
    """Return $PANKOU_HOME, by default `var/` of the checkout."""
    text = environ.get("PANKOU_HOME", "")
    root = Path(text).expanduser() if text else CHECKOUT / "var"
    return Home(root.absolute())
