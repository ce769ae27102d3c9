"""The rule by which texts with several labels are given labels: how thresholds are chosen and used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from fecbench.core.settings import FIXED_THRESHOLD, SHRINK
from fecbench.objective.labelling import decide
from fecbench.training.thresholds import tuned_thresholds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

    from fecbench.training.thresholds import Rule


@dataclass(frozen=True)
class ThresholdRule:
    """The settings of a run that decide which labels its texts are given.

    Attributes:
        thresholds: ``per-class`` or ``global``, tuned on validation rows, or ``fixed``.
        fixed_threshold: the threshold of ``fixed``.
        shrink: weight of the global threshold in that of each label, in validation rows, for ``per-class``.
        at_least_one: give the most probable label to a text that no threshold gives a label. Thresholds are tuned
            without it.
    """

    thresholds: Rule = "per-class"
    fixed_threshold: float = FIXED_THRESHOLD
    shrink: float = SHRINK
    at_least_one: bool = False

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Return the rule of a run with these settings, by name."""
        return cls(settings["thresholds"], settings["fixed_threshold"], settings["shrink"], settings["at_least_one"])

    def tuned(self, true: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Return the threshold of each label, float64 ``[C]``.

        Args:
            true: bool ``[N, C]``, the labels of validation rows.
            probabilities: float64 ``[N, C]``.
        """
        return tuned_thresholds(
            true, probabilities, self.thresholds, threshold=self.fixed_threshold, shrink=self.shrink
        )

    def untuned(self, classes: int) -> np.ndarray:
        """Return the fixed threshold for each label ``[C]``, where there are no validation rows to tune on."""
        return np.full(classes, self.fixed_threshold)

    def given(self, probabilities: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
        """Return the labels that each text is given, bool ``[N, C]``; none to a text without an answer.

        Args:
            probabilities: float64 ``[N, C]``.
            thresholds: float64 ``[C]``.
        """
        given: np.ndarray = decide(
            torch.from_numpy(probabilities), "multi", torch.from_numpy(thresholds), self.at_least_one
        ).numpy()
        return given
