"""HypEmo: the ball's arithmetic, label trees and their vectors, the losses, and what is trained how."""

import math
from functools import partial
from itertools import pairwise

import pytest
import torch
from torch.nn.functional import cross_entropy

from fecbench import Predictor, Task
from fecbench.core.files import read_tensors
from fecbench.data.datasets.builtin.demo import LABELS as DEMO
from fecbench.data.datasets.builtin.descriptions import EMPATHETIC_DIALOGUES, GOEMOTIONS
from fecbench.runs.plan import plan
from fecbench.training.optimizers import assign_parameters
from fecbench_hypemo import (
    BallProjector,
    HypEmo,
    HypEmoConfig,
    HypEmoHead,
    LabelTree,
    hyperbolic_loss,
    label_distances,
    poincare_vectors,
    tree_for,
    weighted_cross_entropy,
)
from fecbench_hypemo.ball import distance, exp0, log0, mobius_add, mobius_matvec
from fecbench_hypemo.tree import TreeError
from fecbench_hypemo.vectors import _sampling_weights, pair_losses
from tests.support.train import train

X, V = torch.tensor([0.1, 0.2]), torch.tensor([0.3, -0.4])
MATRIX = torch.tensor([[1.0, 2.0], [0.0, 1.0]])


def close(found, expected, within=1e-6):
    assert found.flatten().tolist() == pytest.approx(torch.as_tensor(expected).flatten().tolist(), abs=within)


def inside(*shape: int, longest: float = 0.99) -> torch.Tensor:
    """Random points of the ball."""
    directions = torch.randn(*shape, dtype=torch.float64)
    return (
        directions / directions.norm(dim=-1, keepdim=True) * torch.rand(*shape[:-1], 1, dtype=torch.float64) * longest
    )


def test_the_cards_arithmetic():
    close(distance(torch.zeros(2), V), 1.098612)
    close(distance(X, V), 1.385124)
    close(exp0(torch.tensor([0.3, 0.4])), [0.277270, 0.369694])
    close(mobius_add(X, V), [0.438356, -0.164384])
    close(mobius_matvec(MATRIX, X), [0.463169, 0.185267])
    close(exp0(torch.tensor([3.0, 4.0])), [0.5976, 0.7968])


def test_the_balls_laws():
    torch.manual_seed(0)
    x, y = inside(2, 50, 7)
    torch.testing.assert_close(log0(exp0(3 * x)), 3 * x)
    torch.testing.assert_close(mobius_matvec(torch.eye(7, dtype=torch.float64), x), x)
    torch.testing.assert_close(mobius_add(torch.zeros_like(y), y), y)
    torch.testing.assert_close(mobius_add(-x, x), torch.zeros_like(x))
    torch.testing.assert_close(distance(x, y), distance(y, x))
    torch.testing.assert_close(distance(torch.zeros_like(x), x), 2 * x.norm(dim=1).atanh())
    assert distance(x, x).eq(0).all()
    torch.testing.assert_close(distance(x, y), 2 * mobius_add(-x, y).norm(dim=1).atanh())


@pytest.mark.parametrize(("dtype", "longest"), [(torch.float32, 0.996), (torch.float64, 1 - 1e-5)])
def test_both_maps_keep_away_from_the_border(dtype, longest):
    direction = torch.ones(3, 7, dtype=dtype) / 7**0.5
    assert exp0(20 * direction).norm(dim=1).tolist() == pytest.approx([longest] * 3)
    turned = mobius_matvec(5 * torch.eye(7, dtype=dtype), 0.99 * direction)
    assert turned.norm(dim=1).tolist() == pytest.approx([longest] * 3)
    torch.testing.assert_close(log0(2 * direction), math.atanh(longest) * direction)


def test_distances_are_those_of_the_formula_with_arcosh():
    torch.manual_seed(0)
    x, y = inside(2, 30, 4)
    for a, b, found in zip(x.tolist(), y.tolist(), distance(x, y).tolist(), strict=True):
        squares = [sum(p * p for p in point) for point in (a, b, [p - q for p, q in zip(a, b, strict=True)])]
        assert found == pytest.approx(math.acosh(1 + 2 * squares[2] / ((1 - squares[0]) * (1 - squares[1]))), abs=1e-9)


