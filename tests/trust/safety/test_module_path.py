"""No process takes a module from the working directory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fecbench.core.module_path import children_without_working_directory
from tests.support.benches import BENCH
from tests.support.traps import set_trap


@pytest.fixture
def trap(here) -> Path:
    """A working directory whose modules must not be imported."""
    return set_trap(here)


@pytest.mark.slow
@pytest.mark.parametrize("start", [["-P", "-m", "fecbench"], ["-m", "fecbench"]], ids=str)
def test_a_bench_and_its_workers_take_no_module_from_the_working_directory(trap, toy, start):
    """Of clusters tests/bench/test_bench_processes.py asks the same. The fecbench command starts with ``-P``."""
    (trap / "bench.toml").write_text(
        BENCH.replace("demo", "./toy").replace("[settings]", '[settings]\nencoder = "tiny-bert"\nbatch_size = 8')
    )
    assert toy == trap / "toy"
    command = [sys.executable, *start, "bench", "bench.toml", "--root", "root"]
    done = subprocess.run(
        command, cwd=trap, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert not (trap / "ran").exists()
    (result,) = trap.glob("root/*/result.json")
    assert "evil" not in json.loads(result.read_text())["metrics"]["test"]


def test_a_child_has_the_module_path_that_its_parent_was_given(trap, monkeypatch):
    (trap / "given").mkdir()
    (trap / "given" / "fecbench_given.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(trap / "given"))
    found = "import fecbench_given; from importlib.util import find_spec; print(find_spec('evil'))"
    with children_without_working_directory():
        done = subprocess.run([sys.executable, "-c", found], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "None", done.stderr
