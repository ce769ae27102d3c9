"""SupCon's loss against a slow loop and the card's numbers; its objective beside plain cross-entropy."""

import math
from functools import partial

import pytest
import torch

from fecbench.core.errors import UsageError
from fecbench.core.files import read_tensors
from fecbench.runs.plan import plan
from fecbench_supcon import supcon_loss
from tests.support.train import train

ANGLES = torch.tensor([0.0, 60.0, 90.0, 180.0], dtype=torch.float64).deg2rad()
CIRCLE = torch.stack([ANGLES.cos(), ANGLES.sin()], 1)


def slow(features, labels, temperature, empty_anchor="zero", anchors=None):
    """The equation, one anchor and one positive at a time."""
    z = [row / row.norm() for row in features]
    losses = []
    for i in range(anchors or len(z)):
        others = [a for a in range(len(z)) if a != i]
        positives = [p for p in others if labels[p] == labels[i]]
        if positives:
            normaliser = sum((z[i] @ z[a] / temperature).exp() for a in others).log()
            losses.append(sum(normaliser - z[i] @ z[p] / temperature for p in positives) / len(positives))
        elif empty_anchor == "zero":
            losses.append(features.sum() * 0)
    return sum(losses) / len(losses) if losses else features.sum() * 0


CASES = {
    "mixed": [0, 0, 1, 1, 1, 2, 0],
    "an anchor alone": [0, 0, 1, 2, 2, 2, 2],
    "all distinct": [0, 1, 2, 3, 4, 5, 6],
    "one class": [3] * 7,
}


@pytest.mark.parametrize("empty_anchor", ["zero", "skip"])
@pytest.mark.parametrize("labels", CASES.values(), ids=CASES)
def test_loss_and_gradient_are_those_of_a_loop(labels, empty_anchor):
    torch.manual_seed(0)
    features = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)
    fast = supcon_loss(features, torch.tensor(labels), temperature=0.3, empty_anchor=empty_anchor)
    expected = slow(features, labels, 0.3, empty_anchor)
    assert fast.item() == pytest.approx(expected.item(), abs=1e-12)
    gradients = [torch.autograd.grad(loss, features, retain_graph=True)[0] for loss in (fast, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)


def test_one_view_as_anchors_is_a_loop_over_the_first_half():
    torch.manual_seed(0)
    features, labels = torch.randn(8, 3, dtype=torch.float64), torch.tensor([0, 1, 2, 0] * 2)
    loss = supcon_loss(features, labels, temperature=0.5, contrast_mode="one")
    assert loss.item() == pytest.approx(slow(features, labels.tolist(), 0.5, anchors=4).item(), abs=1e-12)


@pytest.mark.parametrize(
    ("labels", "options", "expected"),
    [
        ([0, 0, 1, 1], {}, 0.989836),
        ([0, 0, 1, 1], {"base_temperature": 0.07}, 7.070254),
        ([0, 0, 1, 2], {}, 0.379185),
        ([0, 0, 1, 2], {"empty_anchor": "skip"}, 0.758369),
    ],
)
def test_the_cards_numbers(labels, options, expected):
    assert supcon_loss(CIRCLE, torch.tensor(labels), temperature=0.5, **options).item() == pytest.approx(
        expected, abs=1e-6
    )


def test_the_cards_numbers_of_stacked_views_and_of_identical_vectors():
    stacked = supcon_loss(CIRCLE.repeat(2, 1), torch.tensor([0, 0, 1, 1] * 2), temperature=0.5)
    assert stacked.item() == pytest.approx(1.847849, abs=1e-6)
    for temperature in (0.07, 0.5, 3.0):
        assert supcon_loss(torch.ones(5, 4), torch.zeros(5), temperature=temperature).item() == pytest.approx(
            math.log(4), abs=1e-6
        )


@pytest.mark.parametrize("labels", [[], [0], [0, 1, 2]])
def test_nothing_to_contrast_is_zero_with_zero_gradient(labels):
    features = torch.randn(len(labels), 4, requires_grad=True)
    for empty_anchor in ("zero", "skip"):
        loss = supcon_loss(features, torch.tensor(labels), temperature=0.1, empty_anchor=empty_anchor)
        assert loss.item() == 0
        assert torch.autograd.grad(loss, features)[0].eq(0).all()


def test_a_zero_vector_and_duplicates_have_finite_gradients():
    features = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 2.0]], requires_grad=True)
    loss = supcon_loss(features, torch.tensor([0, 0, 1, 1]), temperature=0.1)
    assert torch.autograd.grad(loss, features)[0].isfinite().all()


