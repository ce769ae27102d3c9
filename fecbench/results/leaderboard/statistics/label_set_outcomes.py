"""Read the label sets that runs give to texts with several labels, and compute scores from counts.

A record holds the labels given to each test text, which of them are right (hits), and the number of true labels of
each text and of each label. F1 of labels, Jaccard index, exact match and Hamming loss follow from these; a true label
that was missed isn't needed. All of them are functions of sums over rows, which change linearly when two methods swap
a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fecbench.core.errors import RunError
from fecbench.results.leaderboard.statistics.outcomes import TOLERANCE, arrays_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scipy.sparse import csr_array

    from fecbench.results.leaderboard.run import Run


OF_LABELS, OF_TEXTS = ("macro_f1", "micro_f1", "weighted_f1"), ("jaccard", "exact_match", "hamming", "samples_f1")
BY_LABEL_SETS = (*OF_LABELS, *OF_TEXTS)


@dataclass(frozen=True)
class LabelSets:
    """The label sets that one run gives to N texts; labels are in the order of their names.

    Attributes:
        given: labels given, bool ``[N, C]``.
        hits: labels given that are right, bool ``[N, C]``.
        size: number of true labels, int64 ``[N]``.
        support: number of texts with each label, float64 ``[C]``.
    """

    given: np.ndarray
    hits: np.ndarray
    size: np.ndarray
    support: np.ndarray

    def counts(self) -> np.ndarray:
        """Return the parts of the scores by text, float64 ``[N, 2 C + 4]``: hits, given, and the scores of the text."""
        return np.column_stack([self.hits, self.given, text_scores(self.given, self.hits, self.size)]).astype(float)


@dataclass(frozen=True)
class LabelSetOutcomes:
    """The label sets of S runs for N texts.

    The runs of a cross-validation each give labels to the texts of their fold alone; their counts of other texts are 0.

    Attributes:
        runs: the label sets of each run.
        starts: number of the first text of each run among the N.
        texts: N, the number of texts of all folds together.
    """

    runs: tuple[LabelSets, ...]
    starts: tuple[int, ...]
    texts: int
    metrics: ClassVar[tuple[str, ...]] = BY_LABEL_SETS
    rounding: ClassVar[float] = 1e-12  # of a difference of scores: sums of fractions depend on their order

    def totals(self) -> np.ndarray:
        """Return the sums over texts of each run's counts, float64 ``[S, 2 C + 4]``."""
        return np.stack([run.counts().sum(0) for run in self.runs])

    def scores(self, totals: np.ndarray) -> np.ndarray:
        """Return the scores ``[7, ..., S]`` of ``metrics`` from totals ``[..., S, 2 C + 4]``.

        A label that is neither true nor given in any text has an F1 of 0.
        """
        support = np.stack([run.support for run in self.runs])
        classes = support.shape[1]
        hits, given, sums = np.split(totals, [classes, 2 * classes], axis=-1)
        f1 = 2 * hits / np.maximum(given + support, 1)
        micro = 2 * hits.sum(-1) / np.maximum((given + support).sum(-1), 1)
        weighted = (f1 * support).sum(-1) / np.maximum(support.sum(-1), 1)
        means = sums / np.array([len(run.size) for run in self.runs])[:, None]
        return np.concatenate([np.stack([f1.mean(-1), micro, weighted]), np.moveaxis(means, -1, 0)])

    def swap_effects(self, other: LabelSetOutcomes) -> csr_array:
        """Return the change of the totals for each swapped text: sparse float64 ``[S (2 C + 4), M]``.

        The M texts are those on which some run differs from that of ``other`` under the same seed and fold.
        """
        from scipy.sparse import csr_array, vstack

        changes = []
        for ours, theirs, start in zip(self.runs, other.runs, self.starts, strict=True):
            change = csr_array((theirs.counts() - ours.counts()).T)
            columns = change.indices + start
            changes.append(csr_array((change.data, columns, change.indptr), shape=(change.shape[0], self.texts)))
        effects = vstack(changes).tocsc()
        return effects[:, np.diff(effects.indptr) > 0].tocsr()


def text_scores(given: np.ndarray, hits: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return Jaccard index, exact match, Hamming loss and F1 of each text, float64 ``[N, 4]``.

    A text without labels that is given none has a Jaccard index and an F1 of 1.

    >>> given, hits = np.array([[1, 1, 0], [0, 0, 0]]) > 0, np.array([[1, 0, 0], [0, 0, 0]]) > 0
    >>> text_scores(given, hits, np.array([2, 0])).round(3).tolist()
    [[0.333, 0.0, 0.667, 0.5], [1.0, 1.0, 0.0, 1.0]]
    """
    number, right = given.sum(1), hits.sum(1)
    both = number + size
    empty = both == 0
    jaccard = np.where(empty, 1.0, right / np.maximum(both - right, 1))
    f1 = np.where(empty, 1.0, 2 * right / np.maximum(both, 1))
    exact = (right == size) & (right == number)
    return np.column_stack([jaccard, exact, (both - 2 * right) / given.shape[1], f1])


def of_label_sets(runs: Sequence[Run], found: Sequence[LabelSets]) -> LabelSetOutcomes:
    """Return the outcomes of runs on the same test texts, or on those of the folds of a cross-validation."""
    texts = {run.fold: len(sets.size) for run, sets in zip(runs, found, strict=True)}
    starts = dict(zip(texts, np.cumsum([0, *texts.values()]).tolist(), strict=False))
    return LabelSetOutcomes(tuple(found), tuple(starts[run.fold] for run in runs), sum(texts.values()))


def label_sets(run: Run) -> LabelSets:
    """Return the label sets that a run gives to the test texts.

    Raises:
        RunError: predictions are missing, have another format, or don't give the record's scores.
    """
    arrays = arrays_of(run)
    if not {"given", "hits", "size"} <= arrays.keys():
        raise RunError(f"the predictions of {run.record.id} don't tell the labels given and the right ones")
    given, hits, size = (arrays[name] for name in ("given", "hits", "size"))
    order = np.argsort(run.labels)
    if given.dtype != bool or hits.dtype != bool or size.dtype.kind not in "iu" or size.ndim != 1:
        raise RunError(f"the predictions of {run.record.id} have other types than labels and their numbers")
    if given.shape != hits.shape or given.shape != (len(size), len(order)):
        raise RunError(f"the predictions of {run.record.id} have other labels than the record")
    support = np.array([run.support[run.labels[number]] for number in order], dtype=np.float64)
    sets = LabelSets(given[:, order], hits[:, order], size.astype(np.int64), support)
    _check(run, sets)
    return sets


def _check(run: Run, sets: LabelSets) -> None:
    """Raise RunError if the label sets contradict each other, or don't give the record's scores."""
    consistent = (
        not (sets.hits & ~sets.given).any()
        and (sets.hits.sum(1) <= sets.size).all()
        and (sets.hits.sum(0) <= sets.support).all()
        and sets.size.sum() == sets.support.sum()
    )
    if not consistent or not _gives(sets, run.scores):
        raise RunError(f"the predictions of {run.record.id} don't give its scores")


def _gives(sets: LabelSets, scores: Mapping[str, float]) -> bool:
    """Return True if the label sets give those of the ``scores`` that follow from them."""
    alone = LabelSetOutcomes((sets,), (0,), len(sets.size))
    found = dict(zip(BY_LABEL_SETS, alone.scores(alone.totals())[:, 0].tolist(), strict=True))
    return all(abs(score - scores[name]) <= TOLERANCE for name, score in found.items() if name in scores)
