"""Write the model card: training data and settings, scores, licence of the data, limits and citations."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from importlib.metadata import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fecbench.core import registry
from fecbench.core.errors import PluginError
from fecbench.core.text import escape, inline, printable
from fecbench.data.datasets.load import get_dataset
from fecbench.model.encoders.languages import code_of
from fecbench.results.export.card_schema import card_result_file, card_run_file
from fecbench.results.export.card_scores import score_values
from fecbench.results.export.eval_entries import hub_dataset
from fecbench.runs.identity import LOCAL_SETTINGS
from fecbench.runs.local_paths import encoder_name
from fecbench.runs.majority import majority_of_test, recorded_majority
from fecbench.runs.record import shown_notes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from huggingface_hub import ModelCardData

    from fecbench.results.export.card_schema import CardResultFile
    from fecbench.results.export.eval_entries import HubDataset
    from fecbench.runs.majority import Majority
    from fecbench.runs.predictor import Predictor
    from fecbench.runs.record import Record


TEMPLATE = Path(__file__).with_name("card.md.jinja")
LIBRARIES = {"hf": "transformers", "onnx": "onnx"}
NAMED_ELSEWHERE = LOCAL_SETTINGS  # a card must not show local paths
WORST = 3  # number of labels that the card lists as the worst


def write(
    record: Record,
    predictor: Predictor,
    kind: str,
    dataset: HubDataset | None,
    folder: Path,
    name: str,
    repository: str | None = None,
) -> None:
    """Write the model card to ``README.md`` in ``folder``.

    Args:
        record: the run.
        predictor: the run's model.
        kind: the format of the export.
        dataset: the hub data set that the test rows are from, if that is known.
        folder: the export.
        name: the model's name.
        repository: the model repository of the hub that the export is for, if any.
    """
    from huggingface_hub import ModelCard

    values = _template_values(record, predictor) | {"kind": kind, "name": name, "repository": repository}
    card = ModelCard.from_template(_metadata(record, kind, dataset, name), template_path=str(TEMPLATE), **values)
    card.save(folder / "README.md")


def _metadata(record: Record, kind: str, dataset: HubDataset | None, name: str) -> ModelCardData:
    """Return the card's metadata, which the hub reads.

    No licence is given: it depends on the data and the encoder, and the publisher has to choose it.
    """
    from huggingface_hub import EvalResult, ModelCardData

    run_file, trained_on = card_run_file(record), hub_dataset(record)
    data, encoder = run_file.dataset, run_file.encoder
    scores = [
        EvalResult(
            task_type="text-classification",
            # Only the test rows are known to be from ``dataset``.
            dataset_type=dataset.id if dataset and split == "test" else data.name,
            dataset_name=data.title,
            dataset_split=split,
            metric_type=metric,
            metric_value=score,
        )
        for split, metrics in record.result_file.metrics.by_split().items()
        for metric, score in metrics.items()
    ]
    return ModelCardData(
        library_name=LIBRARIES[kind],
        pipeline_tag="text-classification",
        tags=["emotion-classification", "fecbench", run_file.objective.name],
        base_model=encoder.name if encoder.revision else None,  # an encoder with a commit is from the hub
        datasets=[trained_on.id] if trained_on else None,
        language=code_of(data.language or "") or None,
        metrics=list(dict.fromkeys(score.metric_type for score in scores)),
        model_name=name,
        eval_results=scores,
    )


def _template_values(record: Record, predictor: Predictor) -> dict[str, Any]:
    """Return the values for the card's template."""
    run_file, result = card_run_file(record), card_result_file(record)
    settings = {key: value for key, value in record.settings().items() if key not in NAMED_ELSEWHERE}
    support = {label: int(scores.support) for label, scores in (result.per_class or {}).items()}
    return {
        "about": run_file,
        "labels": len(predictor.labels),
        "decision": predictor.decision,
        "result": result,
        "encoder": encoder_name(record),
        "homepage": _homepage(record),
        "reading": _reading(record),
        "settings": settings,
        "notes": shown_notes(record),
        "baseline": None if predictor.decision else _baseline(result, support),
        **score_values(result),
        "worst": _worst({label: scores.f1 for label, scores in (result.per_class or {}).items() if scores.support}),
        "citation": predictor.objective.citation,
        "bibtex": bibtex(run_file.objective.name, predictor.objective.citation),
        "fecbench": metadata("fecbench"),
        "escape": lambda value: escape(str(value)),
        "inline": inline,
    }


def _baseline(result: CardResultFile, support: Mapping[str, int]) -> Majority | None:
    """Return the scores of the most frequent class; None if neither the record nor a test row tells it."""
    return recorded_majority(result) or (majority_of_test(support) if support else None)


def _homepage(record: Record) -> str:
    """Return the address of the data set: that of the record, else that of the registered data set; "" if unknown."""
    recorded = record.run_file.dataset.homepage
    if recorded is not None:  # older records have none
        return recorded if re.fullmatch(r"https?://[^\s<>]+", recorded) else ""
    name = str(record.settings()["dataset"])
    with suppress(PluginError):  # a broken plugin must not stop the export
        return get_dataset(name).info.homepage if name in registry.datasets else ""
    return ""


def _reading(record: Record) -> str:
    """Return in JSON how the rows of a user's own data set were read; "" if the record doesn't say."""
    reading = record.run_file.dataset.reading
    return printable(json.dumps(reading, indent=1, ensure_ascii=False)) if reading else ""


def _worst(f1: Mapping[str, float]) -> list[str]:
    """Return the ``WORST`` labels of lowest F1.

    Return none if that would be half of all labels or more, or if the next label ties with them.

    >>> _worst({"a": 0.9, "b": 0.1, "c": 0.8, "d": 0.3, "e": 0.7, "f": 0.2, "g": 0.6})
    ['b', 'f', 'd']
    >>> _worst({"a": 0.0, "b": 0.0, "c": 0.0, "d": 0.0, "e": 0.7, "f": 0.2, "g": 0.6})
    []
    """
    if len(f1) <= 2 * WORST:
        return []
    ranked = sorted(f1, key=lambda label: f1[label])
    is_tie = f1[ranked[WORST - 1]] == f1[ranked[WORST]]
    return [] if is_tie else ranked[:WORST]


def bibtex(key: str, source: str) -> str:
    r"""Return a BibTeX entry for a source that is known as one line of text.

    >>> print(bibtex("supcon", "Khosla & al. 2020"))
    @misc{supcon,
      note = {{Khosla \& al. 2020}},
    }
    """
    escaped = re.sub(r"([&%$#_])", r"\\\1", re.sub(r"[{}\\]", "", source))
    return f"@misc{{{key},\n  note = {{{{{escaped}}}}},\n}}"
