"""The folds of a cross-validation share a row, and tests pair them."""

import json

import numpy as np
import pytest
from scipy.stats import t as student
from sklearn.metrics import f1_score

from fecbench.bench.selection import Selection
from fecbench.core.files import write_json
from fecbench.results.leaderboard.assemble import board_of_records, board_of_selection
from fecbench.results.leaderboard.formats.registered import render
from fecbench.results.leaderboard.statistics.outcomes import of_predictions, predictions, scores_by_counts
from fecbench.results.leaderboard.statistics.paired_tests import over_seeds
from fecbench.runs.record import Record
from tests.support.boards import cells, names
from tests.support.records import LABELS, finish, guess, unseal

NOTE = "3-fold cross-validation: the test rows of each fold are cut from the training rows"


@pytest.fixture
def folded(make):
    """Write the record of a fold: ``folded("ce", 1, accuracy=0.7)``; the folds have 60, 50 and 40 test rows."""

    def record(
        method: str = "ce", fold: int = 0, *, accuracy: float = 0.6, seed: int = 0, folds: int = 3, notes=()
    ) -> Record:
        data = {
            "name": "mine",
            "fingerprint": f"rows of fold {fold} of {folds}",
            "labels": list(LABELS),
            "whole": f"all {folds} folds",
        }
        note = NOTE.replace("3", str(folds))
        made = make(method, seed=seed, folds=folds, fold=fold, about={"dataset": data, "notes": [note, *notes]})
        gold = np.random.default_rng(fold).integers(0, 3, 60 - 10 * fold)
        finish(made, guess(accuracy, 10 * seed + fold, sum(map(ord, method)), gold), gold=gold)
        return made

    return record


@pytest.fixture
def two(folded):
    """Three folds of two methods, ``aml`` far ahead."""
    scores = {"ce": 0.45, "aml": 0.95}
    return [folded(method, fold, accuracy=accuracy) for method, accuracy in scores.items() for fold in range(3)]


def accuracies(records) -> list[float]:
    return [record.result["metrics"]["test"]["accuracy"] for record in records]


def test_folds_share_a_row_with_mean_and_spread(two):
    board = board_of_records(two)
    assert names(board) == [["ce", "aml"]]
    (table,) = board.tables
    score = table.rows[0].cells[0].scores["accuracy"]
    found = accuracies(two[:3])
    assert (score.mean, score.std) == (pytest.approx(np.mean(found)), pytest.approx(np.std(found, ddof=1)))
    assert score.seeds == dict(zip(("0/0", "0/1", "0/2"), found, strict=True))
    assert NOTE in table.notes
    assert table.datasets[0].fingerprint == "all 3 folds"


def test_every_format_says_that_the_spread_is_over_folds(two):
    board = board_of_records(two)
    for form in ("markdown", "latex", "html"):
        assert "standard deviation over 3 folds" in render(board, form), form
    page = render(board, "html")
    assert "seed 0, fold 2" in page
    assert "correction of Nadeau and Bengio" in page
    lines = render(board, "csv").splitlines()
    assert ",0/0 0/1 0/2," in lines[1]
    (table,) = json.loads(render(board, "json"))["tables"]
    assert [run["fold"] for run in table["rows"][0]["cells"][0]["runs"]] == [0, 1, 2]


def test_notes_of_some_folds_name_them(folded):
    notes = [["1 of 9 test rows has no label", "mended"], ["2 of 9 test rows have no label", "mended"], ["mended"]]
    records = [folded(method, fold, notes=of_fold) for method in ("ce", "aml") for fold, of_fold in enumerate(notes)]
    (table,) = board_of_records(records).tables
    assert table.notes[:4] == (
        NOTE,
        "fold 0: 1 of 9 test rows has no label",
        "mended",
        "fold 1: 2 of 9 test rows have no label",
    )


def test_seeds_times_folds_are_one_row(folded):
    records = [folded(fold=fold, seed=seed) for seed in (0, 1) for fold in range(3)]
    board = board_of_records(records)
    assert len(board.tables[0].rows[0].cells[0].runs) == 6
    assert "over 3 folds with 2 seeds each" in render(board, "markdown")


