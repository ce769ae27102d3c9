"""Scores equal scikit-learn's, and a slow count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from fecbench.training import metrics

LABELS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40)


@pytest.mark.slow
@given(LABELS)
def test_equal_to_scikit_learn_and_to_a_slow_count(pairs):
    true, predicted = (np.array(part) for part in zip(*pairs, strict=True))
    assert metrics.accuracy(true, predicted, 5) == accuracy_score(true, predicted)
    for name, average in (("weighted_f1", "weighted"), ("macro_f1", "macro")):
        expected = f1_score(true, predicted, labels=range(5), average=average, zero_division=0)
        assert metrics.get_metric(name)(true, predicted, 5) == pytest.approx(expected, abs=1e-12)
    f1 = []
    for label in range(5):
        hits = sum(t == p == label for t, p in pairs)
        total = sum(t == label for t, _ in pairs) + sum(p == label for _, p in pairs)
        f1.append(2 * hits / total if total else 0.0)
    assert metrics.macro_f1(true, predicted, 5) == pytest.approx(sum(f1) / 5)
    assert [row["f1"] for row in metrics.per_class(true, predicted, 5)] == pytest.approx(f1)


def test_weighted_f1_weights_by_true_rows():
    true, predicted = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 0, 1, 1, 1, 2])
    assert metrics.weighted_f1(true, predicted, 3) == pytest.approx(0.705556, abs=1e-6)
    assert metrics.weighted_f1(predicted, true, 3) == pytest.approx(0.627778, abs=1e-6)


def test_classes_that_are_nowhere_count_as_zero():
    assert metrics.macro_f1(np.array([0, 0]), np.array([0, 0]), 4) == 0.25


def test_confusion_matrix_has_true_labels_as_rows():
    counts = metrics.confusion_matrix(np.array([0, 0, 1]), np.array([1, 0, 1]), 3)
    assert counts.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
