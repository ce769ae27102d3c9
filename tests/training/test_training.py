"""The effect of settings on training, shown on runs that would end otherwise without it."""

import json
from string import ascii_letters

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from fecbench import BatchNeeds, Objective, Update
from fecbench.core.errors import NumericalError, ProtocolError, RunError
from fecbench.core.hooks import hookimpl
from fecbench.data.batches import TokenisedSplit
from fecbench.data.tokenize import TokenColumn
from fecbench.runs.plan import plan
from fecbench.runs.record import Record
from fecbench.runs.run_folder import sign
from fecbench.training.devices import Precision
from fecbench.training.evaluation import split_logits, split_outputs
from fecbench.training.optimizers import PlayerOptimizer
from tests.support.toy_data import WORDS
from tests.support.train import train


class Plain(Objective):
    """Cross-entropy, for variations."""

    def updates(self, batch, model):
        yield Update(cross_entropy(model.classify(model.project(model.encode(batch))), batch.labels))


@pytest.mark.slow
def test_a_report_is_recorded_as_it_will_be_read(registered, toy, tmp_path):
    """A seal over keys that sort otherwise once they are text would take the record for another's."""

    class Counting(Plain):
        def report(self):
            return {9: 1, 10: (2, 3)}

    record = train(registered("counting", Counting), toy, tmp_path / "run", epochs=1)
    assert Record(record.folder).result["report"] == {"9": 1, "10": [2, 3]}


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


