"""Clusters of a batch's features."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor
from torch.nn.functional import normalize

RESTARTS = 10


@torch.no_grad()
def kmeans_clusters(features: Tensor, clusters: int, seed: int) -> Tensor:
    """K-means on directions: for each row of ``features [B, d]`` its cluster, int64 ``[B]``, on the same device.

    Fewer clusters come out where fewer rows are different. TACO's clusters are these (Gong, Yang, Shen 2025).

    Args:
        features: ``[B, d]``, normalised here; rows that are no numbers count as 0, since the loss of such rows tells of them better.
        clusters: how many to look for, at most B.
        seed: of the ten starts.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    directions = normalize(features.float()).nan_to_num().double().cpu().numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different rows than clusters
        found = KMeans(clusters, n_init=RESTARTS, random_state=seed).fit_predict(directions)
    return torch.from_numpy(found).to(features.device, torch.int64)
