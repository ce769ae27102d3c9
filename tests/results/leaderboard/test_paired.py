"""The paired tests against exact binomial tests, all swaps by hand, true nulls, and scikit-learn's F1."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import binomtest, permutation_test, ttest_rel
from sklearn.metrics import accuracy_score, f1_score

from fecbench.results.leaderboard.statistics import outcomes
from fecbench.results.leaderboard.statistics.outcomes import Outcomes
from fecbench.results.leaderboard.statistics.paired_tests import RESAMPLES, holm, over_examples, over_seeds

SLOW = {
    "accuracy": lambda gold, found, classes: accuracy_score(gold, found),
    "weighted_f1": lambda gold, found, classes: f1_score(
        gold, found, labels=range(classes), average="weighted", zero_division=0
    ),
    "macro_f1": lambda gold, found, classes: f1_score(
        gold, found, labels=range(classes), average="macro", zero_division=0
    ),
}


def outcome(gold: np.ndarray, predicted: np.ndarray, classes: int) -> Outcomes:
    return Outcomes(predicted, predicted == gold, np.bincount(gold, minlength=classes).astype(float))


def guesses(draw: np.random.Generator, gold: np.ndarray, accuracy: float, seeds: int, classes: int) -> np.ndarray:
    wrong = draw.random((seeds, len(gold))) >= accuracy
    return np.where(wrong, draw.integers(0, classes, wrong.shape), gold)


@pytest.mark.parametrize("unanswered", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("metric", outcomes.BY_COUNTS)
def test_scores_from_counts_are_scikit_learns(metric, unanswered):
    draw = np.random.default_rng(0)
    gold = draw.integers(0, 6, 80)
    predicted = guesses(draw, gold, 0.4, 3, 5)  # class 5 is never wrongly predicted, and here and there not at all
    predicted[draw.random(predicted.shape) < unanswered] = -1
    found = outcome(gold, predicted, 6)
    ours = outcomes.scores_by_counts(found.totals(), found.support)[outcomes.BY_COUNTS.index(metric)]
    assert ours == pytest.approx([SLOW[metric](gold, row, 6) for row in predicted], abs=1e-12)


def by_hand(metric: str, gold: np.ndarray, one: np.ndarray, other: np.ndarray, classes: int) -> float:
    """The two-sided p of all swaps of the rows that differ, scored by scikit-learn."""
    differing = np.flatnonzero((one != other).any(0))

    def difference(swapped: tuple[bool, ...]) -> float:
        a, b, rows = one.copy(), other.copy(), differing[np.array(swapped, bool)]
        a[:, rows], b[:, rows] = other[:, rows], one[:, rows]
        return float(
            np.mean(
                [SLOW[metric](gold, x, classes) - SLOW[metric](gold, y, classes) for x, y in zip(a, b, strict=True)]
            )
        )

    null = np.array([difference(swapped) for swapped in product((False, True), repeat=len(differing))])
    return min(1.0, 2 * min((null >= null[0] - 1e-12).mean(), (null <= null[0] + 1e-12).mean()))


@pytest.mark.slow
@pytest.mark.parametrize("unanswered", [False, True])
@pytest.mark.parametrize("differing", [0, 1, 2, 3, 7])
@pytest.mark.parametrize("metric", outcomes.BY_COUNTS)
def test_every_swap_tried_by_hand_gives_the_same_p(metric, differing, unanswered):
    draw = np.random.default_rng(3)
    gold = draw.integers(0, 3, 30)
    one = guesses(draw, gold, 0.7, 2, 3)
    other = one.copy()
    other[0, :differing] = -1 if unanswered else (one[0, :differing] + 1) % 3
    assert (one != other).any(0).sum() == differing
    found = over_examples(outcome(gold, one, 3), outcome(gold, other, 3))
    assert found[metric] == pytest.approx(by_hand(metric, gold, one, other, 3))
    assert found[metric] == 1 or differing > 1


def test_accuracy_of_one_seed_agrees_with_the_exact_sign_test():
    gold, one, other = np.zeros(400, int), np.zeros((1, 400), int), np.zeros((1, 400), int)
    one[0, :18], other[0, 18:54] = 1, 1  # wrong alone in 18 and in 36 rows
    exact = binomtest(18, 54).pvalue
    found = over_examples(outcome(gold, one, 2), outcome(gold, other, 2))["accuracy"]
    assert found == pytest.approx(exact, abs=4 * np.sqrt(exact / RESAMPLES))


@pytest.mark.parametrize("rows", [5, 61])  # every swap, and random ones
def test_it_gives_the_p_values_of_scipys_permutation_test(rows):
    draw = np.random.default_rng(4)
    gold = draw.integers(0, 3, rows)
    one, other = (guesses(draw, gold, 0.7, 2, 3) for _ in range(2))
    differing = np.flatnonzero((one != other).any(0))

    def difference(swapped: np.ndarray, _: np.ndarray, axis: int) -> np.ndarray:
        assert axis == -1
        swaps = np.zeros((*swapped.shape[:-1], 1, rows), bool)
        swaps[..., 0, differing] = swapped
        right = [np.where(swaps, b, a) == gold for a, b in ((one, other), (other, one))]
        return right[0].mean((-1, -2)) - right[1].mean((-1, -2))

    samples = np.zeros(len(differing)), np.ones(len(differing))
    how = {"permutation_type": "samples", "vectorized": True, "n_resamples": 499, "batch": 250, "axis": -1}
    expected = permutation_test(samples, difference, rng=np.random.default_rng(7), **how)
    found = over_examples(outcome(gold, one, 3), outcome(gold, other, 3), resamples=499, seed=7)
    assert found["accuracy"] == expected.pvalue


def test_under_a_true_null_it_rejects_no_more_than_it_should():
    draw = np.random.default_rng(1)
    found = []
    for _ in range(200):
        gold = draw.integers(0, 4, 80)
        one, other = (outcome(gold, guesses(draw, gold, 0.6, 3, 4), 4) for _ in range(2))
        found.append(list(over_examples(one, other, resamples=199).values()))
    rejected = (np.array(found) <= 0.05).mean(0)
    assert (rejected <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)).all(), rejected
    assert np.mean(found, axis=0) == pytest.approx(0.5, abs=0.1)


def test_it_is_two_sided_repeatable_and_finds_a_difference():
    draw = np.random.default_rng(2)
    gold = draw.integers(0, 5, 300)
    better, worse = (outcome(gold, guesses(draw, gold, accuracy, 3, 5), 5) for accuracy in (0.8, 0.5))
    found = over_examples(better, worse)
    assert found == over_examples(better, worse)
    assert max(found.values()) < 0.001
    assert max(over_examples(worse, better).values()) < 0.001
    assert over_examples(better, better) == dict.fromkeys(outcomes.BY_COUNTS, 1.0)


def test_the_test_over_seeds_is_the_paired_t_test():
    one, other = [0.61, 0.63, 0.60], [0.58, 0.61, 0.60]
    assert over_seeds(one, other) == pytest.approx(ttest_rel(one, other).pvalue)
    assert over_seeds(one, one) == 1.0
    assert over_seeds([0.5, 0.6, 0.7], [0.4, 0.5, 0.6]) == 0.0  # 0.1 each, but for rounding: nothing warns of it


def test_holm():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []
