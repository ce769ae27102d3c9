"""LCL's loss against a slow loop and the card's numbers; its two networks trained side by side."""

import math
from functools import partial
from pathlib import Path

import pytest
import torch

from fecbench import Predictor
from fecbench.core.errors import NeedsError
from fecbench_lcl import label_aware_contrastive_loss
from fecbench_supcon import supcon_loss
from tests.support.train import train

ANGLES = torch.tensor([0.0, 60.0, 90.0, 180.0], dtype=torch.float64).deg2rad()
CIRCLE = torch.stack([ANGLES.cos(), ANGLES.sin()], 1)
HELPER = torch.tensor([[2.0, 0, 1], [0, 0, 0], [1, 3, 0], [-1, 1, 0]], dtype=torch.float64)


def slow(features, labels, helper, temperature, empty_anchor="zero"):
    """The equation, one anchor at a time."""
    z = [row / row.norm() for row in features]
    losses = []
    for i in range(len(z)):
        weights = helper[i].exp() / helper[i].exp().sum()
        others = [a for a in range(len(z)) if a != i]
        positives = [p for p in others if labels[p] == labels[i]]
        if positives:
            normaliser = sum(weights[labels[k]] * (z[i] @ z[k] / temperature).exp() for k in others).log()
            losses.append(
                weights[labels[i]] * sum(normaliser - z[i] @ z[p] / temperature for p in positives) / len(positives)
            )
        elif empty_anchor == "zero":
            losses.append(features.sum() * 0)
    return sum(losses) / len(losses) if losses else (features.sum() + helper.sum()) * 0


@pytest.mark.parametrize("empty_anchor", ["zero", "skip"])
@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 1, 2, 0], [0, 0, 1, 2, 2, 2, 2], [0, 0, 0, 0, 0, 0, 0]])
def test_loss_and_gradients_are_those_of_a_loop(labels, empty_anchor):
    torch.manual_seed(0)
    features, helper = (torch.randn(7, width, dtype=torch.float64, requires_grad=True) for width in (5, 3))
    fast = label_aware_contrastive_loss(
        features, torch.tensor(labels), helper, temperature=0.3, empty_anchor=empty_anchor
    )
    expected = slow(features, labels, helper, 0.3, empty_anchor)
    assert fast.item() == pytest.approx(expected.item(), abs=1e-12)
    for ours, theirs in zip(
        torch.autograd.grad(fast, (features, helper)), torch.autograd.grad(expected, (features, helper)), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("labels", "options", "expected"),
    [([0, 0, 1, 1], {}, -0.010116), ([0, 0, 1, 2], {}, -0.051072), ([0, 0, 1, 2], {"empty_anchor": "skip"}, -0.102145)],
)
def test_the_cards_numbers(labels, options, expected):
    loss = label_aware_contrastive_loss(CIRCLE, torch.tensor(labels), HELPER, temperature=0.5, **options)
    assert loss.item() == pytest.approx(expected, abs=1e-6)


def test_the_cards_gradient_and_that_its_rows_sum_to_nothing():
    helper = HELPER.clone().requires_grad_()
    loss = label_aware_contrastive_loss(CIRCLE, torch.tensor([0, 0, 1, 1]), helper, temperature=0.5)
    (gradient,) = torch.autograd.grad(loss, helper)
    assert gradient[0].tolist() == pytest.approx([0.027144, -0.000795, -0.026349], abs=1e-6)
    assert gradient.sum(1).tolist() == pytest.approx([0] * 4, abs=1e-12)


def test_uniform_weights_give_supcon_but_for_a_constant():
    labels = torch.tensor([0, 0, 1, 1])
    ours = label_aware_contrastive_loss(CIRCLE, labels, torch.zeros(4, 3, dtype=torch.float64), temperature=0.5).item()
    assert ours == pytest.approx((supcon_loss(CIRCLE, labels, temperature=0.5).item() - math.log(3)) / 3, abs=1e-12)
    assert ours == pytest.approx(-0.036259, abs=1e-6)


@pytest.mark.parametrize("right", [True, False])
def test_a_certain_helper_leaves_nothing_right_or_wrong(right):
    labels = torch.tensor([0, 0, 1, 1])
    helper = 1e4 * torch.eye(3)[labels if right else (labels + 1) % 3]
    features = torch.randn(4, 3, requires_grad=True)
    loss = label_aware_contrastive_loss(features, labels, helper, temperature=0.5)
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert torch.autograd.grad(loss, features)[0].isfinite().all()


def test_detached_weights_change_no_value_and_keep_the_helper_out():
    labels, helper = torch.tensor([0, 0, 1, 1]), HELPER.clone().requires_grad_()
    features = CIRCLE.clone().requires_grad_()
    loss = label_aware_contrastive_loss(features, labels, helper, temperature=0.5, detach_weights=True)
    assert loss.item() == pytest.approx(-0.010116, abs=1e-6)
    assert torch.autograd.grad(loss, helper, allow_unused=True)[0] is None


@pytest.mark.parametrize("labels", [[0], [0, 1, 2]])
def test_nothing_to_contrast_is_zero_with_zero_gradients(labels):
    features, helper = torch.randn(len(labels), 4, requires_grad=True), torch.randn(len(labels), 3, requires_grad=True)
    loss = label_aware_contrastive_loss(features, torch.tensor(labels), helper, temperature=0.1)
    assert loss.item() == 0
    assert all(gradient.eq(0).all() for gradient in torch.autograd.grad(loss, (features, helper)))


def test_bf16_stays_close_and_permuting_and_renaming_change_nothing():
    torch.manual_seed(0)
    features, helper, labels = torch.randn(32, 256), torch.randn(32, 5), torch.randint(0, 5, (32,))
    loss = label_aware_contrastive_loss(features, labels, helper, temperature=0.3).item()
    with torch.autocast("cpu", torch.bfloat16):
        rough = label_aware_contrastive_loss(features.bfloat16(), labels, helper.bfloat16(), temperature=0.3)
    assert rough.item() == pytest.approx(loss, abs=3e-3)
    order, names = torch.randperm(32), torch.randperm(5)
    renamed = torch.empty_like(helper).index_copy(1, names, helper)
    assert label_aware_contrastive_loss(
        features[order], labels[order], helper[order], temperature=0.3
    ).item() == pytest.approx(loss, 1e-5)
    assert label_aware_contrastive_loss(features, names[labels], renamed, temperature=0.3).item() == pytest.approx(
        loss, 1e-5
    )


train_lcl = partial(train, "lcl", batch_size=8, device="cpu")


def test_missing_rows_are_refused_not_broadcast():
    with pytest.raises(ValueError, match="every row needs features, label and helper logits, found 4, 4, 1"):
        label_aware_contrastive_loss(CIRCLE, torch.tensor([0, 0, 1, 1]), HELPER[:1], temperature=0.5)


@pytest.mark.slow
def test_both_networks_learn_and_the_main_one_predicts(toy, tmp_path):
    record = train_lcl(toy, tmp_path / "run", epochs=6, logit_dropout=0.1)
    logs = [event["logs"] for event in record.history() if event["event"] == "epoch"]
    for name in ("cross_entropy", "weighting_cross_entropy"):
        assert logs[-1][name] < logs[0][name]
    assert logs[-1]["own_weight"] > logs[0]["own_weight"]
    parts = (0.5 * (logs[0][name]) for name in ("cross_entropy", "weighting_cross_entropy", "contrastive"))
    assert logs[0]["model_loss"] == pytest.approx(sum(parts), rel=1e-5)
    assert record.about["settings"]["head"]["value"] == "lcl"
    probabilities = Predictor.load(record).probabilities(["my dog died", "what a lovely day"])
    assert probabilities.shape == (2, 3)
    weighting = {
        name for name in Predictor.load(record).objective.state_dict() if name.startswith("weighting.encoder.")
    }
    assert weighting


def paraphrased(folder: Path) -> Path:
    lines = (folder / "train.csv").read_text().splitlines()
    rows = [f"{line.rpartition(',')[0]},{line.rpartition(',')[2]},so {line.rpartition(',')[0]}" for line in lines[1:]]
    (folder / "train.csv").write_text("\n".join(["text,label,aug_text", *rows]) + "\n")
    return folder


@pytest.mark.slow
def test_paraphrases_are_the_second_view_where_there_are_any(toy, tmp_path, monkeypatch):
    import fecbench_lcl.objective as module

    seen = []
    original = module.LCL.weigh
    monkeypatch.setattr(module.LCL, "weigh", lambda self, views: seen.append(views) or original(self, views))
    with pytest.raises(NeedsError, match=r"lcl .* needs the column aug_text, but toy has"):
        train_lcl(toy, tmp_path / "none", view="augmented")
    assert not train_lcl(paraphrased(toy), tmp_path / "auto").about["notes"]
    first = seen[0]
    lengths = first.tokens.lengths
    assert (lengths[8:] == lengths[:8] + 1).all()
    assert first.labels.tolist() == first.labels[:8].tolist() * 2
    seen.clear()
    train_lcl(toy, tmp_path / "dropout", view="dropout")
    assert (seen[0].tokens.lengths[8:] == seen[0].tokens.lengths[:8]).all()
