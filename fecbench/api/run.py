"""A complete run as an object: scores, history, predictions and export."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fecbench.api.given_texts import texts_of
from fecbench.api.html import run_html
from fecbench.api.predictions import Predictions
from fecbench.core.errors import UsageError
from fecbench.core.paths import path_of, path_text
from fecbench.core.progress import silent
from fecbench.runs.find import find_run
from fecbench.runs.record import ROOT, Record
from fecbench.terminal.output import score_columns, score_text
from fecbench.terminal.slow_progress import slow_progress
from fecbench.terminal.step_progress import StepProgress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from fecbench.core.progress import Advance, Report
    from fecbench.results.export.export import Exported, Format
    from fecbench.runs.predictor import Predictor


@dataclass(frozen=True, eq=False)
class Run:
    """A complete run.

    A notebook shows its scores and its curves.

    Attributes:
        record: the run's record, a folder that can be moved and published.
    """

    record: Record
    _predictors: dict[str, Predictor] = field(default_factory=dict, init=False, repr=False)

    @property
    def id(self) -> str:
        """The name of the run's folder."""
        return self.record.id

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.record.folder

    @property
    def objective(self) -> str:
        """Name of the objective."""
        return self.record.run_file.objective.name

    @property
    def dataset(self) -> str:
        """Name of the data set."""
        return self.record.run_file.dataset.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The label names."""
        return tuple(self.record.run_file.dataset.labels)

    @property
    def settings(self) -> dict[str, Any]:
        """The value of each setting by name."""
        return self.record.settings()

    @property
    def scores(self) -> Mapping[str, Mapping[str, float]]:
        """The scores as fractions, by split (``validation``, ``test``) and metric."""
        return self.record.result_file.metrics.by_split()

    @property
    def history(self) -> list[dict[str, Any]]:
        """A dictionary for each epoch: ``epoch``, the mean losses, and the scores on validation.

        ``pandas.DataFrame(run.history)`` makes a table of it.
        """
        epochs: dict[int, dict[str, Any]] = {}
        for event in self.record.history():
            if event["event"] in ("epoch", "evaluation"):
                row = epochs.setdefault(event["epoch"], {"epoch": event["epoch"]})
                row.update(event["logs"] if event["event"] == "epoch" else event["metrics"])
        return list(epochs.values())

    @cached_property
    def predictions(self) -> Predictions:
        """The predictions of the test rows; ``to_frame()`` has the rows' numbers, and whether labels are correct."""
        from fecbench.runs.predictions import read_predictions

        arrays, labelling = read_predictions(self.record), self.record.run_file.dataset.labelling
        about = {"row": arrays["row"]}
        if labelling == "multi":
            given, hits = arrays["given"], arrays.get("hits")
            about |= {} if hits is None else {"right": hits.sum(1), "size": arrays["size"]}
        else:
            given = arrays["predicted"][:, None] == np.arange(len(self.labels))
            about |= {"correct": arrays["correct"]} if "correct" in arrays else {}
        return Predictions(self.labels, given, _probabilities(arrays["logits"], labelling), labelling, about)

    def predict(self, texts: Sequence[str], device: str = "auto", progress: bool = True) -> Predictions:
        """Predict the labels of texts with the run's best weights.

        Args:
            texts: the texts, also an array or a column of a data frame.
            device: ``auto``, ``cpu`` or ``cuda``.
            progress: show a bar if it takes longer than two seconds.

        Raises:
            UsageError: ``texts`` is one text, or holds something else than texts.
        """
        asked = texts_of(texts)
        predictor, labelling = self._predictor(device), self.record.run_file.dataset.labelling
        bar: AbstractContextManager[Advance] = (
            slow_progress("predicting", len(asked)) if progress else nullcontext(silent)
        )
        with bar as advance:
            shares = predictor.probabilities(asked, advance)
        probabilities: np.ndarray = shares.numpy()
        if predictor.decision is not None:
            given = predictor.decision.given(shares).numpy()
        else:
            best = np.where(probabilities.any(1), probabilities.argmax(1), -1)
            given = best[:, None] == np.arange(len(self.labels))
        return Predictions(self.labels, given, probabilities, labelling, {"text": asked})

    def _predictor(self, device: str) -> Predictor:
        from fecbench.runs.predictor import Predictor

        if device not in self._predictors:
            self._predictors[device] = Predictor.load(self.record, device)
        return self._predictors[device]

    def export(
        self,
        folder: str | os.PathLike[str],
        kind: Format = "hf",
        *,
        eval_dataset: str | None = None,
        push: str | None = None,
        public: bool = False,
        progress: bool = True,
    ) -> Exported:
        """Export the model to a new folder, as ``fecbench export`` does.

        Args:
            folder: new or empty folder.
            kind: ``hf`` for a Hugging Face folder (runs with the native head), ``onnx`` for a graph of any run.
            eval_dataset: data set of the hub, ``owner/name``, that evaluation entries name; the run's own if None.
            push: model of the hub, ``owner/name``, to push the folder to. A new one is private.
            public: create it as a public one, or push to one that is public.
            progress: show a bar over the steps.

        Raises:
            UsageError, ExportError, RunError: as :func:`fecbench.results.export.export.export`.
        """
        from fecbench.results.export.export import STEPS, WRITERS, export

        if kind not in WRITERS:
            raise UsageError(f"kind must be one of {', '.join(WRITERS)}, but is {kind!r}; correct it")
        bar = StepProgress(STEPS + (push is not None)) if progress else None
        with bar or nullcontext():
            report: Report = bar.begin if bar else silent
            return export(self.record, path_of(folder), kind, eval_dataset, push, public, report)

    def __repr__(self) -> str:
        scores = self.scores.get("test", {})
        test = ", ".join(f"{name} {score_text(name, scores[name])}" for name in score_columns(scores)[:3])
        return f"<Run {self.id}: {self.objective} on {self.dataset}{f', test {test}' if test else ''}>"

    def _repr_html_(self) -> str:
        return run_html(self)

    def __reduce__(self) -> tuple[type[Run], tuple[Record]]:
        """Pickle the path of the folder alone: the weights stay there."""
        return Run, (Record(self.folder.resolve()),)


def _probabilities(logits: np.ndarray, labelling: Literal["single", "multi"]) -> np.ndarray:
    import torch

    from fecbench.objective.labelling import probabilities

    shares: np.ndarray = probabilities(torch.from_numpy(logits).double(), labelling).numpy()
    return shares


def load(run: str | os.PathLike[str] | Record | Run, root: str | os.PathLike[str] = ROOT) -> Run:
    """Load a complete run.

    Args:
        run: its folder, record or object; its id under ``root``; or a method, for its newest complete run.
        root: folder of runs.

    Raises:
        UnknownName: there is no such run.
        RunError: the run isn't complete.
    """
    if isinstance(run, Run):
        return Run(run.record)
    record = run if isinstance(run, Record) else find_run(_reference(run), path_of(root))
    record.check_complete()
    return Run(record)


def _reference(run: object) -> str:
    """Return an id or a method as it is, and a Path as text that is read as a path.

    Raises:
        UsageError: ``run`` is neither.
    """
    if not isinstance(run, str | os.PathLike):
        raise UsageError(f"a run must be a folder, an id, a method, a Record or a Run, but is {run!r}; correct it")
    return run if isinstance(run, str) else path_text(run)
