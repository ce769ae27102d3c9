"""Charts of the page: every seed's score, the labels that are confused, and the course of training."""

import math
from dataclasses import replace

import numpy as np
import pytest

from fecbench.results.leaderboard.assemble import board_of_records
from fecbench.results.leaderboard.formats.page import confusions, training
from fecbench.results.leaderboard.formats.page.render import page
from fecbench.results.leaderboard.formats.page.seed_scores import seed_scores_of
from fecbench.results.leaderboard.paper_table import published
from tests.support.page import Document, lived, rename, write


def test_every_seed_is_a_dot(board):
    (found,) = seed_scores_of(board.tables[0])
    assert [scale.label for scale in found.scales] == ["Acc", "Weighted-F1", "Macro-F1"]
    rows = dict(found.rows)
    assert [dot.seed for dot in rows["aml"][0].dots] == [0, 1, 2]
    assert rows["aml"][0].mean == pytest.approx(100 * board.tables[0].rows[-1].cells[0].scores["accuracy"].mean)
    places = [dot.at for strips in rows.values() for strip in strips for dot in strip.dots]
    assert 0 < min(places) < max(places) < 100
    assert min(rows["aml"][0].dots).at > max(dot.at for dot in rows["ce"][0].dots)
    drawn = [circle for circle in Document(page(board)).named("circle") if circle["cx"].endswith("%")]
    assert len(drawn) == 3 * (3 + 3 + 1)
    assert seed_scores_of(published()) == ()


def test_confused_pairs_are_counted_over_seeds_and_methods(make):
    ours = [lived(make("aml", accuracy=0.9, seed=seed)) for seed in range(2)]
    theirs = [lived(make("ce", accuracy=0.5, seed=seed)) for seed in range(2)]
    angry, glad, sad = (int(of["support"]) for of in ours[0].result["per_class"].values())
    for records, counts in ((ours, (4, 2)), (theirs, (10, 10))):
        for record, count in zip(records, counts, strict=True):
            lived(record, [[angry - count, 0, count], [0, glad, 0], [1, 0, sad - 1]])
    turned = theirs[1].result["confusion_matrix"]  # the same counts with labels numbered the other way round
    rename(theirs[1], dataset=theirs[1].about["dataset"] | {"labels": ["sad", "glad", "angry"]})
    write(theirs[1], "result.json", theirs[1].result | {"confusion_matrix": np.array(turned)[::-1, ::-1].tolist()})
    (found,) = confusions.confusions_of(board_of_records([*ours, *theirs]).tables[0])
    assert found.beside.methods == ("aml", "ce")
    assert found.every is None
    first, second = found.beside.pairs
    assert (first.gold, first.predicted, first.rows) == ("angry", "sad", angry)
    assert first.confused == ((3.0, 3 / angry), (10.0, 10 / angry))
    assert first.difference == pytest.approx(-7 / angry)
    assert (second.gold, second.predicted) == ("sad", "angry")


def test_the_method_of_interest_stands_beside_the_best_other_one(board, make):
    weak = lived(make("aml-no-adv", accuracy=0.4, seed=0))
    records = [run.record for run in board.runs()]
    (found,) = confusions.confusions_of(board_of_records([*records, weak], against="aml-no-adv").tables[0])
    assert found.beside.methods == ("aml-no-adv", "aml")
    assert set(found.every.methods) == {"aml", "aml-no-adv", "ce", "supcon"}


def test_rows_without_an_answer_are_counted_beside_the_labels(make):
    record = lived(make("ce"))
    angry, glad, sad = (int(of["support"]) for of in record.result["per_class"].values())
    rows = angry + glad + sad
    lived(record, [[angry - 6, 2, 0], [0, glad, 0], [0, 0, sad]])
    write(record, "result.json", record.result | {"unanswered": {"test": 4 / rows}})
    (found,) = confusions.confusions_of(board_of_records([record, lived(make("aml"))]).tables[0])
    assert found.lacking == ()
    confused = {
        (pair.gold, pair.predicted): (pair.rows, pair.confused[found.beside.methods.index("ce")].number)
        for pair in found.beside.pairs
    }
    assert confused["angry", "no answer"] == (angry, 4.0)
    assert confused["angry", "glad"] == (angry, 2.0)


@pytest.mark.parametrize("matrix", [None, "absent", [[1, 2], [3]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]], [["a"] * 3] * 3])
def test_a_confusion_matrix_that_contradicts_its_record_is_left_out_and_said(three, matrix):
    for record in three:
        lived(record)
    content = three[0].result | {"confusion_matrix": matrix}
    write(three[0], "result.json", {key: value for key, value in content.items() if value != "absent"})
    found = board_of_records(three)
    (counted,) = confusions.confusions_of(found.tables[0])
    assert counted.lacking == ("ce",)
    assert "the records of ce hold no valid confusion matrix" in page(found)


def test_training_is_drawn_for_every_seed_and_by_the_objectives_panels(three):
    for record in three:
        lived(
            record,
            logs=(
                {"aml": 3.0, "model_loss": 1.0, "own_loss": 2.0},
                {"aml": 2.0, "model_loss": math.nan, "own_loss": 1.0},
            ),
        )
    ce, aml = training.training_of(board_of_records(three).tables[0])
    validation, *panels = ce.datasets[0].charts
    assert [curve.name for curve in validation.curves] == ["seed 0", "seed 1", "seed 2"]
    assert [[curve.name for curve in chart.curves] for chart in panels] == [["model_loss", "own_loss"]]
    assert [len(curve.points) for curve in panels[0].curves] == [1, 2]  # no point for what is no number
    assert [tick.text for tick in validation.x] == ["1", "2"]
    (left, low), (right, high) = validation.curves[0].points
    assert left < right
    assert low > high  # 0.2, then 0.5: down is positive
    assert [chart.title for chart in aml.datasets[0].charts[1:]] == [
        "L_aml on the hard pairs",
        "the encoder's loss (min-step)",
    ]
    assert ce.datasets[0].best == ((0, 2, 2), (1, 2, 2), (2, 2, 2))


def test_a_foreign_record_is_drawn_without_objective_and_history(three):
    for record in three[:3]:
        rename(lived(record), objective={"name": "theirs"})
    theirs, aml = sorted(
        training.training_of(board_of_records(three).tables[0]), key=lambda found: -len(found.datasets[0].charts)
    )
    assert [curve.name for curve in theirs.datasets[0].charts[1].curves] == ["model_loss"]
    assert aml.datasets[0].charts == ()
    assert "Nothing was logged" in page(board_of_records(three))


def test_a_data_set_without_a_shown_column_keeps_the_order_of_rows(board):
    (table,) = board.tables
    (found,) = confusions.confusions_of(replace(table, columns=(), gains=()))
    assert found.beside.methods == ("ce", "supcon")


def test_the_best_are_those_with_the_least_loss(board):
    (table,) = board.tables
    lower = replace(table, columns=(replace(table.columns[0], lower=True),), gains=())
    for shown, best in ((lower, "ce"), (replace(table, gains=()), "aml")):
        (found,) = confusions.confusions_of(shown)
        assert found.beside.methods == (best, "supcon")
