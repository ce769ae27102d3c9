"""TF-IDF on texts with several labels: a regression for each label, in shares too, and the scores of GoEmotions."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier

from fecbench import Stage, Task
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.datasets.rows import targets_of
from fecbench.objective.protocol import LabelSetStage
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.plan import plan
from fecbench.runs.predictions import read_predictions, read_validation
from fecbench.runs.predictor import data_of
from fecbench.testing import ObjectiveConformance
from fecbench.training.thresholds import tuned_thresholds
from fecbench_tfidf import TfIdf, TfIdfConfig
from fecbench_tfidf.regression import fitted_regression

REAL = os.environ.get("FECBENCH_TEST_DATA")
TEXTS = ["so happy today", "happy happy joy", "what a sad day", "sad and sad again", "sad joy", "angry at this day"]
SETS = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 1], [0, 1, 1]], np.float32)
OTHER = ["happy day", "never seen words", "so sad so angry", "joy"]


def fitted(stage: type[Stage], labelling: str, **truth) -> TfIdf:
    classes = 3
    task = Task("toy", tuple(map(str, range(classes))), (), 2, 2, 0, labelling=labelling)
    objective = TfIdf(TfIdfConfig(columns=64), task)
    parts = {"texts": {"train": TEXTS}, "batches": None, "device": torch.device("cpu"), "seed": 0}
    objective.before_training(stage(model=None, classes=classes, **parts, **truth))
    return objective.eval()


def logits(objective: TfIdf) -> torch.Tensor:
    return objective.predict(SimpleNamespace(texts=OTHER), None)


def on_sets(targets: np.ndarray) -> TfIdf:
    return fitted(LabelSetStage, "multi", targets={"train": torch.from_numpy(targets)})


def test_probabilities_are_those_of_scikit_learns_one_against_the_rest():
    features = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(TEXTS)
    whole = OneVsRestClassifier(LogisticRegression(C=4.0, solver="liblinear"))
    expected = whole.fit(features.transform(TEXTS), SETS.astype(int)).predict_proba(features.transform(OTHER))
    objective = on_sets(SETS)
    found = objective.task.probabilities(logits(objective)).numpy()
    np.testing.assert_allclose(found, expected, atol=2e-3)  # liblinear stops at 1e-4
    assert not np.allclose(found.sum(1), 1)


def test_one_label_a_text_gives_the_same_regressions_under_both_labellings():
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    single = fitted(Stage, "single", labels={"train": labels})
    several = on_sets(torch.nn.functional.one_hot(labels, 3).float().numpy())
    assert torch.equal(single.weight, several.weight)
    assert torch.equal(single.bias, several.bias)
    torch.testing.assert_close(logits(single), torch.nn.functional.logsigmoid(logits(several)))


def test_labels_of_no_text_and_of_every_text_are_certain():
    objective = on_sets(np.array([[1, 0, 1], [1, 0, 0]] * 3, np.float32))
    found = objective.task.probabilities(logits(objective)).numpy()
    assert (found[:, 0] > 1 - 1e-6).all()
    assert (found[:, 1] < 1e-6).all()


def test_a_share_counts_as_texts_with_and_without_the_label():
    features = TfidfVectorizer().fit_transform(TEXTS).tocsr()
    shares = np.array([0.75, 1, 0.5, 0, 0.25, 0])
    found = fitted_regression(features, shares, 4.0)
    times = (4 * np.stack([shares, 1 - shares])).astype(int)  # four raters of each text
    rows = np.concatenate([np.repeat(np.arange(6), times[0]), np.repeat(np.arange(6), times[1])])
    votes = np.repeat([True, False], times.sum(1))
    # four texts of weight 1 have four times the loss of one text
    expected = LogisticRegression(C=1.0, solver="liblinear").fit(features[rows], votes)
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=2e-3)
    np.testing.assert_allclose(found.intercept_, expected.intercept_, atol=2e-3)


@pytest.mark.slow
class TestTfIdfOnLabelSets(ObjectiveConformance):
    name = "tfidf"
    settings: ClassVar = {"dataset": "demo-multi"}


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="FECBENCH_TEST_DATA names no folder with the real files")
def test_goemotions_has_the_scores_that_were_measured_by_hand(tmp_path):
    record = run(plan("tfidf", {"dataset": "ge-multi"}), RunContext(DataLocations(Path(REAL)), tmp_path / "run"))
    scores = record.result["metrics"]["test"]
    assert scores["macro_f1_at_0.5"] == pytest.approx(0.281, abs=2e-3)
    assert scores["nll"] == pytest.approx(2.756, abs=5e-3)
    assert scores["mean_average_precision"] == pytest.approx(0.421, abs=2e-3)
    data = data_of(record, Path(REAL))
    true = {split: targets_of(data.splits[split], 28) > 0 for split in ("validation", "test")}
    own = tuned_thresholds(true["validation"], _sigmoid(read_validation(record)), "per-class", shrink=0)
    given = _sigmoid(read_predictions(record)) >= own
    assert f1_score(true["test"], given, average="macro", zero_division=0) == pytest.approx(0.457, abs=3e-3)


def _sigmoid(arrays: dict[str, np.ndarray]) -> np.ndarray:
    return torch.from_numpy(arrays["logits"]).double().sigmoid().numpy()
