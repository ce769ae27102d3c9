"""Labels that occur together in training rows, as a supervision of pairs: for sets of labels and for single labels."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import one_hot

from fecbench import FecbenchError, LabelSetBatch, Task, Tokens, cooccurrence_kernel, overlap
from fecbench.core.files import read_tensors
from fecbench.data.batch import Batch
from fecbench.data.datasets.builtin.demo import LABELS
from fecbench.data.datasets.training_targets import training_targets
from fecbench.training.checkpoints import BEST
from fecbench_aml import AML, AMLConfig
from fecbench_aml.cooccurrence import kernel_of, strongest
from tests.support.train import train

NAMES = ("a", "b", "c")
SETS = torch.tensor([[1, 1, 0], [1, 0, 0], [0, 1, 1], [1, 1, 0], [0, 0, 1]], dtype=torch.float32)
SINGLE = Task("toy", NAMES, (), 8, 8, 0)


def stage(targets, others=None):
    """The training rows, and those of other data sets by name."""
    return SimpleNamespace(targets={"train": targets}, training_targets=(others or {}).__getitem__)


def test_the_kernel_is_that_of_the_runs_own_training_rows():
    expected = cooccurrence_kernel(SETS, 0.3)
    assert kernel_of(stage(SETS), SINGLE, None, "all", 0.3).equal(expected)
    assert 0 < expected[0, 1] < 1
    assert expected[0, 2] == 0


def test_labels_are_more_alike_in_rows_of_several_labels():
    several, every = (kernel_of(stage(SETS), SINGLE, None, rows, 1.0) for rows in ("several", "all"))
    assert several.equal(cooccurrence_kernel(SETS[[0, 2, 3]], 1.0))
    assert several[0, 1] > every[0, 1]


def test_another_data_sets_labels_are_taken_by_their_names():
    others = {"other": (("c", "d", "a", "b"), torch.tensor([[0.0, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]]))}
    found = kernel_of(stage(torch.eye(3), others), SINGLE, "other", "all", 1.0)
    assert found.equal(cooccurrence_kernel(torch.tensor([[1.0, 1, 0], [0, 0, 1], [0, 0, 1]]), 1.0))


def test_rows_of_one_label_each_say_nothing():
    for targets, other in ((torch.eye(3), None), (SETS, "other")):
        with pytest.raises(
            FecbenchError,
            match=f"needs training rows with several labels, but those of {other or 'toy'} have one each; .* such as",
        ):
            kernel_of(stage(targets, {"other": (NAMES, torch.eye(3))}), SINGLE, other, "all", 1.0)


def test_another_data_set_must_have_the_runs_labels():
    with pytest.raises(FecbenchError, match="must have all labels of the run, but other lacks b, c; give another"):
        kernel_of(stage(SETS, {"other": (("a", "x"), torch.ones(1, 2))}), SINGLE, "other", "all", 1.0)


def test_the_labels_most_alike_come_first():
    kernel = torch.eye(4)
    kernel[0, 3] = kernel[3, 0] = 0.5
    kernel[1, 2] = kernel[2, 1] = 0.25
    found = strongest(kernel, ["a", "b", "c", "d"])
    assert list(found.items())[:2] == [("a + d", 0.5), ("b + c", 0.25)]
    assert len(found) == 5


def test_pairs_of_single_labels_have_the_kernels_entries_as_targets():
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    aml = AML(AMLConfig(overlap="cooccurrence", cooccurrence_weight=1.0, k_pos=5, k_neg=5), SINGLE)
    aml.before_training(stage(SETS))
    pairs = aml.mine(torch.randn(6, 8), Batch(Tokens.pack([[1]] * 6), labels, torch.arange(6), classes=3))
    kernel = aml.pair_targets.kernel
    torch.testing.assert_close(pairs.target, kernel[labels[pairs.i], labels[pairs.j]])
    graded = (pairs.target > 0) & (pairs.target < 1) & pairs.valid
    assert graded.any()
    assert kernel.equal(cooccurrence_kernel(SETS, 1.0))
    assert aml.report() == {"cooccurrence": strongest(kernel, NAMES)}


def test_without_weight_cooccurrence_is_the_paper():
    labels, z = torch.tensor([0, 1, 2, 0, 1, 2]), torch.randn(6, 8)
    batch = Batch(Tokens.pack([[1]] * 6), labels, torch.arange(6), classes=3)
    aml = AML(AMLConfig(overlap="cooccurrence", cooccurrence_weight=0.0), SINGLE)
    aml.before_training(stage(SETS))
    ours, paper = aml.mine(z, batch), AML(AMLConfig(), SINGLE).mine(z, batch)
    assert all(a[paper.valid].equal(b[paper.valid]) for a, b in zip(ours, paper, strict=True))
    assert ours.valid.equal(paper.valid)


def test_pairs_of_sets_overlap_under_the_kernel():
    aml = AML(AMLConfig(overlap="cooccurrence", k_pos=4, k_neg=4), Task("toy", NAMES, (), 8, 8, 0, labelling="multi"))
    aml.before_training(stage(SETS))
    batch = LabelSetBatch(Tokens.pack([[1]] * 5), rows=torch.arange(5), targets=SETS)
    pairs = aml.mine(torch.randn(5, 8), batch)
    expected = overlap(SETS, "cooccurrence", cooccurrence_kernel(SETS, 0.5))
    torch.testing.assert_close(pairs.target, expected[pairs.i, pairs.j])


def test_one_hot_rows_overlap_as_their_labels_are_alike():
    kernel = cooccurrence_kernel(SETS, 0.7)
    torch.testing.assert_close(overlap(one_hot(torch.arange(3), 3), "cooccurrence", kernel), kernel)


@pytest.mark.slow
def test_a_run_on_single_labels_learns_from_another_data_sets_training_rows(tmp_path):
    options = {"overlap": "cooccurrence", "cooccurrence_from": "demo-multi", "cooccurrence_rows": "several"}
    record = train("aml", "demo", tmp_path / "run", limit=64, epochs=1, **options)
    targets = training_targets("demo-multi").targets
    expected = cooccurrence_kernel(targets[targets.sum(1) > 1], 0.5)
    weights, _ = read_tensors(record.folder / BEST)
    assert weights["objective.pair_targets.kernel"].equal(expected)
    assert record.result["report"] == {"cooccurrence": strongest(expected, LABELS)}
    assert any("aml_excess" in event.get("logs", {}) for event in record.history())


@pytest.mark.slow
def test_a_run_on_single_labels_alone_is_refused(toy, tmp_path):
    with pytest.raises(FecbenchError, match=r"--overlap cooccurrence needs training rows with several labels"):
        train("aml", toy, tmp_path / "run", epochs=1, overlap="cooccurrence")
