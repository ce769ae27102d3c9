"""Settings are chosen by the validation scores of the best epoch, whatever a stage reads later."""

import json
from zlib import crc32

import pytest
import torch
from pydantic import Field
from torch.nn.functional import cross_entropy, one_hot

from fecbench import BatchNeeds, Config, Objective, Update
from fecbench.bench.validation_score import validation_score
from fecbench.core.errors import NeedsError
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import RunContext, run
from tests.support.benches import prepared, tiny, write

pytestmark = pytest.mark.slow


class Fitted(Objective):
    """Cross-entropy; with ``cheat``, the validation labels are learnt by heart after training."""

    class Config(Config):
        cheat: bool = Field(False, description="whether validation labels are learnt by heart")

    needs = BatchNeeds(texts=True)

    def __init__(self, config, task):
        super().__init__(config, task)
        self.register_buffer("heart", torch.zeros(12, dtype=torch.int64))  # labels of the toy's validation rows
        self.register_buffer("texts", torch.zeros(12, dtype=torch.int64))  # checksums of their texts
        self.register_buffer("known", torch.tensor(False))

    def updates(self, batch, model):
        yield Update(cross_entropy(model.classify(model.project(model.encode(batch))), batch.labels))

    def after_training(self, stage):
        self.heart.copy_(stage.labels["validation"])
        self.texts.copy_(checksums(stage.texts["validation"]))
        self.known.fill_(self.config.cheat)

    def predict(self, batch, model):
        logits = super().predict(batch, model)
        if not self.known:
            return logits
        rows = (checksums(batch.texts)[:, None] == self.texts).int().argmax(1)
        return one_hot(self.heart[rows], logits.shape[1]).to(logits)


class Untrained(Objective):
    """Predicts without training."""

    trains, labellings = False, ("single", "multi")

    class Config(Config):
        answers: bool = Field(False, description="whether the logits tell the given labels alone")
        test_alone: bool = Field(False, description="whether the test rows alone are scored")

    @classmethod
    def gives_scores(cls, config):
        return not config.answers

    @classmethod
    def scored(cls, config):
        return ("test",) if config.test_alone else ("validation", "test")


@pytest.mark.parametrize(
    ("data", "options", "fits"),
    [
        ("demo", "test_alone = true", False),
        ("demo", "answers = true", True),
        ("demo-multi", "answers = true", False),
        ("demo-multi", "", True),
    ],
)
def test_trials_of_a_method_without_a_validation_score_are_refused(tmp_path, registered, data, options, fits):
    name = registered("untrained", Untrained)
    spec = tiny(data, objectives=f'["ce", "{name}"]', more=f"objective.{name} = {{ {options} }}\n")
    grid = "grid = { select = 'validation', settings = { lr = [1e-3, 1e-4] } }\n"
    assert len(prepared(write(tmp_path, spec), tmp_path / "root").matrix.entries) == 2
    if fits:
        assert len(prepared(write(tmp_path, spec + grid), tmp_path / "root").matrix.entries) == 2
        return
    with pytest.raises(NeedsError, match="has no score of the validation rows, so it must have one trial"):
        prepared(write(tmp_path, spec + grid), tmp_path / "root")


class Asked(Untrained):
    """Scores the test rows alone, whatever its options."""

    @classmethod
    def scored(cls, config):
        return ("test",)


def test_all_methods_are_searched_without_those_that_have_no_validation_score(toy, tmp_path, registered):
    name = registered("asked", Asked)
    grid = "grid = { select = 'validation', settings = { batch_size = [8, 16] } }\n"
    matrix = prepared(write(tmp_path, tiny(toy, objectives='"*"', more=grid)), tmp_path / "root").matrix
    assert "ce" in {entry.row for entry in matrix.entries}
    assert "it must have one trial" in matrix.left_out[f"{name} on {toy}"]


def checksums(texts):
    return torch.tensor([crc32(text.encode()) for text in texts])


def test_a_stage_that_reads_validation_labels_plays_no_part_in_the_choice(toy, tmp_path, registered):
    registered("fitted", Fitted)
    spec = write(
        tmp_path,
        tiny(
            toy, objectives='["fitted"]', more="grid = { select = 'validation', settings = { cheat = [false, true] } }"
        ),
    )
    benchmark = prepared(spec, tmp_path / "root")
    for task in benchmark.first(benchmark.matrix.entries):
        run(task.planned.plan, RunContext(DataLocations(), task.record.folder))
    honest, fitted = (task.record for task in benchmark.first(benchmark.matrix.entries))
    assert fitted.result["metrics"]["validation"]["accuracy"] == 1
    assert honest.result["metrics"]["validation"]["accuracy"] < 1
    best = [event["metrics"] for event in fitted.history() if event["event"] == "evaluation"][-1]
    assert validation_score(fitted) == best["accuracy"] + best["weighted_f1"] == validation_score(honest)
    assert [planned.plan.options.cheat for planned in benchmark.selection().runs] == [False]  # equal: the first


def test_older_records_are_chosen_by_what_they_hold(toy, tmp_path):
    (task,) = (benchmark := prepared(write(tmp_path, tiny(toy)), tmp_path / "root")).all_tasks()
    run(task.planned.plan, RunContext(DataLocations(), task.record.folder))
    path = task.record.folder / "result.json"
    result = json.loads(path.read_text())
    scores = result["metrics"]["validation"]
    assert validation_score(task.record) == result["validation_score"] == scores["accuracy"] + scores["weighted_f1"]
    path.write_text(
        json.dumps({key: value for key, value in result.items() if key not in ("validation_score", "seal")})
    )
    assert validation_score(benchmark.all_tasks()[0].record) == scores["accuracy"] + scores["weighted_f1"]
