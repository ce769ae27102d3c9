"""HypEmo's label trees, and the vectors of their nodes."""

import pytest
import torch

from fecbench.data.datasets.builtin.demo import LABELS as DEMO
from fecbench.data.datasets.builtin.descriptions import EMPATHETIC_DIALOGUES, GOEMOTIONS
from fecbench_hypemo import LabelTree, poincare_vectors, tree_for
from fecbench_hypemo.ball import distance
from fecbench_hypemo.tree import TreeError
from fecbench_hypemo.vectors import _sampling_weights, pair_losses
from tests.support.ball import inside


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
