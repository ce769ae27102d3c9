"""The effect of settings on training: learning rates, clipping, compilation and batches."""

import pytest
from torch import nn

from fecbench import BatchNeeds
from fecbench.runs.plan import plan
from fecbench.training.optimizers import PlayerOptimizer
from tests.support.objectives import Plain
from tests.support.train import train


@pytest.fixture
def factors(monkeypatch):
    """The learning rates' factors, in order."""
    seen, original = [], PlayerOptimizer.schedule
    monkeypatch.setattr(
        PlayerOptimizer, "schedule", lambda self, factor, *at: seen.append(factor) or original(self, factor, *at)
    )
    return seen


@pytest.mark.slow
def test_the_rate_falls_with_every_batch_to_nothing(toy, tmp_path, factors):
    train("ce", toy, tmp_path / "run")
    assert factors == pytest.approx([1 - step / 8 for step in range(8)])  # two epochs of four batches


@pytest.mark.slow
def test_warm_up(toy, tmp_path, factors):
    train("ce", toy, tmp_path / "run", warmup=0.5)
    assert factors == pytest.approx([0, 0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25])


def test_clip_reaches_the_step(toy, tmp_path, monkeypatch):
    norms, original = [], nn.utils.clip_grad_norm_
    monkeypatch.setattr(
        nn.utils, "clip_grad_norm_", lambda parameters, norm: norms.append(norm) or original(parameters, norm)
    )
    train("ce", toy, tmp_path / "run", epochs=1, clip=0.5)
    assert norms == [0.5] * 4


def test_compile_compiles_the_encoder(toy, tmp_path, monkeypatch):
    compiled = []
    monkeypatch.setattr(nn.Module, "compile", lambda self, **options: compiled.append((type(self).__name__, options)))
    train("ce", toy, tmp_path / "run", epochs=1, compile=True)
    assert compiled == [("BertModel", {"dynamic": True})]


def test_compile_without_a_compiler_is_refused_before_anything_is_loaded(monkeypatch):
    from fecbench.core.errors import UsageError

    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(
        UsageError, match=r"--compile needs a C\+\+ compiler .* found none; install one or leave it out"
    ):
        plan("ce", {"dataset": "nowhere/at/all", "compile": True})


class Watching(Plain):
    """Keeps what its batches were."""

    needs = BatchNeeds(min_size=7)
    batches: list

    def updates(self, batch, model):
        type(self).batches.append(batch.tokens.lengths.tolist())
        yield from super().updates(batch, model)


@pytest.fixture
def watching(registered):
    Watching.batches = []
    return registered("watching", Watching)


@pytest.mark.slow
def test_a_last_batch_that_is_too_small_is_left_out_and_said(toy, tmp_path, watching):
    record = train(watching, toy, tmp_path / "run", epochs=1, batch_size=9)  # 60 rows: six batches and six rows
    assert [len(batch) for batch in Watching.batches] == [9] * 6
    assert "6 rows of each epoch are left out: they are in a last batch that is too short" in record.about["notes"]


@pytest.mark.slow
def test_bucketed_batches_hold_texts_of_similar_length(toy, tmp_path, watching):
    def spread():
        found = sum(max(batch) - min(batch) for batch in Watching.batches)
        Watching.batches.clear()
        return found

    train(watching, toy, tmp_path / "random", epochs=1, batch_size=10)
    random = spread()
    train(watching, toy, tmp_path / "bucketed", epochs=1, batch_size=10, order="bucketed")
    assert spread() < random
