"""An objective as a scikit-learn classifier of texts."""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, check_random_state, column_or_1d

from fecbench.api.train import run
from fecbench.core.errors import UsageError

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from typing import Self

    from fecbench.api.run import Run

    Rows = tuple[list[str], list[str]]  # texts and labels


class EmotionClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A classifier of texts that trains one of fecbench's objectives.

    ``fit`` makes a run as :func:`fecbench.run` does and keeps it as ``run_``. A part of the training rows, stratified
    by label, chooses the best epoch.

    Attributes:
        classes_: the labels, sorted.
        run_: the run, with its record.
        n_features_in_: 1, the column of texts.
    """

    def __init__(
        self,
        objective: str = "ce",
        encoder: str = "minilm",
        epochs: int | None = None,
        batch_size: int | None = None,
        lr: float | None = None,
        validation_fraction: float = 0.1,
        random_state: int | np.random.RandomState | None = 0,
        device: str = "auto",
        settings: Mapping[str, Any] | None = None,
        run_dir: str | os.PathLike[str] | None = None,
        verbose: bool = False,
    ):
        """Set the parameters; they are checked by ``fit``.

        Args:
            objective: name of the objective, such as ``aml``.
            encoder: name or path of the encoder.
            epochs: number of epochs; the objective's default if None.
            batch_size: texts of a batch; the objective's default if None.
            lr: learning rate; that of encoder and objective if None.
            validation_fraction: share of the rows that choose the best epoch.
            random_state: seed, or a generator that draws it; the run's record has it.
            device: ``auto``, ``cpu`` or ``cuda``.
            settings: further settings of the run and options of the objective, by name.
            run_dir: the run's folder; a new one under ``runs`` if None.
            verbose: show progress bars and the scores of each epoch.
        """
        self.objective = objective
        self.encoder = encoder
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.device = device
        self.settings = settings
        self.run_dir = run_dir
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.one_d_array, tags.input_tags.two_d_array = True, True, False
        tags.no_validation = True  # X has texts, not numbers
        return tags

    def fit(self, X: Sequence[str], y: Sequence[object]) -> Self:  # noqa: N803  scikit-learn's name
        """Train on texts ``X [N]`` with labels ``y [N]``.

        Raises:
            ValueError: a text is empty, there are fewer than two classes, or too few rows of a class to set some aside.
            FecbenchError: a parameter is faulty.
        """
        texts, labels = _filled(_texts(X)), column_or_1d(y, warn=True)
        check_consistent_length(texts, labels)
        check_classification_targets(labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"at least two classes are needed, but y has {len(self.classes_)} class")
        names = _names(self.classes_)
        state = self.random_state
        seed = int(state if isinstance(state, int | np.integer) else check_random_state(state).randint(2**31))
        rows = _cut(numbers, self.validation_fraction, seed)
        train, held_out = (([texts[row] for row in part], [names[numbers[row]] for row in part]) for part in rows)
        self.n_features_in_ = 1
        self.run_ = self._run(train, held_out, seed)
        # the run may number the classes in another order
        self._order = [self.run_.labels.index(name) for name in names]
        return self

    def _run(self, train: Rows, held_out: Rows, seed: int) -> Run:
        # A run needs texts to predict; without labels they give no score.
        given = dict(self.settings or {})
        if taken := sorted(given.keys() & {"objective", "dataset", "name", "run_dir", "progress"}):
            raise UsageError(
                f"settings must be settings of the run or options of the objective, but names {', '.join(taken)}; "
                "give parameters of the classifier by themselves"
            )
        data = {"train": train, "validation": held_out, "test": {"text": held_out[0]}}
        settings = {
            "encoder": self.encoder,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "lr": self.lr,
            "seed": seed,
            "device": self.device,
            "label_separator": "",  # a class is one label, whatever signs it has
            **given,
        }
        return run(self.objective, data, name="sklearn", run_dir=self.run_dir, progress=self.verbose, **settings)

    def predict_proba(self, X: Sequence[str]) -> np.ndarray:  # noqa: N803
        """Return the probabilities ``[N, C]`` of the classes in ``classes_`` for texts ``X [N]``."""
        check_is_fitted(self, "run_")
        predictions = self.run_.predict(_texts(X), self.device, self.verbose)
        probabilities: np.ndarray = predictions.probabilities[:, self._order]
        return probabilities

    def predict(self, X: Sequence[str]) -> np.ndarray:  # noqa: N803
        """Return the most probable class ``[N]`` for texts ``X [N]``."""
        check_is_fitted(self, "run_")
        classes: np.ndarray = self.classes_[self.predict_proba(X).argmax(1)]
        return classes


def _texts(values: Any) -> list[str]:
    """Return texts as a list.

    Raises:
        ValueError: they are no column of texts.
    """
    array = np.asarray(values, dtype=object)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if isinstance(values, str) or array.ndim != 1 or not all(isinstance(text, str) for text in array):
        raise ValueError("X must be a list or column of texts")
    texts: list[str] = array.tolist()
    return texts


def _filled(texts: list[str]) -> list[str]:
    """Return the texts. Raises ValueError if one is empty, which no run trains on."""
    empty = next((number for number, text in enumerate(texts) if not text.strip()), None)
    if empty is not None:
        raise ValueError(f"X must have no empty texts, but item {empty} is one; remove it")
    return texts


def _cut(numbers: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to train on and those that are set aside, stratified by class number.

    Raises:
        ValueError: the fraction isn't between 0 and 1, there are too few rows to set some aside of every class, or a
            class has one row.
    """
    if not isinstance(fraction, Real) or not 0 < fraction < 1:
        raise ValueError(f"validation_fraction must be between 0 and 1, but is {fraction!r}; correct it")
    classes = int(numbers.max()) + 1
    if math.ceil(fraction * len(numbers)) < classes:
        raise ValueError(
            f"validation_fraction must set aside a row of each of {classes} classes, but is {fraction} of "
            f"{len(numbers)} rows; raise it"
        )
    train, held_out = train_test_split(np.arange(len(numbers)), test_size=fraction, stratify=numbers, random_state=seed)
    return train, held_out


def _names(classes: np.ndarray) -> list[str]:
    """Return the name of each class in the run: its text.

    Raises:
        ValueError: two classes have one text, or one has none.
    """
    names = [str(label).strip() for label in classes]
    if "" in names or len(set(names)) < len(names):
        raise ValueError("classes must have different texts that aren't empty; rename some of them")
    return names
