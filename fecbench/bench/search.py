"""The ``[search]`` table of a spec: how many trials each row has, and the distributions that they are drawn from."""

import hashlib
import json
import math
from typing import Any, Literal

from pydantic import Field

from fecbench.bench.distribution import Distribution
from fecbench.core.settings import Config


class Search(Config):
    """A search for settings: each row has the same number of trials, drawn from its distributions.

    Attributes:
        select: required, though it has one value: a spec states that test scores choose nothing.
        trials: the number of trials of each row on each data set.
        sampler: ``tpe`` draws where earlier trials had the best scores, ``random`` anywhere.
        startup: the number of random trials before those of ``tpe``.
        seed: the seed of the draws.
        settings: the distributions of all rows.
        objective: further distributions of single rows; one of the same name replaces that of all rows.
    """

    select: Literal["validation"]
    trials: int = Field(ge=2)
    sampler: Literal["tpe", "random"] = "tpe"
    startup: int = Field(default=10, ge=1)
    seed: int = Field(default=0, ge=0, lt=2**32)
    settings: dict[str, Distribution] = Field(default_factory=dict)
    objective: dict[str, dict[str, Distribution]] = Field(default_factory=dict)

    @property
    def at_once(self) -> int:
        """The number of trials that need no scores of others, and so can start at once."""
        return self.trials if self.sampler == "random" else min(self.startup, self.trials)

    def space(self, row: str) -> dict[str, Distribution]:
        """Return the distribution of each setting that is searched for ``row``."""
        return {**self.settings, **self.objective.get(row, {})}

    def size(self, row: str) -> int:
        """Return the number of different trials that ``row`` can have."""
        return math.prod(distribution.size for distribution in self.space(row).values())

    def digest(self, row: str) -> str:
        """Return the digest of what a trial's proposal depends on, besides the scores of earlier trials.

        Records of trials hold it. It doesn't depend on the number of trials: a search can be extended.
        """
        space = {name: distribution.words(name) for name, distribution in self.space(row).items()}
        content = json.dumps([self.sampler, self.startup, self.seed, list(space.items())])
        return hashlib.sha256(content.encode()).hexdigest()

    def examples(self, row: str) -> list[dict[str, Any]]:
        """Return settings that have each choice, each end of a range and a number between at least once."""
        examples = {name: distribution.examples for name, distribution in self.space(row).items()}
        longest = max(map(len, examples.values()), default=0)
        return [
            {name: values[min(place, len(values) - 1)] for name, values in examples.items()} for place in range(longest)
        ]
