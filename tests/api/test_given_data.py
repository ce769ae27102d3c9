"""Rows in memory are read as rows of files are."""

import datasets
import numpy as np
import pandas as pd
import pytest

from fecbench.api.given_data import dataset_of
from fecbench.core.errors import UsageError
from fecbench.core.settings import RunSettings
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations

TEXTS = [f"text {number}" for number in range(24)]
LABELS = ["joy", "fear", "anger"] * 8


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def rows(data, split="train"):
    loaded = load_dataset(RunSettings(dataset=dataset_of(data)), DataLocations(), cut=False)
    part = loaded.splits[split]
    return dict(zip(part["text"][:], [loaded.labels[label] for label in part["label"][:]], strict=True))


GIVEN = {
    "lists": (TEXTS, LABELS),
    "arrays": (np.array(TEXTS), np.array(LABELS)),
    "series": (pd.Series(TEXTS), pd.Series(LABELS)),
    "frame": pd.DataFrame({"text": TEXTS, "label": LABELS}),
    "filtered frame": pd.DataFrame({"text": [*TEXTS, "x"], "label": [*LABELS, "none"]}).query("label != 'none'"),
    "dataset": datasets.Dataset.from_dict({"text": TEXTS, "label": LABELS}),
    "dataset with class names": datasets.Dataset.from_dict({"text": TEXTS, "label": [0, 1, 2] * 8}).cast_column(
        "label", datasets.ClassLabel(names=["joy", "fear", "anger"])
    ),
    "mapping": {"train": (TEXTS, LABELS)},
    "dataset dictionary": datasets.DatasetDict(train=datasets.Dataset.from_dict({"text": TEXTS, "label": LABELS})),
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_rows_of_every_kind_are_read(given):
    assert rows(given) == dict(zip(TEXTS, LABELS, strict=True))


def test_splits_stay_apart():
    given = {"train": (TEXTS, LABELS), "validation": (["a", "b"], ["joy", "fear"]), "test": (["c"], ["anger"])}
    assert rows(given, "validation") == {"a": "joy", "b": "fear"}
    assert rows(given, "test") == {"c": "anger"}


def test_equal_rows_have_one_folder_and_others_another():
    assert dataset_of((TEXTS, LABELS)) == dataset_of(pd.DataFrame({"text": TEXTS, "label": LABELS}))
    assert dataset_of((TEXTS, LABELS)) != dataset_of((TEXTS, LABELS[::-1]))


def test_names_and_paths_stay_as_they_are(tmp_path):
    assert dataset_of("demo") == "demo"
    assert dataset_of(tmp_path) == str(tmp_path)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((TEXTS, LABELS[1:]), "has 24 texts and 23 labels"),
        (pd.DataFrame({"utterance": TEXTS, "label": LABELS}), "lacks text .it has utterance, label."),
        ({"train": (TEXTS, LABELS), "dev": (TEXTS, LABELS)}, "its keys are train, dev"),
        ({"validation": (TEXTS, LABELS)}, "train among them"),
        (7, "but is int"),
    ],
)
def test_other_objects_are_refused(given, message):
    with pytest.raises(UsageError, match=message):
        dataset_of(given)
