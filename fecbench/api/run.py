"""A complete run as an object: scores, history, predictions and export."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fecbench.api.html import run_html
from fecbench.api.predictions import Predictions
from fecbench.core.errors import UsageError
from fecbench.core.progress import silent
from fecbench.runs.find import find_run
from fecbench.runs.record import ROOT, Record
from fecbench.terminal.slow_progress import slow_progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from fecbench.core.progress import Advance
    from fecbench.results.export.export import Exported
    from fecbench.runs.predictor import Predictor


@dataclass(frozen=True, eq=False)
class Run:
    """A complete run.

    A notebook shows its scores and its curves.

    Attributes:
        record: the run's record, a folder that can be moved and published.
    """

    record: Record

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
            device: ``auto``, ``cpu`` or ``cuda``; that of the first call stays.
            progress: show a bar if it takes longer than two seconds.

        Raises:
            UsageError: ``texts`` is one text instead of a list.
        """
        if isinstance(texts, str):
            raise UsageError("predict needs a list of texts, but got one text; give [text]")
        asked = [str(text) for text in texts]
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
        if "_loaded" not in vars(self):
            from fecbench.runs.predictor import Predictor

            vars(self)["_loaded"] = Predictor.load(self.record, device)
        loaded: Predictor = vars(self)["_loaded"]
        return loaded

    def export(self, folder: str | os.PathLike[str], kind: Literal["hf", "onnx"] = "hf", **options: Any) -> Exported:
        """Export the model to a new folder, as ``fecbench export`` does.

        Args:
            folder: new or empty folder.
            kind: ``hf`` for a Hugging Face folder (runs with the native head), ``onnx`` for a graph of any run.
            options: ``eval_dataset``, ``push`` (a model of the hub, ``owner/name``) and ``public``, as
                :func:`fecbench.results.export.export.export` takes them.

        Raises:
            UsageError, ExportError, RunError: as there.
        """
        from fecbench.results.export.export import export

        return export(self.record, Path(folder), kind, **options)

    def __repr__(self) -> str:
        test = ", ".join(f"{name} {100 * value:.2f}" for name, value in [*self.scores.get("test", {}).items()][:3])
        return f"<Run {self.id}: {self.objective} on {self.dataset}{f', test {test}' if test else ''}>"

    def _repr_html_(self) -> str:
        return run_html(self)


def _probabilities(logits: np.ndarray, labelling: Literal["single", "multi"]) -> np.ndarray:
    import torch

    from fecbench.objective.labelling import probabilities

    shares: np.ndarray = probabilities(torch.from_numpy(logits).double(), labelling).numpy()
    return shares


def load(run: str | os.PathLike[str] | Record, root: str | os.PathLike[str] = ROOT) -> Run:
    """Load a complete run.

    Args:
        run: its folder or record; its id under ``root``; or a method, for its newest complete run.
        root: folder of runs.

    Raises:
        UnknownName: there is no such run.
        RunError: the run isn't complete.
    """
    record = run if isinstance(run, Record) else find_run(os.fspath(run), Path(root))
    record.check_complete()
    return Run(record)