def test_zero_and_the_border_have_finite_gradients():
    rows = torch.tensor([[0.0, 0.0], [1e-30, 0.0], [1e-4, 0.0], [100.0, -3.0]], requires_grad=True)
    assert mobius_matvec(MATRIX, torch.zeros(1, 2)).equal(torch.zeros(1, 2))
    points = mobius_matvec(MATRIX, exp0(rows))
    assert points.isfinite().all()
    total = (
        log0(points).sum()
        + distance(points, points.detach()).sum()
        + distance(points, V).sum()
        + mobius_add(points, X).sum()
    )
    assert torch.autograd.grad(total, rows)[0].isfinite().all()


def projected(activation="relu"):
    """The card's example: a projector of two coordinates and what goes in."""
    projector = BallProjector(3, 3, dim=2, activation=activation).eval()
    with torch.no_grad():
        projector.weight.copy_(torch.tensor([[1.0, 2, 0], [0, -1, 0.5]]))
        projector.bias.copy_(torch.tensor([0.1, -0.05]))
        projector.decoder.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [-1, 1]]))
        projector.decoder.bias.zero_()
    z = torch.tensor([[0.2, 0.1, 0], [1, 0.5, 2]], requires_grad=True)
    return projector, z, projector(z)


VECTORS = torch.tensor([[0.5, 0.3], [-0.6, 0.2], [0.1, -0.7]])
LABELS = torch.tensor([0, 2])
LOGITS = torch.tensor([[1.0, 0, 0], [0, 1, 0]])


def test_the_cards_losses():
    projector, _, points = projected()
    close(points, [[0.463040, 0], [0.945158, 0.232303]])
    weights = label_distances(points, VECTORS, LABELS)
    close(weights, [0.816674, 5.490277], within=1e-5)
    weighted = weighted_cross_entropy(LOGITS, LABELS, weights)
    assert weighted.item() == pytest.approx(4.484106, abs=1e-5)
    decoded = projector.decode(points)
    assert cross_entropy(decoded, LABELS).item() == pytest.approx(2.276540, abs=1e-5)
    close((points * VECTORS[LABELS]).sum(1), [0.231520, -0.068096])
    for reduction, expected in (("sum", 5.012385), ("mean", 5.032813)):
        total = weighted + 0.25 * hyperbolic_loss(points, decoded, VECTORS, LABELS, reduction=reduction)
        assert total.item() == pytest.approx(expected, abs=1e-5)


def test_without_its_activation_the_layer_leaves_the_positive_orthant():
    _, _, points = projected("none")
    assert points[0, 1] < 0
    assert projected()[2][0, 1] == 0


def test_weights_pass_no_gradient_and_equal_ones_leave_cross_entropy():
    _, z, points = projected()
    assert not label_distances(points, VECTORS, LABELS).requires_grad
    logits = (LOGITS + z.sum()).clone()
    weighted = weighted_cross_entropy(logits, LABELS, torch.ones(2))
    assert weighted.item() == pytest.approx(cross_entropy(logits, LABELS).item(), abs=1e-7)
    scaled = weighted_cross_entropy(LOGITS + z[:, :1] * VECTORS[0, 0], LABELS, label_distances(points, VECTORS, LABELS))
    constant = weighted_cross_entropy(LOGITS + z[:, :1] * VECTORS[0, 0], LABELS, torch.tensor([0.816674, 5.490277]))
    torch.testing.assert_close(*(torch.autograd.grad(loss, z)[0] for loss in (scaled, constant)))


