"""Folds of a cross-validation: every row is tested once, and no text or group is trained on and tested."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fecbench.core.errors import DataError, UsageError
from fecbench.core.settings import RunSettings, build
from fecbench.data.datasets.dataset import SPLITS
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.datasets.splits.missing_splits import SplitChoice, cut_missing
from fecbench.data.datasets.splits.stratification import stratified
from tests.support.cuts import column, cut, uncut
from tests.support.own_data import write


def rows_of(count: int = 200) -> list[tuple[str, int, str]]:
    """Rows of three labels in falling numbers; every tenth text occurs twice, under two labels."""
    draw = np.random.default_rng(0)
    once = [(f"text {n}", int(draw.choice(3, p=[0.6, 0.3, 0.1])), f"g{n // 4}") for n in range(count)]
    return once + [(f"TEXT  {n}", (label + 1) % 3, f"g{n // 4}") for n, (_, label, _) in enumerate(once) if n % 10 == 0]


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("folds", [2, 5])
def test_every_row_is_tested_once(folds, grouped):
    rows = rows_of()
    found = [cut(rows, folds=folds, fold=fold, grouped=grouped) for fold in range(folds)]
    tested = [text for data in found for text in column(data, "test")]
    assert sorted(tested) == sorted(text for text, _, _ in rows)
    for data in found:
        assert sum(len(data.splits[split]) for split in SPLITS) == len(rows)
        assert len(data.splits["test"]) == pytest.approx(len(rows) / folds, abs=4)
        assert len(data.splits["validation"]) == pytest.approx(0.1 * (len(rows) - len(data.splits["test"])), abs=5)
        assert all(set(column(data, split, "label")) == {0, 1, 2} for split in SPLITS)
        parts = [{" ".join(text.casefold().split()) for text in column(data, split)} for split in SPLITS]
        assert sum(map(len, parts)) == len(set.union(*parts))
        if grouped:
            groups = [set(column(data, split, "group")) for split in SPLITS]
            assert sum(map(len, groups)) == 50
        assert data.cut == ("validation", "test")
        assert f"{folds}-fold cross-validation: the test rows of each fold are cut from the training rows" in data.notes


def test_classes_are_spread_evenly_over_folds():
    rows = rows_of(503)
    whole = Counter(label for _, label, _ in rows)
    for fold in range(5):
        found = Counter(column(cut(rows, folds=5, fold=fold, grouped=False), "test", "label"))
        assert {label: found[label] for label in whole} == pytest.approx(
            {label: count / 5 for label, count in whole.items()}, abs=1.5
        )


def test_folds_of_one_cut_share_a_digest_that_others_lack():
    rows = rows_of(60)
    found = [cut(rows, folds=3, fold=fold) for fold in range(3)]
    assert len({data.whole for data in found}) == 1
    assert len({data.fingerprint for data in found}) == 3
    others = [cut(rows, 1, folds=3), cut(rows, folds=4), cut(rows[:-1], folds=3)]
    assert len({data.whole for data in [found[0], *others]}) == 4
    assert cut(rows).whole == ""


def test_a_published_validation_split_serves_every_fold():
    found = [cut(rows_of(60), folds=3, fold=fold, given=["validation"]) for fold in range(3)]
    assert {tuple(column(data, "validation")) for data in found} == {tuple(f"validation {n}" for n in range(3))}
    assert {data.cut for data in found} == {("test",)}
    assert "the validation split is the same in every fold" in found[0].notes


def test_a_test_split_without_labels_gives_way_to_the_folds():
    data = uncut(rows_of(60))
    data = replace(data, unlabelled=data.splits["train"].remove_columns(["label"]))
    assert cut_missing(data, SplitChoice(0), "here").cut == ("validation",)
    folded = cut_missing(data, SplitChoice(0, 3), "here")
    assert (folded.unlabelled, folded.cut) == (None, ("validation", "test"))
    assert "the test split without labels isn't used: the test rows are those of the folds" in folded.notes


def test_a_published_test_split_is_refused():
    with pytest.raises(DataError, match="--folds cuts test splits from the training rows, but"):
        cut(rows_of(60), folds=3, given=["test"])
    chosen = build(RunSettings, {"dataset": "demo", "folds": 3}, "settings")
    with pytest.raises(DataError, match="demo: --folds cuts test splits"):
        load_dataset(chosen, DataLocations())


def test_a_class_of_fewer_texts_than_folds_is_named(tmp_path):
    rows = [(text, f"l{label}") for text, label, _ in rows_of(60)] + [(f"guilt {n}", "guit") for n in range(4)]
    path = write(tmp_path / "train.csv", rows)
    chosen = build(RunSettings, {"dataset": str(path), "folds": 5}, "settings")
    with pytest.raises(DataError, match=r"cut 5 folds and validation from train, .* 5 training rows, but 'guit' has 4"):
        load_dataset(chosen, DataLocations())
    with pytest.raises(DataError, match=r"at least 4 different texts, but 'label 1' has 3; .* give a validation file"):
        cut([*((f"a {n}", 0, "") for n in range(9)), *((f"b {n}", 1, "") for n in range(3))], folds=2, grouped=False)


def test_too_few_texts_outside_a_fold_ask_for_a_validation_file():
    rows = [*[("long", 0, "")] * 10, *((f"a {n}", 0, "") for n in range(3)), *((f"b {n}", 1, "") for n in range(20))]
    for fold in (0, 1):
        with pytest.raises(DataError, match=r"outside fold \d 'label 0' has 1; add rows, or give a validation file"):
            cut(rows, folds=2, fold=fold, grouped=False)
    assert cut(rows, folds=2, grouped=False, given=["validation"]).cut == ("test",)


def test_the_remedy_for_two_folds_is_not_to_lower_them():
    assert SplitChoice(0, folds=3).remedy(["validation", "test"]) == "lower --folds"
    assert SplitChoice(0, folds=2).remedy(["validation", "test"]) == "give a validation file"
    assert SplitChoice(0, folds=2).remedy(["test"]) == "give a test file instead of --folds"


def test_folds_of_a_set_with_a_test_split_are_refused_before_its_rare_classes(tmp_path):
    rows = [(text, f"l{label}") for text, label, _ in rows_of(60)]
    write(tmp_path / "train.csv", [*rows, ("guilt", "guit")])
    write(tmp_path / "test.csv", [(f"{text} of the test", label) for text, label in rows])
    chosen = build(RunSettings, {"dataset": f"{tmp_path}/", "folds": 5}, "settings")
    with pytest.raises(DataError, match="this data set has a test split of its own"):
        load_dataset(chosen, DataLocations())


def test_a_fold_that_is_none_is_refused():
    for wrong in ({"folds": 3, "fold": 3}, {"fold": 1}, {"folds": 1}):
        with pytest.raises(UsageError, match="--fold"):
            build(RunSettings, {"dataset": "x", **wrong}, "run settings")


@settings(max_examples=60)
@given(st.data())
def test_units_stay_whole_and_parts_get_every_class_that_can_be_spread(data):
    classes, parts = data.draw(st.integers(2, 5)), data.draw(st.integers(2, 6))
    units = np.array(data.draw(st.lists(st.integers(0, 40), min_size=20, max_size=120)))
    labels = np.array(data.draw(st.lists(st.integers(0, classes - 1), min_size=len(units), max_size=len(units))))
    counts = np.bincount(labels, minlength=classes)
    part = stratified(labels, units, np.tile(counts / parts, (parts, 1)), 0)
    assert part.dtype == np.int8
    assert set(part) <= set(range(parts))
    for unit in set(units.tolist()):
        assert len(set(part[units == unit])) == 1
    alone = np.bincount(units)[units] == 1
    for label in range(classes):
        if (alone & (labels == label)).sum() >= parts:
            assert set(part[labels == label]) == set(range(parts))
