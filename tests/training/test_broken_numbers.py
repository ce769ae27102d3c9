"""Weights, buffers and logits that aren't finite end a run, and no checkpoint keeps them."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from fecbench import Update
from fecbench.core.errors import NumericalError
from fecbench.runs.record import Record
from tests.support.objectives import Plain
from tests.support.train import train


class Breaking(Plain):
    """A finite loss with an infinite gradient, on the last batch of the second epoch."""

    def __init__(self, config, task):
        super().__init__(config, task)
        self.register_buffer("batches", torch.zeros(()))

    def updates(self, batch, model):
        self.batches += 1
        h = model.encode(batch)
        loss = cross_entropy(model.classify(model.project(h)), batch.labels)
        yield Update(loss + (h - h.detach()).abs().sqrt().sum() if self.batches == 8 else loss)


@pytest.mark.slow
def test_broken_weights_are_refused_and_never_kept(toy, tmp_path, registered):
    with pytest.raises(
        NumericalError,
        match=r"every weight, buffer and optimiser state must be finite, but after epoch 2 model\..* and \d+ "
        r"more aren't",
    ):
        train(registered("breaking", Breaking), toy, tmp_path / "run")
    from fecbench.core.files import read_tensors

    for name in ("best.safetensors", "last.safetensors"):
        tensors, _ = read_tensors(tmp_path / "run" / name)
        assert all(torch.isfinite(tensor).all() for tensor in tensors.values())
    assert Record(tmp_path / "run").status == "failed"


class Brimming(Plain):
    """Counts up a buffer, which overflows in the second epoch and touches nothing else."""

    def __init__(self, config, task):
        super().__init__(config, task)
        self.register_buffer("count", torch.ones(()))

    def updates(self, batch, model):
        self.count *= 1e5
        yield from super().updates(batch, model)


@pytest.mark.slow
def test_a_buffer_that_overflows_ends_the_run_before_it_is_kept(toy, tmp_path, registered):
    from fecbench.core.files import read_tensors

    with pytest.raises(
        NumericalError, match=r"but after epoch 2 objective\.count isn't; .*the weights of epoch 1 are kept"
    ):
        train(registered("brimming", Brimming), toy, tmp_path / "run")
    for name in ("best.safetensors", "last.safetensors"):
        assert read_tensors(tmp_path / "run" / name)[0]["objective.count"].isfinite()


class NoNumber(Plain):
    """Predicts what is no number."""

    def predict(self, batch, model):
        return super().predict(batch, model) / 0 * 0


def test_logits_that_are_no_numbers_are_refused(toy, tmp_path, registered):
    with pytest.raises(NumericalError, match="every logit must be finite, but those of 12 of 12 texts aren't"):
        train(registered("nonumber", NoNumber), toy, tmp_path / "run")
