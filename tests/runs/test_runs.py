"""Whole runs on toy data: records, repetition, resuming, failure."""

import copy
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, PreTrainedTokenizerBase

from fecbench import BatchNeeds, Config, Objective, Player, Update
from fecbench.core.errors import (
    EncoderError,
    FecbenchError,
    NeedsError,
    NumericalError,
    ProtocolError,
    RunError,
    UnknownName,
)
from fecbench.core.files import read_json, read_tensors, replacing, write_json, write_tensors
from fecbench.core.hooks import hookimpl
from fecbench.model.encoders.network import encoder_network
from fecbench.model.encoders.pretrained import read_tokenizer
from fecbench.model.encoders.source import EncoderSource
from fecbench.runs import provenance
from fecbench.runs.find import all_records, find_run
from fecbench.runs.record import FAILURE, Record, drop_drafts, sign, write_encoder
from tests.support.train import train

SMALL = {"encoder": "scratch", "epochs": 3, "batch_size": 16}


train_briefly = partial(train, **SMALL)


def numbers(record: Record) -> tuple:
    """What two equal runs share: scores, predictions and history."""
    result = {key: value for key, value in record.result.items() if "second" not in key}
    tensors, _ = read_tensors(record.folder / "predictions.safetensors")
    return result, {name: tensor.tolist() for name, tensor in tensors.items()}, record.history()


class StopAfter:
    """Stops a run as Ctrl-C would, in the middle of an epoch."""

    def __init__(self, epoch: int):
        self.epoch = epoch

    @hookimpl
    def updates_logged(self, run, epoch, step, logs):
        if epoch > self.epoch:
            raise KeyboardInterrupt


def begun(data: Path, folder: Path) -> Record:
    """A run that was stopped after its first epoch."""
    with pytest.raises(KeyboardInterrupt):
        train_briefly("ce", data, folder, observers=[StopAfter(1)])
    return Record(folder)


def test_a_record_is_self_describing_and_holds_no_text_and_no_gold_label(toy, tmp_path):
    record = train_briefly("ce", toy, tmp_path / "run")
    files = {path.name for path in record.folder.iterdir()} - {".lock"}
    assert files == {
        "run.json",
        "history.jsonl",
        "encoder",
        "best.safetensors",
        "predictions.safetensors",
        "result.json",
    }
    about = record.about
    assert about["settings"]["epochs"] == {"value": 3, "origin": "flag"}
    assert about["settings"]["weight_decay"] == {"value": 1e-3, "origin": "default"}
    assert about["dataset"]["rows"] == {"train": 60, "validation": 12, "test": 15}
    assert {"fecbench", "torch", "transformers", "python"} <= set(about["versions"])
    assert (about["device"], about["precision"], about["settings"]["seed"]["value"]) == ("cpu", "float32", 0)
    assert about["encoder"]["name"] == "scratch"
    assert len(about["encoder"]["weights"]) == 64
    assert len(about["code"]) == len(about["dataset"]["fingerprint"]) == 64
    predictions = load_file(record.folder / "predictions.safetensors")
    assert set(predictions) == {"row", "predicted", "correct", "logits"}
    assert predictions["logits"].shape == (15, 3)
    assert predictions["predicted"].tolist() == predictions["logits"].argmax(1).tolist()
    everything = "".join((record.folder / name).read_text() for name in ("run.json", "result.json", "history.jsonl"))
    assert "lovely" not in everything
    assert set(record.result["metrics"]) == {"validation", "test"}
    assert sum(map(sum, record.result["confusion_matrix"])) == 15
    assert record.result["metrics"]["test"]["accuracy"] > 0.5
    assert record.status == "complete"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ce", "aml"])
