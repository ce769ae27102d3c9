"""Data that is odd but legal is read for what it says, and a leak is said and recorded."""

import json
from pathlib import Path

import pytest

from tests.support.file_texts import CSV, HEADER, LINES, NAMES, ROWS, TEXTS, lay, parquet
from tests.support.judge import TINY


def late() -> object:
    """Dates that Python's own can't hold."""
    import pyarrow

    return pyarrow.array([2**30] * len(ROWS), pyarrow.int32()).cast(pyarrow.date32())


ODD = {
    "a mark at the start": ({"train.csv": b"\xef\xbb\xbf" + CSV.encode()}, 24),
    "lines that end in CR LF": ({"train.csv": CSV.replace("\n", "\r\n")}, 24),
    "lines that end in CR": ({"train.csv": CSV.replace("\n", "\r")}, 24),
    "no line end at the end": ({"train.csv": CSV.rstrip("\n")}, 24),
    "blank lines between": ({"train.csv": CSV.replace("\n", "\n\n")}, 24),
    "everything in quotes": (
        {"train.csv": "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in CSV.split("\n")[:-1])},
        24,
    ),
    "a line end in a text": ({"train.csv": CSV + '"a\nb",sad\n'}, 25),
    "semicolons between": ({"train.csv": CSV.replace(",", ";")}, 24),
    "tabs between": ({"train.csv": CSV.replace(",", "\t")}, 24),
    "commas between in tsv": ({"train.tsv": CSV}, 24),
    "a text of a megabyte": ({"train.csv": CSV + "a" * 2**20 + ",sad\n"}, 25),
    "a class that test lacks": ({"train.csv": CSV, "test.csv": HEADER + "a,sad\nb,mad\n"}, 26),
    "an extra column that is blank": ({"train.csv": "".join(f"{line},\n" for line in CSV.splitlines())}, 24),
    "blank lines in json": ({"train.jsonl": LINES.replace("\n", "\n\n")}, 24),
    "further keys in json": ({"train.jsonl": LINES.replace('"text"', '"id": [1, {"a": null}], "text"')}, 24),
    "whole numbers as labels in json": (
        {"train.jsonl": LINES.replace('"sad"', "1").replace('"mad"', "2").replace('"glad"', "30")},
        24,
    ),
    "dates beyond Python's in parquet": ({"train.parquet": parquet(text=TEXTS, label=NAMES, posted=late())}, 24),
    "an ending in capitals": ({"train.CSV": CSV}, 24),
}


@pytest.mark.parametrize(("files", "rows"), ODD.values(), ids=ODD)
def test_odd_but_legal(judge, files, rows):
    folder = lay(judge.folder / "moods", files)
    answer = judge("data", "stats", folder, "--json")
    assert answer.code == 0, answer.text
    (found,) = json.loads(answer.out)
    assert (sum(found["rows"].values()), found["labels"]) == (rows, 3)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_split_that_is_trained_on_is_said_and_recorded(judge, split):
    folder = lay(judge.folder / "moods", {"train.csv": CSV, f"{split}.csv": CSV})
    answer = judge("run", "ce", "--dataset", folder, *TINY, "--run-dir", "run")
    assert answer.code == 0, answer.text
    assert f"LEAK: 21 of 24 {split} texts also occur in train, so scores" in answer.text
    assert any("LEAK" in note for note in json.loads(Path("run/run.json").read_text())["notes"])
