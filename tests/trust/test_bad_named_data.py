"""Files of a named data set that aren't the official ones are refused with file, line and remedy."""

import pytest

from tests.support.file_texts import CSV, lay
from tests.support.judge import TINY

GE = [f"a text\t{number % 28}\tid{number}\n" for number in range(56)]
NAMED = {
    "ge without a file": ("ge", {"train.tsv": "".join(GE), "dev.tsv": "".join(GE)}, "missing: test.tsv"),
    "ge with a label that isn't": (
        "ge",
        {"train.tsv": "a\t28\tid\n", "dev.tsv": "", "test.tsv": ""},
        ("train.tsv, line 1", "restore"),
    ),
    "ge with a negative label": (
        "ge",
        {"train.tsv": "a\t-1\tid\n", "dev.tsv": "", "test.tsv": ""},
        ("train.tsv, line 1", "restore"),
    ),
    "ge with label names": (
        "ge",
        {"train.tsv": "a\tjoy\tid\n", "dev.tsv": "", "test.tsv": ""},
        ("train.tsv, line 1", "restore"),
    ),
    "ge with label lists": (
        "ge",
        {"train.tsv": "a\t[1, 5]\tid\n", "dev.tsv": "", "test.tsv": ""},
        ("train.tsv, line 1", "restore"),
    ),
    "ge with a huge label": (
        "ge",
        {"train.tsv": f"a\t{'9' * 5000}\tid\n", "dev.tsv": "", "test.tsv": ""},
        ("train.tsv, line 1", "restore"),
    ),
    "ge with two columns": (
        "ge",
        {"train.tsv": "a\t1\n", "dev.tsv": "", "test.tsv": ""},
        ("train.tsv, line 1", "restore"),
    ),
    "ge in latin-1": (
        "ge",
        {"train.tsv": "caf\xe9\t1\tid\n".encode("latin-1"), "dev.tsv": "", "test.tsv": ""},
        ("train.tsv", "restore"),
    ),
    "ge with a NUL": (
        "ge",
        {"train.tsv": "a\0\t1\tid\n", "dev.tsv": "", "test.tsv": ""},
        ("train", "put the original files back"),
    ),
    "ge of other rows": (
        "ge",
        {"train.tsv": "".join(GE), "dev.tsv": "".join(GE), "test.tsv": "".join(GE)},
        "must have 23,485 rows, but has",
    ),
    "ge that is empty": ("ge", {"train.tsv": "", "dev.tsv": "", "test.tsv": ""}, "must have 23,485 rows, but has 0"),
    "ge with a folder for a file": ("ge", {"train.tsv/": None, "dev.tsv": "", "test.tsv": ""}, "missing: train.tsv"),
    "prepared without a file": ("ge-prepared", {"train.csv": "text,aug_text,label\n"}, "missing: valid.csv, test.csv"),
    "prepared with other columns": (
        "ge-prepared",
        dict.fromkeys(("train.csv", "valid.csv", "test.csv"), CSV),
        "text,aug_text,label",
    ),
    "prepared with a wrong label": (
        "ed-prepared",
        dict.fromkeys(("train.csv", "valid.csv", "test.csv"), "text,aug_text,label\na,b,32\n"),
        ("train.csv", "0 to 31", "restore"),
    ),
    "prepared with a padded label": (
        "ed-prepared",
        dict.fromkeys(("train.csv", "valid.csv", "test.csv"), "text,aug_text,label\na,b, 1\n"),
        ("train.csv", "0 to 31", "restore"),
    ),
    "prepared that is cut": (
        "ed-prepared",
        dict.fromkeys(("train.csv", "valid.csv", "test.csv"), "text,aug_text,label\na,b,1\n"),
        "must have 17,802 rows, but has 1",
    ),
    "prepared that is binary": (
        "ed-prepared",
        dict.fromkeys(("train.csv", "valid.csv", "test.csv"), b"\xff\xfe\0\0"),
        "UTF-8",
    ),
    "ed whose archive is cut": (
        "ed",
        {"empatheticdialogues.tar.gz": b"\x1f\x8b\x08"},
        ("isn't the official archive", "delete"),
    ),
    "ed whose archive is a page": (
        "ed",
        {"empatheticdialogues.tar.gz": "<html>"},
        ("isn't the official archive", "delete"),
    ),
}


@pytest.mark.parametrize(("name", "files", "says"), NAMED.values(), ids=NAMED)
def test_a_named_set_is_the_official_one_or_none(judge, name, files, says):
    lay(judge.folder / name, files)
    judge.refuses("run", "ce", "--dataset", name, "--data-dir", judge.folder, *TINY, says=says)
