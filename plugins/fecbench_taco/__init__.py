"""TACO: texts and labels in one space, seen from three sides (Gong et al. 2025). Its losses are fecbench's own public functions."""

from fecbench import (
    clustered_contrastive_loss,
    clustered_pairs,
    kmeans_clusters,
    label_pair_weights,
    label_separation_loss,
)
from fecbench_taco.objective import TACO, TACOConfig

__all__ = [
    "TACO",
    "TACOConfig",
    "clustered_contrastive_loss",
    "clustered_pairs",
    "kmeans_clusters",
    "label_pair_weights",
    "label_separation_loss",
]
