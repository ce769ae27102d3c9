"""Observe a run: write its history and its failure to the record, and log to experiment trackers through accelerate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import FecbenchError, RunError
from fecbench.core.files import own_file, replacing, to_disk, writing
from fecbench.core.hooks import RunInfo, hookimpl
from fecbench.core.plugin_errors import error_summary
from fecbench.runs.record import HISTORY
from fecbench.runs.write_record import write_failure

if TYPE_CHECKING:
    from accelerate import Accelerator

    from fecbench.runs.record import Record


class History:
    """Writes ``history.jsonl`` during the run, one line per event, without times: equal runs have equal histories."""

    def __init__(self, record: Record):
        self.record = record

    def keep(self, epochs: int) -> None:
        """Remove the events after epoch ``epochs``, which a resumed run writes again."""
        kept = [event for event in self.record.history() if event["epoch"] <= epochs]
        with replacing(own_file(self.record.folder / HISTORY), own=True) as draft:
            draft.write_text("".join(json.dumps(event) + "\n" for event in kept), encoding="utf-8")

    @hookimpl
    def updates_logged(self, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        """Write the means over the last batches."""
        self._write({"event": "updates", "epoch": epoch, "step": step, "logs": dict(logs)})

    @hookimpl
    def epoch_finished(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Write the means over the epoch."""
        self._write({"event": "epoch", "epoch": epoch, "logs": dict(logs)})

    @hookimpl
    def evaluated(self, epoch: int, split: str, metrics: Mapping[str, float], best: bool) -> None:
        """Write the scores of a split: the epoch's last line, flushed to the disk before the epoch's checkpoint."""
        self._write(
            {"event": "evaluation", "epoch": epoch, "split": split, "metrics": dict(metrics), "best": best}, flush=True
        )

    def _write(self, event: Mapping[str, Any], flush: bool = False) -> None:
        path = self.record.folder / HISTORY
        with writing(path):
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(event) + "\n")
            if flush:  # once an epoch suffices: a resumed run writes the events of an unfinished epoch again
                to_disk(path)


class Failure:
    """Writes ``failure.json`` if a run stops early."""

    def __init__(self, record: Record):
        self.record = record

    @hookimpl
    def run_failed(self, run: RunInfo, error: BaseException) -> None:
        """Write why the run stopped."""
        interrupted = isinstance(error, KeyboardInterrupt)
        if interrupted:
            message = "stopped by the user"
        elif isinstance(error, FecbenchError):
            message = f"{type(error).__name__}: {error}"
        else:
            message = error_summary(error)
        with suppress(RunError):  # on a full disk the first error is the one to show
            write_failure(self.record, "interrupted" if interrupted else "failed", message)


TRACKERS = ("tensorboard", "wandb", "mlflow")


class Trackers:
    """Sends a run's settings, logs and scores to the trackers that ``accelerator`` was made with."""

    def __init__(self, accelerator: Accelerator):
        self.accelerator = accelerator

    @hookimpl
    def run_started(self, run: RunInfo) -> None:
        """Open the trackers with the run's settings."""
        plain = {
            key: value if isinstance(value, int | float | str | bool) else str(value)
            for key, value in run.settings.items()
        }
        self.accelerator.init_trackers("fecbench", config={"objective": run.objective, **plain})

    @hookimpl
    def updates_logged(self, run: RunInfo, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        """Log means over the last batches."""
        self.accelerator.log(
            {f"train/{name}": value for name, value in logs.items()}, step=(epoch - 1) * run.steps_per_epoch + step
        )

    @hookimpl
    def evaluated(self, run: RunInfo, epoch: int, split: str, metrics: Mapping[str, float]) -> None:
        """Log scores."""
        self.accelerator.log(
            {f"{split}/{name}": value for name, value in metrics.items()}, step=epoch * run.steps_per_epoch
        )

    @hookimpl
    def run_finished(self, run: RunInfo, result: Mapping[str, Any]) -> None:
        """Log the test scores, if there are any, and close the trackers."""
        scores = {f"test/{name}": value for name, value in result["metrics"].get("test", {}).items()}
        self.accelerator.log(scores, step=result["epochs"] * run.steps_per_epoch)
        self._close()

    @hookimpl
    def run_failed(self) -> None:
        """Close the trackers."""
        self._close()

    def _close(self) -> None:
        for tracker in self.accelerator.trackers:
            tracker.finish()
