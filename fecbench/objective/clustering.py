"""Cluster the features of a batch."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor
from torch.nn.functional import normalize

RESTARTS = 10  # scikit-learn's default when TACO's code was written; today's is 1


@torch.no_grad()
def kmeans_clusters(features: Tensor, clusters: int, seed: int) -> Tensor:
    """Cluster the directions of features with k-means and return each row's cluster, int64 ``[B]``, on their device.

    There are fewer clusters than asked for if there are fewer distinct rows. Used by TACO (Gong, Yang, Shen 2025).

    Args:
        features: ``[B, d]``, normalised here. NaN counts as 0: the loss of such rows gives the better error.
        clusters: number of clusters, at most B.
        seed: seed of the 10 random initialisations.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    directions = normalize(features.float()).nan_to_num().double().cpu().numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than clusters
        found = KMeans(clusters, n_init=RESTARTS, random_state=seed).fit_predict(directions)
    return torch.from_numpy(found).to(features.device, torch.int64)
