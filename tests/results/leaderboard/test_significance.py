"""Tests of significance: the rows compared, reasons for no test, and metrics of third parties."""

import json

import numpy as np
import pytest
import torch

from fecbench.core.files import read_tensors, write_tensors
from fecbench.results.leaderboard.assemble import board_of_records
from fecbench.results.leaderboard.formats import layout
from fecbench.results.leaderboard.statistics.paired_tests import holm
from fecbench.runs.record import PREDICTIONS
from tests.support.records import GOLD, finish, guess


def comparisons(records, **how):
    (table,) = board_of_records(records, **how).tables
    return table, {column.metric: column.comparisons for column in table.columns}


def test_a_row_that_the_best_beats_is_marked_and_spelled_out(three):
    table, found = comparisons(three)
    (pair,) = found["accuracy"]
    assert (table.rows[pair.best].name, table.rows[pair.other].name) == ("aml", "ce")
    assert (pair.seeds, pair.examples) == ((0, 1, 2), 150)
    assert pair.p == max(pair.p_examples, pair.p_seeds) == pair.holm < 0.05
    assert [text.marks for text in layout.line(table, pair.other)] == ["†"] * 3
    assert [text.marks for text in layout.line(table, pair.best)] == [""] * 3
    assert "† The best of the column is significantly better than the marked score: p < 0.05" in "\n".join(
        layout.legend(table)
    )


def test_both_tests_must_agree(make):
    records = [make("aml", accuracy=a, seed=s) for s, a in enumerate((0.95, 0.6, 0.75))]
    records += [make("ce", accuracy=a, seed=s) for s, a in enumerate((0.6, 0.58, 0.57))]
    _, found = comparisons(records)
    (pair,) = found["accuracy"]
    assert pair.p_examples < 0.05 < pair.p_seeds  # better on these seeds, maybe not on others
    assert pair.significant is False


def test_the_correction_is_over_the_pairs_of_a_column(three, make):
    records = [*three, *(make("supcon", accuracy=0.5, seed=seed) for seed in range(3))]
    table, found = comparisons(records)
    pairs = found["macro_f1"]
    assert sorted(table.rows[pair.other].name for pair in pairs) == ["ce", "supcon"]
    assert [pair.holm for pair in pairs] == holm([pair.p for pair in pairs])
    assert max(pair.holm / pair.p for pair in pairs) == 2


def test_two_seeds_cannot_tell(make):
    table, found = comparisons([make(m, accuracy=a, seed=s) for m, a in (("ce", 0.4), ("aml", 0.9)) for s in range(2)])
    assert [pair.significant for pair in found["accuracy"]] == [None]
    assert "The best was not tested against ce: a test needs 3 seeds that both rows have." in layout.legend(table)


def test_only_rows_of_equal_encoder_and_budget_are_compared(three, make):
    others = [make("supcon", accuracy=0.5, seed=seed, epochs=2) for seed in range(3)]
    table, found = comparisons([*three, *others])
    assert [table.rows[pair.other].name for pair in found["accuracy"]] == ["ce"]
    assert table.varying == ("epochs",)
    assert {layout.about(table, row)[1] for row in table.rows} == {"1 epoch", "2 epochs"}


@pytest.mark.parametrize("damage", ["gone", "old", "other", "short"])
def test_predictions_that_cannot_be_trusted_tell_nothing(three, damage):
    path = three[4].folder / PREDICTIONS
    tensors, _ = read_tensors(path)
    if damage == "gone":
        path.unlink()
    elif damage == "old":
        write_tensors(path, {name: tensor for name, tensor in tensors.items() if name != "correct"})
    elif damage == "other":
        write_tensors(path, tensors | {"predicted": (tensors["predicted"] + 1) % 3})
    else:
        write_tensors(path, {name: tensor[:-1] for name, tensor in tensors.items()})
    reason = {"gone": "holds no predictions", "old": "don't mark the correct ones", "other": "don't give its scores"}
    _, found = comparisons(three)
    assert reason.get(damage, "don't give its scores") in found["accuracy"][0].reason
    assert found["accuracy"][0].holm is None


def test_records_may_number_their_labels_differently(three, make):
    _, expected = comparisons(three)
    record = three[4]  # aml, seed 1: the same run, its labels in another order
    about, place = json.loads((record.folder / "run.json").read_text()), np.array([2, 0, 1])
    about["dataset"]["labels"] = ["glad", "sad", "angry"]
    (record.folder / "run.json").write_text(json.dumps(about))
    finish(record, place[guess(0.9, 1, sum(map(ord, "aml")))], gold=place[GOLD])
    _, found = comparisons(three)
    for metric, pairs in expected.items():
        assert found[metric][0].p_examples == pairs[0].p_examples
        assert found[metric][0].p_seeds == pytest.approx(pairs[0].p_seeds)


def test_rows_with_unanswered_texts_are_tested(three, make):
    """An answer of -1 is wrong and of no class; the records number their labels in different orders."""
    for record in three[3:]:
        predicted = guess(0.9, record.about["settings"]["seed"]["value"], sum(map(ord, "aml")))
        predicted[:12] = -1
        finish(record, predicted)
    about, place = json.loads((three[4].folder / "run.json").read_text()), np.array([2, 0, 1, -1])
    about["dataset"]["labels"] = ["glad", "sad", "angry"]
    (three[4].folder / "run.json").write_text(json.dumps(about))
    predicted = guess(0.9, 1, sum(map(ord, "aml")))
    predicted[:12] = -1
    finish(three[4], place[predicted], gold=place[GOLD])
    _, found = comparisons(three)
    for metric in ("accuracy", "weighted_f1", "macro_f1"):
        (pair,) = found[metric]
        assert (pair.reason, pair.examples) == ("", 150)
        assert pair.significant


def test_a_metric_of_somebody_else_has_a_column_and_no_test(make):
    records = [
        make(m, accuracy=a, seed=s, extra={"kappa": a / 2}) for m, a in (("ce", 0.4), ("aml", 0.9)) for s in range(3)
    ]
    table, found = comparisons(records)
    assert [column.label for column in table.columns] == ["Acc", "Weighted-F1", "Macro-F1", "kappa"]
    assert found["accuracy"][0].significant
    assert "The best was not tested against ce (kappa): there is no test for this metric." in layout.legend(table)


def test_predictions_hold_what_the_tests_need(three):
    tensors, _ = read_tensors(three[0].folder / PREDICTIONS)
    assert tensors["correct"].dtype == torch.bool


def test_a_row_that_is_ahead_by_other_seeds_alone_is_called_nothing(make):
    """aml is worse under each seed that both have, and best by its other ones."""
    ce = [make("ce", seed=seed, accuracy=0.75) for seed in range(3)]
    aml = [make("aml", seed=seed, accuracy=0.5) for seed in range(3)] + [
        make("aml", seed=seed, accuracy=0.99) for seed in range(3, 7)
    ]
    (table,) = board_of_records([*ce, *aml]).tables
    for column in table.columns[:3]:
        (comparison,) = column.comparisons
        assert table.rows[comparison.best].name == "aml"
        assert comparison.p is None
        assert "isn't ahead" in comparison.reason
