"""Objectives that predict in a way of their own: it comes along, or the export fails and leaves nothing."""

from itertools import count

import pytest
import torch
from safetensors.torch import load_file

from fecbench import BatchNeeds, Objective, Update
from fecbench.core.errors import ExportError, UsageError
from fecbench.results.export.export import export
from tests.support.exports import NATIVE, by_onnxruntime, texts_of_the_test_split


class Shifted(Objective):
    """Predicts by a correction that a stage after training found, besides encoder and head."""

    def __init__(self, config, task):
        super().__init__(config, task)
        self.register_buffer("shift", torch.zeros(task.classes))

    def updates(self, batch, model):
        yield Update(torch.nn.functional.cross_entropy(super().predict(batch, model), batch.labels))

    def predict(self, batch, model):
        return super().predict(batch, model) + self.shift

    def after_training(self, stage):
        self.shift[1] = 50.0


@pytest.mark.slow
def test_what_a_method_predicts_by_besides_the_head_comes_along_or_is_refused(trained, registered, toy, tmp_path):
    pytest.importorskip("onnxruntime")
    record = trained("bert", registered("shifted", Shifted), **NATIVE)
    export(record, tmp_path / "onnx", "onnx")
    found = by_onnxruntime(tmp_path / "onnx", texts_of_the_test_split(toy))
    torch.testing.assert_close(
        found, load_file(record.folder / "predictions.safetensors")["logits"], atol=1e-4, rtol=1e-4
    )
    assert set(found.argmax(1).tolist()) == {1}
    with pytest.raises(
        UsageError, match=r"--format hf holds an encoder and its head, but shifted overrides Objective\.predict"
    ):
        export(record, tmp_path / "hf")


class ByWords(Shifted):
    """Predicts by the words, which a graph of token ids can't see."""

    needs = BatchNeeds(texts=True)

    def predict(self, batch, model):
        return Objective.predict(self, batch, model) + torch.tensor([float(len(text)) for text in batch.texts])[:, None]


class BySize(Shifted):
    """Reads the size of its batch as a number, which is then that of the example."""

    def predict(self, batch, model):
        return Objective.predict(self, batch, model) + torch.zeros(len(batch), 1)


class ByTurn(Shifted):
    """Predicts otherwise each time: what is traced runs, but isn't what the run predicts."""

    turns = count()

    def predict(self, batch, model):
        return Objective.predict(self, batch, model) + float(next(self.turns))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            ByWords,
            "but bywords on this encoder can't be traced: TypeError: 'NoneType'",
        ),
        (BySize, "the exported model must predict any number of texts of any length, but fails"),
        (ByTurn, "the exported model must predict the run's logits, but one differs by "),
    ],
)
def test_a_failure_leaves_nothing_behind(trained, registered, tmp_path, kind, message):
    pytest.importorskip("onnxruntime")
    record = trained("bert", registered(kind.__name__.lower(), kind), **NATIVE)
    with pytest.raises(ExportError, match=message):
        export(record, tmp_path / "deep" / "out", "onnx")
    assert {path.name for path in tmp_path.iterdir()} == {"toy"}


@pytest.mark.slow
def test_a_predict_that_fails_is_the_objectives_fault_not_the_folders(trained, registered, tmp_path, monkeypatch):
    def fail(self, batch, model):
        raise ConnectionError("nobody listens")

    record = trained("bert", registered("shifted", Shifted), **NATIVE)
    monkeypatch.setattr(Shifted, "predict", fail)
    with pytest.raises(
        ExportError,
        match=r"objective shifted must predict .*, but fails: ConnectionError: nobody listens; correct its predict",
    ):
        export(record, tmp_path / "out", "onnx")
    assert {path.name for path in tmp_path.iterdir()} == {"toy"}
