"""Malformed data in every format is refused with file and line before training."""

import io
import json
import os
import sys
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.file_texts import CSV, HEADER, LINES, NAMES, PARQUET, ROWS, TEXTS, lay, parquet
from tests.support.judge import TINY


def parquet_twice() -> bytes:
    """A Parquet file with two columns called label."""
    import pyarrow
    from pyarrow import parquet as format_

    file = io.BytesIO()
    format_.write_table(
        pyarrow.Table.from_arrays([pyarrow.array(TEXTS), *[pyarrow.array(NAMES)] * 2], ["text", "label", "label"]), file
    )
    return file.getvalue()


def lines(*rows: str) -> str:
    """JSON lines: good ones, then ``rows``."""
    return LINES + "".join(row + "\n" for row in rows)


REFUSED = {
    "csv that is empty": ({"train.csv": ""}, "train must hold at least one row"),
    "csv of blank lines": ({"train.csv": "\n\n\n\n"}, "train must hold at least one row"),
    "csv with a header alone": ({"train.csv": HEADER}, "train must hold at least one row"),
    "csv without a header": ({"train.csv": CSV.removeprefix(HEADER)}, "the column 'text' is missing"),
    "csv with a header in capitals": (
        {"train.csv": CSV.replace("text,label", "Text,Label", 1)},
        "the column 'text' is missing",
    ),
    "csv with blanks in its header": (
        {"train.csv": CSV.replace("text,label", "text , label", 1)},
        "the column 'text' is missing",
    ),
    "csv separated by blanks": ({"train.csv": CSV.replace(",", " ")}, "the column 'text' is missing"),
    "csv in utf-16": ({"train.csv": CSV.encode("utf-16")}, "must be UTF-8"),
    "csv in utf-32": ({"train.csv": CSV.encode("utf-32")}, "must be UTF-8"),
    "csv in utf-16 without a mark": ({"train.csv": CSV.encode("utf-16-le")}, ("train.csv, line 1", "NUL")),
    "csv in latin-1": (
        {"train.csv": (CSV + "na\xefve,sad\n").encode("latin-1")},
        ("train.csv, line 26", "must be UTF-8"),
    ),
    "csv that ends within a character": ({"train.csv": (CSV + "caf\xe9").encode()[:-1]}, ("line 26", "must be UTF-8")),
    "csv with a NUL in a text": ({"train.csv": CSV + "a\0b,sad\n"}, ("train.csv, line 26", "NUL")),
    "csv of zeros": ({"train.csv": b"\0" * 4096}, ("train.csv, line 1", "NUL")),
    "csv with an open quote": ({"train.csv": CSV + '"a text,sad\n'}, ("train.csv, line 26", "check the quotes")),
    "csv with text after a quote": ({"train.csv": CSV + '"a" text,sad\n'}, ("train.csv, line 26", "check the quotes")),
    "csv with a short row": ({"train.csv": CSV + "a text\n"}, ("train.csv, line 26", "2 columns are needed")),
    "csv with a long row": ({"train.csv": CSV + "a, text,sad\n"}, ("train.csv, line 26", "2 columns are needed")),
    "csv that ends within a row": ({"train.csv": CSV[:-6].rpartition(",")[0]}, "2 columns are needed"),
    "csv that ends within a label": ({"train.csv": CSV[:-2]}, "every class needs at least"),
    "csv with a column twice": (
        {"train.csv": CSV.replace("text,label", "text,text", 1)},
        "every column must be named once",
    ),
    "csv with a nameless column twice": ({"train.csv": "text,label,,\na,b,,\n"}, "every column must be named once"),
    "csv without texts": ({"train.csv": CSV.replace("text,label", "id,label", 1)}, "--text-column"),
    "csv without labels": ({"train.csv": CSV.replace("text,label", "text,mood", 1)}, "--label-column"),
    "csv with a blank label": ({"train.csv": CSV + "a text, \n"}, ("line 26", "the label must be one name")),
    "csv with a blank text": ({"train.csv": CSV + " ,sad\n"}, ("line 26", "the text must not be empty")),
    "csv with one class": ({"train.csv": HEADER + "a,sad\nb,sad\nc,sad\nd,sad\n"}, "at least two labels are needed"),
    "csv of one row": ({"train.csv": HEADER + "a,sad\n"}, "train"),
    "csv of one row a class": ({"train.csv": HEADER + "a,sad\nb,glad\n"}, "every class needs at least 3 training rows"),
    "csv that is a parquet": ({"train.csv": PARQUET}, "train.csv, line"),
    "csv that is gzipped": ({"train.csv": b"\x1f\x8b\x08\0" + os.urandom(64)}, ("train.csv, line 1", "must be UTF-8")),
    "csv that is a zip": ({"train.csv": b"PK\x03\x04\x14\0\0\0\x08\0" + bytes(range(128, 192))}, "train.csv, line 1"),
    "csv that is html": (
        {"train.csv": "<!DOCTYPE html>\n<html><body>404</body></html>\n"},
        "the column 'text' is missing",
    ),
    "csv that is json lines": ({"train.csv": LINES}, "train.csv, line"),
    "csv that is a pickle": ({"train.csv": b"\x80\x04\x95\x10\0\0\0\0\0\0\0}\x94."}, "train.csv, line 1"),
    "csv that is a git-lfs pointer": (
        {"train.csv": "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"},
        "column 'text' is missing",
    ),
    "tsv with a tab in a text": (
        {"train.tsv": CSV.replace(",", "\t") + "a\tb\tsad\n"},
        ("train.tsv, line 26", "quote texts that hold"),
    ),
    "tsv with an open quote": ({"train.tsv": CSV.replace(",", "\t") + '"open\tsad\n'}, "check the quotes"),
    "json that is an array": ({"train.jsonl": json.dumps([{"text": t, "label": n} for t, n in ROWS])}, "found list"),
    "json that is laid out over lines": (
        {"train.jsonl": json.dumps({"text": "a", "label": "sad"}, indent=1)},
        "train.jsonl, line 1",
    ),
    "json cut in a line": ({"train.jsonl": LINES[:-9]}, ("train.jsonl, line 24", "must be a JSON object")),
    "json that is a string": ({"train.jsonl": lines('"a text"')}, ("line 25", "found str")),
    "json that is null": ({"train.jsonl": lines("null")}, ("line 25", "found NoneType")),
    "json with single quotes": ({"train.jsonl": lines("{'text': 'a', 'label': 'sad'}")}, "line 25"),
    "json with a trailing comma": ({"train.jsonl": lines('{"text": "a", "label": "sad",}')}, "line 25"),
    "json nested very deeply": ({"train.jsonl": lines("[" * 100_000)}, "line 25"),
    "json with a huge whole number": ({"train.jsonl": lines('{"text": "a", "label": %s}' % ("9" * 5000))}, "line 25"),
    "json whose label is huge": (
        {"train.jsonl": lines('{"text": "a", "label": 1e400}')},
        ("line 25", "the label must be one name"),
    ),
    "json whose label is NaN": (
        {"train.jsonl": lines('{"text": "a", "label": NaN}')},
        ("line 25", "the label must be one name"),
    ),
    "json whose label is null": (
        {"train.jsonl": lines('{"text": "a", "label": null}')},
        ("line 25", "the label must be one name"),
    ),
    "json whose label is true": (
        {"train.jsonl": lines('{"text": "a", "label": true}')},
        ("line 25", "the label must be one name"),
    ),
    "json whose label is a list of lists": (
        {"train.jsonl": lines('{"text": "a", "label": [["sad"]]}')},
        ("line 25", "a list of labels must hold different names"),
    ),
    "json whose label is a list of numbers for each label": (
        {"train.jsonl": lines('{"text": "a", "label": [0, 1, 0]}')},
        ("line 25", "--label-columns"),
    ),
    "json whose label is an object": (
        {"train.jsonl": lines('{"text": "a", "label": {"sad": 1}}')},
        ("line 25", "numbers of labels need a labelling"),
    ),
    "json whose text is a number": (
        {"train.jsonl": lines('{"text": 3, "label": "sad"}')},
        ("line 25", "the text must"),
    ),
    "json whose text is null": ({"train.jsonl": lines('{"text": null, "label": "sad"}')}, ("line 25", "the text must")),
    "json with a key twice": (
        {"train.jsonl": lines('{"text": "a", "label": "sad", "label": "mad"}')},
        ("line 25", "named once", "label"),
    ),
    "json with a lone surrogate": (
        {"train.jsonl": lines('{"text": "a \\ud800", "label": "sad"}')},
        ("line 25", "lone surrogate"),
    ),
    "json with a lone surrogate beside": (
        {"train.jsonl": lines('{"text": "a", "label": "sad", "aug_text": "\\ud800"}')},
        ("line 25", "lone surrogate"),
    ),
    "json with a lone surrogate in a key": (
        {"train.jsonl": lines('{"text": "a", "label": "sad", "\\udfff": "b"}')},
        ("line 25", "lone surrogate"),
    ),
    "json with a NUL": ({"train.jsonl": lines('{"text": "a\0", "label": "sad"}')}, "line 25"),
    "json without labels": ({"train.jsonl": lines('{"text": "a"}')}, ("line 25", "the column 'label' is missing")),
    "json that is a csv": ({"train.jsonl": CSV}, ("train.jsonl, line 1", "must be a JSON object")),
    "json in utf-16": ({"train.jsonl": LINES.encode("utf-16")}, "must be UTF-8"),
    "parquet that is empty": ({"train.parquet": b""}, "must be a readable Parquet file"),
    "parquet cut in the middle": ({"train.parquet": PARQUET[: len(PARQUET) // 2]}, "must be a readable Parquet file"),
    "parquet without its end": ({"train.parquet": PARQUET[:-8]}, "must be a readable Parquet file"),
    "parquet without its start": ({"train.parquet": PARQUET[8:]}, "must be a readable Parquet file"),
    "parquet with a flipped footer": (
        {"train.parquet": PARQUET[:-8] + b"\xff" * 4 + PARQUET[-4:]},
        "must be a readable Parquet file",
    ),
    "parquet of zeros in its middle": ({"train.parquet": PARQUET[:40] + bytes(200) + PARQUET[240:]}, "train.parquet"),
    "parquet that is a csv": ({"train.parquet": CSV}, "must be a readable Parquet file"),
    "parquet of no rows": ({"train.parquet": parquet(text=[], label=[])}, "train must hold at least one row"),
    "parquet with other columns": ({"train.parquet": parquet(a=TEXTS, b=NAMES)}, "--text-column"),
    "parquet with a column twice": ({"train.parquet": parquet_twice()}, "every column must be named once, but 'label'"),
    "parquet whose labels are times": (
        {"train.parquet": parquet(text=TEXTS, label=[datetime(2020, 1, 1)] * 24)},
        "--label-column",
    ),
    "parquet whose labels are floats": (
        {"train.parquet": parquet(text=TEXTS, label=[1.5] * 24)},
        ("row 1", "the label must be one name"),
    ),
    "parquet whose labels are lists of lists": (
        {"train.parquet": parquet(text=TEXTS, label=[[["sad"]]] * 24)},
        ("row 1", "a list of labels must hold different names"),
    ),
    "parquet with a missing label": (
        {"train.parquet": parquet(text=TEXTS, label=[*NAMES[:-1], None])},
        ("row 24", "one name"),
    ),
    "parquet with a missing text": (
        {"train.parquet": parquet(text=[None, *TEXTS[1:]], label=NAMES)},
        ("row 1", "the text must"),
    ),
    "parquet whose texts are bytes": (
        {"train.parquet": parquet(text=[t.encode() for t in TEXTS], label=NAMES)},
        ("row 1", "the text must"),
    ),
    "an unknown label in validation": (
        {"train.csv": CSV, "validation.csv": HEADER + "a,happy\n"},
        ("validation.csv, line 2", "'happy'"),
    ),
    "a label of another case in test": (
        {"train.csv": CSV, "test.csv": CSV.replace("sad", "Sad")},
        ("test.csv", "'Sad'"),
    ),
    "label lists": (
        {"train.csv": CSV, "test.csv": HEADER + '"a text","glad,sad"\n'},
        ("test.csv, line 2", "'glad,sad'"),
    ),
    "validation that is empty": ({"train.csv": CSV, "validation.csv": ""}, "validation must hold at least one row"),
    "test with a header alone": ({"train.csv": CSV, "test.csv": HEADER}, "test must hold at least one row"),
    "test of another format that is broken": (
        {"train.csv": CSV, "test.parquet": CSV},
        "test.parquet must be a readable Parquet file",
    ),
    "two validation files": (
        {"train.csv": CSV, "validation.csv": CSV, "dev.csv": CSV},
        "one validation file is needed",
    ),
    "no training file": ({"test.csv": CSV, "validation.csv": CSV}, "must hold a training file"),
    "no file": ({}, "must hold a training file"),
    "a file of an unknown format alone": ({"train.xlsx": b"PK\x03\x04"}, "must hold a training file"),
    "a folder in place of train": ({"train.csv/": None}, "train.csv must be a file"),
    "a folder in place of validation": ({"train.csv": CSV, "validation.csv/": None}, "validation.csv must be a file"),
    "a link to nowhere in place of test": ({"train.csv": CSV, "test.csv": Path("nowhere")}, "test.csv must be a file"),
    "a link to itself": ({"train.csv": Path("train.csv")}, "train.csv"),
    "a pipe in place of train": ({"train.csv|": None}, "train.csv must be a file"),
    "a pipe in place of validation": ({"train.csv": CSV, "validation.csv|": None}, "validation.csv must be a file"),
    "labels.txt with a name twice": ({"train.csv": CSV, "labels.txt": "sad\nsad\n"}, "must name each label once"),
    "labels.txt that lacks a label": ({"train.csv": CSV, "labels.txt": "sad\nglad\n"}, ("train.csv, line 3", "'mad'")),
    "labels.txt with a label nobody has": ({"train.csv": CSV, "labels.txt": "sad\nglad\nmad\nbad\n"}, "bad"),
    "labels.txt in utf-16": (
        {"train.csv": CSV, "labels.txt": "sad\nglad\nmad\n".encode("utf-16")},
        ("labels.txt", "UTF-8"),
    ),
    "labels.txt that is empty": ({"train.csv": CSV, "labels.txt": ""}, ("labels.txt", "at least two")),
    "labels.txt that is a folder": ({"train.csv": CSV, "labels.txt/": None}, "labels.txt must be a file"),
    "labels.txt that is a link to nowhere": (
        {"train.csv": CSV, "labels.txt": Path("nowhere")},
        "labels.txt must be a file",
    ),
}


@pytest.mark.parametrize(("files", "says"), REFUSED.values(), ids=REFUSED)
def test_refused(judge, files, says):
    folder = lay(judge.folder / "moods", files)
    judge.refuses("run", "ce", "--dataset", folder, *TINY, says=says)


PATHS = {
    "a file without an ending": ("train", "a text of glad 0,glad\n", "the format must be one of"),
    "a text file": ("train.txt", "a text and a label\n", "the format must be one of"),
    "a compressed file that is none": ("train.csv.gz", CSV, "can't be unpacked: not a gzipped file"),
    "a python file": ("train.py", "import os", "the format must be one of"),
    "nothing": ("other.csv", CSV, "doesn't exist"),
}


@pytest.mark.parametrize(("name", "content", "says"), PATHS.values(), ids=PATHS)
def test_a_file_that_is_no_data(judge, name, content, says):
    (judge.folder / name).write_text(content)
    asked = "./train.csv" if name == "other.csv" else f"./{name}"
    judge.refuses("run", "ce", "--dataset", asked, *TINY, says=(says, asked.removeprefix("./")))


@pytest.mark.skipif(sys.platform == "win32", reason="files of root and others")
@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_file_that_nobody_may_read(judge):
    folder = lay(judge.folder / "moods", {"train.csv": CSV})
    (folder / "train.csv").chmod(0)
    answer = judge.call("run", "ce", "--dataset", folder, *TINY)
    assert answer[0] == 1
    assert "can't be read" in answer[2]


def test_a_file_that_shrinks_while_it_is_read(judge, monkeypatch):
    """A run trains on the rows it has read; the message says if a file was gone before that."""
    folder = lay(judge.folder / "moods", {"train.csv": CSV})
    opened = Path.open

    def shrinking(path: Path, *arguments, **options):
        if path.name == "train.csv":
            raise OSError(116, "Stale file handle")
        return opened(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", shrinking)
    code, _, err = judge.call("run", "ce", "--dataset", folder, *TINY)
    assert code == 1
    assert "train.csv can't be read: Stale file handle" in err