def test_losses_and_gradients_are_those_of_a_loop():
    torch.manual_seed(0)
    points, vectors, labels = inside(6, 4).requires_grad_(), inside(3, 4), torch.tensor([0, 2, 2, 1, 0, 2])
    logits, decoded = (torch.randn(6, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    fast = 0.9 * weighted_cross_entropy(logits, labels, label_distances(points, vectors, labels))
    fast = fast + 0.1 * hyperbolic_loss(points, decoded, vectors, labels)
    slow = 0
    for i, y in enumerate(labels.tolist()):
        e, v = points[i], vectors[y]
        with torch.no_grad():
            w = math.acosh(1 + 2 * ((e - v) @ (e - v)).item() / ((1 - e @ e).item() * (1 - v @ v).item()))
        slow = slow + 0.9 * w * (logits[i].exp().sum().log() - logits[i, y]) / 6
        slow = slow + 0.1 * ((decoded[i].exp().sum().log() - decoded[i, y]) / 6 - e @ v)
    assert fast.item() == pytest.approx(slow.item(), abs=1e-10)
    for ours, theirs in zip(
        *(torch.autograd.grad(loss, (points, logits, decoded)) for loss in (fast, slow)), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_bf16_logits_are_raised_and_permuting_changes_nothing():
    torch.manual_seed(0)
    logits, labels, weights = torch.randn(32, 9), torch.randint(0, 9, (32,)), torch.rand(32) * 12
    loss = weighted_cross_entropy(logits, labels, weights)
    order = torch.randperm(32)
    torch.testing.assert_close(weighted_cross_entropy(logits[order], labels[order], weights[order]), loss)
    rough = weighted_cross_entropy(logits.bfloat16(), labels, weights)
    assert rough.dtype == torch.float32
    assert rough.item() == pytest.approx(loss.item(), rel=1e-2)


def test_an_unknown_reduction_is_named():
    with pytest.raises(ValueError, match="reduction must be 'sum' or 'mean', found 'max'"):
        hyperbolic_loss(VECTORS, VECTORS, VECTORS, torch.arange(3), reduction="max")


@pytest.mark.parametrize("classes", [32, 27])
def test_parts_are_as_large_as_the_card_says(classes):
    def count(module):
        return sum(parameter.numel() for parameter in module.parameters())

    assert count(BallProjector(768, classes)) == 76_900 + 101 * classes
    assert count(HypEmoHead(768, classes)) == 590_592 + 769 * classes


@pytest.mark.parametrize(
    ("labels", "tree", "nodes", "pairs"),
    [(EMPATHETIC_DIALOGUES, "ed", 45, 99), (GOEMOTIONS, "ge", 32, 41), (DEMO, "ed", 20, 39)],
)
def test_the_trees_that_fit_are_found(labels, tree, nodes, pairs):
    found = tree_for(tuple(labels), "auto")
    assert found == tree_for(tuple(labels), tree)
    assert (len(found.nodes), len(found.pairs)) == (nodes, pairs)
    above = {(found.nodes[a], found.nodes[b]) for a, b in found.pairs}
    if tree == "ed":
        assert {
            ("positive", "proud"),
            ("joyful", "proud"),
            ("pride", "proud"),
            ("negative", "jealous"),
            ("angry", "jealous"),
        } < above
        assert ("ambiguous" in found.nodes) == ("surprised" in labels)
    else:
        assert {("semi-positive", "joy"), ("positive", "joy"), ("ambiguous", "curiosity"), ("negative", "fear")} < above


def test_other_labels_stand_side_by_side_under_one_node():
    tree = tree_for(("glad", "mad", "sad"), "auto")
    assert tree == tree_for(("glad", "mad", "sad"), "flat")
    assert tree.pairs == ((0, 1), (0, 2), (0, 3))
    assert tree.nodes[1:] == ("glad", "mad", "sad")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'good = ["glad"]\nbad = ["mad"]',
            r"--tree .*tree.toml must hold every label, but lacks sad; add them, or use --tree flat",
        ),
        ('good = ["glad"]\nbad = ["glad"]', r"tree.toml: 'glad' has two parents, 'good' and 'bad'; correct it"),
        ('good = ["bad"]\nbad = ["good"]', r"the nodes .*good.* form a cycle"),
        (
            "glad = []\nmad = []\nsad = []",
            r"must have other nodes above labels, but no label has a parent; add parents, or use --tree flat",
        ),
        ('good = "glad"', r"'good' must have a list of names"),
        ("good = [1]", r"'good' must have a list of names"),
        ("good is glad", r"--tree must be auto, flat, ed, ge or a TOML file of lines node"),
        (None, r"--tree must be .* but .*tree.toml: .*No such file"),
    ],
)
def test_a_tree_that_is_none_is_named(tmp_path, text, message):
    file = tmp_path / "tree.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(TreeError, match=message):
        tree_for(("glad", "mad", "sad"), str(file))


