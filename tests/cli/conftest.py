"""Fixtures of commands: a folder to work in, and a finished run in it."""

import shutil
from pathlib import Path

import pytest

from fecbench.runs.record import Record
from tests.support.toy_data import write_toy
from tests.support.train import train


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """Work in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """The folder of a finished run of cross-entropy on the rows of ``toy``, made once a session."""
    home = tmp_path_factory.mktemp("finished")
    return train("ce", write_toy(home / "toy", per_label=(20, 4, 5)), home / "runs" / "first", epochs=8).folder


@pytest.fixture
def trained(finished, here) -> Record:
    """A copy of a finished run, under runs/."""
    return Record(shutil.copytree(finished, here / "runs" / "first"))
