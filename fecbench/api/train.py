"""Train and test an objective from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fecbench.api.given_data import dataset_of
from fecbench.api.given_values import names_of, settings_of
from fecbench.api.run import Run
from fecbench.core.errors import UsageError
from fecbench.core.paths import path_of

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence


def run(
    objective: str,
    dataset: object,
    *,
    name: str = "data",
    run_dir: str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = True,
    metrics: str | Sequence[str] | None = (),
    observers: Sequence[object] | None = (),
    **settings: Any,
) -> Run:
    """Train an objective on a data set, test it and return the complete run.

    It is ``fecbench run``: the same settings, engine and record. Call it for each seed and each fold.

    Args:
        objective: name of the objective, such as ``aml``.
        dataset: name, path or ``hf:owner/name``; or rows in memory: a pair ``(texts, labels)``, a data frame or
            ``datasets.Dataset`` with the columns ``text`` and ``label``, or a mapping from ``train``, ``validation``
            and ``test`` to such rows.
        name: name of rows in memory.
        run_dir: the run's folder; a new one under ``runs`` if None.
        data_dir: folder to search for named data sets.
        resume: continue the unfinished run in ``run_dir``, or the newest one with these settings.
        progress: show a progress bar and the scores of each epoch.
        metrics: further metrics, such as ``micro_f1:without=neutral``.
        observers: further implementations of the hooks.
        settings: settings of the run and options of the objective, such as ``encoder="minilm"`` and ``epochs=3``.

    Raises:
        FecbenchError: a setting, the data, the encoder or the plugin is faulty; the message says what to do.
    """
    from fecbench.data.datasets.locations import DataLocations
    from fecbench.runs.experiment import RunContext
    from fecbench.runs.experiment import run as carry_out
    from fecbench.runs.plan import plan
    from fecbench.terminal.output import print_if_watched
    from fecbench.terminal.run_progress import PREPARING, RunProgress

    given = settings_of(settings)
    if "folds" in given and "fold" not in given:
        raise UsageError(
            f"a run of a cross-validation has one fold, but fold is missing; give fold=0, and call run for each of the "
            f"{given['folds']} folds"
        )
    flags = {"dataset": dataset_of(dataset, name), **given}
    if progress:
        print_if_watched(PREPARING)
    context = RunContext(
        DataLocations(None if data_dir is None else path_of(data_dir)),
        None if run_dir is None else path_of(run_dir),
        resume,
        observers=[*([RunProgress()] if progress else []), *(observers or ())],
        metrics=names_of(metrics, "metrics"),
    )
    return Run(carry_out(plan(objective, flags), context))
