"""Train an objective in this process, and load its predictions."""

from pathlib import Path

import torch
from safetensors.torch import load_file

from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.plan import plan
from fecbench.runs.record import Record

DEFAULTS = {"encoder": "scratch", "epochs": 2, "batch_size": 16}


def train(name: str, data: Path | str, folder: Path, *, resume: bool = False, observers=(), **settings) -> Record:
    """Run an objective on a data set with a random encoder for two epochs; return the run's record."""
    planned = plan(name, {"dataset": str(data), **DEFAULTS, **settings})
    return run(planned, RunContext(DataLocations(), folder, resume, observers=observers))


def load(record: Record) -> dict[str, torch.Tensor]:
    """Return the tensors of a run's predictions, by name."""
    return load_file(record.folder / "predictions.safetensors")
