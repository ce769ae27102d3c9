"""Predictions for the scores: the same for every batch size, without labels and row numbers."""

import pytest
import torch
from torch.nn.functional import one_hot

from fecbench.training.evaluation import split_logits
from tests.support.objectives import Plain
from tests.support.train import load, train


def test_scores_do_not_move_with_the_size_of_evaluation_batches(toy, tmp_path):
    from fecbench import Predictor
    from fecbench.data.batches import tokenize_split

    record = train("aml", toy, tmp_path / "run")
    predictor = Predictor.load(record)
    from fecbench import data_of

    split = tokenize_split(data_of(record).splits["test"], ["text"], predictor.tokenizer, 200, tmp_path / "cache")
    found = [
        split_logits(predictor.objective, predictor.model, split, size, predictor.precision) for size in (1, 4, 64)
    ]
    for logits in found[1:]:
        torch.testing.assert_close(logits, found[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[0], load(record)["logits"], atol=1e-5, rtol=1e-5)


class Peeking(Plain):
    """Predicts with the labels and row numbers that it is handed."""

    def predict(self, batch, model):
        return 9.0 * one_hot((batch.labels + batch.rows) % self.task.classes, self.task.classes)


def test_predictions_are_made_without_labels_and_row_numbers_in_reach(registered, toy, tmp_path):
    record = train(registered("peeking", Peeking), toy, tmp_path / "run")
    assert (load(record)["logits"].argmax(1) == 0).all()
    assert [one["accuracy"] for one in record.result["metrics"].values()] == pytest.approx([1 / 3, 1 / 3])
