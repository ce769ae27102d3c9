"""The pairs of a batch are compared by labels or by overlaps of targets, and some are left out."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from pydantic import ValidationError

from fecbench import LabelOverlap, OverlapConfig, Task, cooccurrence_kernel, overlap
from fecbench.core.errors import UsageError

LABELS = ("joy", "love", "anger", "neutral")
SINGLE = Task("toy", LABELS, LABELS, 4, 4, 0)
MULTI = replace(SINGLE, labelling="multi", background=("neutral",))
# joy; joy and neutral; neutral; neutral; nothing; nothing
SETS = torch.tensor([[1.0, 0, 0, 0], [1, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]])
APART = torch.tensor([[1, 2], [1, 3], [2, 3], [4, 5]])


def pairs(task=MULTI, **options):
    return LabelOverlap(OverlapConfig(**options), task)


def mask(indices):
    """A symmetric mask ``[6, 6]`` that is True at the given pairs."""
    found = torch.zeros(6, 6, dtype=torch.bool)
    found[indices[:, 0], indices[:, 1]] = True
    return found | found.T


@pytest.mark.parametrize("options", [{}, {"overlap": "dice"}, {"neutral": "label"}])
def test_labels_stay_labels(options):
    labels = torch.tensor([0, 3, 3])
    targets, left_out = pairs(SINGLE, **options)(labels, torch.arange(3))
    assert targets is labels
    assert left_out is None


def test_pairs_that_share_background_alone_or_have_no_labels_are_left_out():
    targets, left_out = pairs()(SETS)
    assert (left_out & ~torch.eye(6, dtype=torch.bool)).equal(mask(APART))
    assert not targets[left_out].any()
    assert targets[0, 1] == 0.5


def test_pairs_without_labels_are_left_out_where_no_label_is_background():
    _, left_out = pairs(replace(MULTI, background=()))(SETS)
    assert (left_out & ~torch.eye(6, dtype=torch.bool)).equal(mask(APART[3:]))


@pytest.mark.parametrize("kind", ["jaccard", "dice", "cosine", "bhattacharyya", "agreement", "any", "exact"])
def test_neutral_as_a_label_leaves_no_pair_out(kind):
    targets, left_out = pairs(neutral="label", overlap=kind)(SETS)
    assert left_out is None
    assert targets.equal(overlap(SETS, kind))
    assert targets[2, 3] == targets[4, 5] == 1


def test_views_of_one_text_are_never_left_out():
    targets, left_out = pairs()(SETS.repeat(2, 1), torch.arange(6).repeat(2))
    views = torch.arange(6), torch.arange(6, 12)
    assert not left_out[views].any()
    assert targets[views].eq(1).all()
    assert left_out[2, 9]  # the second view of another neutral text


def test_labels_that_occur_together_overlap_in_the_kernel_of_the_training_rows():
    train = torch.tensor([[1.0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    ours = pairs(overlap="cooccurrence", cooccurrence_weight=0.8, neutral="label")
    before, _ = ours(SETS)
    assert before.equal(overlap(SETS, "cooccurrence", torch.eye(4)))
    ours.fit(SimpleNamespace(targets={"train": train, "validation": SETS}))
    assert ours.kernel.equal(cooccurrence_kernel(train, 0.8))
    joy_and_love = torch.eye(4)[:2]
    assert ours(joy_and_love)[0][0, 1].item() == pytest.approx(0.8 / 2**0.5)


def test_only_a_kernel_is_saved_and_nothing_is_fitted_for_other_kinds():
    assert pairs().state_dict() == pairs(SINGLE).state_dict() == {}
    assert list(pairs(overlap="cooccurrence").state_dict()) == ["kernel"]
    assert not list(pairs(SINGLE).buffers())
    pairs().fit(SimpleNamespace())


def test_cooccurrence_needs_more_than_one_label_a_text():
    with pytest.raises(UsageError, match="needs texts with several labels or shares of labels, but toy gives one"):
        pairs(SINGLE, overlap="cooccurrence")
    pairs(replace(SINGLE, soft=True), overlap="cooccurrence")


def test_a_weight_of_cooccurrence_needs_cooccurrence():
    with pytest.raises(ValidationError, match="--cooccurrence-weight needs --overlap cooccurrence, but it is jaccard"):
        OverlapConfig(cooccurrence_weight=0.1)
