"""Missing splits and folds of texts with several labels: every label and size of set is spread, equal texts aren't."""

from collections import Counter

import numpy as np
import pytest

from fecbench.core.errors import DataError
from fecbench.data.datasets.dataset import SPLITS
from fecbench.data.datasets.rows import class_counts, targets_of
from fecbench.data.datasets.splits.missing_splits import SplitChoice, cut_missing
from fecbench.data.datasets.splits.row_labels import RowLabels
from tests.support.label_sets import RATES, data_of, drawn, split_of

CLASSES = len(RATES)


def cut(rows, seed=0, folds=None, fold=0, given=(), **columns):
    splits = {"train": split_of(rows, **columns), **{name: split_of(drawn(60, 7)) for name in given}}
    return cut_missing(data_of(splits), SplitChoice(seed, folds, fold), "here")


def sizes(rows) -> Counter:
    """Count the rows by their number of labels."""
    return Counter(map(len, rows["labels"][:]))


def test_a_row_has_an_entry_for_each_label_and_one_for_none():
    entries = RowLabels.of(split_of([("a", [2, 0]), ("b", []), ("A", [1])]), 3)
    assert entries.rows.tolist() == [0, 0, 1, 2]
    assert entries.labels.tolist() == [2, 0, 3, 1]
    assert entries.units.tolist() == [0, 0, 1, 0]
    assert entries.of_rows(np.array([5, 5, 6, 5])).tolist() == [5, 6, 5]


@pytest.mark.parametrize("folds", [2, 5])
def test_every_row_is_tested_once_and_every_label_is_spread_evenly(folds):
    rows = drawn()
    whole = class_counts(split_of(rows), CLASSES)
    found = [cut(rows, folds=folds, fold=fold) for fold in range(folds)]
    assert sorted(text for data in found for text in data.splits["test"]["text"][:]) == sorted(text for text, _ in rows)
    for data in found:
        assert class_counts(data.splits["test"], CLASSES).tolist() == pytest.approx((whole / folds).tolist(), abs=1)
        validation = class_counts(data.splits["validation"], CLASSES)
        assert validation.tolist() == pytest.approx((0.1 * (1 - 1 / folds) * whole).tolist(), abs=2)
        assert data.cut == ("validation", "test")
    assert len({data.whole for data in found}) == 1


@pytest.mark.parametrize("seed", range(3))
def test_missing_splits_have_a_tenth_of_each_label_and_of_each_size_of_set(seed):
    rows = drawn(2000)
    data = cut(rows, seed)
    whole, by_size = class_counts(split_of(rows), CLASSES), sizes(split_of(rows))
    assert sum(len(data.splits[split]) for split in SPLITS) == len(rows)
    for split in ("validation", "test"):
        assert class_counts(data.splits[split], CLASSES).tolist() == pytest.approx((whole / 10).tolist(), abs=2)
        held_out = sizes(data.splits[split])
        for size in (0, 1, 2, 3):
            assert held_out[size] == pytest.approx(by_size[size] / 10, abs=4 + 0.02 * by_size[size])
        assert len(data.splits[split]) == pytest.approx(len(rows) / 10, rel=0.1)


def test_chance_spreads_rare_labels_less_evenly():
    rows = drawn()
    targets = targets_of(split_of(rows), CLASSES)
    part = np.random.default_rng(0).permutation(len(rows)) % 5
    off = max(abs(targets[part == fold].sum(0) - targets.sum(0) / 5).max() for fold in range(5))
    assert off > 3


def test_equal_texts_with_other_sets_stay_in_one_split():
    rows = [*drawn(300), *((f"TEXT  {number}", [number % CLASSES]) for number in range(0, 300, 5))]
    for folds in (None, 3):
        data = cut(rows, folds=folds)
        texts = [{" ".join(text.casefold().split()) for text in data.splits[split]["text"][:]} for split in SPLITS]
        assert sum(map(len, texts)) == len(set.union(*texts))
        assert sum(len(data.splits[split]) for split in SPLITS) == len(rows)


def test_groups_stay_in_one_split():
    rows = drawn(600)
    data = cut(rows, group=[f"g{number // 5}" for number in range(600)])
    groups = [set(data.splits[split]["group"][:]) for split in SPLITS]
    assert sum(map(len, groups)) == 120
    assert len(data.splits["test"]) == pytest.approx(60, abs=15)


def test_a_text_that_is_most_of_a_label_stays_in_train():
    rows = [*drawn(300), *[("ok", [0, 1])] * 90]
    data = cut(rows)
    assert "ok" in data.splits["train"]["text"][:]
    assert len(data.splits["test"]) < 60


def test_rows_without_a_label_may_be_fewer_than_splits():
    rows = [(text, labels or [0]) for text, labels in drawn(200)]
    data = cut([*rows, ("nothing", [])])
    assert sum(len(data.splits[split]) for split in SPLITS) == 201


def test_a_label_of_too_few_texts_is_named():
    rows = [(text, [label for label in labels if label < 5]) for text, labels in drawn(200)]
    rows = [*rows, ("a", [0, 5]), ("b", [5])]
    with pytest.raises(DataError, match=r"at least 3 different texts, but 'label 5' has 2; add rows"):
        cut(rows)
    assert cut([*rows, ("c", [5])]).cut == ("validation", "test")


@pytest.mark.parametrize("seed", range(5))
def test_a_label_of_three_texts_is_in_every_split(seed):
    rows = [(text, [label for label in labels if label < 5]) for text, labels in drawn(200, seed)]
    data = cut([*rows, ("a", [0, 5]), ("b", [1, 2, 5]), ("c", [5])], seed)
    assert [class_counts(data.splits[split], CLASSES)[5] for split in SPLITS] == [1, 1, 1]


def test_shares_are_cut_by_the_labels_that_they_name():
    rows = drawn(400)
    weights = [[1 / (place + 2) for place in range(len(labels))] for _, labels in rows]
    splits = {"train": split_of(rows, weights=weights)}
    data = cut_missing(data_of(splits, soft=True), SplitChoice(0), "here")
    whole = class_counts(splits["train"], CLASSES)
    assert class_counts(data.splits["test"], CLASSES).tolist() == pytest.approx((whole / 10).tolist(), abs=2)
    kept = dict(zip((text for text, _ in rows), weights, strict=True))
    for split in SPLITS:
        found = data.splits[split]
        for text, shares in zip(found["text"][:], found["weights"][:], strict=True):
            assert shares == pytest.approx(kept[text])


def test_the_cut_is_a_function_of_rows_and_seed():
    rows = drawn(300)
    assert cut(rows, 1).fingerprint == cut(rows, 1).fingerprint != cut(rows, 2).fingerprint


def test_a_given_split_is_kept_as_it_is():
    data = cut(drawn(300), given=["test"])
    assert (len(data.splits["test"]), data.cut) == (60, ("validation",))
