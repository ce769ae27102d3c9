"""SACL's losses against slow loops and the card's numbers; the effect of its perturbations."""

import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from fecbench import FecbenchError, Task
from fecbench.core.files import read_tensors
from fecbench.data.batch import Batch
from fecbench.data.tokens import Tokens
from fecbench.model.heads import HeadTask
from fecbench.model.model import build_model
from fecbench_sacl import SACL, SACLConfig, fast_gradient, fast_gradient_of_texts, focal_cross_entropy, nt_xent_loss
from fecbench_sacl.attacks import attack_on
from fecbench_supcon import supcon_loss
from tests.support.train import train

TARGETS = ["embeddings_matrix", "embeddings_and_first_layer", "input_embeddings"]
LOGITS = torch.tensor([[2.0, 0, 0], [1, 1, 0], [2, 0, 1], [0, 2, 0], [0, 1, 1]], dtype=torch.float64)
LABELS = torch.tensor([0, 0, 0, 1, 1])
TASK = Task("toy", ("a", "b", "c"), ("a", "b", "c"), 16, 16, 0)


def slow(features, labels, temperature):
    """The equation, one pair at a time."""
    x = [row / row.norm() for row in features]
    losses = []
    for i in range(len(x)):
        negatives = sum((x[i] @ x[n] / temperature).exp() for n in range(len(x)) if labels[n] != labels[i])
        for p in range(len(x)):
            if p != i and labels[p] == labels[i] and isinstance(negatives, torch.Tensor):
                own = (x[i] @ x[p] / temperature).exp()
                losses.append(-(own / (own + negatives)).log())
    return sum(losses) / len(losses) if losses else features.sum() * 0


@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 1, 2, 0], [0, 0, 1, 2, 2, 2, 2], [0, 1, 2, 3, 4, 5, 6], [3] * 7])
def test_the_contrast_and_its_gradient_are_those_of_a_loop(labels):
    torch.manual_seed(0)
    features = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)
    fast, expected = nt_xent_loss(features, torch.tensor(labels), temperature=0.3), slow(features, labels, 0.3)
    assert fast.item() == pytest.approx(expected.item(), abs=1e-12)
    gradients = [torch.autograd.grad(loss, features, retain_graph=True)[0] for loss in (fast, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)


def test_the_cards_numbers():
    logprob = nt_xent_loss(LOGITS.log_softmax(1), LABELS, temperature=0.1)
    assert logprob.item() == pytest.approx(0.492859, abs=1e-6)
    assert nt_xent_loss(LOGITS, LABELS, temperature=0.1).item() == pytest.approx(0.356285, abs=1e-6)
    classification = focal_cross_entropy(LOGITS, LABELS)
    assert classification.item() == pytest.approx(0.522137, abs=1e-6)
    assert (classification + 0.1 * logprob).item() == pytest.approx(0.571423, abs=1e-6)


def objective(**options):
    return SACL(SACLConfig(**options), TASK)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 0.571423),
        ({"space": "logits"}, 0.557766),
        ({"space": "logits", "scl": "supcon"}, 0.614593),
        ({"space": "hidden"}, 0.557766),
    ],
)
def test_the_joint_loss_has_the_contrast_that_was_chosen(options, expected):
    loss, logs = objective(**options).joint_loss(LOGITS, LOGITS, LABELS, 0.1)
    assert loss.item() == pytest.approx(expected, abs=1e-6)
    assert loss.item() == pytest.approx((logs["cross_entropy"] + 0.1 * logs["contrastive"]).item(), abs=1e-12)


def test_supcon_leaves_anchors_without_positives_out():
    features, labels = torch.randn(5, 3, dtype=torch.float64), torch.tensor([0, 0, 1, 2, 2])
    ours = objective(scl="supcon", space="hidden").contrast(features, features, labels)
    assert ours.item() == pytest.approx(
        supcon_loss(features, labels, temperature=0.1, empty_anchor="skip").item(), abs=1e-12
    )


def test_with_two_rows_of_each_class_it_is_supcon():
    torch.manual_seed(0)
    features, labels = torch.randn(8, 4, dtype=torch.float64), torch.tensor([2, 0, 1, 3, 0, 1, 2, 3])
    assert nt_xent_loss(features, labels, temperature=0.2).item() == pytest.approx(
        supcon_loss(features, labels, temperature=0.2).item(), abs=1e-12
    )


