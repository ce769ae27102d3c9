"""TACO: texts and labels in one space, seen from three sides (Gong et al. 2025). The losses are usable without fecbench."""

from fecbench_taco.clustering import kmeans_clusters
from fecbench_taco.losses import clustered_contrastive_loss, clustered_pairs, label_pair_weights, label_separation_loss
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
