"""Propose the trials of a search by Optuna, as a function of the search and the trials before."""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fecbench.core.errors import FecbenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from fecbench.bench.distribution import Distribution
    from fecbench.bench.search import Search

    Values = tuple[Any, ...]  # of a trial, in the order of the searched settings


class Trial(NamedTuple):
    """A trial: its values in the order of the searched settings, and its score; None if it failed."""

    values: Values
    score: float | None


class TrialSampler:
    """Proposes the trials of a row, one after the other.

    Nothing is kept between proposals: each has a sampler of its own, seeded by the search's seed and the number of the
    trial. So an interrupted search continues to the same trials, and rows with equal distributions share their random
    ones. Proposals are remembered, because a progress display asks for them every second.

    A proposal that repeats an earlier trial is replaced by a random one.
    """

    def __init__(self, search: Search, space: Mapping[str, Distribution]):
        self.search, self.space = search, space
        self._remembered_random: Callable[[int, int], Values] = cache(self._random)
        self._remembered_tpe: Callable[[tuple[Trial, ...]], Values] = cache(self._tpe)

    def at_random(self, number: int, earlier: Collection[Values]) -> Values:
        """Return random values for the trial ``number``, other than those of the ``earlier`` ones.

        Raises:
            FecbenchError: Optuna isn't installed.
        """
        draws = (self._remembered_random(number, attempt) for attempt in count())
        return next(values for values in draws if values not in earlier)

    def following(self, trials: tuple[Trial, ...]) -> Values:
        """Return the values for the trial that follows ``trials``, of which TPE learns.

        Raises:
            FecbenchError: Optuna isn't installed.
        """
        values, earlier = self._remembered_tpe(trials), {trial.values for trial in trials}
        return self.at_random(len(trials), earlier) if values in earlier else values

    def named(self, values: Values) -> dict[str, Any]:
        """Return the values of a trial by setting."""
        return dict(zip(self.space, values, strict=True))

    def _random(self, number: int, attempt: int) -> Values:
        optuna = import_optuna()
        return self._asked(optuna.samplers.RandomSampler(self._seed(number, attempt)), ())

    def _tpe(self, trials: tuple[Trial, ...]) -> Values:
        optuna = import_optuna()
        # TPE itself draws at random until as many trials as this have scores: some may have failed.
        sampler = optuna.samplers.TPESampler(n_startup_trials=self.search.startup, seed=self._seed(len(trials), 0))
        return self._asked(sampler, trials)

    def _asked(self, sampler: Any, trials: tuple[Trial, ...]) -> Values:
        """Return the values that a sampler of Optuna proposes after ``trials``."""
        optuna = import_optuna()
        distributions = {name: _in_optuna(optuna, wanted) for name, wanted in self.space.items()}
        study = optuna.create_study(sampler=sampler, direction="maximize")
        study.add_trials([self._seen(optuna, trial, distributions) for trial in trials])
        drawn = study.ask(distributions).params
        return tuple(wanted.rounded(drawn[name]) for name, wanted in self.space.items())

    def _seen(self, optuna: Any, trial: Trial, distributions: Mapping[str, Any]) -> Any:
        states = optuna.trial.TrialState
        return optuna.trial.create_trial(
            state=states.FAIL if trial.score is None else states.COMPLETE,
            value=trial.score,
            params=self.named(trial.values),
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
            f'[search] needs the package optuna ({error}); run pip install "fecbench[search]", or list values in [grid]'
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it announces each study, and there is one for each proposal
    return optuna