@pytest.mark.parametrize("labels", [[], [0], [0, 1, 2], [1, 1, 1]])
def test_nothing_to_contrast_is_zero_with_zero_gradient(labels):
    features = torch.randn(len(labels), 4, requires_grad=True)
    loss = nt_xent_loss(features, torch.tensor(labels), temperature=0.1)
    assert loss.item() == 0
    assert torch.autograd.grad(loss, features)[0].eq(0).all()


def test_bf16_stays_close_and_permuting_renaming_and_rescaling_change_nothing():
    torch.manual_seed(0)
    features, labels = torch.randn(32, 256), torch.randint(0, 5, (32,))
    loss = nt_xent_loss(features, labels, temperature=0.3).item()
    with torch.autocast("cpu", torch.bfloat16):
        rough = nt_xent_loss(features.bfloat16(), labels, temperature=0.3)
    assert rough.dtype == torch.float32
    assert rough.item() == pytest.approx(loss, abs=3e-3)
    order = torch.randperm(32)
    assert nt_xent_loss(features[order] * 3, 7 - labels[order], temperature=0.3).item() == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.5])
def test_the_focal_loss_and_its_gradient_are_those_of_a_loop(gamma):
    logits, weights = LOGITS.clone().requires_grad_(), torch.tensor([0.5, 2.0, 1.0], dtype=torch.float64)
    fast = focal_cross_entropy(logits, LABELS, gamma, weights)
    probabilities = [row.softmax(0)[label] for row, label in zip(logits, LABELS, strict=True)]
    parts = [-weights[y] * (1 - p.item()) ** gamma * p.log() for p, y in zip(probabilities, LABELS, strict=True)]
    expected = sum(parts) / 5
    assert fast.item() == pytest.approx(expected.item(), abs=1e-12)
    torch.testing.assert_close(
        torch.autograd.grad(fast, logits)[0], torch.autograd.grad(expected, logits)[0], rtol=1e-10, atol=1e-12
    )


def test_a_certain_row_has_no_focal_loss_and_a_finite_gradient():
    logits = torch.tensor([[200.0, 0.0]], requires_grad=True)
    loss = focal_cross_entropy(logits, torch.tensor([0]), 1.5)
    assert loss.item() == 0
    assert torch.autograd.grad(loss, logits)[0].isfinite().all()


# Perturbations.


def test_a_step_is_of_the_given_length_or_nothing():
    torch.testing.assert_close(fast_gradient(torch.tensor([3.0, 4.0]), 0.5), torch.tensor([0.3, 0.4]))
    assert fast_gradient(torch.zeros(3), 0.5).eq(0).all()
    for odd in (torch.nan, torch.inf):
        assert fast_gradient(torch.tensor([1.0, odd]), 0.5).eq(0).all()


def test_a_norm_too_small_to_divide_by_gives_no_step():
    assert fast_gradient(torch.tensor([1e-42, 0.0]), 0.5).eq(0).all()
    torch.testing.assert_close(fast_gradient(torch.tensor([3e-15, 4e-15]), 0.5), torch.tensor([0.3, 0.4]))


def test_each_text_has_a_step_of_its_own():
    gradient, owners = torch.tensor([[3.0, 0], [0, 0], [0, 4], [0, 2], [torch.nan, 1]]), torch.tensor([0, 1, 0, 2, 3])
    steps = fast_gradient_of_texts(gradient, owners, 4, 0.5)
    torch.testing.assert_close(steps, torch.tensor([[0.3, 0], [0, 0], [0, 0.4], [0, 0.5], [0, 0]]))


def test_the_cards_toy():
    layer, x, y = nn.Linear(2, 2, bias=False), torch.eye(2), torch.tensor([0, 1])
    nn.init.eye_(layer.weight)
    loss = cross_entropy(layer(x), y)
    loss.backward()
    moved = layer.weight.detach() + fast_gradient(layer.weight.grad, 0.5)
    attacked = cross_entropy(functional_call(layer, {"weight": moved}, x), y)
    assert (loss.item(), attacked.item()) == pytest.approx((0.313262, 0.474077), abs=1e-6)


