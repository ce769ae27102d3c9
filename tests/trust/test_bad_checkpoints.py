"""Checkpoints that are truncated, of another run, or odd are neither continued from nor predicted with."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from fecbench.core.errors import RunError
from fecbench.core.files import read_tensors, write_tensors
from fecbench.core.hooks import hookimpl
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.plan import plan
from fecbench.training.checkpoints import Checkpoints
from tests.support.damages import DAMAGES
from tests.support.judge import Shelf
from tests.support.records import unseal
from tests.support.toy_data import write_toy
from tests.support.train import train

FLAGS = ("--encoder", "scratch", "--epochs", "3", "--batch-size", "16")
SETTINGS = {"encoder": "scratch", "epochs": 3, "batch_size": 16}
LEVEL = 1e-12  # a rate at which all epochs have equal scores: the last one counts as the best
Tensors = dict[str, torch.Tensor]


class StopAfter:
    """Stops a run as Ctrl-C would, in its third epoch."""

    @hookimpl
    def updates_logged(self, epoch: int) -> None:
        if epoch > 2:
            raise KeyboardInterrupt


def broken_off(name: str, data: Path, folder: Path, **flags: Any) -> None:
    """A run that stands after its second epoch."""
    chosen = plan(name, {"dataset": str(data), **SETTINGS, **flags})
    with pytest.raises(KeyboardInterrupt):
        run(chosen, RunContext(DataLocations(), folder, observers=[StopAfter()]))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory) -> Shelf:
    """A run that was broken off, others like it, and a complete one."""
    home = tmp_path_factory.mktemp("broken-off")
    data = write_toy(home / "moods")
    broken_off("ce", data, home / "mine")
    broken_off("ce", data, home / "other seed", seed=1)
    broken_off("ce", data, home / "other rate", lr=0.01)
    broken_off("ce", data, home / "other head", head="mlp")
    broken_off("supcon", data, home / "other objective")
    broken_off("ce", write_toy(home / "others", "again "), home / "other data")
    train("ce", data, home / "whole", epochs=3)
    broken_off("ce", data, home / "level", lr=LEVEL)
    train("ce", data, home / "level, whole", epochs=3, lr=LEVEL)
    return Shelf(home)


def weights(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Tensors], Tensors]:
    """The same change to one of the model's weights."""

    def changed(tensors: Tensors) -> Tensors:
        name = next(name for name in sorted(tensors) if name.endswith("classifier.1.weight") and "/" not in name)
        return tensors | {name: change(tensors[name]).contiguous()}

    return changed


CHANGES: dict[str, Callable[[Tensors], Tensors]] = {
    "weights that are NaN": weights(lambda tensor: tensor * float("nan")),
    "a weight that is infinite": weights(lambda tensor: tensor.index_fill(0, torch.tensor([0]), float("inf"))),
    "weights in half precision": weights(torch.Tensor.half),
    "weights in double precision": weights(torch.Tensor.double),
    "weights as whole numbers": weights(torch.Tensor.long),
    "weights as truths": weights(torch.Tensor.bool),
    "weights turned": weights(lambda tensor: tensor.T),
    "weights of a label too few": weights(lambda tensor: tensor[1:]),
    "weights of a label too many": weights(lambda tensor: torch.cat([tensor, tensor[:1]])),
    "weights flat": weights(torch.Tensor.flatten),
    "a number alone": weights(torch.Tensor.sum),
    "a weight missing": lambda t: {
        name: tensor for name, tensor in t.items() if not name.endswith("classifier.1.weight")
    },
    "every weight missing": lambda t: {name: tensor for name, tensor in t.items() if not name.startswith("model.")},
    "a weight too many": lambda t: t | {"model.head.stranger": torch.ones(2)},
    "a weight of the objective too many": lambda t: t | {"objective.stranger": torch.ones(2)},
    "a weight by another name": lambda t: {
        name.replace("classifier", "classifier2"): tensor for name, tensor in t.items()
    },
    "nothing": lambda t: {},
}
OF_OPTIMISERS: dict[str, Callable[[Tensors], Tensors]] = {
    "no optimiser's state": lambda t: {name: tensor for name, tensor in t.items() if "/" not in name},
    "an optimiser's state missing": lambda t: dict(sorted(t.items())[:-1]),
    "an optimiser's state too many": lambda t: t | {"nobody/x/exp_avg": torch.ones(2)},
    "an optimiser's state that is NaN": lambda t: {
        name: tensor * float("nan") if "exp_avg" in name else tensor for name, tensor in t.items()
    },
    "an optimiser's state of another shape": lambda t: {
        name: tensor[:1] if "exp_avg" in name else tensor for name, tensor in t.items()
    },
}


def refuses_to_continue(judge, shelf):
    run = ["run", "ce", "--dataset", shelf.folder / "moods", *FLAGS, "--run-dir", "run", "--resume"]
    judge.refuses(*run, says="last.safetensors")


