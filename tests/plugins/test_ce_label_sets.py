"""Losses and corrections of ``ce`` for texts with several labels and for shares: numbers by hand, and refusals."""

import math
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sklearn.utils.class_weight import compute_class_weight
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from fecbench import FecbenchError, Task, asymmetric_nll, focal_nll
from fecbench.objective.labelling import adjust_logits
from fecbench.runs.plan import plan
from fecbench.testing import LabelSetConformance
from fecbench.testing.subject import Subject
from fecbench_ce import (
    CrossEntropy,
    CrossEntropyConfig,
    balanced_weights,
    effective_number_weights,
    log_odds,
)

LOGITS = torch.tensor([[2.0, 0, -1], [0.5, 0.5, 0.5]])
TARGETS = torch.tensor([[1.0, 1, 0], [0, 0, 0]])
LABELS = torch.tensor([0, 2])
COUNTS = torch.tensor([[6, 2], [7, 1], [4, 4]])  # rows without and with each label


def prepared(labelling="multi", soft=False, targets=None, **options) -> CrossEntropy:
    """The objective after its stage before training; by default on rows with the counts above."""
    task = Task("toy", ("a", "b", "c"), (), 1, 1, 0, labelling=labelling, soft=soft)
    objective = CrossEntropy(CrossEntropyConfig(**options), task)
    if targets is None:
        targets = torch.arange(8)[:, None].lt(COUNTS[:, 1]).float()
    stage = SimpleNamespace(labels={"train": LABELS}, targets={"train": targets, "validation": 1 - targets})
    objective.before_training(stage)
    return objective


def loss(objective, logits=LOGITS, targets=TARGETS, labels=LABELS) -> float:
    model = SimpleNamespace(encode=lambda batch: logits, project=lambda h: h, classify=lambda z: z)
    (update,) = objective.updates(SimpleNamespace(labels=labels, targets=targets), model)
    assert update.player == "model"
    return update.loss.item()


def test_the_default_is_the_sum_of_the_labels_losses():
    expected = binary_cross_entropy_with_logits(LOGITS, TARGETS, reduction="none").sum(1).mean()
    assert loss(prepared()) == pytest.approx(expected.item(), abs=1e-6)
    assert not prepared().state_dict()


@pytest.mark.parametrize("labelling", ["single", "multi"])
def test_focal_is_the_public_loss(labelling):
    truth = LABELS if labelling == "single" else TARGETS
    expected = focal_nll(LOGITS, truth, labelling, 1.5)
    assert loss(prepared(labelling, loss="focal", focal_gamma=1.5)) == expected.item()
    plain = loss(prepared(labelling))
    assert loss(prepared(labelling, loss="focal", focal_gamma=0)) == pytest.approx(plain, abs=1e-6)
    assert expected < plain


def test_focal_by_hand():
    # p = 1/2 everywhere: 3 labels of log 2 / 2^gamma each
    found = loss(prepared(loss="focal", focal_gamma=2.0), logits=torch.zeros(2, 3))
    assert found == pytest.approx(3 * math.log(2) / 4, abs=1e-6)


def test_asymmetric_is_the_public_loss():
    expected = asymmetric_nll(LOGITS, TARGETS, 1.0, 3.0, 0.1)
    options = {"asymmetric_gamma_pos": 1.0, "asymmetric_gamma_neg": 3.0, "asymmetric_clip": 0.1}
    assert loss(prepared(loss="asymmetric", **options)) == expected.item()
    assert loss(prepared(loss="asymmetric")) == asymmetric_nll(LOGITS, TARGETS).item()  # the paper's settings
    off = dict.fromkeys(options, 0.0)
    assert loss(prepared(loss="asymmetric", **off)) == pytest.approx(loss(prepared()), abs=1e-6)


def test_balanced_weights_of_each_label_are_scikit_learns():
    for (without, with_label), weights in zip(COUNTS.tolist(), balanced_weights(COUNTS), strict=True):
        expected = compute_class_weight("balanced", classes=np.array([0, 1]), y=[0] * without + [1] * with_label)
        np.testing.assert_allclose(weights, expected, rtol=1e-6)


