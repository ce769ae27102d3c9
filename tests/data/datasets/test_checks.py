"""Checks of a loaded data set."""

from datasets.arrow_dataset import Column

from fecbench.data.datasets.checks import check_loaded
from fecbench.data.datasets.dataset import DatasetInfo, EmotionData
from fecbench.data.datasets.rows import CHUNK, split_from_columns


def rows(count: int, tag: str):
    return split_from_columns({"text": [f"{tag} {n}" for n in range(count)], "label": [n % 2 for n in range(count)]})


def test_the_rows_are_checked_in_chunks(monkeypatch):
    sizes, read = [], Column.__getitem__

    def recorded(column, key):
        found = read(column, key)
        sizes.append(len(found) if isinstance(key, slice) else 1)
        return found

    splits = {"train": rows(CHUNK + 5, "a"), "validation": rows(4, "b")}
    info, test = DatasetInfo("many", "", "", ""), rows(CHUNK + 5, "c")
    data = EmotionData(info, ("joy", "fear"), splits, "here", unlabelled=test)
    monkeypatch.setattr(Column, "__getitem__", recorded)
    check_loaded(data, "many")
    assert max(sizes) == CHUNK