TREE = LabelTree.of({"good": ["glad", "proud"], "bad": ["mad", "sad"], "mad": ["furious", "annoyed"]})


def test_nodes_that_lead_to_no_label_are_left_out():
    part = TREE.holding(("sad", "annoyed"))
    assert part.nodes == ("bad", "mad", "sad", "annoyed")
    assert {(part.nodes[a], part.nodes[b]) for a, b in part.pairs} == {
        ("bad", "sad"),
        ("bad", "mad"),
        ("mad", "annoyed"),
        ("bad", "annoyed"),
    }


def test_pair_losses_are_those_of_a_loop():
    torch.manual_seed(0)
    vectors = inside(7, 5).requires_grad_()
    above, node, others = torch.tensor([0, 3, 3]), torch.tensor([1, 4, 5]), torch.tensor([[3, 4], [0, 0], [1, 2]])
    fast, slow = pair_losses(vectors, above, node, others).sum(), 0
    for u, v, drawn in zip(above.tolist(), node.tolist(), others.tolist(), strict=True):
        d = {k: distance(vectors[k], vectors[v]) for k in {u, *drawn}}
        slow = slow + d[u] + sum((-d[k]).exp() for k in [u, *drawn]).log()
    assert fast.item() == pytest.approx(slow.item(), abs=1e-12)
    torch.testing.assert_close(*(torch.autograd.grad(loss, vectors)[0] for loss in (fast, slow)))


def test_a_node_is_told_from_none_that_is_above_it():
    weights, index = _sampling_weights(TREE), {name: number for number, name in enumerate(TREE.nodes)}
    furious = {TREE.nodes[k] for k in weights[index["furious"]].nonzero().flatten().tolist()}
    assert furious == {"good", "glad", "proud", "sad", "annoyed"}
    assert weights[index["furious"], index["good"]].item() == pytest.approx(3**0.75)  # above two, and one more
    chain = LabelTree.of({"a": ["b"]})
    assert (_sampling_weights(chain)[1] > 0).all()  # there is no other


def test_vectors_lie_near_what_is_above_them_and_follow_from_the_arguments():
    options = {"negatives": 4, "dim": 8, "epochs": 150}
    vectors = poincare_vectors(TREE, seed=7, **options)
    d = distance(vectors[:, None], vectors)
    related = torch.zeros(len(vectors), len(vectors), dtype=torch.bool)
    for above, node in TREE.pairs:
        related[above, node] = related[node, above] = True
    apart = ~related & ~torch.eye(len(vectors), dtype=torch.bool)
    assert d[related].mean() < 0.5 * d[apart].mean()
    poincare_vectors.cache_clear()
    assert poincare_vectors(TREE, seed=7, **options).equal(vectors)
    assert not poincare_vectors(TREE, seed=8, **options).equal(vectors)


def test_a_second_process_reads_the_vectors_and_trains_none(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    options = {"negatives": 4, "dim": 8, "epochs": 20, "seed": 7}
    without_cache = poincare_vectors.__wrapped__.__wrapped__(TREE, **options)
    written = poincare_vectors(TREE, **options)
    poincare_vectors.cache_clear()  # as a new process begins
    with monkeypatch.context() as patched:
        patched.setattr("fecbench_hypemo.vectors._descend", None)
        read = poincare_vectors(TREE, **options)
    assert written.equal(without_cache)
    assert read.equal(without_cache)
    assert not poincare_vectors(TREE.holding(("sad", "annoyed")), **options).equal(read[:4])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("labels", "negatives", "norms", "mean"),
    [(EMPATHETIC_DIALOGUES, 10, (0.87, 1), 12.1), (GOEMOTIONS, 5, (0.98, 1), 11.5)],
)
def test_vectors_spread_about_as_the_released_ones(labels, negatives, norms, mean):
    tree = tree_for(tuple(labels), "auto")
    vectors = poincare_vectors(tree, negatives=negatives, seed=7)[[tree.nodes.index(label) for label in labels]]
    assert norms[0] < vectors.norm(dim=1).min()
    assert vectors.norm(dim=1).max() <= norms[1] - 1e-5 + 1e-12
    a, b = torch.triu_indices(len(vectors), len(vectors), 1)
    assert distance(vectors[a], vectors[b]).mean().item() == pytest.approx(mean, rel=0.25)


