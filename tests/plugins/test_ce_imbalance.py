"""Class weights and logit adjustment of ``ce``: numbers by hand and of scikit-learn, and whole runs."""

import math
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.utils.class_weight import compute_class_weight
from torch.nn.functional import cross_entropy

from fecbench import Predictor, Task
from fecbench.testing import ObjectiveConformance
from fecbench_ce import CrossEntropy, CrossEntropyConfig, balanced_weights, effective_number_weights, log_priors
from tests.support.toy_data import rows
from tests.support.train import train

COUNTS = st.lists(st.integers(0, 30), min_size=2, max_size=8).filter(any)
ROWS, LABELS = torch.tensor([[2.0, 0, -1], [0.5, 0.5, 0.5]]), torch.tensor([0, 2])
PLAIN = (0.169846, 1.098612)  # their losses


@given(COUNTS)
def test_balanced_weights_are_scikit_learns(counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    present = np.flatnonzero(counts)
    expected = np.zeros(len(counts))
    expected[present] = compute_class_weight("balanced", classes=present, y=labels)
    weights = balanced_weights(torch.tensor(counts))
    assert weights.dtype == torch.float32
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
    assert weights.double()[torch.as_tensor(labels)].mean().item() == pytest.approx(1, abs=1e-5)


def test_effective_numbers_by_hand():
    # beta 0.5: 1, 1 + 0.5, 1 + 0.5 + 0.25 rows; inverses 1, 2/3, 4/7 with the sum 47/21
    found = effective_number_weights(torch.tensor([1, 2, 3]), beta=0.5)
    np.testing.assert_allclose(found, [63 / 47, 42 / 47, 36 / 47], rtol=1e-6)


@given(COUNTS, st.sampled_from([0.0, 0.9, 0.9999]))
def test_effective_weights_have_the_papers_sum(counts, beta):
    weights, present = effective_number_weights(torch.tensor(counts), beta), torch.tensor(counts) > 0
    assert weights.sum().item() == pytest.approx(present.sum().item(), rel=1e-5)
    assert weights.isfinite().all()
    assert (weights > 0).equal(present)
    if beta == 0:
        assert weights.equal(present.float())


def test_near_1_effective_weights_are_in_proportion_to_balanced_ones():
    counts = torch.tensor([50, 5, 1])
    effective, balanced = effective_number_weights(counts, 1 - 1e-9), balanced_weights(counts)
    np.testing.assert_allclose(effective / effective[0], balanced / balanced[0], rtol=1e-4)


def test_log_priors_by_hand():
    np.testing.assert_allclose(log_priors(torch.tensor([6, 3, 1])), np.log([0.6, 0.3, 0.1]), rtol=1e-6)
    np.testing.assert_allclose(log_priors(torch.tensor([8, 1, 0])), np.log([0.8, 0.1, 0.1]), rtol=1e-6)


def prepared(counts, **options) -> CrossEntropy:
    """The objective after its stage before training, on so many training rows of each label."""
    names = tuple(map(str, range(len(counts))))
    objective = CrossEntropy(CrossEntropyConfig(**options), Task("toy", names, (), 1, 1, 0))
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    other = torch.zeros(1000, dtype=torch.int64)
    objective.before_training(SimpleNamespace(labels={"train": labels, "validation": other}))
    return objective


def loss(objective, logits, labels) -> float:
    model = SimpleNamespace(encode=lambda batch: logits, project=lambda h: h, classify=lambda z: z)
    (update,) = objective.updates(SimpleNamespace(labels=labels), model)
    assert update.player == "model"
    return update.loss.item()


def test_a_weighted_loss_by_hand():
    objective = prepared([1, 2, 1], class_weights="balanced")  # weights 4/3, 2/3, 4/3
    # torch's own weighted mean divides by the weights in the batch, and would give the unweighted 0.634229
    assert loss(objective, ROWS, LABELS) == pytest.approx(0.845639, abs=1e-6)
    objective = prepared([1, 2, 3], class_weights="effective", class_weight_beta=0.5)
    expected = (63 / 47 * PLAIN[0] + 36 / 47 * PLAIN[1]) / 2
    assert loss(objective, ROWS, LABELS) == pytest.approx(expected, abs=1e-6)


def test_a_rows_weight_does_not_depend_on_the_rows_beside_it():
    objective = prepared([5, 3, 1], class_weights="balanced")
    alone = [loss(objective, ROWS[row : row + 1], LABELS[row : row + 1]) for row in range(2)]
    assert alone == pytest.approx([9 / 15 * PLAIN[0], 9 / 3 * PLAIN[1]], abs=1e-6)
    assert loss(objective, ROWS, LABELS) == pytest.approx(sum(alone) / 2, abs=1e-6)


def test_a_weight_multiplies_the_smoothed_loss_of_its_row():
    objective = prepared([1, 2, 1], class_weights="balanced", label_smoothing=0.1)
    smoothed = cross_entropy(ROWS, LABELS, label_smoothing=0.1, reduction="none")
    assert loss(objective, ROWS, LABELS) == pytest.approx((4 / 3 * smoothed).mean().item(), abs=1e-6)


@pytest.mark.parametrize(("tau", "expected"), [(1.0, -math.log(0.1)), (2.0, math.log(46)), (0.0, math.log(3))])
def test_logit_adjustment_by_hand(tau, expected):
    objective = prepared([6, 3, 1], logit_adjust=tau)
    # tau 2: 0.01 / (0.36 + 0.09 + 0.01)
    assert loss(objective, torch.zeros(1, 3), torch.tensor([2])) == pytest.approx(expected, abs=1e-6)


def test_predictions_are_not_adjusted():
    objective = prepared([6, 3, 1], logit_adjust=1.0)
    model = SimpleNamespace(encode=lambda batch: ROWS, project=lambda h: h, classify=lambda z: z)
    assert objective.predict(SimpleNamespace(), model) is ROWS


def test_without_options_the_loss_is_the_plain_one_and_nothing_is_kept():
    objective = prepared([6, 3, 1])
    assert loss(objective, ROWS, LABELS) == cross_entropy(ROWS, LABELS).item()
    assert not objective.state_dict()
    assert objective.report() == {}


@pytest.mark.parametrize("name", ["balanced", "effective"])
def test_both_corrections_together_are_refused(name, fecbench):
    with pytest.raises(ValidationError, match="together they correct twice"):
        CrossEntropyConfig(class_weights=name, logit_adjust=1.0)
    code, _, err = fecbench("run", "ce", "--dataset", "demo", "--class-weights", name, "--logit-adjust", 1, "--dry-run")
    assert code == 2
    assert "together they correct twice; leave one of them out" in err


def test_a_beta_of_1_is_refused(fecbench):
    code, _, err = fecbench("run", "ce", "--dataset", "demo", "--class-weight-beta", 1)
    assert code == 2
    assert "--class-weight-beta 1.0: it must be less than 1" in err


@pytest.mark.parametrize("name", ["none", "balanced"])
def test_a_beta_that_nothing_uses_is_refused(name, fecbench):
    flags = ["--dataset", "demo", "--class-weights", name, "--class-weight-beta", 0.5, "--dry-run"]
    code, _, err = fecbench("run", "ce", *flags)
    assert code == 2
    assert f"--class-weight-beta needs --class-weights effective, but they are {name}; add" in err
    assert CrossEntropyConfig(class_weights=name, class_weight_beta=0.999).class_weight_beta == 0.999


@pytest.mark.slow
def test_the_weights_come_from_the_training_rows_of_the_run(tmp_path):
    folder = tmp_path / "skewed"
    folder.mkdir()
    for split, kept in (("train", 10), ("validation", 3), ("test", 3)):
        texts = [row for row in rows(kept, split) if split != "train" or row[1] != "sad" or row[0][-1] in "0123"]
        (folder / f"{split}.csv").write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in texts))
    record = train("ce", folder, tmp_path / "all", class_weights="balanced")
    assert record.result["report"]["class_weights"] == pytest.approx({"glad": 0.8, "mad": 0.8, "sad": 2.0})
    assert record.settings()["class_weights"] == "balanced"
    # the first six rows: two of each label
    limited = train("ce", folder, tmp_path / "limited", class_weights="balanced", limit=6)
    assert limited.result["report"]["class_weights"] == {"glad": 1.0, "mad": 1.0, "sad": 1.0}
    assert Predictor.load(record).probabilities(["my dog died"]).shape == (1, 3)


class TestEffective(ObjectiveConformance):
    name = "ce"
    settings: ClassVar = {"class_weights": "effective"}


class TestAdjusted(ObjectiveConformance):
    name = "ce"
    settings: ClassVar = {"logit_adjust": 1.0}
