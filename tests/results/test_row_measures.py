"""Measures of single texts: their means are the metrics of the whole split."""

import numpy as np
import pytest
import torch

from fecbench.results.row_measures import jaccard_of_rows, nll_of_rows
from fecbench.training import label_set_metrics

GENERATOR = np.random.default_rng(3)
TRUE = GENERATOR.random((200, 5)) < 0.3
SHARES = GENERATOR.random((200, 5))


def test_the_toy_of_the_design():
    true = torch.tensor([[1, 0, 1], [0, 1, 0], [0, 0, 0], [1, 1, 0]]).bool()
    shares = torch.tensor([[0.9, 0.2, 0.4], [0.6, 0.5, 0.1], [0.2, 0.1, 0.1], [0.7, 0.3, 0.6]])
    rows = jaccard_of_rows(true, shares >= 0.5)
    assert rows.tolist() == pytest.approx([1 / 2, 1 / 2, 1, 1 / 3])
    assert rows.mean().item() == pytest.approx(0.583333, abs=1e-6)
    assert nll_of_rows(true.float(), shares).mean().item() == pytest.approx(1.467599, abs=1e-6)


def test_the_mean_over_rows_is_the_metric():
    given = SHARES >= 0.6
    rows = jaccard_of_rows(torch.from_numpy(TRUE), torch.from_numpy(given))
    assert rows.mean().item() == pytest.approx(label_set_metrics.jaccard(TRUE, given))
    soft = GENERATOR.random((200, 5))
    for targets in (TRUE.astype(float), soft):
        nll = nll_of_rows(torch.from_numpy(targets), torch.from_numpy(SHARES)).mean().item()
        assert nll == pytest.approx(label_set_metrics.nll(targets, SHARES))


def test_impossible_answers_have_a_finite_likelihood():
    assert nll_of_rows(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])).isfinite().all()
