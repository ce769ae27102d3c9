"""Show a run's progress: its settings, a progress bar and each epoch's scores, on standard error or in a notebook.

Standard output is left to the results, so that they can be piped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fecbench.bench.time_estimates import in_words
from fecbench.core.hooks import RunInfo, hookimpl
from fecbench.core.text import inline
from fecbench.terminal.bar import new_bar
from fecbench.terminal.output import console, score_columns, score_text

PREPARING = "preparing data and model"


class RunProgress:
    """A run observer that prints progress; it shows a bar on a terminal or in a notebook only."""

    def __init__(self) -> None:
        self.console = console(stderr=True)
        self.bar = new_bar(self.console)
        self.loss = ""

    @hookimpl
    def run_started(self, run: RunInfo) -> None:
        """Print the run's settings, notes and folder, and start the bar."""
        names = ["encoder", "head", "lr", "batch_size", "seed", *(["fold"] if run.settings.get("folds") else [])]
        settings = ", ".join(f"{name} {run.settings[name]}" for name in names)
        self._print(f"{run.objective} on {run.dataset}: {settings}")
        for note in run.notes:
            self._print(f"note: {note}")
        self._print(f"record: {run.folder}")
        self._update(run, run.objective, 0)
        self.bar.start()

    @hookimpl
    def updates_logged(self, run: RunInfo, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        """Update the bar, which counts the batches of all epochs, and the loss."""
        self.loss = f"loss {logs.get('model_loss', float('nan')):.3f}"
        self._update(run, f"epoch {epoch}/{run.epochs} {self.loss}", (epoch - 1) * run.steps_per_epoch + step)

    @hookimpl
    def epoch_finished(self, run: RunInfo, epoch: int, logs: Mapping[str, float]) -> None:
        """Keep the epoch's mean loss for the epoch's line, and say that validation is next."""
        self.loss = f"loss {logs.get('model_loss', float('nan')):.3f}"
        self._update(run, f"epoch {epoch}/{run.epochs} validation", epoch * run.steps_per_epoch)

    @hookimpl
    def evaluated(self, run: RunInfo, epoch: int, split: str, metrics: Mapping[str, float], best: bool) -> None:
        """Print the epoch's loss and scores."""
        scores = "  ".join(f"{name} {score_text(name, metrics[name])}" for name in score_columns(metrics))
        self._print(f"epoch {epoch}/{run.epochs}  {self.loss}  {split}  {scores}{'  best' if best else ''}")
        self._update(run, f"epoch {epoch}/{run.epochs} done", epoch * run.steps_per_epoch)

    @hookimpl
    def run_finished(self, run: RunInfo, result: Mapping[str, Any]) -> None:
        """Remove the bar; print why training ended early, if it did, and the time that the run took."""
        self.bar.stop()
        epochs, best = result.get("epochs"), result.get("best_epoch")
        if epochs and best and epochs < run.epochs:
            self._print(f"stopped early: no better epoch in {epochs - best}; the best was {best} of {epochs}")
        self._print(f"time: {in_words(result.get('seconds'))}")

    @hookimpl
    def run_failed(self) -> None:
        """Remove the bar."""
        self.bar.stop()

    def _update(self, run: RunInfo, text: str, batches: int) -> None:
        self.bar.update(text, batches, run.epochs * run.steps_per_epoch)

    def _print(self, line: str) -> None:
        self.console.print(inline(line), soft_wrap=True)