train_hypemo = partial(train, "hypemo", batch_size=8, device="cpu")


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dot": "mean", "ball_activation": "none", "projector_lr_step": "epoch", "hyperbolic_weight": 2.0},
        {"hyperbolic_weight": 0.0},
    ],
)
def test_it_trains_and_predicts(toy, tmp_path, options):
    record = train_hypemo(toy, tmp_path / "run", epochs=6, **options)
    logs = [event["logs"] for event in record.history() if event["event"] == "epoch"]
    weight = options.get("hyperbolic_weight", 0.25)
    assert logs[0]["model_loss"] == pytest.approx(
        logs[0]["weighted_cross_entropy"] + weight * logs[0]["hyperbolic"], rel=1e-5
    )
    assert logs[-1]["weighted_cross_entropy"] < logs[0]["weighted_cross_entropy"]
    assert logs[0]["label_distance"] > 0
    settings = {
        name: record.about["settings"][name]["value"] for name in ("head", "optimizer", "schedule", "weight_decay")
    }
    assert settings == {"head": "hypemo", "optimizer": "adam", "schedule": "constant", "weight_decay": 0.01}
    saved = read_tensors(record.folder / "best.safetensors")[0]
    assert saved["objective.label_vectors"].isfinite().all()
    assert Predictor.load(record).probabilities(["my dog died"]).shape == (1, 3)


@pytest.mark.slow
def test_a_tree_of_ones_own_is_used_and_needed_no_more_once_it_was(toy, tmp_path, fecbench):
    file = tmp_path / "tree.toml"
    file.write_text('good = ["glad"]\nbad = ["mad", "sad"]\n')
    record = train_hypemo(toy, tmp_path / "run", tree=str(file))
    vectors = read_tensors(record.folder / "best.safetensors")[0]["objective.label_vectors"].double()
    glad_mad, glad_sad, mad_sad = distance(vectors[[0, 0, 1]], vectors[[1, 2, 2]]).tolist()
    assert mad_sad < min(glad_mad, glad_sad)
    file.unlink()
    assert Predictor.load(record).probabilities(["my dog died"]).shape == (1, 3)
    code, _, err = fecbench(
        "run", "hypemo", "--dataset", toy, "--encoder", "scratch", "--tree", file, "--run-dir", tmp_path / "other"
    )
    assert code == 1
    assert "--tree must be auto, flat, ed, ge or a TOML file" in err
    assert "Traceback" not in err


def test_the_projector_has_a_rate_of_its_own_that_dies_away():
    chosen = plan("hypemo", {"dataset": "ge", "encoder": "scratch"})
    task = Task("ge", tuple(GOEMOTIONS), (), 8, 8, 0)
    objective = HypEmo(chosen.options, task)
    players = assign_parameters(objective, torch.nn.Linear(8, 8), chosen.settings, "hypemo")
    projector = players["projector"].optimizer
    assert type(projector) is torch.optim.Adam
    assert {group["weight_decay"] for group in projector.param_groups} == {0.0}
    rates = []
    for step in range(200):
        players["projector"].schedule(1.0, step, 2000)
        rates.append(projector.param_groups[0]["lr"])
    assert rates[0] == 0.01
    assert rates[-1] == pytest.approx(0.01 / 2**19)
    assert sum(b < a for a, b in pairwise(rates)) == 19


def test_presets_are_the_cards():
    for name, expected in (
        ("ge-prepared", (0.9, 0.1, 5, 1e-5)),
        ("ed-prepared", (1.0, 0.25, 10, 1e-5)),
        ("demo", (1.0, 0.25, 10, 1e-3)),
    ):
        chosen = plan("hypemo", {"dataset": name})
        options = chosen.options
        assert isinstance(options, HypEmoConfig)
        assert (
            options.classification_weight,
            options.hyperbolic_weight,
            options.negatives,
            chosen.settings.lr,
        ) == expected
        assert (chosen.settings.batch_size, chosen.settings.epochs) == (100, 20)
