"""Whole runs on toy data: repetition, objectives of every kind, notes, and refusals."""

import json
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import PreTrainedTokenizerBase

from fecbench import BatchNeeds, Config, Objective, Player, Update
from fecbench.core.errors import (
    EncoderError,
    FecbenchError,
    NeedsError,
    NumericalError,
    ProtocolError,
)
from fecbench.core.files import read_tensors
from fecbench.model.encoders.network import encoder_network
from fecbench.model.encoders.source import EncoderSource
from fecbench.runs.predictor import Predictor
from fecbench.runs.record import Record
from tests.support.interrupted import numbers, train_briefly


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ce", "aml"])
def test_same_seed_same_numbers_other_seed_other_numbers(toy, tmp_path, name):
    first = train_briefly(name, toy, tmp_path / "a")
    torch.randn(3)  # whatever happened in the process before must not matter
    again, other = train_briefly(name, toy, tmp_path / "b"), train_briefly(name, toy, tmp_path / "c", seed=1)
    assert numbers(first) == numbers(again)
    assert numbers(first)[1] != numbers(other)[1]


def test_a_run_that_fails_before_it_begins_leaves_nothing(toy, tmp_path):
    with pytest.raises(FecbenchError, match="isn't on this machine"):
        train_briefly("ce", toy, tmp_path / "run", encoder="roberta-base")
    assert not (tmp_path / "run").exists()


class Counting(Objective):
    """Cross-entropy that notes what happens to it."""

    def __init__(self, config, task):
        super().__init__(config, task)
        self.register_buffer("shift", torch.zeros(task.classes))
        self.calls = []

    def updates(self, batch, model):
        yield Update(torch.nn.functional.cross_entropy(self.predict(batch, model), batch.labels))

    def predict(self, batch, model):
        return super().predict(batch, model) + self.shift

    def before_training(self, stage):
        self.calls.append("before")
        assert len(stage.texts["train"]) == 60
        assert set(stage.texts) == set(stage.labels) == {"train", "validation"}

    def after_training(self, stage):
        with torch.no_grad():
            logits = torch.cat([self.predict(batch, stage.model) for batch in stage.batches(stage.texts["validation"])])
        assert logits.shape == (12, 3)
        self.shift[0] = 100.0


def test_stages_before_and_after_training_and_their_state(toy, tmp_path, registered):
    record = train_briefly(registered("counting", Counting), toy, tmp_path / "run")
    predictions = load_file(record.folder / "predictions.safetensors")
    assert set(predictions["predicted"].tolist()) == {
        0
    }  # the stage after training was in force when the test rows were predicted
    assert read_tensors(record.folder / "best.safetensors")[0]["objective.shift"].tolist() == [100.0, 0.0, 0.0]


class Constant(Objective):
    """Predicts without training."""

    trains = False

    def predict(self, batch, model):
        return torch.eye(3)[torch.full((len(batch),), 2)]


def test_a_method_that_does_not_train(toy, tmp_path, registered):
    record = train_briefly(registered("constant", Constant), toy, tmp_path / "run")
    assert record.result["metrics"]["test"]["accuracy"] == pytest.approx(1 / 3)
    assert (record.result["epochs"], record.result["texts_per_second"]) == (0, None)


def test_the_record_counts_the_parameters_of_encoder_and_head(toy, tmp_path):
    record = train_briefly("ce", toy, tmp_path / "run")
    model = Predictor.load(record).model
    assert record.result["parameters"] == sum(parameter.numel() for parameter in model.parameters()) > 0


class Silent(Objective):
    def updates(self, batch, model):
        return
        yield


class Exploding(Objective):
    class Config(Config):
        at: int = 5

    def updates(self, batch, model):
        loss = self.predict(batch, model).square().mean()
        late = batch.key[1] > 1 and batch.key[2] >= 1
        yield Update(loss * float("nan") if late else loss, logs={"part": loss.detach()})


def test_an_objective_that_yields_nothing_in_an_epoch_is_named(toy, tmp_path, registered):
    with pytest.raises(
        ProtocolError, match=r"objective silent \(this process\): updates yielded nothing in a whole epoch"
    ):
        train_briefly(registered("silent", Silent), toy, tmp_path / "run")
    assert "yielded nothing" in json.loads((tmp_path / "run" / "failure.json").read_text())["message"]
    assert Record(tmp_path / "run").status == "failed"


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_checkpoint(toy, tmp_path, registered):
    with pytest.raises(NumericalError, match=r"epoch 2, batch 2 found model_loss nan, part .*; try a lower --lr"):
        train_briefly(registered("exploding", Exploding), toy, tmp_path / "run")
    assert read_tensors(tmp_path / "run" / "last.safetensors")[1]["epoch"] == 1


class Extra(Objective):
    """Keeps state that is no tensor."""

    def updates(self, batch, model):
        yield Update(self.predict(batch, model).square().mean())

    def get_extra_state(self):
        return {"epoch": 1}

    def set_extra_state(self, state): ...


def test_state_must_be_tensors(toy, tmp_path, registered):
    with pytest.raises(
        ProtocolError, match=r"objective\._extra_state: a module's saved state must be tensors, found dict"
    ):
        train_briefly(registered("extra", Extra), toy, tmp_path / "run")


class Sharing(Objective):
    """Holds the model's own encoder: its weights must be saved once and claimed once."""

    def __init__(self, config, task):
        super().__init__(config, task)
        self.scale = torch.nn.Parameter(torch.ones(1))
        self.mine = None

    def players(self):
        return {"scale": Player([self.scale])}

    def updates(self, batch, model):
        self.mine = model.encoder
        loss = (self.predict(batch, model) * self.scale).square().mean()
        yield Update(loss)
        yield Update((self.predict(batch, model).detach() * self.scale).square().mean(), "scale")


