"""Propose the trials of a search, at random or by Optuna's TPE, as a function of the search and the trials before."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fecbench.core.errors import FecbenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fecbench.bench.search import Distribution, Search

DRAWS = 100  # attempts to draw a trial that isn't among the earlier ones


class Trial(NamedTuple):
    """A trial: its values in the order of the searched settings, and its score; None if it failed."""

    values: tuple[Any, ...]
    score: float | None


class TrialSampler:
    """Proposes the trials of a row, one after the other.

    Nothing is kept between proposals: each starts from the search's seed, the number of the trial and the trials before
    it. So an interrupted search continues to the same trials, and rows with equal distributions share their random
    ones. Proposals are remembered, because a progress display asks for them every second.
    """

    def __init__(self, search: Search, space: Mapping[str, Distribution]):
        self.search, self.space = search, space
        self._remembered: Callable[[tuple[Trial, ...]], tuple[Any, ...]] = cache(self._proposed)

    def check(self) -> None:
        """Raise FecbenchError if trials will need Optuna, and it isn't installed."""
        if self.search.at_once < self.search.trials:
            import_optuna()

    def first(self) -> list[dict[str, Any]]:
        """Return the settings of the trials that can start at once."""
        trials: tuple[Trial, ...] = ()
        while len(trials) < self.search.at_once:
            trials += (Trial(self._remembered(trials), None),)
        return [self._named(trial.values) for trial in trials]

    def following(self, trials: tuple[Trial, ...]) -> dict[str, Any]:
        """Return the settings of the trial that follows ``trials``.

        Raises:
            FecbenchError: Optuna is needed and isn't installed.
        """
        return self._named(self._remembered(trials))

    def _named(self, values: tuple[Any, ...]) -> dict[str, Any]:
        return dict(zip(self.space, values, strict=True))

    def _proposed(self, trials: tuple[Trial, ...]) -> tuple[Any, ...]:
        """Return the next trial's values. One that repeats an earlier trial is replaced by a random one."""
        earlier = {trial.values for trial in trials}
        guided = self.search.sampler == "tpe" and len(trials) >= self.search.startup
        values = self._by_tpe(trials) if guided else self._at_random(len(trials), 0)
        for attempt in range(1, DRAWS):
            if values not in earlier:
                break
            values = self._at_random(len(trials), attempt)
        return values

    def _at_random(self, number: int, attempt: int) -> tuple[Any, ...]:
        # RandomState, because numpy promises that its numbers never change with the version
        random = np.random.RandomState(self._seed(number, attempt))
        return tuple(distribution.drawn(random) for distribution in self.space.values())

    def _by_tpe(self, trials: tuple[Trial, ...]) -> tuple[Any, ...]:
        optuna = import_optuna()
        distributions = {name: _in_optuna(optuna, wanted) for name, wanted in self.space.items()}
        # TPE itself draws at random until as many trials as this have scores: some may have failed.
        sampler = optuna.samplers.TPESampler(n_startup_trials=self.search.startup, seed=self._seed(len(trials), 0))
        study = optuna.create_study(sampler=sampler, direction="maximize")
        study.add_trials([self._seen(optuna, trial, distributions) for trial in trials])
        drawn = study.ask(distributions).params
        return tuple(wanted.rounded(drawn[name]) for name, wanted in self.space.items())

    def _seen(self, optuna: Any, trial: Trial, distributions: Mapping[str, Any]) -> Any:
        states = optuna.trial.TrialState
        return optuna.trial.create_trial(
            state=states.FAIL if trial.score is None else states.COMPLETE,
            value=trial.score,
            params=self._named(trial.values),
            distributions=dict(distributions),
        )

    def _seed(self, number: int, attempt: int) -> int:
        return int(np.random.SeedSequence([self.search.seed, number, attempt]).generate_state(1)[0])


def _in_optuna(optuna: Any, wanted: Distribution) -> Any:
    """Return the distribution of Optuna that is ``wanted``."""
    kinds = optuna.distributions
    if wanted.choices is not None:
        return kinds.CategoricalDistribution(wanted.choices)
    if wanted.is_whole:
        return kinds.IntDistribution(wanted.low, wanted.high, log=wanted.log, step=wanted.step or 1)
    return kinds.FloatDistribution(wanted.low, wanted.high, log=wanted.log, step=wanted.step)


def import_optuna() -> Any:
    """Return the module optuna.

    Raises:
        FecbenchError: it isn't installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise FecbenchError(
            f'[search] with sampler = "tpe" needs the package optuna ({error}); run pip install "fecbench[search]", '
            'or choose sampler = "random"'
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it announces each study, and there is one for each proposal
    return optuna
