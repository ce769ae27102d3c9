"""A user's own rows with several labels a text: lists, separators and columns of labels; what is refused, and how."""

from __future__ import annotations

import json

import pytest

from fecbench.core.errors import DataError, UsageError
from fecbench.data.datasets.own.load_path import load_path
from fecbench.data.datasets.splits.missing_splits import SplitChoice

SETS = [["joy"], ["joy", "love"], ["fear"], [], ["love"], ["fear", "joy"]]
TIMES = {"train": 4, "validation": 2, "test": 1}


def rows(cells, split):
    return [(f"{split} {n} {place}", cell) for n in range(TIMES[split]) for place, cell in enumerate(cells)]


def lay_json(folder, cells=SETS, toml=""):
    """A file of JSON lines for each split, with a row for each of ``cells``."""
    for split in TIMES:
        lines = [json.dumps({"text": text, "label": cell}) for text, cell in rows(cells, split)]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    if toml:
        (folder / "dataset.toml").write_text(toml)
    return folder


def lay_tsv(folder, cells, toml="", head="text\tlabel"):
    for split in TIMES:
        lines = ["\t".join([text, *([cell] if isinstance(cell, str) else cell)]) for text, cell in rows(cells, split)]
        (folder / f"{split}.tsv").write_text("\n".join([head, *lines]) + "\n")
    if toml:
        (folder / "dataset.toml").write_text(toml)
    return folder


def read(folder, **flags):
    return load_path(folder, flags, SplitChoice(0))


def sets(data, split="test"):
    return [sorted(data.labels[number] for number in numbers) for numbers in data.splits[split]["labels"][:]]


EXPECTED = [sorted(found) for found in SETS]


def check(data):
    assert (data.labelling, data.info.soft, data.labels) == ("multi", False, ("fear", "joy", "love"))
    assert sets(data) == EXPECTED
    assert sets(data, "train") == EXPECTED * 4
    assert "label" not in data.columns
    assert "4 of 24 train rows have no label" in data.notes


def test_lists_in_json_are_several_labels(tmp_path):
    check(read(lay_json(tmp_path)))


def test_one_list_is_enough(tmp_path):
    cells = ["joy", ["joy", "love"], "fear", [], "love", ["fear", "joy"]]
    check(read(lay_json(tmp_path, cells)))


def test_lists_in_parquet_are_several_labels(tmp_path):
    import pyarrow
    from pyarrow import parquet

    for split in TIMES:
        texts, cells = zip(*rows(SETS, split), strict=True)
        parquet.write_table(pyarrow.table({"text": texts, "label": list(cells)}), tmp_path / f"{split}.parquet")
    check(read(tmp_path))


def test_lists_of_class_numbers_have_the_names_that_datasets_wrote(tmp_path):
    from datasets import ClassLabel, Dataset, Features, Sequence, Value

    names = ["love", "joy", "fear"]
    features = Features(text=Value("string"), label=Sequence(ClassLabel(names=names)))
    for split in TIMES:
        texts, cells = zip(*rows(SETS, split), strict=True)
        content = {"text": list(texts), "label": [[names.index(name) for name in cell] for cell in cells]}
        Dataset.from_dict(content, features).to_parquet(tmp_path / f"{split}.parquet")
    data = read(tmp_path)
    assert (data.labels, data.labelling) == (("love", "joy", "fear"), "multi")
    assert sets(data) == EXPECTED


@pytest.mark.parametrize(
    ("cells", "flags"),
    [
        (["joy", "joy,love", "fear", "", "love", "fear,joy"], {"label_separator": ","}),
        (["joy", "joy, love", "fear", "", "love", "fear , joy"], {"label_separator": ","}),
        (["joy", "joy|love", "fear", "", "love", "fear|joy"], {"label_separator": "|"}),
        (["['joy']", "['joy', 'love']", "['fear']", "[]", "['love']", "['fear', 'joy']"], {"label_separator": ","}),
        (["[joy]", "[joy love]", "[fear]", "[]", "[love]", "[fear joy]"], {"label_separator": " "}),
    ],
)
def test_a_separator_splits_a_cell(tmp_path, cells, flags):
    check(read(lay_tsv(tmp_path, cells), **flags))