def test_bf16_stays_close_and_float64_stays():
    torch.manual_seed(0)
    features, labels = torch.randn(64, 768, dtype=torch.float64), torch.randint(0, 9, (64,))
    exact = supcon_loss(features, labels, temperature=0.3)
    assert exact.dtype == torch.float64
    assert supcon_loss(features.float(), labels, temperature=0.3).item() == pytest.approx(exact.item(), abs=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        rough = supcon_loss(features.bfloat16(), labels, temperature=0.3)
    assert rough.dtype == torch.float32
    assert rough.item() == pytest.approx(exact.item(), abs=1e-3)


def test_permuting_renaming_rotating_and_rescaling_change_nothing():
    torch.manual_seed(0)
    features, labels = torch.randn(10, 4, dtype=torch.float64), torch.randint(0, 3, (10,))
    loss = supcon_loss(features, labels, temperature=0.3).item()
    order, rotation = torch.randperm(10), torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64))[0]
    scaled = features * torch.rand(10, 1, dtype=torch.float64).add(0.1)
    for changed, renamed in (
        (features[order], labels[order]),
        (features, 7 - labels),
        (features @ rotation, labels),
        (scaled, labels),
    ):
        assert supcon_loss(changed, renamed, temperature=0.3).item() == pytest.approx(loss, abs=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, "temperature must be positive, found 0.0"),
        ({"temperature": 1.0, "base_temperature": -1.0}, "base_temperature must be positive, found -1.0"),
        ({"temperature": 1.0, "contrast_mode": "two"}, "contrast_mode must be 'all' or 'one', found 'two'"),
        (
            {"temperature": 1.0, "contrast_mode": "one"},
            "needs two views of every text, an even number of rows, found 3",
        ),
        ({"temperature": 1.0, "empty_anchor": "drop"}, "empty_anchor must be 'zero' or 'skip', found 'drop'"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        supcon_loss(torch.randn(3, 2), torch.zeros(3), **options)


train_small = partial(train, batch_size=8, device="cpu")


@pytest.mark.slow
def test_without_contrast_it_is_cross_entropy_bit_for_bit(toy, tmp_path):
    ours = train_small("supcon", toy, tmp_path / "supcon", contrastive_weight=0.0)
    plain = train_small("ce", toy, tmp_path / "ce")
    weights = [read_tensors(record.folder / "best.safetensors")[0] for record in (ours, plain)]
    assert weights[0].keys() == weights[1].keys()
    assert all(value.equal(weights[1][name]) for name, value in weights[0].items())
    assert ours.result["metrics"] == plain.result["metrics"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "notes"),
    [
        ({}, ["toy hasn't a paraphrase (aug_text) in every row: a text's second view is another dropout pass"]),
        ({"view": "dropout"}, []),
        ({"view": "none"}, []),
        ({"view": "dropout", "projector": True, "base_temperature": 0.07, "contrast_mode": "one"}, []),
        (
            {"view": "none", "per_label": 3},
            [
                "6 rows of each epoch are left out: they fill no group of 3 texts of a label",
                "batches hold 6 texts, whole groups of 3, not 8",
            ],
        ),
    ],
)
def test_it_trains_with_every_kind_of_view(toy, tmp_path, flags, notes):
    record = train_small("supcon", toy, tmp_path / "run", **flags)
    logs = next(event["logs"] for event in record.history() if event["event"] == "epoch")
    assert logs["model_loss"] == pytest.approx(0.5 * logs["cross_entropy"] + 0.5 * logs["contrastive"], rel=1e-5)
    assert record.about["notes"] == notes


def test_one_view_as_anchors_needs_two():
    with pytest.raises(
        UsageError, match="--contrast-mode one needs second views, found --view none; change one of them"
    ):
        plan("supcon", {"dataset": "demo", "view": "none", "contrast_mode": "one"})
