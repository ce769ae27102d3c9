"""The plot of embeddings says which run it is at."""

import pytest

from fecbench.results.plots.embeddings import STEPS, draw_embeddings


@pytest.mark.slow
def test_the_steps_of_each_run_are_named(trained, tmp_path):
    records, named = [trained["ce"], trained["aml"]], []
    draw_embeddings(records, tmp_path / "e.svg", device="cpu", report=named.append)
    assert len(named) == STEPS * len(records)
    assert all(any(record.id in step for step in named) for record in records)
