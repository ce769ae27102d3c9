"""What encoders make of the same texts: t-SNE pictures side by side (the AML paper's Figure 4), and how close labels lie without t-SNE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fecbench.core.errors import RunError, UnknownName, UsageError
from fecbench.results.comparison import common_data
from fecbench.results.plots.legend import add_legend
from fecbench.results.plots.marks import MOST, mark
from fecbench.results.plots.saving import check_target, save
from fecbench.runs.predictor import Predictor
from fecbench.runs.record import model_run_file
from fecbench.training.checkpoints import BEST

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.runs.record import Record


NEIGHBOURS = 10
PERPLEXITY = 30.0  # t-SNE's usual one, where there are rows enough
FEWEST = 10  # rows


@dataclass(frozen=True)
class Sample:
    """The rows that are drawn.

    Attributes:
        split: where they are from.
        whole: rows of that split.
        total: those of them with one of ``names``.
        seed: by which they were drawn, and by which t-SNE starts.
        names: their labels, in the data set's order.
        labels: ``[N]``, indices into ``names``.
        texts: N texts.
    """

    split: str
    whole: int
    total: int
    seed: int
    names: tuple[str, ...]
    labels: np.ndarray
    texts: list[str]

    @property
    def commonest(self) -> float:
        """Share of the label that most rows have."""
        return float(np.bincount(self.labels).max() / len(self.labels))

    @property
    def title(self) -> str:
        """Which rows these are, in words."""
        count = len(self.labels)
        if count == self.total:
            return f"{count:,} {self.split} rows"
        return f"{count:,} of {self.total:,} {self.split} rows, drawn at random by seed {self.seed}"


@dataclass(frozen=True)
class Embedding:
    """A run's features of a sample.

    Attributes:
        record: the run.
        points: ``[N, 2]``, their t-SNE.
        neighbours: share of rows whose label is the commonest among their ``NEIGHBOURS`` nearest others by cosine, in the features' space.
        silhouette: mean silhouette coefficient of the labels by cosine, between -1 and 1, in the same space.
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
    data_dir: Path | None = None,
    device: str = "auto",
) -> tuple[Sample, list[Embedding]]:
    """Draw the features of the same rows under each run to ``path``, and return what was drawn.

    Raises:
        RunError: a run isn't complete, has no weights or other rows than the first; or the picture can't be written.
        UsageError: a label is unknown, or there are too few rows or labels, or too many labels.
        DataNotFound, DataError: the rows aren't to be had.
    """
    check_target(path)
    for record in records:
        _check_weights(record)
    drawn = sample(common_data(records, data_dir), split, rows, labels, seed)
    embeddings = [embed(record, drawn, device) for record in records]
    _draw_all(embeddings, drawn, path)
    return drawn, embeddings


def _check_weights(record: Record) -> None:
    model_run_file(record)
    if record.status == "complete" and not (record.folder / BEST).is_file():
        raise RunError(
            f"{record.folder} must hold its trained weights ({BEST}), but a published record has none; run it again, or take a run of yours"
        )


def sample(data: EmotionData, split: str, rows: int, labels: Sequence[str], seed: int) -> Sample:
    """Up to ``rows`` random rows of a split, of all labels or of those given.

    Raises:
        UsageError: a label is unknown, fewer than two labels or ``FEWEST`` rows are left, or there are more labels than marks.
    """
    for label in labels:
        if label not in data.labels:
            raise UnknownName(f"label of {data.name}", label, data.labels)
    names = tuple(name for name in data.labels if name in labels or not labels)
    if len(names) > MOST:
        raise UsageError(
            f"at most {MOST} labels can be told apart, but {data.name} has {len(names)}; choose some with --labels"
        )
    gold = np.array(
        [names.index(name) if (name := data.labels[label]) in names else -1 for label in data.splits[split]["label"][:]]
    )
    candidates = np.flatnonzero(gold >= 0)
    chosen = np.sort(np.random.default_rng(seed).permutation(candidates)[:rows])
    if len(chosen) < FEWEST or len(set(gold[chosen])) < 2:
        raise UsageError(
            f"a picture needs at least {FEWEST} rows of at least two labels, found {len(chosen)} of {len(set(gold[chosen]))}; "
            f"give more with --rows or --labels"
        )
    texts = data.splits[split][chosen]["text"]
    return Sample(split, len(gold), len(candidates), seed, names, gold[chosen], list(texts))


