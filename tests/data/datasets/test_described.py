"""Data sets that ``dataset.toml`` or flags describe: files, columns, texts and facts."""

import json
from pathlib import Path

import pytest

from fecbench.core.errors import DataError, DataNotFound
from fecbench.data.datasets.dataset import SPLITS
from fecbench.data.datasets.own.load_path import load_path
from fecbench.data.datasets.splits.missing_splits import SplitChoice


def rows(split: str, times: int = 8) -> list[tuple[str, str, str]]:
    """The id, text and label of each row."""
    return [(f"{split}{n}", f"{split} text {n}", ("joy", "fear")[n % 2]) for n in range(times)]


def lay(folder: Path, toml: str = "", **files: str) -> Path:
    """Files in a folder; ``a__b_csv`` is called a/b.csv."""
    if toml:
        (folder / "dataset.toml").write_text(toml)
    for name, content in files.items():
        stem, _, suffix = name.replace("__", "/").rpartition("_")
        path = folder / f"{stem}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def csv(header: str, lines: list[tuple[str, ...]], mark: str = ",") -> str:
    return "\n".join([header, *map(mark.join, lines)]) + "\n" if header else "\n".join(map(mark.join, lines)) + "\n"


def texts(data, split: str) -> list[str]:
    return data.splits[split]["text"][:]


MELD = """
title = "MELD"
licence = "GPL-3.0"
homepage = "https://github.com/declare-lab/MELD"
language = "en"
citation = "Poria et al. 2019"
metric = "weighted_f1"
note = "Friends"
[files]
train = "data/train_sent_emo.csv"
validation = "data/dev_sent_emo.csv"
test = "data/test_sent_emo.csv"
[columns]
text = "Utterance"
label = "Emotion"
"""


def meld(folder: Path, toml: str = MELD) -> Path:
    """Files of MELD's shape."""
    header = "Sr No.,Utterance,Emotion"
    files = {f"data__{name}_sent_emo_csv": csv(header, rows(name)) for name in ("train", "dev", "test")}
    return lay(folder, toml, **files)


def test_a_description_in_the_folder_is_used(tmp_path):
    data = load_path(meld(tmp_path), {}, SplitChoice(0))
    assert data.labels == ("fear", "joy")
    assert texts(data, "validation") == [text for _, text, _ in rows("dev")]
    assert data.cut == ()
    info = data.info
    assert (info.title, info.licence, info.homepage) == ("MELD", "GPL-3.0", "https://github.com/declare-lab/MELD")
    assert (info.language, info.citation, info.metric, info.note) == (
        "en",
        "Poria et al. 2019",
        "weighted_f1",
        "Friends",
    )
    assert data.name == tmp_path.name
    assert data.reading == {
        "files": {
            "train": ["data/train_sent_emo.csv"],
            "validation": ["data/dev_sent_emo.csv"],
            "test": ["data/test_sent_emo.csv"],
        },
        "columns": {"text": "Utterance", "label": "Emotion"},
    }


def test_a_description_of_any_name_refers_to_its_own_folder(tmp_path):
    (tmp_path / "x").mkdir()
    meld(tmp_path / "x", toml="")
    (tmp_path / "x" / "mine.toml").write_text(MELD)
    data = load_path(tmp_path / "x" / "mine.toml", {}, SplitChoice(0))
    assert (data.name, len(data.splits["test"])) == ("mine", 8)
    (tmp_path / "x" / "mine.toml").write_text('name = "friends"\n' + MELD)
    assert load_path(tmp_path / "x" / "mine.toml", {}, SplitChoice(0)).name == "friends"
    with pytest.raises(DataNotFound, match=r"other\.toml doesn't exist"):
        load_path(tmp_path / "x" / "other.toml", {}, SplitChoice(0))


def test_a_name_never_passes_for_a_registered_set(tmp_path):
    assert load_path(meld(tmp_path, 'name = "ge"\n' + MELD), {}, SplitChoice(0)).name == "ge (own)"


