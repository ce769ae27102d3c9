"""Thresholds against every threshold that could be meant, and the rules that shrink and decide between equals."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from fecbench.training.thresholds import candidate_thresholds, class_threshold, global_threshold, tuned_thresholds

SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 4), st.integers(0, 9999), st.integers(1, 9))


def rows_of(rows, classes, seed, steps):
    """Labels, and probabilities with ties: ``steps + 1`` values from 0 to 1."""
    random = np.random.default_rng(seed)
    return random.random((rows, classes)) < 0.4, random.integers(0, steps + 1, (rows, classes)) / steps


def f1(true, given):
    hits, total = (true & given).sum(), true.sum() + given.sum()
    return 2 * hits / total if total else 0.0


def macro_f1(true, probabilities, threshold):
    return np.mean([f1(t, p >= threshold) for t, p in zip(true.T, probabilities.T, strict=True)])


def brute_points(values):
    """A point in every gap of the values, below them and above."""
    distinct = sorted(set(values), reverse=True)
    inner = [(a + b) / 2 for a, b in itertools.pairwise(distinct)]
    above = (1 + distinct[0]) / 2 if distinct[0] < 1 else np.nextafter(1, 2)
    return [above, *inner, distinct[-1] / 2]


def best(points, scores, preferred):
    top = max(scores)
    return min((abs(p - preferred), n) for n, (p, s) in enumerate(zip(points, scores, strict=True)) if s > top - 1e-9)


@given(SHAPES, st.floats(0, 1))
@settings(deadline=None, max_examples=200)
def test_the_threshold_of_a_class_is_the_best_of_all(shape, preferred):
    true, probabilities = (part[:, 0] for part in rows_of(*shape))
    points = brute_points(probabilities.tolist())
    scores = [f1(true, probabilities >= point) for point in points]
    found = class_threshold(true, probabilities, preferred)
    assert f1(true, probabilities >= found) == pytest.approx(max(scores))
    assert abs(found - preferred) == pytest.approx(best(points, scores, preferred)[0])


@given(SHAPES, st.floats(0, 1))
@settings(deadline=None, max_examples=200)
def test_the_threshold_of_all_classes_is_the_best_of_all(shape, preferred):
    true, probabilities = rows_of(*shape)
    points = brute_points(probabilities.ravel().tolist())
    scores = [macro_f1(true, probabilities, point) for point in points]
    found = global_threshold(true, probabilities, preferred)
    assert macro_f1(true, probabilities, found) == pytest.approx(max(scores))
    assert abs(found - preferred) == pytest.approx(best(points, scores, preferred)[0])


@given(SHAPES)
@settings(deadline=None, max_examples=60)
def test_no_rule_is_worse_than_a_fixed_threshold(shape):
    true, probabilities = rows_of(*shape)
    shared = tuned_thresholds(true, probabilities, "global")
    own = tuned_thresholds(true, probabilities, "per-class", shrink=0)
    fixed = tuned_thresholds(true, probabilities, "fixed", threshold=0.3)
    assert fixed.tolist() == [0.3] * true.shape[1]
    scores = [
        np.mean([f1(t, p >= c) for t, p, c in zip(true.T, probabilities.T, thresholds, strict=True)])
        for thresholds in (fixed, shared, own)
    ]
    assert scores[0] <= scores[1] + 1e-9
    assert scores[1] <= scores[2] + 1e-9


def test_the_score_is_scikit_learns():
    true, probabilities = rows_of(200, 5, 0, 50)
    thresholds = tuned_thresholds(true, probabilities, "per-class", shrink=0)
    found = f1_score(true, probabilities >= thresholds, average=None, zero_division=0)
    for label, value in enumerate(found):
        column = probabilities[:, label]
        assert value == pytest.approx(max(f1(true[:, label], column >= point) for point in brute_points(column)))


def test_thresholds_of_few_rows_are_shrunk_towards_that_of_all():
    true = np.array([[1, 1], [0, 1], [0, 1], [0, 0]], dtype=bool)
    probabilities = np.array([[0.2, 0.9], [0.1, 0.8], [0.0, 0.7], [0.0, 0.3]])
    of_all = tuned_thresholds(true, probabilities, "global")[0]
    own = tuned_thresholds(true, probabilities, "per-class", shrink=0)
    assert own == pytest.approx([0.15, 0.5])
    shrunk = tuned_thresholds(true, probabilities, "per-class", shrink=20)
    assert shrunk == pytest.approx([(own[0] + 20 * of_all) / 21, (3 * own[1] + 20 * of_all) / 23])


@pytest.mark.parametrize("shrink", [0, 20])
def test_a_class_without_rows_keeps_the_threshold_of_all(shrink):
    true = np.array([[1, 0], [0, 0]], dtype=bool)
    probabilities = np.array([[0.4, 0.9], [0.2, 0.1]])
    of_all = tuned_thresholds(true, probabilities, "global")[0]
    assert of_all == pytest.approx(0.3)
    assert tuned_thresholds(true, probabilities, "per-class", shrink=shrink)[1] == of_all


def test_of_equal_thresholds_the_nearest_is_taken():
    true, probabilities = np.array([True, False, True]), np.array([0.9, 0.6, 0.1])
    # giving the first and giving all have F1 2/3 and 4/5; without the last row's label, one point remains
    assert class_threshold(true, probabilities, 0.7) == pytest.approx(0.05)
    equal = np.array([True, False, False, True])
    values = np.array([0.9, 0.6, 0.4, 0.2])  # the first alone, and all, both 2/3
    assert class_threshold(equal, values, 0.7) == pytest.approx(0.75)
    assert class_threshold(equal, values, 0.3) == pytest.approx(0.1)


def test_thresholds_tell_neighbouring_floats_apart():
    low = 0.3
    high = np.nextafter(low, 1)
    points, given = candidate_thresholds(np.array([1.0, high, low, 0.0]))
    values = np.array([1.0, high, low, 0.0])
    assert given.tolist() == [0, 1, 2, 3, 4]
    assert [(values >= point).sum() for point in points] == given.tolist()


def test_float32_probabilities_have_exact_thresholds():
    values = np.nextafter(np.float32(0.3), np.float32(1), dtype=np.float32)
    probabilities = np.array([[values], [np.float32(0.3)]], dtype=np.float32)
    threshold = tuned_thresholds(np.array([[True], [False]]), probabilities, "per-class", shrink=0)
    assert (probabilities >= threshold).tolist() == [[True], [False]]


@pytest.mark.parametrize(
    ("rule", "options", "message"),
    [
        ("best", {}, "the rule must be one of per-class, global, fixed"),
        ("global", {"shrink": -1}, "shrink must be 0 or more"),
    ],
)
def test_bad_arguments_are_named(rule, options, message):
    with pytest.raises(ValueError, match=message):
        tuned_thresholds(np.ones((1, 2), dtype=bool), np.ones((1, 2)), rule, **options)
    with pytest.raises(ValueError, match="every label have a probability"):
        tuned_thresholds(np.ones((1, 2), dtype=bool), np.ones((1, 3)), "global")
