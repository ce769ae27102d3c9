"""A run ends where its objective breaks the protocol: stale features, vectors as logs, no generator."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from fecbench import Update
from fecbench.core.errors import ProtocolError
from tests.support.objectives import Plain
from tests.support.train import train


class Bank(Plain):
    """Uses the features of the batch before, with their graph: stale."""

    kept = None

    def updates(self, batch, model):
        z = model.project(model.encode(batch))
        loss = cross_entropy(model.classify(z), batch.labels)
        if self.kept is not None:
            loss = loss + (z.mean(0) * self.kept.mean(0)).sum()
        self.kept = z
        yield Update(loss)


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_features_of_an_earlier_batch_are_stale(toy, tmp_path, registered, precision):
    with pytest.raises(
        ProtocolError, match="update 1: the loss must use features computed after the last step on model"
    ):
        train(registered("bank", Bank), toy, tmp_path / "run", precision=precision)


class Vector(Plain):
    """Logs a vector."""

    def updates(self, batch, model):
        for update in super().updates(batch, model):
            yield Update(update.loss, logs={"many": torch.ones(3)})


def test_a_log_that_is_no_number_is_refused(toy, tmp_path, registered):
    with pytest.raises(
        ProtocolError, match="update 1: logs must be single numbers, found larger tensors: many; reduce each"
    ):
        train(registered("vector", Vector), toy, tmp_path / "run")


class Returning(Plain):
    """Returns where it should yield."""

    def updates(self, batch, model):
        return next(super().updates(batch, model))


def test_returning_an_update_is_told(toy, tmp_path, registered):
    with pytest.raises(ProtocolError, match="updates must be a generator, found Update; yield each Update"):
        train(registered("returning", Returning), toy, tmp_path / "run")