@pytest.mark.parametrize("item", [None, [1, 2], True, 1.0])
def test_an_item_of_a_list_that_is_no_label_is_refused(tmp_path, item):
    cells = [["joy"], ["fear"], [item]]
    said = r"line 3: a list of labels must hold different names or whole numbers, found \["
    for toml in ('labels.labelling = "single"\n', 'labels.none = "drop"\n', 'labels.labelling = "multi"\n'):
        with pytest.raises(DataError, match=said):
            read(lay_json(tmp_path, cells, toml))


@pytest.mark.parametrize("labelling", ["single", "multi"])
def test_an_item_of_a_written_list_that_is_no_label_is_refused(tmp_path, labelling):
    folder = lay_tsv(tmp_path, ["['joy']", "['fear']", "[None]"])
    with pytest.raises(DataError, match=r"line 4: a list of labels must hold .*, found \[None\]; correct it"):
        read(folder, labelling=labelling, label_separator=",")


def test_too_many_labels_are_told_by_their_number(tmp_path):
    tags = [f"tag {n}" for n in range(2**15 + 1)]
    (tmp_path / "train.jsonl").write_text(json.dumps({"text": "text", "label": tags}))
    said = r"at most 32,768 labels, but there are 32,769 \(tag 0, .*\); name another column with --label-column"
    with pytest.raises(DataError, match=said):
        read(tmp_path)


@pytest.mark.parametrize("labelling", ["", 'labels.labelling = "multi"\n'])
def test_names_of_label_columns_have_no_blanks_around_them(tmp_path, labelling):
    toml = f'columns.label = [2, 3, 4]\nlabels.drop = ["x"]\n{labelling}'
    lines = "".join(f"text {n}, {n % 3 == 0:d}, {n % 3 == 1:d}, {n % 3 == 2:d}\n" for n in range(24))
    (tmp_path / "dataset.toml").write_text(toml)
    (tmp_path / "train.csv").write_text(f"text, joy, fear, x\n{lines}")
    assert read(tmp_path).labels == ("fear", "joy")


def test_a_description_states_separator_and_labelling(tmp_path):
    toml = '[labels]\nseparator = ","\nlabelling = "multi"\n'
    check(read(lay_tsv(tmp_path, ["joy", "joy,love", "fear", "", "love", "fear,joy"], toml)))


def test_numbers_in_a_cell_have_names(tmp_path):
    (tmp_path / "labels.txt").write_text("fear\njoy\nlove\n")
    check(read(lay_tsv(tmp_path, ["1", "1,2", "0", "", "2", "0,1"]), label_separator=","))


COLUMNS = ("fear", "joy", "love")
ONES = [["0", "1", "0"], ["0", "1", "1"], ["1", "0", "0"], ["0", "0", "0"], ["0", "0", "1"], ["1", "1", "0"]]


def test_a_column_of_0_and_1_for_each_label(tmp_path):
    folder = lay_tsv(tmp_path, ONES, head="\t".join(["text", *COLUMNS]))
    check(read(folder, label_columns="fear,joy,love"))
    check(read(folder, label_columns="2, 3, 4"))
    (folder / "dataset.toml").write_text('columns.label = ["fear", "joy", "love"]\nlabels.labelling = "multi"\n')
    check(read(folder))


def test_columns_of_exclusive_labels(tmp_path):
    single = [row for row in ONES if row.count("1") == 1]
    folder = lay_tsv(tmp_path, single, head="\t".join(["text", *COLUMNS]))
    data = read(folder, label_columns="fear,joy,love", labelling="single")
    assert data.one_label
    assert [data.labels[label] for label in data.splits["test"]["label"][:]] == ["joy", "fear", "love"]
    lay_tsv(tmp_path, ONES[:3], head="\t".join(["text", *COLUMNS]))
    says = r"""line 3: .*'\["joy", "love"\]' holds several labels.*give --labelling multi"""
    with pytest.raises(DataError, match=says):
        read(folder, label_columns="fear,joy,love", labelling="single")


def test_lists_of_one_label_each_may_be_said_to_exclude_one_another(tmp_path):
    data = read(lay_json(tmp_path, [["joy"], ["fear"], "love"]), labelling="single")
    assert data.one_label
    assert [data.labels[label] for label in data.splits["test"]["label"][:]] == ["joy", "fear", "love"]
    with pytest.raises(DataError, match=r"""line 2: .*'\["joy", "love"\]' holds several.*--labelling multi"""):
        read(lay_json(tmp_path, [["joy"], ["joy", "love"], ["love"]]), labelling="single")


