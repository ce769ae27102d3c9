"""An export says which of its steps it is at."""

import pytest

from fecbench.results.export.export import STEPS, export
from tests.support.exports import NATIVE


@pytest.mark.slow
def test_each_step_is_named(trained, tmp_path):
    named = []
    export(trained("bert", "ce", **NATIVE), tmp_path / "out", report=named.append)
    assert len(named) == len(set(named)) == STEPS
    assert named[1] == "writing the model"
