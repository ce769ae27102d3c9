"""Plot projections of the features of runs side by side, by t-SNE or UMAP (the AML paper's Figure 4).

Neighbour accuracy and silhouette measure the separation of the labels in the original feature space. A text with
several labels is drawn with the rarest of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

import numpy as np

from fecbench.core.errors import RunError, UnknownName, UsageError
from fecbench.core.progress import silent
from fecbench.data.datasets.rows import labels_of
from fecbench.results.comparison import common_data
from fecbench.results.plots.label_marks import label_marks
from fecbench.results.plots.legend import add_legend_below
from fecbench.results.plots.marks import MOST
from fecbench.results.plots.rarest_label import rarest_labels
from fecbench.results.plots.saving import check_target, save
from fecbench.results.plots.style import COLUMN, PAGE, figure_style
from fecbench.results.plots.titles import add_title, wrapped
from fecbench.runs.predictor import Predictor
from fecbench.runs.record import model_run_file
from fecbench.training.checkpoints import BEST

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fecbench.core.progress import Report
    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.results.plots.label_marks import Marked
    from fecbench.runs.record import Record


Method = Literal["tsne", "umap"]
METHODS: dict[Method, str] = {"tsne": "t-SNE", "umap": "UMAP"}
NEIGHBOURS = 10  # of the neighbour accuracy
PERPLEXITY = 30.0  # the default of t-SNE; smaller samples get less
UMAP_NEIGHBOURS = 15  # the default of UMAP
FEWEST = 10  # smallest number of rows to draw
STEPS = 2  # of each run, which are reported


@dataclass(frozen=True)
class Sample:
    """The rows to draw.

    Attributes:
        split: the split that they are from.
        whole: number of rows in that split.
        total: number of those rows that have one of the labels ``names``.
        seed: the seed of the sample and of the projection.
        names: the labels' names, in the data set's order.
        labels: label of each row, int ``[N]``, as an index into ``names``; of several labels the rarest.
        texts: the N texts.
        several: True if texts can have several labels.
    """

    split: str
    whole: int
    total: int
    seed: int
    names: tuple[str, ...]
    labels: np.ndarray
    texts: list[str]
    several: bool = False

    @property
    def commonest(self) -> float:
        """The accuracy of always predicting the most common label."""
        return float(np.bincount(self.labels).max() / len(self.labels))

    @property
    def title(self) -> str:
        """A description of the sample, for the figure's title."""
        count = len(self.labels)
        if count == self.total:
            return f"{count:,} {self.split} rows"
        return f"{count:,} of {self.total:,} {self.split} rows, sampled with seed {self.seed}"


@dataclass(frozen=True)
class Embedding:
    """A run's features of a sample.

    Attributes:
        record: the run.
        points: their projection, ``[N, 2]``.
        neighbours: leave-one-out accuracy of a vote of the ``NEIGHBOURS`` nearest rows, by cosine distance of the
            original features.
        silhouette: mean silhouette coefficient of the labels, from -1 to 1, by the same distance.
    """

    record: Record
    points: np.ndarray
    neighbours: float
    silhouette: float


def draw_embeddings(
    records: Sequence[Record],
    path: Path,
    *,
    split: str = "test",
    rows: int = 2000,
    labels: Sequence[str] = (),
    seed: int = 0,
    method: Method = "tsne",
    data_dir: Path | None = None,
    device: str = "auto",
    report: Report = silent,
) -> tuple[Sample, list[Embedding]]:
    """Plot the features of the same rows under each run to ``path``, and return the sample and the embeddings.

    ``report`` is called with the name of each of the ``STEPS`` steps of each run.

    Raises:
        RunError: a run is not complete, has no weights or has other rows than the first; the figure can't be written.
        UsageError: a label is unknown, there are too few rows or labels, or too many labels, or UMAP isn't installed.
        DataNotFound, DataError: the rows are not available.
    """
    check_target(path)
    check_method(method)
    for record in records:
        _check_weights(record)
    sample = draw_sample(common_data(records, data_dir), split, rows, labels, seed)
    embeddings = [embed(record, sample, device, method, report) for record in records]
    with figure_style():
        save(_figure(embeddings, sample, method), path)
    return sample, embeddings


def check_method(method: Method) -> None:
    """Raise UsageError if the package of a projection isn't installed."""
    if method == "umap" and find_spec("umap") is None:
        raise UsageError(
            "--method umap needs the package umap-learn, which isn't installed; pip install 'fecbench[umap]'"
        )


