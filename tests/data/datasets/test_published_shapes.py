"""31 forms in which data sets are published: each loads without a script, or says truly why not."""

from collections import Counter

import pytest

from fecbench.core.errors import DataError
from fecbench.core.settings import RunSettings
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from tests.support.shapes import SHAPES


@pytest.fixture
def unpinned(monkeypatch):
    """Recipes don't compare the rows with the published numbers."""
    for module in ("checks", "builtin.empathetic_dialogues"):
        monkeypatch.setattr(f"fecbench.data.datasets.{module}.check_counts", lambda data, *_: data)


def load(shape, folder):
    shape.write(folder)
    if shape.toml:
        (folder / "dataset.toml").write_text(shape.toml, encoding="utf-8")
    own = {"dataset": folder / shape.flags.get("dataset", "")} if not shape.recipe else {"dataset": shape.recipe}
    settings = RunSettings(**{**shape.flags, **{key: str(value) for key, value in own.items()}})
    return load_dataset(settings, DataLocations(folder, None, folder / "cache"))


def found_rows(data):
    return {split: [(row["text"], data.labels[row["label"]]) for row in rows] for split, rows in data.splits.items()}


@pytest.mark.parametrize("name", SHAPES)
def test_published_files_load_as_an_independent_reading_does(tmp_path, unpinned, name):
    shape = SHAPES[name]
    if shape.refused:
        with pytest.raises(DataError, match=shape.refused):
            load(shape, tmp_path)
        return
    data = load(shape, tmp_path)
    found, expected = found_rows(data), dict(shape.read(tmp_path))
    if shape.unlabelled:
        assert data.unlabelled["text"][:] == [text for text, _ in expected.pop("test")]
        assert "test" not in found
    in_train = [row for split in ("train", *data.cut) for row in found[split]]
    assert Counter(in_train) == Counter(expected.pop("train"))
    assert {split: found[split] for split in found if split not in ("train", *data.cut)} == expected


def test_how_many_of_the_forms_load():
    assert len(SHAPES) == 31
    assert sum(not shape.refused for shape in SHAPES.values()) >= 26
    assert all(len(shape.toml.strip().splitlines()) <= 10 for shape in SHAPES.values())
    assert all(bool(shape.recipe) + bool(shape.toml) + bool(shape.flags) == 1 for shape in SHAPES.values())


def test_train_keeps_the_order_of_the_file(tmp_path, unpinned):
    data = load(SHAPES["MELD"], tmp_path)
    assert found_rows(data)["train"] == SHAPES["MELD"].read(tmp_path)["train"]
