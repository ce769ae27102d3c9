"""Experiment trackers (TensorBoard, Weights & Biases, MLflow), through accelerate, as observers of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fecbench.hooks import RunInfo, hookimpl

if TYPE_CHECKING:
    from accelerate import Accelerator

TRACKERS = ("tensorboard", "wandb", "mlflow")


class Trackers:
    """Sends a run's settings, logs and scores to the trackers that ``accelerator`` was made with."""

    def __init__(self, accelerator: Accelerator):
        self.accelerator = accelerator

    @hookimpl
    def run_started(self, run: RunInfo) -> None:
        """Open the trackers with the run's settings."""
        plain = {key: value if isinstance(value, int | float | str | bool) else str(value) for key, value in run.settings.items()}
        self.accelerator.init_trackers("fecbench", config={"objective": run.objective, **plain})

    @hookimpl
    def updates_logged(self, run: RunInfo, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        """Log means over the last batches."""
        self.accelerator.log({f"train/{name}": value for name, value in logs.items()}, step=(epoch - 1) * run.steps_per_epoch + step)

    @hookimpl
    def evaluated(self, run: RunInfo, epoch: int, split: str, metrics: Mapping[str, float]) -> None:
        """Log scores."""
        self.accelerator.log({f"{split}/{name}": value for name, value in metrics.items()}, step=epoch * run.steps_per_epoch)

    @hookimpl
    def run_finished(self, run: RunInfo, result: Mapping[str, Any]) -> None:
        """Log the test scores and close the trackers."""
        scores = {f"test/{name}": value for name, value in result["metrics"]["test"].items()}
        self.accelerator.log(scores, step=result["epochs"] * run.steps_per_epoch)
        self._close()

    @hookimpl
    def run_failed(self) -> None:
        """Close the trackers."""
        self._close()

    def _close(self) -> None:
        for tracker in self.accelerator.trackers:
            tracker.finish()
