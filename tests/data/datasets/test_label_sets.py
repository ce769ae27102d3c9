"""Rows with several labels or none: refused with the way out, left out and counted, or of a class of their own."""

from collections import Counter
from pathlib import Path

import pytest

from fecbench.core.errors import DataError
from fecbench.data.datasets.own.load_path import load_path
from fecbench.data.datasets.splits.missing_splits import SplitChoice

TIMES = 8


def lay(folder: Path, toml: str, cells: list[str]) -> Path:
    """A test file with a row for each cell, and train and validation files with more of them."""
    (folder / "dataset.toml").write_text(toml)
    for split, times in (("train", TIMES), ("valid", 2), ("test", 1)):
        lines = [f"{split} {n} {place}\t{cell}" for n in range(times) for place, cell in enumerate(cells)]
        (folder / f"{split}.tsv").write_text("\n".join(["text\tlabel", *lines]) + "\n")
    return folder


def read(folder: Path):
    return load_path(folder, {}, SplitChoice(0))


def counts(data, split: str = "train") -> dict[str, int]:
    """The rows of each label."""
    return dict(Counter(data.labels[label] for label in data.splits[split]["label"][:]))


DROP = '[labels]\nseveral = "drop"\nnone = "drop"\n'
SHAPES = {
    "numbers with commas (GoEmotions)": (["27", "3", "3,4"], 'separator = ","'),
    "with blanks too (XED)": (["27", "3", "3, 4"], 'separator = ","'),
    "numpy's lists (CEDR)": (["[27]", "[3]", "[3 4]", "[]"], ""),
    "JSON lists": (["[27]", "[3]", "[3, 4]", "[]"], ""),
    "lists with a separator": (["[27]", "[3]", "[3; 4]", "[]"], 'separator = ";"'),
    "Python's lists": (["['27']", "['3']", "['3', '4']", "[]"], ""),
    "blank cells": (["27", "3", "3|4", ""], 'separator = "|"'),
    "guessed": (["27", "3", "3,27", "3;"], ""),
}


@pytest.mark.parametrize(("cells", "separator"), SHAPES.values(), ids=SHAPES)
def test_rows_with_one_label_are_kept(tmp_path, cells, separator):
    data = read(lay(tmp_path, f"{DROP}{separator}\n", cells))
    three = TIMES * (1 + ("3;" in cells))
    assert counts(data) == {"27": TIMES, "3": three}
    assert "11 rows that hold several labels are left out (train 8, validation 2, test 1)" in data.notes
    if "[]" in cells or "" in cells:
        assert "11 rows that have no label are left out (train 8, validation 2, test 1)" in data.notes


def test_names_are_no_lists(tmp_path):
    names = 'names = ["joy", "joy, love", "[x]"]\n'
    data = read(lay(tmp_path, f'{DROP}separator = ","\n{names}', ["joy", "joy, love", "[x]", "[x], joy"]))
    assert counts(data) == {"joy": TIMES, "joy, love": TIMES, "[x]": TIMES}


def test_rows_without_a_label_can_form_a_class(tmp_path):
    toml = '[labels]\nseveral = "drop"\nnone = "neutral"\n'
    data = read(lay(tmp_path, toml, ["[0]", "[1]", "[0 1]", "[]"]))
    assert counts(data) == {"0": TIMES, "1": TIMES, "neutral": TIMES}
    assert "11 rows that have no label are neutral (train 8, validation 2, test 1)" in data.notes
    data = read(lay(tmp_path, toml + 'names = ["joy", "fear"]\n', ["[0]", "[1]", "[]"]))
    assert data.labels == ("joy", "fear", "neutral")
    data = read(lay(tmp_path, toml + 'names = ["joy", "fear"]\n', ["[0]", "[1]"]))
    assert data.labels == ("joy", "fear")


def test_several_labels_are_refused_with_the_way_out(tmp_path):
    for toml in ("", '[labels]\nseparator = ","\n'):
        with pytest.raises(
            DataError,
            match=r"train\.tsv, line 4: .*'0,1' holds several labels .*\(8 rows\).*several = \"drop\" under \[labels\]",
        ):
            read(lay(tmp_path, toml, ["0", "1", "0,1"]))
    with pytest.raises(DataError, match=r"line 3: .* but the cell is empty \(8 rows have none\).*none = \"drop\""):
        read(lay(tmp_path, "", ["0", "", "1"]))


SWITCHES = '[columns]\nlabel = ["anger", "joy", "fear"]\n'