def test_shared_weights_are_saved_once(toy, tmp_path, registered):
    record = train_briefly(registered("sharing", Sharing), toy, tmp_path / "run")
    names = read_tensors(record.folder / "best.safetensors")[0]
    assert not [name for name in names if name.startswith("objective.mine")]


def rewritten(folder: Path, word: str, every: int) -> None:
    """Put ``word`` in place of the texts of every ``every``-th row, of all rows where it is 1; rows stay different."""
    for path in folder.glob("*.csv"):
        head, *lines = path.read_text().splitlines()
        changed = [
            f"{word * (n + 1)},{line.rpartition(',')[2]}" if n % every == 0 else line for n, line in enumerate(lines)
        ]
        path.write_text("\n".join([head, *changed]) + "\n")


def test_unknown_tokens_are_said_and_recorded(toy, tmp_path, source, tokenizer):
    source_folder(source("bert"), tokenizer, tmp_path / "bert")
    rewritten(toy, "ሉ ", 2)
    record = train_briefly("ce", toy, tmp_path / "run", encoder=str(tmp_path / "bert"), epochs=1)
    notes = "\n".join(record.about["notes"])
    for split in ("train", "validation", "test"):
        assert re.search(rf"^[3-9]\d % of the {split} tokens \(text\) are unknown to encoder ", notes, re.MULTILINE), (
            notes
        )


def test_texts_of_which_the_encoder_knows_no_word_are_refused(toy, tmp_path, source, tokenizer):
    source_folder(source("bert"), tokenizer, tmp_path / "bert")
    rewritten(toy, "ሉ ", 1)
    with pytest.raises(
        EncoderError,
        match=r"but 100 % of the train tokens \(text\) are unknown to encoder .*; choose one made for their",
    ):
        train_briefly("ce", toy, tmp_path / "run", encoder=str(tmp_path / "bert"), epochs=1)


def source_folder(made: EncoderSource, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write a tiny encoder."""
    encoder_network(made).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def test_limit_is_recorded_and_said(toy, tmp_path):
    record = train_briefly("ce", toy, tmp_path / "run", limit=20, epochs=1)
    assert record.about["dataset"]["rows"]["train"] == 20
    assert "LIMITED to the first 20 of 60 training rows: not a benchmark result" in record.about["notes"]
    assert not any("labels are in these rows" in note for note in record.about["notes"])
    assert record.limit == 20


@pytest.mark.slow
def test_a_limit_reports_missing_labels_and_counts_only_if_rows_are_left_out(toy, tmp_path):
    header, *lines = (toy / "train.csv").read_text().splitlines()
    (toy / "train.csv").write_text("\n".join([header, *sorted(lines, key=lambda line: line.rpartition(",")[2])]) + "\n")
    cut = train_briefly("ce", toy, tmp_path / "cut", limit=30, epochs=1)
    assert any(note.startswith("2 of 3 labels are in these rows") for note in cut.about["notes"])
    whole = train_briefly("ce", toy, tmp_path / "whole", limit=60, epochs=1)
    assert (whole.about["settings"]["limit"]["value"], whole.limit) == (60, None)


@pytest.mark.parametrize(
    ("family", "reason"), [("mpnet", "its attention isn't replaceable"), ("modernbert", "its attention has windows")]
)
def test_cut_texts_and_unpackable_encoders_are_said(toy, tmp_path, source, tokenizer, family, reason):
    encoder_network(source(family)).save_pretrained(tmp_path / family)
    tokenizer.save_pretrained(tmp_path / family)
    record = train_briefly("ce", toy, tmp_path / "run", encoder=str(tmp_path / family), max_length=4, epochs=1)
    notes = "\n".join(record.about["notes"])
    assert "60 of 60 train texts (text) were cut to 4 tokens" in notes
    assert f"can't be packed ({reason}); batches are padded" in notes


def test_bf16_autocast_keeps_float32_weights(toy, tmp_path):
    record = train_briefly("aml", toy, tmp_path / "run", precision="bf16", epochs=1)
    assert record.about["precision"] == "bf16"
    assert {tensor.dtype for tensor in read_tensors(record.folder / "best.safetensors")[0].values()} == {torch.float32}


class TwoViews(Objective):
    """Trains on a paraphrase of each text beside the text."""

    needs = BatchNeeds(min_size=2, columns=("aug_text",), texts=True)

    def updates(self, batch, model):
        other = batch.view("aug_text")
        assert len(batch.texts) == len(batch) == len(other.tokens)
        assert not torch.equal(batch.tokens.ids, other.tokens.ids)
        logits = torch.cat([self.predict(batch, model), self.predict(other, model)])
        yield Update(torch.nn.functional.cross_entropy(logits, batch.labels.repeat(2)))


@pytest.mark.slow
def test_needs_are_met_by_the_data_or_refused(toy, tmp_path, registered):
    name = registered("two-views", TwoViews)
    with pytest.raises(
        NeedsError, match=r"objective two-views \(this process\) needs the column aug_text, but toy has text, label"
    ):
        train_briefly(name, toy, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    for split in ("train", "validation", "test"):
        header, *lines = (toy / f"{split}.csv").read_text().splitlines()
        (toy / f"{split}.csv").write_text(
            "\n".join([f"{header},aug_text", *(f"{line},said otherwise" for line in lines)]) + "\n"
        )
    assert train_briefly(name, toy, tmp_path / "run", epochs=1).status == "complete"
