"""The calibration plot: bins of confidence, and a temperature from validation rows alone."""

import numpy as np
import pytest

from fecbench.results.plots.reliability import (
    Bin,
    Calibration,
    _figure,
    best_temperature,
    bins,
    draw_reliability,
    expected_error,
    scaled,
)
from fecbench.results.plots.style import COLUMN, figure_style
from tests.support.figure_texts import check_texts


def calibrated(rows, classes, temperature, seed=0):
    """Return probabilities that are too sure by a temperature, and labels drawn from the true ones."""
    draw = np.random.default_rng(seed)
    true = draw.dirichlet(np.ones(classes), rows)
    labels = np.array([draw.choice(classes, p=row) for row in true])
    return scaled(true, temperature), labels


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_the_temperature_that_was_put_in_is_found(temperature):
    probabilities, labels = calibrated(20_000, 4, temperature)
    assert best_temperature(probabilities, labels) == pytest.approx(1 / temperature, rel=0.05)


def test_scaling_lowers_the_calibration_error():
    probabilities, labels = calibrated(20_000, 4, 0.4)
    better = scaled(probabilities, best_temperature(probabilities, labels))
    assert expected_error(bins(better, labels)) < 0.02 < expected_error(bins(probabilities, labels))
    assert (better.argmax(1) == probabilities.argmax(1)).all()


def test_a_confidence_of_one_falls_into_the_last_bin():
    assert bins(np.array([[1.0, 0.0]]), np.array([0])) == (Bin(1, 1.0, 1.0),)


@pytest.mark.slow
def test_a_trained_run_is_drawn(trained, figures, tmp_path):
    found = draw_reliability(trained["ce"], tmp_path / "r.svg", device="cpu")
    assert sum(part.texts for part in found.before) == sum(part.texts for part in found.after) == 18
    left, right = figures[0].axes
    assert left.get_title(loc="left").startswith("as trained")
    assert f"temperature {found.temperature:.2f}" in right.get_title(loc="left")
    assert figures[0].get_figwidth() == COLUMN


def test_texts_of_a_column_are_apart(recorded):
    found = Calibration(12.345, (Bin(9, 1.0, 1.0), Bin(1, 0.05, 0.0)), (Bin(10, 0.5, 0.5),))
    record = recorded("a", 0.5, objective="aml-released", data=("ge-prepared", "g" * 64))
    with figure_style():
        check_texts(_figure(record, found))
