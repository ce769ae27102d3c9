"""Tests of label sets: scikit-learn's scores, all swaps by hand, single labels as a special case, and true nulls."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import ttest_rel

from fecbench.results.leaderboard.statistics.block_tests import over_blocks
from fecbench.results.leaderboard.statistics.label_set_outcomes import BY_LABEL_SETS, LabelSetOutcomes, LabelSets
from fecbench.results.leaderboard.statistics.outcomes import Outcomes
from fecbench.results.leaderboard.statistics.paired_tests import over_examples
from fecbench.training import label_set_metrics
from fecbench.training.block_scores import average_precisions_without, block_numbers, means_without

SLOW = {name: getattr(label_set_metrics, name) for name in BY_LABEL_SETS}


def outcome(true: np.ndarray, given: np.ndarray) -> LabelSetOutcomes:
    """The label sets ``given [S, N, C]`` of S runs for texts with the labels ``true [N, C]``."""
    support, size = true.sum(0).astype(float), true.sum(1)
    sets = tuple(LabelSets(each, each & true, size, support) for each in given)
    return LabelSetOutcomes(sets, (0,) * len(sets), len(true))


def guesses(draw: np.random.Generator, true: np.ndarray, wrong: float, seeds: int) -> np.ndarray:
    """Labels given of which a share is turned round."""
    return true ^ (draw.random((seeds, *true.shape)) < wrong)


def labels(draw: np.random.Generator, texts: int, classes: int) -> np.ndarray:
    return draw.random((texts, classes)) < 0.3  # some texts have none


@pytest.mark.parametrize("wrong", [0.0, 0.2, 0.9])
@pytest.mark.parametrize("metric", BY_LABEL_SETS)
def test_scores_from_counts_are_those_of_the_metrics(metric, wrong):
    draw = np.random.default_rng(0)
    true = labels(draw, 80, 5)
    true[:, 4] = False  # a label that no text has
    given = guesses(draw, true, wrong, 3)
    found = outcome(true, given)
    scores = found.scores(found.totals())[BY_LABEL_SETS.index(metric)]
    assert scores == pytest.approx([SLOW[metric](true, each) for each in given], abs=1e-12)


def by_hand(metric: str, true: np.ndarray, one: np.ndarray, other: np.ndarray) -> float:
    """The two-sided p of all swaps of the texts that differ."""
    differing = np.flatnonzero((one != other).any((0, 2)))

    def difference(swapped: tuple[bool, ...]) -> float:
        a, b, rows = one.copy(), other.copy(), differing[np.array(swapped, bool)]
        a[:, rows], b[:, rows] = other[:, rows], one[:, rows]
        return float(np.mean([SLOW[metric](true, x) - SLOW[metric](true, y) for x, y in zip(a, b, strict=True)]))

    null = np.array([difference(swapped) for swapped in product((False, True), repeat=len(differing))])
    return min(1.0, 2 * min((null >= null[0] - 1e-12).mean(), (null <= null[0] + 1e-12).mean()))


@pytest.mark.parametrize("differing", [0, 1, 2, 6])
@pytest.mark.parametrize("metric", ["macro_f1", "micro_f1", "jaccard", "hamming", "samples_f1"])
def test_every_swap_tried_by_hand_gives_the_same_p(metric, differing):
    draw = np.random.default_rng(3)
    true = labels(draw, 30, 3)
    one = guesses(draw, true, 0.2, 2)
    other = one.copy()
    other[0, :differing, draw.integers(0, 3)] ^= True
    found = over_examples(outcome(true, one), outcome(true, other))
    assert found[metric] == pytest.approx(by_hand(metric, true, one, other))
    assert found[metric] == 1 or differing > 1


def test_single_labels_get_the_p_values_of_single_labels():
    draw = np.random.default_rng(4)
    gold = draw.integers(0, 4, 120)
    predicted = [np.where(draw.random((3, 120)) < share, gold, draw.integers(-1, 4, (3, 120))) for share in (0.7, 0.5)]
    one_hot = np.vstack([np.eye(4), np.zeros((1, 4))]) > 0
    support = np.bincount(gold, minlength=4).astype(float)
    single = over_examples(*(Outcomes(each, each == gold, support) for each in predicted))
    several = over_examples(*(outcome(one_hot[gold], one_hot[each]) for each in predicted))
    assert several["macro_f1"] == single["macro_f1"]
    assert several["weighted_f1"] == single["weighted_f1"]
    assert several["exact_match"] == single["accuracy"]


def test_under_a_true_null_swaps_reject_no_more_than_they_should():
    draw = np.random.default_rng(1)
    found = []
    for _ in range(100):
        true = labels(draw, 60, 4)
        one, other = (outcome(true, guesses(draw, true, 0.2, 3)) for _ in range(2))
        found.append(list(over_examples(one, other, resamples=199).values()))
    rejected = (np.array(found) <= 0.05).mean(0)
    assert (rejected <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 100)).all(), rejected
    assert np.mean(found, axis=0) == pytest.approx(0.5, abs=0.12)


def test_a_difference_is_found_in_either_direction():
    draw = np.random.default_rng(2)
    true = labels(draw, 300, 5)
    better, worse = (outcome(true, guesses(draw, true, wrong, 3)) for wrong in (0.05, 0.25))
    assert max(over_examples(better, worse).values()) < 0.001
    assert max(over_examples(worse, better).values()) < 0.001
    assert over_examples(better, better) == dict.fromkeys(BY_LABEL_SETS, 1.0)


def test_the_runs_of_folds_count_their_own_texts_alone():
    draw = np.random.default_rng(5)
    folds = [labels(draw, texts, 4) for texts in (40, 30)]
    given = [[guesses(draw, true, wrong, 1)[0] for true in folds] for wrong in (0.1, 0.2)]

    def joined(method: list[np.ndarray]) -> LabelSetOutcomes:
        alone = [outcome(true, each[None]) for true, each in zip(folds, method, strict=True)]
        return LabelSetOutcomes(tuple(each.runs[0] for each in alone), (0, 40), 70)

    one, other = map(joined, given)
    expected = [[SLOW["jaccard"](true, each) for true, each in zip(folds, method, strict=True)] for method in given]
    place = BY_LABEL_SETS.index("jaccard")
    assert [each.scores(each.totals())[place].tolist() for each in (one, other)] == pytest.approx(np.array(expected))
    differing = sum(int((a != b).any(1).sum()) for a, b in zip(*given, strict=True))
    assert one.swap_effects(other).shape == (2 * (2 * 4 + 4), differing)


def shares(draw: np.random.Generator, true: np.ndarray, signal: float) -> np.ndarray:
    return 1 / (1 + np.exp(-draw.normal(size=true.shape) - signal * (2 * true - 1)))


def without(true: np.ndarray, probabilities: np.ndarray, metric: str) -> tuple[float, np.ndarray]:
    """The score of all texts, and the scores without each block, as records hold them but unrounded."""
    score, blocks = getattr(label_set_metrics, metric), block_numbers(len(true))
    if metric == "mean_average_precision":
        return score(true, probabilities), average_precisions_without(true, probabilities, blocks)
    return score(true, probabilities), means_without(score, true, probabilities, blocks)


@pytest.mark.parametrize("metric", ["nll", "lrap"])
def test_for_a_mean_over_texts_it_is_the_t_test_of_the_blocks(metric):
    draw = np.random.default_rng(6)
    true = labels(draw, 640, 5)  # 20 blocks of 32
    both = [shares(draw, true, signal) for signal in (1.0, 0.9)]
    (first, of_first), (second, of_second) = (without(true, each, metric) for each in both)
    blocks = [np.array([getattr(label_set_metrics, metric)(true[n::20], p[n::20]) for n in range(20)]) for p in both]
    found = over_blocks(first - second, [(of_first, of_second)])
    assert found == pytest.approx(ttest_rel(*blocks).pvalue, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["mean_average_precision", "nll"])
def test_under_a_true_null_the_jackknife_rejects_no_more_than_it_should(metric):
    draw = np.random.default_rng(7)
    found = []
    for _ in range(200):
        true = labels(draw, 320, 3)
        (first, of_first), (second, of_second) = (without(true, shares(draw, true, 1.0), metric) for _ in range(2))
        found.append(over_blocks(first - second, [(of_first, of_second)]))
    assert np.mean(np.array(found) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    assert np.mean(found) == pytest.approx(0.5, abs=0.1)


def test_the_jackknife_finds_a_difference_of_rankings():
    draw = np.random.default_rng(8)
    true = labels(draw, 640, 5)
    (first, of_first), (second, of_second) = (
        without(true, shares(draw, true, signal), "mean_average_precision") for signal in (1.0, 0.6)
    )
    assert over_blocks(first - second, [(of_first, of_second)]) < 0.001
    assert over_blocks(second - first, [(of_second, of_first)]) < 0.001


def test_the_mean_of_two_folds_has_half_the_variance():
    draw = np.random.default_rng(9)
    first, second = draw.random(20), draw.random(20)
    one, two = (over_blocks(0.3, [(first, second)] * folds) for folds in (1, 2))
    assert two < one


def test_blocks_that_change_nothing_leave_no_doubt():
    same = np.full(10, 0.5)
    assert over_blocks(0.0, [(same, same)]) == 1.0
    assert over_blocks(0.1, [(same + 0.1, same)]) == 0.0
