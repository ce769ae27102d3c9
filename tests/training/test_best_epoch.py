"""The best epoch: how epochs are compared, when training ends, and which weights are tested."""

from string import ascii_letters

import pytest
import torch
from torch.nn.functional import one_hot

from fecbench import BatchNeeds
from tests.support.objectives import Plain
from tests.support.toy_data import WORDS
from tests.support.train import train


def place_of(text):
    """A toy text's row, and its label."""
    said, number = text.rsplit(" ", 1)
    label = next(place for place, texts in enumerate(WORDS.values()) if said in texts)
    return 3 * int(number.strip(ascii_letters)) + label, label


class Fading(Plain):
    """Predicts all rows right up to the second epoch, then fewer and fewer (it knows the toy's texts by heart)."""

    needs = BatchNeeds(texts=True)

    def __init__(self, config, task):
        super().__init__(config, task)
        self.register_buffer("batches", torch.zeros(()))

    def updates(self, batch, model):
        self.batches += 1
        yield from super().updates(batch, model)

    def predict(self, batch, model):
        rows, labels = torch.tensor([place_of(text) for text in batch.texts]).T
        wrong = rows < 3 * abs(self.batches / 4 - 2)  # four batches an epoch
        return one_hot((labels + wrong) % 3, 3).float()


@pytest.mark.slow
def test_patience_ends_training_and_the_best_epoch_is_tested(toy, tmp_path, registered):
    record = train(registered("fading", Fading), toy, tmp_path / "run", epochs=30, patience=3)
    validation = [event["metrics"]["accuracy"] for event in record.history() if event["event"] == "evaluation"]
    assert validation == pytest.approx([9 / 12, 1, 9 / 12, 6 / 12, 3 / 12])
    assert (record.result["best_epoch"], record.result["epochs"]) == (2, 5)
    assert record.result["metrics"]["test"]["accuracy"] == 1.0  # the best epoch's weights, not the last one's


def test_epochs_are_compared_by_accuracy_and_weighted_f1_together(toy, tmp_path, monkeypatch):
    """Accuracy alone would choose the third epoch, weighted F1 alone the first."""
    from fecbench.training.trainer import Trainer

    scores = iter([(0.5, 0.9), (0.9, 0.55), (0.95, 0.3)])
    monkeypatch.setattr(Trainer, "score", lambda *_: dict(zip(("accuracy", "weighted_f1"), next(scores), strict=True)))
    assert train("ce", toy, tmp_path / "run", epochs=3).result["best_epoch"] == 2
