"""A user's own rows with shares of labels: votes, shares, columns of numbers, and a row for each rater."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from fecbench.core.errors import DataError
from fecbench.data.datasets.labels.label_shares import shares_of
from fecbench.data.datasets.own.load_path import load_path
from fecbench.data.datasets.rows import digest_rows, targets_of
from fecbench.data.datasets.splits.missing_splits import SplitChoice

VOTES = [{"joy": 2, "love": 1}, {"fear": 3}, {"love": 3, "fear": 0}, {"joy": 3}]
SPLITS = ("train", "validation", "test")


def lay(folder, cells, toml=""):
    """A file of JSON lines for each split, with a row for each of ``cells``."""
    for split in SPLITS:
        lines = [json.dumps({"text": f"{split} {n}", "label": cell}) for n, cell in enumerate(cells)]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "dataset.toml").write_text(toml)
    return folder


def read(folder, **flags):
    return load_path(folder, flags, SplitChoice(0))


def targets(data, split="test"):
    return targets_of(data.splits[split], len(data.labels))


def test_votes_for_exclusive_labels_are_divided_by_their_sum(tmp_path):
    data = read(lay(tmp_path, VOTES), labelling="single")
    assert (data.labels, data.labelling, data.info.soft) == (("fear", "joy", "love"), "single", True)
    np.testing.assert_allclose(targets(data), [[0, 2 / 3, 1 / 3], [1, 0, 0], [0, 0, 1], [0, 1, 0]], rtol=1e-6)


def test_votes_for_labels_that_go_together_are_divided_by_the_raters(tmp_path):
    cells = [{"joy": 2, "love": 3}, {"fear": 1}, {}, {"joy": 1}]
    data = read(lay(tmp_path, cells), raters=4, labelling="multi")
    assert (data.labelling, data.info.soft) == ("multi", True)
    assert targets(data).tolist() == [[0, 0.5, 0.75], [0.25, 0, 0], [0, 0, 0], [0, 0.25, 0]]
    assert "1 of 4 train rows have no label" in data.notes


@pytest.mark.parametrize("labelling", ["single", "multi"])
def test_shares_are_read_as_they_are(tmp_path, labelling):
    cells = [{"joy": 0.7, "love": 0.3}, {"fear": 1.0}, {"love": 1}, {"joy": 0.25, "fear": 0.75}]
    data = read(lay(tmp_path, cells, f'labels.labelling = "{labelling}"\n'))
    assert targets(data).tolist() == np.float32([[0, 0.7, 0.3], [1, 0, 0], [0, 0, 1], [0.75, 0.25, 0]]).tolist()


def test_numbers_need_a_labelling(tmp_path):
    with pytest.raises(DataError, match=r"line 1: numbers of labels need a labelling, found .*--labelling"):
        read(lay(tmp_path, VOTES))


def test_a_whole_label_beside_shares_is_certain(tmp_path):
    data = read(lay(tmp_path, [{"joy": 0.5, "love": 0.5}, "fear", ["love"], "joy"]), labelling="multi")
    assert targets(data).tolist() == [[0, 0.5, 0.5], [1, 0, 0], [0, 0, 1], [0, 1, 0]]


def test_a_list_beside_votes_for_exclusive_labels_is_a_vote_for_each(tmp_path):
    data = read(lay(tmp_path, [{"joy": 2, "love": 2}, ["fear", "joy"], "love"]), labelling="single")
    assert targets(data).tolist() == [[0, 0.5, 0.5], [0.5, 0.5, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("cell", "flags", "says"),
    [
        ({"joy": 2}, {"labelling": "multi"}, r"shares of labels must be at most 1, found .*give --raters N"),
        ({"joy": 5}, {"labelling": "multi", "raters": 4}, r"votes of 4 raters must be at most 4.*larger --raters"),
        ({"joy": 0.5}, {"labelling": "multi", "raters": 4}, r"votes must be whole numbers"),
        ({"joy": 0.5, "love": 0.2}, {"labelling": "single"}, r"must add up to 1, but .* are 0\.7.*--labelling multi"),
        ({"joy": 2, "love": 1}, {"labelling": "single", "raters": 4}, r"votes of 4 raters must add up to 4"),
        ({"joy": -1}, {"labelling": "multi"}, r"must be votes or shares, 0 or more, but 'joy' has -1"),
        ({"joy": "2"}, {"labelling": "multi"}, r"but 'joy' has '2'"),
        ({"joy": True}, {"labelling": "multi"}, r"but 'joy' has True"),
        ({"joy": float("nan")}, {"labelling": "multi"}, r"but 'joy' has nan"),
        ({" ": 1}, {"labelling": "multi"}, r"but ' ' has 1"),
        ({}, {"labelling": "single"}, r"but the cell is empty"),
        (["joy"], {"labelling": "multi", "raters": 4}, r"votes of raters must be numbers of labels, found"),
    ],
)
def test_numbers_that_are_no_shares_are_refused_with_their_row(tmp_path, cell, flags, says):
    votes = {"raters": 4, "labelling": "single"}
    lay(tmp_path, [{"joy": 4}] if flags == votes else [{"joy": 1}, {"fear": 1}])
    with (tmp_path / "train.jsonl").open("a") as file:
        file.write(json.dumps({"text": "odd", "label": cell}) + "\n")
    with pytest.raises(DataError, match=rf"train\.jsonl, line \d: .*{says}"):
        read(tmp_path, **flags)


def test_rounded_shares_are_made_to_add_up_to_1():
    found = shares_of({"joy": 0.33, "love": 0.33, "fear": 0.33}, "single", None, "row 1")
    assert sum(found.values()) == pytest.approx(1)


def test_a_dropped_label_of_exclusive_ones_leaves_its_share_to_the_others(tmp_path):
    data = read(lay(tmp_path, VOTES, 'labels = { labelling = "single", drop = ["fear"] }\n'))
    np.testing.assert_allclose(targets(data), [[2 / 3, 1 / 3], [0, 1], [1, 0]], rtol=1e-6)
    cells = [{"joy": 1, "fear": 1, "love": 2}, {"joy": 1}, {"love": 1}]
    data = read(lay(tmp_path, cells, 'labels = { labelling = "single", drop = ["fear"] }\n'))
    np.testing.assert_allclose(targets(data)[0], [1 / 3, 2 / 3], rtol=1e-6)


def test_a_map_adds_exclusive_shares_and_refuses_others(tmp_path):
    toml = '[labels]\nlabelling = "{}"\nmap = {{ fond = ["joy", "love"] }}\n'
    data = read(lay(tmp_path, VOTES, toml.format("single")))
    assert targets(data).tolist() == [[0, 1], [1, 0], [0, 1], [0, 1]]
    shares = [{"joy": 0.5, "love": 0.25}, {"fear": 1, "joy": 0}, {"joy": 0.5}, {"love": 1}]
    with pytest.raises(DataError, match=r"line 1: map under \[labels\] must not merge .* \(0\.5 and 0\.25\)"):
        read(lay(tmp_path, shares, toml.format("multi")))
    data = read(lay(tmp_path, shares[1:], toml.format("multi")))
    assert targets(data).tolist() == [[1, 0], [0, 0.5], [0, 1]]


def test_shares_in_parquet_are_structs_or_maps(tmp_path):
    cells = [{"joy": 0.5, "love": 0.5}, {"fear": 1.0}, {"joy": 1.0}]
    kinds = [pa.map_(pa.string(), pa.float32()), pa.struct([(name, pa.float32()) for name in ("fear", "joy", "love")])]
    for kind in kinds:
        column = pa.array([list(cell.items()) for cell in cells] if pa.types.is_map(kind) else cells, kind)
        for split in SPLITS:
            table = pa.table({"text": [f"{split} {n}" for n in range(3)], "label": column})
            parquet.write_table(table, tmp_path / f"{split}.parquet")
        assert targets(read(tmp_path, labelling="multi")).tolist() == [[0, 0.5, 0.5], [1, 0, 0], [0, 1, 0]]


HEAD = "text,fear,joy,love"


def lay_columns(folder, lines):
    for split in SPLITS:
        content = [f"{split} {n},{line}" for n, line in enumerate(lines)]
        (folder / f"{split}.csv").write_text("\n".join([HEAD, *content]) + "\n")
    return folder


def test_columns_of_shares(tmp_path):
    folder = lay_columns(tmp_path, ["0.2,0.8,0", "0,1,0.5", "0,0,1", "1,0,0"])
    data = read(folder, label_columns="fear,joy,love")
    assert (data.labelling, data.info.soft) == ("multi", True)
    assert targets(data).tolist() == np.float32([[0.2, 0.8, 0], [0, 1, 0.5], [0, 0, 1], [1, 0, 0]]).tolist()


def test_columns_of_votes(tmp_path):
    folder = lay_columns(tmp_path, ["1,3,0", "0,4,2", "0,0,1", "0,0,0"])
    data = read(folder, label_columns="fear,joy,love", raters=4)
    assert targets(data).tolist() == [[0.25, 0.75, 0], [0, 1, 0.5], [0, 0, 0.25], [0, 0, 0]]
    folder = lay_columns(tmp_path, ["1,3,0", "0,1,1", "0,0,4", "2,0,0"])
    data = read(folder, label_columns="fear,joy,love", labelling="single")
    assert targets(data).tolist() == [[0.25, 0.75, 0], [0, 0.5, 0.5], [0, 0, 1], [1, 0, 0]]


@pytest.mark.parametrize(
    ("line", "says"),
    [("often,0,1", r"the column 'fear' of a label must hold a number .*'often'"), ("3,0,0", "at most 1")],
)
def test_columns_of_something_else_are_refused(tmp_path, line, says):
    with pytest.raises(DataError, match=rf"train\.csv, line 2: .*{says}"):
        read(lay_columns(tmp_path, [line, "0,1,0.5"]), label_columns="fear,joy,love")


RATED = [
    ("a", "what a day", "r1", "joy"),
    ("b", "oh no", "r1", "fear"),
    ("a", "what a day", "r2", "joy"),
    ("b", "oh no", "r3", "fear"),
    ("a", "what a day", "r3", "love"),
    ("c", "my dear", "r2", "love"),
]
FLAGS = {"rater_column": "rater", "id_column": "id"}


def lay_rated(folder, rows=RATED, head="id,text,rater,label,author"):
    for split in SPLITS:
        lines = [",".join([id_, f"{text} {split}", *more, "somebody"]) for id_, text, *more in rows]
        (folder / f"{split}.csv").write_text("\n".join([head, *lines]) + "\n")
    return folder


def test_rows_of_raters_become_shares_of_a_text(tmp_path):
    data = read(lay_rated(tmp_path), **FLAGS)
    assert (data.labelling, data.info.soft, data.labels) == ("single", True, ("fear", "joy", "love"))
    assert data.splits["test"]["id"][:] == ["a", "b", "c"]
    np.testing.assert_allclose(targets(data), [[0, 2 / 3, 1 / 3], [1, 0, 0], [0, 0, 1]], rtol=1e-6)
    assert set(data.columns) == {"text", "id", "labels", "weights"}  # no author and no rater


def test_raters_may_give_several_labels_or_none(tmp_path):
    rows = [
        ("a", "what a day", "r1", "joy;love"),
        ("a", "what a day", "r2", "joy"),
        ("b", "oh no", "r1", "fear"),
        ("b", "oh no", "r2", ""),
        ("c", "well", "r1", ""),
    ]
    data = read(lay_rated(tmp_path, rows), label_separator=";", **FLAGS)
    assert data.labelling == "multi"
    assert targets(data).tolist() == [[0, 1, 0.5], [0.5, 0, 0], [0, 0, 0]]
    (tmp_path / "dataset.toml").write_text('labels.map = { fond = ["joy", "love"] }\n')
    data = read(tmp_path, label_separator=";", **FLAGS)
    assert targets(data).tolist() == [[0, 1], [0.5, 0], [0, 0]]  # the share of raters who gave either


def test_raters_with_a_column_for_each_label(tmp_path):
    rows = [("a", "what a day", "r1", "1", "1"), ("a", "what a day", "r2", "1", "0"), ("b", "oh no", "r1", "0", "0")]
    rows.append(("c", "my dear", "r1", "0", "1"))
    folder = lay_rated(tmp_path, rows, "id,text,rater,joy,love,author")
    data = read(folder, label_columns="joy,love", **FLAGS)
    assert targets(data).tolist() == [[1, 0.5], [0, 0], [0, 1]]


def test_raters_whose_rows_are_not_wanted_do_not_count(tmp_path):
    rows = [(*row, "False") for row in RATED] + [("a", "what a day", "r4", "fear", "True")]
    folder = lay_rated(tmp_path, rows, "id,text,rater,label,unclear,author")
    (folder / "dataset.toml").write_text("columns.where = { unclear = false }\n")
    np.testing.assert_allclose(targets(read(folder, **FLAGS))[0], [0, 2 / 3, 1 / 3], rtol=1e-6)


@pytest.mark.parametrize(
    ("row", "flags", "says"),
    [
        (("a", "another text", "r9", "joy"), FLAGS, r"rows of one id must have the same text, but the id 'a'"),
        (("a", "what a day", "r1", "love"), FLAGS, r"each rater must have one row of a text, but 'r1' has rated"),
        (("a", "what a day", "", "love"), FLAGS, r"the rater must be a text or number, found ''"),
        (("a", "what a day", "r9", "joy"), {"rater_column": "rater"}, r"need a column that names their.*--id-column"),
        (("a", "what a day", "r9", "joy"), {**FLAGS, "raters": 3}, r"--raters counts the raters of numbers of votes"),
    ],
)
def test_rows_of_raters_that_do_not_fit_are_refused(tmp_path, row, flags, says):
    with pytest.raises(DataError, match=says):
        read(lay_rated(tmp_path, [*RATED, row]), **flags)


def test_the_digest_of_shares_tells_them_apart(tmp_path):
    first, second = (
        read(lay(tmp_path, [{"joy": share, "love": 0.5}, {"fear": 1}, {"joy": 1}]), labelling="multi")
        for share in (0.25, 0.75)
    )
    assert digest_rows(first.splits["test"], first.labels) != digest_rows(second.splits["test"], second.labels)


def test_a_label_with_two_numbers_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"line 1: each label must have one number, but 'joy' has several"):
        read(lay(tmp_path, [{"joy": 1, " joy": 2}, {"love": 3}]), raters=3, labelling="multi")


def test_a_label_with_two_numbers_in_a_map_is_refused(tmp_path):
    maps = pa.array([[("joy", 0.5), ("joy", 0.25)], [("love", 1.0)]], pa.map_(pa.string(), pa.float64()))
    parquet.write_table(pa.table({"text": ["one", "two"], "label": maps}), tmp_path / "train.parquet")
    with pytest.raises(DataError, match=r"row 1: each label must have one number, but 'joy' has several"):
        read(tmp_path, labelling="multi")


@pytest.mark.parametrize("number", [10**400, 1e308])
def test_numbers_that_no_raters_could_give_are_refused(tmp_path, number):
    with pytest.raises(DataError, match=r"line 1: the numbers of labels must be votes or shares"):
        read(lay(tmp_path, [{"joy": number, "love": 1}, {"love": 1}]), labelling="single")


def test_a_share_may_exceed_1_by_rounding():
    assert shares_of({"joy": 1.0000001}, "multi", None, "row 1") == {"joy": 1.0}


def test_a_share_that_is_0_in_float32_is_none(tmp_path):
    data = read(lay(tmp_path, [{"joy": 1e-50, "love": 1}, {"joy": 1}]), labelling="multi")
    assert data.splits["test"]["labels"][:] == [[1], [0]]


def test_a_label_may_have_a_share_of_every_text(tmp_path):
    data = read(lay(tmp_path, [{"joy": 0.9, "love": 0.2}, {"joy": 0.4, "love": 1}]), labelling="multi")
    assert targets(data).tolist() == np.float32([[0.9, 0.2], [0.4, 1]]).tolist()


def test_a_label_that_all_raters_of_every_text_gave_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"each label must be absent from a row of train, but all rows have love"):
        read(lay(tmp_path, [{"joy": 0.9, "love": 1}, {"joy": 0.4, "love": 1}]), labelling="multi")


def test_texts_without_labels_need_no_rater(tmp_path):
    lines = ["id,text,rater,label", "1,one,a,joy", "1,one,b,love", "2,two,a,joy", "2,two,b,joy"]
    (tmp_path / "train.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "test.csv").write_text("id,text\n3,three\n4,four\n")
    data = load_path(tmp_path, {"rater_column": "rater", "id_column": "id"}, SplitChoice(0, cut=False))
    assert data.unlabelled is not None
    assert data.unlabelled["id"][:] == ["3", "4"]


def test_a_column_of_ids_that_is_missing_is_named_by_its_flag(tmp_path):
    with pytest.raises(DataError, match="the column 'uid' is missing, found text, label; name yours with --id-column"):
        read(lay(tmp_path, ["joy", "love"]), id_column="uid")


@pytest.mark.parametrize("flags", [{}, {"labelling": "single"}])
def test_raters_are_refused_where_no_label_has_votes(tmp_path, flags):
    with pytest.raises(DataError, match=r"--raters needs numbers of votes for each label, but each text has one label"):
        read(lay(tmp_path, ["joy", "love"]), raters=3, **flags)


def test_a_first_row_of_columns_of_labels_is_not_taken_for_names(tmp_path):
    for split in SPLITS:
        (tmp_path / f"{split}.csv").write_text(f"{split} a,1,1\n{split} b,0,1\n{split} c,1,0\n")
    data = read(tmp_path, header=False, text_column="1", label_columns="2,3")
    assert targets(data).tolist() == [[1, 1], [0, 1], [1, 0]]
    assert not [note for note in data.notes if "first line" in note]