def test_rows_with_one_label_can_be_said_to_be_of_a_kind_with_several(tmp_path):
    data = read(lay_tsv(tmp_path, ["joy", "fear"]), labelling="multi")
    assert sets(data) == [["joy"], ["fear"]]
    assert (data.labelling, data.one_label) == ("multi", False)


def test_what_may_be_several_labels_is_never_guessed(tmp_path):
    folder = lay_tsv(tmp_path, ["joy", "joy,love", "love"])
    for flags in ({}, {"labelling": "multi"}, {"labelling": "single"}):
        with pytest.raises(
            DataError,
            match=r"train\.tsv, line 3: .*'joy,love' holds several labels.*\(4 rows\); if these are several labels, "
            r"say so with --label-separator ','; if each is one, say so with --label-separator ''",
        ):
            read(folder, **flags)
    assert sets(read(folder, label_separator=",")) == [["joy"], ["joy", "love"], ["love"]]
    assert read(folder, label_separator="").labels == ("joy", "joy,love", "love")
    (folder / "dataset.toml").write_text('labels.separator = ""\n')
    assert read(folder).one_label


def test_a_description_that_leaves_rows_out_is_for_one_label_a_text(tmp_path):
    toml = '[labels]\nseveral = "drop"\nnone = "drop"\n'
    data = read(lay_json(tmp_path, toml=toml))
    assert data.one_label
    assert [data.labels[label] for label in data.splits["test"]["label"][:]] == ["joy", "fear", "love"]
    with pytest.raises(DataError, match=r"""several = "drop" keeps the rows with one label, but .* is multi"""):
        read(tmp_path, labelling="multi")


@pytest.mark.parametrize(
    ("none", "expected"),
    [
        ("drop", [found for found in EXPECTED if found]),
        ("calm", [found or ["calm"] for found in EXPECTED]),
    ],
)
def test_rows_without_a_label_are_left_out_or_of_a_class_of_their_own(tmp_path, none, expected):
    data = read(lay_json(tmp_path, toml=f'labels = {{ labelling = "multi", none = "{none}" }}\n'))
    assert sets(data) == expected
    told = "7 rows that have no label are left out (train 4, validation 2, test 1)"
    assert (told in data.notes) == (none == "drop")


def test_a_map_merges_labels_of_a_text(tmp_path):
    data = read(lay_json(tmp_path, toml='[labels]\nmap = { fond = ["joy", "love"] }\n'))
    assert data.labels == ("fear", "fond")
    assert sets(data) == [["fond"], ["fond"], ["fear"], [], ["fond"], ["fear", "fond"]]
    assert any(note.startswith("labels have other names than in the files: fond from joy, love") for note in data.notes)


def test_a_dropped_label_leaves_its_rows_in_the_data(tmp_path):
    data = read(lay_json(tmp_path, toml='labels.drop = ["love"]\n'))
    assert sets(data) == [["joy"], ["joy"], ["fear"], [], [], ["fear", "joy"]]
    assert "left out of the labels of 14 rows: love" in data.notes


def test_a_background_label_is_named(tmp_path):
    data = read(lay_json(tmp_path, toml='labels.background = ["fear"]\n'))
    assert data.info.background == ("fear",)
    with pytest.raises(DataError, match=r"background under \[labels\]: .*'fera'.*did you mean 'fear'"):
        read(lay_json(tmp_path, toml='labels.background = ["fera"]\n'))


def test_a_label_that_train_lacks_is_refused(tmp_path):
    lay_json(tmp_path)
    (tmp_path / "test.jsonl").write_text('{"text": "a", "label": ["joy", "hope"]}\n')
    with pytest.raises(DataError, match=r"test\.jsonl, line 1: the label 'hope' isn't one of"):
        read(tmp_path)


@pytest.mark.parametrize("cell", [[["joy"]], [None], [0.5], [True], ["joy", "joy"], ["joy", " "], [0, 1, 0]])
def test_lists_that_hold_something_else_than_different_labels_are_refused(tmp_path, cell):
    lay_json(tmp_path)
    with (tmp_path / "train.jsonl").open("a") as file:
        file.write(json.dumps({"text": "a", "label": cell}) + "\n")
    with pytest.raises(DataError, match=r"train\.jsonl, line 25: a list of labels must hold different names"):
        read(tmp_path)


def test_a_label_is_not_given_by_number_and_name(tmp_path):
    (tmp_path / "labels.txt").write_text("fear\njoy\nlove\n")
    with pytest.raises(DataError, match=r"each label must be given once, found 1, joy"):
        read(lay_json(tmp_path, [["fear"], [1, "joy"]]))