def _check_weights(record: Record) -> None:
    model_run_file(record)
    if record.status == "complete" and not (record.folder / BEST).is_file():
        raise RunError(
            f"{record.folder} must hold its trained weights ({BEST}), but a published record has none; run it again or "
            "choose a run with weights"
        )


def draw_sample(data: EmotionData, split: str, rows: int, labels: Sequence[str], seed: int) -> Sample:
    """Return at most ``rows`` random rows of a split, of all labels or of the given ones.

    Raises:
        DataError: the split has no labels.
        UsageError: a label is unknown, fewer than two labels or ``FEWEST`` rows are left, or there are more labels than
            marks.
    """
    for label in labels:
        if label not in data.labels:
            raise UnknownName("label", label, data.labels, where=f"of {data.name}")
    names = tuple(name for name in data.labels if name in labels or not labels)
    if len(names) > MOST:
        raise UsageError(
            f"a plot can show at most {MOST} labels, but {data.name} has {len(names)}; choose some with --labels"
        )
    labelled = data.labelled(split)
    gold = _only_labels(data, split, names) if data.one_label else rarest_labels(data, split, names)
    candidates = np.flatnonzero(gold >= 0)
    chosen = np.sort(np.random.default_rng(seed).permutation(candidates)[:rows])
    if len(chosen) < FEWEST or len(set(gold[chosen])) < 2:
        raise UsageError(
            f"a plot needs at least {FEWEST} rows of at least two labels, but there are {len(chosen)} rows of "
            f"{len(set(gold[chosen]))}; give more with --rows or --labels"
        )
    texts = labelled[chosen]["text"]
    return Sample(split, len(gold), len(candidates), seed, names, gold[chosen], list(texts), not data.one_label)


def _only_labels(data: EmotionData, split: str, names: Sequence[str]) -> np.ndarray:
    """Return the only label of each row of a split, int ``[N]``, as an index into ``names``; -1 if it isn't there."""
    of_label = np.array([names.index(label) if label in names else -1 for label in data.labels])
    labels: np.ndarray = of_label[labels_of(data.labelled(split))]
    return labels


def embed(
    record: Record, sample: Sample, device: str = "auto", method: Method = "tsne", report: Report = silent
) -> Embedding:
    """Return a run's features of the sample, as a projection with scores of the original features."""
    report(f"computing features of {record.id}")
    features = Predictor.load(record, device).features(sample.texts).double().numpy()
    report(f"projecting {record.id}")
    return Embedding(
        record,
        project(features, sample.seed, method),
        neighbour_accuracy(features, sample.labels),
        silhouette(features, sample.labels),
    )


def project(features: np.ndarray, seed: int, method: Method = "tsne") -> np.ndarray:
    """Return the projection ``[N, 2]`` of ``features [N, D]``, by cosine distance.

    Cosine is used because heads judge features by their direction. Features that lie on a line or in a point start at
    random, because neither method can compute its usual start for them.
    """
    centred = features - features.mean(0)
    flat = bool(np.linalg.matrix_rank(centred, tol=1e-6 * np.abs(features).max()) < 2)
    points = _tsne(features, seed, flat) if method == "tsne" else _umap(features, seed, flat)
    return np.asarray(points)


def _tsne(features: np.ndarray, seed: int, flat: bool) -> np.ndarray:
    """Return the t-SNE projection; it starts from two principal components, which preserve some global structure."""
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)  # t-SNE looks at 3 * perplexity neighbours of each row
    tsne = TSNE(metric="cosine", init="random" if flat else "pca", perplexity=perplexity, random_state=seed)
    points: np.ndarray = tsne.fit_transform(features)
    return points


def _umap(features: np.ndarray, seed: int, flat: bool) -> np.ndarray:
    """Return the UMAP projection (McInnes, Healy, Melville 2018)."""
    import torch
    from umap import UMAP

    neighbours = min(UMAP_NEIGHBOURS, len(features) - 1)
    # One job, because UMAP warns that a seed rules out more.
    umap = UMAP(
        metric="cosine", init="random" if flat else "spectral", n_neighbors=neighbours, random_state=seed, n_jobs=1
    )
    threads = torch.get_num_threads()
    try:
        points: np.ndarray = umap.fit_transform(features)
    finally:
        torch.set_num_threads(threads)  # numba, which UMAP is built on, sets OpenMP's threads for the whole process
    return points