def test_flags_name_files_and_columns_without_a_description(tmp_path, monkeypatch):
    meld(tmp_path, toml="")
    flags = {"train_file": "data/train_sent_emo.csv", "text_column": "2", "label_column": "Emotion"}
    data = load_path(tmp_path, flags | {"test_file": "data/test*.csv"}, SplitChoice(0))
    assert (data.cut, len(data.splits["test"])) == ((), 8)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    data = load_path(tmp_path / "elsewhere", flags, SplitChoice(0))  # as the path is given, from the working directory
    assert data.reading["files"] == {"train": ["train_sent_emo.csv"]}
    with pytest.raises(DataNotFound, match=r"nothing\.csv doesn't exist"):
        load_path(tmp_path, flags | {"test_file": "nothing.csv"}, SplitChoice(0))
    with pytest.raises(DataError, match=r"there is no column 9, since the row has 3 \(Sr No\., Utterance, Emotion\)"):
        load_path(tmp_path, flags | {"label_column": "9"}, SplitChoice(0))


def test_files_that_are_not_declared_are_recognised_or_cut(tmp_path):
    meld(tmp_path, '[files]\ntest = "data/test_sent_emo.csv"\n[columns]\ntext = "Utterance"\nlabel = "Emotion"\n')
    lay(tmp_path, train_csv=csv("id,Utterance,Emotion", rows("top", 40)))
    data = load_path(tmp_path, {}, SplitChoice(0))
    assert (data.cut, len(data.splits["test"])) == (("validation",), 8)
    toml = '[files]\ntrain = "train.csv"\n[columns]\ntext = "Utterance"\nlabel = "Emotion"\n'
    assert load_path(lay(tmp_path, toml), {}, SplitChoice(0)).cut == ("validation", "test")


def test_several_files_of_a_split_follow_one_another(tmp_path):
    first, second = rows("a"), rows("b")
    toml = '[files]\ntrain = ["b.csv", "more/*.tsv"]\ntest = "c.csv"\nvalidation = "d.csv"\n'
    lay(tmp_path, toml, **dict.fromkeys(("b_csv", "c_csv", "d_csv"), csv("id,text,label", second)))
    lay(tmp_path, more__a_tsv=csv("text\tlabel", [row[1:] for row in first], "\t"))
    data = load_path(tmp_path, {}, SplitChoice(0))
    assert texts(data, "train") == [text for _, text, _ in second + first]


def test_files_without_a_header_are_read_by_numbers_or_names(tmp_path):
    lay(tmp_path, train_tsv=csv("", rows("train", 40), "\t"))
    by_number = load_path(tmp_path, {"header": False, "text_column": "2", "label_column": "3"}, SplitChoice(0))
    lay(
        tmp_path,
        '[format]\nheader = false\ncolumns = ["id", "said", "mood"]\n[columns]\ntext = "said"\nlabel = "mood"\n',
    )
    by_name = load_path(tmp_path, {}, SplitChoice(0))
    for data in (by_number, by_name):
        assert data.labels == ("fear", "joy")
        assert sum(map(len, data.splits.values())) == 40


