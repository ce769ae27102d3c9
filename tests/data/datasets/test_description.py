"""``dataset.toml`` is checked whole: mistakes are told with line, key, value and reason."""

from pathlib import Path

import pytest

from fecbench.core.errors import DataError, DataNotFound
from fecbench.data.datasets.description.flags import with_flags
from fecbench.data.datasets.description.schema import Description
from fecbench.data.datasets.description.toml_file import from_toml

WHOLE = """
title = "MELD"
licence = "GPL-3.0"
language = "en"

[files]
train = "train_sent_emo.csv"
test = ["a.csv", "b.csv"]

[format]
kind = "csv"
delimiter = ";"
header = false
columns = ["id", "said", "mood"]

[columns]
text = ["said", 1]
label = 3
join = "named"
where = { split = "train", fold = 2, good = true }

[labels]
names = ["joy", "sadness", "neutral"]
first = 1
none = "neutral"
map = { sad = ["sadness"] }
drop = ["neutral"]

[replace]
_comma_ = ","
"""


def read(folder: Path, content: str) -> Description:
    (folder / "dataset.toml").write_text(content)
    return from_toml(folder / "dataset.toml")


def test_every_key_is_read(tmp_path):
    description = read(tmp_path, WHOLE)
    assert (description.title, description.licence, description.language) == ("MELD", "GPL-3.0", "en")
    assert description.files.test == ["a.csv", "b.csv"]
    assert (description.format.delimiter, description.format.header) == (";", False)
    assert (description.columns.text, description.columns.label) == (["said", 1], 3)
    assert description.columns.where == {"split": "train", "fold": 2, "good": True}
    assert (description.labels.map_of_old, description.labels.first) == ({"sadness": "sad"}, 1)
    assert description.replace == {"_comma_": ","}


def test_an_empty_file_describes_nothing(tmp_path):
    assert read(tmp_path, "") == read(tmp_path, "\ufeff# a remark\n") == Description()


MISTAKES = {
    "no toml": ('title = "a"\ntitel\n', r"dataset\.toml, line 2: the file must be TOML, but has an error in column 6"),
    "an open list": ("[files]\ntrain = [\n", r"dataset\.toml, at its end: the file must be TOML|line \d"),
    "a key twice": ('title = "a"\ntitle = "b"\n', r"line 2: the file must be TOML, .*annot overwrite a value"),
    "an unknown key": (
        'titel = "a"\n',
        r"dataset\.toml, line 1: no key of a description is called 'titel'; did you mean 'title'\? Known: .*columns",
    ),
    "an unknown key of a table": (
        '[files]\n\ntrian = "a.csv"\n',
        r"line 3: no key of \[files\] is called 'trian'; did you mean 'train'\?",
    ),
    "an unknown key of an inner table": (
        '[labels]\nfiles = { dev = "a.txt" }\n',
        r"line 2: no key of \[labels\.files\] is called 'dev'\. Known: test, train, validation",
    ),
    "a key of another table": (
        '[columns]\nseparator = ","\n',
        r"line 2: no key of \[columns\] is called 'separator'.*separator is a key of \[labels\]: move it there",
    ),
    "a key of a table at the top": ('train = "a.csv"\n', r"train is a key of \[files\]: move it there"),
    "a key of the top in a table": ('[files]\nlicence = "a"\n', r"licence is a key of the top of the file"),
    "a table that is text": ('files = "a.csv"\n', r'line 1: files must be a table, but is "a\.csv"; correct it'),
    "a wrong type": ("[columns]\ntext = 1.5\n", r"line 2: columns\.text must be a string or a whole number or a list"),
    "a wrong item": (
        '[columns]\ntext = ["a", ""]\n',
        r'columns\.text\[2\] must be a string that isn\'t empty, but is ""',
    ),
    "column 0": ("[columns]\ntext = 0\n", r"columns\.text must be at least 1, but is 0"),
    "text for a truth": ('[format]\nheader = "no"\n', r'format\.header must be true or false, but is "no"'),
    "a choice": ('[format]\nquotes = "double"\n', r"format\.quotes must be one of 'csv' or 'plain', but is \"double\""),
    "a long delimiter": (
        '[format]\ndelimiter = "::"\n',
        r'format\.delimiter must be a string of 1 character, but is "::"',
    ),
    "text for a list": ('[labels]\nmap = { sad = "sadness" }\n', r'labels\.map\.sad must be a list, but is "sadness"'),
    "true for a number": (
        "[labels]\nfirst = true\n",
        r"line 2: labels\.first is true, but a number is needed, not true or false",
    ),
    "drop and keep": ('[labels]\ndrop = ["a"]\nkeep = ["b"]\n', r"line 1: \[labels\] drop and keep exclude each other"),
    "a label mapped twice": (
        '[labels.map]\nsad = ["a", "b"]\nglad = ["b"]\n',
        r"\[labels\] map must list each label once, but lists 'b' twice",
    ),
    "several mistakes": ('titel = "a"\n[files]\ntrian = "b"\n', r"line 1: .*'titel'.*; .*line 3: .*'trian'"),
}


@pytest.mark.parametrize(("content", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_told_in_the_terms_of_the_file(tmp_path, content, message):
    with pytest.raises(DataError, match=message) as error:
        read(tmp_path, content)
    assert "--" not in str(error.value)


def test_a_description_that_cannot_be_read(tmp_path):
    with pytest.raises(DataNotFound, match=r"mine\.toml doesn't exist"):
        from_toml(tmp_path / "mine.toml")
    (tmp_path / "mine.toml").write_bytes(b'title = "na\xefve"\n')
    with pytest.raises(DataError, match=r"mine\.toml must be UTF-8 .*; save it as UTF-8"):
        from_toml(tmp_path / "mine.toml")
    (tmp_path / "mine.toml").unlink()
    (tmp_path / "mine.toml").mkdir()
    with pytest.raises(DataError, match=r"mine\.toml can't be read"):
        from_toml(tmp_path / "mine.toml")


def test_flags_win_over_the_description(tmp_path):
    description = read(tmp_path, WHOLE)
    flags = {"train_file": "x.csv", "header": True, "text_column": "2", "quotes": "plain", "group_column": "id"}
    changed = with_flags(description, flags)
    assert (changed.files.train, changed.files.test) == ("x.csv", ["a.csv", "b.csv"])
    assert (changed.format.header, changed.format.quotes, changed.format.delimiter) == (True, "plain", ";")
    assert (changed.columns.text, changed.columns.label, changed.columns.group) == ("2", 3, "id")
    assert with_flags(description, {}) == description


def test_text_and_label_are_two_columns():
    with pytest.raises(
        DataError, match=r"must be two columns, but both are 'label'; .*--text-column and --label-column"
    ):
        with_flags(Description(), {"text_column": "label"})
