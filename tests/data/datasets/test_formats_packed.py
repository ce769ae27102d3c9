"""Compressed files, zip archives and Parquet: read like the plain file, or refused in plain words."""

import bz2
import gzip
import io
import json
import lzma
import zipfile

import pyarrow
import pytest
from pyarrow import parquet

from fecbench.core.errors import DataError, DataNotFound
from fecbench.data.datasets.description.schema import ColumnNames
from fecbench.data.datasets.files import opening
from fecbench.data.datasets.files.file_formats import class_names
from fecbench.data.datasets.files.source_files import SourceFile, source_files
from tests.support.raw_rows import positions, put, rows_of

ROWS = [{"text": f'text "{number}", more', "label": ("joy", "fear")[number % 2]} for number in range(50)]


def parquet_bytes(rows=ROWS) -> bytes:
    content = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows), content)
    return content.getvalue()


CONTENT = {
    "train.csv": (
        "text,label\n" + "".join('"text ""{}"", more",{}\n'.format(n, row["label"]) for n, row in enumerate(ROWS))
    ).encode(),
    "train.json": json.dumps(ROWS).encode(),
    "train.jsonl": "\n".join(map(json.dumps, ROWS)).encode(),
    "train.parquet": parquet_bytes(),
}
PACK = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def zipped(path, members: dict[str, bytes]):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", CONTENT)
@pytest.mark.parametrize("packing", PACK)
def test_a_compressed_file_is_read_like_the_plain_one(tmp_path, name, packing):
    path = put(tmp_path / f"{name}{packing}", PACK[packing](CONTENT[name]))
    assert rows_of(path) == ROWS


@pytest.mark.parametrize("name", CONTENT)
def test_a_zip_archive_with_one_data_file_needs_no_name(tmp_path, name):
    others = {"README.md": b"about", "data/": b"", f"__MACOSX/data/._{name}": b"x", f"data/.{name}": b"x"}
    path = zipped(tmp_path / "data.zip", {**others, f"data/{name}": CONTENT[name]})
    assert rows_of(path) == ROWS
    where = f"line {2 if name == 'train.csv' else 1}" if name in ("train.csv", "train.jsonl") else "row 1"
    assert positions(path)[0] == f"{name}, {where}"


def test_files_of_a_zip_archive_are_named_and_matched(tmp_path):
    path = zipped(tmp_path / "set.zip", {"a/train.csv": CONTENT["train.csv"], "a/test.csv": b"text,label\na,joy\n"})
    (train,) = source_files(tmp_path, "set.zip/a/train.csv")
    assert rows_of(train) == ROWS
    assert str(train) == f"{path}/a/train.csv"
    assert [file.member for file in source_files(tmp_path, "set.zip/a/t*.csv")] == ["a/test.csv", "a/train.csv"]
    with pytest.raises(
        DataError,
        match=r"set\.zip holds several files \(a/train\.csv, a/test\.csv\); name one, such as set\.zip/a/train\.csv",
    ):
        source_files(tmp_path, "set.zip")
    with pytest.raises(
        DataNotFound, match=r"set\.zip holds no train\.csv; there is a/train\.csv, a/test\.csv; correct"
    ):
        source_files(tmp_path, "set.zip/train.csv")
    zipped(tmp_path / "one.zip", {"rows.json": json.dumps({"train": ROWS}).encode(), "x.csv.gz": b""})
    (rows,) = source_files(tmp_path, "one.zip/rows.json#train")
    assert rows_of(rows) == ROWS
    assert rows_of(SourceFile(path, "a/test.csv", labels=SourceFile(path, "a/test.csv")))[1]["label"] == "a,joy"


def test_a_compressed_file_in_a_zip_archive_is_unpacked_too(tmp_path):
    assert rows_of(zipped(tmp_path / "a.zip", {"train.csv.gz": gzip.compress(CONTENT["train.csv"])})) == ROWS


BROKEN = {
    "no zip": ("a.zip", b"text,label\n", "can't be unpacked: File is not a zip file; get it again"),
    "half a zip": ("a.zip", None, "can't be unpacked"),
    "no gzip": ("a.csv.gz", b"text,label\n", "can't be unpacked: not a gzipped file"),
    "half a gzip": ("a.csv.gz", gzip.compress(CONTENT["train.csv"])[:-20], "can't be unpacked: .*; get it again"),
    "a damaged gzip": (
        "a.csv.gz",
        gzip.compress(CONTENT["train.csv"])[:60] + b"\xff" * 60,
        "can't be (unpacked|read): .*; ",
    ),
    "no bz2": ("a.csv.bz2", b"text,label\n", "can't be unpacked: invalid data stream"),
    "no xz": ("a.csv.xz", b"text,label\n", "can't be unpacked: Input format not supported"),
    "no Parquet in gzip": ("a.parquet.gz", gzip.compress(b"text"), "must be a readable Parquet file"),
}


@pytest.mark.parametrize(("name", "content", "says"), BROKEN.values(), ids=BROKEN)
def test_a_broken_archive_is_named(tmp_path, name, content, says):
    if content is None:
        content = zipped(tmp_path / "whole.zip", CONTENT).read_bytes()[:-40]
    with pytest.raises(DataError, match=rf"{name} {says}"):
        rows_of(put(tmp_path / name, content))


