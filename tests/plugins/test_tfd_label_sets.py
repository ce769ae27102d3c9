"""TFD on texts with several labels: the search maximises mean average precision + LRAP."""

from itertools import product

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, label_ranking_average_precision_score

from fecbench import Predictor
from fecbench.core.files import read_tensors
from fecbench.data.datasets.rows import targets_of
from fecbench.runs.predictions import read_validation
from fecbench.runs.predictor import data_of
from fecbench.training.label_set_metrics import lrap, mean_average_precision
from fecbench_tfd import line_search, ranking_scores
from fecbench_tfd.ranking import average_precisions
from tests.support.train import train


def truth(generator, texts=40, classes=5, share=0.3):
    return generator.random((texts, classes)) < share


@pytest.mark.parametrize("digits", [0, 1, 12])  # few digits make ties
@pytest.mark.parametrize("seed", range(3))
def test_the_scores_are_scikit_learns(seed, digits):
    generator = np.random.default_rng(seed)
    true, scores = truth(generator), generator.normal(size=(6, 40, 5)).round(digits)
    expected = [mean_average_precision(true, one) + lrap(true, one) for one in scores]
    np.testing.assert_allclose(ranking_scores(scores, true), expected, rtol=0, atol=1e-12)
    of_labels = [[average_precision_score(*column) for column in zip(true.T, one.T, strict=True)] for one in scores]
    np.testing.assert_allclose(average_precisions(scores.swapaxes(1, 2), true.T), of_labels, rtol=0, atol=1e-12)


def test_labels_without_a_text_and_texts_without_a_label():
    generator = np.random.default_rng(0)
    true, scores = truth(generator), generator.normal(size=(2, 40, 5))
    true[:, 1], true[3] = False, False
    expected = [mean_average_precision(true, one) + label_ranking_average_precision_score(true, one) for one in scores]
    np.testing.assert_allclose(ranking_scores(scores, true), expected, rtol=0, atol=1e-12)
    assert ranking_scores(scores, np.zeros((40, 5), dtype=bool)).tolist() == [1.0, 1.0]


@pytest.mark.slow
def test_the_search_finds_what_a_loop_finds():
    generator = np.random.default_rng(1)
    true = truth(generator, texts=30)
    # every text leans on the second label, and the counterfactual tells by how much
    bias = generator.normal(size=(1, 30, 5)) + np.eye(5)[1] * 2
    logits = generator.normal(size=(30, 5)) + true + 0.7 * bias[0]
    found = line_search(logits, bias, true, ranking_scores)
    expected, top = _slow(logits, bias, true)
    assert found.steps == expected
    assert found.score == pytest.approx(top, abs=1e-12)
    assert found.score > found.raw_score


def _slow(logits, biases, true):
    """The search as a loop over points."""

    def score(point):
        moved = logits - sum(0.1 * step * bias for step, bias in zip(point, biases, strict=True))
        return round(mean_average_precision(true, moved) + lrap(true, moved), 12)

    best, top = (0,) * len(biases), -np.inf
    while True:
        origin = best
        for direction in product((-1, 0, 1), repeat=len(biases)):
            if not any(direction):
                continue
            point, counter = origin, 0
            while True:
                found = score(point)
                if found > top:
                    best, top, counter = point, found, 0
                if counter >= 20:
                    break
                point = tuple(p + d for p, d in zip(point, direction, strict=True))
                counter += 1
        if best == origin:
            return best, top


@pytest.mark.slow
def test_predictions_are_debiased_by_what_was_found_on_validation_rows(tmp_path):
    record, plain = (train(name, "demo-multi", tmp_path / name, epochs=1) for name in ("tfd", "ce"))
    ours, theirs = (read_tensors(one.folder / "best.safetensors")[0] for one in (record, plain))
    # training is that of ce
    assert all(value.equal(ours[name]) for name, value in theirs.items() if name.startswith("model."))
    true = targets_of(data_of(record).splits["validation"], 12) > 0.5
    logits = [read_validation(one)["logits"].astype(float) for one in (record, plain)]
    debiased, raw = ranking_scores(np.stack(logits), true)
    assert ours["objective.steps"].any()
    assert debiased > raw
    scores = record.result["metrics"]["validation"]
    assert scores["mean_average_precision"] + scores["lrap"] == pytest.approx(debiased, abs=1e-4)
    logits = torch.from_numpy(read_validation(record)["logits"])
    texts = data_of(record).splits["validation"]["text"][:8]
    torch.testing.assert_close(
        Predictor.load(record).probabilities(texts), logits[:8].double().sigmoid(), rtol=1e-3, atol=1e-4
    )
