"""Accuracy of the k most probable labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from fecbench.core.errors import UsageError
from fecbench.core.settings import Config
from fecbench.training.distribution_metrics import top_k_accuracy
from fecbench.training.metric import Metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


class TopKConfig(Config):
    """Options of ``top_k``."""

    k: int = Field(3, ge=1, description="number of the most probable labels among which the true one must be")


class TopK(Metric):
    """Fraction of texts whose true label is among the k most probable ones."""

    Config = TopKConfig
    needs = "probabilities"
    display = "Top-k"
    config: TopKConfig

    def __init__(self, config: TopKConfig, labels: Sequence[str]):
        super().__init__(config, labels)
        if config.k > len(labels):
            raise UsageError(
                f"top_k needs as many labels as k, but k is {config.k} and there are {len(labels)}; give a smaller k"
            )

    def __call__(self, true: np.ndarray, predicted: np.ndarray, classes: int) -> float:
        """Return the accuracy of the k most probable labels."""
        return top_k_accuracy(true, predicted, self.config.k)
