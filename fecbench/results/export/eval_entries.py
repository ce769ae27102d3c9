"""Write test scores as evaluation entries of the Hugging Face hub (``.eval_results/*.yaml``).

The hub collects the entries for the leaderboards of its data sets. An entry states that the test rows are those of a
hub data set. That is certain for a run on ``hf:owner/name`` if the data set has a test split, no configuration was
chosen and no rows of raters were joined. In all other cases the user has to name the data set.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from fecbench.core.errors import UsageError
from fecbench.data.datasets.addresses import ADDRESS, HUB_PREFIX
from fecbench.results.export.card_schema import card_run_file
from fecbench.results.export.hub_names import check_hub_name
from fecbench.runs.record import shown_notes

if TYPE_CHECKING:
    from pathlib import Path

    from huggingface_hub import EvalResultEntry

    from fecbench.runs.record import Record


FOLDER = ".eval_results"


class HubDataset(NamedTuple):
    """A data set of the hub.

    Attributes:
        id: ``owner/name``.
        config: the configuration that the user chose, if any.
        revision: the commit that the user chose, if any; None for a branch or tag.
    """

    id: str
    config: str | None = None
    revision: str | None = None


class EvalTarget(NamedTuple):
    """The hub data set that the evaluation entries name.

    Attributes:
        dataset: the data set; None if no entries can be written.
        note: why there are no entries and how to get them; empty if there is a data set.
    """

    dataset: HubDataset | None
    note: str = ""


def hub_dataset(record: Record) -> HubDataset | None:
    """Return the hub data set that the run was started on, or None if its data is not from the hub."""
    used = str(record.settings()["dataset"])
    match = ADDRESS.fullmatch(used.removeprefix(HUB_PREFIX)) if used.startswith(HUB_PREFIX) else None
    if match is None:
        return None
    revision = match["revision"]
    is_commit = revision and re.fullmatch(r"[0-9a-f]{40}", revision)  # a branch or tag can move to other rows
    return HubDataset(match["repo"], match["config"], revision if is_commit else None)


def eval_target(record: Record, name: str | None) -> EvalTarget:
    """Return the data set that evaluation entries name: the one called ``name``, else the run's own if that is certain.

    Raises:
        UsageError: ``name`` is not a valid ``owner/name``, or the run has no test scores.
    """
    if name is not None:
        check_hub_name(name, "--eval-dataset", "data set")
        if _has_no_scores(record):
            raise UsageError(
                f"--eval-dataset needs test scores, but the test split of {record.run_file.dataset.name} has no "
                "labels; leave it out"
            )
        return EvalTarget(HubDataset(name))
    if _has_no_scores(record):
        return EvalTarget(None, f"no {FOLDER}: the test split of {record.run_file.dataset.name} has no labels")
    doubt = _doubt(record)
    if doubt:
        return EvalTarget(
            None,
            f"no {FOLDER}: {doubt}; if its test rows are those of a data set of the hub, add --eval-dataset OWNER/NAME",
        )
    return EvalTarget(hub_dataset(record))


def _has_no_scores(record: Record) -> bool:
    """Return True for a complete run on a test split without labels."""
    return record.status == "complete" and record.result_file.metrics.test is None


def _doubt(record: Record) -> str:
    """Return why the run's test rows may differ from its data set's test split; empty if they are the same."""
    recorded, dataset = record.run_file.dataset, hub_dataset(record)
    name, cut = recorded.name, recorded.cut
    if dataset is None:
        return f"{name} is not a data set of the hub"
    if dataset.config:
        return f"{name} is one configuration of {dataset.id}, and an entry can't name a configuration"
    if cut is None:
        return f"the record of this run on {name} doesn't say whether the test rows were cut from train"
    if "test" in cut:
        return f"the test rows were cut from the training rows of {name}, which has no test split"
    if record.settings().get("rater_column") is not None:
        return f"each test row joins the rows that several raters have in {name}"
    return ""


def result_entries(record: Record, dataset: HubDataset) -> list[EvalResultEntry]:
    """Return an entry for each test score, as the record has it: a fraction of 1, or a number in the metric's unit.

    The entry's task is the metric's name. Its notes end with the record's notes.
    """
    from huggingface_hub import EvalResultEntry

    run_file = card_run_file(record)
    program = f"fecbench {run_file.versions['fecbench']}"
    origin = f"{program}, objective {run_file.objective.name}, seed {record.settings()['seed']}, one run"
    several = ["several labels a text"] if run_file.dataset.labelling == "multi" else []
    notes = "; ".join([origin, *several, *shown_notes(record)])
    return [
        EvalResultEntry(
            dataset.id, metric, score, dataset_revision=dataset.revision, date=run_file.started, notes=notes
        )
        for metric, score in record.result_file.metrics.of("test").items()
    ]


def write(record: Record, dataset: HubDataset, folder: Path) -> None:
    """Write the evaluation entries of ``record`` into ``folder``."""
    from huggingface_hub import eval_result_entries_to_yaml
    from huggingface_hub.utils import yaml_dump  # type: ignore[attr-defined]  # re-exported without __all__

    content = eval_result_entries_to_yaml(result_entries(record, dataset))
    subfolder = folder / FOLDER
    subfolder.mkdir()
    (subfolder / f"{dataset.id.replace('/', '--')}.yaml").write_text(yaml_dump(content), encoding="utf-8")
