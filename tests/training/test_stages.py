"""Stages before and after training happen once, and make no parameters."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from fecbench.core.errors import ProtocolError
from fecbench.core.settings import RunSettings
from fecbench.runs.experiment import Experiment
from tests.support.interrupted import StopIn
from tests.support.objectives import Plain
from tests.support.train import load, train


class Staged(Plain):
    """Draws and adds in both stages."""

    counts: dict

    def __init__(self, config, task):
        super().__init__(config, task)
        self.register_buffer("shift", torch.zeros(3))

    def predict(self, batch, model):
        return super().predict(batch, model) + self.shift

    def before_training(self, stage):
        self.counts["before"] = self.counts.get("before", 0) + 1
        self.shift += torch.randn(3)

    def after_training(self, stage):
        self.counts["after"] = self.counts.get("after", 0) + 1
        self.shift += torch.randn(3)


@pytest.mark.slow
def test_stages_happen_once_though_the_run_is_killed_in_training_and_in_its_test(
    toy, tmp_path, registered, monkeypatch
):
    name, Staged.counts = registered("staged", Staged), {}
    unbroken = train(name, toy, tmp_path / "unbroken")
    assert Staged.counts == {"before": 1, "after": 1}
    Staged.counts = {}
    with pytest.raises(KeyboardInterrupt):
        train(name, toy, tmp_path / "broken", observers=[StopIn(2)])
    with monkeypatch.context() as patch:
        patch.setattr(
            "fecbench.runs.final_evaluation.write_predictions", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            train(name, toy, tmp_path / "broken", resume=True)
    broken = train(name, toy, tmp_path / "broken", resume=True)
    assert Staged.counts == {"before": 1, "after": 1}
    assert broken.result["metrics"] == unbroken.result["metrics"]
    logits = [load(record)["logits"] for record in (broken, unbroken)]
    assert torch.equal(*logits)


def test_a_stage_draws_the_same_numbers_on_every_rank():
    run = SimpleNamespace(plan=SimpleNamespace(settings=RunSettings(dataset="demo"), who="w"), built=SimpleNamespace())
    run.built.objective, draws = Plain, []
    for rank in (0, 1):
        trainer = SimpleNamespace(modules={}, batches=SimpleNamespace(rank=rank))
        with Experiment._checked_stage(run, trainer, "before_training"):
            draws.append((torch.rand(2).tolist(), np.random.rand(), random.random()))
    assert draws[0] == draws[1]


class Growing(Plain):
    """Makes state in a stage."""

    def before_training(self, stage):
        self.found = nn.Parameter(torch.zeros(3))


def test_a_stage_that_makes_parameters_is_refused(toy, tmp_path, registered):
    with pytest.raises(
        ProtocolError,
        match=r"before_training must keep what it finds in .* that __init__ made, but it added or replaced "
        r"objective.found",
    ):
        train(registered("growing", Growing), toy, tmp_path / "run")
