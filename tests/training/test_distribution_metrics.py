"""Metrics of distributions equal scikit-learn's and scipy's, and slow counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy
from sklearn.metrics import log_loss, top_k_accuracy_score

from fecbench.core.errors import UsageError
from fecbench.training import distribution_metrics as distributions
from fecbench.training import metrics

SHAPES = st.tuples(st.integers(2, 30), st.integers(3, 6), st.integers(0, 9999))
LABELS = ("a", "b", "c", "d", "e", "f")


def drawn(shape):
    """Labels, targets with shares and probabilities of a random data set."""
    rows, classes, seed = shape
    random = np.random.default_rng(seed)
    targets, probabilities = (random.dirichlet(np.ones(classes), rows) for _ in range(2))
    return random.integers(classes, size=rows), targets, probabilities


@given(SHAPES)
def test_scores_of_labels_are_scikit_learns(shape):
    true, _, p = drawn(shape)
    classes = p.shape[1]
    one_hot = np.eye(classes)[true]
    assert distributions.nll(one_hot, p) == pytest.approx(log_loss(true, p, labels=range(classes)))
    for k in range(1, classes):
        expected = top_k_accuracy_score(true, p, k=k, labels=range(classes))
        assert distributions.top_k_accuracy(true, p, k) == pytest.approx(expected)
    places = [1 + sorted(row, reverse=True).index(row[label]) for row, label in zip(p.tolist(), true, strict=True)]
    assert distributions.mean_reciprocal_rank(true, p) == pytest.approx(np.mean([1 / place for place in places]))


@given(SHAPES)
def test_scores_of_shares_are_scipys(shape):
    _, q, p = drawn(shape)
    assert distributions.excess_nll(q, p) == pytest.approx(entropy(q, p, axis=1).mean())
    assert distributions.nll_floor(q) == pytest.approx(entropy(q, axis=1).mean())
    expected = 1 - np.mean([jensenshannon(a, b, base=2) ** 2 for a, b in zip(q, p, strict=True)])
    assert distributions.po_jsd(q, p) == pytest.approx(expected)
    expected = np.corrcoef(entropy(q, axis=1), entropy(p, axis=1))[0, 1]
    assert distributions.entropy_correlation(q, p) == pytest.approx(expected)


def test_equally_probable_labels_are_ranked_by_number_as_answers_are():
    p = np.array([[0.4, 0.4, 0.2]] * 3)
    assert distributions.ranks(np.array([0, 1, 2]), p).tolist() == [1, 2, 3]


def test_a_text_without_an_answer_has_no_rank():
    p = np.array([[0.0, 0, 0], [0.2, 0.5, 0.3]])
    true = np.array([0, 1])
    assert distributions.top_k_accuracy(true, p, 3) == 0.5
    assert distributions.mean_reciprocal_rank(true, p) == 0.5
    assert np.isfinite(distributions.nll(np.eye(3)[true], p))
    # it is right with probability 0, which is what it says
    assert distributions.ece(np.eye(3)[true], p, bins=1) == pytest.approx(abs(0.5 - 1) / 2)


def test_the_calibration_error_is_of_the_most_probable_label():
    p = np.array([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.3, 0.7]])
    q = np.eye(2)[[0, 0, 1, 1]]
    # confidences .6 .7 | .8 .9, right 0 1 | 0 1
    assert distributions.ece(q, p, bins=2) == pytest.approx((abs(1.3 - 1) + abs(1.7 - 1)) / 4)


def test_equal_shares_are_best():
    _, q, _ = drawn((8, 3, 0))
    assert distributions.excess_nll(q, q) == pytest.approx(0)
    assert distributions.po_jsd(q, q) == pytest.approx(1)
    assert distributions.po_jsd(np.eye(2), np.eye(2)[::-1]) == pytest.approx(0)
    assert distributions.entropy_correlation(np.eye(2), np.eye(2)) == 0


def test_top_k_has_an_option():
    p = np.array([[0.5, 0.2, 0.15, 0.1, 0.03, 0.02]] * 6)
    true = np.arange(6)
    assert metrics.get_metric("top_k", LABELS)(true, p, 6) == pytest.approx(3 / 6)
    assert metrics.get_metric("top_k:k=5", LABELS)(true, p, 6) == pytest.approx(5 / 6)
    with pytest.raises(UsageError, match="top_k needs as many labels as k, but k is 9 and there are 6"):
        metrics.get_metric("top_k:k=9", LABELS)
