"""No process takes a module from the working directory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fecbench.core.module_path import children_without_working_directory
from tests.support.benches import BENCH

# ---- the working directory

MARK = "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n"


@pytest.fixture
def set_trap(here) -> Path:
    """A working directory with modules named like those that fecbench and its engines import, and a metric."""
    for module in ("catalogue", "evil", "filelock", "joblib", "ray", "distributed", "fecbench_ce", "torch"):
        (here / f"{module}.py").write_text(MARK)
    found = here / "evil-1.0.dist-info"
    found.mkdir()
    (found / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (found / "entry_points.txt").write_text("[fecbench_metrics]\nevil = evil:evil\n")
    return here


@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "start"),
    [
        ("loky", ["-P", "-m", "fecbench"]),  # as the fecbench command has it
        ("loky", ["-m", "fecbench"]),
        ("dask", ["-P", "-m", "fecbench"]),
        ("ray", ["-P", "-m", "fecbench"]),
    ],
    ids=str,
)
def test_a_bench_and_its_workers_take_no_module_from_the_working_directory(set_trap, toy, engine, start):
    pytest.importorskip("distributed" if engine == "dask" else "ray" if engine == "ray" else "joblib")
    (set_trap / "bench.toml").write_text(
        BENCH.replace("demo", "./toy").replace("[settings]", '[settings]\nencoder = "tiny-bert"\nbatch_size = 8')
    )
    assert toy == set_trap / "toy"
    command = [sys.executable, *start, "bench", "bench.toml", "--root", "root", "--engine", engine]
    done = subprocess.run(
        command, cwd=set_trap, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert not (set_trap / "ran").exists()
    (result,) = set_trap.glob("root/*/result.json")
    assert "evil" not in json.loads(result.read_text())["metrics"]["test"]


def test_a_child_has_the_module_path_that_its_parent_was_given(set_trap, monkeypatch):
    (set_trap / "given").mkdir()
    (set_trap / "given" / "fecbench_given.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(set_trap / "given"))
    found = "import fecbench_given; from importlib.util import find_spec; print(find_spec('evil'))"
    with children_without_working_directory():
        done = subprocess.run([sys.executable, "-c", found], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "None", done.stderr
