"""Data sets in the forms in which they are published: read for what they say, or refused with the way to go on."""

import json
from pathlib import Path

import pytest

from fecbench.core.errors import DataError, DataNotFound
from fecbench.data.datasets.dataset import SPLITS
from fecbench.data.datasets.labels.several_labels import holding_several
from fecbench.data.datasets.own.load_path import load_path
from fecbench.data.datasets.splits.missing_splits import SplitChoice
from tests.support.own_data import COLUMNS, columns


def lay(folder: Path, **files: str) -> Path:
    """Files in a folder; ``train_csv`` is called train.csv."""
    for name, content in files.items():
        stem, _, suffix = name.rpartition("_")
        (folder / f"{stem}.{suffix}").write_text(content)
    return folder


def csv(*labels: str, times: int = 8, mark: str = ",") -> str:
    """A row for each of ``labels``, so many times."""
    rows = [(f"text {number} of {place}", label) for number in range(times) for place, label in enumerate(labels)]
    quoted = (mark.join((text, f'"{label}"' if mark in label else label)) for text, label in rows)
    return "\n".join([f"text{mark}label", *quoted]) + "\n"


def read(folder: Path, flags: dict[str, str] = COLUMNS, **others: str):
    return load_path(folder, flags | others, SplitChoice(0))


SEVERAL = [
    (["joy", "love", "joy,love"], ["joy,love"]),
    (["0", "1", "1,0"], ["1,0"]),
    (["3", "3,14"], ["3,14"]),
    (["1", "1, 4, 7"], ["1, 4, 7"]),
    (["-1", "0", "1", "-1;1"], ["-1;1"]),
    (
        ["joy", "love", "joy|love", "joy / love", "Joy and love", "love+joy"],
        ["joy|love", "joy / love", "Joy and love", "love+joy"],
    ),
    (["[0]", "[0 1]", "[]"], ["[0]", "[0 1]", "[]"]),
    (["neutral", "['joy', 'not sure']", '["joy"]'], ["['joy', 'not sure']", '["joy"]']),
    (["joy", "(joy, love)", "love"], ["(joy, love)"]),
    (["joy,love", "anger,joy", "love,anger"], ["joy,love", "anger,joy", "love,anger"]),
    (["anger,joy", "anger,love", "joy,love"], ["anger,joy", "anger,love", "joy,love"]),
    (
        ["\u0641\u0631\u062d", "\u062d\u0628", "\u0641\u0631\u062d\u060c \u062d\u0628"],
        ["\u0641\u0631\u062d\u060c \u062d\u0628"],
    ),
    (["work, travel", "work, food", "home, food"], []),
    (["joy", "joy,"], ["joy,"]),
    (["not sure", "very sad", "not sure, very sad"], ["not sure, very sad"]),
    (["positive", "very positive", "not sure"], []),
    (["sports & games", "Sci/Tech", "Clothing, shoes and more", "[neutral]", "(a)", "(1)"], []),
    (["anger", "anger, disgust", "joy"], []),
    (["yes", "yes, strongly", "no", "no, strongly"], []),
    (["1 star", "2 stars", "18-24", "1.5", "C++", "C"], []),
]


@pytest.mark.parametrize(("cells", "found"), SEVERAL, ids=[" ; ".join(cells) for cells, _ in SEVERAL])
def test_cells_with_several_labels_are_told_from_names_that_hold_marks(cells, found):
    assert holding_several(cells) == found
    assert holding_several(cells, names=cells) == []


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_a_cell_with_several_labels_is_named_with_its_rows(tmp_path, suffix):
    labels = ("0", "1", "0,1", "[]")
    rows = [{"text": f"text {number} of {label}", "label": label} for number in range(8) for label in labels]
    content = (
        "".join(json.dumps(row) + "\n" for row in rows)
        if suffix == "jsonl"
        else csv(*labels, mark=",\t"[suffix == "tsv"])
    )
    lay(tmp_path, **{f"train_{suffix}": content})
    says = r"line [34]: .*'0,1' holds several labels or a list, as do '\[\]' \(16 rows\).*must be named in labels\.txt"
    with pytest.raises(DataError, match=rf"train\.{suffix}, {says}"):
        read(tmp_path)