def embed(record: Record, drawn: Sample, device: str = "auto") -> Embedding:
    """The features of the sample's texts under a run, and what they look like."""
    features = Predictor.load(record, device).features(drawn.texts).double().numpy()
    return Embedding(
        record,
        lay_out(features, drawn.seed),
        neighbour_accuracy(features, drawn.labels),
        silhouette(features, drawn.labels),
    )


def lay_out(features: np.ndarray, seed: int) -> np.ndarray:
    """t-SNE of ``features [N, D]`` in the plane, ``[N, 2]``, by cosine, since heads judge features by their direction.

    It starts from the first two principal components, which keeps what there is of a global order; where features have no two, at random.
    """
    from sklearn.manifold import TSNE

    centred = features - features.mean(0)
    flat = np.linalg.matrix_rank(centred, tol=1e-6 * np.abs(features).max()) < 2
    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)
    points = TSNE(
        metric="cosine", init="random" if flat else "pca", perplexity=perplexity, random_state=seed
    ).fit_transform(features)
    return np.asarray(points)


def silhouette(features: np.ndarray, labels: np.ndarray) -> float:
    """Mean silhouette coefficient of ``labels [N]`` in ``features [N, D]`` by cosine, between -1 and 1.

    A row that is alone with its label counts 0, as in scikit-learn, which refuses rows that all are.
    """
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(features, labels, metric="cosine")) if len(set(labels)) < len(labels) else 0.0


def neighbour_accuracy(features: np.ndarray, labels: np.ndarray, neighbours: int = NEIGHBOURS) -> float:
    """Leave-one-out accuracy of a nearest-neighbour vote by cosine: ``features [N, D]``, ``labels [N]``; of tied labels the first.

    >>> neighbour_accuracy(np.array([[1, 0], [2, 0.1], [0, 1], [0.1, 3]]), np.array([0, 0, 1, 1]), neighbours=1)
    1.0
    """
    from sklearn.neighbors import NearestNeighbors

    nearest = NearestNeighbors(n_neighbors=min(neighbours, len(features) - 1), metric="cosine").fit(features)
    others = nearest.kneighbors(return_distance=False)  # without the row itself
    votes = np.eye(labels.max() + 1)[labels[others]].sum(1)
    return float(np.mean(votes.argmax(1) == labels))


def _draw_all(embeddings: Sequence[Embedding], drawn: Sample, path: Path) -> None:
    from matplotlib.figure import Figure

    columns = min(len(embeddings), 3)
    height = -(-len(embeddings) // columns)
    keys = 5 if columns > 1 else 3
    figure = Figure(
        figsize=(3.5 * columns, 3.6 * height + 0.16 * -(-len(drawn.names) // keys) + 0.4), layout="constrained"
    )
    cells = figure.subplots(height, columns, squeeze=False).ravel()
    for axes in cells[len(embeddings) :]:
        axes.remove()
    for axes, embedding in zip(cells, embeddings, strict=False):
        _draw(axes, embedding, drawn)
    figure.suptitle(f"t-SNE of {drawn.title}", fontsize=9)
    marks = list(zip(drawn.names, cells[0].collections, strict=True))
    add_legend(
        figure,
        marks,
        loc="outside lower center",
        ncols=keys,
        fontsize=8,
        frameon=False,
        markerscale=1.6,
        handletextpad=0.1,
    )
    save(figure, path)


def _draw(axes: Axes, embedding: Embedding, drawn: Sample) -> None:
    record = embedding.record
    for index in range(len(drawn.names)):
        colour, shape = mark(index)
        points = embedding.points[drawn.labels == index]
        size = float(np.clip(9000 / len(drawn.labels), 8, 25))
        axes.scatter(points[:, 0], points[:, 1], s=size, color=colour, marker=shape, alpha=0.75, linewidths=0)
    accuracy = 100 * record.result_file.metrics.of(drawn.split)["accuracy"]
    run_file = record.run_file
    title = f"{run_file.objective.name} on {run_file.dataset.name}, seed {record.settings()['seed']}"
    which = "" if len(drawn.labels) == drawn.whole else f" on all {drawn.whole:,} rows"
    axes.set_title(f"{title}\n{drawn.split} accuracy {accuracy:.2f} %{which}", fontsize=9, parse_math=False)
    axes.set(xticks=[], yticks=[])  # t-SNE's axes mean nothing
