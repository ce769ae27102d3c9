"""Short runs, runs that are stopped in the middle, and the numbers that equal runs share."""

from functools import partial
from pathlib import Path

import pytest

from fecbench.core.files import read_tensors
from fecbench.core.hooks import hookimpl
from fecbench.runs.record import Record
from tests.support.train import train

train_briefly = partial(train, epochs=3)


def numbers(record: Record) -> tuple:
    """Return the scores, predictions and history of a run, which equal runs share."""
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


class StopIn:
    """Stops a run, as a kill would, when an event comes for the n-th time."""

    def __init__(self, number: int):
        self.left = number

    @hookimpl
    def epoch_finished(self, run):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def begun(data: Path, folder: Path) -> Record:
    """A run that was stopped after its first epoch."""
    with pytest.raises(KeyboardInterrupt):
        train_briefly("ce", data, folder, observers=[StopAfter(1)])
    return Record(folder)
