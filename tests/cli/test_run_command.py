"""``fecbench run``, as a user meets it: what it prints, its help, its trackers, and being stopped."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fecbench.cli.run_report import report
from fecbench.runs.record import Record


@pytest.mark.slow
def test_run_prints_progress_and_a_table_of_scores(fecbench, toy, here):
    code, out, err = fecbench(
        "run", "ce", "--dataset", toy, "--encoder", "scratch", "--epochs", 2, "--limit", 30, "--label-smoothing", 0.1
    )
    assert code == 0
    assert "ce on toy: encoder scratch, head linear, lr 0.001" in err
    assert "note: LIMITED to the first 30 of 60 training rows" in err
    assert "epoch 2/2  loss" in err
    lines = [line.split("  ")[0] for line in out.splitlines()[-6:]]
    baselines = ["validation, most frequent class", "test, most frequent class"]
    assert lines == ["split", "validation", "test", *baselines, lines[-1]]
    assert lines[-1].startswith("most frequent class: glad of the training rows")
    (folder,) = (here / "runs").iterdir()
    assert err.endswith(f'next: fecbench predict {folder.name} "a text", or fecbench leaderboard\n')
    settings = Record(folder).about["settings"]
    assert settings["label_smoothing"] == {"value": 0.1, "origin": "flag"}
    assert settings["limit"] == {"value": 30, "origin": "flag"}


@pytest.mark.slow
def test_run_prints_json(fecbench, toy, here):
    target = here / "of its own"
    asked = ["--dataset", toy, "--encoder", "scratch", "--epochs", 1, "--run-dir", target, "--json"]
    code, out, err = fecbench("run", "ce", *asked)
    assert code == 0
    assert err.endswith(f"next: fecbench predict '{target}' \"a text\", or fecbench leaderboard {target.parent}\n")
    found = json.loads(out)
    assert found["objective"]["name"] == "ce"
    assert 0 <= found["metrics"]["test"]["accuracy"] <= 1


@pytest.mark.slow
def test_demo_runs_and_says_that_it_is_a_demo(fecbench, here):
    code, out, err = fecbench("run", "ce", "--dataset", "demo", "--epochs", 1)
    assert code == 0, err
    assert "DEMO" in out
    assert "DEMO" in err


def test_help_shows_an_objectives_own_options_with_defaults_and_meaning(fecbench):
    code, out, _ = fecbench("run", "aml", "--help")
    assert code == 0
    flat = " ".join(out.split())
    assert "Options of aml" in out
    assert "--hidden INTEGER width of the discriminator's first layer, for --family mlp [default: 256]" in flat
    assert "--adversary [maximize|confuse|cooperate]" in flat
    assert "--normalize / --no-normalize" in flat
    for flag in [
        "dataset",
        "data-dir",
        "encoder",
        "head",
        "pooling",
        "epochs",
        "batch-size",
        "lr",
        "weight-decay",
        "adam-eps",
        "warmup",
        "patience",
        "max-length",
        "precision",
        "compile",
        "device",
        "seed",
        "run-dir",
        "resume",
        "tracker",
        "limit",
    ]:
        assert f"--{flag}" in out


def test_help_of_run_lists_objectives_with_their_origin(fecbench):
    code, out, _ = fecbench("run", "--help")
    assert code == 0
    assert "fecbench_aml.objective:AML of fecbench" in out


def test_the_next_command_can_be_copied(trained, here, capsys):
    moved = Record(trained.folder.rename(Path("runs", "my run")))
    report(moved, as_json=False, predictions=None)
    assert capsys.readouterr().err.endswith("next: fecbench predict 'my run' \"a text\", or fecbench leaderboard\n")


@pytest.mark.slow
def test_ctrl_c_ends_cleanly_and_resumably(toy, here):
    flags = f"--dataset {toy} --encoder scratch --epochs 200 --patience 200 --run-dir run".split()
    process = subprocess.Popen(
        [sys.executable, "-m", "fecbench", "run", "ce", *flags], stderr=subprocess.PIPE, text=True
    )
    for line in process.stderr:
        if line.startswith("epoch 2/"):
            break
    process.send_signal(2)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "stopped; the same command with --resume continues after the last finished epoch" in err
    assert "Traceback" not in err
    assert Record(Path("run")).status == "interrupted"


@pytest.mark.slow
def test_tensorboard_gets_the_runs_numbers(fecbench, toy, here):
    code, _, err = fecbench(
        "run",
        "ce",
        "--dataset",
        toy,
        "--encoder",
        "scratch",
        "--epochs",
        2,
        "--run-dir",
        "run",
        "--tracker",
        "tensorboard",
    )
    assert code == 0, err
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(Path("run") / "trackers" / "fecbench"))
    reader.Reload()
    assert {"train/model_loss", "validation/accuracy"} <= set(reader.Tags()["scalars"])
    assert [event.step for event in reader.Scalars("validation/accuracy")] == [2, 4]
    (tested,) = reader.Scalars("test/accuracy")
    assert tested.value == pytest.approx(Record(Path("run")).result["metrics"]["test"]["accuracy"])