def switches(folder: Path, toml: str, rows: list[tuple[object, ...]], header: str = "id,text,anger,joy,fear") -> Path:
    """Files with a column for each label."""
    (folder / "dataset.toml").write_text(toml)
    for split, times in (("train", TIMES), ("valid", 2), ("test", 1)):
        lines = [
            ",".join(map(str, (f"{split}{n}", f"{split} {n} {place}", *row)))
            for n in range(times)
            for place, row in enumerate(rows)
        ]
        (folder / f"{split}.csv").write_text("\n".join([header, *lines]) + "\n")
    return folder


@pytest.mark.parametrize(("on", "off"), [(1, 0), ("True", "False"), ("1.0", "0.0"), ("true", "false")])
def test_a_column_of_0_and_1_for_each_label(tmp_path, on, off):
    rows = [(on, off, off), (off, on, off), (off, off, on), (on, on, off), (off, off, off)]
    toml = SWITCHES + '[labels]\nseveral = "drop"\nnone = "neutral"\n'
    data = read(switches(tmp_path, toml, rows))
    assert counts(data) == {"anger": TIMES, "joy": TIMES, "fear": TIMES, "neutral": TIMES}
    assert data.columns == ["text", "id", "label"] or data.columns == ["id", "text", "label"]
    assert "11 rows that hold several labels are left out (train 8, validation 2, test 1)" in data.notes
    with pytest.raises(DataError, match=r"'\[\"anger\", \"joy\"\]' holds several labels"):
        read(switches(tmp_path, SWITCHES + '[labels]\nnone = "neutral"\n', rows))
    with pytest.raises(DataError, match=r"line 6: .* but the cell is empty"):
        read(switches(tmp_path, SWITCHES + '[labels]\nseveral = "drop"\n', rows))


def test_names_of_columns_of_0_and_1(tmp_path):
    rows = [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    toml = "[columns]\nlabel = [3, 4, 5]\n[labels]\n"
    data = read(switches(tmp_path, toml + 'names = ["Zorn", "Freude", "Angst"]\n', rows))
    assert (data.labels, counts(data)) == (
        ("Zorn", "Freude", "Angst"),
        {"Zorn": TIMES, "Freude": TIMES, "Angst": TIMES},
    )
    with pytest.raises(
        DataError, match=r"each column of label under \[columns\] needs one name, .* 3 columns and 2 names"
    ):
        read(switches(tmp_path, toml + 'names = ["Zorn", "Freude"]\n', rows))


def test_intensities_are_refused_truly(tmp_path):
    rows = [(3, 0, 0), (0, 2, 0), (0, 0, 1)]
    with pytest.raises(
        DataError, match=r"line 2: the column 'anger' of a label must hold 0 or 1 .* found '3'; intensities"
    ):
        read(switches(tmp_path, SWITCHES, rows))
    with pytest.raises(
        DataError,
        match=r"'label' is missing, but columns of numbers up to 3 were found \(anger, joy, fear\), such as the",
    ):
        read(switches(tmp_path, "", rows))


def test_columns_of_labels_are_told_with_what_to_write(tmp_path):
    with pytest.raises(
        DataError, match=r'describe them in dataset\.toml: under \[columns\] label = \["anger", "joy", "fear"\]'
    ):
        read(switches(tmp_path, "", [(1, 0, 0), (0, 1, 0), (0, 0, 1)]))


def test_an_unlabelled_test_split_with_columns_of_labels(tmp_path):
    switches(tmp_path, SWITCHES + '[labels]\nnone = "neutral"\n', [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)])
    (tmp_path / "test.csv").write_text("id,text,anger,joy,fear\na,some text,,,\nb,more text,,,\n")
    data = read(tmp_path)
    assert data.unlabelled["text"][:] == ["some text", "more text"]


def test_rows_of_annotations_are_told_as_such(tmp_path):
    header = "text,emotion,annotator_1,annotator_2,majority_vote"
    lines = [
        f"text {n},{label},{n % 2},1,{(n + place) % 2}"
        for n in range(40)
        for place, label in enumerate(("joy", "fear"))
    ]
    (tmp_path / "train.csv").write_text("\n".join([header, *lines]) + "\n")
    flags = {"label_column": "emotion"}
    with pytest.raises(DataError, match=r"must have one row for each text, .*where = \{ majority_vote = 1 \}"):
        load_path(tmp_path, flags, SplitChoice(0))
    (tmp_path / "dataset.toml").write_text("[columns]\nwhere = { majority_vote = 1 }\n")
    data = load_path(tmp_path, flags, SplitChoice(0))
    assert sum(map(len, data.splits.values())) == 40
