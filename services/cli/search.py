"""`--search optuna`: which sets to try next, asked of Optuna; the trials are run by whatever executor the sweep has.

Sets are asked for and told in rounds of one size, in one order, so that the same search tries the same sets whoever
runs them and however many workers there are. The journal on disk remembers every trial: a search that was cut goes on.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from services.cli.faults import BadInputError
from services.cli.grids import Axis

ROUND = 8
"""Sets asked for at a time."""
Params = dict[str, int]


class OptunaSearch:
    """One study over a grid: it looks at some of its sets."""

    def __init__(self, journal: Path, name: str, axes: Mapping[str, Axis], seed: int) -> None:
        try:
            optuna: Any = import_module("optuna")
            journals: Any = import_module("optuna.storages.journal")
        except ImportError:
            raise BadInputError("bad.no_optuna") from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._states, self._axes = optuna.trial.TrialState, axes
        journal.parent.mkdir(parents=True, exist_ok=True)
        # This lock works on every system and every file system; the default one needs symbolic links.
        backend = journals.JournalFileBackend(str(journal), journals.JournalFileOpenLock(str(journal)))
        storage = optuna.storages.JournalStorage(backend)
        self._study = optuna.create_study(
            storage=storage, study_name=name, direction="maximize", load_if_exists=True, sampler=optuna.samplers.RandomSampler()
        )  # fmt: skip
        for trial in self._study.get_trials(deepcopy=False):
            if not trial.state.is_finished():  # asked for when the search was cut
                self._study.tell(trial.number, state=self._states.FAIL)
        # The draws of what is still to come: a search that goes on must not draw what it drew before.
        self._study.sampler = optuna.samplers.TPESampler(seed=seed + len(self._study.get_trials(deepcopy=False)))
        self._asked: list[Any] = []

    def past(self) -> list[Params]:
        """Return the sets that were tried, in their order; those that failed have to be tried again."""
        finished = (self._states.COMPLETE, self._states.PRUNED)
        return [dict(trial.params) for trial in self._study.get_trials(deepcopy=False) if trial.state in finished]

    def ask(self, count: int) -> list[Params]:
        """Return sets to try next."""
        self._asked = [self._study.ask() for _ in range(count)]
        return [{name: self._suggest(trial, name) for name in self._axes} for trial in self._asked]

    def tell(self, values: Sequence[float | None]) -> None:
        """Tell what the sets of the last `ask` were worth, in its order; None is worse than any value."""
        for trial, value in zip(self._asked, values, strict=True):
            if value is None:
                self._study.tell(trial, state=self._states.PRUNED)
            else:
                self._study.tell(trial, value)
        self._asked = []

    def _suggest(self, trial: Any, name: str) -> int:
        axis = self._axes[name]
        if isinstance(axis, range):
            return int(trial.suggest_int(name, axis[0], axis[-1], step=axis.step))
        return int(trial.suggest_categorical(name, list(axis)))
