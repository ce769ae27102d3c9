"""Predictions of texts: labels and probabilities, as lists, arrays or a data frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd


@dataclass(frozen=True, eq=False)
class Predictions:
    """The predictions of ``N`` texts.

    Attributes:
        classes: the ``C`` label names.
        given: bool ``[N, C]``, the labels given to each text.
        probabilities: float ``[N, C]``; all 0 for a text without an answer.
        labelling: ``single`` if a text has one label, ``multi`` if it can have several.
        about: further columns of :meth:`to_frame`, a value for each text, such as ``text``.
    """

    classes: tuple[str, ...]
    given: np.ndarray
    probabilities: np.ndarray
    labelling: str
    about: Mapping[str, Sequence[object] | np.ndarray]

    def __len__(self) -> int:
        return len(self.given)

    def __repr__(self) -> str:
        return f"<Predictions: {len(self)} texts, {len(self.classes)} labels>"

    @property
    def labels(self) -> list[str | None] | list[tuple[str, ...]]:
        """The label of each text, None for no answer; with several labels a text, the tuple of its labels."""
        if self.labelling == "multi":
            return [tuple(self.classes[number] for number in np.flatnonzero(row)) for row in self.given]
        numbers = np.where(self.given.any(1), self.given.argmax(1), -1)
        return [None if number < 0 else self.classes[number] for number in numbers.tolist()]

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each text: ``about``, its ``label`` or ``labels``, and a column of probabilities a class."""
        import pandas as pd

        frame = pd.DataFrame(dict(self.about), index=range(len(self)))
        frame["label" if self.labelling == "single" else "labels"] = self.labels
        return frame.join(pd.DataFrame(self.probabilities, columns=[f"probability_{name}" for name in self.classes]))

    def _repr_html_(self) -> str:
        shown = self.to_frame().drop(columns=[f"probability_{name}" for name in self.classes])
        if self.labelling == "single":
            shown["probability"] = self.probabilities.max(1, initial=0)
        return str(shown.to_html(max_rows=20, float_format="{:.3f}".format))
