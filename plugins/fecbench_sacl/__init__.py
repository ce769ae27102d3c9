"""SACL: supervised adversarial contrastive learning (Hu et al., ACL 2023)."""

from fecbench_sacl.losses import (
    focal_cross_entropy,
    graded_focal_cross_entropy,
    graded_nt_xent_loss,
    log_probabilities,
    nt_xent_loss,
)
from fecbench_sacl.objective import SACL, SACLConfig
from fecbench_sacl.perturbations import fast_gradient, fast_gradient_of_texts

__all__ = [
    "SACL",
    "SACLConfig",
    "fast_gradient",
    "fast_gradient_of_texts",
    "focal_cross_entropy",
    "graded_focal_cross_entropy",
    "graded_nt_xent_loss",
    "log_probabilities",
    "nt_xent_loss",
]
