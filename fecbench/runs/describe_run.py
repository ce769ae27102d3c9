"""Describe a run in ``run.json``: its data, encoder, settings and machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from fecbench.runs import provenance
from fecbench.runs.record import RUN
from fecbench.runs.write_record import write_about, write_encoder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.runs.build import Built
    from fecbench.runs.record import Record
    from fecbench.runs.schema import RecordedTrial


def describe_run(
    record: Record,
    identity: Mapping[str, Any],
    data: EmotionData,
    built: Built,
    notes: Sequence[str],
    trial: RecordedTrial | None = None,
) -> None:
    """Write ``encoder/`` and ``run.json``, unless an earlier attempt wrote them.

    Args:
        record: the record to write to.
        identity: objective, settings, versions and fingerprints of the run (``provenance.identify``).
        data: the data set.
        built: the model and its encoder, and the tokenised splits.
        notes: remarks on the run.
        trial: the trial of a benchmark's search that the run is; None for any other run.
    """
    if (record.folder / RUN).exists():
        return
    write_encoder(record, built.source)
    about = {
        "id": record.id,
        **identity,
        "dataset": {**identity["dataset"], **_dataset(data, built)},
        "encoder": _encoder(built),
        "max_length": built.max_length,
        "threads": torch.get_num_threads(),
        "notes": list(notes),
        **({"trial": trial.model_dump()} if trial else {}),
    }
    write_about(record, about)


def _dataset(data: EmotionData, built: Built) -> dict[str, Any]:
    """Return the data set's description and the numbers of its rows."""
    info = data.info
    return {
        "title": info.title,
        "licence": info.licence,
        "homepage": info.homepage,
        "language": info.language,
        "citation": info.citation,
        "metric": info.metric,
        "reading": dict(data.reading) or None,
        "rows": {split: len(tokens) for split, tokens in built.splits.items()},
        "available": len(data.splits["train"]),
        "cut": list(data.cut),
    }


def _encoder(built: Built) -> dict[str, Any]:
    """Return the encoder's name, revision, digest and pooling."""
    source = built.source
    return {
        "name": source.name,
        "revision": getattr(source.config, "_commit_hash", None),  # where transformers keeps the hub's commit
        "weights": provenance.weights_digest(built.model.encoder.network),
        "pretrained": source.weights is not None,
        "pooling": built.model.encoder.pooling,
    }
