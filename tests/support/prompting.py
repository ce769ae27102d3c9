"""Runs of ``llm-prompt`` and what they read and write."""

from pathlib import Path

from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.plan import plan


def prompt_run(data, folder, kind="llm-prompt", **flags):
    """Run ``llm-prompt`` (or a variant) on a data set; return its record."""
    chosen = plan(kind, {"dataset": str(data), "device": "cpu", "batch_size": 4, "seed": 0, **flags})
    return run(chosen, RunContext(DataLocations(), folder))


def rows_of(data, split="test"):
    return load_dataset(plan("llm-prompt", {"dataset": str(data), "backend": "fake"}).settings, DataLocations()).splits[
        split
    ]


def http(server, **flags):
    return {"base_url": server.url, "model": "tiny-chat", "concurrency": 3, **flags}


def files_in(folder):
    return {path: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}
