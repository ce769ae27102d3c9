"""Labels as a description declares them: names, numbers, a map, and the rows of labels that are left out."""

from collections import Counter
from pathlib import Path

import pytest

from fecbench.core.errors import DataError
from fecbench.data.datasets.own.load_path import load_path
from fecbench.data.datasets.splits.missing_splits import SplitChoice


def lay(
    folder: Path, toml: str, labels: list[str], test: list[str] | None = None, times: int = 8, **files: str
) -> Path:
    """A data set with so many rows of each of ``labels``, described by ``toml``."""
    (folder / "dataset.toml").write_text(toml)
    for split, own in (("train", labels), ("valid", labels if test is None else test), ("test", test or labels)):
        lines = [f'{split} {n} {place},"{label}"' for n in range(times) for place, label in enumerate(own)]
        (folder / f"{split}.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content)
    return folder


def read(folder: Path):
    return load_path(folder, {}, SplitChoice(0))


def counts(data, split: str = "train") -> dict[str, int]:
    """The rows of each label."""
    return dict(Counter(data.labels[label] for label in data.splits[split]["label"][:]))


NAMES = {
    "a list": ('[labels]\nnames = ["joy", "fear", "anger"]\n', ""),
    "a list from 1": ('[labels]\nnames = ["joy", "fear", "anger"]\nfirst = 1\n', ""),
    "one a line": ('[labels]\nnames = "names.txt"\n', "joy\nfear\n\nanger\n"),
    "with descriptions": ('[labels]\nnames = "names.txt"\n', "joy\tbeing glad\nfear\nanger\n"),
    "numbers from 0 and a TAB": ('[labels]\nnames = "names.txt"\n', "0\tjoy\tbeing glad\n1\tfear\n2\tanger\n"),
    "numbers from 1 and a blank": ('[labels]\nnames = "names.txt"\n', "1 joy\n2 fear\n3 anger\n"),
}


@pytest.mark.parametrize(("toml", "content"), NAMES.values(), ids=NAMES)
def test_names_by_number(tmp_path, toml, content):
    first = 1 if "first" in toml or content.startswith("1") else 0
    numbers = [str(first + number) for number in (0, 0, 1, 2)]
    data = read(lay(tmp_path, toml, numbers, names_txt=content))
    assert data.labels == ("joy", "fear", "anger")
    assert counts(data) == {"joy": 16, "fear": 8, "anger": 8}
    assert data.descriptions == ({"joy": "being glad"} if "glad" in content else {})


def test_a_name_that_begins_with_a_number_is_a_name(tmp_path):
    stars = "1 star\n2 stars\n"
    assert read(lay(tmp_path, "", ["1 star", "2 stars"], labels_txt=stars)).labels == ("1 star", "2 stars")
    (tmp_path / "labels.txt").unlink()
    toml = '[labels]\nnames = "names.txt"\n'
    data = read(lay(tmp_path, toml, ["1 star", "2 star"], names_txt="1 star\n2 star\n"))
    assert data.labels == ("1 star", "2 star")


def test_numbers_that_count_from_elsewhere_are_told_with_the_key(tmp_path):
    lay(tmp_path, '[labels]\nnames = ["joy", "fear"]\n', ["1", "2"])
    with pytest.raises(DataError, match=r"must count from 0, which is 'joy' here.*write first = 1 under \[labels\]"):
        read(tmp_path)
    lay(tmp_path, '[labels]\nnames = ["joy", "fear"]\nfirst = 1\n', ["2", "3"])
    with pytest.raises(
        DataError, match=r"must count from 1, which is 'joy' here, but no row has a 1 \(they go from 2 to 3"
    ):
        read(tmp_path)
    lay(tmp_path, '[labels]\nnames = "nothing.txt"\n', ["0", "1"])
    with pytest.raises(DataError, match=r"nothing\.txt doesn't exist; correct names under \[labels\]"):
        read(tmp_path)


def test_a_map_renames_and_joins_labels(tmp_path):
    toml = '[labels.map]\nsad = ["sadness", "grief"]\nguilt = ["guit"]\n'
    data = read(lay(tmp_path, toml, ["sadness", "grief", "joy", "guilt", "guit"], ["joy", "grief"]))
    assert counts(data) == {"sad": 16, "joy": 8, "guilt": 16}
    assert data.labels == ("guilt", "joy", "sad")
    assert counts(data, "test") == {"joy": 8, "sad": 8}
    assert any("sad from sadness, grief (32 rows); guilt from guit (8 rows)" in note for note in data.notes)
    assert data.reading["labels"]["map"] == {"sad": ["sadness", "grief"], "guilt": ["guit"]}


def test_a_map_changes_the_fingerprint(tmp_path):
    plain = read(lay(tmp_path, "", ["joy", "fear", "anger"])).fingerprint
    mapped = read(lay(tmp_path, '[labels.map]\nbad = ["fear", "anger"]\n', ["joy", "fear", "anger"])).fingerprint
    assert plain != mapped


def test_a_map_of_numbers_with_names(tmp_path):
    toml = '[labels]\nnames = ["joy", "fear", "anger"]\nmap = { bad = ["fear", "anger"] }\n'
    data = read(lay(tmp_path, toml, ["0", "1", "2"]))
    assert (data.labels, counts(data)) == (("joy", "bad"), {"joy": 8, "bad": 16})


@pytest.mark.parametrize("toml", ['drop = ["neutral"]', 'keep = ["joy", "sad"]'])
def test_rows_of_labels_are_left_out_and_counted(tmp_path, toml):
    names = 'names = ["sadness", "joy", "neutral"]\nmap = { sad = ["sadness"] }\n'
    data = read(lay(tmp_path, f"[labels]\n{names}{toml}\n", ["sadness", "joy", "neutral"]))
    assert data.labels == ("sad", "joy")
    assert all(counts(data, split) == {"sad": 8, "joy": 8} for split in data.splits)
    assert all("neutral" not in text for split in data.splits.values() for text in split["text"][:])
    assert "24 rows of neutral are left out (train 8, validation 8, test 8)" in data.notes
    assert data.splits["train"]["text"][:2] == ["train 0 0", "train 0 1"]


def test_a_label_that_only_another_split_has_can_be_dropped(tmp_path):
    lay(tmp_path, "", ["joy", "fear"], ["joy", "fear", "odd"])
    with pytest.raises(
        DataError, match=r"the label 'odd' isn't one of fear, joy; .*drop = \[\"odd\"\] under \[labels\]"
    ):
        read(tmp_path)
    data = read(lay(tmp_path, '[labels]\ndrop = ["odd"]\n', ["joy", "fear"], ["joy", "fear", "odd"]))
    assert counts(data, "test") == {"joy": 8, "fear": 8}


UNKNOWN = {
    "map": (
        '[labels.map]\nsad = ["sadnes"]\n',
        r"map under \[labels\]: no label is called 'sadnes'; did you mean 'sadness'",
    ),
    "drop": ('[labels]\ndrop = ["jo"]\n', r"drop under \[labels\]: no label is called 'jo'; did you mean 'joy'"),
    "drop by an old name": (
        '[labels]\nmap = { sad = ["sadness"] }\ndrop = ["sadness"]\n',
        r"drop under \[labels\]: no label is called 'sadness'.*Known: joy, sad",
    ),
    "keep": ('[labels]\nkeep = ["joy", "sade"]\n', r"keep under \[labels\]: no label is called 'sade'"),
    "descriptions": ('[labels]\ndescriptions = { jo = "being glad" }\n', r"descriptions under \[labels\]: .*'jo'"),
}


@pytest.mark.parametrize(("toml", "message"), UNKNOWN.values(), ids=UNKNOWN)
def test_labels_that_there_are_not_are_answered_with_the_nearest(tmp_path, toml, message):
    with pytest.raises(DataError, match=message):
        read(lay(tmp_path, toml, ["joy", "sadness"]))


def test_a_given_name_without_rows_is_an_error_unless_it_is_left_out(tmp_path):
    toml = '[labels]\nnames = ["joy", "fear", "pride"]\n'
    with pytest.raises(
        DataError, match=r"train must hold every class, but has no row of pride; .*drop under \[labels\]"
    ):
        read(lay(tmp_path, toml, ["joy", "fear"]))
    assert read(lay(tmp_path, toml + 'drop = ["pride"]\n', ["joy", "fear"])).labels == ("joy", "fear")
    assert read(lay(tmp_path, toml + 'map = { joy = ["pride"] }\n', ["joy", "fear"])).labels == ("joy", "fear")


def test_descriptions_of_the_description_win(tmp_path):
    toml = '[labels]\nnames = "names.txt"\ndescriptions = { joy = "bliss" }\n'
    data = read(lay(tmp_path, toml, ["0", "1"], names_txt="joy\tbeing glad\nfear\tbeing afraid\n"))
    assert data.descriptions == {"joy": "bliss", "fear": "being afraid"}


def test_a_class_too_rare_to_be_cut_is_told_with_the_keys(tmp_path):
    (tmp_path / "train.csv").write_text("text,label\n" + "".join(f"t{n},{'ab'[n % 2]}\n" for n in range(20)) + "t,c\n")
    with pytest.raises(
        DataError, match=r"'c' has 1 \(.*line 22\); .*\(drop or map under \[labels\] in dataset\.toml\)"
    ):
        read(tmp_path)
    (tmp_path / "dataset.toml").write_text('[labels]\ndrop = ["c"]\n')
    assert read(tmp_path).labels == ("a", "b")
