"""Forms of a text: the same in training, evaluation and prediction, and cached by all that they depend on."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

from fecbench import BatchNeeds, Form, Objective, Predictor, Update
from fecbench.core.errors import NumericalError, PluginError
from fecbench.data.tokenize import encode_texts, token_column
from fecbench.model.encoders.scratch import scratch
from fecbench.runs.plan import plan
from tests.support.train import train


@dataclass(frozen=True)
class Marked(Form):
    """A text after a mark."""

    mark: str

    def encode(self, texts, tokenizer, max_length):
        return tokenizer([f"{self.mark} {text}" for text in texts], truncation=True, max_length=max_length)["input_ids"]


class Seen(Objective):
    """Cross-entropy that writes down which views it is shown, and when."""

    seen: set = set()  # noqa: RUF012

    @classmethod
    def forms(cls, config):
        return {"text": Marked("day"), "sad": Marked("sad")}

    def updates(self, batch, model):
        self.note("train", batch)
        yield Update(cross_entropy(model.classify(model.encode(batch)), batch.labels))

    def predict(self, batch, model):
        self.note("predict", batch)
        return model.classify(model.encode(batch.view("sad")))

    def after_training(self, stage):
        for batch in stage.batches(stage.texts["validation"][:3]):
            self.note("stage", batch)

    def note(self, when, batch):
        first, sad = batch.tokens.first(batch.tokens.ids[:, None]), batch.view("sad").tokens
        assert torch.equal(first, sad.first(sad.ids[:, None]))  # [CLS]
        marks = {int(tokens.ids[tokens.positions == 1].unique()) for tokens in (batch.tokens, sad)}
        Seen.seen.add((when, len(marks)))


train_linear = partial(train, head="linear", epochs=1)


def test_forms_come_in_training_evaluation_stages_and_prediction(registered, toy, tmp_path):
    Seen.seen = set()
    record = train_linear(registered("seen", Seen), toy, tmp_path / "run")
    assert Seen.seen == {("train", 2), ("predict", 2), ("stage", 2)}
    Seen.seen = set()
    predictor = Predictor.load(record)
    predictor.probabilities(["what a lovely day"])
    assert Seen.seen == {("predict", 2)}


class Broken(Seen):
    @classmethod
    def forms(cls, config):
        return {"text": Marked("day"), "sad": Unreadable()}


@dataclass(frozen=True)
class Unreadable(Form):
    def encode(self, texts, tokenizer, max_length):
        raise KeyError("mark")


def test_a_form_that_fails_is_told_by_name(registered, toy, tmp_path):
    with pytest.raises(
        PluginError, match=r"the form Unreadable failed at .*test_forms.py:\d+: KeyError: 'mark'; fix or"
    ):
        train_linear(registered("broken", Broken), toy, tmp_path / "run")


def test_ids_are_cached_by_the_form_and_its_fields(tokenizer, tmp_path):
    texts = ["what a lovely day", "rain"]
    columns = [
        token_column(texts, tokenizer, 32, tmp_path, form)
        for form in (None, Marked("sad"), Marked("day"), Marked("sad"))
    ]
    ids = [tuple(column.ids) for column in columns]
    assert len(set(ids)) == 3
    assert ids[1] == ids[3]
    assert len(list(tmp_path.glob("*.tokens"))) == 3


def test_ids_of_a_form_whose_code_was_edited_are_made_anew(tokenizer, tmp_path, monkeypatch):
    before = token_column(["rain"], tokenizer, 32, tmp_path, Marked("sad"))
    monkeypatch.setattr(Marked, "encode", lambda self, texts, tokenizer, max_length: [[7] for _ in texts])
    after = token_column(["rain"], tokenizer, 32, tmp_path, Marked("sad"))
    assert before.ids.tolist() != after.ids.tolist() == [7]


def test_ids_are_cached_by_the_texts_and_the_tokenizer(tokenizer, tmp_path):
    """Also where texts are equal once they are joined."""
    other = scratch(["a mark"]).tokenizer
    for one, texts in (
        (tokenizer, ["what\x1ea", "day"]),
        (tokenizer, ["what", "a\x1eday"]),
        (other, ["what", "a\x1eday"]),
    ):
        ids, _ = encode_texts(texts, one, 32)
        found = token_column(texts, one, 32, tmp_path)
        assert (found.ids.tolist(), found.lengths.tolist()) == (
            [i for row in ids for i in row],
            [len(row) for row in ids],
        )


def test_texts_that_fill_the_greatest_length_are_counted(tokenizer, tmp_path):
    column = token_column(["rain", "what a lovely day it is"], tokenizer, 6, tmp_path, Marked("sad"))
    assert column.cut == 1
    assert column.lengths.max() == 6


def test_a_form_must_be_one(registered, toy):
    class Odd(Seen):
        @classmethod
        def forms(cls, config):
            return {"text": str.upper}

    with pytest.raises(PluginError, match=r"forms must be objects of subclasses of fecbench\.Form, but 'text' is"):
        _ = plan(registered("odd", Odd), {"dataset": str(toy), "encoder": "scratch"}).forms


class Answers(Objective):
    """Reads raw texts; says nothing to those that hold "the", gold to all others by what it is told before."""

    trains = False
    needs = BatchNeeds(texts=True)
    settings = {"encoder": "none", "head": "linear"}  # noqa: RUF012
    told: list = []  # noqa: RUF012

    @classmethod
    def scored(cls, config):
        return ("test",)

    def before_predicting(self, texts):
        Answers.told.append(len(texts))

    def predict(self, batch, model):
        logits = one_hot(torch.zeros(len(batch), dtype=torch.int64), self.task.classes).float()
        silent = torch.tensor(["the" in text.split() for text in batch.texts])
        return logits.masked_fill(silent[:, None], -torch.inf)


def test_no_answer_is_wrong_and_counts_for_no_class(registered, toy, tmp_path):
    Answers.told = []
    record = train_linear(registered("answers", Answers), toy, tmp_path / "run", encoder="none")
    result = record.result
    assert Answers.told == [15]  # the test rows, at once; validation isn't scored
    assert set(result["metrics"]) == {"test"}
    silent = result["unanswered"]["test"]
    assert silent == pytest.approx(1 / 15)  # "the cake was a treat"
    assert result["metrics"]["test"]["accuracy"] == pytest.approx(4 / 15)  # the fifth glad text has no answer
    assert np.array(result["confusion_matrix"]).sum() == 14
    probabilities = Predictor.load(record).probabilities(["the end", "rain"])
    assert probabilities.sum(1).tolist() == [0.0, 1.0] or probabilities.sum(1).tolist() == pytest.approx([0.0, 1.0])


def test_a_single_infinite_logit_is_still_an_error(registered, toy, tmp_path):
    class Half(Answers):
        def predict(self, batch, model):
            return torch.tensor([0.0, -torch.inf, 0.0]).repeat(len(batch), 1)

    with pytest.raises(NumericalError, match="those of 15 of 15 texts aren't"):
        train_linear(registered("half", Half), toy, tmp_path / "run", encoder="none")