def test_lists_in_json_and_parquet_are_several_labels(tmp_path):
    import pyarrow
    from pyarrow import parquet

    lists = [["joy"], ["joy", "love"], ["love"]]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": "a", "label": label}) + "\n" for label in lists))
    parquet.write_table(pyarrow.table({"text": ["a"] * 3, "label": lists}), tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.parquet"):
        with pytest.raises(DataError, match=r"""2: the label must be one name .* '\["joy", "love"\]' holds several"""):
            read(tmp_path / name, labelling="single")


def test_several_labels_in_a_later_split_are_told_as_such(tmp_path):
    lay(tmp_path, train_csv=csv("joy", "love"), test_csv=csv("joy", "joy;love", times=1))
    with pytest.raises(DataError, match=r"test\.csv, line 3: .*'joy;love' holds several labels"):
        read(tmp_path)


def test_labels_txt_says_that_a_name_with_commas_is_one_class(tmp_path):
    lay(tmp_path, train_csv=csv("joy", "love", "joy,love"), labels_txt="joy\nlove\njoy,love\n")
    assert read(tmp_path).labels == ("joy", "love", "joy,love")


def test_what_labels_may_hide_is_noted(tmp_path):
    lay(tmp_path, train_csv=csv("joy", "Joy", "anger, disgust"))
    alike, commas = read(tmp_path).notes
    assert "Joy / joy" in alike
    assert "'anger, disgust'" in commas
    lay(tmp_path, train_csv=csv("0", "1"))
    assert any("labels.txt" in note and "numbers (0, 1)" in note for note in read(tmp_path).notes)
    lay(tmp_path, labels_txt="joy\nanger\n")
    assert read(tmp_path).notes == ()


def test_parquet_that_datasets_wrote_names_its_labels(tmp_path):
    from datasets import ClassLabel, Dataset, Features, Value

    features = Features(text=Value("string"), label=ClassLabel(names=["joy", "anger"]))
    rows = {"text": [f"text {number}" for number in range(20)], "label": [number % 2 for number in range(20)]}
    Dataset.from_dict(rows, features).to_parquet(tmp_path / "train.parquet")
    data = read(tmp_path)
    assert data.labels == ("joy", "anger")
    for split in SPLITS:
        assert all(int(row["text"].split()[1]) % 2 == row["label"] for row in data.splits[split])
    Dataset.from_dict(rows | {"label": [*rows["label"][:-1], -1]}, features).to_parquet(tmp_path / "train.parquet")
    with pytest.raises(DataError, match=r"row 20: the label '-1' isn't one of .*rows without a label: remove them"):
        read(tmp_path)


SWALLOWED = [(number, f"text {number}", ("joy", "fear")[number % 2]) for number in range(20)]


def quoted(mark: str, first: int, last: int | None) -> str:
    """Rows in which text ``first`` begins with a lone quote and text ``last`` ends with one."""
    texts = [
        '"' * (number == first) + text + '"' * (number == last) + mark + label for number, text, label in SWALLOWED
    ]
    return "\n".join([f"text{mark}label", *texts]) + "\n"


@pytest.mark.parametrize(("suffix", "mark"), [("csv", ","), ("tsv", "\t")])
@pytest.mark.parametrize(
    ("last", "says"), [(9, "goes on to line 11 and holds what look like 6 rows"), (None, "never closes")]
)
def test_a_lone_quote_is_named_by_its_line_and_can_be_read_plainly(tmp_path, suffix, mark, last, says):
    lay(tmp_path, **{f"train_{suffix}": quoted(mark, 3, last)})
    with pytest.raises(DataError, match=rf"train\.{suffix}, line 5: .*{says}.*--quotes plain"):
        read(tmp_path)
    data = read(tmp_path, quotes="plain")
    texts = [text for split in SPLITS for text in data.splits[split]["text"][:]]
    assert len(texts) == 20
    assert '"text 3' in texts


def test_the_line_of_a_quote_is_that_of_its_own_cell(tmp_path):
    lay(tmp_path, train_csv='text,note,label\n"two\nlines","open,joy\nmore,joy\n')
    with pytest.raises(DataError, match=r"line 3: a quote opens a cell here and never closes"):
        read(tmp_path)
    lay(tmp_path, train_csv='text,label\na,joy\n"b\nc" d,joy\n')
    with pytest.raises(DataError, match=r"line 3: the quoted cell that begins here ends badly in line 4"):
        read(tmp_path)


def test_a_text_of_several_lines_is_a_text(tmp_path):
    text = '"Dear all,\nthis is joy, I think\nbye"'
    lay(tmp_path, train_csv=csv("joy", "fear") + f"{text},joy\n")
    assert sum(len(split) for split in read(tmp_path).splits.values()) == 17


def test_a_text_of_two_lines_after_its_label_is_a_text(tmp_path):
    rows = [f"joy,text {number}\nfear,other {number}" for number in range(8)]
    lay(tmp_path, train_csv="\n".join(["label,text", *rows, 'joy,"so\nhappy"']))
    assert sum(len(split) for split in read(tmp_path).splits.values()) == 17
    lay(tmp_path, train_csv="\n".join(["label,text", *rows, 'joy,"so\nfear,more\njoy,happy"']))
    with pytest.raises(DataError, match=r"line 18: .* goes on to line 20 and holds what look like 2 rows"):
        read(tmp_path)


def test_blank_and_odd_lines_hide_no_swallowed_rows(tmp_path):
    swallowed = '"begin,joy\n\nmore,fear\nodd\nstill more,joy\nend",fear\n'
    lay(tmp_path, train_csv=csv("joy", "fear") + swallowed)
    with pytest.raises(DataError, match=r"line 18: .* goes on to line 23 and holds what look like 3 rows"):
        read(tmp_path)


def test_a_label_of_two_lines_is_several_labels(tmp_path):
    lay(tmp_path, train_csv=csv("joy", "fear") + 'a text,"joy\nfear"\n')
    with pytest.raises(DataError, match=r"line 18: .*holds several labels"):
        read(tmp_path)


def test_runs_are_told_what_quotes_are(fecbench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lay(tmp_path, train_csv=quoted(",", 3, 9))
    code, out, _ = fecbench("data", "stats", "./train.csv", "--quotes", "plain", "--json")
    assert (code, sum(json.loads(out)[0]["rows"].values())) == (0, 20)
    code, _, err = fecbench(
        "run",
        "ce",
        "--dataset",
        "./train.csv",
        "--quotes",
        "plain",
        "--encoder",
        "scratch",
        "--epochs",
        1,
        "--run-dir",
        "r",
    )
    assert code == 0, err
    assert json.loads(Path("r/run.json").read_text())["settings"]["quotes"] == {"value": "plain", "origin": "flag"}


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_another_mark_between_cells_is_recognised(tmp_path, mark):
    lay(tmp_path, train_csv="\n \n" + csv("joy, or so", "fear", mark=mark))
    assert read(tmp_path).labels == ("fear", "joy, or so")
    with pytest.raises(DataError, match=r"'mood' is missing, found text, label; name yours with --label-column"):
        read(tmp_path, columns("text", "mood"))


def test_a_json_array_is_read_and_one_object_refused(tmp_path):
    rows = [{"text": f"text {number}", "label": ("joy", "fear")[number % 2]} for number in range(20)]
    for content in (json.dumps(rows, indent=1), "\n".join(map(json.dumps, rows))):
        lay(tmp_path, train_json=content)
        assert sum(len(split) for split in read(tmp_path).splits.values()) == 20
    lay(tmp_path, train_json=json.dumps({"train": rows, "val": rows}))
    with pytest.raises(
        DataError, match=r"is one object of train, val; write the rows of each split to a file of its own"
    ):
        read(tmp_path)
    lay(tmp_path, train_json=json.dumps({"text": ["a", "b"], "label": ["joy"]}))
    with pytest.raises(
        DataError, match=r"arrays that are columns must be equally long, found text with 2, label with 1"
    ):
        read(tmp_path)
    lay(tmp_path, train_json=json.dumps([{"text": ["so", "happy"], "label": "joy"}]))
    with pytest.raises(DataError, match=r"row 1: the text must be a string, found \['so', 'happy'\]"):
        read(tmp_path)
    lay(tmp_path, train_json=json.dumps([*rows, "odd"]))
    with pytest.raises(DataError, match=r"row 21: every row must be a JSON object, found str"):
        read(tmp_path)
    (tmp_path / "train.json").rename(tmp_path / "train.jsonl")
    with pytest.raises(DataError, match=r"found list; .*one JSON array is called \.json"):
        read(tmp_path)


def test_a_file_without_a_header_loses_no_row(tmp_path):
    lay(tmp_path, train_tsv=csv("0", "1", mark="\t").partition("\n")[2])
    with pytest.raises(
        DataError,
        match=r"the first line \(text 0 of 0, 0\) looks like a row.*write a line above it that names the columns",
    ):
        read(tmp_path)
    with pytest.raises(
        DataError, match=r"the label column is called '0', and '0' is a label too.*write a line above it"
    ):
        read(tmp_path, columns("text 0 of 0", "0"))
    lay(
        tmp_path, train_tsv="0\t1\n" + csv("0", "1", mark="\t").partition("\n")[2]
    )  # as pandas writes columns without names
    assert read(tmp_path, columns("0", "1")).labels == ("0", "1")


@pytest.mark.parametrize("labels", [("1", "2", "3"), ("1", "2")])
def test_numbers_from_one_are_told_where_names_count_from_zero(tmp_path, labels):
    lay(tmp_path, train_csv=csv(*labels), labels_txt="World\nSports\nSci/Tech\n")
    with pytest.raises(
        DataError,
        match=r"must count from 0, which is 'World' here, but no row has a 0 .*subtract 1 from each, or write "
        r"the names",
    ):
        read(tmp_path)


def test_a_zero_written_otherwise_is_no_sign_of_counting_from_one(tmp_path):
    lay(tmp_path, train_csv=csv("00", "01"), labels_txt="World\nSports\n")
    with pytest.raises(DataError, match=r"the label '00' isn't one of 0, 1, World, Sports"):
        read(tmp_path)


def test_a_file_named_after_two_splits_is_neither(tmp_path):
    lay(tmp_path, train_test_csv=csv("joy", "fear"))
    with pytest.raises(DataNotFound, match=r"it holds train_test\.csv\. Rename"):
        read(tmp_path)
    lay(tmp_path, train_all_csv=csv("joy", "fear"), **{"._train_all_csv": "left by a file manager"})
    assert read(tmp_path).cut == ("validation", "test")


def test_files_with_a_split_in_their_names_are_read_and_noted(tmp_path):
    lay(tmp_path, train_sent_csv=csv("joy", "fear"), dev_sent_csv=csv("joy", "fear", times=2))
    data = read(tmp_path)
    assert (data.cut, len(data.splits["validation"])) == (("test",), 4)
    assert "train_sent.csv as train, dev_sent.csv as validation" in data.notes[0]
    lay(tmp_path, train_more_csv=csv("joy", "fear"), notes_txt="")
    with pytest.raises(
        DataNotFound,
        match=r"one train file is needed, but train_more\.csv, train_sent\.csv could be it; name it with --train-file",
    ):
        read(tmp_path)
    lay(tmp_path, train_csv=csv("joy", "fear"))
    data = read(tmp_path)
    assert data.cut == ("validation", "test")
    assert "dev_sent.csv isn't read; call it validation" in data.notes[0]


def test_a_rare_class_is_named_with_its_rows_and_line(tmp_path):
    lay(tmp_path, train_csv=csv("guilt", "joy") + "a text,guit\n")
    with pytest.raises(
        DataError,
        match=r"every class needs at least 3 training rows, but 'guit' has 1 \(.*train\.csv, line 18\); correct",
    ):
        read(tmp_path)


def test_a_published_split_may_lack_a_class(tmp_path, fecbench, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "moods").mkdir()
    lay(
        tmp_path / "moods",
        train_csv=csv("joy", "fear", "anger"),
        dev_csv=csv("joy", "fear", times=2),
        test_csv=csv("joy", "fear", times=2),
    )
    for seed in (0, 1, 2):
        flags = ("--encoder", "scratch", "--epochs", 1, "--seed", seed, "--run-dir", f"runs/{seed}")
        code, _, err = fecbench("run", "ce", "--dataset", "./moods", *flags)
        assert (code, "validation has no row of anger" in err) == (0, True)
    result = json.loads(Path("runs/0/result.json").read_text())
    assert result["per_class"]["anger"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0.0}
    f1 = [scores["f1"] for scores in result["per_class"].values()]
    assert result["metrics"]["test"]["macro_f1"] == pytest.approx(sum(f1) / 3)
    assert "test has no row of anger" in " ".join(json.loads(Path("runs/0/run.json").read_text())["notes"])
    code, out, err = fecbench("leaderboard", "--format", "html")
    assert (code, "anger" in out) == (0, True), err


def test_a_column_for_each_label_is_told_as_such(tmp_path):
    lay(tmp_path, train_csv="id,text,anger,joy\n" + "".join(f"x{n},text {n},{n % 2},{n % 3 % 2}\n" for n in range(20)))
    with pytest.raises(
        DataError,
        match=r"a column of numbers for each label was found \(anger, joy\); describe them in dataset\.toml",
    ):
        read(tmp_path)


def test_a_test_file_without_labels_is_told_as_such(tmp_path):
    lay(tmp_path, train_csv=csv("joy", "fear"), test_csv=csv("", times=3))
    data = read(tmp_path)
    assert (list(data.splits), len(data.unlabelled)) == (["train", "validation"], 3)
    assert any("the test split has no labels" in note for note in data.notes)
    lay(tmp_path, test_csv=csv("joy", "", times=3))
    with pytest.raises(
        DataError, match=r"test\.csv, line 3: the label must be .*, but the cell is empty \(3 rows have none\)"
    ):
        read(tmp_path)


def test_official_empathetic_dialogues_files_are_told(tmp_path):
    header = "conv_id,utterance_idx,context,prompt\n"
    lay(tmp_path, train_csv=header + "".join(f"c{n},1,{('sad', 'afraid')[n % 2]},text {n}\n" for n in range(20)))
    assert "a row for each utterance" in read(tmp_path, columns("prompt", "context")).notes[0]
    assert read(tmp_path, columns("prompt", "context")).labels == ("afraid", "sad")


NUMBERS = ("--encoder", "scratch", "--epochs", 1, "--dataset", "./moods")


@pytest.mark.parametrize("method", ["aml", "taco", "cdp-mlm", "hypemo", "llm-prompt"])
def test_methods_that_read_labels_refuse_numbers_unless_told(fecbench, tmp_path, monkeypatch, method):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "moods").mkdir()
    lay(tmp_path / "moods", train_csv=csv("0", "1"))
    code, _, err = fecbench("run", method, *NUMBERS)
    assert code == 1
    assert "reads the labels, so they must be words, but moods has the numbers 0, 1; name them in labels.txt" in err


def test_numbers_are_read_as_labels_where_that_is_asked_for(fecbench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "moods").mkdir()
    lay(tmp_path / "moods", train_csv=csv("0", "1"))
    code, _, err = fecbench("run", "hypemo", *NUMBERS, "--label-texts", "names", "--run-dir", "r")
    assert code == 0, err
    notes = " ".join(json.loads(Path("r/run.json").read_text())["notes"])
    assert "labels.txt" in notes
    assert "puts all labels under one node" in notes
