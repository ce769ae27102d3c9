"""Rows with several labels, or with shares of labels: their targets, digests and checks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fecbench import DatasetInfo, EmotionData
from fecbench.core.errors import DataError, PluginError
from fecbench.data.datasets.checks import check_loaded
from fecbench.data.datasets.rows import class_counts, digest_rows, split_from_columns, targets_of

LABELS = ("joy", "love", "fear")
SETS = [[0, 1], [2], [], [1]]
SHARES = [[0.5, 0.25], [1.0], [], [0.75]]


def split(sets=SETS, **columns):
    return split_from_columns({"text": [f"text {n}" for n in range(len(sets))], "labels": sets, **columns})


def data(**changes):
    info = DatasetInfo("toy", "", "", "", labelling="multi")
    splits = dict.fromkeys(("train", "validation", "test"), split())
    return replace(EmotionData(info, LABELS, splits, ""), **changes)


def test_targets_are_1_at_each_label_of_a_row():
    assert targets_of(split(), 3).tolist() == [[1, 1, 0], [0, 0, 1], [0, 0, 0], [0, 1, 0]]


def test_targets_of_shares_are_the_shares():
    targets = targets_of(split(weights=SHARES), 3)
    assert targets.dtype == np.float32
    assert targets.tolist() == [[0.5, 0.25, 0], [0, 0, 1], [0, 0, 0], [0, 0.75, 0]]


def test_targets_of_one_label_a_text_are_one_hot():
    rows = split_from_columns({"text": ["a", "b"], "label": [2, 0]})
    assert targets_of(rows, 3).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert class_counts(rows, 3).tolist() == [1, 0, 1]


def test_targets_of_many_rows_continue_in_the_next_chunk(monkeypatch):
    monkeypatch.setattr("fecbench.data.datasets.rows.CHUNK", 3)
    assert targets_of(split(), 3).sum(0).tolist() == class_counts(split(), 3).tolist() == [1, 2, 1]


def test_the_digest_doesnt_depend_on_the_order_of_a_rows_labels():
    assert digest_rows(split(), LABELS) == digest_rows(split([[1, 0], [2], [], [1]]), LABELS)
    swapped = split([[1, 0], [2], [], [1]], weights=[[0.25, 0.5], *SHARES[1:]])
    assert digest_rows(split(weights=SHARES), LABELS) == digest_rows(swapped, LABELS)


def test_the_digest_reads_labels_by_name():
    renumbered = split([[2, 1], [0], [], [1]])
    assert digest_rows(split(), LABELS) == digest_rows(renumbered, LABELS[::-1])


@pytest.mark.parametrize(
    "other",
    [
        split([[0], [2], [], [1]]),
        split([[0, 1], [2], [1], []]),
        split(weights=SHARES),
        split(weights=[[0.5, 0.25], [1.0], [], [0.5]]),
        split(weights=[[0.25, 0.5], [1.0], [], [0.75]]),
    ],
)
def test_the_digest_changes_with_labels_and_shares(other):
    digests = {digest_rows(rows, LABELS) for rows in (split(), other, split(weights=[[1.0, 1.0], [1.0], [], [1.0]]))}
    assert len(digests) == 3


def test_names_with_the_joining_mark_are_not_two_labels():
    one, two = split([[0], [0]]), split([[0, 1], [0]])
    assert digest_rows(one, ("a\x1fb", "c")) != digest_rows(two, ("a", "b"))


def test_rows_without_a_label_are_counted_in_a_note():
    assert "1 of 4 test rows have no label" in check_loaded(data(), "toy").notes


def test_a_label_that_every_training_row_has_is_refused():
    splits = {**data().splits, "train": split([[0, 1], [0, 2]])}
    with pytest.raises(DataError, match="all rows have joy"):
        check_loaded(data(splits=splits), "toy")


def test_a_label_without_a_training_row_is_refused():
    splits = {**data().splits, "train": split([[0], [2]])}
    with pytest.raises(DataError, match="has no row of love"):
        check_loaded(data(splits=splits), "toy")


@pytest.mark.parametrize("sets", [[[0, 3]], [[0, 0]], [[-1]]])
def test_label_sets_with_wrong_numbers_are_refused(sets):
    with pytest.raises(PluginError, match="lists of different labels"):
        check_loaded(data(splits={**data().splits, "test": split(sets)}), "toy")


def test_one_label_a_text_is_refused_where_several_are_promised():
    rows = split_from_columns({"text": ["a"], "label": [0]})
    with pytest.raises(PluginError, match="give text and labels, but test lacks labels"):
        check_loaded(data(splits={**data().splits, "test": rows}), "toy")


@pytest.mark.parametrize(
    "shares", [[[0.5], [1.0], [], [1.0]], [[0.5, 1.5], [1.0], [], [1.0]], [[0.5, 0], [1.0], [], [1]]]
)
def test_shares_must_be_numbers_for_each_label(shares):
    soft = replace(data().info, soft=True)
    splits = dict.fromkeys(("train", "validation", "test"), split(weights=shares))
    with pytest.raises(PluginError, match="with a weight above 0 and up to 1 for each"):
        check_loaded(data(info=soft, splits=splits), "toy")


def test_shares_of_labels_that_exclude_one_another_add_up_to_1():
    soft = replace(data().info, soft=True, labelling="single")
    right = split([[0, 1], [2]], weights=[[0.7, 0.3], [1.0]])
    assert check_loaded(data(info=soft, splits=dict.fromkeys(data().splits, right)), "toy").labels == LABELS
    wrong = split([[0, 1], [2]], weights=[[0.7, 0.7], [1.0]])
    with pytest.raises(PluginError, match="weight"):
        check_loaded(data(info=soft, splits=dict.fromkeys(data().splits, wrong)), "toy")
