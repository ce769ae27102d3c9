"""Fit the logistic regression of one label, also to shares of a label."""

import numpy as np
from scipy.sparse import csr_matrix, vstack
from sklearn.linear_model import LogisticRegression


def fitted_regression(features: csr_matrix, target: np.ndarray, c: float) -> LogisticRegression:
    """Return the regression of a label's target ``[N]`` between 0 and 1 on features ``[N, K]``.

    A share q of a text counts as q texts with the label and 1 - q without it, which is the likelihood of the share.

    Args:
        features: sparse ``[N, K]``.
        target: ``[N]``; not all values may be equal.
        c: inverse strength of the L2 penalty.
    """
    regression = LogisticRegression(C=c, solver="liblinear")
    whole = target == target.astype(bool)
    if whole.all():
        return regression.fit(features, target > 0)
    shared = ~whole
    rows = vstack([features, features[shared]], format="csr")
    has_label = np.concatenate([target > 0, np.zeros(shared.sum(), bool)])
    weights = np.concatenate([np.where(shared, target, 1), 1 - target[shared]])
    return regression.fit(rows, has_label, sample_weight=weights)
