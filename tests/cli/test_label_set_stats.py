"""``fecbench data`` and ``fecbench data stats`` on texts with several labels."""

import json

import pytest

from fecbench.data.datasets.measures.statistics import measure
from fecbench.terminal.statistics_tables import print_statistics
from tests.support.label_sets import data_of, drawn, split_of


def test_sets_of_labels_are_printed(fecbench):
    code, out, err = fecbench("data", "stats", "demo-multi", "demo")
    assert code == 0, err
    (found,) = json.loads(fecbench("data", "stats", "demo-multi", "--json")[1])
    sets = found["label_sets"]
    assert f"Training rows of demo-multi by their number of labels ({sets['mean']:.4f} on average, 45" in out
    lines = [line.split() for line in out.splitlines()]
    for size, rows in sets["rows"].items():
        assert [size, str(rows), str(round(100 * rows / 420, 2))] in lines
    assert "Most frequent sets of labels in train of demo-multi" in out
    best = sets["together"][0]
    assert [*", ".join(best["labels"]).split(), str(best["rows"]), str(best["share"])] in lines
    assert "Rows of each class of demo-multi (a row with several counts for each)" in out
    assert "its share is that of the rows with it, among other labels" in out
    assert "of labels in train of demo\n" not in out


def test_the_accuracy_of_one_class_is_promised_only_where_labels_exclude_one_another(fecbench):
    assert "its share is the accuracy of always predicting it" in fecbench("data", "stats", "demo")[1]
    assert "accuracy" not in fecbench("data", "stats", "demo-multi")[1]


def test_other_classes_have_no_share_of_rows_that_could_count_twice(capsys):
    labels = [f"label {number:02}" for number in range(45)]
    rows = [(f"text {number}", [number % 45, (number + 1) % 45]) for number in range(90)]
    print_statistics([measure(data_of(dict.fromkeys(("train", "validation", "test"), split_of(rows)), labels))])
    out = capsys.readouterr().out
    (others,) = [line for line in out.splitlines() if line.startswith("6 others")]
    assert others.split()[-3:] == ["24", "24", "24"]


def test_the_entropy_of_shares_is_printed(capsys):
    rows = drawn(40)
    weights = [[0.5] * len(labels) for _, labels in rows]
    splits = dict.fromkeys(("train", "validation", "test"), split_of(rows, weights=weights))
    print_statistics([measure(data_of(splits, soft=True))])
    entropy = measure(data_of(splits, soft=True)).label_sets.entropy
    assert f"Entropy of the shares in several: {entropy:.4f} nats a training row" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "labels"), [("demo-multi", "12, several a text"), ("demo", "12")])
def test_the_list_says_whether_a_text_can_have_several_labels(fecbench, name, labels):
    rows = {row["name"]: row for row in json.loads(fecbench("data", "--json")[1])}
    assert (rows["demo-multi"]["labelling"], rows["demo"]["labelling"]) == ("multi", "single")
    assert (rows["ge-multi"]["background"], rows["ge-multi"]["soft"]) == (["neutral"], False)
    (line,) = [line for line in fecbench("data")[1].splitlines() if line.split()[:1] == [name]]
    assert f" {labels}  " in line