def test_other_folds_and_single_splits_are_other_tables(two, folded, make):
    single = make("ce", about={"dataset": {"name": "mine", "fingerprint": "one cut", "labels": list(LABELS)}})
    board = board_of_records([*two, folded(folds=2), folded(fold=1, folds=2), single])
    assert sorted(len(table.rows[0].cells[0].runs) for table in board.tables) == [1, 2, 3]
    assert all("rows " in table.title for table in board.tables)


def test_a_fold_without_a_run_is_named(two, folded):
    board = board_of_records(two[1:])
    assert "missing: ce, seed/fold 0/0: not run" in board.tables[0].notes


def test_the_newest_run_of_a_fold_counts(two, folded):
    newer = folded("ce", 1, accuracy=0.2)
    (table,) = board_of_records([*two, newer]).tables
    assert table.rows[0].cells[0].scores["accuracy"].seeds["0/1"] == accuracies([newer])[0]


def test_a_selection_finds_its_folds(two, folded):
    planned = tuple(run for fold in range(3) for run in cells("mine", "ce", [0], folds=3, fold=fold))
    (table,) = board_of_selection(Selection("t", ("demo",), planned), two[:2]).tables
    assert list(table.rows[0].cells[0].scores["accuracy"].seeds) == ["0/0", "0/1"]
    assert "missing: mine, seed/fold 0/2: not run" in table.notes


def test_methods_are_compared_fold_by_fold(two):
    (table,) = board_of_records(two).tables
    pair = table.columns[0].comparisons[0]
    assert (pair.seeds, pair.examples) == (("0/0", "0/1", "0/2"), 150)
    assert pair.significant
    ours = [np.subtract(*pair) for pair in zip(accuracies(two[3:]), accuracies(two[:3]), strict=True)]
    # Nadeau and Bengio 2003: the variance times 1/n + test rows / training rows
    statistic = np.mean(ours) / np.sqrt(np.var(ours, ddof=1) * (1 / 3 + 1 / 2))
    assert pair.p_seeds == pytest.approx(2 * student.sf(abs(statistic), 2))


@pytest.mark.parametrize("metric", ["accuracy", "weighted_f1", "macro_f1"])
def test_the_scores_that_are_tested_are_those_of_the_folds(two, metric):
    (table,) = board_of_records(two).tables
    runs = list(table.rows[0].cells[0].runs)
    outcomes = of_predictions(runs, [predictions(run) for run in runs])
    number = ["accuracy", "weighted_f1", "macro_f1"].index(metric)
    found = scores_by_counts(outcomes.totals(), outcomes.support)[number]
    assert found == pytest.approx([run.scores[metric] for run in runs])


def test_folds_with_rows_that_cannot_be_tested_say_so(two):
    unseal(two[0].folder)
    (two[0].folder / "predictions.safetensors").unlink()
    (table,) = board_of_records([Record(record.folder) for record in two]).tables
    assert "holds no predictions" in table.columns[0].comparisons[0].reason
    few = board_of_records([record for record in two if record.settings()["fold"] < 2])
    assert few.tables[0].columns[0].comparisons[0].reason == "a test needs 3 folds that both rows have"


def test_a_record_whose_fold_is_none_of_its_folds_is_broken(two):
    about = json.loads((two[0].folder / "run.json").read_text())
    about["settings"]["fold"]["value"] = 7
    write_json(two[0].folder / "run.json", about)
    board = board_of_records([Record(record.folder) for record in two])
    assert any("records are broken" in note for note in board.notes)


def test_without_overlap_it_is_the_plain_paired_test():
    one, other = [0.61, 0.63, 0.60], [0.58, 0.61, 0.60]
    assert over_seeds(one, other, 0.0) == over_seeds(one, other) < over_seeds(one, other, 0.25)


def test_weighted_f1_of_each_fold_is_scikit_learns():
    draw = np.random.default_rng(0)
    gold, predicted = draw.integers(0, 3, (2, 40)), draw.integers(0, 3, (2, 40))
    support = np.stack([np.bincount(row, minlength=3) for row in gold]).astype(float)
    counts = np.stack(
        [
            [np.bincount(p[p == g], minlength=3), np.bincount(p, minlength=3)]
            for g, p in zip(gold, predicted, strict=True)
        ]
    ).astype(float)
    expected = [f1_score(g, p, average="weighted") for g, p in zip(gold, predicted, strict=True)]
    assert scores_by_counts(counts, support)[1] == pytest.approx(expected)
