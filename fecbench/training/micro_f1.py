"""Micro-averaged F1 over all labels but some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from fecbench.core.errors import UsageError
from fecbench.core.settings import Config
from fecbench.training.metric import Metric, label_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence


class MicroF1Config(Config):
    """Options of ``micro_f1``."""

    without: str = Field("", description="labels to leave out, separated by commas")


class MicroF1(Metric):
    """Micro-averaged F1: ``2 TP / (2 TP + FP + FN)``, each summed over the labels that count.

    It equals scikit-learn's ``f1_score(labels=counted, average="micro", zero_division=0)``. If a row's true label is
    left out, its prediction of a counted label is a false positive. With one label a text and without options the value
    is the accuracy (if every row has an answer).

    DailyDialog and EmoContext report it without "no emotion" and "others" (Chatterjee et al., SemEval-2019 task 3).
    """

    Config = MicroF1Config
    labellings = ("single", "multi")
    display = "Micro-F1"
    config: MicroF1Config

    def __init__(self, config: MicroF1Config, labels: Sequence[str]):
        super().__init__(config, labels)
        left_out = label_numbers(config.without, labels, f"in micro_f1:without={config.without}")
        self.counted = np.array([number for number in range(len(labels)) if number not in left_out])
        if not self.counted.size:
            raise UsageError(
                f"micro_f1 needs a label that counts, but micro_f1:without={config.without} leaves out all; "
                "leave out fewer"
            )

    def __call__(self, true: np.ndarray, predicted: np.ndarray, classes: int) -> float:
        """Return the F1 of the labels that count; 0 if none of them is true or predicted."""
        if self.labelling == "multi":
            is_true, is_predicted = true[:, self.counted], predicted[:, self.counted]
            hits = np.sum(is_true & is_predicted)
        else:
            is_true, is_predicted = np.isin(true, self.counted), np.isin(predicted, self.counted)
            hits = np.sum(is_true & (true == predicted))
        total = is_true.sum() + is_predicted.sum()  # 2 TP + FP + FN
        return float(2 * hits / total) if total else 0.0
