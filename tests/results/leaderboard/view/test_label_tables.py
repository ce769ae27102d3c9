"""The F1 of many labels: a table of its own, with a line for each label and a column for each method."""

import pytest

from fecbench.results.leaderboard.assemble import board_of_records
from fecbench.results.leaderboard.formats import layout
from fecbench.results.leaderboard.formats.registered import render
from fecbench.results.leaderboard.formats.sheet import sheet
from fecbench.results.leaderboard.formats.terminal import terminal
from fecbench.results.leaderboard.view import label_tables
from fecbench.results.leaderboard.view.view import View
from tests.support.records import LABELS

BY_LABEL = View(extra=("class_f1",), by_label=True, notes="short")


@pytest.fixture(autouse=True)
def two_are_few(monkeypatch):
    monkeypatch.setattr(label_tables, "MOST", 2)


@pytest.fixture
def board(three):
    return board_of_records(three, metrics=["class_f1"])


def test_labels_are_lines_and_ranked_methods_are_columns(board):
    main, by_label = BY_LABEL.of(board).tables
    assert [column.metric for column in main.columns] == ["accuracy", "weighted_f1", "macro_f1"]
    assert [len(gain.values) for gain in main.gains] == [3]
    texts = sheet(by_label)
    assert (texts.heads, texts.columns) == (["Label"], ["aml", "ce"])
    assert [about for about, _ in texts.lines] == [[label] for label in sorted(LABELS)]
    (row,) = [number for number, row in enumerate(board.tables[0].rows) if row.name == "aml"]
    assert [scores[0] for _, scores in texts.lines] == layout.line(board.tables[0], row)[-3:]


def test_the_legend_speaks_of_lines_and_has_no_notes_twice(board):
    _, by_label = BY_LABEL.of(board).tables
    assert layout.legend(by_label)[1:] == ["Bold: best of the line; underlined: second."]
    assert by_label.title == "F1 of each label on demo"


def test_formats_that_people_read_show_it(board):
    shown = BY_LABEL.of(board)
    assert r"Label & aml & ce \\" in render(shown, "latex")
    assert "| Label | aml | ce |" in render(shown, "markdown")
    assert "<th>Label</th><th>aml</th><th>ce</th>" in board._repr_html_()
    (line,) = [line for line in terminal(shown).splitlines() if line.startswith("Label")]
    assert line.split() == ["Label", "aml", "ce"]


def test_each_data_set_has_a_table(make):
    records = [make(method, dataset=name) for method in ("ce", "aml") for name in ("demo", "ed")]
    shown = BY_LABEL.of(board_of_records(records, ["demo", "ed"], metrics=["class_f1"]))
    assert [table.title for table in shown.tables] == ["demo, ed", "F1 of each label on demo", "F1 of each label on ed"]
    assert [len(table.columns) for table in shown.tables] == [6, 3, 3]


def test_methods_of_several_budgets_are_told_apart(make):
    records = [make(method, epochs=epochs) for method in ("ce", "aml") for epochs in (1, 2)]
    _, by_label = BY_LABEL.of(board_of_records(records, metrics=["class_f1"])).tables
    assert sheet(by_label).columns == ["ce · 1 epoch", "aml · 1 epoch", "ce · 2 epochs", "aml · 2 epochs"]
    assert "Bold: best of the line among methods of the same encoder and budget; underlined: second." in layout.legend(
        by_label
    )


def test_few_labels_stay_columns(three):
    shown = View(extra=("class_f1:glad", "class_f1:sad"), by_label=True).of(
        board_of_records(three, metrics=["class_f1:glad", "class_f1:sad"])
    )
    (table,) = shown.tables
    assert [column.metric for column in table.columns[-2:]] == ["class_f1:glad", "class_f1:sad"]


def test_the_f1_of_labels_alone(three, fecbench, tmp_path):
    code, out, err = fecbench("leaderboard", tmp_path / "runs", "--metrics", "class_f1")
    assert code == 0, err
    assert "F1 of each label on demo" in out
    assert "Acc" not in out.replace("by Acc", "")


def test_formats_for_programs_keep_columns(three, fecbench, tmp_path):
    flags = ("--columns-extra", "class_f1", "--format")
    assert "class_f1:glad" in fecbench("leaderboard", tmp_path / "runs", *flags, "csv")[1]
    assert '"metric": "class_f1:glad"' in fecbench("leaderboard", tmp_path / "runs", *flags, "json")[1]


def test_methods_are_ordered_by_the_first_metric_and_not_by_the_first_label(make):
    means = {"ce": 0.9, "aml": 0.5, "taco": 0.7}
    board = board_of_records([make(method, accuracy=mean) for method, mean in means.items()], metrics=["class_f1"])
    (by_label,) = View(metrics=("class_f1",), by_label=True).of(board).tables
    assert sheet(by_label).columns == ["ce", "taco", "aml"]


def test_versions_of_a_data_set_are_told_apart(make):
    other = {"dataset": {"name": "demo", "fingerprint": "new rows", "labels": list(LABELS)}}
    board = board_of_records([make("ce"), make("ce", about=other)], metrics=["class_f1"])
    titles = [table.title for table in BY_LABEL.of(board).tables]
    assert titles[1] == "F1 of each label on demo (rows new rows)"
    assert len(set(titles)) == 4


def test_notes_stay_where_no_other_table_is_left(make):
    limited = "LIMITED to the first 10 of 90 training rows: not a benchmark result"
    board = board_of_records([make("ce", about={"notes": [limited]})], metrics=["class_f1"])
    (alone,) = View(metrics=("class_f1",), by_label=True, notes="short").of(board).tables
    assert limited in layout.legend(alone)
