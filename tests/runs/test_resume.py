"""Resuming: the same numbers as an unbroken run, and refusal of any other run."""

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch
from transformers import AutoModel

from fecbench.core.errors import RunError
from fecbench.core.files import read_tensors
from fecbench.core.hooks import hookimpl
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs import provenance
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.find import all_records
from fecbench.runs.identity import RowsAndCode
from fecbench.runs.plan import plan
from fecbench.runs.record import Record
from fecbench.runs.run_folder import acquire, sign
from tests.support.interrupted import StopAfter, StopIn, numbers, train_briefly
from tests.support.train import DEFAULTS, train


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
    unbroken = train_briefly("ce", toy, tmp_path / "unbroken", epochs=40, patience=40)
    folder = tmp_path / "killed"
    flags = f"--dataset {toy} --encoder scratch --epochs 40 --patience 40 --batch-size 16 --run-dir {folder}".split()
    command = [sys.executable, "-m", "fecbench", "run", "ce", *flags]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not (folder / "last.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert Record(folder).status == "unfinished"
    resumed = train_briefly("ce", toy, folder, resume=True, epochs=40, patience=40)
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
    monkeypatch.setattr(provenance, "code_digest", lambda _: "other")
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


@pytest.mark.parametrize(("key", "value"), [("precision", "bf16"), ("ranks", 2), ("versions", {"torch": "99"})])
def test_a_run_is_only_continued_on_what_it_was_begun_on(toy, tmp_path, key, value):
    with pytest.raises(KeyboardInterrupt):
        train("ce", toy, tmp_path / "run", observers=[StopIn(1)])
    path = tmp_path / "run" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(RunError, match=f"must be resumed with the settings, .* but its {key} was"):
        train("ce", toy, tmp_path / "run", resume=True)


@pytest.mark.parametrize("what", [{"device": "NVIDIA H200"}, {"precision": "bf16"}, {"versions": {"torch": "99"}}])
def test_a_planned_run_that_was_begun_elsewhere_is_set_aside_and_begun_again(toy, tmp_path, what):
    planned = plan("ce", {"dataset": str(toy), **DEFAULTS, "epochs": 1})
    with pytest.raises(KeyboardInterrupt):
        run(planned, RunContext(DataLocations(), tmp_path / "runs" / "r", observers=[StopIn(1)]))
    path = tmp_path / "runs" / "r" / "run.json"
    about = json.loads(path.read_text()) | what
    path.write_text(json.dumps(about))
    expected = RowsAndCode.of(about)
    again = run(planned, RunContext(DataLocations(), tmp_path / "runs" / "r", resume=True, expected=expected))
    assert (again.id, again.status) == ("r", "complete")
    (aside,) = (tmp_path / "runs").glob("r.until-*")
    assert Record(aside).about == about


def test_a_run_that_is_worked_on_or_planned_for_other_rows_is_not_set_aside(toy, tmp_path):
    planned = plan("ce", {"dataset": str(toy), **DEFAULTS})
    with pytest.raises(KeyboardInterrupt):
        run(planned, RunContext(DataLocations(), tmp_path / "runs" / "r", observers=[StopIn(1)]))
    path = tmp_path / "runs" / "r" / "run.json"
    about = json.loads(path.read_text()) | {"device": "NVIDIA H200"}
    path.write_text(json.dumps(about))
    expected = RowsAndCode.of(about)
    context = RunContext(DataLocations(), tmp_path / "runs" / "r", resume=True)
    with pytest.raises(RunError, match="but its device was NVIDIA H200"):
        run(planned, replace(context, expected=replace(expected, rows="others")))
    record = Record(tmp_path / "runs" / "r")
    with acquire(record):
        sign(record)
        with pytest.raises(RunError, match="is being worked on by process"):
            run(planned, replace(context, expected=expected))
    assert [folder.name for folder in (tmp_path / "runs").iterdir()] == ["r"]


def test_a_resumed_run_that_is_killed_has_not_failed_for_the_earlier_reason(toy, tmp_path):
    class Seen:
        @hookimpl
        def run_started(self, run):
            record = Record(tmp_path / "run")
            states.append((record.failure, (record.folder / "failure.json").exists()))

    states = []
    with pytest.raises(KeyboardInterrupt):
        train("ce", toy, tmp_path / "run", observers=[StopIn(1)])
    assert Record(tmp_path / "run").status == "interrupted"
    train("ce", toy, tmp_path / "run", resume=True, observers=[Seen()])
    assert states == [({}, False)]


def test_a_run_is_only_continued_with_its_labels_in_their_order(toy, tmp_path):
    (toy / "labels.txt").write_text("glad\nmad\nsad\n")
    with pytest.raises(KeyboardInterrupt):
        train("ce", toy, tmp_path / "run", observers=[StopIn(2)])
    (toy / "labels.txt").write_text("sad\nmad\nglad\n")
    with pytest.raises(RunError, match="its labels had another order or other descriptions"):
        train("ce", toy, tmp_path / "run", resume=True)
