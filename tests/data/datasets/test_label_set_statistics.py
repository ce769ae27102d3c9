"""Statistics of texts with several labels: sizes of sets, frequent sets, contradictory sets, shares."""

import numpy as np
import pytest

from fecbench.data.datasets.measures.label_sets import label_sets, mean_entropy
from fecbench.data.datasets.measures.set_numbers import number_sets, set_name
from fecbench.data.datasets.measures.statistics import measure, statistics
from fecbench.data.datasets.rows import split_from_columns, targets_of
from tests.support.label_sets import data_of, drawn, split_of

LABELS = ("joy", "love", "fear")
TRAIN = [("so glad", [0, 1]), ("So GLAD", [1, 0]), ("no", [2]), ("dark", [2]), ("hm", []), ("my dear", [0, 1, 2])]
TEST = [("SO  glad", [0]), ("no", [2]), ("never", [])]


@pytest.fixture
def found():
    return statistics(data_of({"train": split_of(TRAIN), "validation": split_of(TEST), "test": split_of(TEST)}, LABELS))


def test_sizes_and_sets_are_counted(found):
    assert (found["labelling"], found["soft"]) == ("multi", False)
    sets = found["label_sets"]
    assert sets["mean"] == pytest.approx(9 / 6)
    assert sets["rows"] == {"0": 1, "1": 2, "2": 2, "3": 1}
    assert sets["distinct"] == 4
    assert sets["frequent"] == [
        {"labels": ["joy", "love"], "rows": 2},
        {"labels": ["fear"], "rows": 2},
        {"labels": [], "rows": 1},
        {"labels": ["joy", "love", "fear"], "rows": 1},
    ]
    assert sets["entropy"] is None


def test_pairs_are_sorted_by_what_both_labels_share(found):
    assert found["label_sets"]["together"] == [
        {"labels": ["joy", "love"], "rows": 3, "share": 1.0},
        {"labels": ["joy", "fear"], "rows": 1, "share": pytest.approx(1 / 3, abs=1e-4)},
        {"labels": ["love", "fear"], "rows": 1, "share": pytest.approx(1 / 3, abs=1e-4)},
    ]


def test_the_share_of_a_class_is_that_of_the_rows_with_it(found):
    assert found["majority"] == {
        "label": "joy",
        "share": {"train": 0.5, "validation": round(1 / 3, 6), "test": round(1 / 3, 6)},
    }
    assert found["missing_classes"]["test"] == ["love"]


def test_other_sets_of_one_text_are_contradictory_in_whatever_order(found):
    assert found["contradictions"] == {
        "texts": 1,
        "rows": 4,
        "within": {"train": 0, "validation": 0, "test": 0},
        "examples": [{"text": "so glad", "labels": {"joy + love": 2, "joy": 2}}],
    }


def test_a_text_with_and_without_labels_is_contradictory():
    rows = split_of([("well", [0]), ("well", []), ("oh", [1, 2])])
    (example,) = statistics(data_of(dict.fromkeys(("train", "validation", "test"), rows), LABELS))["contradictions"][
        "examples"
    ]
    assert example["labels"] == {"joy": 3, "no label": 3}


def test_counts_are_those_of_the_targets():
    data = data_of(dict.fromkeys(("train", "validation", "test"), split_of(drawn(500))))
    sets, targets = label_sets(data), targets_of(data.splits["train"], 6) > 0
    assert sets.mean == pytest.approx(targets.sum(1).mean())
    assert list(sets.sizes.values()) == np.bincount(targets.sum(1)).tolist()
    assert len(sets.rows) == len(np.unique(targets, axis=0))
    best = sets.together()[0]
    a, b = (targets[:, data.labels.index(label)] for label in best.labels)
    assert best.rows == (a & b).sum()
    assert best.strength == pytest.approx((a & b).sum() / (a.sum() * b.sum()) ** 0.5)


def test_sets_are_numbered_as_they_occur():
    numbers = number_sets({"train": split_of([("a", [1, 0]), ("b", []), ("c", [0, 1])]), "test": split_of([("d", [])])})
    assert numbers.sets == [(0, 1), ()]
    assert {split: part.tolist() for split, part in numbers.by_split.items()} == {"train": [0, 1, 0], "test": [1]}
    assert [set_name(labels, LABELS) for labels in numbers.sets] == ["joy + love", "no label"]


def test_the_entropy_of_shares_is_the_floor_of_the_likelihood():
    rows = split_of([("a", [0, 1]), ("b", [2])], weights=[[0.5, 0.25], [1.0]])
    quarter = -0.25 * np.log(0.25) - 0.75 * np.log(0.75)
    assert mean_entropy(rows, "multi") == pytest.approx((np.log(2) + quarter) / 2)
    votes = split_of([("a", [0, 1]), ("b", [2])], weights=[[0.5, 0.5], [1.0]])
    assert mean_entropy(votes, "single") == pytest.approx(np.log(2) / 2)
    soft = data_of(dict.fromkeys(("train", "validation", "test"), votes), LABELS, soft=True, labelling="single")
    found = statistics(soft)
    assert (found["labelling"], found["soft"]) == ("single", True)
    assert found["label_sets"]["entropy"] == round(np.log(2) / 2, 4)


def test_one_label_a_text_has_no_sets(demo):
    found = measure(demo)
    assert found.label_sets is None
    assert found.as_dict()["label_sets"] is None


@pytest.fixture
def demo():
    rows = split_from_columns({"text": ["a", "b"], "label": [0, 1]})
    return data_of(dict.fromkeys(("train", "validation", "test"), rows), LABELS[:2], labelling="single")
