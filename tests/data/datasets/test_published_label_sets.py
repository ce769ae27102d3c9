"""Forms in which data with several labels a text is published: each loads with all labels of each text."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from fecbench.core.settings import RunSettings
from fecbench.data.datasets.load import get_dataset, load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.datasets.own.load_path import load_path
from fecbench.data.datasets.rows import targets_of
from fecbench.data.datasets.splits.missing_splits import SplitChoice
from tests.support.shapes.label_sets import ANNOTATIONS_TOML, SHAPES, annotations


def load(shape, folder):
    shape.write(folder)
    if shape.recipe:
        return get_dataset(shape.recipe).load(DataLocations(folder, None, folder / "cache"), SplitChoice(0, cut=False))
    (folder / "dataset.toml").write_text(shape.toml, encoding="utf-8")
    return load_path(folder, {}, SplitChoice(0, cut=False))


def found_sets(data):
    return {
        split: [(row["text"], sorted(data.labels[number] for number in row["labels"])) for row in rows]
        for split, rows in data.splits.items()
    }


@pytest.mark.parametrize("name", SHAPES)
def test_published_files_load_with_all_labels_as_an_independent_reading_does(tmp_path, monkeypatch, name):
    monkeypatch.setattr("fecbench.data.datasets.checks.check_counts", lambda data, *_: data)
    shape = SHAPES[name]
    data = load(shape, tmp_path)
    assert (data.labelling, data.info.soft, data.info.background) == ("multi", False, shape.background)
    assert found_sets(data) == shape.read(tmp_path)
    assert any(len(labels) > 1 for _, labels in found_sets(data)["train"])


@pytest.mark.parametrize("name", [shape.recipe for shape in SHAPES.values() if shape.recipe])
def test_a_recipe_states_its_labelling_before_its_rows_are_loaded(name):
    assert get_dataset(name).info.labelling == "multi"


def test_rows_of_annotations_become_shares(tmp_path):
    annotations(tmp_path)
    (tmp_path / "dataset.toml").write_text(ANNOTATIONS_TOML)
    data = load_dataset(RunSettings(dataset=str(tmp_path)), DataLocations())
    assert (data.labels, data.labelling, data.info.soft) == (("fear", "joy"), "multi", True)
    expected = [[1 / 3, 2 / 3], [1, 0], [0, 0]] * 2
    np.testing.assert_allclose(targets_of(data.splits["test"], 2), expected, rtol=1e-6)
    assert Counter(data.splits["train"]["id"][:]) == Counter(f"train{n}" for n in range(6))
