"""LCL: label-aware contrastive loss (Suresh and Ong, EMNLP 2021)."""

from fecbench_lcl.head import LCLHead
from fecbench_lcl.losses import (
    graded_label_aware_contrastive_loss,
    label_aware_contrastive_loss,
    label_log_probabilities,
    own_label_weights,
)
from fecbench_lcl.objective import LCL, LCLConfig

__all__ = [
    "LCL",
    "LCLConfig",
    "LCLHead",
    "graded_label_aware_contrastive_loss",
    "label_aware_contrastive_loss",
    "label_log_probabilities",
    "own_label_weights",
]
