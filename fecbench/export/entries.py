"""Test scores as evaluation entries of the Hugging Face hub: ``.eval_results/*.yaml``, which leaderboards of its data sets collect.

An entry claims that the test rows are those of a data set of the hub. Only a run on ``hf:owner/name`` knows that; for other data the user
says it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fecbench.datasets import HUB_PREFIX
from fecbench.errors import UsageError

if TYPE_CHECKING:
    from huggingface_hub import EvalResultEntry

    from fecbench.runs import Record

FOLDER = ".eval_results"


class HubDataset(NamedTuple):
    """A data set of the hub: ``owner/name``, and its revision where a commit is known."""

    id: str
    revision: str | None = None


def hub_dataset(record: Record, asked: str | None) -> HubDataset | None:
    """The data set that entries name: the one ``asked`` for, or the run's own where it came from the hub; None where neither is.

    Raises:
        UsageError: ``asked`` isn't ``owner/name``.
    """
    if asked is not None:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", asked):
            raise UsageError(f"--eval-dataset must be a data set of the hub, owner/name, found {asked!r}; correct or leave it out")
        return HubDataset(asked)
    used = str(record.settings()["dataset"])
    if not used.startswith(HUB_PREFIX):
        return None
    from fecbench.datasets.hub import ADDRESS

    match = ADDRESS.fullmatch(used.removeprefix(HUB_PREFIX))
    if match is None:
        return None
    revision = match["revision"]
    return HubDataset(match["repo"], revision if revision and re.fullmatch(r"[0-9a-f]{40}", revision) else None)


def entries(record: Record, dataset: HubDataset) -> list[EvalResultEntry]:
    """An entry for each test score, a fraction of 1; its task is the metric's name.

    Raises:
        UsageError: the installed huggingface_hub has no such entries.
    """
    try:
        from huggingface_hub import EvalResultEntry
    except ImportError:
        raise UsageError("evaluation entries need a later huggingface_hub; pip install -U huggingface_hub") from None
    about = record.about
    how = f"fecbench {about['versions']['fecbench']}, objective {about['objective']['name']}, seed {record.settings()['seed']}, one run"
    return [
        EvalResultEntry(dataset.id, metric, score, dataset_revision=dataset.revision, date=about["started"], notes=how)
        for metric, score in record.result["metrics"]["test"].items()
    ]


def write(record: Record, dataset: HubDataset, folder: Path) -> None:
    """Write the entries of ``record`` below ``folder``. Raises UsageError."""
    from huggingface_hub import eval_result_entries_to_yaml
    from huggingface_hub.utils import yaml_dump  # type: ignore[attr-defined]  # it doesn't mark what it offers

    found = eval_result_entries_to_yaml(entries(record, dataset))
    place = folder / FOLDER
    place.mkdir()
    (place / f"{dataset.id.replace('/', '--')}.yaml").write_text(yaml_dump(found), encoding="utf-8")


def absent(record: Record) -> str:
    """Why there are no entries, and how to have them."""
    name = record.about["dataset"]["name"]
    return f"no {FOLDER}: {name} isn't a data set of the hub; if its test rows are those of one, say --eval-dataset OWNER/NAME"
