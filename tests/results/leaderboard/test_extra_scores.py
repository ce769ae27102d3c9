"""Extra columns: F1 of labels, training time, speed and size."""

import json
from dataclasses import replace

import pytest

from fecbench.core.errors import UnknownName
from fecbench.results.leaderboard.assemble import board_of_records
from fecbench.results.leaderboard.formats import layout
from fecbench.results.leaderboard.view.view import View
from tests.support.records import LABELS


@pytest.fixture
def timed(three):
    """Three seeds of two methods whose records have times and sizes."""
    for number, record in enumerate(three):
        figures = {"train_seconds": 10.0 + number, "texts_per_second": 500.0, "parameters": 22_700_000}
        path = record.folder / "result.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | figures))
        record.reload()
    return three


def columns(board):
    return [column.metric for column in board.tables[0].columns]


def test_costs_are_columns_with_their_units_and_without_ranks(timed):
    names = ("seconds", "texts_per_second", "parameters")
    board = View(extra=names).of(board_of_records(timed, metrics=names))
    assert columns(board)[-3:] == list(names)
    (table,) = board.tables
    row = next(number for number, row in enumerate(table.rows) if row.name == "ce")
    assert [text.text for text in layout.line(table, row)[-3:]] == ["11.0 ± 1.0", "500 ± 0", "22.7 ± 0.0"]
    for column in table.columns[-3:]:
        assert (column.best, column.second, column.comparisons) == ((), (), ())
    assert [gain.values[-3:] for gain in table.gains] == [(None, None, None)]
    assert "Training time in seconds" in layout.caption(table)
    assert "Rank: by Acc." in layout.legend(table)


def test_every_label_has_a_column_of_its_f1(three):
    board = View(extra=("class_f1",)).of(board_of_records(three, metrics=["class_f1"]))
    assert columns(board)[-3:] == [f"class_f1:{label}" for label in sorted(LABELS)]
    (table,) = board.tables
    assert [column.label for column in table.columns[-3:]] == [f"F1 {label}" for label in sorted(LABELS)]
    score = table.score(0, table.columns[-3])
    recorded = [run.record.result["per_class"][sorted(LABELS)[0]]["f1"] for run in table.rows[0].cells[0].runs]
    assert list(score.seeds.values()) == recorded
    assert all(column.best and not column.comparisons for column in table.columns[-3:])


def test_one_label_can_be_chosen_and_an_unknown_one_is_refused(three):
    assert columns(board_of_records(three, metrics=["class_f1:glad"]))[-1] == "class_f1:glad"
    with pytest.raises(UnknownName, match="did you mean 'glad'"):
        board_of_records(three, metrics=["class_f1:gald"])


def test_older_records_lack_costs_which_a_note_says(three):
    board = board_of_records(three, metrics=["parameters"])
    assert columns(board) == columns(board_of_records(three))
    assert View(extra=("parameters",)).of(board).notes == ("left out because no record holds it: parameters",)
    assert View(extra=("parameters",), notes="none").of(board).notes == ()


def test_an_unknown_extra_column_is_refused(three, fecbench, tmp_path):
    code, _, err = fecbench("leaderboard", tmp_path / "runs", "--columns-extra", "secnods")
    assert (code, "did you mean 'seconds'" in err) == (2, True), err


def test_chosen_metrics_can_be_extra_ones(timed):
    board = board_of_records(timed, metrics=["seconds", "class_f1"])
    shown = View(metrics=("seconds", "class_f1")).of(board)
    assert columns(shown) == ["seconds", *(f"class_f1:{label}" for label in sorted(LABELS))]


def test_a_cost_ranks_only_where_it_is_asked_for(timed):
    board = board_of_records(timed, metrics=["seconds", "macro_f1"])
    chosen = View(metrics=("seconds", "macro_f1"))
    ranked_by = [view.of(board).tables[0].ranked_by for view in (chosen, replace(chosen, rank_by="seconds"))]
    assert ranked_by == ["Macro-F1 ↑", "Training time ↓"]


def test_extra_columns_stay_beside_chosen_metrics(timed):
    board = board_of_records(timed, metrics=["macro_f1", "seconds"])
    assert columns(View(metrics=("macro_f1",), extra=("seconds",)).of(board)) == ["macro_f1", "seconds"]


def test_the_command_shows_them_in_every_format(timed, fecbench, tmp_path):
    for form in ("terminal", "markdown", "latex", "html"):
        flags = ("--columns-extra", "seconds,class_f1:glad", "--format", form)
        code, out, err = fecbench("leaderboard", tmp_path / "runs", *flags)
        assert code == 0, err
        assert "Training time" in out, form
        assert "F1 glad" in out, form


def test_texts_with_several_labels_have_them_too(six):
    metrics = [column.metric for column in board_of_records(six, metrics=["class_f1"]).tables[0].columns]
    assert any(metric.startswith("class_f1:") for metric in metrics)


def test_no_method_is_best_on_a_label_that_it_never_gets_right(three):
    for record in three:
        path = record.folder / "result.json"
        result = json.loads(path.read_text())
        result["per_class"]["glad"]["f1"] = 0.0
        result["per_class"]["sad"]["f1"] = 0.0 if "ce" in record.id else 0.5
        path.write_text(json.dumps(result))
        record.reload()
    (table,) = board_of_records(three, metrics=["class_f1"]).tables
    marked = {column.metric: (column.best, column.second) for column in table.columns}
    (aml,) = [number for number, row in enumerate(table.rows) if row.name == "aml"]
    assert marked["class_f1:glad"] == ((), ())
    assert marked["class_f1:sad"] == ((aml,), ())
