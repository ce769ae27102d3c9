"""Test scores as evaluation entries of the Hugging Face hub: ``.eval_results/*.yaml``, which leaderboards of its data sets collect.

An entry claims that the test rows are those of a data set of the hub. A run on ``hf:owner/name`` knows that where the hub has a test split
and only one configuration was to be had; in all other cases the user says it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from fecbench.core.errors import UsageError
from fecbench.data.datasets.names import HUB_PREFIX
from fecbench.results.export.record_schema import card_run_file
from fecbench.runs import local_paths

if TYPE_CHECKING:
    from pathlib import Path

    from huggingface_hub import EvalResultEntry

    from fecbench.runs.record import Record


FOLDER = ".eval_results"


class HubDataset(NamedTuple):
    """A data set of the hub: ``owner/name``, the configuration that was named, and the revision where that is a commit."""

    id: str
    config: str | None = None
    revision: str | None = None


class Claim(NamedTuple):
    """The data set whose test rows the scores are of; without one, why nothing is claimed and how it could be."""

    dataset: HubDataset | None
    note: str = ""


def trained_on(record: Record) -> HubDataset | None:
    """The data set of the hub that the run was given; None where its data came from elsewhere."""
    from fecbench.data.datasets.names import ADDRESS

    used = str(record.settings()["dataset"])
    match = ADDRESS.fullmatch(used.removeprefix(HUB_PREFIX)) if used.startswith(HUB_PREFIX) else None
    if match is None:
        return None
    revision = match["revision"]
    return HubDataset(
        match["repo"], match["config"], revision if revision and re.fullmatch(r"[0-9a-f]{40}", revision) else None
    )


def claim(record: Record, asked: str | None) -> Claim:
    """What entries may claim: the data set ``asked`` for, or the run's own where its test rows are surely that one's.

    Raises:
        UsageError: ``asked`` isn't ``owner/name``.
    """
    if asked is not None:
        _check_name(asked)
        return Claim(HubDataset(asked))
    doubt = _doubt(record)
    if doubt:
        return Claim(
            None,
            f"no {FOLDER}: {doubt}; if its test rows are those of a data set of the hub, say --eval-dataset OWNER/NAME",
        )
    return Claim(trained_on(record))


def _check_name(asked: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # it doesn't mark what it offers

    try:
        validate_repo_id(asked)
        valid = asked.count("/") == 1
    except HFValidationError:
        valid = False
    if not valid:
        raise UsageError(
            f"--eval-dataset must be a data set of the hub, owner/name, found {asked!r}; correct or leave it out"
        )


def _doubt(record: Record) -> str:
    """Why the run's test rows may be other rows than those of its data set's test split; empty where they can't."""
    recorded, dataset = record.run_file.dataset, trained_on(record)
    name, cut = recorded.name, recorded.cut
    if dataset is None:
        return f"{name} isn't a data set of the hub"
    if dataset.config:
        return f"{name} is one configuration of {dataset.id}, which an entry doesn't name"
    if cut is None:
        return f"the record of this run on {name} doesn't say whether the test rows were cut from train"
    return f"the test rows were cut from the training rows of {name}, which has none" if "test" in cut else ""


def entries(record: Record, dataset: HubDataset) -> list[EvalResultEntry]:
    """An entry for each test score, a fraction of 1; its task is the metric's name, its notes end with the record's own."""
    from huggingface_hub import EvalResultEntry

    run_file = card_run_file(record)
    version, seed = run_file.versions["fecbench"], record.settings()["seed"]
    how = f"fecbench {version}, objective {run_file.objective.name}, seed {seed}, one run"
    notes = "; ".join([how, *local_paths.notes(record)])
    return [
        EvalResultEntry(
            dataset.id, metric, score, dataset_revision=dataset.revision, date=run_file.started, notes=notes
        )
        for metric, score in record.result_file.metrics.test.items()
    ]


def write(record: Record, dataset: HubDataset, folder: Path) -> None:
    """Write the entries of ``record`` below ``folder``."""
    from huggingface_hub import eval_result_entries_to_yaml
    from huggingface_hub.utils import yaml_dump  # type: ignore[attr-defined]  # it doesn't mark what it offers

    found = eval_result_entries_to_yaml(entries(record, dataset))
    place = folder / FOLDER
    place.mkdir()
    (place / f"{dataset.id.replace('/', '--')}.yaml").write_text(yaml_dump(found), encoding="utf-8")
