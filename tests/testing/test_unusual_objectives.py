"""Objectives that are unusual but legal conform."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from fecbench import BatchNeeds, Config, Predictor
from fecbench.core.files import read_tensors
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.plan import plan
from fecbench.testing import ObjectiveConformance
from tests.support.offenders import Base

pytestmark = pytest.mark.slow

CHECKS = list(ObjectiveConformance.checks())


class Silent(Base):
    """It only predicts."""

    trains = False

    def updates(self, batch, model):
        raise AssertionError("never called")


class Picky(Base):
    """Big batches, groups of a label, further texts."""

    needs = BatchNeeds(min_size=20, columns=("aug_text",), second_view="augmented", per_label=6)

    def loss(self, batch, model):
        assert len(batch) >= 24
        assert (batch.labels.bincount() % 6 == 0).all()
        return super().loss(batch.doubled(), model) + 0 * super().loss(batch.view("aug_text"), model)


class Fitted(Base):
    """Holds class shares found before training, and a teacher that isn't trained."""

    def __init__(self, config, task):
        super().__init__(config, task)
        self.teacher = nn.Linear(3, 3).requires_grad_(False)
        self.register_buffer("prior", torch.full((task.classes,), torch.nan))

    def before_training(self, stage):
        counts = torch.bincount(stage.labels["train"], minlength=self.task.classes)
        self.prior.copy_((counts / counts.sum()).log())

    def loss(self, batch, model):
        return cross_entropy(model.classify(model.project(model.encode(batch))).float() + self.prior, batch.labels)


class Worded(Base):
    class Config(Config):
        mark: str = '\N{SMILING FACE WITH OPEN MOUTH} -- "so"'
        shift: int = -3
        limit_to: float | None = None


@pytest.mark.parametrize("kind", [Silent, Picky, Fitted, Worded])
def test_what_is_unusual_but_legal_conforms(kind, registered):
    kit = type("Kit", (ObjectiveConformance,), {"name": registered(kind.__name__.lower(), kind)})()
    for check in CHECKS:
        if check != "test_it_learns" or kind is Silent:
            getattr(kit, check)()


class Ensemble(Base):
    """A second network with a label head predicts."""

    def __init__(self, config, task):
        super().__init__(config, task)
        self.other = task.new_model("label")

    def loss(self, batch, model):
        return super().loss(batch, model) + super().loss(batch, self.other)

    def predict(self, batch, model):
        return super().predict(batch, self.other)


def test_a_further_model_with_a_label_head_predicts_as_it_was_tested(registered, toy, tmp_path):
    chosen = plan(
        registered("ensemble", Ensemble), {"dataset": str(toy), "encoder": "scratch", "epochs": 6, "device": "cpu"}
    )
    record = run(chosen, RunContext(DataLocations(), tmp_path / "run"))
    rows = load_dataset(chosen.settings, DataLocations()).splits["test"]["text"][:]
    logits = read_tensors(record.folder / "predictions.safetensors")[0]["logits"]
    torch.testing.assert_close(Predictor.load(record).probabilities(rows), logits.softmax(1), rtol=1e-4, atol=1e-5)
    assert logits.softmax(1).std() > 0.01
