"""Batch needs are met or refused; second views double a batch."""

from types import SimpleNamespace

import numpy as np
import pytest

from fecbench.core.errors import NeedsError
from fecbench.data.batch import BatchNeeds
from fecbench.data.batches import TokenisedSplit, TrainingBatches
from fecbench.data.datasets.rows import split_from_columns
from tests.support.splits import random_split


def data(rows: int, columns: list[str]):
    labels = {"text": ["a"] * rows, "label": [row % 3 for row in range(rows)]}
    return SimpleNamespace(name="toys", columns=columns, splits={"train": split_from_columns(labels)})


def test_needs_are_met_or_refused_with_requirement_and_finding():
    BatchNeeds(2, ("aug_text",)).check(data(10, ["text", "aug_text", "label"]), 2, None, "objective x")
    with pytest.raises(
        NeedsError,
        match=r"objective x needs the column aug_text, but toys has text, label .* choose a data set that has it",
    ):
        BatchNeeds(columns=("aug_text",)).check(data(10, ["text", "label"]), 2, None, "objective x")
    with pytest.raises(NeedsError, match="objective x needs at least 4 texts in a batch, found --batch-size 2"):
        BatchNeeds(4).check(data(10, ["text", "label"]), 2, None, "objective x")
    with pytest.raises(NeedsError, match="needs at least 4 texts in a batch, but there are 3 training rows"):
        BatchNeeds(4).check(data(3, ["text", "label"]), 8, None, "objective x")
    with pytest.raises(NeedsError, match="needs at least 4 texts in a batch, but there are 2 training rows"):
        BatchNeeds(4).check(data(10, ["text", "label"]), 8, 2, "objective x")
    with pytest.raises(NeedsError, match="needs at least 6 texts in a batch, found --batch-size 4"):
        BatchNeeds(per_label=6).check(data(10, ["text", "label"]), 4, None, "objective x")
    with pytest.raises(
        NeedsError, match="needs 6 texts in groups of 6 of a label, but only 0 rows can be grouped; use more rows"
    ):
        BatchNeeds(per_label=6).check(data(10, ["text", "label"]), 8, None, "objective x")
    with pytest.raises(NeedsError, match="needs at least 12 texts in a batch, found --batch-size 10"):
        BatchNeeds(9, per_label=4).check(data(40, ["text", "label"]), 10, None, "objective x")
    with pytest.raises(NeedsError, match="needs 8 texts in groups of 4 of a label, but only 4 rows can be grouped"):
        BatchNeeds(8, per_label=4).check(data(10, ["text", "label"]), 10, None, "objective x")
    with pytest.raises(NeedsError, match="needs the column aug_text, but toys has text, label"):
        BatchNeeds(second_view="augmented").check(data(10, ["text", "label"]), 8, None, "objective x")


@pytest.mark.parametrize(
    ("needs", "message"),
    [
        ({"columns": "aug_text"}, "columns must be a tuple of names, found the string 'aug_text'"),
        ({"second_view": "augmentd"}, "second_view must be one of none, auto, augmented, dropout, found 'augmentd'"),
        ({"per_label": 0}, "min_size and per_label must be at least 1, found 1 and 0"),
        ({"min_size": -3}, "min_size and per_label must be at least 1, found -3 and 1"),
    ],
)
def test_needs_that_mean_nothing_are_refused(needs, message):
    with pytest.raises(ValueError, match=message):
        BatchNeeds(**needs)


def test_which_columns_come_as_views():
    both = ["text", "aug_text", "label"]
    cases = {
        "none": ((), ()),
        "dropout": ((), ()),
        "auto": (("aug_text",), ()),
        "augmented": (("aug_text",), ("aug_text",)),
    }
    for second_view, expected in cases.items():
        assert (
            BatchNeeds(second_view=second_view).views(both),
            BatchNeeds(second_view=second_view).views(["text"]),
        ) == expected
    assert BatchNeeds(columns=("note", "aug_text"), second_view="auto").views(both) == ("note", "aug_text")


@pytest.mark.parametrize(
    ("second_view", "there", "paraphrased"),
    [("augmented", True, True), ("auto", True, True), ("auto", False, False), ("dropout", True, False)],
)
@pytest.mark.parametrize("ranks", [1, 2])
def test_doubled_holds_every_text_and_then_its_second_view(second_view, there, paraphrased, ranks):
    columns = {"text": random_split(9).columns["text"], "aug_text": random_split(9).columns["text"]}
    rows = TokenisedSplit(
        columns if there else {"text": columns["text"]}, np.arange(9) % 3, [f"t{n}" for n in range(9)], second_view
    )
    for rank in range(ranks):
        batch = next(iter(TrainingBatches(rows, 5, seed=0, rank=rank, ranks=ranks).epoch(1)))
        both = batch.doubled()
        second = batch.views["aug_text"] if paraphrased else batch.tokens
        assert both.tokens.ids.tolist() == batch.tokens.ids.tolist() + second.ids.tolist()
        assert both.tokens.lengths.tolist() == batch.tokens.lengths.tolist() + second.lengths.tolist()
        assert both.labels.tolist() == batch.labels.tolist() * 2
        assert both.texts is None
        assert len(both) == 10
        assert (both.share is None) == (ranks == 1)
        if ranks > 1:
            assert both.share.tolist() == [*batch.share.tolist(), *(place + 5 for place in batch.share.tolist())]


def test_doubling_unasked_is_refused():
    with pytest.raises(NeedsError, match="set second_view in the objective's needs"):
        random_split(5).batch(np.array([1, 2])).doubled()
