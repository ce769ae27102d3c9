"""Bad data is refused with file, line and remedy."""

import pytest

from fecbench.core.errors import DataError, DataNotFound
from fecbench.data.datasets.own.load_path import load_path
from fecbench.data.datasets.splits.missing_splits import SplitChoice
from tests.support.own_data import COLUMNS

GOOD = "text,label\na b,x\nc d,y\ne f,x\ng h,y\ni j,x\nk l,y\nm n,x\no p,y\n"
BAD = {
    "a missing column": (
        {"train.csv": "utterance,label\na,x\n"},
        r"train\.csv, line 2: the column 'text' is missing.*--text-column",
    ),
    "an empty text": ({"train.csv": GOOD + "  ,x\n"}, r"train\.csv, line 10: the text must not be empty"),
    "an empty label": (
        {"train.csv": GOOD + "q r, \n"},
        r"train\.csv, line 10: the label must be one name or whole number",
    ),
    "a short row": ({"train.csv": GOOD + "q r\n"}, r"train\.csv, line 10: 2 columns are needed, found 1; quote texts"),
    "a long row": (
        {"train.csv": GOOD + "q, r,x\n"},
        r"train\.csv, line 10: 2 columns are needed, found 3; quote texts",
    ),
    "an open quote": (
        {"train.csv": GOOD + '"q r,x\n'},
        r"train\.csv, line 10: a quote opens a cell here and never closes; check the quotes, or give --quotes plain",
    ),
    "an unknown label": (
        {"train.csv": GOOD, "test.csv": "text,label\na,z\n"},
        r"test\.csv, line 2: the label 'z' isn't one of x, y",
    ),
    "one class only": (
        {"train.csv": "text,label\n" + "".join(f"{n},x\n" for n in range(9))},
        r"at least two labels are needed, found \['x'\]",
    ),
    "a class that train lacks": (
        {"train.csv": GOOD, "labels.txt": "x\ny\nz\n"},
        r"train must hold every class, but has no row of z",
    ),
    "no row": ({"train.csv": "text,label\n"}, r"train must hold at least one row"),
    "an empty file": ({"train.csv": ""}, r"train must hold at least one row"),
    "too few rows to cut": (
        {"train.csv": "text,label\na,x\nb,y\nc,y\nd,y\n"},
        r"every class needs at least 3 training rows, but 'x' has 1 \(.*train\.csv, line 2\)",
    ),
    "too few texts to cut": (
        {"train.csv": "text,label\n" + "a,x\nb,x\nA,x\n b ,x\n" + "c,y\nd,y\ne,y\n"},
        r"every class needs training rows of at least 3 different texts, but 'x' has 2",
    ),
    "a line that is no JSON": (
        {"train.jsonl": '{"text": "a", "label": "x"}\n{"text"\n'},
        r"train\.jsonl, line 2: every line must be a JSON",
    ),
    "a line that is a list": (
        {"train.jsonl": '["a", "x"]\n'},
        r"train\.jsonl, line 1: every line must be a JSON object, found list",
    ),
    "a label that is a list of lists": (
        {"train.jsonl": '{"text": "a", "label": [["x"]]}\n'},
        r"line 1: a list of labels must hold different names or whole numbers",
    ),
    "a label that is a float": (
        {"train.jsonl": '{"text": "a", "label": 1.5}\n'},
        r"line 1: the label must be one name or whole number",
    ),
    "no Parquet": ({"train.parquet": "text"}, r"train\.parquet must be a readable Parquet file"),
    "two training files": (
        {"train.csv": GOOD, "train.tsv": GOOD},
        r"one train file is needed, found train\.csv, train\.tsv",
    ),
    "no training file": ({"test.csv": GOOD}, r"must hold a training file \(train\.csv"),
    "numbers from 1, one of them long": (
        {"train.csv": f"text,label\na b,1\nc d,{'2' * 5000}\n", "labels.txt": "x\ny\n"},
        r"labels that are numbers must count from 0, which is 'x' here, but no row has a 0 \(they go from 1 to 22",
    ),
    "a repeated label name": (
        {"train.csv": GOOD, "labels.txt": "x\nx\n"},
        r"labels\.txt must name each label once, but names 'x' 2 times",
    ),
}


@pytest.mark.parametrize(("files", "message"), BAD.values(), ids=BAD)
def test_bad_data_is_told_with_file_line_and_remedy(tmp_path, files, message):
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises((DataError, DataNotFound), match=message):
        load_path(tmp_path, COLUMNS, SplitChoice(0))


def test_wrong_encoding_names_the_line(tmp_path):
    (tmp_path / "train.csv").write_bytes(b"text,label\nfine,x\nna\xefve,y\n")
    with pytest.raises(DataError, match=r"train\.csv, line 3: the file must be UTF-8.*save it as UTF-8"):
        load_path(tmp_path, COLUMNS, SplitChoice(0))


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(DataNotFound, match="doesn't exist; give a folder"):
        load_path(tmp_path / "nothing", COLUMNS, SplitChoice(0))
    (tmp_path / "train.txt").write_text("a")
    with pytest.raises(
        DataError, match=r"the format must be one of \.csv, \.tsv, \.jsonl, \.json, \.parquet, found \.txt"
    ):
        load_path(tmp_path / "train.txt", COLUMNS, SplitChoice(0))


def test_a_column_named_twice_is_refused(tmp_path):
    (tmp_path / "train.csv").write_text("text,text,label\na,b,glad\n")
    with pytest.raises(
        DataError, match=r"train\.csv, line 1: every column must be named once, but 'text' appears twice"
    ):
        load_path(tmp_path / "train.csv", COLUMNS, SplitChoice(0))
