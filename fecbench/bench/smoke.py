"""Make the matrix of a smoke test: every row at its smallest, on the demo data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fecbench.bench.planned_run import PlannedRun
from fecbench.data.datasets.dataset import DatasetInfo
from fecbench.model.encoders.tiny import tiny_encoder_for
from fecbench.runs.defaults import dataset_info
from fecbench.runs.plan import plan

if TYPE_CHECKING:
    from fecbench.bench.matrix import Matrix
    from fecbench.bench.matrix_entry import MatrixEntry
    from fecbench.runs.plan import Plan


SMOKE_DATASETS = {"single": "demo", "multi": "demo-multi"}  # by the labelling of the real run's data
# Settings that a smoke test takes from the real run: they fit any data and any encoder.
KEPT = {
    "head",
    "pooling",
    "projection_dim",
    "optimizer",
    "lr",
    "schedule",
    "warmup",
    "weight_decay",
    "no_decay_norm_bias",
    "adam_eps",
    "clip",
    "packing",
    "order",
}
SMOKE = {"epochs": 1, "batch_size": 16, "limit": 16, "max_length": 64}


def smoke(matrix: Matrix) -> Matrix:
    """Return the matrix for a smoke test: each row's options, one step on ``demo``, a tiny encoder of its family."""

    def smallest(entry: MatrixEntry) -> MatrixEntry:
        last = None if entry.search is None else 1  # the trials of a search differ in numbers that need no test each
        runs = tuple((PlannedRun(entry.row, _smallest(seeds[0].plan)),) for seeds in entry.runs[:last])
        return replace(entry, candidates=entry.candidates[:last], runs=runs, search=None)

    # Without further metrics, whose labels the demo data lack.
    spec = matrix.spec.model_copy(update={"metrics": []})
    return replace(matrix, spec=spec, entries=tuple(map(smallest, matrix.entries)))


def _smallest(real: Plan) -> Plan:
    """Return a one-step plan with the options and model settings of ``real`` and a tiny encoder."""
    kept = real.settings.model_dump(include=KEPT)
    asked = {
        **real.options.model_dump(),
        **kept,
        **SMOKE,
        "encoder": tiny_encoder_for(real.settings.encoder),
        **real.objective.rehearsal,
    }
    return plan(real.name, {"dataset": _smoke_dataset(real), "seed": real.settings.seed}, asked)


def _smoke_dataset(real: Plan) -> str:
    """Return the demo data with as many labels a text as the data of ``real``, or as its objective takes."""
    info = dataset_info(real.settings.dataset)  # None for one's own data, which isn't loaded yet
    labellings = (info.labelling,) if isinstance(info, DatasetInfo) else real.objective.labellings
    return SMOKE_DATASETS["single" if "single" in labellings else "multi"]