def test_an_unlabelled_test_split_beside_several_labels(tmp_path):
    lay_tsv(tmp_path, ["joy", "joy,love", "love"])
    (tmp_path / "test.tsv").write_text("text\tlabel\nsome text\t\nmore text\t\n")
    data = read(tmp_path, label_separator=",")
    assert data.unlabelled["text"][:] == ["some text", "more text"]
    assert "test" not in data.splits


def test_a_file_without_a_header_may_begin_with_a_rare_set(tmp_path):
    for split in TIMES:
        lines = ["first\tfear,joy", *(f"{split} {text}\t{cell}" for text, cell in rows(["joy", "fear"], split))]
        (tmp_path / f"{split}.tsv").write_text("\n".join(lines) + "\n")
    data = read(tmp_path, label_separator=",", header=False, text_column="1", label_column="2")
    assert sets(data) == [["fear", "joy"], ["joy"], ["fear"]]
    assert not any("first line" in note for note in data.notes)


def test_texts_in_columns_called_labels_and_weights_stay_texts_beside_one_label(tmp_path):
    head, cells = "text\tlabel\tlabels\tweights", [["joy", "a", "x"], ["fear", "b", "y"]]
    data = read(lay_tsv(tmp_path, cells, head=head))
    assert data.one_label
    assert data.splits["test"]["labels"][:] == ["a", "b"]
    assert len(data.fingerprint) == 64


def test_label_columns_are_two_at_least_and_no_label_column_besides(tmp_path):
    folder = lay_tsv(tmp_path, ONES, head="\t".join(["text", *COLUMNS]))
    with pytest.raises(UsageError, match=r"--label-columns must list .* two or more labels.*'fear'"):
        read(folder, label_columns="fear")
    with pytest.raises(UsageError, match=r"--label-column names one column .* only one of them can be given"):
        read(folder, label_columns="fear,joy,love", label_column="joy")


def test_flags_of_several_labels_are_those_of_every_command(fecbench, tmp_path):
    lay_tsv(tmp_path, ["joy", "joy,love", "fear", "", "love", "fear,joy"])
    code, out, err = fecbench("data", "stats", tmp_path, "--label-separator", ",", "--json")
    assert code == 0, err
    (found,) = json.loads(out)
    assert found["label_sets"]["rows"] == {"0": 4, "1": 12, "2": 8}
    code, _, err = fecbench("data", "stats", "demo-multi", "--label-separator", ",")
    assert code == 2
    assert "--label-separator reads a data set of your own, but demo-multi is registered" in err


@pytest.mark.slow
def test_a_run_records_the_flags_and_reads_the_rows_again(fecbench, tmp_path):
    lay_tsv(tmp_path, ["joy", "joy,love", "fear", "", "love", "fear,joy"])
    code, _, err = fecbench(
        "run", "ce", "--dataset", tmp_path, "--label-separator", ",", "--encoder", "scratch", "--epochs", 1,
        "--device", "cpu", "--run-dir", tmp_path / "run",
    )  # fmt: skip
    assert code == 0, err
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert about["settings"]["label_separator"] == {"value": ",", "origin": "flag"}
    assert about["dataset"]["labelling"] == "multi"


def test_an_objective_for_one_label_refuses_own_rows_with_several(fecbench, tmp_path):
    lay_json(tmp_path)
    code, _, err = fecbench("run", "hypemo", "--dataset", tmp_path, "--encoder", "scratch", "--run-dir", tmp_path / "r")
    assert code != 0
    assert "is for data with one label a text" in err


def test_a_cell_made_of_labels_in_lists_is_refused(tmp_path):
    lines = [json.dumps({"text": f"text {n}", "label": cell}) for n, cell in enumerate([["joy"], "joy,love", ["love"]])]
    (tmp_path / "train.jsonl").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=r"line 2: .*'joy,love' holds several labels .*--label-separator ','"):
        load_path(tmp_path, {}, SplitChoice(0, cut=False))


def test_a_column_of_labels_that_is_missing_is_named_by_its_flag(tmp_path):
    (tmp_path / "train.csv").write_text("text,anger,joy\none,1,0\ntwo,0,1\n")
    with pytest.raises(DataError, match=r"'love' is missing, found text, anger, joy; name yours with --label-columns"):
        load_path(tmp_path, {"label_columns": "anger,love"}, SplitChoice(0))