@pytest.fixture
def reading(source, tokenizer):
    """A tiny model without dropout and a batch for it; ``reading(packing=False)`` pads."""

    def make(family="bert", packing=True, head="native"):
        torch.manual_seed(0)
        model = build_model(source(family), head, HeadTask(TASK.labels, TASK.label_texts), packing=packing)
        texts = ["my dog died", "what a lovely day it was", "he broke it", "rain", "we laughed and sang", "stop it"]
        labels = torch.tensor([0, 1, 2, 0, 1, 2])
        return model.eval(), Batch(Tokens.pack(tokenizer(texts)["input_ids"]), labels, torch.arange(6))

    return make


def play(model, batch, **options):
    """Both losses, and the gradients after each of them: the trainer's part, without a step."""
    parameters = dict(model.named_parameters())
    losses, gradients = [], []
    for parameter in parameters.values():
        parameter.grad = None
    for update in objective(**options).updates(batch, model):
        update.loss.backward(inputs=list(parameters.values()))
        losses.append(update.loss.item())
        gradients.append({name: p.grad.clone() for name, p in parameters.items() if p.grad is not None})
    return losses, gradients


def attacked_names(model, target):
    names = {name for name, _ in model.named_parameters()}
    embeddings = {name for name in names if name.endswith("word_embeddings.weight")}
    assert len(embeddings) == 1
    if target == "input_embeddings":
        return set()
    return embeddings | (
        {name for name in names if ".layer.0." in name} if target == "embeddings_and_first_layer" else set()
    )


@pytest.mark.parametrize("family", ["bert", "roberta", "electra"])
@pytest.mark.parametrize("target", TARGETS)
def test_weights_stay_and_attacked_ones_have_no_second_gradient(reading, family, target):
    model, batch = reading(family)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    versions = {name: p._version for name, p in model.named_parameters()}
    _, (first, both) = play(model, batch, attack=target)
    assert all(p.detach().equal(before[name]) and p._version == versions[name] for name, p in model.named_parameters())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())
    attacked = attacked_names(model, target)
    assert {name for name, gradient in both.items() if gradient.equal(first[name])} >= attacked
    changed = {name for name, gradient in both.items() if not gradient.equal(first[name])}
    assert len(changed) > 10
    assert not changed & attacked


@pytest.mark.parametrize("target", TARGETS)
def test_without_length_the_second_pass_is_the_first(reading, target):
    model, batch = reading()
    losses, (first, both) = play(model, batch, attack=target, epsilon=0.0)
    assert losses[0] == losses[1]
    for name, gradient in both.items():
        times = 1 if name in attacked_names(model, target) else 2
        torch.testing.assert_close(gradient, times * first[name], rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("space", ["logprob", "logits", "hidden"])
@pytest.mark.parametrize("target", TARGETS)
def test_a_small_step_raises_the_loss_as_its_gradient_says(reading, target, space):
    model, batch = reading()
    losses, (first, _) = play(model.double(), batch, attack=target, space=space, epsilon=1e-3)
    assert losses[1] > losses[0]
    if target != "input_embeddings":  # the rise is the step's length times the norm of each attacked tensor's gradient
        slope = sum(first[name].norm().item() for name in attacked_names(model, target))
        assert (losses[1] - losses[0]) / 1e-3 == pytest.approx(slope, rel=0.02)


@pytest.mark.parametrize("head", ["native", "label"])
def test_padded_and_packed_texts_are_attacked_alike(reading, head):
    packed, padded = (reading(packing=packing, head=head) for packing in (True, False))
    assert packed[0].encoder.packs
    assert not padded[0].encoder.packs
    for model, _ in (packed, padded):
        model.train()  # the label head's texts come along in training alone; there is no dropout but the classifiers'
        for part in model.modules():
            if isinstance(part, nn.Dropout):
                part.p = 0.0
    results = [play(model, batch, attack="input_embeddings", epsilon=0.5) for model, batch in (packed, padded)]
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-4)
    for name, gradient in results[0][1][1].items():
        torch.testing.assert_close(gradient, results[1][1][1][name], rtol=1e-3, atol=1e-6)


