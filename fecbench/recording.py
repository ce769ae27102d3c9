"""Observers that write a run's record as it goes on: its history, and why it stopped early."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fecbench.atomic import own_file, replacing, to_disk, writing
from fecbench.errors import FecbenchError, RunError
from fecbench.guard import words
from fecbench.hooks import RunInfo, hookimpl
from fecbench.runs import HISTORY, write_failure

if TYPE_CHECKING:
    from fecbench.runs import Record


class History:
    """Writes ``history.jsonl``, a line an event, as the run goes on. Without times: equal runs have equal histories."""

    def __init__(self, record: Record):
        self.record = record

    def keep(self, epochs: int) -> None:
        """Forget events after ``epochs`` finished epochs: a resumed run writes them again."""
        kept = [event for event in self.record.history() if event["epoch"] <= epochs]
        with replacing(own_file(self.record.folder / HISTORY), own=True) as draft:
            draft.write_text("".join(json.dumps(event) + "\n" for event in kept), encoding="utf-8")

    @hookimpl
    def updates_logged(self, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        """Means over the last few batches."""
        self._write({"event": "updates", "epoch": epoch, "step": step, "logs": dict(logs)})

    @hookimpl
    def epoch_finished(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Means over the epoch."""
        self._write({"event": "epoch", "epoch": epoch, "logs": dict(logs)})

    @hookimpl
    def evaluated(self, epoch: int, split: str, metrics: Mapping[str, float], best: bool) -> None:
        """Scores of a split: the epoch's last line, on the disk before the checkpoint that follows says that the epoch is done."""
        self._write({"event": "evaluation", "epoch": epoch, "split": split, "metrics": dict(metrics), "best": best}, flush=True)

    def _write(self, event: Mapping[str, Any], flush: bool = False) -> None:
        path = self.record.folder / HISTORY
        with writing(path):
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(event) + "\n")
            if flush:
                to_disk(path)


class Failure:
    """Writes ``failure.json`` where a run stops early."""

    def __init__(self, record: Record):
        self.record = record

    @hookimpl
    def run_failed(self, run: RunInfo, error: BaseException) -> None:
        """Why it stopped."""
        interrupted = isinstance(error, KeyboardInterrupt)
        message = (
            "stopped by the user"
            if interrupted
            else f"{type(error).__name__}: {error}"
            if isinstance(error, FecbenchError)
            else words(error)
        )
        with suppress(RunError):  # on a full disk the first error says more
            write_failure(self.record, "interrupted" if interrupted else "failed", message)