def test_several_text_columns_are_joined(tmp_path):
    lines = [(f"a{n}", f"b{n}" if n % 2 else "", ("joy", "fear")[n // 2 % 2]) for n in range(40)]
    lay(tmp_path, train_csv=csv("turn1,turn2,label", lines), test_csv=csv("turn1,turn2,label", lines[:4]))
    joined = {"space": ["a0", "a1 b1"], "newline": ["a0", "a1\nb1"], "named": ["turn1: a0", "turn1: a1\nturn2: b1"]}
    for join, expected in joined.items():
        toml = f'[files]\ntrain = "train.csv"\ntest = "test.csv"\n[columns]\ntext = ["turn1", 2]\njoin = "{join}"\n'
        data = load_path(lay(tmp_path, toml), {}, SplitChoice(0))
        assert texts(data, "test")[:2] == expected
        assert data.columns == ["text", "label"]
    lay(tmp_path, test_csv="turn1,turn2,label\n,,joy\n")
    with pytest.raises(DataError, match=r"test\.csv, line 2: the text must not be empty, found \['', ''\]"):
        load_path(tmp_path, {}, SplitChoice(0))


def test_texts_are_repaired(tmp_path):
    lines = [(f"yes_comma_ {n}", f"no{n}_comma_", ("joy", "fear")[n % 2]) for n in range(40)]
    toml = '[replace]\n"_comma_" = ","\n'
    lay(tmp_path, toml, train_csv=csv("text,aug_text,label", lines), test_csv=csv("text,aug_text,label", lines[:2]))
    data = load_path(tmp_path, {}, SplitChoice(0))
    assert texts(data, "test") == ["yes, 0", "yes, 1"]
    assert data.splits["test"]["aug_text"][:] == ["no0,", "no1,"]


def test_where_chooses_rows_and_counts_the_others(tmp_path):
    lines = [(f"t{n}", ("joy", "fear")[n % 2], ("true", "False")[n // 2 % 2], f"{n % 3}.0") for n in range(60)]
    toml = "[columns]\nwhere = { good = true, fold = 1 }\n"
    lay(tmp_path, toml, train_csv=csv("text,label,good,fold", lines), test_csv=csv("text,label,good,fold", lines[:8]))
    data = load_path(tmp_path, {}, SplitChoice(0))
    assert texts(data, "test") == ["t1", "t4"]
    assert data.columns == ["text", "label"]
    assert "6 rows of test aren't read, as where under [columns] says" in data.notes
    lay(tmp_path, "[columns]\nwhere = { good = true, fold = 7 }\n")
    with pytest.raises(DataError, match=r"leaves out all its 60 rows, which have good = 'False', fold = '0\.0'|fold"):
        load_path(tmp_path, {}, SplitChoice(0))
    lay(tmp_path, "[columns]\nwhere = { fodl = 1 }\n")
    with pytest.raises(DataError, match=r"the column 'fodl' is missing, found text, .*where under \[columns\]"):
        load_path(tmp_path, {}, SplitChoice(0))


def test_ids_and_groups_are_kept(tmp_path):
    lines = [(str(n), f"t{n}", ("joy", "fear")[n % 2], f"d{n // 4}") for n in range(40)]
    toml = '[files]\ntrain = "a.csv"\ntest = "b.csv"\n[columns]\nid = "no"\ngroup = "dialogue"\n'
    lay(tmp_path, toml, **dict.fromkeys(("a_csv", "b_csv"), csv("no,text,label,dialogue", lines)))
    data = load_path(tmp_path, {}, SplitChoice(0))
    assert data.splits["test"]["id"][:] == [str(n) for n in range(40)]
    assert data.splits["test"]["group"][:] == [f"d{n // 4}" for n in range(40)]
    lay(tmp_path, a_csv=csv("no,text,label,dialogue", [*lines, ("", "t", "joy", "")]))
    with pytest.raises(DataError, match=r"line 42: the id must be a text or number, found '' in the column 'no'"):
        load_path(tmp_path, {}, SplitChoice(0))


def test_nan_is_a_missing_group_and_no_id_and_no_rater(tmp_path):
    lines = [f'{{"text": "t{n}", "label": "{"ab"[n % 2]}", "who": NaN, "talk": NaN}}' for n in range(40)]
    lay(tmp_path, train_jsonl="\n".join([*lines, '{"text": "t", "label": "a", "who": 1.5, "talk": 1.5}']))
    data = load_path(tmp_path, {"group_column": "talk"}, SplitChoice(0))
    assert sorted(group for split in data.splits.values() for group in split["group"][:]) == [""] * 40 + ["1.5"]
    for name, flags in (("id", {"id_column": "who"}), ("rater", {"id_column": "text", "rater_column": "who"})):
        with pytest.raises(DataError, match=rf"line 1: the {name} must be a text or number, found nan in the column"):
            load_path(tmp_path, flags, SplitChoice(0))


def test_a_test_split_without_labels_becomes_texts(tmp_path):
    lay(tmp_path, '[columns]\nid = "no"\n', train_csv=csv("no,text,label", rows("a", 40)))
    for header, lines in (
        ("no,text,label", [(*row[:2], "") for row in rows("t")]),
        ("no,text", [r[:2] for r in rows("t")]),
    ):
        lay(tmp_path, test_csv=csv(header, lines))
        data = load_path(tmp_path, {}, SplitChoice(0))
        assert "test" not in data.splits
        assert data.unlabelled["text"][:] == [text for _, text, _ in rows("t")]
        assert data.unlabelled["id"][:] == [number for number, _, _ in rows("t")]
        assert any("the test split has no labels" in note for note in data.notes)
    lay(tmp_path, dev_csv=csv("no,text,label", [(*row[:2], "") for row in rows("t")]))
    with pytest.raises(DataError, match=r"validation must have labels.*none of its 8 rows has one"):
        load_path(tmp_path, {}, SplitChoice(0))


def test_a_path_of_this_machine_is_not_in_the_reading(tmp_path):
    (tmp_path / "a").mkdir()
    lay(tmp_path, far_csv=csv("id,text,label", rows("a", 40)))
    lay(tmp_path / "a", f"[files]\ntrain = {json.dumps(str(tmp_path / 'far.csv'))}\n")
    data = load_path(tmp_path / "a", {}, SplitChoice(0))
    assert data.reading["files"] == {"train": ["far.csv"]}


def test_label_files_of_this_machine_are_not_in_the_reading(tmp_path):
    (tmp_path / "a").mkdir()
    names = lay(tmp_path, names_txt="joy\nfear\n", far_txt="0\n1\n" * 20) / "names.txt"
    toml = f"[labels]\nnames = {json.dumps(str(names))}\nfiles.train = {json.dumps(str(tmp_path / 'far.txt'))}\n"
    lay(tmp_path / "a", f'files.train = "train.txt"\n{toml}', train_txt="".join(f"text {n}\n" for n in range(40)))
    data = load_path(tmp_path / "a", {}, SplitChoice(0))
    assert data.labels == ("joy", "fear")
    assert data.reading["labels"] == {"names": "names.txt", "files": {"train": "far.txt"}}
    assert str(tmp_path) not in json.dumps(data.reading)


def test_numbers_of_rows_and_classes_are_those_of_the_folder_not_of_one_file(tmp_path):
    toml = "classes = 2\nrows = { train = 40, validation = 24 }\n"
    lay(tmp_path, toml, train_csv=csv("id,text,label", rows("a", 40)), dev_csv=csv("id,text,label", rows("b", 24)))
    assert load_path(tmp_path, {}, SplitChoice(0)).cut == ("test",)
    assert load_path(tmp_path / "dev.csv", {}, SplitChoice(0)).cut == ("validation", "test")
    (tmp_path / "dataset.toml").write_text(toml.replace("40", "41"))
    with pytest.raises(DataError, match="must have 41 rows, but has 40"):
        load_path(tmp_path, {}, SplitChoice(0))


def test_parallel_files_of_texts_and_labels(tmp_path):
    text, label = ({split: "\n".join(row[place] for row in rows(split, 40)) for split in SPLITS} for place in (1, 2))
    toml = "[files]\n" + "".join(f'{split} = "{split}_text.txt"\n' for split in SPLITS)
    toml += "[labels.files]\n" + "".join(f'{split} = "{split}_labels.txt"\n' for split in SPLITS)
    lay(tmp_path, toml, **{f"{split}_text_txt": text[split] for split in SPLITS})
    lay(tmp_path, **{f"{split}_labels_txt": label[split] for split in SPLITS})
    data = load_path(tmp_path, {}, SplitChoice(0))
    assert texts(data, "test") == [row[1] for row in rows("test", 40)]
    assert data.labels == ("fear", "joy")
    lay(tmp_path, toml.replace('test = "test_labels.txt"', 'test = ["test_labels.txt", "train_labels.txt"]'))
    with pytest.raises(DataError, match=r"each file of test must have one file of labels, but there are 1 files under"):
        load_path(tmp_path, {}, SplitChoice(0))


def test_one_file_of_a_described_folder_keeps_its_columns(tmp_path):
    meld(tmp_path, MELD + '[labels]\nmap = { glad = ["joy"] }\n')
    (tmp_path / "dataset.toml").rename(tmp_path / "data" / "dataset.toml")
    data = load_path(tmp_path / "data" / "train_sent_emo.csv", {}, SplitChoice(0))
    assert (data.labels, data.cut) == (("fear", "glad"), ("validation", "test"))
