"""Files of splits that are recognised by their names."""

import gzip
import zipfile
from pathlib import Path

import pytest

from fecbench.core.errors import DataError, DataNotFound
from fecbench.data.datasets.own.load_path import load_path
from fecbench.data.datasets.splits.missing_splits import SplitChoice
from tests.support.own_data import ROWS, write


def names(data) -> dict[str, list[str]]:
    """The files that were read for each split."""
    return data.reading["files"]


def test_shards_of_the_hub_are_one_file(tmp_path):
    for number in range(2):
        write(tmp_path / "data" / f"train-0000{number}-of-00002.parquet", ROWS[30 * number : 30 * number + 30])
    write(tmp_path / "data" / "test-00000-of-00001.parquet", ROWS[:4])
    data = load_path(tmp_path, {}, SplitChoice(0))
    assert names(data) == {
        "train": ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"],
        "test": ["data/test-00000-of-00001.parquet"],
    }
    assert len(data.splits["train"]) + len(data.splits["validation"]) == len(ROWS)
    assert data.notes[0].startswith("read by their names: data/train-00000-of-00002.parquet, data/train-00001")
    (tmp_path / "data" / "train-00001-of-00002.parquet").unlink()
    with pytest.raises(DataError, match=r"train has 2 shards, but 1 of them are here .*; add the others, or list"):
        load_path(tmp_path, {}, SplitChoice(0))


def test_packed_files_are_recognised(tmp_path):
    plain = write(tmp_path / "train.csv").read_bytes()
    (tmp_path / "train.csv").unlink()
    (tmp_path / "train.csv.gz").write_bytes(gzip.compress(plain))
    with zipfile.ZipFile(tmp_path / "test.csv.zip", "w") as archive:
        archive.writestr("test.csv", plain)
    data = load_path(tmp_path, {}, SplitChoice(0))
    assert names(data) == {"train": ["train.csv.gz"], "test": ["test.csv.zip/test.csv"]}
    assert data.splits["test"]["text"][:] == [text for text, _ in ROWS]


@pytest.mark.parametrize("path", ["", "archive.zip"])
def test_an_archive_is_read_like_a_folder(tmp_path, path):
    plain = write(tmp_path / "x" / "train.csv").read_bytes()
    folder = tmp_path / "set"
    folder.mkdir()
    with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
        archive.writestr("mood/train.csv", plain)
        archive.writestr("mood/dev.csv", plain)
        archive.writestr("__MACOSX/mood/._train.csv", b"\0")
        archive.writestr("README.md", "about")
    data = load_path(folder / path, {}, SplitChoice(0))
    assert [Path(file).name for files in names(data).values() for file in files] == ["train.csv", "dev.csv"]
    assert data.cut == ("test",)
    assert data.notes[0].startswith("read by their names: ")


def test_an_archive_with_one_file_is_a_training_file(tmp_path):
    plain = write(tmp_path / "x.csv").read_bytes()
    with zipfile.ZipFile(tmp_path / "mood.zip", "w") as archive:
        archive.writestr("mood_all.csv", plain)
    data = load_path(tmp_path / "mood.zip", {}, SplitChoice(0))
    assert (data.name, data.cut) == ("mood", ("validation", "test"))


def test_files_of_the_folder_come_before_those_of_data(tmp_path):
    write(tmp_path / "train.csv")
    write(tmp_path / "data" / "train.csv", ROWS[:8])
    data = load_path(tmp_path, {}, SplitChoice(0))
    assert names(data) == {"train": ["train.csv"]}
    assert data.notes[0].startswith("data/train.csv isn't read, since train.csv was found first; put")
    assert len(data.notes) == 1


def test_what_could_be_two_files_is_refused_with_the_ways_out(tmp_path):
    for name in ("train_a.csv", "train_b.csv"):
        write(tmp_path / name)
    with pytest.raises(DataNotFound, match=r"name it with --train-file, .*, or under \[files\] in dataset\.toml"):
        load_path(tmp_path, {}, SplitChoice(0))
    assert names(load_path(tmp_path, {"train_file": "train_*.csv"}, SplitChoice(0))) == {
        "train": ["train_a.csv", "train_b.csv"]
    }


@pytest.fixture
def two_trains(tmp_path):
    """A folder with two possible training files, and files of the other splits."""
    for name in ("train_a.csv", "train_b.csv", "validation.csv", "test.csv"):
        write(tmp_path / name, ROWS[:8])
    return tmp_path


def test_a_flag_for_train_leaves_the_other_splits_to_be_recognised(two_trains):
    data = load_path(two_trains, {"train_file": "train_a.csv"}, SplitChoice(0))
    assert names(data) == {"train": ["train_a.csv"], "validation": ["validation.csv"], "test": ["test.csv"]}
    assert data.notes[0] == "read by their names: validation.csv as validation, test.csv as test"
    chosen = load_path(two_trains, {"train_file": "train_a.csv", "test_file": "train_b.csv"}, SplitChoice(0))
    assert names(chosen) == {"train": ["train_a.csv"], "validation": ["validation.csv"], "test": ["train_b.csv"]}


def test_beside_a_flag_for_train_words_in_names_tell_the_splits(tmp_path):
    for name in ("all.csv", "dev_x.csv", "data/test.csv"):
        write(tmp_path / name, ROWS[:8])
    data = load_path(tmp_path, {"train_file": "all.csv"}, SplitChoice(0))
    assert names(data) == {"train": ["all.csv"], "validation": ["dev_x.csv"]}
    assert data.notes[1].startswith("data/test.csv isn't read, since dev_x.csv was found first")
    write(tmp_path / "dev_y.csv")
    with pytest.raises(DataNotFound, match=r"dev_x\.csv, dev_y\.csv could be it; name it with --validation-file"):
        load_path(tmp_path, {"train_file": "all.csv"}, SplitChoice(0))


def test_unread_files_of_splits_are_named_beside_given_ones(two_trains):
    unread = "test.csv, validation.csv aren't read, since files are named for train alone; name others with "
    assert unread in load_path(two_trains / "train_a.csv", {}, SplitChoice(0)).notes[0]
    (two_trains / "dataset.toml").write_text('[files]\ntrain = ["train_a.csv", "test.csv"]\n')
    data = load_path(two_trains, {}, SplitChoice(0))
    assert data.cut == ("validation", "test")
    assert data.notes[0].startswith("validation.csv isn't read, since files are named for train alone")
    flags = {"validation_file": "validation.csv", "test_file": "train_b.csv"}
    assert load_path(two_trains, flags, SplitChoice(0)).notes == ()