def test_an_encoder_whose_layers_are_no_list_is_refused(reading):
    model, _ = reading("albert", head="linear")
    with pytest.raises(
        FecbenchError, match=r"whose 2 layers are in one module list, but AlbertModel has no such list; use --attack"
    ):
        attack_on(model, "embeddings_and_first_layer")


def test_a_compiled_encoder_hides_its_embeddings(reading):
    model, batch = reading()
    model.encoder.network.compile(backend="eager")
    with pytest.raises(
        FecbenchError,
        match="input_embeddings can't look into a compiled encoder; leave out --compile or attack weights",
    ):
        play(model, batch, attack="input_embeddings")


def test_frozen_embeddings_are_skipped_or_said(reading):
    model, batch = reading()
    model.encoder.network.get_input_embeddings().requires_grad_(False)
    attack = attack_on(model, "embeddings_matrix")
    (h, _), (perturbed, _) = attack.clean(batch), attack.perturbed(batch, 1.0)
    assert h.equal(perturbed)
    with pytest.raises(
        FecbenchError, match="input_embeddings needs word embeddings that are trained; unfreeze them or attack weights"
    ):
        attack_on(model, "input_embeddings").clean(batch)


# Runs.


train_small = partial(train, batch_size=8, device="cpu")


@pytest.mark.slow
def test_without_contrast_and_attack_it_is_cross_entropy(toy, tmp_path):
    ours = train_small(
        "sacl", toy, tmp_path / "sacl", contrastive_weight=0.0, attacked_contrastive_weight=0.0, at_rate=0.0
    )
    plain = train_small("ce", toy, tmp_path / "ce")
    weights = [read_tensors(record.folder / "best.safetensors")[0] for record in (ours, plain)]
    for name, value in weights[1].items():
        torch.testing.assert_close(weights[0][name], value, rtol=1e-4, atol=1e-5)
    assert ours.result["metrics"] == plain.result["metrics"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags",
    [
        {},
        {
            "attack": "embeddings_and_first_layer",
            "scl": "supcon",
            "space": "hidden",
            "epsilon": 5.0,
            "focal_gamma": 1.0,
        },
        {"attack": "input_embeddings", "space": "logits", "clip": 1.0},
    ],
)
def test_it_trains_in_every_form(toy, tmp_path, flags):
    record = train_small(
        "sacl", toy, tmp_path / "run", contrastive_weight=0.2, attacked_contrastive_weight=0.4, **flags
    )
    logs = next(event["logs"] for event in record.history() if event["event"] == "epoch")
    clean = logs["cross_entropy"] + 0.2 * logs["contrastive"]
    attacked = logs["attacked_cross_entropy"] + 0.4 * logs["attacked_contrastive"]
    assert logs["model_loss"] == pytest.approx((clean + attacked) / 2, rel=1e-5)


def test_the_share_of_attacked_batches_is_a_function_of_their_keys(reading):
    _, batch = reading()
    batches = [Batch(batch.tokens, batch.labels, batch.rows, (0, 1, step)) for step in range(400)]
    chosen = [objective(at_rate=0.3).attacks(one) for one in batches]
    assert sum(chosen) / 400 == pytest.approx(0.3, abs=0.07)
    assert chosen == [objective(at_rate=0.3).attacks(one) for one in batches]
    assert all(objective().attacks(one) for one in batches)
    assert not any(objective(at_rate=0.0).attacks(one) for one in batches)


@pytest.mark.slow
def test_classes_weigh_by_their_share_of_the_training_rows(toy, tmp_path):
    lines = (toy / "train.csv").read_text().splitlines()
    (toy / "train.csv").write_text(
        "\n".join(line for n, line in enumerate(lines) if not line.endswith("sad") or n < 40) + "\n"
    )
    record = train_small("sacl", toy, tmp_path / "run", weigh_classes=True, epochs=1)
    counts = [20, 20, sum(line.endswith("sad") for line in lines[:40])]
    expected = [math.log(sum(counts) / count) for count in counts]
    assert read_tensors(record.folder / "best.safetensors")[0]["objective.class_weights"].tolist() == pytest.approx(
        expected
    )
