"""Tiny bench specs, and benches that run in this process or in one of their own."""

import os
import subprocess
import sys
from pathlib import Path

from safetensors.torch import load_file

from fecbench.bench import matrix
from fecbench.bench.benchmark import Benchmark
from fecbench.bench.spec import read_spec
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.find import readable_records
from fecbench.runs.record import PREDICTIONS
from tests.support import ROOT

BENCHMARKS = ROOT / "benchmarks"
DEMO = BENCHMARKS / "demo.toml"
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
BENCH = 'title = "t"\nobjectives = ["ce"]\ndatasets = ["demo"]\nseeds = [0]\n[settings]\nepochs = 1\nlimit = 40\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "spec.toml"
    path.write_text(text)
    return path


def tiny(toy: Path, *, seeds: str = "[0]", objectives: str = '["ce"]', more: str = "") -> str:
    return f"""
        title = "t"
        objectives = {objectives}
        datasets = ["{toy}"]
        seeds = {seeds}
        settings = {{ encoder = "tiny-bert", epochs = 1, batch_size = 16 }}
        {more}
    """


def command(spec: Path, root: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "fecbench", "bench", str(spec), "--root", str(root), "--workers", "2", *more]


def carried_out(spec: Path, root: Path, *more: str, cwd: Path | None = None) -> subprocess.CompletedProcess:
    asked = command(spec, root, *more)
    return subprocess.run(asked, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False)


def numbers(root: Path) -> dict:
    """Everything that equal matrices share, by run: scores, predictions and history."""
    found = {}
    for record in readable_records(root):
        result = {key: value for key, value in record.result.items() if "second" not in key}
        tensors = {name: tensor.tolist() for name, tensor in load_file(record.folder / PREDICTIONS).items()}
        found[record.id] = (result, tensors, record.history())
    return found


def prepared(spec: Path, root: Path) -> Benchmark:
    return Benchmark.prepare(matrix.expand(read_spec(spec)), root, DataLocations())