def test_same_seed_same_numbers_other_seed_other_numbers(toy, tmp_path, name):
    first = train_briefly(name, toy, tmp_path / "a")
    torch.randn(3)  # whatever happened in the process before must not matter
    again, other = train_briefly(name, toy, tmp_path / "b"), train_briefly(name, toy, tmp_path / "c", seed=1)
    assert numbers(first) == numbers(again)
    assert numbers(first)[1] != numbers(other)[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ce", "aml"])
@pytest.mark.parametrize("finished", [0, 1, 2])
def test_a_resumed_run_equals_an_unbroken_one(toy, tmp_path, name, finished):
    unbroken = train_briefly(name, toy, tmp_path / "unbroken")
    with pytest.raises(KeyboardInterrupt):
        train_briefly(name, toy, tmp_path / "broken", observers=[StopAfter(finished)])
    broken = Record(tmp_path / "broken")
    assert broken.status == "interrupted"
    assert (broken.folder / "last.safetensors").exists() == (finished > 0)
    resumed = train_briefly(name, toy, tmp_path / "broken", resume=True)
    assert numbers(resumed) == numbers(unbroken)
    ours, theirs = (read_tensors(record.folder / "best.safetensors")[0] for record in (resumed, unbroken))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert not (broken.folder / "last.safetensors").exists()
    assert not (broken.folder / "failure.json").exists()


@pytest.mark.slow
def test_a_killed_process_resumes_to_the_same_numbers(toy, tmp_path):
    unbroken = train_briefly("ce", toy, tmp_path / "unbroken", epochs=12, patience=12)
    folder = tmp_path / "killed"
    flags = f"--dataset {toy} --encoder scratch --epochs 12 --patience 12 --batch-size 16 --run-dir {folder}".split()
    command = [sys.executable, "-m", "fecbench", "run", "ce", *flags]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not (folder / "last.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert Record(folder).status == "unfinished"
    resumed = train_briefly("ce", toy, folder, resume=True, epochs=12, patience=12)
    assert numbers(resumed) == numbers(unbroken)


@pytest.mark.slow
def test_resuming_wants_the_same_run(toy, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train_briefly("ce", toy, tmp_path / "run", observers=[StopAfter(1)])
    with pytest.raises(
        RunError, match=r"must be resumed with the settings, .* but its lr was 0\.001, not 0\.5; start a new run"
    ):
        train_briefly("ce", toy, tmp_path / "run", resume=True, lr=0.5)
    with pytest.raises(RunError, match="but its objective was ce"):
        train_briefly("aml", toy, tmp_path / "run", resume=True)
    (toy / "train.csv").write_text((toy / "train.csv").read_text().replace("train0,glad", "changed,glad"))
    with pytest.raises(RunError, match="but its data rows were different"):
        train_briefly("ce", toy, tmp_path / "run", resume=True)


@pytest.mark.slow
def test_resuming_wants_the_same_code(toy, tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        train_briefly("ce", toy, tmp_path / "run", observers=[StopAfter(1)])
    monkeypatch.setattr(provenance, "code_digest", lambda *plugins: "other")
    with pytest.raises(RunError, match="the code of fecbench or of one of its plugins has changed since"):
        train_briefly("ce", toy, tmp_path / "run", resume=True)


@pytest.mark.slow
def test_resume_without_a_folder_finds_the_newest_unfinished_run(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        RunError,
        match="--resume needs an unfinished run of these settings, data and code under runs/, but there is none",
    ):
        train_briefly("ce", toy, None, resume=True)
    with pytest.raises(KeyboardInterrupt):
        train_briefly("ce", toy, None, observers=[StopAfter(1)])
    (begun,) = all_records()
    resumed = train_briefly("ce", toy, None, resume=True)
    assert resumed.folder == begun.folder
    assert resumed.status == "complete"
    assert begun.id.endswith("ce-toy-scratch-s0") or "-ce-" in begun.id


@pytest.mark.slow
@pytest.mark.parametrize("changed", ["weights", "tokenizer", "nothing left"])
def test_a_run_goes_on_only_with_the_encoder_it_was_begun_with(toy, tmp_path, source, changed):
    mine, begun = tmp_path / "mine", source()
    AutoModel.from_config(begun.config).save_pretrained(mine)
    begun.tokenizer.save_pretrained(mine)
    with pytest.raises(KeyboardInterrupt):
        train_briefly("ce", toy, tmp_path / "run", encoder=str(mine), observers=[StopAfter(1)])
    before = (tmp_path / "run" / "last.safetensors").read_bytes()
    if changed == "weights":
        AutoModel.from_config(begun.config).save_pretrained(mine)
    elif changed == "tokenizer":
        begun.tokenizer.train_new_from_iterator(["quite other words"], 200).save_pretrained(mine)
    else:
        shutil.rmtree(tmp_path / "run" / "encoder")
    with pytest.raises(
        RunError, match="must hold the run's encoder" if changed == "nothing left" else "the encoder it was begun with"
    ):
        train_briefly("ce", toy, tmp_path / "run", encoder=str(mine), resume=True)
    assert (tmp_path / "run" / "last.safetensors").read_bytes() == before


@pytest.mark.slow
def test_resuming_a_complete_run_does_nothing_and_resuming_nothing_starts(toy, tmp_path):
    record = train_briefly("ce", toy, tmp_path / "run", resume=True)
    before = (record.folder / "best.safetensors").stat().st_mtime_ns
    assert train_briefly("ce", toy, tmp_path / "run", resume=True).result == record.result
    assert (record.folder / "best.safetensors").stat().st_mtime_ns == before


@pytest.mark.slow
def test_a_taken_folder_is_refused_and_left_as_it_is(toy, tmp_path):
    record = train_briefly("ce", toy, tmp_path / "run")
    with pytest.raises(
        RunError, match=r"holds a run already \(complete\); continue it with --resume, or choose another --run-dir"
    ):
        train_briefly("ce", toy, tmp_path / "run")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("precious")
    with pytest.raises(RunError, match=r"must be empty, but holds chapter\.txt"):
        train_briefly("ce", toy, tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "precious"
    assert record.status == "complete"


@pytest.mark.slow
def test_two_processes_on_one_run(toy, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train_briefly("ce", toy, tmp_path / "run", observers=[StopAfter(1)])
    record = Record(tmp_path / "run")
    code = "import sys, time; from pathlib import Path; from fecbench.runs.record import Record, sign; "
    code += "record = Record(Path(sys.argv[1])); lock = record.lock(); sign(record); "
    code += "print('held', flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", code, str(record.folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "held\n"
        assert record.status == "running"
        with pytest.raises(RunError, match=f"is being worked on by process {other.pid} on "):
            train_briefly("ce", toy, tmp_path / "run", resume=True)
    finally:
        other.kill()
        other.wait()
        other.stdout.close()
    assert train_briefly("ce", toy, tmp_path / "run", resume=True).status == "complete"


def test_a_run_that_fails_before_it_begins_leaves_nothing(toy, tmp_path):
    with pytest.raises(FecbenchError, match="isn't on this machine"):
        train_briefly("ce", toy, tmp_path / "run", encoder="roberta-base")
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(toy, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(RunError, match="can't be"):
        train_briefly("ce", toy, tmp_path / "locked" / "run")


def test_a_full_disk_leaves_the_earlier_file(tmp_path, monkeypatch):
    write_tensors(tmp_path / "best.safetensors", {"a": torch.ones(2)})
    import safetensors.torch

    def full(tensors, path, metadata):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with pytest.raises(RunError, match=r"best\.safetensors can't be written: .*No space left on device; free space"):
        write_tensors(tmp_path / "best.safetensors", {"a": torch.zeros(2)})
    assert read_tensors(tmp_path / "best.safetensors")[0]["a"].tolist() == [1, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["best.safetensors"]


def test_equal_tensors_make_equal_files(tmp_path):
    names = [tmp_path / str(number) for number in range(16)]  # where the order of a header's keys is chance
    for name in names:
        write_tensors(name, {"a": torch.ones(2), "b": torch.zeros(3)}, {"epoch": 1, "best": True})
    assert len({name.read_bytes() for name in names}) == 1


def test_what_is_replaced_keeps_its_kind(tmp_path):
    (tmp_path / "there.json").write_text("{}")
    (tmp_path / "link.json").symlink_to("there.json")
    write_json(tmp_path / "link.json", {"a": 1})
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "there.json").read_text()) == {"a": 1}
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with replacing(tmp_path / "pipe") as draft:
        draft.write_text('{"a": 2}')
    assert json.loads(os.read(reader, 100)) == {"a": 2}
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


def test_a_draft_takes_the_place_of_no_file_of_the_users(tmp_path):
    (tmp_path / "board.md.unfinished").write_text("precious")

    def write(text, stop):
        with replacing(tmp_path / "board.md") as draft:
            draft.write_text(text)
            if stop:
                raise KeyboardInterrupt

    write("board", stop=False)
    with pytest.raises(KeyboardInterrupt):
        write("half", stop=True)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "board.md": "board",
        "board.md.unfinished": "precious",
    }


def test_a_killed_writer_leaves_a_draft_that_the_next_run_removes(tmp_path):
    (tmp_path / "best.safetensors.unfinished").write_bytes(b"half")
    drop_drafts(Record(tmp_path))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut", "other", "text"])
def test_a_damaged_checkpoint_is_named(toy, tmp_path, damage):
    with pytest.raises(KeyboardInterrupt):
        train_briefly("ce", toy, tmp_path / "run", observers=[StopAfter(1)])
    last = tmp_path / "run" / "last.safetensors"
    if damage == "cut":
        last.write_bytes(last.read_bytes()[:1000])
    elif damage == "other":
        write_tensors(last, {"x": torch.ones(1)})
    else:
        last.write_text("nothing")
    with pytest.raises(RunError, match=r"last\.safetensors must (be a tensor file written by fecbench|hold model\.)"):
        train_briefly("ce", toy, tmp_path / "run", resume=True)


@pytest.mark.slow
def test_runs_are_found_by_folder_id_and_method(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    old = train_briefly("ce", toy, tmp_path / "runs" / "old")
    new = train_briefly("ce", toy, tmp_path / "runs" / "new")
    with pytest.raises(KeyboardInterrupt):
        train_briefly("ce", toy, tmp_path / "runs" / "unfinished", observers=[StopAfter(1)])
    assert find_run(str(old.folder)).id == "old"
    assert find_run("old").id == "old"
    assert find_run("ce").id == new.id
    with pytest.raises(UnknownName, match="did you mean 'old'"):
        find_run("olf")
    assert [record.id for record in all_records()] == ["unfinished", "new", "old"]


def test_records_of_another_format_or_broken_ones_are_named(tmp_path):
    write_json(tmp_path / "run.json", {"format": 99})
    with pytest.raises(RunError, match="must have format 1, found 99"):
        _ = Record(tmp_path).about
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(RunError, match="must be a readable JSON file"):
        _ = Record(tmp_path).about
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(RunError, match="must hold a JSON object, not list"):
        _ = Record(tmp_path).about


def test_a_torn_line_of_history_is_left_out(tmp_path):
    (tmp_path / "history.jsonl").write_text('{"event": "epoch", "epoch": 1}\n{"event": "epo')
    assert Record(tmp_path).history() == [{"event": "epoch", "epoch": 1}]


def test_code_version_follows_the_sources(install, tmp_path):
    install("mine", "fecbench_objectives", mine="my_code:Mine", code="class Mine: pass")
    import my_code

    before, sources = provenance.code_digest(my_code.Mine), provenance.source_digests(my_code.Mine)
    assert before == provenance.code_digest(my_code.Mine)
    Path(my_code.__file__).write_text("class Mine:\n    x = 1\n")
    assert provenance.code_digest(my_code.Mine) != before
    changed = provenance.source_digests(my_code.Mine)
    assert [package for package in sources if sources[package] != changed[package]] == ["my_code"]
    assert sources["fecbench"] == provenance.source_digests()["fecbench"]


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


def test_the_written_tokenizer_cuts_where_the_encoders_own_does(source, tmp_path):
    made = source("bert")
    tokenizer = copy.deepcopy(made.tokenizer)
    tokenizer.truncation_side, tokenizer.split_special_tokens = "left", True
    write_encoder(Record(tmp_path), replace(made, tokenizer=tokenizer))
    read = read_tokenizer(tmp_path / "encoder")
    text = "what [SEP] a lovely day it was"
    assert (
        read(text, truncation=True, max_length=6)["input_ids"]
        == tokenizer(text, truncation=True, max_length=6)["input_ids"]
    )


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


def test_cut_texts_and_unpackable_encoders_are_said(toy, tmp_path, source, tokenizer):
    encoder_network(source("mpnet")).save_pretrained(tmp_path / "mpnet")
    tokenizer.save_pretrained(tmp_path / "mpnet")
    record = train_briefly("ce", toy, tmp_path / "run", encoder=str(tmp_path / "mpnet"), max_length=4, epochs=1)
    notes = "\n".join(record.about["notes"])
    assert "60 of 60 train texts (text) were cut to 4 tokens" in notes
    assert "can't be packed (its attention isn't replaceable); batches are padded" in notes


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


def test_watchers_neither_keep_a_run_from_its_lock_nor_take_one_another_for_it(toy, tmp_path):
    record = begun(toy, tmp_path / "run")
    sign(record)  # as a killed process leaves it: its lock decides
    locking, stop = Event(), Event()

    def watch() -> int:
        looks = 0
        while not stop.is_set():
            assert Record(record.folder).status == "interrupted" or locking.is_set()
            looks += 1
        return looks

    with ThreadPoolExecutor(8) as pool:
        watchers = [pool.submit(watch) for _ in range(8)]
        time.sleep(0.5)
        locking.set()
        for _ in range(100):
            record.lock().release()  # which raises where it can't be had
        stop.set()
    assert all(watcher.result() for watcher in watchers)


def test_a_status_takes_no_lock(toy, tmp_path, monkeypatch):
    def locked(*_):
        raise AssertionError("a lock was taken")

    record = begun(toy, tmp_path / "run")
    monkeypatch.setattr("fecbench.runs.lock_state.fcntl.flock", locked)
    assert record.status == "interrupted"
    (record.folder / FAILURE).unlink()
    assert record.status == "unfinished"


def test_a_record_reads_its_files_once(toy, tmp_path, monkeypatch):
    record = Record(train_briefly("ce", toy, tmp_path / "run").folder)
    opened = count_reads(monkeypatch)
    for _ in range(3):
        assert record.run_file.objective.name == record.about["objective"]["name"] == "ce"
        assert record.result_file.metrics.test == record.result["metrics"]["test"]
        assert (record.settings()["seed"], record.limit, record.status) == (0, None, "complete")
    assert opened == {"run.json": 1, "result.json": 1}
    record.reload()
    assert record.result_file.epochs == 3
    assert opened == {"run.json": 2, "result.json": 2}


def count_reads(monkeypatch) -> Counter[str]:
    """How often each JSON file is read, by name."""
    opened: Counter[str] = Counter()

    def counted(path: Path):
        opened[path.name] += 1
        return read_json(path)

    monkeypatch.setattr("fecbench.runs.record.read_json", counted)
    return opened
