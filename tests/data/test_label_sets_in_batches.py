"""Batches, splits and material of texts with several labels: targets, and no labels."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from fecbench import Batch, DatasetInfo, EmotionData, Material, TokenColumn, TokenisedSplit, Tokens
from fecbench.core.errors import NeedsError, ProtocolError
from fecbench.data.batch import BatchNeeds, LabelSetBatch
from fecbench.data.batches import LabelSetSplit, TrainingBatches
from fecbench.data.datasets.rows import split_from_columns
from fecbench.data.streams import LabelSetMaterial

TARGETS = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0.5, 0]], dtype=np.float32)
COLUMN = TokenColumn(np.arange(4), np.arange(5))


def split():
    return LabelSetSplit({"text": COLUMN}, classes=3, targets=TARGETS, second_view="dropout")


def test_a_batch_holds_the_targets_of_its_rows():
    batch = split().batch(np.array([3, 0]))
    assert isinstance(batch, LabelSetBatch)
    assert batch.targets.tolist() == TARGETS[[3, 0]].tolist()
    assert len(batch) == 2


@pytest.mark.parametrize("holder", [split(), split().batch(np.array([0, 1]))])
def test_reading_labels_is_refused_with_the_remedy(holder):
    with pytest.raises(ProtocolError, match=r"read targets \(\[B, C\]\)"):
        _ = holder.labels


def test_other_names_are_still_missing_attributes():
    assert not hasattr(split(), "unknown")
    assert copy.copy(split().batch(np.array([0]))).targets.tolist() == [[1, 1, 0]]


def test_doubling_repeats_the_targets():
    batch = split().batch(np.array([0, 1])).doubled()
    assert batch.targets.tolist() == TARGETS[[0, 1, 0, 1]].tolist()
    assert batch.rows.tolist() == [0, 1, 0, 1]


def test_predictions_see_neither_targets_nor_labels():
    batch = split().batch(np.array([0, 1])).unlabelled()
    assert not batch.targets.any()
    assert batch.targets.shape == (2, 3)


def test_replacing_another_part_keeps_the_targets():
    batch = replace(split().batch(np.array([0])), second_view="none")
    assert batch.targets.tolist() == [[1, 1, 0]]


def test_moving_a_batch_moves_the_targets():
    batch = split().batch(np.array([0])).to(torch.device("meta"))
    assert {batch.targets.device.type, batch.rows.device.type, batch.tokens.ids.device.type} == {"meta"}


def test_all_ranks_have_all_targets():
    batches = [split().batch(np.array([0, 1, 2]), rank=rank, ranks=2) for rank in range(2)]
    assert [batch.targets.tolist() for batch in batches] == [TARGETS[:3].tolist()] * 2
    assert [len(batch.tokens) for batch in batches] == [2, 1]


def test_training_batches_hold_every_row_once():
    batches = list(TrainingBatches(split(), 2, 0).epoch(1))
    assert sorted(row for batch in batches for row in batch.rows.tolist()) == [0, 1, 2, 3]


def test_groups_of_texts_of_a_label_are_refused():
    rows = split_from_columns({"text": list("abcd"), "labels": [[0, 1], [2], [], [1]]})
    info = DatasetInfo("toy", "", "", "", labelling="multi")
    label_set_data = EmotionData(info, ("a", "b", "c"), dict.fromkeys(("train", "validation", "test"), rows), "")
    BatchNeeds(min_size=2).check(label_set_data, 4, None, "mine")
    with pytest.raises(NeedsError, match="needs one label a text, but toy gives several"):
        BatchNeeds(per_label=2).check(label_set_data, 4, None, "mine")


def test_targets_of_single_labels_are_one_hot_and_made_once():
    batch = TokenisedSplit({"text": COLUMN}, np.array([2, 0, 1, 0]), classes=3).batch(np.array([0, 3]))
    assert batch.targets.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert batch.targets.dtype == torch.float32
    assert batch.targets is batch.targets


def test_targets_need_the_number_of_labels():
    batch = Batch(Tokens.pack([[1]]), torch.tensor([0]), torch.tensor([0]))
    with pytest.raises(ProtocolError, match="number of labels"):
        _ = batch.targets


def test_material_has_targets_of_both_kinds():
    parts = {"texts": ["a"], "tokens": COLUMN, "tokenizer": None, "max_length": 5, "seed": 0, "classes": 3}
    assert Material(labels=np.array([1]), **parts).targets.tolist() == [[0, 1, 0]]
    material = LabelSetMaterial(targets=TARGETS[:1], **parts)
    assert material.targets.tolist() == [[1, 1, 0]]
    with pytest.raises(ProtocolError):
        _ = material.labels