@pytest.mark.parametrize("change", (CHANGES | OF_OPTIMISERS).values(), ids=CHANGES | OF_OPTIMISERS)
def test_odd_tensors_are_not_continued_from(judge, shelf, change):
    spoil(shelf.take("mine", judge.folder / "run") / "last.safetensors", change)
    refuses_to_continue(judge, shelf)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "older"])
def test_odd_tensors_are_not_predicted_with(judge, shelf, change, sealed):
    folder = shelf.take("whole", judge.folder / "run")
    spoil(folder / "best.safetensors", change)
    if not sealed:
        unseal(folder)
    judge.refuses("predict", "run", "a lovely day", says="best.safetensors")
    judge.refuses("export", "run", "out", "--format", "hf")


def spoil(path: Path, change: Callable[[Tensors], Tensors]) -> None:
    tensors, about = read_tensors(path)
    write_tensors(path, change(tensors), about)


@pytest.mark.parametrize(
    "damage", [name for name in DAMAGES if name not in ("deleted", "a bit flipped", "a link to nothing")]
)
def test_a_damaged_file_is_not_continued_from(judge, shelf, damage):
    DAMAGES[damage](shelf.take("mine", judge.folder / "run") / "last.safetensors")
    refuses_to_continue(judge, shelf)


@pytest.mark.parametrize("other", ["other seed", "other rate", "other head", "other objective", "other data"])
@pytest.mark.parametrize("file", ["last.safetensors", "run.json", "best.safetensors in place of last.safetensors"])
def test_a_file_of_another_run_is_not_continued_from(judge, shelf, other, file):
    source, _, target = file.partition(" in place of ")
    shutil.copyfile(shelf.folder / other / source, shelf.take("mine", judge.folder / "run") / (target or source))
    judge.refuses("run", "ce", "--dataset", shelf.folder / "moods", *FLAGS, "--run-dir", "run", "--resume", says="run")


@pytest.mark.parametrize("file", ["best.safetensors", "history.jsonl"])
def test_what_a_run_writes_anew_may_be_gone(judge, shelf, file):
    """A run that is continued ends in the figures that it would have had."""
    (shelf.take("level", judge.folder / "run") / file).unlink()
    flags = [*FLAGS, "--lr", LEVEL, "--run-dir", "run", "--resume"]
    code, _, err = judge.call("run", "ce", "--dataset", shelf.folder / "moods", *flags)
    assert code == 0, err
    folders = judge.folder / "run", shelf.folder / "level, whole"
    ours, theirs = (json.loads((folder / "result.json").read_text()) for folder in folders)
    assert ours["metrics"] == theirs["metrics"]


def test_without_the_encoder_it_was_begun_with_a_run_is_not_continued(judge, shelf):
    (shelf.take("mine", judge.folder / "run") / "encoder" / "config.json").unlink()
    judge.refuses(
        "run",
        "ce",
        "--dataset",
        shelf.folder / "moods",
        *FLAGS,
        "--run-dir",
        "run",
        "--resume",
        says="the files of scratch have",
    )


def test_the_weights_that_are_tested_are_the_best_epochs(tmp_path):
    modules, checkpoints = {"model": torch.nn.Linear(2, 2)}, Checkpoints(tmp_path)
    checkpoints.save_best(modules, {"epoch": 2})
    assert checkpoints.load_best(modules, 2) == {"epoch": 2}
    with pytest.raises(RunError, match="must be of epoch 1, the best, but is of 2"):
        checkpoints.load_best(modules, 1)


PROGRESS: dict[str, dict[str, Any]] = {
    "an epoch that is text": {"epoch": "two"},
    "an epoch that is null": {"epoch": None},
    "an epoch that is a fraction": {"epoch": 1.5},
    "a negative epoch": {"epoch": -1},
    "no epoch yet": {"epoch": 0},
    "an epoch beyond the end": {"epoch": 400},
    "a best epoch that is to come": {"best_epoch": 3},
    "a best epoch of none": {"best_epoch": 0},
    "patience that is negative": {"stale": -4},
    "patience that is text": {"stale": "x"},
    "a score that is text": {"best_score": "high"},
    "a score that is a list": {"best_score": [1.0]},
    "seconds that are text": {"seconds": "many"},
}


@pytest.mark.parametrize("change", PROGRESS.values(), ids=PROGRESS)
def test_odd_progress_is_not_continued_from(judge, shelf, change):
    path = shelf.take("mine", judge.folder / "run") / "last.safetensors"
    tensors, about = read_tensors(path)
    write_tensors(path, tensors, about | change)
    command = ["run", "ce", "--dataset", shelf.folder / "moods", *FLAGS, "--run-dir", "run", "--resume"]
    judge.refuses(*command, says="a checkpoint must hold its progress")


@pytest.mark.parametrize("key", ["epoch", "best_epoch", "best_score", "stale"])
def test_missing_progress_is_not_continued_from(judge, shelf, key):
    path = shelf.take("mine", judge.folder / "run") / "last.safetensors"
    tensors, about = read_tensors(path)
    write_tensors(path, tensors, {name: value for name, value in about.items() if name != key})
    judge.refuses("run", "ce", "--dataset", shelf.folder / "moods", *FLAGS, "--run-dir", "run", "--resume", says=key)
