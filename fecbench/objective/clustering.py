"""Cluster the features of a batch."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

RESTARTS = 10  # scikit-learn's default when TACO's code was written; today's is 1


@torch.no_grad()
def kmeans_clusters(features: Tensor, clusters: int | Tensor, seed: int) -> Tensor:
    """Cluster the directions of features with k-means and return each row's cluster, int64 ``[B]``, on their device.

    There are fewer clusters than asked for if there are fewer distinct rows. Used by TACO (Gong, Yang, Shen 2025).

    scikit-learn clusters on the CPU, so that the host waits for the device once, and then the device for the host.

    Args:
        features: ``[B, d]``, normalised here. NaN counts as 0: the loss of such rows gives the better error.
        clusters: number of clusters, at most B; or the labels of the rows, int ``[B]``, or their targets ``[B, C]``,
            for as many clusters as the rows have different labels, at most B.
        seed: seed of the 10 random initialisations.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    directions = normalize(features.float()).nan_to_num()
    if isinstance(clusters, Tensor):  # labels and directions in one copy: each copy waits for the device
        truth = clusters.float().reshape(len(clusters), -1)
        table = torch.cat([directions, truth], 1).cpu().double().numpy()
        width = directions.shape[1]
        points, clusters = table[:, :width], _different_labels(table[:, width:], clusters.dim() == 1)
    else:
        points = directions.cpu().double().numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than clusters
        found = KMeans(clusters, n_init=RESTARTS, random_state=seed).fit_predict(points)
    numbers = torch.from_numpy(found).long()
    if features.device.type == "cuda":
        return numbers.pin_memory().to(features.device, non_blocking=True)
    return numbers.to(features.device)


def _different_labels(truth: np.ndarray, one_label: bool) -> int:
    """Return the number of labels in the rows of ``truth``, labels ``[B, 1]`` or targets ``[B, C]``, from 1 to B."""
    count = len(np.unique(truth)) if one_label else int((truth > 0).any(0).sum())
    return max(1, min(count, len(truth)))
