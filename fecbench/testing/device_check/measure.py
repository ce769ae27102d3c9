"""Report what methods do on a CUDA device, in a child process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from fecbench.core.errors import FecbenchError
from fecbench.testing.device_check import guard
from fecbench.testing.device_check.report import DeviceReport
from fecbench.testing.findings import NotHere

# The library comes before torch, which looks for CUDA's hooks while it is imported; fecbench.testing imports torch.
START = (
    "import ctypes, sys; sys.argv[3] and ctypes.CDLL(sys.argv[3]); "
    "from fecbench.testing.device_check.child import main; main(*sys.argv[1:])"
)


@dataclass(frozen=True)
class Case:
    """A method to report on, and its settings.

    Attributes:
        method: name of an objective.
        flags: run settings and options, with plain values.
        data_dir: folder of data sets; None for the default.
        bf16: True for bf16 autocast, False for float32.
    """

    method: str
    flags: Mapping[str, object]
    data_dir: str | None = None
    bf16: bool = True


def device_reports(cases: Sequence[Case]) -> list[DeviceReport]:
    """Return a report of each case: on the GPU if there is one, else on fake CUDA tensors.

    Raises:
        NotHere: this machine has neither a GPU nor what the fake device needs.
        FecbenchError: the process that makes the reports died.
    """
    fake = fake_library()
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "cases.json", Path(folder) / "reports.json"
        given.write_text(json.dumps([asdict(case) for case in cases]), encoding="utf-8")
        command = [sys.executable, "-P", "-c", START, str(given), str(made), fake]
        done = subprocess.run(command, env=_environment(), capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [""])[-1]
            raise FecbenchError(f"the process of the device check ended with status {done.returncode}: {last}")
        return [DeviceReport.read(report) for report in json.loads(made.read_text("utf-8"))]


def fake_library() -> str:
    """Return the path of the library for the fake device; empty if there is a GPU.

    Raises:
        NotHere: there is no GPU, and a fake device can't be had.
    """
    if torch.cuda.is_available():
        return ""
    if torch.backends.cuda.is_built():
        raise NotHere(
            f"torch {torch.__version__} is built for CUDA, but finds no GPU; check on a machine that has one, or with "
            "a build of torch for the CPU, on which a fake device takes its place"
        )
    return str(guard.library())


def _environment() -> dict[str, str]:
    """Return the environment of the child process, which imports plugins from the same folders as this one."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