def silhouette(features: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean silhouette coefficient (-1 to 1) of ``labels [N]`` in ``features [N, D]``, by cosine distance.

    A row that is the only one of its label counts 0, as in scikit-learn. If all rows are, the result is 0;
    scikit-learn raises an error then.
    """
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(features, labels, metric="cosine")) if len(set(labels)) < len(labels) else 0.0


def neighbour_accuracy(features: np.ndarray, labels: np.ndarray, neighbours: int = NEIGHBOURS) -> float:
    """Return the leave-one-out accuracy of a nearest-neighbour vote, by cosine distance.

    Shapes: ``features [N, D]``, ``labels [N]``. Ties go to the label with the lowest number.

    >>> neighbour_accuracy(np.array([[1, 0], [2, 0.1], [0, 1], [0.1, 3]]), np.array([0, 0, 1, 1]), neighbours=1)
    1.0
    """
    from sklearn.neighbors import NearestNeighbors

    nearest = NearestNeighbors(n_neighbors=min(neighbours, len(features) - 1), metric="cosine").fit(features)
    others = nearest.kneighbors(return_distance=False)  # called without rows, kneighbors leaves out each row itself
    votes = np.eye(labels.max() + 1)[labels[others]].sum(1)
    return float(np.mean(votes.argmax(1) == labels))


def main_score(record: Record, split: str) -> tuple[str, float]:
    """Return the name and the value of a run's main score on a whole split: accuracy, or else macro F1."""
    scores = record.result_file.metrics.of(split)
    return ("accuracy", scores["accuracy"]) if "accuracy" in scores else ("macro F1", scores["macro_f1"])


def _figure(embeddings: Sequence[Embedding], sample: Sample, method: Method) -> Figure:
    from matplotlib.figure import Figure

    columns = min(len(embeddings), 3)
    rows = math.ceil(len(embeddings) / columns)
    width = COLUMN if columns == 1 else PAGE
    figure = Figure(figsize=(width, rows * (width / columns + 0.4) + 0.4))
    cells = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in cells[len(embeddings) :]:
        axes.remove()
    entries = label_marks(sample.names)
    for axes, embedding in zip(cells, embeddings, strict=False):
        _draw(axes, embedding, sample, entries)
        axes.set_title(wrapped(_title(embedding, sample), 0.95 * width / columns), parse_math=False)
        # The axes of a projection have no unit and no meaning of their own.
        axes.set(xticks=[], yticks=[], xlabel=f"{METHODS[method]} 1", ylabel=f"{METHODS[method]} 2")
    dataset = embeddings[0].record.run_file.dataset.name
    add_title(figure, f"{dataset}: {METHODS[method]} of {sample.title}{_colour_note(entries, sample)}")
    names = [entry.text for entry in entries]
    add_legend_below(figure, list(zip(names, cells[0].collections, strict=True)), markerscale=1.6, handletextpad=0.1)
    return figure


def _colour_note(entries: Sequence[Marked], sample: Sample) -> str:
    """Return a line on the colours, unless they are those of each text's only label."""
    grouped = len(entries) < len(sample.names)
    if sample.several:
        return "\ncoloured by the rarest label's group of emotions" if grouped else "\ncoloured by rarest label"
    return "\ncoloured by group of emotions" if grouped else ""


def _draw(axes: Axes, embedding: Embedding, sample: Sample, entries: Sequence[Marked]) -> None:
    """Draw the points of each entry of the legend as a collection of its own."""
    size = float(np.clip(6000 / len(sample.labels), 5, 18))
    for entry in entries:
        points = embedding.points[np.isin(sample.labels, entry.labels)]
        colour, shape = entry.mark
        axes.scatter(points[:, 0], points[:, 1], s=size, color=colour, marker=shape, alpha=0.75, linewidths=0)


def _title(embedding: Embedding, sample: Sample) -> str:
    """Return the run, its score on the split, and the neighbour accuracy of the drawn rows."""
    record = embedding.record
    name, score = main_score(record, sample.split)
    rows = "" if len(sample.labels) == sample.whole else f" on all {sample.whole:,} rows"
    return (
        f"{record.run_file.objective.name}, seed {record.settings()['seed']}\n"
        f"{sample.split} {name} {100 * score:.2f} %{rows}\n"
        f"{NEIGHBOURS}-NN accuracy {100 * embedding.neighbours:.2f} %"
    )
