"""TACO: a triple-view framework of texts and label texts in one space (Gong, Yang, Shen, ACL 2025).

Its losses are public functions of fecbench, since other objectives use them too.
"""

from fecbench import (
    clustered_contrastive_loss,
    clustered_pairs,
    graded_clustered_contrastive_loss,
    graded_clustered_pairs,
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
    "graded_clustered_contrastive_loss",
    "graded_clustered_pairs",
    "kmeans_clusters",
    "label_pair_weights",
    "label_separation_loss",
]