def test_effective_weights_of_each_label_are_those_of_two_classes():
    found = effective_number_weights(COUNTS, 0.9)
    for pair, weights in zip(COUNTS, found, strict=True):
        assert weights.equal(effective_number_weights(pair, 0.9))
        assert weights.sum().item() == pytest.approx(2, abs=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 2.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_weight_multiplies_the_loss_of_a_label_by_hand(gamma, smoothing):
    if gamma and smoothing:
        return  # refused
    options = {"loss": "focal", "focal_gamma": gamma} if gamma else {"label_smoothing": smoothing}
    objective = prepared(class_weights="balanced", **options)
    weights, total = balanced_weights(COUNTS), 0.0
    for logits, targets in zip(LOGITS, TARGETS, strict=True):
        for label, (logit, target) in enumerate(zip(logits.tolist(), targets.tolist(), strict=True)):
            yes = 1 / (1 + math.exp(-logit))
            share = (1 - smoothing) * target + smoothing / 2
            part = share * (1 - yes) ** gamma * math.log(yes) + (1 - share) * yes**gamma * math.log(1 - yes)
            total -= weights[label, int(target)].item() * part
    assert loss(objective) == pytest.approx(total / 2, abs=1e-5)


def test_equal_numbers_of_yes_and_no_have_the_plain_loss():
    half = torch.tensor([[1.0, 0, 1], [0, 1, 0]])
    for options in ({"class_weights": "balanced"}, {"class_weights": "effective"}, {"logit_adjust": 1.0}):
        assert loss(prepared(targets=half, **options)) == pytest.approx(loss(prepared()), abs=1e-6)


def test_the_weights_are_reported_for_no_and_yes():
    report = prepared(class_weights="balanced").report()["class_weights"]
    assert report["b"] == {"no": pytest.approx(8 / 14), "yes": pytest.approx(8 / 2)}


def test_a_label_of_no_row_or_all_has_finite_weights_and_odds():
    counts = torch.tensor([[8, 0], [0, 8]])
    for weights in (balanced_weights(counts), effective_number_weights(counts, 0.9)):
        np.testing.assert_allclose(weights, [[1, 0], [0, 1]], rtol=1e-6)
    np.testing.assert_allclose(log_odds(counts), [-math.log(8), math.log(8)], rtol=1e-6)


def test_logit_adjustment_is_the_public_function_on_the_training_rows():
    objective = prepared(logit_adjust=0.5)
    prior = COUNTS[:, 1] / 8
    adjusted = adjust_logits(LOGITS, prior, "multi", 0.5)
    torch.testing.assert_close(LOGITS + objective.adjustment, adjusted)
    expected = binary_cross_entropy_with_logits(adjusted, TARGETS, reduction="none").sum(1).mean()
    assert loss(objective) == pytest.approx(expected.item(), abs=1e-6)
    # with tau 1, the loss takes zero logits for the base rates of the labels
    whole = prepared(logit_adjust=1.0).adjustment.sigmoid()
    torch.testing.assert_close(whole, prior)


@pytest.mark.parametrize("head", ["linear", "mlp", "label"])
@pytest.mark.parametrize("tau", [1.0, 0.5])
def test_adjusted_logits_start_at_the_base_rates(head, tau):
    chosen = plan("ce", {"dataset": "demo-multi", "head": head, "logit_adjust": tau})
    stepper = Subject(chosen, {}).stepper()
    prior, adjustment = stepper.objective.task.prior, stepper.objective.adjustment
    (bias,) = [bias for name, bias in stepper.model.head.named_parameters() if bias.shape == prior.shape]
    torch.testing.assert_close((bias + adjustment).sigmoid(), prior)
    torch.testing.assert_close(bias.detach(), (1 - tau) * prior.logit(), atol=1e-5, rtol=1e-5)


def test_shares_of_labels_are_the_mean_over_raters():
    shares = torch.tensor([[0.5, 0.5, 0], [0, 0, 1]])
    drawn = [torch.tensor(labels) for labels in ([0, 2], [1, 2])]
    for options in ({}, {"loss": "focal"}):
        mean = np.mean([loss(prepared("single", **options), labels=labels) for labels in drawn])
        soft = prepared("single", soft=True, **options)
        assert loss(soft, targets=shares, labels=None) == pytest.approx(mean, abs=1e-6)
    adjusted = prepared("single", soft=True, targets=shares.repeat(4, 1), logit_adjust=1.0)
    torch.testing.assert_close(adjusted.adjustment, torch.tensor([0.25, 0.25, 0.5]).log())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"focal_gamma": 1.0}, "--focal-gamma needs --loss focal, but it is nll; add --loss focal or leave --focal"),
        ({"asymmetric_clip": 0.1, "loss": "focal"}, "--asymmetric-clip needs --loss asymmetric, but it is focal"),
        ({"asymmetric_gamma_neg": 2.0}, "--asymmetric-gamma-neg needs --loss asymmetric"),
        ({"label_smoothing": 0.1, "loss": "focal"}, "--label-smoothing needs --loss nll, but it is focal"),
        (
            {"loss": "asymmetric", "class_weights": "balanced"},
            "--class-weights and --loss asymmetric both correct for imbalanced classes, and together they",
        ),
        ({"loss": "asymmetric", "logit_adjust": 1.0}, "--logit-adjust and --loss asymmetric both correct"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        CrossEntropyConfig(**options)


def test_focal_goes_with_both_corrections():
    labels = {"labels": {"train": torch.tensor([0, 0, 1, 2])}}
    for options in ({"class_weights": "balanced"}, {"logit_adjust": 1.0}):
        task = Task("toy", ("a", "b", "c"), (), 1, 1, 0)
        objective = CrossEntropy(CrossEntropyConfig(loss="focal", focal_gamma=0, **options), task)
        plain = CrossEntropy(CrossEntropyConfig(**options), task)
        for one in (objective, plain):
            one.before_training(SimpleNamespace(**labels))
        assert loss(objective) == pytest.approx(loss(plain), abs=1e-6)


def test_asymmetric_needs_several_labels():
    with pytest.raises(FecbenchError, match="needs texts with several labels, but those of toy have one each; use --l"):
        prepared("single", loss="asymmetric")


def test_class_weights_need_whole_labels():
    for labelling in ("single", "multi"):
        with pytest.raises(FecbenchError, match=r"--class-weights needs whole labels, .* but toy gives shares"):
            prepared(labelling, soft=True, class_weights="balanced")


def test_a_loss_of_one_label_a_text_is_todays_bit_for_bit():
    plain = prepared("single")
    assert loss(plain, targets=None) == cross_entropy(LOGITS, LABELS).item()


class TestAsymmetric(LabelSetConformance):
    name = "ce"
    settings: ClassVar = {"loss": "asymmetric"}


class TestFocal(LabelSetConformance):
    name = "ce"
    settings: ClassVar = {"loss": "focal"}


class TestBalanced(LabelSetConformance):
    name = "ce"
    settings: ClassVar = {"class_weights": "balanced"}


class TestAdjusted(LabelSetConformance):
    name = "ce"
    settings: ClassVar = {"logit_adjust": 1.0}
