"""Fixture of the tests of broken plugins: small data beside the judge's files."""

from pathlib import Path

import pytest

from tests.support.toy_data import write_toy


@pytest.fixture
def data(judge) -> Path:
    return write_toy(judge.folder / "moods")
