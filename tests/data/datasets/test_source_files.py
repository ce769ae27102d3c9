"""The files that an entry of a description names."""

import os

import pytest

from fecbench.core.errors import DataError, DataNotFound
from fecbench.data.datasets.files.file_formats import READERS
from fecbench.data.datasets.files.source_files import ENDINGS, SourceFile, source_files
from tests.support.raw_rows import put


def names(folder, entry: str) -> list[str]:
    return [str(file.path.relative_to(folder)) for file in source_files(folder, entry)]


def test_each_ending_that_tells_a_format_has_a_reader():
    assert tuple(READERS) == ENDINGS


def test_a_file_is_named_by_its_path(tmp_path, monkeypatch):
    path = put(tmp_path / "data" / "train.csv", "")
    assert source_files(tmp_path, "data/train.csv") == [SourceFile(path)]
    assert source_files(tmp_path / "data", "../data/train.csv")[0].path.samefile(path)
    assert source_files(tmp_path / "elsewhere", str(path)) == [SourceFile(path)]
    monkeypatch.setenv("HOME", str(tmp_path))
    assert source_files(tmp_path / "elsewhere", "~/data/train.csv") == [SourceFile(path)]


def test_a_glob_names_its_files_in_the_order_of_their_names(tmp_path):
    for name in ("b/train-1.csv", "b/train-0.csv", "a/train-9.csv", "a/dev.csv", "train-x.csv/odd", ".train-2.csv"):
        put(tmp_path / name, "")
    assert names(tmp_path, "**/train-*.csv") == ["a/train-9.csv", "b/train-0.csv", "b/train-1.csv"]
    assert names(tmp_path, str(tmp_path / "b" / "train-[01].csv")) == ["b/train-0.csv", "b/train-1.csv"]
    assert names(tmp_path / "b", "train-?.csv") == ["train-0.csv", "train-1.csv"]


def test_a_name_that_looks_like_a_glob_or_an_expression_is_a_file_first(tmp_path):
    put(tmp_path / "train[1].csv", "")
    put(tmp_path / "train1.csv", "")
    put(tmp_path / "train.json#x", "")
    put(tmp_path / "train.json", "")
    assert names(tmp_path, "train[1].csv") == ["train[1].csv"]
    assert source_files(tmp_path, "train.json#x") == [SourceFile(tmp_path / "train.json#x")]
    assert source_files(tmp_path, "train.json#x#y") == [SourceFile(tmp_path / "train.json", rows="x#y")]
    assert source_files(tmp_path, "train.json#y[*]") == [SourceFile(tmp_path / "train.json", rows="y[*]")]


def test_messages_name_the_file_its_member_and_its_rows(tmp_path):
    assert str(SourceFile(tmp_path / "a.zip", "b/c.json", "d[]")) == f"{tmp_path}/a.zip/b/c.json#d[]"
    assert SourceFile(tmp_path / "a.zip", "b/C.JSON.GZ").ending == ".json"
    assert SourceFile(tmp_path / "train").ending == ""


@pytest.mark.parametrize("entry", ["http://x.org/a.csv", "https://x.org/a.csv#b", "hf://datasets/x/y", "hf:owner/name"])
def test_an_address_is_refused(tmp_path, entry):
    with pytest.raises(DataError, match=r"files must be on this machine, found the address .*; download it"):
        source_files(tmp_path, entry)


def test_what_is_not_a_file_is_refused(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe.csv")
    for entry in ("folder.csv", "link.csv", "pipe.csv", "l*.csv"):
        with pytest.raises(DataError, match=r"\.csv must be a file, but is a folder, a pipe or a link to nothing"):
            source_files(tmp_path, entry)


def test_a_missing_file_is_answered_with_what_is_there(tmp_path):
    for name in ("data/train_sent.csv", "data/dev_sent.csv", "readme.md"):
        put(tmp_path / name, "")
    missing = {
        "data/train_sents.csv": r"train_sents\.csv doesn't exist; in .*data, there is train_sent\.csv, dev_sent\.csv; ",
        "data/test*.csv": r"test\*\.csv matches no file; in .*data, there is ",
        "dat/train.csv#a": r"train\.csv doesn't exist; in .*, there is .*data/.*readme\.md; correct the name",
    }
    for entry, says in missing.items():
        with pytest.raises(DataNotFound, match=says):
            source_files(tmp_path, entry)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataNotFound, match="there is nothing; correct the name"):
        source_files(tmp_path / "empty", "train.csv")