def test_damage_within_a_zip_archive_is_found(tmp_path):
    path = zipped(tmp_path / "a.zip", {"train.csv": CONTENT["train.csv"]})
    content = bytearray(path.read_bytes())
    content[60:90] = b"\xff" * 30
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.zip/train\.csv can't be unpacked: .*; get it again"):
        rows_of(path)


def test_an_encrypted_file_is_named(tmp_path):
    path = zipped(tmp_path / "a.zip", {"train.csv": CONTENT["train.csv"]})
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"train\.csv must not be encrypted, but needs a password; unpack"):
        rows_of(path)


@pytest.mark.parametrize("name", ["a.zip", "a.csv.gz", "a.csv.xz", "a.parquet.gz"])
def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch, name):
    monkeypatch.setattr(opening, "ALWAYS_ALLOWED", 2**20)
    content = b"text,label\n" + b"a" * 2**24
    if name == "a.zip":
        path = zipped(tmp_path / name, {"train.csv": content})
    else:
        path = put(tmp_path / name, PACK[name[-3:]](content))
    with pytest.raises(DataError, match=r"must unpack to at most 200 times its size, but is larger; .*: get it again"):
        rows_of(path)


def test_parquet_keeps_lists_and_leaves_out_times(tmp_path):
    import datetime

    table = pyarrow.table({"text": ["a"], "label": [["x", "y"]], "when": [datetime.datetime(2020, 1, 1)], "n": [1.5]})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert rows_of(tmp_path / "a.parquet") == [{"text": "a", "label": ["x", "y"], "n": 1.5}]
    (tmp_path / "a.parquet").rename(tmp_path / "a.bin")
    assert len(rows_of(tmp_path / "a.bin", kind="parquet")) == 1


@pytest.mark.parametrize("wanted", [{"label": "emotion"}, {"label": 2}, {"label": "2"}])
def test_classes_are_named_by_the_schema(tmp_path, wanted):
    from datasets import ClassLabel, Dataset, Features, Value

    features = Features(text=Value("string"), emotion=ClassLabel(names=["joy", "fear"]))
    rows = {"text": ["a", "b", "c"], "emotion": [1, 0, -1]}
    path = tmp_path / "train.parquet"
    Dataset.from_dict(rows, features).to_parquet(path)
    assert [row["emotion"] for row in rows_of(path, wanted)] == ["fear", "joy", -1]
    assert class_names(SourceFile(path), ColumnNames(**wanted)) == ("joy", "fear")
    assert class_names(SourceFile(path), ColumnNames(label="text")) == ()
    put(tmp_path / "a.csv", "text,label\n")
    assert class_names(SourceFile(tmp_path / "a.csv"), ColumnNames()) == ()


def test_lists_of_classes_are_named_by_the_schema(tmp_path):
    from datasets import ClassLabel, Dataset, Features, List, Value

    features = Features(text=Value("string"), labels=List(ClassLabel(names=["joy", "fear"])))
    path = tmp_path / "train.parquet"
    Dataset.from_dict({"text": ["a", "b"], "labels": [[1], [0, 1]]}, features).to_parquet(path)
    assert [row["labels"] for row in rows_of(path, {"label": "labels"})] == [["fear"], ["joy", "fear"]]


def test_names_of_classes_have_no_blanks_around_them(tmp_path):
    from datasets import ClassLabel, Dataset, Features, Value

    features = Features(text=Value("string"), label=ClassLabel(names=["joy ", " fear"]))
    path = tmp_path / "train.parquet"
    Dataset.from_dict({"text": ["a", "b"], "label": [1, 0]}, features).to_parquet(path)
    assert [row["label"] for row in rows_of(path)] == ["fear", "joy"]
    assert class_names(SourceFile(path), ColumnNames()) == ("joy", "fear")


@pytest.mark.parametrize("classes", [["false", "true"], ["no", "yes"]])
def test_classes_of_label_columns_stay_numbers(tmp_path, classes):
    from datasets import ClassLabel, Dataset, Features, Value

    features = Features(text=Value("string"), toxic=ClassLabel(names=classes), threat=ClassLabel(names=classes))
    path = tmp_path / "train.parquet"
    Dataset.from_dict({"text": ["a", "b"], "toxic": [1, 0], "threat": [0, 1]}, features).to_parquet(path)
    columns = ColumnNames(label=["toxic", "threat"])
    assert [(row["toxic"], row["threat"]) for row in rows_of(path, {"label": ["toxic", "threat"]})] == [(1, 0), (0, 1)]
    assert class_names(SourceFile(path), columns) == ()


def test_shards_follow_one_another(tmp_path):
    for number in (1, 0):
        put(tmp_path / f"data/train-0000{number}-of-00002.parquet", parquet_bytes(ROWS[25 * number : 25 * number + 25]))
    files = source_files(tmp_path, "**/train-*.parquet")
    assert [row for file in files for row in rows_of(file)] == ROWS
