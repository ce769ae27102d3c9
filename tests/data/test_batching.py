"""Batches come in an order that is a function of seed and epoch; groups of labels stay whole."""

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from fecbench.data.batch import BatchNeeds
from fecbench.data.batches import TokenisedSplit, TrainingBatches, text_batches, tokenize_split
from fecbench.data.datasets.load import get_dataset
from fecbench.data.datasets.locations import DataLocations
from tests.support.splits import random_split


def test_take_is_what_a_loop_takes():
    column = random_split(20).columns["text"]
    rows = np.array([3, 3, 19, 0, 7])
    tokens = column.take(rows)
    expected = [column.ids[column.offsets[row] : column.offsets[row + 1]].tolist() for row in rows]
    assert tokens.ids.tolist() == [one for ids in expected for one in ids]
    assert tokens.lengths.tolist() == [len(ids) for ids in expected]
    assert tokens.owners.tolist() == [n for n, ids in enumerate(expected) for _ in ids]
    assert tokens.positions.tolist() == [position for ids in expected for position in range(len(ids))]
    assert tokens.sizes.tolist() == list(map(len, expected))


@pytest.mark.parametrize("bucketed", [False, True])
def test_every_row_once_an_epoch_in_an_order_of_seed_and_epoch(bucketed):
    rows = random_split(203)
    batches = TrainingBatches(rows, 16, seed=1, bucketed=bucketed)
    orders = [[batch.rows.tolist() for batch in batches.epoch(epoch)] for epoch in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert orders[0] != [batch.rows.tolist() for batch in TrainingBatches(rows, 16, seed=2, bucketed=bucketed).epoch(1)]
    assert [len(batch) for batch in orders[0]] == [16] * 12 + [11]
    assert len(batches) == 13
    assert sorted(row for batch in orders[0] for row in batch) == list(range(203))


def test_bucketed_batches_hold_texts_of_similar_length():
    rows = random_split(1600)
    spread = []
    for bucketed in (False, True):
        batches = TrainingBatches(rows, 16, seed=0, bucketed=bucketed).epoch(1)
        spread.append(np.mean([batch.tokens.lengths.float().std().item() for batch in batches]))
    assert spread[1] < 0.3 * spread[0]


def test_a_batch_belongs_together():
    rows = random_split(50, ("text", "aug_text"))
    for batch in TrainingBatches(rows, 8, seed=0).epoch(3):
        assert batch.labels.tolist() == rows.labels[batch.rows].tolist()
        assert batch.tokens.first(batch.tokens.ids[:, None])[:, 0].tolist() == batch.rows.tolist()
        view = batch.view("aug_text")
        assert view.tokens.ids.tolist() == batch.tokens.ids.tolist()
        assert view.labels is batch.labels


def test_a_last_batch_that_is_too_short_is_left_out_and_counted():
    batches = TrainingBatches(random_split(21), 8, seed=0, needs=BatchNeeds(min_size=6))
    assert [len(batch) for batch in batches.epoch(1)] == [8, 8]
    assert (len(batches), batches.left_out) == (2, 5)
    assert TrainingBatches(random_split(21), 8, seed=0, needs=BatchNeeds(min_size=5)).left_out == 0


def test_generators_are_functions_of_seed_epoch_step_and_stream():
    rows = random_split(40)
    one, other = list(TrainingBatches(rows, 16, seed=5).epoch(2))[:2]
    again = next(iter(TrainingBatches(rows, 16, seed=5).epoch(2)))
    cases = ((one, "a"), (again, "a"), (other, "a"), (one, "b"))
    draw = [torch.rand(3, generator=batch.generator(stream)).tolist() for batch, stream in cases]
    assert draw[0] == draw[1]
    assert len({tuple(values) for values in draw}) == 3


def test_evaluation_goes_from_long_to_short_and_misses_no_row():
    rows = random_split(70)
    batches = list(rows.by_length(16))
    lengths = rows.columns["text"].lengths[np.concatenate(batches)]
    assert (np.diff(lengths) <= 0).all()
    assert sorted(np.concatenate(batches)) == list(range(70))


@pytest.mark.parametrize("batch_size", [1, 7, 16, 100])
def test_an_evaluation_batch_has_the_tokens_of_the_longest_texts_at_most(batch_size):
    rows = random_split(70)
    lengths = rows.columns["text"].lengths
    longest = np.sort(lengths)[::-1][:batch_size]
    batches = list(rows.by_length(batch_size))
    assert len(batches[0]) == min(batch_size, 70)
    assert len(batches) <= -(-70 // batch_size)

    def fits(batch: np.ndarray) -> bool:
        return lengths[batch].sum() <= longest.sum() and len(batch) * lengths[batch].max() <= batch_size * longest[0]

    assert all(map(fits, batches))
    for batch, following in pairwise(batches):
        assert len(batch) >= batch_size
        assert not fits(np.append(batch, following[0]))


@pytest.mark.parametrize("batch_size", [70, 71, 5 * 10**16, 10**20])
def test_a_batch_size_beyond_all_rows_is_one_evaluation_batch(batch_size):
    (batch,) = random_split(70).by_length(batch_size)
    assert sorted(batch) == list(range(70))


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_share_a_batch_and_agree_on_all_else(ranks):
    rows = random_split(10)
    whole = next(iter(TrainingBatches(rows, 7, seed=0).epoch(1)))
    parts = [next(iter(TrainingBatches(rows, 7, seed=0, rank=rank, ranks=ranks).epoch(1))) for rank in range(ranks)]
    assert sorted(place for part in parts for place in part.share.tolist()) == list(range(7))
    for part in parts:
        assert part.rows.tolist() == whole.rows.tolist()
        assert part.tokens.first(part.tokens.ids[:, None])[:, 0].tolist() == whole.rows[part.share].tolist()


def test_a_rank_without_a_row_holds_one_but_no_place():
    batch = random_split(5).batch(np.array([4]), rank=1, ranks=2)
    assert (len(batch), len(batch.tokens), len(batch.share)) == (1, 1, 0)


def test_texts_in_order(tokenizer):
    texts = [f"text {n}" for n in range(5)]
    batches = list(text_batches(texts, tokenizer, 10, 2, torch.device("cpu")))
    assert [batch.texts for batch in batches] == [("text 0", "text 1"), ("text 2", "text 3"), ("text 4",)]
    assert [batch.rows.tolist() for batch in batches] == [[0, 1], [2, 3], [4]]


LONG_TAIL = np.repeat(np.arange(6), [150, 61, 20, 7, 2, 1])


@pytest.mark.parametrize("bucketed", [False, True])
@pytest.mark.parametrize(("size", "batch_size", "min_size"), [(2, 16, 1), (3, 16, 1), (4, 16, 9), (8, 8, 1)])
def test_grouped_batches_over_whole_epochs(size, batch_size, min_size, bucketed):
    """Labels come in whole groups, rows at most once an epoch, and only rows that can't be grouped are left out."""
    rows = TokenisedSplit(random_split(len(LONG_TAIL)).columns, LONG_TAIL)
    needs = BatchNeeds(min_size, per_label=size)
    batches = TrainingBatches(rows, batch_size, seed=3, bucketed=bucketed, needs=needs)
    seen = []
    for epoch in (1, 2, 3):
        drawn = [batch.rows.numpy() for batch in batches.epoch(epoch)]
        assert len(drawn) == len(batches)
        assert all(len(part) == batch_size // size * size for part in drawn[:-1])
        assert len(drawn[-1]) >= min_size
        for part in drawn:
            assert (np.bincount(LONG_TAIL[part]) % size == 0).all()
        together = np.concatenate(drawn)
        assert len(np.unique(together)) == len(together) == len(LONG_TAIL) - batches.left_out
        if min_size == 1:
            assert (
                np.bincount(LONG_TAIL[together], minlength=6).tolist()
                == (np.bincount(LONG_TAIL) // size * size).tolist()
            )
        if batch_size // size >= 4:  # groups of all labels stand in any order
            assert np.mean([len(np.unique(LONG_TAIL[part])) for part in drawn]) > 1.8
        seen.append(together.tolist())
    assert seen[0] != seen[1]
    assert set(seen[0]) != set(seen[2])  # other rows are left out in another epoch
    assert [batch.rows.tolist() for batch in batches.epoch(1)] == [
        batch.rows.tolist()
        for batch in TrainingBatches(rows, batch_size, seed=3, bucketed=bucketed, needs=needs).epoch(1)
    ]


def test_what_is_left_out_is_said_with_its_reason():
    rows = TokenisedSplit(random_split(len(LONG_TAIL)).columns, LONG_TAIL)
    assert TrainingBatches(rows, 16, seed=0, needs=BatchNeeds(per_label=4)).notes == (
        "9 rows of each epoch are left out: they fill no group of 4 texts of a label",
    )
    assert TrainingBatches(random_split(21), 8, seed=0, needs=BatchNeeds(min_size=6)).notes == (
        "5 rows of each epoch are left out: they are in a last batch that is too short",
    )
    assert TrainingBatches(random_split(21), 8, seed=0).notes == ()


@pytest.mark.slow
@pytest.mark.skipif(
    not os.environ.get("FECBENCH_TEST_DATA"), reason="FECBENCH_TEST_DATA names no folder with the real files"
)
def test_groups_hold_on_the_long_tail_of_goemotions(tokenizer, tmp_path):
    train = get_dataset("ge-prepared").load(DataLocations(Path(os.environ["FECBENCH_TEST_DATA"]))).splits["train"]
    rows = tokenize_split(train, ["text"], tokenizer, 40, tmp_path)
    batches = TrainingBatches(rows, 64, seed=0, needs=BatchNeeds(per_label=4))
    for epoch in (1, 2):
        drawn = [batch.rows.numpy() for batch in batches.epoch(epoch)]
        assert all((np.bincount(rows.labels[part]) % 4 == 0).all() for part in drawn)
        together = np.concatenate(drawn)
        assert len(np.unique(together)) == len(together) == len(rows) - batches.left_out
    assert batches.left_out == (np.bincount(rows.labels) % 4).sum() > 0
