"""The curves of a run in a notebook: each has its name beside it, whole and apart from the others."""

import re
from itertools import pairwise
from types import SimpleNamespace

import pytest

from fecbench.api.html import LINE, run_html


def drawn(scores):
    """Return the HTML of a made run with validation scores by metric, a score for each epoch."""
    epochs = range(len(next(iter(scores.values()))))
    history = [{"epoch": epoch + 1, **{name: of[epoch] for name, of in scores.items()}} for epoch in epochs]
    of_splits = {"validation": {name: of[-1] for name, of in scores.items()}}
    return run_html(SimpleNamespace(objective="ce", dataset="demo", id="made", scores=of_splits, history=history))


@pytest.mark.parametrize("ends", [(0.5, 0.5, 0.5), (0.9, 0.899, 0.1), (0.1, 0.2, 0.3)])
def test_names_of_curves_that_end_together_stand_apart(ends):
    names = ("accuracy", "weighted_f1", "mean_average_precision")
    html = drawn({name: (0.05, end) for name, end in zip(names, ends, strict=True)})
    found = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" fill="[^"]+">(\w+)</text>', html)
    assert [name for *_, name in found] == list(names)
    heights = sorted(float(height) for _, height, _ in found)
    assert all(after - before >= LINE - 0.2 for before, after in pairwise(heights))
    width = float(re.search(r'<svg [^>]*width="([\d.]+)"', html)[1])
    assert all(float(left) + 6 * len(name) <= width for left, _, name in found)


def test_one_epoch_has_no_curve():
    assert "<svg" not in drawn({"accuracy": (0.5,)})
