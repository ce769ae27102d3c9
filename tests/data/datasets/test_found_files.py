"""Files beside those of the splits: label names, descriptions, unused and unreadable files."""

import zipfile
from pathlib import Path

import pytest

from fecbench.core.errors import DataError, DataNotFound
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.datasets.own.load_path import load_path
from fecbench.data.datasets.splits.missing_splits import SplitChoice

NUMBERS = "text,label\n" + "".join(f"some text {n},{n % 2}\n" for n in range(20))


def pack(path, **content):
    """A zip archive with the ``content`` of members; ``a__b_csv`` is called a/b.csv."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in content.items():
            stem, _, ending = name.replace("__", "/").rpartition("_")
            archive.writestr(f"{stem}.{ending}", text)
    return path


def load(path, flags=None):
    return load_path(path, flags or {}, SplitChoice(0))


@pytest.mark.parametrize(
    "content",
    [
        {"train_csv": NUMBERS, "test_csv": "text,label\na,0\nb,1\n", "labels_txt": "joy\nfear\n"},
        {"set__train_csv": NUMBERS, "set__test_csv": "text,label\na,0\nb,1\n", "labels_txt": "joy\nfear\n"},
        {"posts_csv": NUMBERS, "labels_txt": "joy\nfear\n"},
    ],
)
def test_labels_txt_in_an_archive_is_read(tmp_path, content):
    data = load(pack(tmp_path / "mine.zip", **content))
    assert data.labels == ("joy", "fear")
    assert data.reading["labels"]["names"].endswith("labels.txt")


def test_labels_txt_in_the_folder_data_or_its_archive_is_read(tmp_path):
    (tmp_path / "a/data").mkdir(parents=True)
    (tmp_path / "a/data/train.csv").write_text(NUMBERS)
    (tmp_path / "a/data/labels.txt").write_text("joy\nfear\n")
    assert load(tmp_path / "a").labels == ("joy", "fear")
    (tmp_path / "b").mkdir()
    pack(tmp_path / "b/all.zip", train_csv=NUMBERS, labels_txt="joy\nfear\n")
    assert load(tmp_path / "b").labels == ("joy", "fear")


def test_labels_txt_beside_a_file_is_read(tmp_path):
    (tmp_path / "posts.csv").write_text(NUMBERS)
    pack(tmp_path / "mine.zip", posts_csv=NUMBERS, labels_txt="love\nhate\n")
    (tmp_path / "labels.txt").write_text("joy\nfear\n")
    assert load(tmp_path / "posts.csv").labels == ("joy", "fear")
    assert load(tmp_path / "mine.zip").labels == ("love", "hate")
    (tmp_path / "dataset.toml").write_text('labels.names = ["glad", "afraid"]\n')
    assert load(tmp_path / "posts.csv").labels == ("glad", "afraid")


def test_a_description_that_would_be_ignored_is_refused(tmp_path):
    message = r"dataset\.toml must lie in the folder that is given as --dataset.*; unpack"
    for content in ({"train_csv": NUMBERS, "test_csv": NUMBERS}, {"posts_csv": NUMBERS}):
        with pytest.raises(DataError, match=message):
            load(pack(tmp_path / "mine.zip", dataset_toml="title = 'a'\n", **content))
    (tmp_path / "data").mkdir()
    (tmp_path / "data/train.csv").write_text(NUMBERS)
    (tmp_path / "data/dataset.toml").write_text("title = 'a'\n")
    with pytest.raises(DataError, match=r"data/dataset\.toml must lie in"):
        load(tmp_path)


def test_files_of_splits_in_data_that_are_not_read_are_told(tmp_path):
    (tmp_path / "data").mkdir()
    for name in ("train.csv", "data/train.csv", "data/test.csv"):
        (tmp_path / name).write_text(NUMBERS)
    told = "data/test.csv, data/train.csv aren't read, since train.csv was found first; put the files in one folder"
    assert told in "".join(load(tmp_path).notes)


def test_files_that_could_be_those_of_one_split_are_named(tmp_path):
    for name in ("train_x.csv", "test_x.csv", "test_unlabeled.csv"):
        (tmp_path / name).write_text(NUMBERS)
    with pytest.raises(
        DataNotFound, match=r"one test file is needed, but test_unlabeled\.csv, test_x\.csv could be it; .*--test-file"
    ):
        load(tmp_path)
    assert load(tmp_path, {"test_file": "test_x.csv"}).reading["files"]["test"] == ["test_x.csv"]
    (tmp_path / "train_y.csv").write_text(NUMBERS)
    with pytest.raises(DataNotFound, match=r"one train file is needed, but train_x\.csv, train_y\.csv could be it; "):
        load(tmp_path)


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "clone").mkdir()
    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(DataError, match=rf"{tmp_path} can't be read: Permission denied; check it and its permissions"):
        load(tmp_path)
    with pytest.raises(DataError, match=rf"{tmp_path} can't be read: Permission denied"):
        DataLocations(tmp_path, None, tmp_path).find_files("meld", ["data/train.csv"])


def test_a_file_that_cannot_be_reached_is_named(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "train.csv").write_text(NUMBERS)
    monkeypatch.setattr(Path, "lstat", refuse)
    with pytest.raises(DataError, match=r"train\.csv can't be read: Permission denied; check it and its permissions"):
        load(tmp_path / "train.csv")
