"""Parts of `result.json` that a board needs of a run on texts with several labels, besides scores and predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fecbench.training.block_scores import scores_without_blocks
from fecbench.training.label_confusions import label_confusions

if TYPE_CHECKING:
    import numpy as np


def board_counts(targets: np.ndarray, probabilities: np.ndarray, given: np.ndarray) -> dict[str, Any]:
    """Return the confused labels and the scores without blocks of test rows, as in ``result.json``.

    Args:
        targets: ``[N, C]`` between 0 and 1.
        probabilities: ``[N, C]``.
        given: bool ``[N, C]``, the labels given to each text.
    """
    return {
        "label_confusions": label_confusions(targets > 0.5, given).tolist(),
        "without_block": scores_without_blocks(targets, probabilities),
    }
