"""Rows in memory are read as rows of files are."""

from pathlib import Path

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fecbench.api.given_data import dataset_of
from fecbench.api.given_values import names_of, seeds_of, settings_of
from fecbench.core.errors import DataError, RunError, UsageError
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
    "categories": pd.DataFrame({"text": TEXTS, "label": pd.Categorical(LABELS)}),
    "categories of polars": pa.table(
        {
            "text": pa.array(TEXTS).cast(pa.string_view()),
            "label": pa.DictionaryArray.from_arrays(
                pa.array([0, 1, 2] * 8, pa.uint32()), pa.array(["joy", "fear", "anger"]).cast(pa.string_view())
            ),
        }
    ),
    "columns": {"text": TEXTS, "label": LABELS},
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


def test_columns_of_other_names_are_named_by_settings():
    columns = {"utterance": TEXTS, "emotion": LABELS}
    given = dataset_of(columns)
    assert given == dataset_of(pd.DataFrame(columns))
    named = RunSettings(dataset=given, text_column="utterance", label_column="emotion")
    assert load_dataset(named, DataLocations()).labels == ("anger", "fear", "joy")
    with pytest.raises(DataError, match="column 'text' is missing, found utterance, emotion"):
        load_dataset(RunSettings(dataset=given), DataLocations())


def test_a_text_may_have_several_labels():
    given = dataset_of((TEXTS, [["joy"], ["fear", "joy"], ["anger"]] * 8))
    data = load_dataset(RunSettings(dataset=given, labelling="multi"), DataLocations())
    assert data.labels == ("anger", "fear", "joy")


def test_lists_of_class_numbers_become_names():
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.List(datasets.ClassLabel(names=["joy", "fear"]))}
    )
    rows = datasets.Dataset.from_dict({"text": TEXTS, "label": [[0], [1], [0, 1]] * 8}, features=features)
    data = load_dataset(RunSettings(dataset=dataset_of(rows), labelling="multi"), DataLocations())
    assert data.labels == ("fear", "joy")


def test_an_unknown_class_of_a_test_row_is_no_label():
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["joy", "fear"])}
    )
    labelled = datasets.Dataset.from_dict({"text": TEXTS, "label": [0, 1] * 12}, features=features)
    hidden = datasets.Dataset.from_dict({"text": ["x", "y"], "label": [-1, -1]}, features=features)
    data = load_dataset(RunSettings(dataset=dataset_of({"train": labelled, "test": hidden})), DataLocations())
    assert data.unlabelled is not None


def test_equal_rows_have_one_folder_and_others_another():
    frame = pd.DataFrame({"text": TEXTS, "label": LABELS})
    assert dataset_of((TEXTS, LABELS)) == dataset_of(frame) == dataset_of(frame.astype({"label": "category"}))
    assert dataset_of((TEXTS, LABELS)) != dataset_of((TEXTS, LABELS[::-1]))


def test_names_and_paths_stay_as_they_are(tmp_path):
    assert dataset_of("demo") == "demo"
    assert dataset_of(tmp_path) == str(tmp_path)


def test_a_path_is_never_taken_for_a_registered_name():
    assert dataset_of(Path("demo")) == "./demo"
    assert settings_of({"encoder": Path("minilm")}) == {"encoder": "./minilm"}
    assert names_of([Path("demo"), "demo"], "datasets") == ("./demo", "demo")


@pytest.mark.parametrize("seeds", [3, "10", "0-4", [0.5], [None]])
def test_seeds_are_integers(seeds):
    with pytest.raises(UsageError, match="seeds must be integers"):
        seeds_of(seeds)


@pytest.mark.parametrize("names", [5, [5], [None]])
def test_names_are_text(names):
    with pytest.raises(UsageError, match="metrics must be a name or a list of names"):
        names_of(names, "metrics")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((TEXTS, LABELS[1:]), "has 24 texts and 23 labels"),
        ({"train": (TEXTS, LABELS), "dev": (TEXTS, LABELS)}, "its keys are train, dev"),
        ({"validation": (TEXTS, LABELS)}, "train among them"),
        (7, "but is int"),
        ((pd.DataFrame({"text": TEXTS}), LABELS), "list or column of texts, but they are DataFrame"),
        ((TEXTS, np.eye(24)), "list or column of labels, but they are ndarray"),
        ((TEXTS, [*LABELS[1:], 3]), "can't be read as one .*'int'"),
        (pd.DataFrame({"text": [*TEXTS[1:], 3], "label": LABELS}), "Conversion failed for column text"),
        ([*zip(TEXTS, LABELS, strict=True)][:2], "but is list"),
        (datasets.Dataset.from_dict({"text": TEXTS}).to_iterable_dataset(), "but is IterableDataset"),
    ],
)
def test_other_objects_are_refused(given, message):
    with pytest.raises(UsageError, match=message):
        dataset_of(given)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "a\0b", "\ud800", 5])
def test_a_name_that_no_folder_has_is_refused(name):
    with pytest.raises(UsageError, match="name must be a folder's name in printable characters"):
        dataset_of((TEXTS, LABELS), name)


def test_a_name_that_the_disk_refuses_is_a_message():
    with pytest.raises(RunError, match="choose another name"):
        dataset_of((TEXTS, LABELS), "a" * 300)
