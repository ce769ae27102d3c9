"""Metrics of label sets: a toy by hand, slow counts, and scikit-learn's."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fecbench.training import label_set_metrics as metrics
from fecbench.training.metrics import get_metric
from fecbench.training.standard_metrics import OF_LABEL_SETS, OF_SHARES

TRUE = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0], [1, 1, 0]], dtype=bool)
P = np.array([[0.9, 0.2, 0.4], [0.6, 0.5, 0.1], [0.2, 0.1, 0.1], [0.7, 0.3, 0.6]])
SHARES = np.array([[2 / 3, 1 / 3, 0], [1 / 3, 0, 1 / 3]])
SOFT_P = np.array([[0.6, 0.2, 0.1], [0.5, 0.1, 0.3]])


def arrays(needs, targets, probabilities, thresholds):
    """The two arrays that a metric is called with."""
    true, given_labels = targets > 0.5, probabilities >= thresholds
    return {
        "labels": (true, given_labels),
        "probabilities": (true, probabilities),
        "targets": (targets, probabilities),
    }[needs]


def registered_scores(names, targets, probabilities):
    """The values of registered metrics at a threshold of 0.5."""
    scores = {}
    for name in names:
        metric = get_metric(name, ("a", "b", "c"), "multi")
        scores[name] = metric(*arrays(metric.needs, targets, probabilities, 0.5), 3)
    return scores


def test_the_toys_scores():
    scores = registered_scores(OF_LABEL_SETS, TRUE.astype(float), P)
    expected = {
        "micro_f1": 0.6,
        "macro_f1": 0.488889,
        "weighted_f1": 0.586667,
        "samples_f1": 0.458333 + 1 / 4,  # the third text: no label, none given
        "jaccard": 0.583333,
        "exact_match": 0.25,
        "hamming": 1 / 3,
        "mean_average_precision": 0.833333,
        "lrap": 0.833333,
        "nll": 1.467599,
        "brier": 0.5075,
    }
    assert {name: scores[name] for name in expected} == pytest.approx(expected, abs=1e-6)


def test_a_text_without_labels_that_is_given_none_counts_as_asked():
    given_labels = P >= 0.5
    assert metrics.samples_f1(TRUE, given_labels, both_empty=0) == pytest.approx(0.458333, abs=1e-6)
    assert metrics.jaccard(TRUE, given_labels, both_empty=0) == pytest.approx(0.333333, abs=1e-6)


def test_the_soft_toys_scores():
    expected = {
        metrics.soft_micro_f1: 0.826923,
        metrics.soft_macro_f1: 0.779550,
        metrics.po_jsd: 0.975762,
        metrics.nll: 1.437099,
        metrics.excess_nll: 1.437099 - 1.273028,
        metrics.manhattan: 0.3,
    }
    for metric, value in expected.items():
        assert metric(SHARES, SOFT_P) == pytest.approx(value, abs=1e-6), metric.__name__
    assert metrics.nll_floor(SHARES) == pytest.approx(1.273028, abs=1e-6)
    scores = registered_scores(OF_SHARES, SHARES, SOFT_P)
    for metric, value in expected.items():
        assert scores[metric.__name__] == pytest.approx(value, abs=1e-6)


@given(st.integers(1, 12), st.integers(2, 5), st.integers(0, 9999))
@settings(deadline=None, max_examples=80)
def test_the_counts_are_those_of_a_loop(rows, classes, seed):
    random = np.random.default_rng(seed)
    true, given_labels = random.random((2, rows, classes)) < 0.4

    def f1(t, g):
        total = t.sum() + g.sum()
        return 2 * (t & g).sum() / total if total else 0.0

    columns = [f1(t, g) for t, g in zip(true.T, given_labels.T, strict=True)]
    assert metrics.macro_f1(true, given_labels) == pytest.approx(np.mean(columns))
    assert metrics.micro_f1(true, given_labels) == pytest.approx(f1(true, given_labels))
    weights = true.sum(0)
    expected = np.dot(weights, columns) / weights.sum() if weights.sum() else 0.0
    assert metrics.weighted_f1(true, given_labels) == pytest.approx(expected)
    pairs = list(zip(true, given_labels, strict=True))
    assert metrics.samples_f1(true, given_labels) == pytest.approx(
        np.mean([f1(t, g) if (t | g).any() else 1 for t, g in pairs])
    )
    assert metrics.jaccard(true, given_labels) == pytest.approx(
        np.mean([(t & g).sum() / (t | g).sum() if (t | g).any() else 1 for t, g in pairs])
    )
    assert metrics.exact_match(true, given_labels) == np.mean([t.tolist() == g.tolist() for t, g in pairs])
    assert metrics.hamming(true, given_labels) == pytest.approx(np.mean([t != g for t, g in pairs]))


@given(st.integers(1, 12), st.integers(2, 5), st.integers(0, 9999))
@settings(deadline=None, max_examples=80)
def test_the_rankings_are_those_of_a_loop(rows, classes, seed):
    random = np.random.default_rng(seed)
    true, p = random.random((rows, classes)) < 0.4, random.random((rows, classes))
    precisions = []
    for t, scores in zip(true.T, p.T, strict=True):
        hits = [np.mean(t[scores >= scores[i]]) for i in np.flatnonzero(t)]
        precisions += [np.mean(hits)] if hits else []
    assert metrics.mean_average_precision(true, p) == pytest.approx(np.mean(precisions) if precisions else 0)
    assert metrics.labels_without_text(true) == [label for label in range(classes) if not true[:, label].any()]
    ranked = []
    for t, scores in zip(true, p, strict=True):
        hits = [np.mean(t[scores >= scores[c]]) for c in np.flatnonzero(t)]
        ranked.append(np.mean(hits) if hits else 1.0)
    assert metrics.lrap(true, p) == pytest.approx(np.mean(ranked))


def test_certain_and_wrong_costs_a_finite_number_of_nats():
    value = metrics.nll(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))
    assert 60 < value < 80
    assert metrics.nll(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]])) == pytest.approx(0, abs=1e-12)


def test_probabilities_that_hold_on_average_are_calibrated():
    p, q = np.full((150, 2), 0.4), np.zeros((150, 2))
    q[::5] = q[1::5] = 1
    assert metrics.ece(q, p, bins=1) == pytest.approx(0)
    assert metrics.classwise_ece(q, p, bins=1) == pytest.approx(0)
    assert metrics.ece(q, p + 0.25, bins=1) == pytest.approx(0.25)


def test_calibration_errors_by_hand():
    p, q = np.array([[0.1, 0.9], [0.2, 0.6]]), np.array([[0, 1], [1, 0]])
    # sorted .1 .2 | .6 .9: (.3 - 1) and (1.5 - 1)
    assert metrics.ece(q, p, bins=2) == pytest.approx((0.7 + 0.5) / 4)
    assert metrics.classwise_ece(q, p, bins=2) == pytest.approx(((0.1 + 0.8) / 2 + (0.6 + 0.1) / 2) / 2)
    assert metrics.ece(q, p) == pytest.approx((0.1 + 0.8 + 0.6 + 0.1) / 4)  # more bins than cells


def test_errors_of_labels_that_cancel_are_seen_class_by_class():
    p, q = np.full((10, 2), 0.5), np.array([[1, 0]] * 10)
    assert metrics.ece(q, p, bins=1) == pytest.approx(0)
    assert metrics.classwise_ece(q, p, bins=1) == pytest.approx(0.5)


def test_equal_shares_have_the_best_soft_scores():
    assert metrics.soft_micro_f1(SHARES, SHARES) == metrics.soft_macro_f1(SHARES[:, :1], SHARES[:, :1]) == 1
    assert metrics.po_jsd(SHARES, SHARES) == pytest.approx(1)
    assert metrics.manhattan(SHARES, SHARES) == 0
    assert metrics.excess_nll(SHARES, SHARES) == pytest.approx(0)
    assert metrics.po_jsd(np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]])) == pytest.approx(0)


def test_entropies_are_correlated_where_doubt_is_where_raters_disagree():
    q, p = np.array([[0.0], [0.5], [0.1]]), np.array([[0.1], [0.5], [0.2]])
    assert metrics.entropy_correlation(q, p) > 0.9
    assert metrics.entropy_correlation(q, p[[1, 0, 2]]) < 0
    assert metrics.entropy_correlation(q, np.full((3, 1), 0.5)) == 0
    assert math.isfinite(metrics.entropy_correlation(q[:1], p[:1]))
