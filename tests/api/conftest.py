import os
from pathlib import Path

import pytest

import fecbench


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working directory for the module's runs."""
    folder = tmp_path_factory.mktemp("work")
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


@pytest.fixture(scope="module")
def trained(folder):
    """A short run on the demo data."""
    return fecbench.run("ce", "demo", epochs=2, limit=64, progress=False)