class StopIn:
    """Stops a run, as a kill would, when an event comes for the n-th time."""

    def __init__(self, number: int):
        self.left = number

    @hookimpl
    def epoch_finished(self, run):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


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
        patch.setattr("fecbench.runs.experiment.write_predictions", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            train(name, toy, tmp_path / "broken", resume=True)
    broken = train(name, toy, tmp_path / "broken", resume=True)
    assert Staged.counts == {"before": 1, "after": 1}
    assert broken.result["metrics"] == unbroken.result["metrics"]
    logits = [load(record)["logits"] for record in (broken, unbroken)]
    assert torch.equal(*logits)


def load(record: Record) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(record.folder / "predictions.safetensors")


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


@pytest.mark.slow
@pytest.mark.parametrize(
    "left", ["history.jsonl", "run.json.unfinished", "failure.json", "encoder/config.json", ".tmpa1B2c3"]
)
def test_a_run_killed_before_its_record_begins_can_be_begun_again(toy, tmp_path, left):
    (tmp_path / "run" / left).parent.mkdir(parents=True)
    (tmp_path / "run" / left).write_text("{}\n")
    sign(Record(tmp_path / "run"))
    assert train("ce", toy, tmp_path / "run", epochs=1).status == "complete"
    assert not [
        path.name
        for path in (tmp_path / "run").iterdir()
        if path.name.endswith(".unfinished") or path.name.startswith(".tmp")
    ]


OWN = [
    "history.jsonl",
    "failure.json",
    "encoder/thesis.txt",
    "run.json.unfinished",
    "notes.unfinished",
    "notes.unfinished/one",
    ".tmpa1B2c3",
]


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("own", [*OWN, ".lock", ".holder", "last.safetensors.unfinished"])
def test_files_that_no_run_claims_are_the_users_and_stay(toy, tmp_path, own, resume):
    file = tmp_path / "run" / own
    file.parent.mkdir(parents=True)
    file.write_text("precious")
    with pytest.raises(
        RunError,
        match=f"must be empty, but holds {file.relative_to(tmp_path / 'run').parts[0]}; choose another --run-dir",
    ):
        train("ce", toy, tmp_path / "run", epochs=1, resume=resume)
    assert file.read_text() == "precious"
    assert len(list((tmp_path / "run").rglob("*"))) == len(file.relative_to(tmp_path / "run").parts)


@pytest.mark.parametrize("own", ["notes.unfinished", "notes.unfinished/one", ".tmpfile", ".tmp/one"])
def test_a_run_that_goes_on_leaves_files_of_others_in_its_folder(toy, tmp_path, own):
    with pytest.raises(KeyboardInterrupt):
        train("ce", toy, tmp_path / "run", observers=[StopIn(1)])
    file = tmp_path / "run" / own
    file.parent.mkdir(exist_ok=True)
    file.write_text("precious")
    assert train("ce", toy, tmp_path / "run", resume=True).status == "complete"
    assert file.read_text() == "precious"


def test_a_run_that_failed_before_its_record_began_can_be_begun_again(toy, tmp_path, monkeypatch):
    def full(record, about):
        raise RunError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("fecbench.runs.experiment.write_about", full)
        with pytest.raises(RunError, match="the disk is full"):
            train("ce", toy, tmp_path / "run")
    assert {"encoder", "failure.json"} <= {path.name for path in (tmp_path / "run").iterdir()}
    assert train("ce", toy, tmp_path / "run", epochs=1).status == "complete"
    assert not (tmp_path / "run" / ".holder").exists()


@pytest.mark.parametrize(("key", "value"), [("precision", "bf16"), ("ranks", 2), ("versions", {"torch": "99"})])
def test_a_run_is_only_continued_on_what_it_was_begun_on(toy, tmp_path, key, value):
    with pytest.raises(KeyboardInterrupt):
        train("ce", toy, tmp_path / "run", observers=[StopIn(1)])
    path = tmp_path / "run" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(RunError, match=f"must be resumed with the settings, .* but its {key} was"):
        train("ce", toy, tmp_path / "run", resume=True)


def test_scores_do_not_move_with_the_size_of_evaluation_batches(toy, tmp_path):
    from fecbench import Predictor
    from fecbench.data.batches import tokenize_split

    record = train("aml", toy, tmp_path / "run")
    predictor = Predictor.load(record)
    from fecbench import data_of

    split = tokenize_split(data_of(record).splits["test"], ["text"], predictor.tokenizer, 200, tmp_path / "cache")
    found = [
        split_logits(predictor.objective, predictor.model, split, size, predictor.precision) for size in (1, 4, 64)
    ]
    for logits in found[1:]:
        torch.testing.assert_close(logits, found[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[0], load(record)["logits"], atol=1e-5, rtol=1e-5)


def test_ranks_share_the_batches_of_an_evaluation(monkeypatch):
    monkeypatch.setattr("fecbench.training.evaluation.sum_over_ranks", lambda values, ranks: values)
    offsets = np.concatenate([[0], np.cumsum(np.random.default_rng(0).integers(1, 9, 30))])
    split = TokenisedSplit({"text": TokenColumn(np.arange(offsets[-1]), offsets)}, np.arange(30))
    precision = Precision(torch.device("cpu"))

    def sums(rank: int, ranks: int) -> torch.Tensor:
        return split_outputs(
            lambda batch: batch.tokens.mean(batch.tokens.ids[:, None].double()), split, 1, 4, precision, rank, ranks
        )

    whole = sums(0, 1)
    assert whole[:, 0].tolist() == pytest.approx((offsets[:-1] + offsets[1:] - 1) / 2)
    assert torch.equal(sum(sums(rank, 3) for rank in range(3)), whole)


class Peeking(Plain):
    """Predicts with the labels and row numbers that it is handed."""

    def predict(self, batch, model):
        return 9.0 * one_hot((batch.labels + batch.rows) % self.task.classes, self.task.classes)


def test_predictions_are_made_without_labels_and_row_numbers_in_reach(registered, toy, tmp_path):
    record = train(registered("peeking", Peeking), toy, tmp_path / "run")
    assert (load(record)["logits"].argmax(1) == 0).all()
    assert [one["accuracy"] for one in record.result["metrics"].values()] == pytest.approx([1 / 3, 1 / 3])


def test_a_run_is_only_continued_with_its_labels_in_their_order(toy, tmp_path):
    (toy / "labels.txt").write_text("glad\nmad\nsad\n")
    with pytest.raises(KeyboardInterrupt):
        train("ce", toy, tmp_path / "run", observers=[StopIn(2)])
    (toy / "labels.txt").write_text("sad\nmad\nglad\n")
    with pytest.raises(RunError, match="its labels had another order or other descriptions"):
        train("ce", toy, tmp_path / "run", resume=True)


class Returning(Plain):
    """Returns where it should yield."""

    def updates(self, batch, model):
        return next(super().updates(batch, model))


def test_returning_an_update_is_told(toy, tmp_path, registered):
    with pytest.raises(ProtocolError, match="updates must be a generator, found Update; yield each Update"):
        train(registered("returning", Returning), toy, tmp_path / "run")


def test_a_wish_to_stop_that_a_finaliser_swallowed_is_heard_at_the_next_batches():
    from fecbench.cli.terminal.interrupt import Stop

    stop = Stop()
    with pytest.raises(KeyboardInterrupt):
        stop.ask()
    for heard in (stop.run_started, stop.updates_logged):
        with pytest.raises(KeyboardInterrupt):
            heard()


def test_epochs_are_compared_by_accuracy_and_weighted_f1_together(toy, tmp_path, monkeypatch):
    """Accuracy alone would choose the third epoch, weighted F1 alone the first."""
    from fecbench.training.trainer import Trainer

    scores = iter([(0.5, 0.9), (0.9, 0.55), (0.95, 0.3)])
    monkeypatch.setattr(Trainer, "score", lambda *_: dict(zip(("accuracy", "weighted_f1"), next(scores), strict=True)))
    assert train("ce", toy, tmp_path / "run", epochs=3).result["best_epoch"] == 2


def test_compile_without_a_compiler_is_refused_before_anything_is_loaded(monkeypatch):
    from fecbench.core.errors import UsageError

    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(
        UsageError, match=r"--compile needs a C\+\+ compiler .* found none; install one or leave it out"
    ):
        plan("ce", {"dataset": "nowhere/at/all", "compile": True})
