"""An objective as a scikit-learn classifier of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from fecbench.api.train import run

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from typing import Self

    from fecbench.api.run import Run


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
        random_state: int = 0,
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
            random_state: seed.
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
            ValueError: there are fewer than two classes, or too few rows of a class to set some aside.
            FecbenchError: a parameter is faulty.
        """
        texts, labels = _texts(X), column_or_1d(y, warn=True)
        check_classification_targets(labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"at least two classes are needed, but y has {len(self.classes_)} class")
        train, held_out = train_test_split(
            np.arange(len(texts)),
            test_size=self.validation_fraction,
            stratify=numbers,
            random_state=self.random_state,
        )
        self.n_features_in_ = 1
        self.run_ = self._run(texts, numbers, train, held_out)
        return self

    def _run(self, texts: Sequence[str], numbers: np.ndarray, train: np.ndarray, held_out: np.ndarray) -> Run:
        # Classes by number, since labels may be of any type. The names sort as the numbers do.
        width = len(str(len(self.classes_) - 1))
        names = [f"class {number:0{width}}" for number in range(len(self.classes_))]
        chosen = {split: [texts[row] for row in rows] for split, rows in (("train", train), ("validation", held_out))}
        data = {
            "train": (chosen["train"], [names[number] for number in numbers[train]]),
            "validation": (chosen["validation"], [names[number] for number in numbers[held_out]]),
            "test": {"text": chosen["validation"]},  # a run needs texts to predict; without labels they give no score
        }
        given = {"epochs": self.epochs, "batch_size": self.batch_size, "lr": self.lr, **(self.settings or {})}
        return run(
            self.objective,
            data,
            name="sklearn",
            run_dir=self.run_dir,
            progress=self.verbose,
            encoder=self.encoder,
            seed=self.random_state,
            device=self.device,
            **given,
        )

    def predict_proba(self, X: Sequence[str]) -> np.ndarray:  # noqa: N803
        """Return the probabilities ``[N, C]`` of the classes in ``classes_`` for texts ``X [N]``."""
        check_is_fitted(self, "run_")
        predictions = self.run_.predict(_texts(X), self.device, self.verbose)
        order = np.argsort(predictions.classes)  # the run may number the classes in another order
        probabilities: np.ndarray = predictions.probabilities[:, order]
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
