"""What the tests of commands share: a folder to work in, and a finished run in it."""

from pathlib import Path

import pytest

from fecbench.runs.record import Record


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """Work in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def trained(fecbench, toy, here) -> Record:
    """A finished run of cross-entropy on the toy data, under runs/."""
    run_dir = here / "runs" / "first"
    code, _, err = fecbench(
        "run", "ce", "--dataset", toy, "--encoder", "scratch", "--epochs", 8, "--batch-size", 16, "--run-dir", run_dir
    )
    assert code == 0, err
    return Record(run_dir)
