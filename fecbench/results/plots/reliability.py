"""Plot the calibration of a run: confidence against accuracy, before and after temperature scaling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fecbench.core.errors import DataError
from fecbench.results.plots.marks import COLOURS
from fecbench.results.plots.saving import check_target, save
from fecbench.results.plots.style import COLUMN, figure_style
from fecbench.results.plots.titles import add_caption, add_title
from fecbench.runs.predictor import Predictor, data_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.runs.record import Record

BINS = 10
SMALLEST = 1e-12  # probability below which a logarithm is cut off


class Bin(NamedTuple):
    """Texts of similar confidence: their number, mean confidence and accuracy."""

    texts: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """The calibration of a run's test predictions.

    Attributes:
        temperature: temperature that minimises the NLL of the validation rows.
        before: bins of the run's own probabilities.
        after: bins of the probabilities at the temperature.
    """

    temperature: float
    before: tuple[Bin, ...]
    after: tuple[Bin, ...]


def draw_reliability(record: Record, path: Path, data_dir: Path | None = None, device: str = "auto") -> Calibration:
    """Plot the calibration of a run with one label a text to ``path``, and return it.

    The temperature comes from the validation rows alone (Guo et al. 2017, On Calibration of Modern Neural Networks,
    section 4.2).

    Raises:
        DataError: the rows aren't available, have no test labels, or have several labels a text.
        RunError: the run isn't complete or has no weights; the figure can't be written.
    """
    check_target(path)
    data = data_of(record, data_dir)
    data.check_one_label("a plot of calibration")
    predictor = Predictor.load(record, device)
    temperature = best_temperature(*_predicted(predictor, data, "validation"))
    probabilities, labels = _predicted(predictor, data, "test")
    found = Calibration(temperature, bins(probabilities, labels), bins(scaled(probabilities, temperature), labels))
    with figure_style():
        save(_figure(record, found), path)
    return found


def _predicted(predictor: Predictor, data: EmotionData, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the probabilities ``[N, C]`` and the true labels ``[N]`` of the rows with an answer."""
    rows = data.labelled(split)
    numbers = [predictor.labels.index(label) for label in data.labels]  # the run may number its labels otherwise
    labels = np.array(numbers)[np.asarray(rows["label"][:])]
    probabilities = predictor.probabilities(rows["text"][:]).double().numpy()
    answered = probabilities.any(1)
    if not answered.any():
        raise DataError(
            f"calibration needs predictions of the {split} rows, but none has an answer; choose another run"
        )
    return probabilities[answered], labels[answered]


def best_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature that minimises the mean NLL of ``labels [N]`` under ``probabilities [N, C]``.

    >>> overconfident = np.array([[0.99, 0.01], [0.99, 0.01], [0.99, 0.01], [0.99, 0.01]])
    >>> round(float(scaled(overconfident, best_temperature(overconfident, np.array([0, 0, 0, 1])))[0, 0]), 2)
    0.75
    """
    from scipy.optimize import minimize_scalar

    def loss(logarithm: float) -> float:
        shares = scaled(probabilities, float(np.exp(logarithm)))
        return float(-np.log(np.maximum(shares[np.arange(len(labels)), labels], SMALLEST)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-4, 4), method="bounded").x))


def scaled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return the probabilities ``[N, C]`` whose logits are divided by ``temperature``."""
    from scipy.special import softmax

    shares: np.ndarray = softmax(np.log(np.maximum(probabilities, SMALLEST)) / temperature, axis=1)
    return shares


def bins(probabilities: np.ndarray, labels: np.ndarray, number: int = BINS) -> tuple[Bin, ...]:
    """Return bins of equal width of the confidence, the probability of the predicted label; empty ones are left out.

    >>> bins(np.array([[0.95, 0.05], [0.93, 0.07]]), np.array([0, 1]))
    (Bin(texts=2, confidence=0.94, accuracy=0.5),)
    """
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    place = np.minimum((confidence * number).astype(int), number - 1)
    return tuple(
        Bin(int(chosen.sum()), round(float(confidence[chosen].mean()), 6), round(float(right[chosen].mean()), 6))
        for chosen in (place == at for at in range(number))
        if chosen.any()
    )


def expected_error(found: Sequence[Bin]) -> float:
    """Return the expected calibration error: the mean distance of confidence and accuracy, weighted by texts.

    >>> round(expected_error([Bin(3, 0.9, 0.8), Bin(1, 0.5, 0.9)]), 4)
    0.175
    """
    texts = sum(part.texts for part in found)
    return sum(part.texts * abs(part.confidence - part.accuracy) for part in found) / texts


def _figure(record: Record, found: Calibration) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(COLUMN, 3.0))
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    titles = ("as trained", f"temperature {found.temperature:.2f}")
    for axes, title, part in zip(panels, titles, (found.before, found.after), strict=True):
        _draw(axes, part)
        axes.set_title(f"{title}\nECE {100 * expected_error(part):.1f} %", loc="left")
    panels[0].set_ylabel("accuracy (share of texts)")
    run_file = record.run_file
    add_title(figure, f"{run_file.objective.name} on {run_file.dataset.name}, seed {record.settings()['seed']}, test")
    add_caption(
        figure,
        "confidence: probability of the predicted label; dots: bins, larger with more texts; dotted line: accuracy as "
        "high as the confidence; temperature: chosen on validation rows",
    )
    return figure


def _draw(axes: Axes, found: Sequence[Bin]) -> None:
    texts = sum(part.texts for part in found)
    axes.plot([0, 1], [0, 1], color="#3C3C3C", linewidth=0.8, linestyle=":")
    confidences, accuracies = [part.confidence for part in found], [part.accuracy for part in found]
    axes.plot(confidences, accuracies, color=COLOURS[0])
    areas = [8 + 220 * part.texts / texts for part in found]
    dots = axes.scatter(confidences, accuracies, s=areas, color=COLOURS[0], alpha=0.75, linewidths=0, zorder=3)
    dots.set_clip_on(False)  # dots at a confidence of 1 reach past the axis
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="confidence")
    axes.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
