"""The board's row of the most frequent class: shown by every format, ranked and tested by none."""

import csv
import json
from io import StringIO

import numpy as np
import pytest

from fecbench.results.leaderboard.assemble import board_of_records
from fecbench.results.leaderboard.formats.registered import render
from fecbench.results.leaderboard.formats.terminal import terminal
from fecbench.results.leaderboard.paper_table import published
from fecbench.results.leaderboard.statistics.most_frequent import most_frequent
from fecbench.runs.majority import constant_scores
from tests.support.page import Document, write
from tests.support.records import GOLD, LABELS

COUNTS = np.bincount(GOLD).tolist()
SCORES = constant_scores(COUNTS, 2)
OF_TEST = constant_scores(COUNTS, int(np.argmax(COUNTS)))


def newer(record, label=2):
    """Give a record the most frequent training class."""
    scores = {"test": constant_scores(COUNTS, label)}
    write(record, "result.json", record.result | {"majority": {"label": LABELS[label], "scores": scores}})
    return record


@pytest.fixture
def board(three):
    return board_of_records([newer(record) for record in three])


def test_the_row_has_the_scores_of_the_most_frequent_training_class(board):
    (table,) = board.tables
    assert (table.most_frequent.name, table.most_frequent.labels) == ("most frequent class", (LABELS[2],))
    assert table.most_frequent.values == tuple(SCORES[column.metric] for column in table.columns)


def test_it_changes_neither_ranks_nor_gains_nor_tests(board, three):
    (table,) = board.tables
    assert len(table.rows) == 2
    assert all(set(column.best) | set(column.second) <= {0, 1} for column in table.columns)
    assert {gain.row for gain in table.gains} == {1}
    assert all(len(column.comparisons) == 1 for column in table.columns)


def test_records_without_it_give_the_most_frequent_test_class(three, make):
    (table,) = board_of_records(three).tables
    assert table.most_frequent.name == "most frequent test class"
    assert table.most_frequent.labels == (LABELS[int(np.argmax(COUNTS))],)
    assert table.most_frequent.values == tuple(OF_TEST[column.metric] for column in table.columns)
    (mixed,) = board_of_records([*three, newer(make("supcon", seed=0))]).tables
    assert mixed.most_frequent.name == "most frequent class"  # one record that tells it is enough: equal rows


def test_a_run_on_all_rows_comes_before_a_limited_one(make):
    limited = newer(make("ce", seed=0, limit=20), label=0)
    whole = newer(make("ce", seed=1), label=1)
    (table,) = board_of_records([limited, whole]).tables
    assert table.most_frequent.labels == (LABELS[1],)


def test_the_scores_of_a_cross_validation_are_means_over_its_folds(make):
    data = {"name": "own", "labels": list(LABELS), "whole": "rows of own"}
    folds = [
        make("ce", seed=seed, folds=2, fold=fold, about={"dataset": {**data, "fingerprint": f"fold {fold}"}})
        for seed in (0, 1)
        for fold in (0, 1)
    ]
    for number, record in enumerate(folds):
        newer(record, label=number % 2)
    (table,) = board_of_records(folds).tables
    each = [constant_scores(COUNTS, label) for label in (0, 1)]
    assert table.most_frequent.labels == (f"{LABELS[0]} / {LABELS[1]}",)
    assert table.most_frequent.values == pytest.approx(
        tuple(sum(scores[column.metric] for scores in each) / 2 for column in table.columns)
    )


def test_further_metrics_are_left_empty(make):
    (table,) = board_of_records([newer(make("ce", extra={"kappa": 0.5}))]).tables
    values = dict(zip([column.metric for column in table.columns], table.most_frequent.values, strict=True))
    assert values == {**SCORES, "kappa": None}


def test_a_table_without_rows_has_no_such_row():
    assert most_frequent([], []) is None


def test_the_published_table_has_no_such_row():
    assert published().most_frequent is None


@pytest.mark.parametrize("name", ["markdown", "latex", "terminal", "html"])
def test_every_format_shows_it_under_the_methods(board, name):
    text = terminal(board) if name == "terminal" else render(board, name)
    if name == "html":
        text = " ".join(Document(text).text.split())
    place = text.index("most frequent class")
    assert text.index("Δ" if name != "latex" else r"$\Delta$") < place
    scores = [f"{100 * SCORES[metric]:.2f}" for metric in ("accuracy", "weighted_f1", "macro_f1")]
    line = text[place : place + 120]
    assert [score in line for score in scores] == [True] * 3


def test_csv_and_json_hold_unrounded_scores(board):
    lines = [line for line in csv.DictReader(StringIO(render(board, "csv"))) if line["origin"] == "computed"]
    assert {line["metric"]: float(line["mean"]) for line in lines} == SCORES
    assert {(line["method"], line["objective"], line["place"], line["dataset"]) for line in lines} == {
        ("most frequent class", "", "", "demo")
    }
    (table,) = json.loads(render(board, "json"))["tables"]
    found = table["most_frequent"]
    assert found["labels"] == [{"dataset": "demo", "label": LABELS[2]}]
    assert {score["metric"]: score["score"] for score in found["scores"]} == SCORES
    assert all(row["method"] != found["name"] for row in table["rows"])
