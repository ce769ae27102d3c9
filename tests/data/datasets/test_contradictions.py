"""Descriptions that contradict themselves or the files are refused with the remedy."""

import pytest

from fecbench.core.errors import DataError
from fecbench.data.datasets.own.load_path import load_path
from fecbench.data.datasets.splits.missing_splits import SplitChoice

ROWS = "".join(f"some text {n},{'ab'[n % 2]}\n" for n in range(20))
TEST = "other,a\nwords,b\n"


def load(folder, toml="", flags=None, **files):
    """Load a folder with CSV files, which are called by the keywords, and a description."""
    for name, content in files.items():
        (folder / f"{name}.csv").write_text(content)
    if toml:
        (folder / "dataset.toml").write_text(toml)
    return load_path(folder, flags or {}, SplitChoice(0))


def test_a_header_and_names_for_files_without_one_exclude_each_other(tmp_path):
    with pytest.raises(DataError, match=r"\[format\] columns names those of files without a header, but header is tr"):
        load(tmp_path, 'format = { header = true, columns = ["text", "label"] }\n', train=ROWS)


@pytest.mark.parametrize("form", ['columns = ["text", "label"]', "header = false"])
def test_first_lines_that_name_columns_are_no_class(tmp_path, form):
    toml = f"format.{form}\ncolumns = {{ text = 1, label = 2 }}\n"
    header = "content,sentiment\n"
    with pytest.raises(DataError, match=r"train\.csv, line 1: the first line looks like the names of columns"):
        load(tmp_path, toml, train=header + ROWS, validation=header + TEST, test=header + TEST)
    data = load(tmp_path, toml, train=header + ROWS, validation=TEST, test=TEST)
    assert "train.csv, line 1: the first line looks like the names of columns" in "".join(data.notes)
    for split in ("validation", "test"):
        (tmp_path / f"{split}.csv").unlink()
    with pytest.raises(
        DataError, match=r"every class needs at least 3 .*train\.csv, line 1: the first line looks like"
    ):
        load(tmp_path)
    data = load(tmp_path, toml, train=ROWS, validation=TEST, test=TEST)
    assert "looks like" not in "".join(data.notes)


@pytest.mark.parametrize("entries", ['["p.csv", "./p.csv"]', '["p.csv", "*.csv"]'])
def test_a_file_is_read_once_for_a_split(tmp_path, entries):
    with pytest.raises(DataError, match=r"each file must be read once, but .*p\.csv is read twice for train; remove"):
        load(tmp_path, f"files.train = {entries}\n", p="text,label\n" + ROWS)


def test_a_file_is_not_that_of_two_splits(tmp_path):
    message = r"p\.csv is read for train and for test; remove"
    with pytest.raises(DataError, match=message):
        load(tmp_path, 'files = { train = "p.csv", test = "p*.csv" }\n', p="text,label\n" + ROWS)
    (tmp_path / "dataset.toml").unlink()
    with pytest.raises(DataError, match=message):
        load(tmp_path, flags={"train_file": "p.csv", "test_file": "./p.csv"})


def test_declared_rows_need_a_file(tmp_path):
    with pytest.raises(DataError, match=r"rows\.test needs files\.test, but test has no file and is cut from train"):
        load(tmp_path, "rows = { train = 20, test = 2 }\n", train="text,label\n" + ROWS)
    with pytest.raises(DataError, match=r"rows\.train must be .*at least 0.*, but is -1; correct it"):
        load(tmp_path, "rows.train = -1\n")


def test_declared_rows_of_unlabelled_texts_are_checked(tmp_path):
    files = {"train": "text,label\n" + ROWS, "test": "text\none\ntwo\n"}
    assert load(tmp_path, "rows.test = 2\n", **files).unlabelled.num_rows == 2
    with pytest.raises(DataError, match=r"the test split of .* must have 3 rows, but has 2; correct the files"):
        load(tmp_path, "rows.test = 3\n")


@pytest.mark.parametrize(
    "columns",
    ['text = ["text", "text"]', 'label = ["label", "b", "b"]', 'label = ["label", 2]', 'text = "text"\nlabel = 1'],
)
def test_a_column_is_named_once(tmp_path, columns):
    with pytest.raises(DataError, match=r"text and label under \[columns\] must name each column once, but"):
        load(tmp_path, f"[columns]\n{columns}\n", train="text,label,b\n" + "some,1,0\n" * 9)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("map = { x = [] }", r"labels\.map\.x must be a list of at least 1, but is \[\]"),
        ('names = ["a", " "]', r"labels\.names\[2\] must be a string that isn't empty, but is \" \""),
        ('map = { x = ["a", ""] }', r"labels\.map\.x\[2\] must be a string that isn't empty"),
        ('map = { " " = ["a"] }', r"a string that isn't empty"),
        ('names = ["a", "a "]', r"names must name each label once, but names 'a' twice"),
    ],
)
def test_labels_have_names(tmp_path, labels, message):
    with pytest.raises(DataError, match=message):
        load(tmp_path, f"[labels]\n{labels}\n", train="text,label\n" + ROWS)


def test_names_are_stripped_like_cells(tmp_path):
    data = load(tmp_path, '[labels]\nmap = { " x " = [" a "] }\n', train="text,label\n" + ROWS)
    assert data.labels == ("b", "x")
